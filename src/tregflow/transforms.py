"""Scales: how data units become positions on an axis, and where the axis carries its ticks.

Every scale is a frozen value with the same verbs. `apply` maps compensated intensities in data units onto the axis,
where [0, 1] is the displayed range (Gating-ML 2.0, section 6); values beyond it get positions beyond it, except on
FlowJo's biexponential axis, which clamps. `inverse` leads back. NaN stays NaN, and infinity stays infinite or is NaN.

All scales rise (FlowJo's: between its ends), so they keep order: a rectangle can be compared in data units. Edges of
polygons are straight on the axis, not in data units.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, ClassVar, TypeGuard

import numpy as np

from tregflow.errors import ScaleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike, NDArray

LN10 = math.log(10.0)
_BIEX_CHANNELS = 4096  # FlowJo's table has 4,097 points
_LABEL_GAP = 0.04  # of the axis: labels nearer than that run into each other
_MOST_DECADES = 100.0  # beyond any instrument, and 10**m and its square stay within float64
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Scale(ABC):
    """What all scales share: checks, ticks, and labels.

    Attributes
    ----------
    kind : str
        Name in a strategy: ``linear``, ``log``, ``logicle``, ``asinh`` or ``biex``.
    affine : bool
        True where the axis only shifts and stretches: straight edges are straight in data units, too, and gates are
        then evaluated there, without the rounding of a division.
    """

    __slots__ = ()
    kind: ClassVar[str]
    affine: ClassVar[bool] = False

    @abstractmethod
    def apply(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the positions on the axis of intensities `x` (any shape, data units)."""

    @abstractmethod
    def inverse(self, y: ArrayLike) -> NDArray[np.float64]:
        """Return the intensities, in data units, at positions `y` on the axis (any shape)."""

    def defined(self, x: ArrayLike) -> NDArray[np.bool_]:
        """Tell which of `x` (any shape, data units) have a finite position on the axis."""
        return np.isfinite(_float64(x))

    def ticks(self, low: float | None = None, high: float | None = None) -> NDArray[np.float64]:
        """Return where labelled ticks belong: zero and the powers of ten of either sign, in data units.

        Parameters
        ----------
        low, high : float, optional
            Ends of what is shown, in data units; by default the displayed range, `inverse(0)` to `inverse(1)`.

        Returns
        -------
        (n_ticks,) ndarray of float64
            Ascending, within `low` and `high`. Powers of ten that crowd around zero (nearer than 4 % of the axis) are
            left out. Where fewer than two ticks remain, as in a narrow window, evenly spaced round numbers instead.

        Raises
        ------
        ScaleError
            `low` is not below `high`, or the axis does not reach them (``E_SCALE``).
        """
        low, high = self._window(low, high)
        ticks = _labelled(low, high, self._decades(low, high))
        return ticks if ticks.size > 1 else _even_ticks(low, high)

    def minor_ticks(self, low: float | None = None, high: float | None = None) -> NDArray[np.float64]:
        """Return where unlabelled ticks belong, in data units: 2 to 9 times each power of ten, of either sign.

        They begin one decade below the smallest labelled one; between evenly spaced ticks there are none. Parameters,
        order and errors as for `ticks`.
        """
        low, high = self._window(low, high)
        decades = self._decades(low, high)
        if _labelled(low, high, decades).size < 2:
            return np.empty(0)
        steps = [digit * decade for decade in (*(d / 10 for d in decades[:1]), *decades) for digit in range(2, 10)]
        return _within(low, high, steps, (-step for step in steps))

    def format_tick(self, value: float) -> str:
        """Return the label of a tick at `value` (data units): ``-10³``, ``0``, ``10⁵``; off the decades ``2.5K``."""
        power = round(math.log10(abs(value))) if value else 0
        if value and abs(value) == float(f"1e{power}"):
            return f"{'-' if value < 0 else ''}10{str(power).translate(_SUPERSCRIPTS)}"
        return _plain(value)

    def _window(self, low: float | None, high: float | None) -> tuple[float, float]:
        low = float(self.inverse(0.0)) if low is None else low
        high = float(self.inverse(1.0)) if high is None else high
        if not (low < high and math.isfinite(high - low) and self.defined([low, high]).all()):
            problem = f"{self.kind}: no axis from {_exact(low)} to {_exact(high)}"
            raise ScaleError(problem, code="E_SCALE", expected="low < high, both on the axis")
        # A grain of tolerance keeps a tick at the very end: the displayed range comes out of exp() and log().
        return low - 1e-12 * abs(low), high + 1e-12 * abs(high)

    def _decades(self, low: float, high: float) -> list[float]:
        """Return the positive powers of ten that are worth a label between `low` and `high`, upwards from zero."""
        top = math.floor(math.log10(max(abs(low), abs(high))))
        decades = [float(f"1e{power}") for power in range(max(top - 200, -307), top + 1)]
        # Scales with negative values are symmetric around zero: what has room on one side has it on the other.
        positions = self.apply(decades)
        gap = _LABEL_GAP * float(self.apply(high) - self.apply(low))
        last = float(self.apply(0.0)) if self.defined(0.0) else -math.inf
        kept = []
        for decade, position in zip(decades, positions, strict=True):
            if position - last >= gap and any(low <= signed <= high for signed in (decade, -decade)):
                kept.append(decade)
                last = position
        return kept


@dataclass(frozen=True, slots=True)
class Linear(Scale):
    """Linear axis from ``-a`` to `t`: ``(x + a) / (t + a)`` (Gating-ML 2.0, flin).

    Parameters
    ----------
    t : float
        Top of the axis in data units.
    a : float
        How far the axis reaches below zero, ``0 <= a <= t``.

    Raises
    ------
    ScaleError
        A parameter is out of its range (``E_SCALE``).

    Examples
    --------
    >>> float(Linear(t=1024, a=256).apply(-100))
    0.121875
    """

    t: float = 262144.0
    a: float = 0.0
    kind: ClassVar[str] = "linear"
    affine: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check_numbers(self)
        _check_top(self, "t")
        _check_range(self, "a", (0.0, ""), (self.t, "t"))

    def apply(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the positions on the axis of intensities `x` (any shape, data units)."""
        with np.errstate(over="ignore"):
            return np.asarray((_float64(x) + self.a) / (self.t + self.a))

    def inverse(self, y: ArrayLike) -> NDArray[np.float64]:
        """Return the intensities, in data units, at positions `y` on the axis (any shape)."""
        with np.errstate(over="ignore"):
            return np.asarray(_float64(y) * (self.t + self.a) - self.a)

    def ticks(self, low: float | None = None, high: float | None = None) -> NDArray[np.float64]:
        """Return evenly spaced round numbers, in data units; parameters and errors as for `Scale.ticks`."""
        return _even_ticks(*self._window(low, high))

    def minor_ticks(self, low: float | None = None, high: float | None = None) -> NDArray[np.float64]:
        """Return what divides the distance of two labelled ticks by five; parameters and errors as for `ticks`."""
        low, high = self._window(low, high)
        digit, power = _even_step(low, high)
        fine = _multiples(2 * digit, power - 1, low, high)
        return np.setdiff1d(fine, _even_ticks(low, high))

    def format_tick(self, value: float) -> str:
        """Return the label of a tick at `value` (data units): ``0``, ``50K``, ``1.5M``."""
        return _plain(value)


@dataclass(frozen=True, slots=True)
class Log(Scale):
    """Logarithmic axis of `m` decades below `t`: ``log10(x / t) / m + 1`` (Gating-ML 2.0, flog).

    Zero and negative intensities have no position: `apply` gives NaN, and gates leave such events out.

    Parameters
    ----------
    t : float
        Top of the axis in data units.
    m : float
        Decades shown.

    Raises
    ------
    ScaleError
        A parameter is out of its range (``E_SCALE``).
    """

    t: float = 262144.0
    m: float = 4.5
    kind: ClassVar[str] = "log"

    def __post_init__(self) -> None:
        _check_numbers(self)
        _check_top(self, "t")
        _check_decades(self, "m")

    def apply(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the positions on the axis of intensities `x` (any shape, data units); NaN for `x` <= 0."""
        data = _float64(x)
        positive = np.where(data > 0, data, np.nan)
        # A difference of logarithms, not the logarithm of a quotient: a quotient can underflow to zero.
        return np.asarray((np.log10(positive) - math.log10(self.t)) / self.m + 1.0)

    def inverse(self, y: ArrayLike) -> NDArray[np.float64]:
        """Return the intensities, in data units, at positions `y` on the axis (any shape)."""
        with np.errstate(over="ignore", under="ignore"):
            return np.asarray(self.t * 10.0 ** ((_float64(y) - 1.0) * self.m))

    def defined(self, x: ArrayLike) -> NDArray[np.bool_]:
        """Tell which of `x` (any shape, data units) have a finite position on the axis: those above zero."""
        data = _float64(x)
        return np.isfinite(data) & (data > 0)


@dataclass(frozen=True, slots=True)
class Logicle(Scale):
    """Logicle axis: linear around zero, logarithmic far from it, smooth in between (Gating-ML 2.0, logicle).

    The inverse of ``a e^(by) - c e^(-dy) - f`` of Moore and Parks (Cytometry A 2012, 81A:273), mirrored at zero for
    negative intensities. Accurate to about 1e-15 of the axis at any intensity.

    Parameters
    ----------
    t : float
        Top of the axis in data units.
    w : float
        Width of the linear part in decades, ``0 <= w <= m / 2``.
    m : float
        Decades of the axis.
    a : float
        Additional negative decades, ``-w <= a <= m - 2 w``.

    Raises
    ------
    ScaleError
        A parameter is out of its range (``E_SCALE``).
    """

    t: float = 262144.0
    w: float = 0.5
    m: float = 4.5
    a: float = 0.0
    kind: ClassVar[str] = "logicle"

    def __post_init__(self) -> None:
        _check_numbers(self)
        _check_top(self, "t")
        _check_decades(self, "m")
        _check_range(self, "w", (0.0, ""), (self.m / 2, "m / 2"))
        _check_range(self, "a", (-self.w, "-w"), (self.m - 2 * self.w, "m - 2 w"))

    def apply(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the positions on the axis of intensities `x` (any shape, data units)."""
        from tregflow._kernels import logicle  # here, since it brings in numba

        zero, a, b, c, d = self._constants()
        return np.asarray(zero + logicle(x, a, b, c, d))

    def inverse(self, y: ArrayLike) -> NDArray[np.float64]:
        """Return the intensities, in data units, at positions `y` on the axis (any shape)."""
        zero, a, b, c, d = self._constants()
        u = _float64(y) - zero
        with np.errstate(over="ignore"):
            return np.asarray(np.copysign(a * np.expm1(b * abs(u)) - c * np.expm1(-d * abs(u)), u))

    def _constants(self) -> tuple[float, float, float, float, float]:
        """Return the position x1 of zero, and a, b, c, d of the function seen from there.

        The letters are those of Gating-ML 2.0, except that a and c hold the factors e^(b x1) and e^(-d x1) as well.
        With them the function is ``a expm1(b u) - c expm1(-d u)``, ``u = y - x1``: f has gone into the expm1, and the
        condition that the curvature vanishes at zero reads ``a b**2 == c d**2``.
        """
        w = self.w / (self.m + self.a)
        b = (self.m + self.a) * LN10
        zero = self.a / (self.m + self.a) + w
        d = _damping(b, w)
        ratio = (b / d) ** 2
        a = self.t / (math.expm1(b * (1 - zero)) - ratio * math.expm1(-d * (1 - zero)))
        return zero, a, b, a * ratio, d


@dataclass(frozen=True, slots=True)
class Asinh(Scale):
    """Inverse hyperbolic sine: ``(asinh(x sinh(m ln 10) / t) + a ln 10) / ((m + a) ln 10)`` (Gating-ML 2.0, fasinh).

    The same as logicle with w = 0.

    Parameters
    ----------
    t : float
        Top of the axis in data units.
    m : float
        Decades of the axis.
    a : float
        Additional negative decades, ``0 <= a <= m``.

    Raises
    ------
    ScaleError
        A parameter is out of its range (``E_SCALE``).

    Examples
    --------
    >>> Asinh(t=1000, m=5).apply([-10, 0, 1000]).round(6)
    array([-0.6,  0. ,  1. ])
    """

    t: float = 262144.0
    m: float = 4.5
    a: float = 0.0
    kind: ClassVar[str] = "asinh"

    def __post_init__(self) -> None:
        _check_numbers(self)
        _check_top(self, "t")
        _check_decades(self, "m")
        _check_range(self, "a", (0.0, ""), (self.m, "m"))

    def apply(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the positions on the axis of intensities `x` (any shape, data units)."""
        data = _float64(x)
        unit = self.t / math.sinh(self.m * LN10)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            quotient = data / unit
            # Far off scale the quotient overflows where its logarithm does not: asinh(q) = ln(2 |q|) there.
            far = np.copysign(np.log(abs(data)) - math.log(unit / 2), data)
        angle = np.where(np.isinf(quotient) & np.isfinite(data), far, np.arcsinh(quotient))
        return np.asarray((angle + self.a * LN10) / ((self.m + self.a) * LN10))

    def inverse(self, y: ArrayLike) -> NDArray[np.float64]:
        """Return the intensities, in data units, at positions `y` on the axis (any shape)."""
        with np.errstate(over="ignore"):
            angle = (_float64(y) * (self.m + self.a) - self.a) * LN10
            return np.asarray(np.sinh(angle) * (self.t / math.sinh(self.m * LN10)))


@dataclass(frozen=True, slots=True)
class FlowJoBiex(Scale):
    """FlowJo 10's biexponential axis: a table of 4,097 intensities, straight between them, clamped at both ends.

    FlowJo publishes no formula. This one agrees with FlowKit's table to 1e-9 at every channel
    (tests/oracle/test_transforms_flowkit.py). The position is FlowJo's channel / 4096, so it lies in [0, 1] always.

    Parameters
    ----------
    neg : float
        Additional negative decades; below zero it counts as zero.
    width : float
        FlowJo's width basis, -1 or below: the more negative, the wider the linear part.
    pos : float
        Positive decades, more than ``log10(-width) / 2``.
    max : float
        Top of the axis in data units (FlowJo's `maxRange`).

    Raises
    ------
    ScaleError
        A parameter is out of its range, or the parameters give no rising axis (``E_SCALE``).
    """

    neg: float = 0.0
    width: float = -100.0
    pos: float = 4.418539922
    max: float = 262144.0
    kind: ClassVar[str] = "biex"

    def __post_init__(self) -> None:
        _check_numbers(self)
        _check_top(self, "max")
        _check_range(self, "neg", (-_MOST_DECADES, ""), (_MOST_DECADES, ""))
        _check_range(self, "width", (-1e100, ""), (-1.0, ""))
        _check_decades(self, "pos")
        if self.pos <= math.log10(-self.width) / 2:
            raise _out_of_range(self, "pos", f"pos > log10(-width) / 2 = {_exact(math.log10(-self.width) / 2)}")
        if not (np.diff(self._table()) > 0).all():
            problem = f"{self} gives no rising axis"
            raise ScaleError(problem, code="E_SCALE", remedy="copy neg, width and pos from FlowJo")

    def apply(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the positions on the axis of intensities `x` (any shape, data units); 0 or 1 beyond its ends."""
        data = _float64(x)
        channel = np.interp(data, self._table(), np.arange(_BIEX_CHANNELS + 1.0))
        return np.asarray(np.where(np.isinf(data), data, channel / _BIEX_CHANNELS))

    def inverse(self, y: ArrayLike) -> NDArray[np.float64]:
        """Return the intensities, in data units, at positions `y` (any shape); beyond [0, 1] those of the ends."""
        position = _float64(y)
        data = np.interp(position, np.arange(_BIEX_CHANNELS + 1.0) / _BIEX_CHANNELS, self._table())
        return np.asarray(np.where(np.isinf(position), position, data))

    def _table(self) -> NDArray[np.float64]:
        """Return the (4097,) intensities, in data units, of FlowJo's channels 0 to 4096."""
        half_width = math.log10(-self.width) / 2
        positive, negative = self.pos - half_width, max(self.neg, 0.0) + half_width
        zero = min(int(negative * _BIEX_CHANNELS / (negative + positive)), _BIEX_CHANNELS // 2)
        if zero > 0:  # the channel of zero is whole: the decades give way
            positive = negative * _BIEX_CHANNELS / zero
        width = half_width / positive
        rate = positive * LN10
        damping = _damping(rate, width)
        at = np.arange(_BIEX_CHANNELS + 1.0) / (_BIEX_CHANNELS + 1.0)
        # One exponential for the product of FlowJo's two: it cannot overflow where the product does not.
        curve = np.exp(rate * at) - np.exp((rate + damping) * (width + negative / positive) - damping * at)
        table: NDArray[np.float64] = self.max * math.exp(-rate) * (curve - curve[zero])
        table[:zero] = -table[2 * zero : zero : -1]  # point-symmetric around zero
        return table


_KINDS: dict[str, type[Linear | Log | Logicle | Asinh | FlowJoBiex]] = {
    scale.kind: scale for scale in (Linear, Log, Logicle, Asinh, FlowJoBiex)
}


def scale_from_spec(spec: object) -> Scale:
    """Build the scale that a strategy names: ``"linear"`` or ``{"logicle": {"w": 0.8}}``.

    Parameters
    ----------
    spec : str or mapping
        A kind alone, or a mapping of one kind to its parameters; parameters that are left out keep their defaults.

    Returns
    -------
    Scale
        The frozen scale.

    Raises
    ------
    ScaleError
        Unknown kind or parameter (with the near miss), more than one kind, or a value out of range (``E_SCALE``).

    Examples
    --------
    >>> scale_from_spec({"logicle": {"w": 0.8}})
    Logicle(t=262144.0, w=0.8, m=4.5, a=0.0)
    """
    if isinstance(spec, str):
        spec = {spec: None}
    if not isinstance(spec, Mapping) or len(spec) != 1:
        problem, expected = f"{_shown(spec)} is no scale", "one kind: linear, or with parameters: {logicle: {w: 0.8}}"
        raise ScaleError(problem, code="E_SCALE", expected=expected, available=tuple(_KINDS))
    ((kind, given),) = spec.items()
    if kind not in _KINDS:
        raise _unknown("there is no scale", kind, tuple(_KINDS))
    parameters = {} if given is None else given
    names = tuple(field.name for field in fields(_KINDS[kind]))
    if not isinstance(parameters, Mapping):
        problem = f"{kind}: {_shown(given)} is no mapping of parameters"
        raise ScaleError(problem, code="E_SCALE", expected=f"{{{kind}: {{{names[0]}: 1000}}}}", available=names)
    for name in parameters:
        if name not in names:
            raise _unknown(f"{kind} has no parameter", name, names)
    return _KINDS[kind](**parameters)


def scale_to_spec(scale: Scale) -> dict[str, dict[str, float]]:
    """Return what `scale_from_spec` turns into `scale` again, with every parameter said.

    Examples
    --------
    >>> scale_to_spec(Log(t=10000, m=4))
    {'log': {'t': 10000.0, 'm': 4.0}}
    """
    return {scale.kind: {name: getattr(scale, name) for name in _parameters(scale)}}


# --------------------------------------------------------------------------------------------------- mathematics


def _damping(b: float, w: float) -> float:
    """Solve ``2 (ln d - ln b) + w (d + b) = 0`` for d (Gating-ML 2.0, logicle; FlowJo's table asks the same)."""
    # For s = ln(d / b) the left side, 2 s + w b (1 + e^s), is convex and rises; it is not negative at s = 0. So
    # Newton's steps from there come down to the root and never pass it, but for rounding, which ends the loop.
    s, k = 0.0, w * b
    for _ in range(1000):
        step = (2 * s + k * (1 + math.exp(s))) / (2 + k * math.exp(s))
        if step <= 1e-17:
            break
        s -= step
    return b * math.exp(s)


def _even_step(low: float, high: float) -> tuple[int, int]:
    """Return the digit, 1, 2 or 5, and the power of ten that put four to ten steps between `low` and `high`."""
    rough = (high - low) / 4
    power = math.floor(math.log10(rough))
    return max(digit for digit in (1, 2, 5) if digit == 1 or digit <= rough / 10.0**power), power


def _even_ticks(low: float, high: float) -> NDArray[np.float64]:
    return _multiples(*_even_step(low, high), low, high)


def _multiples(digit: int, power: int, low: float, high: float) -> NDArray[np.float64]:
    """Return the multiples of ``digit * 10**power`` from `low` to `high`, each the float nearest to its decimal."""
    step = digit * 10.0**power
    count = np.arange(math.ceil(low / step), math.floor(high / step) + 1.0) * digit
    # A negative power of ten is no float: multiplying by it would give 0.6000000000000001.
    return np.asarray(count * 10.0**power if power >= 0 else count / 10.0**-power)


def _labelled(low: float, high: float, decades: Sequence[float]) -> NDArray[np.float64]:
    return _within(low, high, decades, (0.0,), (-decade for decade in decades))


def _within(low: float, high: float, *values: Iterable[float]) -> NDArray[np.float64]:
    """Return the values from `low` to `high`, ascending."""
    return np.array(sorted(value for group in values for value in group if low <= value <= high), np.float64)


def _plain(value: float) -> str:
    for unit, suffix in ((1e6, "M"), (1e3, "K")):
        if abs(value) >= unit:
            return f"{value / unit:g}{suffix}"
    return f"{value:g}"


def _float64(x: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(x, np.float64)


# -------------------------------------------------------------------------------------------------------- checks


def _parameters(scale: Scale) -> tuple[str, ...]:
    return tuple(field.name for field in fields(scale))  # type: ignore[arg-type]


def _check_numbers(scale: Scale) -> None:
    """Refuse what is no finite number, and store the rest as float: 5 and 5.0 make equal scales of equal hash."""
    for name in _parameters(scale):
        value = getattr(scale, name)
        if not is_finite_number(value):
            raise _out_of_range(scale, name, "a finite number")
        object.__setattr__(scale, name, float(value))


def is_finite_number(value: object) -> TypeGuard[float]:
    """Tell whether `value` is a real number that fits into a float: no truth value, no text, no NaN or infinity."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a YAML file can hold an integer that no float holds
        return False


def _check_top(scale: Scale, name: str) -> None:
    _check_range(scale, name, (1e-100, ""), (1e100, ""))


def _check_decades(scale: Scale, name: str) -> None:
    if not 0 < getattr(scale, name) <= _MOST_DECADES:
        raise _out_of_range(scale, name, f"0 < {name} <= {_exact(_MOST_DECADES)}")


def _check_range(scale: Scale, name: str, low: tuple[float, str], high: tuple[float, str]) -> None:
    """Refuse a value outside its bounds; each bound is a number and, where it depends on others, its formula."""
    if not low[0] <= getattr(scale, name) <= high[0]:
        first, last = (f"{formula} = {_exact(bound)}" if formula else _exact(bound) for bound, formula in (low, high))
        raise _out_of_range(scale, name, f"{name} from {first} to {last}")


def _out_of_range(scale: Scale, name: str, expected: str) -> ScaleError:
    return ScaleError(f"{scale.kind}: {name} is {_shown(getattr(scale, name))}", code="E_SCALE", expected=expected)


def _unknown(problem: str, name: object, known: Sequence[str]) -> ScaleError:
    near = get_close_matches(str(name).lower(), known, n=1, cutoff=0.5)
    remedy = f"did you mean {near[0]!r}?" if near else ""
    return ScaleError(f"{problem} {_shown(name)}", code="E_SCALE", available=known, remedy=remedy)


def _shown(value: object) -> str:
    """Return how a person would write `value` in a strategy."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_shown(item)}" for key, item in value.items()) + "}"
    if isinstance(value, float):
        return _exact(value)
    return repr(value) if isinstance(value, str) else str(value)


def _exact(value: float) -> str:
    """Return every digit that matters: rounded, a value just out of range would look as if it were in."""
    return repr(float(value)).removesuffix(".0")
