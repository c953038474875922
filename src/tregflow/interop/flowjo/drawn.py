"""One sample's populations as gates of a strategy, before anything is shared with others; axes named as in FlowJo."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tregflow.errors import GateError
from tregflow.gates import Ellipsoid, Polygon, Rectangle
from tregflow.interop.flowjo.dependents import resolve
from tregflow.interop.flowjo.model import Reason, UnusableMatrix, WspEllipse, WspMatrix, WspPolygon, WspRectangle
from tregflow.interop.left_out import LeftOut
from tregflow.transforms import Linear

if TYPE_CHECKING:
    from tregflow.interop.flowjo.model import Node, Path, WspGate, WspSample
    from tregflow.transforms import Scale

_BINS = 256
_OPERATORS = {"and": "all", "or": "any", "not": "not"}


@dataclass(frozen=True, slots=True)
class Axis:
    """What an axis of FlowJo's is in a sample.

    Attributes
    ----------
    channel : str
        ``$PnN``, or the dye of a spectral matrix.
    kind : {"channel", "dye"}
    compensated : bool
        Through the sample's matrix.
    gain : float
        Factor on the values.
    scale : Scale
    """

    channel: str
    kind: str
    compensated: bool
    gain: float
    scale: Scale


@dataclass(frozen=True, slots=True)
class DrawnGate:
    """A gate of a sample.

    Attributes
    ----------
    node : Node
    rule : dict
        Keys of a strategy's gate, axes under FlowJo's names; without parent and operands.
    operands : tuple of tuple of str
        Paths of the populations that it combines.
    """

    node: Node
    rule: dict[str, Any]
    operands: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Drawn:
    """What one sample holds that can be taken over, and what it holds besides."""

    sample: WspSample
    gates: dict[Path, DrawnGate]
    axes: dict[str, Axis]
    left_out: tuple[LeftOut, ...]


def draw(sample: WspSample) -> Drawn:
    """Return a sample's gates; each is taken over only with all that it hangs on."""
    axes = _Axes(sample)
    made = {node.path: _gate(sample, node, axes) for node in sample.walk()}
    reasons = _reasons(made)
    gates = {path: gate for path, gate in made.items() if isinstance(gate, DrawnGate) and path not in reasons}
    used = {name for gate in gates.values() for name in axes_of(gate.rule)}
    left_out = tuple(LeftOut(sample.key, "/".join(path), reason.text, reason.line) for path, reason in reasons.items())
    return Drawn(sample, gates, {name: axes.known[name] for name in sorted(used)}, left_out)


def axes_of(rule: dict[str, Any]) -> tuple[str, ...]:
    """Return the axes that a gate looks at."""
    return tuple(rule.get("polygon") or rule.get("rectangle") or rule.get("ellipsoid") or ())


class _Axes:
    """The axes of a sample, each looked up once."""

    def __init__(self, sample: WspSample) -> None:
        self._sample = sample
        self._channels = sample.channels
        self.known: dict[str, Axis] = {}

    def get(self, name: str, line: int) -> Axis | Reason:
        if name not in self.known:
            found = self._find(name, line)
            if isinstance(found, Reason):
                return found
            self.known[name] = found
        return self.known[name]

    def _find(self, name: str, line: int) -> Axis | Reason:
        place = self._place(name, line)
        if isinstance(place, Reason):
            return place
        channel, kind, compensated = place
        scales = self._sample.transformations
        # Workspaces list an axis with the prefix, without it, or both ways.
        scale = scales.get(name, scales.get(channel) if compensated else None)
        if isinstance(scale, Reason):
            return scale
        if scale is None:
            return Reason(f"no scale (transformation) is given for {name}", line)
        gains = self._sample.gains
        return Axis(channel, kind, compensated, gains.get(name, gains.get(channel, 1.0)), scale)

    def _place(self, name: str, line: int) -> tuple[str, str, bool] | Reason:
        matrix = self._sample.matrix
        if isinstance(matrix, WspMatrix) and name in matrix.compensated:
            lost = [each for each in matrix.detectors if self._channels and each not in self._channels]
            if lost:
                return Reason(f"the matrix names {lost[0]}, which is no channel of the sample's file", matrix.line)
            dye = matrix.dyes[matrix.compensated[name]]
            return dye, "channel" if matrix.dyes == matrix.detectors else "dye", True
        if isinstance(matrix, UnusableMatrix) and (name not in self._channels or name in matrix.doubtful):
            return matrix
        if self._channels and name not in self._channels:
            return Reason(f"{name} is no channel of the sample's file; a derived parameter?", line)
        return name, "channel", False


def _gate(sample: WspSample, node: Node, axes: _Axes) -> DrawnGate | Reason:
    """Return a population's own gate, or why there is none, whatever it hangs on."""
    if node.kind in _OPERATORS:
        operands = resolve(sample, node) if not isinstance(node.gate, Reason) else node.gate
        if isinstance(operands, Reason):
            return operands
        # A combination that is left with one population is that population, and still two operands for us.
        twice = 2 if len(operands) == 1 and node.kind != "not" else 1
        return DrawnGate(node, {_OPERATORS[node.kind]: None}, tuple(each.path for each in operands) * twice)
    if node.gate is None or isinstance(node.gate, Reason):
        return node.gate or Reason("no gate", node.line)
    gate = _without_open_axes(node.gate)
    rule = _rule(gate)
    for name in axes_of(rule):
        axis = axes.get(name, node.line)
        if isinstance(axis, Reason):
            return axis
    problem = _problem(gate)
    return DrawnGate(node, rule) if not problem else Reason(problem, node.line)


def _without_open_axes(gate: WspGate) -> WspGate:
    """Return a rectangle without the axes on which it has no bound; one that has none at all stays as it is."""
    if not isinstance(gate, WspRectangle):
        return gate
    bounds = tuple(bound for bound in gate.bounds if bound[1:] != (None, None))
    return replace(gate, bounds=bounds or gate.bounds)


def _rule(gate: WspGate) -> dict[str, Any]:
    match gate:
        case WspPolygon():
            rule: dict[str, Any] = {"polygon": list(gate.axes), "points": [list(point) for point in gate.points]}
        case WspRectangle():
            rule = {"rectangle": {name: [low, high] for name, low, high in gate.bounds}}
        case WspEllipse():
            covariance = [list(row) for row in gate.covariance]
            rule = {"ellipsoid": list(gate.axes), "mean": list(gate.mean), "covariance": covariance}
    if not isinstance(gate, WspRectangle) and gate.bins != _BINS:
        rule["bins"] = gate.bins
    if not gate.inside:
        rule["outside"] = True
    return rule


def _problem(gate: WspGate) -> str:
    """Return what keeps the coordinates from being a gate of ours; an empty text if nothing does."""
    try:
        match gate:
            case WspPolygon():
                Polygon(id="-", parent="-", channels=gate.axes, points=gate.points, scales=(Linear(), Linear()))
            case WspRectangle():
                Rectangle(id="-", parent="-", bounds=gate.bounds)
            case WspEllipse():
                Ellipsoid(
                    id="-",
                    parent="-",
                    channels=gate.axes,
                    mean=gate.mean,
                    covariance=gate.covariance,
                    distance2=1.0,
                    scales=(Linear(), Linear()),
                )
    except GateError as error:
        return error.problem
    return ""


def _reasons(made: dict[Path, DrawnGate | Reason]) -> dict[Path, Reason]:
    """Return why populations are left out: for their own sake, or for that of one that they need."""
    needs = {path: _needs(path, gate) for path, gate in made.items() if isinstance(gate, DrawnGate)}
    placed: set[Path] = {()}
    grown = True
    while grown:
        new = [path for path, needed in needs.items() if path not in placed and placed.issuperset(needed)]
        placed.update(new)
        grown = bool(new)
    reasons = {}
    for path, gate in made.items():
        if isinstance(gate, Reason):
            reasons[path] = gate
        elif path not in placed:
            reasons[path] = Reason(_lacking(path, needs, placed), gate.node.line)
    return reasons


def _needs(path: Path, gate: DrawnGate) -> tuple[Path, ...]:
    return (path[:-1], *gate.operands)


def _lacking(path: Path, needs: dict[Path, tuple[Path, ...]], placed: set[Path]) -> str:
    """Say which population is missing, or that the chain of what is needed leads back."""
    chain = [path]
    while chain[-1] in needs:
        chain.append(next(need for need in needs[chain[-1]] if need not in placed))
        if chain[-1] == path:
            return f"depends on itself: {' -> '.join('/'.join(each) for each in chain)}"
        if chain[-1] in chain[:-1]:
            break
    return f"needs {'/'.join(chain[1])}, which is left out"
