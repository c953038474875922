"""Gate one sample by a strategy: whole columns in float64, parents before children.

The plain evaluation, and the one that a reader of the code should meet first: every gate is tested on every event, and
membership is the gate AND its parent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tregflow.errors import PanelError
from tregflow.fcs.stream import finished
from tregflow.findings import Finding
from tregflow.gates import Boolean, Mask
from tregflow.populations import ROOT
from tregflow.strategy.columns import Columns, shared
from tregflow.strategy.dimensions import source_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from tregflow.fcs import Sample
    from tregflow.gates import Gate, Values
    from tregflow.strategy import Applied, Strategy
    from tregflow.strategy.dimensions import Source
    from tregflow.strategy.matrix import Matrix


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done with a sample: every gate built, every axis found.

    Attributes
    ----------
    strategy : Strategy
        With overrides and thresholds applied.
    sample : Sample
    sources : mapping of str to Source
        Axis -> what it means in the sample.
    matrix : Spillover, Unmixing or None
        That of the strategy.
    gates : mapping of str to Gate
        Each after its parent and operands.
    missing : mapping of str to str
        Populations that cannot be evaluated, and why.
    findings : tuple of Finding
        Of strategy and panel.
    columns : Columns
        The sample's values on the axes, made when they are asked for.
    """

    strategy: Strategy
    sample: Sample
    sources: Mapping[str, Source]
    matrix: Matrix | None
    gates: Mapping[str, Gate]
    missing: Mapping[str, str]
    findings: tuple[Finding, ...]
    columns: Columns

    @property
    def medians(self) -> tuple[tuple[str, str], ...]:
        """Population and marker of each MFI that the strategy asks for and the sample can give."""
        pairs = [(population, axis) for population, axes in self.strategy.spec.mfi.items() for axis in axes]
        known = {ROOT, *self.gates}
        return tuple(pair for pair in pairs if pair[0] in known and pair[1] in self.sources)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What an engine has found.

    Attributes
    ----------
    sample : Sample
        With what was noticed while its values were read.
    masks : mapping of str to Mask
        Population -> its events, ancestors included; `root` is every event.
    counts : mapping of str to int
        Population -> how many events it has.
    medians : mapping of (str, str) to float or None
        Population and marker -> MFI; None without events.
    findings : tuple of Finding
        On values.
    """

    sample: Sample
    masks: Mapping[str, Mask]
    counts: Mapping[str, int]
    medians: Mapping[tuple[str, str], float | None]
    findings: tuple[Finding, ...]


def planned(applied: Applied, sample: Sample, matrix: Matrix | None) -> Plan:
    """Return what is to be done with a sample, by a strategy whose overrides and thresholds are applied already.

    Raises
    ------
    PanelError
        As `resolve_axes`.
    """
    strategy = applied.strategy
    sources, lost, notes = resolve_axes(strategy, sample, applied.missing)
    gates: dict[str, Gate] = {}
    missing = {**applied.missing, **lost}
    for gate_id in strategy.order:
        reason = missing.get(gate_id) or _needed(strategy, gate_id, missing)
        if reason is None:
            gates[gate_id] = strategy.build(gate_id)
        else:
            missing[gate_id] = reason
    columns = Columns(strategy, sample, sources, matrix)
    return Plan(strategy, sample, sources, matrix, gates, missing, (*applied.findings, *notes), columns)


def reference(plan: Plan) -> Evaluated:
    """Gate a sample by whole columns in float64, one gate after the other: what the fused engine must agree with."""
    n_events = plan.sample.n_events
    masks = members(plan.gates, plan.columns.get, n_events)
    counts = {name: int(np.count_nonzero(mask.inside)) for name, mask in masks.items()}
    medians = {
        (population, axis): median(plan.columns.get(axis)[masks[population].inside])
        for population, axis in plan.medians
    }
    # Of a lazy sample only now is known what its values are like.
    return Evaluated(finished(plan.sample, ()), masks, counts, medians, plan.columns.findings(n_events))


def members(
    gates: Mapping[str, Gate], values: Values, n_events: int, *, known: Mapping[str, Mask] | None = None
) -> dict[str, Mask]:
    """Return which events are in which population; every gate is tested on every event, but for those `known`."""
    everything = shared(np.ones(n_events, dtype=bool))
    masks: dict[str, Mask] = {ROOT: Mask(everything, everything), **(known or {})}
    for gate_id, gate in gates.items():
        masks[gate_id] = _membership(gate, masks, values)
    return masks


def median(values: NDArray[np.float64]) -> float | None:
    """Return the median of those values that are finite; None where there is none."""
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else None


def resolve_axes(
    strategy: Strategy, sample: Sample, missing: Mapping[str, str]
) -> tuple[dict[str, Source], dict[str, str], tuple[Finding, ...]]:
    """Return the source of every axis, the optional gates whose marker the sample lacks, and findings on them.

    Raises
    ------
    PanelError
        A marker has two channels, or none although a gate needs it that is neither optional nor missing already.
    """
    sources: dict[str, Source] = {}
    lost: dict[str, str] = {}
    findings = []
    gates = strategy.spec.gates
    gone = _gone(strategy, missing)
    asked = {axis for axes in strategy.spec.mfi.values() for axis in axes}
    for axis in strategy.axes:
        users = [gate_id for gate_id, gate in gates.items() if axis in gate.axes and gate_id not in gone]
        if not users and axis not in asked:
            continue  # only gates that are missing in this sample look at it
        try:
            sources[axis] = source_of(strategy, axis, sample, population=", ".join(users))
        except PanelError as error:
            dispensable = _gone(strategy, {gate_id for gate_id in users if gates[gate_id].optional})
            if error.code != "E_NO_CHANNEL" or not dispensable.issuperset(users):
                raise
            lost |= dict.fromkeys(users, error.problem)
            text = f"{error.problem}; missing: {', '.join(users) or 'its MFI'}"
            findings.append(Finding("marker-missing", "warning", axis, text))
    return sources, lost, (*findings, *_shared_channels(strategy, sources))


def _shared_channels(strategy: Strategy, sources: Mapping[str, Source]) -> Iterator[Finding]:
    """Yield a finding where two names of the strategy mean one channel: right for a dump channel, else a slip.

    Dimensions are left aside: whoever writes one says what it means.
    """
    named = {
        axis: source.channel.pnn
        for axis, source in sources.items()
        if source.channel is not None and axis not in strategy.spec.dimensions
    }
    for pnn in dict.fromkeys(named.values()):
        axes = [axis for axis, channel in named.items() if channel == pnn]
        if len(axes) > 1:
            yield Finding("channel-shared", "warning", pnn, f"{' and '.join(axes)} are the same channel")


def needed_channels(applied: Applied, sample: Sample, *, batch: str | None) -> tuple[str, ...]:
    """Return the ``$PnN`` that gating a sample takes, each matrix checked against its header."""
    strategy = applied.strategy
    sources, _, _ = resolve_axes(strategy, sample, applied.missing)
    main = strategy.spillover(sample, batch=batch)
    columns = Columns(strategy, sample, sources, main)
    used = map(columns.matrix, (part for source in sources.values() for part in source.parts))
    for matrix in {id(found): found for found in (main, *used) if found is not None}.values():
        matrix.check(sample)
    return columns.stored()


def _gone(strategy: Strategy, missing: Iterable[str]) -> set[str]:
    """Return the populations of `missing`, and those that need one of them."""
    gone = set(missing)
    for gate_id in strategy.order:
        if not gone.isdisjoint(strategy.needs(gate_id)):
            gone.add(gate_id)
    return gone


def _needed(strategy: Strategy, gate_id: str, missing: Mapping[str, str]) -> str | None:
    lost = next((name for name in strategy.needs(gate_id) if name in missing), None)
    return None if lost is None else f"{lost} is missing"


def _membership(gate: Gate, masks: Mapping[str, Mask], values: Values) -> Mask:
    """Return gate AND parent; `defined` is carried down so that complements leave undefined events out."""
    own = gate.evaluate(masks) if isinstance(gate, Boolean) else gate.evaluate(values)
    parent = masks[gate.parent]
    return Mask(shared(own.inside & parent.inside), shared(own.defined & parent.defined))
