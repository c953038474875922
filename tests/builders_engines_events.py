"""Random events for random gates: on their vertices and edges, beside them, and where no gate was meant for."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from tests.builders_fcs import fcs_bytes

from tregflow.fcs import Sample
from tregflow.gates import Boolean, Ellipsoid, Polygon

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tregflow.gates import Gate, Rectangle
    from tregflow.transforms import Scale

    Numbers = NDArray[np.float64]

ODD = (np.nan, np.inf, -np.inf, -0.0, 0.0, 1e-45, -1e-40, 5e-324, 3.4e38, -3.4e38, 1e30, -1e30, 1e-30, 1.0, -1.0)
"""Values that arithmetic in float32, tables and comparisons go wrong on."""
LEAST = (0.0, 2.0**-133, 2.0**-126, -(2.0**-133))
"""Coordinates among the denormal numbers of float32."""
DECADES, RANGE = 4.0, 1024
"""``$PnE`` and ``$PnR`` of integers that are logarithms."""


@dataclass(frozen=True)
class Words:
    """How a channel's values are stored: type and bits of FCS, the byte order, and whether as columns in memory."""

    datatype: str
    bits: int
    byteord: str = "1,2,3,4"
    memory: bool = False


KINDS = {
    "f4": Words("F", 32, memory=True),
    "f8": Words("D", 64, memory=True),
    "mixed": Words("F", 32, memory=True),
    "F<": Words("F", 32),
    "F>": Words("F", 32, "4,3,2,1"),
    "D": Words("D", 64),
    "I16": Words("I", 16, "4,3,2,1"),
    "I32": Words("I", 32),
}


@dataclass(frozen=True)
class Axis:
    """An axis as events are placed on it: value = `gain` times the light, or a (light - b) / (other - c) of a ratio.

    `raw`: it looks at what is recorded, before compensation.
    """

    name: str
    light: str
    scale: Scale
    gain: float = 1.0
    raw: bool = False
    ratio: tuple[str, float, float, float] | None = None


@dataclass(frozen=True)
class Channels:
    """The channels of a sample, with what is stored in them."""

    kind: str
    scatter: list[str]
    detectors: list[str]
    logarithmic: frozenset[str]
    double: frozenset[str]
    gain: Mapping[str, float]
    gains: str
    constant: frozenset[str]

    @classmethod
    def random(cls, rng: np.random.Generator, kind: str, *, peers: bool) -> Channels:
        """Return two to seven detectors beside scatter, some of them logarithmic, divided by a gain, or constant."""
        scatter = ["FSC-A", "SSC-A"]
        detectors = [f"D{number}-A" for number in range(1, int(rng.integers(3, 9)))]
        some = {name: frozenset(each for each in detectors if rng.random() < 0.4) for name in ("log", "gain")}
        double = frozenset(each for each in (*scatter, *detectors) if KINDS[kind].bits == 64 or rng.random() < 0.4)
        divided = rng.random() < 0.25 and not peers
        return cls(
            kind,
            scatter,
            detectors,
            some["log"] if kind == "I16" else frozenset(),
            double if KINDS[kind].bits == 64 or kind == "mixed" else frozenset(),
            dict.fromkeys(some["gain"] - some["log"], float(rng.choice([2.0, 0.3]))) if divided else {},
            "fcs" if divided else "none",
            frozenset([str(rng.choice(detectors))]) if rng.random() < 0.15 and not peers else frozenset(),
        )

    @property
    def names(self) -> list[str]:
        """Every channel."""
        return [*self.scatter, *self.detectors]

    @property
    def whole(self) -> bool:
        """Whether integers are stored."""
        return KINDS[self.kind].datatype == "I"

    def storable(self, name: str, value: float) -> float:
        """Return the nearest value that the channel holds exactly, where it is not compensated."""
        if name in self.logarithmic:
            steps = round(math.log10(value) * RANGE / DECADES) if value > 0 else 0
            return float(math.pow(10.0, DECADES * min(max(steps, 0), RANGE - 1) / RANGE))
        if self.whole:
            return float(round(min(max(value, -1.0), 4e9)))
        return float(value) if name in self.double else float(np.float32(np.clip(value, -3e38, 3e38)))

    def stored(self, rng: np.random.Generator, columns: Mapping[str, Numbers], *, tame: bool) -> dict[str, Any]:
        """Return the columns as they are stored, one step of the float off at times, and odd at times."""
        return {name: self._stored(rng, name, columns[name], tame=tame) for name in self.names}

    def _stored(self, rng: np.random.Generator, name: str, column: Numbers, *, tame: bool) -> NDArray[Any]:
        n = column.size
        column = column * self.gain.get(name, 1.0)
        if name in self.constant and n:
            column = np.full(n, column[0])
        if self.whole:
            return self._whole(name, column)
        with np.errstate(all="ignore"):
            made = column.astype(np.float64 if name in self.double else np.float32)
            beside = np.where(rng.random(n) < 0.5, np.inf, -np.inf).astype(made.dtype)
            made = np.where(rng.random(n) < 0.15, np.nextafter(made, beside), made)
            odd = np.array(ODD).astype(made.dtype)
        if tame:  # FlowKit loses its way on a logicle scale with denormal numbers
            return np.where(abs(made) < 1e-30, 0, made).astype(made.dtype)
        rows = rng.random(n) < 0.02
        return np.where(rows, rng.choice(odd, n), made)

    def _whole(self, name: str, column: Numbers) -> NDArray[Any]:
        top = RANGE - 1 if name in self.logarithmic else 2 ** KINDS[self.kind].bits - 1
        with np.errstate(all="ignore"):
            steps = np.log10(column) * RANGE / DECADES if name in self.logarithmic else column
        return np.rint(np.clip(np.nan_to_num(steps), 0, top)).astype(np.uint32)


def short(value: float) -> float:
    """Return the nearest value of eight significant bits towards zero: there an engine that looks up changes cells."""
    bits = np.array(np.clip(value, -3e38, 3e38), np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
    return float(bits.view(np.float32))


# ------------------------------------------------------------------------------------------------------- samples


def in_memory(columns: Mapping[str, Any], channels: Channels, keywords: Mapping[str, str]) -> Sample:
    """Return a sample of columns."""
    sample = Sample.from_columns("random.fcs", columns, markers=_markers(channels), keywords=keywords)
    gained = tuple(replace(each, gain=channels.gain.get(each.pnn, 1.0)) for each in sample.channels)
    return replace(sample, channels=gained)


def in_file(columns: Mapping[str, Any], channels: Channels, keywords: Mapping[str, str]) -> bytes:
    """Return an FCS file of the words that the channels are of."""
    words = KINDS[channels.kind]
    own: dict[str, str | None] = dict(keywords)
    for number, name in enumerate(columns, start=1):
        if name in channels.logarithmic:
            own |= {f"$P{number}E": f"{DECADES:g},1", f"$P{number}R": str(RANGE)}
        elif words.datatype == "I":
            own[f"$P{number}R"] = str(2**words.bits)
        if name in channels.gain:
            own[f"$P{number}G"] = repr(channels.gain[name])
        if name in _markers(channels):
            own[f"$P{number}S"] = _markers(channels)[name]
    return fcs_bytes(columns, datatype=words.datatype, bits=words.bits, byteord=words.byteord, keywords=own)


def _markers(channels: Channels) -> dict[str, str]:
    return {name: f"M{number}" for number, name in enumerate(channels.detectors, start=1)}


# ---------------------------------------------------------------------------------------------------- where events lie


def targets(
    rng: np.random.Generator, gates: Sequence[Gate], axes: Mapping[str, Axis], n_events: int, *, tame: bool
) -> dict[str, Numbers]:
    """Return the light of every channel and dye that an axis looks at: clouds, a lattice, and marks of the gates."""
    lights: dict[str, list[Axis]] = {}
    for axis in axes.values():
        lights.setdefault(axis.light, []).append(axis)
    made = {light: _clouds(rng, seen, n_events) for light, seen in lights.items()}
    marked = [gate for gate in gates if not isinstance(gate, Boolean) and set(gate.axes) <= set(axes)]
    rows = rng.permutation(n_events)[: n_events // 2]
    for gate, part in zip(marked, np.array_split(rows, max(len(marked), 1)), strict=False):
        _put(rng, gate, [axes[name] for name in gate.axes], made, part, tame=tame)
    return made


def _clouds(rng: np.random.Generator, seen: Sequence[Axis], n: int) -> Numbers:
    """Return values all over the axes that look at them, beyond their ends, around zero, and whole numbers."""
    axis = seen[int(rng.integers(len(seen)))]
    values = np.asarray(axis.scale.inverse(rng.uniform(-0.15, 1.15, n))) / axis.gain
    width = float(abs(axis.scale.inverse(0.4))) or 1.0
    parts = rng.random(n)
    values = np.where(parts < 0.25, rng.normal(0, width, n), values)
    return np.where(parts > 0.8, np.rint(values), values)


def _put(
    rng: np.random.Generator,
    gate: Polygon | Rectangle | Ellipsoid,
    axes: Sequence[Axis],
    made: dict[str, Numbers],
    rows: NDArray[np.int64],
    *,
    tame: bool,
) -> None:
    """Put events on the marks of a gate."""
    marks = _marks(rng, gate, [axis.scale for axis in axes], rows.size)
    for axis, at in zip(axes, marks.T, strict=True):
        if axis.ratio is None:
            made[axis.light][rows] = at / axis.gain
            continue
        other, a, b, c = axis.ratio
        below = rng.choice([1.0, -2.0, 0.5, 1e3] if tame else [1.0, -2.0, 0.5, 1e3, 0.0, 1e-30], rows.size)
        made[other][rows] = c + below
        made[axis.light][rows] = at * below / a + b


def _marks(rng: np.random.Generator, gate: Polygon | Rectangle | Ellipsoid, scales: Sequence[Scale], n: int) -> Numbers:
    """Return `n` places in data units where the gate's answer hangs on the last bit: (n, n_axes)."""
    if isinstance(gate, Polygon):
        marks = _on_outline(rng, gate, scales, n)
    elif isinstance(gate, Ellipsoid):
        marks = _on_ellipsoid(rng, gate, scales, n)
    else:
        columns = [
            _on_bounds(rng, gate.units, bound[1:], scale, n) for bound, scale in zip(gate.bounds, scales, strict=True)
        ]
        marks = np.column_stack(columns)
    return np.where(np.isfinite(marks), marks, 0.0)


def _on_outline(rng: np.random.Generator, gate: Polygon, scales: Sequence[Scale], n: int) -> Numbers:
    """Return vertices, points of edges, and corners of the grid of bins."""
    points = np.array(gate.points)
    straight = gate.units == "data" and all(scale.affine for scale in scales)
    at = points if straight or gate.units == "scale" else _applied(scales, points)
    first = rng.integers(len(points), size=n)
    part = rng.choice([0.0, 0.0, 0.5, 0.25, 1 / 3, 0.9], n)[:, None]
    on_edge = at[first] + part * (at[first - 1] - at[first])
    if gate.bins is not None and not straight:
        on_edge = np.where(rng.random((n, 1)) < 0.5, np.floor(on_edge * gate.bins + 0.5) / gate.bins, on_edge)
    for channel, end in gate.open:  # along the edges that run on there
        axis, far = gate.channels.index(channel), rng.uniform(0, np.ptp(at), n) * (rng.random(n) < 0.4)
        on_edge[:, axis] = np.where(far > 0, at[:, axis].max() + far, on_edge[:, axis])
        if end == "low":
            on_edge[:, axis] = np.where(far > 0, at[:, axis].min() - far, on_edge[:, axis])
    placed = on_edge if straight else _inverted(scales, on_edge)
    # A vertex in data units is taken as it is: the way through the scale and back would round it.
    stays = (part == 0.0) & (gate.units == "data") & ((on_edge == at[first]) if gate.open else True)
    placed = np.where(stays, points[first], placed)
    unit = lattice_unit(scales[0])
    if straight and not np.any(points % unit):
        low, high = points.min(axis=0), points.max(axis=0)
        on_lattice = low + unit * np.floor(rng.random((n, 2)) * (1 + (high - low) / unit))
        placed = np.where(rng.random((n, 1)) < 0.7, on_lattice, placed)
    return placed


def lattice_unit(scale: Scale) -> float:
    """Return a power of two, about a thirtieth of the axis."""
    return float(2.0 ** np.floor(np.log2(float(scale.inverse(1.0)) / 30)))


def _on_ellipsoid(rng: np.random.Generator, gate: Ellipsoid, scales: Sequence[Scale], n: int) -> Numbers:
    covariance = np.array(gate.covariance)
    direction = rng.normal(size=(n, len(scales)))
    along = rng.random(n) < 0.3
    axis = np.eye(len(scales))[rng.integers(len(scales), size=n)]
    direction = np.where(along[:, None], axis * np.sign(direction), direction)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    try:
        root = np.linalg.cholesky((covariance + covariance.T) / 2)
    except np.linalg.LinAlgError:  # an indefinite one
        root = np.eye(len(scales)) * 0.3
    return _inverted(scales, np.array(gate.mean) + math.sqrt(gate.distance2) * direction @ root.T)


def _on_bounds(rng: np.random.Generator, units: str, ends: Sequence[float | None], scale: Scale, n: int) -> Numbers:
    known = [end for end in ends if end is not None]
    given = np.array(known) if units == "data" else _inverted([scale], np.array(known)[:, None])[:, 0]
    around = np.asarray(scale.inverse(rng.uniform(-0.1, 1.1, n)))
    return np.where(rng.random(n) < 0.6, rng.choice(given, n), around)


def _applied(scales: Sequence[Scale], points: Numbers) -> Numbers:
    return np.column_stack([scale.apply(column) for scale, column in zip(scales, points.T, strict=True)])


def _inverted(scales: Sequence[Scale], points: Numbers) -> Numbers:
    with np.errstate(all="ignore"):
        return np.column_stack([scale.inverse(column) for scale, column in zip(scales, points.T, strict=True)])
