"""Random gates of every kind, as a strategy file writes them, on random scales."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from tests.builders_engines_events import lattice_unit

from tregflow.errors import ScaleError
from tregflow.transforms import Asinh, FlowJoBiex, FlowJoLinear, FlowJoLog, Hyperlog, Linear, Log, Logicle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.builders_engines_events import Axis

    from tregflow.transforms import Scale

    Storable = Callable[[Axis, float], float]
    Written = dict[str, Any]

NATIVE = ("linear", "log", "logicle", "hyperlog", "asinh")
"""Scales that Gating-ML has a word for, and that FlowKit knows."""
SCALES = (*NATIVE, "biex", "flowjo_linear", "flowjo_log")
TOPS = (262144.0, 262144.0, 262144.0, 1e4, 1000.0, 1e30, 1e-30)


def scale_of(rng: np.random.Generator, *, native: bool, ratio: bool, whole: bool) -> Scale:
    """Return a random scale: of those that `native` allows, near 1 for a ratio, near what integers reach."""
    while True:
        top = 4.0 if ratio else float(rng.choice(TOPS[:4] if whole or native else TOPS))
        kind = str(rng.choice(NATIVE if native else SCALES))
        try:
            return _scale(rng, kind, top)
        except ScaleError:
            continue  # parameters that make no axis


def _scale(rng: np.random.Generator, kind: str, top: float) -> Scale:
    m, w, a = float(rng.uniform(2, 6)), float(rng.choice([0.0, 0.3, 0.5, 1.0])), float(rng.choice([0.0, 0.0, 0.7]))
    scales: dict[str, Callable[[], Scale]] = {
        "linear": lambda: Linear(top, float(rng.choice([0.0, 0.3])) * top),
        "log": lambda: Log(top, m),
        "logicle": lambda: Logicle(top, w, m, a),
        "hyperlog": lambda: Hyperlog(top, max(w, 0.2), m, a),
        "asinh": lambda: Asinh(top, m, a),
        "biex": lambda: FlowJoBiex(float(rng.choice([0.0, 1.0])), -float(rng.choice([1, 10, 100, 500])), m, top),
        "flowjo_linear": lambda: FlowJoLinear(float(rng.choice([-0.2, 0.0, 0.25])) * top, top),
        "flowjo_log": lambda: FlowJoLog(top / 10**m, m),
    }
    return scales[kind]()


def quadrants_of(rng: np.random.Generator, axes: Mapping[str, Axis], storable: Storable) -> Written:
    """Return dividers on one to three axes."""
    units = str(rng.choice(["data", "scale"]))
    chosen = _choose(rng, axes, int(rng.integers(1, 4)))
    dividers = {}
    for axis in chosen:
        at = np.sort(rng.uniform(0.1, 0.9, rng.integers(1, 3)))
        dividers[axis.name] = sorted({_coordinate(axis, value, units, storable) for value in at.tolist()})
    return {"dividers": dividers, "units": units}


def gate_of(
    rng: np.random.Generator,
    axes: Mapping[str, Axis],
    storable: Storable,
    earlier: Sequence[str],
    quadrants: Mapping[str, Written],
    *,
    peers: bool,
) -> Written:
    """Return a random gate; now and then it is none, which the check of a strategy tells."""
    parent = {"in": str(rng.choice(earlier))} if earlier and rng.random() < 0.5 else {}
    makers = [_polygon, _polygon, _polygon, _rectangle, _rectangle, _threshold, _ellipsoid]
    choices = [*makers, *([_boolean, _boolean] if len(earlier) > 1 else []), *([_cell] if quadrants else [])]
    maker = choices[int(rng.integers(len(choices)))]
    if maker is _boolean:  # FlowKit loses a gate whose parent is among its operands
        return parent | _boolean(rng, [name for name in earlier if not peers or name != parent.get("in")])
    if maker is _cell:
        return _cell(rng, quadrants)
    made: Written = maker(rng, axes, storable)
    if not peers and maker is not _threshold and rng.random() < 0.15:
        made["outside"] = True
    if not peers and maker in (_polygon, _ellipsoid) and rng.random() < 0.3:
        made["bins"] = int(rng.choice([1, 7, 256, 1024]))
    if peers:
        made.pop("indefinite", None)
    return parent | made


# ------------------------------------------------------------------------------------------------------- each kind


def _polygon(rng: np.random.Generator, axes: Mapping[str, Axis], storable: Storable) -> Written:
    x, y = _choose(rng, axes, 2)
    units = str(rng.choice(["data", "data", "scale"]))
    shape = int(rng.integers(8))
    if shape == 7 or (shape and x.scale.affine and y.scale.affine and rng.random() < 0.4):
        return {"polygon": [x.name, y.name], "points": _on_lattice(rng, x)}
    outline = _outline(rng, shape)
    if shape and rng.random() < 0.2:  # on the ends of the axes, where FlowJo's clamp
        outline = np.clip(outline, 0.0, 1.0)
    points = [[_coordinate(x, a, units, storable), _coordinate(y, b, units, storable)] for a, b in outline.tolist()]
    made: Written = {"polygon": [x.name, y.name], "points": points, "units": units}
    if shape == 0:
        sides = {x.name: str(rng.choice(["low", "high"])), y.name: "low"}
        made["open"] = {name: sides[name] for name in sides if rng.random() < 0.7}
    return made


def _outline(rng: np.random.Generator, shape: int) -> np.ndarray:
    """Return the vertices of an outline, in positions: (n, 2)."""
    low, high = np.sort(rng.uniform(-0.1, 1.1, (2, 2)), axis=0)
    (x0, y0), (x1, y1) = low, high
    if shape == 0:  # ends in an edge on three sides, so that these can be open
        return np.array([[x0, y0], [x0, y1], [(x0 + x1) / 2, (y0 + 3 * y1) / 4], [x1, y1], [x1, y0]])
    if shape == 1:  # crosses itself
        return rng.uniform(-0.05, 1.05, (int(rng.integers(4, 9)), 2))
    if shape == 2:  # a staircase: edges along the axes, vertices in line
        steps = np.repeat(np.arange(5), 2) / 4
        stairs = np.column_stack([steps[1:], steps[:-1]])
        return low + (high - low) * np.vstack([stairs, [[0, 1], [0, 0.5]]])
    if shape == 3:  # a sliver
        return np.array([[x0, y0], [x1, y1], [x1, y1 + 1e-9], [(x0 + x1) / 2, (y0 + y1) / 2 + 1e-7]])
    if shape == 4:  # far beyond the axis
        return rng.uniform(-3, 4, (int(rng.integers(3, 6)), 2))
    turn = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 12) if shape == 5 else rng.integers(60, 300))))
    radius = rng.uniform(0.1, 0.6) * (1 if shape == 5 else rng.uniform(0.7, 1, turn.size))
    ring: np.ndarray = rng.uniform(0.2, 0.8, 2) + np.column_stack([radius * np.cos(turn), radius * np.sin(turn)])
    return ring


def _on_lattice(rng: np.random.Generator, axis: Axis) -> list[list[float]]:
    """Return vertices on a lattice in data units, where edges of every slope run through events."""
    found: list[list[float]] = (lattice_unit(axis.scale) * rng.integers(0, 32, (int(rng.integers(3, 9)), 2))).tolist()
    return found


def _rectangle(rng: np.random.Generator, axes: Mapping[str, Axis], storable: Storable) -> Written:
    units = str(rng.choice(["data", "scale"]))
    bounds: dict[str, list[float | None]] = {}
    for axis in _choose(rng, axes, int(rng.integers(1, 4))):
        ends = np.sort(rng.uniform(-0.1, 1.1, 2)).tolist()
        if rng.random() < 0.1:
            ends = [0.0, 1.0]  # the ends of the axis, where FlowJo's clamp
        low, high = (_coordinate(axis, end, units, storable) for end in ends)
        open_end = int(rng.integers(4))
        bounds[axis.name] = [None if open_end == 0 else low, None if open_end == 1 else high]
    return {"rectangle": bounds, "units": units}


def _threshold(rng: np.random.Generator, axes: Mapping[str, Axis], storable: Storable) -> Written:
    made: Written = {}
    for axis in _choose(rng, axes, int(rng.integers(1, 3))):
        side = str(rng.choice(["above", "below"]))
        made.setdefault(side, {})[axis.name] = _coordinate(axis, float(rng.uniform(0, 1)), "data", storable)
    return made


def _ellipsoid(rng: np.random.Generator, axes: Mapping[str, Axis], storable: Storable) -> Written:
    chosen = _choose(rng, axes, int(rng.choice([2, 2, 3])))
    n = len(chosen)
    width = np.exp(rng.uniform(np.log(0.01), np.log(0.5), n))
    turned = np.linalg.qr(rng.normal(size=(n, n)))[0]
    covariance = (turned * width**2) @ turned.T
    mean = rng.uniform(0.1, 0.9, n)
    if rng.random() < 0.3:  # short numbers: events can lie on the boundary exactly
        mean, covariance = np.round(mean * 8) / 8, np.diag(2.0 ** -rng.integers(2, 8, n))
    made: Written = {"ellipsoid": [axis.name for axis in chosen], "mean": mean.tolist()}
    made |= {"covariance": ((covariance + covariance.T) / 2).tolist(), "distance2": float(rng.choice([1, 2, 0.25]))}
    if rng.random() < 0.1:
        made["covariance"][0][1] *= 1.5
        made["indefinite"] = True
    return made


def _boolean(rng: np.random.Generator, earlier: Sequence[str]) -> Written:
    rule = str(rng.choice(["not", "all", "any"]))
    chosen = [str(name) for name in rng.choice(earlier, min(len(earlier), int(rng.integers(2, 4))), replace=False)]
    if rule == "not" or len(chosen) == 1:
        return {"not": chosen[0]}
    return {rule: [{"not": name} if rng.random() < 0.4 else name for name in chosen]}


def _cell(rng: np.random.Generator, quadrants: Mapping[str, Written]) -> Written:
    name = str(rng.choice(list(quadrants)))
    dividers = quadrants[name]["dividers"]
    named = [axis for axis in dividers if rng.random() < 0.8] or list(dividers)
    return {"quadrant": name, "cell": {axis: int(rng.integers(len(dividers[axis]) + 1)) for axis in named}}


# ------------------------------------------------------------------------------------------------------- coordinates


def _choose(rng: np.random.Generator, axes: Mapping[str, Axis], n: int) -> list[Axis]:
    return [axes[str(name)] for name in rng.choice(list(axes), min(n, len(axes)), replace=False)]


def _coordinate(axis: Axis, position: float, units: str, storable: Storable) -> float:
    """Return a value, or a position: one of few digits, as a drawn gate has, or exactly that of a value."""
    value = storable(axis, float(axis.scale.inverse(position)))
    if units == "data":
        return value
    exact = float(axis.scale.apply(value))
    return exact if int(1e6 * position) % 3 and np.isfinite(exact) else round(position, 3)
