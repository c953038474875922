"""Gate a sample in one pass over its events: counts, masks and medians come out of the same blocks, read once.

Same results as `tregflow.strategy.evaluate.reference`, bit for bit: see `tregflow.strategy.screens` for why.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tregflow.fcs.rows import Rows, rows_or_columns
from tregflow.fcs.stream import Stream, finished
from tregflow.gates import Mask
from tregflow.populations import ROOT
from tregflow.strategy.blocks import (
    blocks_of,
    columns_of,
    cut,
    in_memory,
    limits_of,
    peeked,
    ratio_axes,
    recorded_of,
)
from tregflow.strategy.columns import shared
from tregflow.strategy.evaluate import Evaluated, median, members
from tregflow.strategy.later import Later
from tregflow.strategy.middle import Middle, median_of
from tregflow.strategy.program import Asked, compiled, made, positive_axes, sums_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from tregflow._kernels.tables import Events
    from tregflow.compensation.sums import Recorded
    from tregflow.gates import Gate
    from tregflow.strategy.blocks import Block
    from tregflow.strategy.columns import Columns
    from tregflow.strategy.evaluate import Plan
    from tregflow.strategy.program import Program, Sum

T = TypeVar("T")

_NONE = np.empty(0, np.int64)


@dataclass(slots=True)
class _Part:
    """What a pass over a range of events has found."""

    counts: NDArray[np.int64]
    aside: list[NDArray[np.int64]] = field(default_factory=list)
    """Numbers of the events that were set aside."""
    recorded: list[NDArray[Any]] = field(default_factory=list)
    """Their recorded values, a row per channel."""
    middles: dict[tuple[str, str], Middle] = field(default_factory=dict)
    """Population and marker -> the values around its median, those of events set aside left out."""


@dataclass(frozen=True, slots=True)
class _Rest:
    """The events that were set aside, decided by the plain evaluation.

    Attributes
    ----------
    events : (n,) ndarray of int64
        Their numbers.
    columns : Columns
        Their values.
    masks : mapping of str to Mask
        Population -> which of them it holds.
    """

    events: NDArray[np.int64]
    columns: Columns
    masks: Mapping[str, Mask]

    @classmethod
    def of(cls, plan: Plan, events: NDArray[np.int64], recorded: Recorded) -> _Rest:
        """Decide events; `recorded` gives their values before compensation."""
        columns = columns_of(plan, recorded)
        if not events.size:
            none = Mask(np.zeros(0, np.bool_), np.zeros(0, np.bool_))
            return cls(events, columns, dict.fromkeys((ROOT, *plan.gates), none))
        return cls(events, columns, members(plan.gates, columns.get, events.size))


@dataclass(frozen=True, slots=True)
class _Work:
    """What is done with each block of events.

    Attributes
    ----------
    plan : Plan
    program : Program
    medians : tuple of (str, str)
        Population and marker of the values to be kept.
    member : (n_gates, n_events) ndarray of uint8, or None
        Who is in which gate; None: it is not kept.
    """

    plan: Plan
    program: Program
    medians: tuple[tuple[str, str], ...]
    member: NDArray[np.uint8] | None

    def passed(self, blocks: Iterable[Block], unplaced: NDArray[np.int64] = _NONE) -> _Part:
        """Gate events block by block; those that are `unplaced`, by number, are set aside from the beginning."""
        from tregflow._kernels.screen import screen

        part = _Part(np.zeros(len(self.program.gates), np.int64))
        axes, gates, tests, shapes = self.program.tables
        scratch = np.empty((len(self.program.gates), 0), np.uint8)
        for block in blocks:
            aside = block.events.aside
            if unplaced.size:
                low, high = np.searchsorted(unplaced, (block.start, block.start + aside.size))
                aside[unplaced[low:high] - block.start] = 1
            if self.member is None and scratch.shape[1] < aside.size:
                scratch = np.empty((len(self.program.gates), aside.size), np.uint8)
            member, shift = (scratch, 0) if self.member is None else (self.member, block.start)
            limits: NDArray[Any] = axes.limits.astype(block.events.recorded.dtype)
            screen(block.events, member, shift, part.counts, axes._replace(limits=limits), gates, tests, shapes)
            chosen = np.flatnonzero(aside)
            if chosen.size:
                part.aside.append(chosen + block.start)
                part.recorded.append(recorded_of(block.events, chosen, len(self.program.channels)))
            self._collect(part, block.events, member[:, shift : shift + aside.size])
        return part

    def _collect(self, part: _Part, events: Events, member: NDArray[np.uint8]) -> None:
        """Keep the values that medians are taken of."""
        for population, axis in self.medians:
            chosen = 1 - events.aside if population == ROOT else member[self.program.gates.index(population)]
            if (population, axis) not in part.middles:
                part.middles[population, axis] = Middle(self.program.axes.index(axis), self.program.errors[axis])
            part.middles[population, axis].add(events, chosen, self.program.tables[0])

    def counts(self, parts: Sequence[_Part], rest: _Rest) -> dict[str, int]:
        """Return how many events each gate holds."""
        found = np.sum([part.counts for part in parts], axis=0).tolist()
        return {
            name: count + int(np.count_nonzero(rest.masks[name].inside))
            for name, count in zip(self.program.gates, found, strict=True)
        }

    def found(self, parts: Sequence[_Part], rest: _Rest) -> dict[tuple[str, str], float | None]:
        """Return the medians; NaN for one that the pass could not settle."""
        found = {}
        for population, axis in self.medians:
            others = rest.columns.get(axis)[rest.masks[population].inside]
            middles = [part.middles[population, axis] for part in parts if part.middles]
            found[population, axis] = median_of(middles, others[np.isfinite(others)]) if middles else median(others)
        return found

    def masks(self, member: NDArray[np.uint8], rest: _Rest, everything: NDArray[np.bool_]) -> dict[str, Mask]:
        """Return who is in which gate, and of whom that can be said."""
        masks = {}
        for place, name in enumerate(self.program.gates):
            member[place, rest.events] = rest.masks[name].inside
            defined = everything
            if not rest.masks[name].defined.all():
                defined = everything.copy()
                defined[rest.events] = rest.masks[name].defined
            masks[name] = Mask(shared(member[place].view(np.bool_)), shared(defined))
        return masks


def fused(plan: Plan, *, threads: int = 1, masks: bool = True) -> Evaluated:
    """Gate a sample in one pass.

    Parameters
    ----------
    plan : Plan
        What is to be done.
    threads : int
        Threads, each for a range of the events.
    masks : bool
        Whether to keep who is in which population. Without, a second pass finds it once somebody asks.

    Raises
    ------
    FcsError
        The file changed, or cannot be read to its end.
    CompensationError
        A matrix cannot be applied to the sample.
    """
    n_events = plan.sample.n_events
    member = np.empty((len(plan.gates), n_events), np.uint8) if masks else None
    streams = [rows_or_columns(plan.sample, plan.columns.stored(), events) for events in _ranges(n_events, threads)]
    chunks = [peeked(stream) for stream in streams]
    sums = sums_of(plan)
    medians = plan.medians
    noted = plan.gates if masks else [population for population, _ in medians]
    program = _compiled(plan, plan.gates, sums, streams[0].rows, chunks[0][0], noted=noted)
    work = _Work(plan, program, medians, member)
    parts = _spread(lambda each: work.passed(blocks_of(plan, program, each)), [each for _, each in chunks])
    rest = _Rest.of(plan, _aside(parts), _put_together(parts, program).__getitem__)
    for stream, part in zip(streams, parts, strict=True):
        _count_odd(stream, part, program)
    found: Mapping[str, Mask] = Later(lambda: fused(plan).masks)
    if member is not None:
        everything = shared(np.ones(n_events, dtype=bool))
        found = {ROOT: Mask(everything, everything)} | work.masks(member, rest, everything)
    return Evaluated(
        sample=finished(plan.sample, streams),
        masks=found,
        counts={ROOT: n_events} | work.counts(parts, rest),
        medians=_settled(work.found(parts, rest), plan, found),
        findings=(*rest.columns.of_matrices(), *(rest.columns.of_values(n_events) if rest.events.size else ())),
    )


def _settled(
    medians: Mapping[tuple[str, str], float | None], plan: Plan, masks: Mapping[str, Mask]
) -> dict[tuple[str, str], float | None]:
    """Return the medians, those that the pass could not settle taken of whole columns."""
    return {
        (population, axis): median(plan.columns.get(axis)[masks[population].inside])
        if value is not None and np.isnan(value)
        else value
        for (population, axis), value in medians.items()
    }


def fused_gate(
    plan: Plan, gate: str, masks: Mapping[str, Mask], unplaced: NDArray[np.int64], *, threads: int
) -> NDArray[np.bool_]:
    """Gate a sample again, but by one gate, and all above it known.

    Parameters
    ----------
    plan : Plan
    gate : str
        The gate to be evaluated.
    masks : mapping of str to Mask
        Who is in its parent and operands.
    unplaced : (n,) ndarray of int64
        Events that some of the gates cannot place, ascending; they are not looked at.
    threads : int
        Threads, each for a range of the events.

    Returns
    -------
    (n_events,) ndarray of bool
        Who is in the gate; of the events that are unplaced, none.
    """
    n_events = plan.sample.n_events
    needed = {*plan.strategy.needs(gate), gate}
    gates = {name: plan.gates[name] for name in plan.gates if name in needed}
    part = replace(plan, sources={axis: source for axis, source in plan.sources.items() if axis in gates[gate].axes})
    columns, rows = in_memory(part)
    program = _compiled(part, gates, sums_of(part), rows, columns, noted=[gate], known=needed - {gate})
    member = np.zeros((len(gates), n_events), np.uint8)
    for place, name in enumerate(gates):
        if name != gate:
            member[place] = masks[name].inside
    work = _Work(part, program, (), member)

    def passed(events: range) -> _Part:
        return work.passed(blocks_of(part, program, cut(columns, events)), unplaced)

    aside = np.setdiff1d(_aside(_spread(passed, _ranges(n_events, threads))), unplaced)
    place = program.gates.index(gate)
    if aside.size:
        member[place, aside] = decide(plan, [gate], masks, aside)[gate].inside
    found: NDArray[np.bool_] = member[place].view(np.bool_)
    return found


def decide(
    plan: Plan, gates: Collection[str], masks: Mapping[str, Mask], events: NDArray[np.int64]
) -> Mapping[str, Mask]:
    """Return what the plain evaluation says of some gates and some events, by number, of a sample in memory.

    `masks` says who is in the other gates.
    """
    wanted = {name: gate for name, gate in plan.gates.items() if name in gates}
    needed = {need for name in wanted for need in plan.strategy.needs(name)} - wanted.keys()
    known = {name: Mask(masks[name].inside[events], masks[name].defined[events]) for name in needed}
    columns = columns_of(plan, lambda name: plan.sample.values(name)[events])
    return members(wanted, columns.get, events.size, known=known)


def _aside(parts: Sequence[_Part]) -> NDArray[np.int64]:
    """Return the numbers of the events that were set aside."""
    return np.concatenate([np.empty(0, np.int64), *(each for part in parts for each in part.aside)])


def _put_together(parts: Sequence[_Part], program: Program) -> dict[str, NDArray[Any]]:
    """Return what was recorded of them, by channel."""
    recorded = [each for part in parts for each in part.recorded]
    rows = np.concatenate(recorded, axis=1) if recorded else np.empty((len(program.channels), 0))
    return dict(zip(program.channels, rows, strict=True))


def _ranges(n_events: int, threads: int) -> list[range]:
    n_parts = max(1, min(threads, n_events))
    ends = [n_events * i // n_parts for i in range(n_parts + 1)]
    return [range(*pair) for pair in pairwise(ends)]


def _compiled(
    plan: Plan,
    gates: Mapping[str, Gate],
    sums: Mapping[str, Sum],
    rows: Sequence[str],
    look: NDArray[Any],
    *,
    noted: Collection[str],
    known: Collection[str] = (),
) -> Program:
    return compiled(
        Asked(
            gates=tuple(gates.values()),
            sums=tuple(sums.items()),
            channels=(*rows, *map(made, ratio_axes(plan))),
            limits=tuple(limits_of(sums, rows, look).items()),
            positive=positive_axes(plan),
            noted=frozenset(noted),
            known=frozenset(known),
        )
    )


def _spread(work: Callable[[T], _Part], tasks: Sequence[T]) -> list[_Part]:
    """Return what is found task by task, each in a thread of its own where there are several."""
    if len(tasks) == 1:
        return [work(tasks[0])]
    with ThreadPoolExecutor(len(tasks)) as pool:
        return list(pool.map(work, tasks))


def _count_odd(stream: Stream, part: _Part, program: Program) -> None:
    """Count values that are not finite, where the pass itself has not: all events that hold one are set aside."""
    if isinstance(stream, Rows):
        places = [program.channels.index(channel.pnn) for channel in stream.channels]
        for recorded in part.recorded:
            stream.odd += np.count_nonzero(~np.isfinite(recorded[places]), axis=1)
