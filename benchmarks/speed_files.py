"""From a file to counts, masks and MFI, and from a moved gate to new counts: ours, FlowKit's and flowCore's way."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from speed_cases import Case
from speed_data import GATES, MFI
from tregflow import Strategy
from tregflow.fcs import read_fcs

if TYPE_CHECKING:
    from collections.abc import Callable

    from speed_data import Prepared
    from speed_flowcore import FlowCore
    from tregflow.populations import Gated

    Counts = dict[str, int]

MOVED = "G3"
"""The gate that `regate` moves: two gates hang below it, three are above."""


def from_file(data: Prepared, flowcore: FlowCore | None) -> list[Case]:
    """Return the cases from a file to counts, and to masks with MFI; strategies are loaded and compiled beforehand."""
    strategy, with_mfi = Strategy.load(data.strategy), Strategy.load(data.with_mfi)
    peers: dict[str, Callable[[], Any]] = {"FlowKit": flowkit_counts(data)}
    if flowcore is not None:
        peers["flowCore"] = flowcore.counts

    def counting(threads: int) -> Callable[[], Counts]:
        return lambda: counts_of(strategy.gate(read_fcs(data.fcs, lazy=True), threads=threads, masks=False))

    def masks() -> tuple[dict[str, Any], list[float | None]]:
        gated = with_mfi.gate(read_fcs(data.fcs, lazy=True), threads=1)
        return {name: gated[name] for name in GATES}, [row.mfi for row in gated.medians]

    return [
        Case("file_to_counts", counting(1), peers, dict.__eq__),
        Case("file_to_counts_2_threads", counting(2), peers, dict.__eq__, threads=2),
        Case("file_to_counts_masks", masks, {"FlowKit": flowkit_masks(data)}, _same_masks),
    ]


def regating(data: Prepared) -> list[Case]:
    """Return the case of a gate that is moved after a first gating of events in memory, each time to a new place."""
    gated = Strategy.load(data.strategy).gate(data.sample)
    scales, again = gated.gates[MOVED].scales, flowkit_again(data)
    ours, theirs = count(), count()
    found: tuple[dict[int, Counts], dict[int, Counts]] = ({}, {})

    def move() -> dict[int, Counts]:
        number = next(ours)
        found[0][number] = counts_of(gated.update(gate=MOVED, points=outline(MOVED, number)))
        return found[0]

    def peer() -> dict[int, Counts]:
        number = next(theirs)
        columns = zip(scales, np.array(outline(MOVED, number)).T, strict=True)
        found[1][number] = again([scale.apply(column) for scale, column in columns])
        return found[1]

    def equal(mine: dict[int, Counts], other: dict[int, Counts]) -> bool:
        both = mine.keys() & other.keys()
        return bool(both) and all(mine[number] == other[number] for number in both)

    return [Case("regate", move, {"FlowKit": peer}, equal)]


def each_gate_moved(data: Prepared) -> dict[str, Callable[[], Counts]]:
    """Return for every gate what moves it, ours alone: those at the root take longest."""
    gated = Strategy.load(data.strategy).gate(data.sample)

    def moving(name: str) -> Callable[[], Counts]:
        numbers = count(1000)
        return lambda: counts_of(gated.update(gate=name, points=outline(name, next(numbers))))

    return {name: moving(name) for name in GATES}


def outline(name: str, number: int) -> list[list[float]]:
    """Return a gate's outline, a little larger or smaller; another number gives another one, none comes again."""
    size = 0.97 + 0.06 * (number * 0.618034 % 1)
    return [[x * size, y * size] for x, y in GATES[name][3]]


def counts_of(gated: Gated) -> Counts:
    """Return the counts of the ten gates."""
    return {name: gated.count(name) or 0 for name in GATES}


# --------------------------------------------------------------------------------------------------------- FlowKit


def flowkit_counts(data: Prepared) -> Callable[[], Counts]:
    """Return FlowKit's way from the file to counts: it keeps preprocessed columns, which is its quicker one."""
    import flowkit

    gates = flowkit.parse_gating_xml(str(data.gatingml))

    def run() -> Counts:
        gates.clear_cache()  # of an earlier turn
        sample = flowkit.Sample(str(data.fcs), sample_id="speed")
        return _reported(gates.gate_sample(sample, cache_events=True))

    return run


def flowkit_masks(data: Prepared) -> Callable[[], Any]:
    """Return FlowKit's way from the file to masks, and to medians of its compensated events."""
    import flowkit

    gates = flowkit.parse_gating_xml(str(data.gatingml))

    def run() -> tuple[dict[str, Any], list[float]]:
        gates.clear_cache()
        sample = flowkit.Sample(str(data.fcs), sample_id="speed")
        result = gates.gate_sample(sample, cache_events=True)
        masks = {name: np.asarray(result.get_gate_membership(name)) for name in GATES}
        sample.apply_compensation(sample.metadata["spillover"])
        pairs = [(name, sample.get_channel_index(axis)) for name, axes in MFI.items() for axis in axes]
        events = sample.get_events(source="comp")
        return masks, [float(np.median(events[masks[name], index])) for name, index in pairs]

    return run


def flowkit_again(data: Prepared) -> Callable[[list[Any]], Counts]:
    """Return FlowKit's way to gate a loaded sample once more, its preprocessed columns kept from a first time."""
    import flowkit

    gates = flowkit.parse_gating_xml(str(data.gatingml))
    sample = flowkit.Sample(str(data.fcs), sample_id="speed")
    gates.gate_sample(sample, cache_events=True)

    def run(columns: list[Any]) -> Counts:
        gates.get_gate(MOVED).vertices = np.column_stack(columns)
        return _reported(gates.gate_sample(sample, cache_events=True))

    return run


def _reported(result: Any) -> Counts:
    report = result.report
    return {name: int(count) for name, count in zip(report["gate_name"], report["count"], strict=True)}


def _same_masks(ours: Any, peer: Any) -> bool:
    same = all(np.array_equal(ours[0][name], mask) for name, mask in peer[0].items())
    return same and np.allclose(ours[1], peer[1], rtol=1e-9)
