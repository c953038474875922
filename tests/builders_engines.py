"""Random strategies with random samples, for comparing two engines: every gate, axis and scale, and awkward events.

A case follows from its seed alone. Its events lie on vertices and edges, one step of the float beside them, on a
lattice, far off every axis, and are NaN, infinite, -0.0 and denormal; its numbers run from 1e-30 to 1e30.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from tests.builders_engines_events import KINDS, LEAST, ODD, Axis, Channels, in_file, in_memory, short, targets
from tests.builders_engines_gates import gate_of, quadrants_of, scale_of

from tregflow.compensation import Spillover
from tregflow.errors import StrategyError
from tregflow.fcs import read_fcs
from tregflow.strategy import Strategy
from tregflow.transforms import Linear, scale_to_spec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tregflow.fcs import Sample
    from tregflow.populations import Gated

N_EVENTS = 2000


@dataclass(frozen=True)
class Case:
    """A strategy, a sample, what else `Strategy.gate` is given, and in which words the events are stored."""

    strategy: Strategy
    sample: Sample
    kwargs: dict[str, Any]
    kind: str


def random_case(
    seed: int, *, n_events: int = N_EVENTS, folder: Path | None = None, peers: bool = False, n_gates: int | None = None
) -> Case:
    """Return the case of a seed.

    `folder` is where the file of some is written, of any kind of words; without it all events are in memory, float32 or
    float64 or both. `peers`: only what FlowKit can do, in a file of float32. `n_gates`: so many gates.
    """
    rng = np.random.default_rng([5, seed])
    kind = "F<" if peers else str(rng.choice([name for name, words in KINDS.items() if folder or words.memory]))
    channels = Channels.random(rng, kind, peers=peers)
    plan = _Plan(rng, channels, peers=peers)
    plan.add_axes()
    plan.add_gates(n_gates or int(rng.integers(1, 16)))
    strategy, kwargs = plan.finished()
    applied = strategy.applied(id=kwargs.get("id"), batch=kwargs.get("batch")).strategy
    gates = [applied.build(name) for name in applied.spec.gates]
    light = targets(rng, gates, plan.axes, n_events, tame=peers)
    recorded = plan.recorded(light, gates, n_events)
    if folder is None or KINDS[kind].memory:
        return Case(strategy, in_memory(recorded, channels, plan.keywords), kwargs, kind)
    path = folder / f"{seed}.fcs"
    path.write_bytes(in_file(recorded, channels, plan.keywords))
    return Case(strategy, read_fcs(path), kwargs, kind)


def gated_by(case: Case, engine: str, *, lazy: bool = False, threads: int = 1) -> Gated:
    """Return the case as an engine gates it; `lazy`: from its file, which is decoded as it is gated."""
    sample = read_fcs(case.sample.path, lazy=True) if lazy and case.sample.path is not None else case.sample
    return case.strategy.gate(sample, engine=engine, threads=threads, **case.kwargs)


def differences(ours: Gated, reference: Gated) -> list[str]:
    """Return in what two gated samples differ: nothing, if two engines agree."""
    found = [name for name in ("id", "batch", "missing", "sources", "findings") if _differ(ours, reference, name)]
    if list(ours.masks) != list(reference.masks) or dict(ours.gates) != dict(reference.gates):
        return [*found, f"populations: {list(ours.masks)} and {list(reference.masks)}"]
    for population, mask in reference.masks.items():
        for what in ("inside", "defined"):
            mine, theirs = getattr(ours.masks[population], what), getattr(mask, what)
            if mine.dtype != bool or not np.array_equal(mine, theirs):
                rows = np.flatnonzero(mine != theirs) if mine.shape == theirs.shape else []
                found.append(f"{population}: {what} of {len(rows)} events, the first {list(rows[:3])}")
    for what in ("populations", "ratios", "medians"):
        pairs = zip(getattr(ours, what), getattr(reference, what), strict=True)
        found += [f"{what}: {mine} and {theirs}" for mine, theirs in pairs if mine != theirs]
    for axis in reference.sources:
        if not np.array_equal(ours.values(axis), reference.values(axis), equal_nan=True):
            found.append(f"values of {axis}")
    return found


def _differ(ours: Gated, reference: Gated, name: str) -> bool:
    mine, theirs = getattr(ours, name), getattr(reference, name)
    return bool(dict(mine) != dict(theirs) if name in ("missing", "sources") else mine != theirs)


@dataclass
class _Plan:
    """A strategy as it grows, with what its events will need to know."""

    rng: np.random.Generator
    channels: Channels
    peers: bool
    axes: dict[str, Axis] = field(default_factory=dict)
    keywords: dict[str, str] = field(default_factory=dict)
    matrices: dict[str, Any] = field(default_factory=dict)
    dimensions: dict[str, Any] = field(default_factory=dict)
    scales: dict[str, Any] = field(default_factory=dict)
    quadrants: dict[str, Any] = field(default_factory=dict)
    gates: dict[str, Any] = field(default_factory=dict)
    kwargs: dict[str, Any] = field(default_factory=dict)
    mfi: dict[str, list[str]] = field(default_factory=dict)
    compensation: Any = "none"
    mixing: tuple[list[str], list[str], Any] | None = None

    # ------------------------------------------------------------------------------------------ matrices and axes

    def add_axes(self) -> None:
        """Choose a matrix, then axes on channels, dyes, raw values, gains and ratios, each with its scale."""
        self._add_matrix()
        for name in self.channels.scatter:
            self._add(name, name, straight=bool(self.rng.random() < 0.6))
        lights = self.mixing[0] if self.mixing else self.channels.detectors
        for number, light in enumerate(lights, start=1):
            if light in self.channels.names:
                self._add(f"M{number}" if self.rng.random() < 0.5 else light, light)
            else:
                self.dimensions[light] = {"dye": light}
                self._add(light, light)
        for light in self.channels.detectors:
            if self.rng.random() < 0.2 and not self.peers:
                self.dimensions[f"raw {light}"] = {"channel": light, "compensation": "none"}
                self._add(f"raw {light}", light, raw=True)
            if self.rng.random() < 0.2 and light in lights and not self.peers:
                gain = float(self.rng.choice([0.01, 0.5, 3.0]))
                self.dimensions[f"times {light}"] = {"channel": light, "gain": gain}
                self._add(f"times {light}", light, gain=gain)
        self._add_other_matrix(lights)
        self._add_ratios()
        self.mfi["root"] = list(self.axes)  # a scale of an axis that nothing looks at would be a fault

    def _add_matrix(self) -> None:
        """Set `compensation` and, where there is one, the way from lights to recorded values."""
        detectors = self.channels.detectors
        n = len(detectors)
        spill = np.eye(n) + self.rng.uniform(0, 0.25, (n, n)) * (1 - np.eye(n)) * (self.rng.random((n, n)) < 0.6)
        choice = self.rng.choice(["none", "identity", "written", "fcs", "batch", "given", "dyes", "inverted"])
        if self.peers:
            choice = self.rng.choice(["none", "written", "fcs"])
        if choice == "none":
            return
        if choice == "identity":
            spill = np.eye(n)
        self.mixing = (detectors, detectors, spill)
        if choice == "fcs":
            numbers = [repr(float(value)) for value in spill.ravel()]
            self.keywords["$SPILLOVER"] = ",".join([str(n), *detectors, *numbers])
            self.compensation = "fcs"
        elif choice == "given":
            self.kwargs["spillover"] = Spillover(tuple(detectors), spill, "given")
        elif choice in ("dyes", "inverted"):
            self._add_dyes(detectors, inverted=choice == "inverted")
        else:
            self.matrices["m"] = {"detectors": detectors, "matrix": spill.tolist()}
            self.compensation = {"batch": {"B1": "m", "B2": "none"}} if choice == "batch" else "m"
            self.kwargs |= {"batch": "B1"} if choice == "batch" else {}

    def _add_dyes(self, detectors: list[str], *, inverted: bool) -> None:
        dyes = [f"dye {number}" for number in range(1, max(2, len(detectors) - 1))]
        shares = np.eye(len(dyes), len(detectors)) + self.rng.uniform(0, 0.3, (len(dyes), len(detectors)))
        given = np.linalg.pinv(shares) if inverted else shares
        self.matrices["u"] = {"detectors": detectors, "dyes": dyes, "matrix": given.tolist(), "inverted": inverted}
        self.compensation, self.mixing = "u", (dyes, detectors, shares)

    def _add_other_matrix(self, lights: list[str]) -> None:
        """Add an axis with a matrix of its own, beside the strategy's."""
        two = self.channels.detectors[:2]
        if self.rng.random() < 0.3 and not self.peers and set(two) <= set(lights):
            self.matrices["own"] = {"detectors": two, "matrix": [[1.0, 0.125], [0.25, 1.0]]}
            self.dimensions["own"] = {"channel": two[0], "compensation": "own"}
            self._add("own", two[0], raw=True)

    def _add_ratios(self) -> None:
        plain = [name for name, axis in self.axes.items() if axis.gain == 1.0]
        if self.rng.random() < 0.4 and len(plain) > 1 and not self.peers:  # FlowKit fails on some gates of a ratio
            x, y = map(str, self.rng.choice(plain, 2, replace=False))
            a, b, c = (float(self.rng.choice(values)) for values in ((1.0, -2.0, 0.5), (0.0, 3.0), (0.0, -16.0, 7.0)))
            self.dimensions["ratio"] = {"ratio": [x, y], "a": a, "b": b, "c": c}
            self._add("ratio", self.axes[x].light, ratio=(self.axes[y].light, a, b, c))

    def _add(self, name: str, light: str, *, straight: bool = False, **of_the_axis: Any) -> None:
        ratio = "ratio" in of_the_axis
        scale = scale_of(self.rng, native=self.peers, ratio=ratio, whole=self.channels.whole)
        scale = Linear() if straight else scale
        self.axes[name] = Axis(name, light, scale, **of_the_axis)
        self.scales[name] = scale_to_spec(scale)

    # ------------------------------------------------------------------------------------------------------- gates

    def add_gates(self, n_gates: int) -> None:
        """Add gates that stand the check of a strategy, each with an earlier one as parent or all events."""
        if self.rng.random() < 0.5:
            self.quadrants["Q"] = quadrants_of(self.rng, self.axes, self._storable)
            self._drop("quadrants", "Q", {"quadrant": "Q", "cell": {next(iter(self.quadrants["Q"]["dividers"])): 0}})
        while len(self.gates) < n_gates:
            made = gate_of(self.rng, self.axes, self._storable, list(self.gates), self.quadrants, peers=self.peers)
            if self._stands(made):
                self.gates[f"G{len(self.gates) + 1}"] = made
        for name in self.rng.permutation(list(self.gates))[:4]:
            self.mfi[str(name)] = [str(axis) for axis in self.rng.permutation(list(self.axes))[:3]]

    def _storable(self, axis: Axis, value: float) -> float:
        """Return a number near `value` that an event can hold exactly, most of the time: then events lie on it."""
        if self.rng.random() < 0.25 and not self.channels.whole:
            return short(value)
        if self.rng.random() < 0.02 and not self.peers:
            return float(self.rng.choice(LEAST))
        exact = axis.gain == 1.0 and axis.ratio is None
        return self.channels.storable(axis.light, value) if exact and self.rng.random() < 0.8 else float(value)

    def _stands(self, gate: Mapping[str, Any]) -> bool:
        """Tell whether a gate alone makes a strategy; combinations do, whose operands are there already."""
        if {"not", "all", "any"} & set(gate):
            return True
        alone = {key: value for key, value in gate.items() if key != "in"}
        try:
            self._strategy({**self._data(), "gates": {"new": alone}})
        except StrategyError:
            return False
        return True

    def _drop(self, section: str, name: str, gate: dict[str, Any]) -> None:
        if not self._stands(gate):
            del getattr(self, section)[name]

    def _data(self) -> dict[str, Any]:
        return {
            "tregflow": 1,
            "name": "random",
            "compensation": self.compensation,
            "gains": self.channels.gains,
            "matrices": self.matrices,
            "dimensions": self.dimensions,
            "scales": self.scales,
            "quadrants": self.quadrants,
            "gates": self.gates,
            "mfi": self.mfi,
        }

    @staticmethod
    def _strategy(data: dict[str, Any], rules: list[dict[str, Any]] | None = None) -> Strategy:
        return Strategy.from_data(data, name="random.yaml", overrides=rules or [])

    def finished(self) -> tuple[Strategy, dict[str, Any]]:
        """Return the strategy with report, MFI, counts and overrides, and what `Strategy.gate` is given."""
        names = [*self.gates, "root"]
        pairs = [self.rng.choice(names, 2) for _ in range(3)]
        data = {
            **self._data(),
            "report": {f"R{number}": f"{pair[0]} / {pair[1]}" for number, pair in enumerate(pairs)},
            "counts": "flowjo" if self.rng.random() < 0.25 and not self.peers else "exact",
        }
        if not self.peers and self.rng.random() < 0.2:
            data["gates"] = {**self.gates, "lost": {"above": {"nowhere": 1.0}, "optional": True}}
            data["gates"]["below lost"] = {"in": "lost", "above": {str(self.rng.choice(list(self.axes))): 1.0}}
        if self.rng.random() < 0.3 and not self.peers:
            return self._overridden(data)
        return self._strategy(data), self.kwargs

    def _overridden(self, data: dict[str, Any]) -> tuple[Strategy, dict[str, Any]]:
        """Return the strategy with a gate of the sample moved or set, and one that its batch does not have."""
        kwargs = {"id": "S1", "batch": "B1"} | self.kwargs
        signed = {"by": "a reader", "at": "2026-03-01", "why": "seen"}
        name = str(self.rng.choice(list(self.gates)))
        gate = self.gates[name]
        rules = [{"id": "b", "when": {"batch": "B2"}, "gate": name, "absent": True, **signed}]
        if len(self.gates) > 3 and self.rng.random() < 0.3:
            rules.append({"id": "a", "when": {"batch": "B1"}, "gate": "G3", "absent": True, **signed})
        moved = [axis for key in ("polygon", "rectangle", "above", "below") for axis in gate.get(key, ())]
        if moved and gate.get("units") != "scale":
            move = {moved[0]: {"gain": float(self.rng.uniform(0.9, 1.1))}}
            rules.append({"id": "s", "when": {"sample": "S1"}, "gate": name, "move": move, **signed})
        try:
            strategy = self._strategy(data, rules)
            strategy.applied(id="S1", batch="B1")
        except StrategyError:
            return self._strategy(data), self.kwargs
        return strategy, kwargs

    # ------------------------------------------------------------------------------------------------------ events

    def recorded(self, light: dict[str, Any], gates: list[Any], n_events: int) -> dict[str, Any]:
        """Return what the channels hold: lights spilled over, divided values multiplied, odd values put in."""
        columns = {name: light[name] for name in self.channels.names if name in light}
        if self.mixing is not None:
            lights, detectors, shares = self.mixing
            with np.errstate(all="ignore"):
                mixed = np.array([light[name] for name in lights]).T @ np.asarray(shares)
            columns |= dict(zip(detectors, mixed.T, strict=True))
        for name in self.channels.detectors:
            columns.setdefault(name, np.zeros(n_events))
        seen = {name: axis for name, axis in self.axes.items() if axis.raw}
        raw = targets(self.rng, gates, seen, n_events, tame=True)
        for name in raw:
            rows = self.rng.random(n_events) < 0.1
            columns[name] = np.where(rows, raw[name], columns[name])
        return self.channels.stored(self.rng, columns, tame=self.peers)


def with_gate(strategy: Strategy, name: str, **changed: Any) -> Strategy:
    """Return the strategy with keys of a gate replaced."""
    gates = strategy.data["gates"]
    data = {**strategy.data, "gates": {**gates, name: {**gates[name], **changed}}}
    return replace(strategy.revised(data, name=strategy.source), overrides=strategy.overrides)


def odd_only(case: Case, seed: int) -> Case:
    """Return the case with nothing but NaN, infinity, zeros and the ends of the floats in its sample."""
    rng = np.random.default_rng(seed)
    with np.errstate(over="ignore"):
        columns = {
            name: rng.choice(np.array(ODD), column.size).astype(column.dtype)
            for name, column in case.sample.columns.items()
        }
    return replace(case, sample=replace(case.sample, path=None, columns=columns))


def strategy_for(sample: Sample, seed: int = 0) -> Strategy:
    """Return gates for the channels of any sample, whose vertices are values of its events."""
    rng = np.random.default_rng(seed)
    names = [name for name in sample.names if sample.n_events and np.isfinite(sample.values(name)).any()]
    values = {name: np.asarray(sample.values(name), np.float64) for name in names}
    gates: dict[str, Any] = {}
    for number, (x, y) in enumerate(pairwise(names)):
        at = rng.choice(np.flatnonzero(np.isfinite(values[x]) & np.isfinite(values[y])), 8)
        points = [[float(a), float(b)] for a, b in zip(values[x][at], values[y][at], strict=True)]
        above = {"in": f"G{number // 2}"} if number > 1 else {}
        gates[f"G{number}"] = above | {"polygon": [x, y], "points": points}
        if len({tuple(point) for point in points}) < 3:
            gates[f"G{number}"] = above | {"rectangle": {x: [points[0][0], None]}}
    gates["rest"] = {"not": next(iter(gates))}
    return Strategy.from_data(
        {
            "tregflow": 1,
            "name": "any",
            "compensation": "none",
            "dimensions": {name: {"channel": name} for name in names},
            "scales": {name: str(rng.choice(["linear", "logicle", "asinh"])) for name in names},
            "gates": gates,
            "mfi": {"rest": names},
        },
        name="any.yaml",
    )
