"""Gate one sample by a strategy: whole columns in float64, parents before children.

The plain evaluation, and the one that a reader of the code should meet first: every gate is tested on every event, and
membership is the gate AND its parent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tregflow.errors import PanelError
from tregflow.findings import Finding
from tregflow.gates import Boolean, Mask
from tregflow.populations import ROOT, Gated
from tregflow.strategy.columns import Columns, shared
from tregflow.strategy.dimensions import source_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tregflow.fcs import Sample
    from tregflow.few_events import FewEvents
    from tregflow.gates import Gate, Values
    from tregflow.strategy import Applied, Strategy
    from tregflow.strategy.dimensions import Source
    from tregflow.strategy.matrix import Matrix


def evaluate(
    applied: Applied,
    sample: Sample,
    matrix: Matrix | None,
    *,
    id: str | None,  # noqa: A002 - the word of the sample sheet
    batch: str | None,
    few_events: FewEvents,
) -> Gated:
    """Return the sample gated by a strategy whose overrides and thresholds are applied already."""
    strategy = applied.strategy
    sources, lost, notes = resolve_axes(strategy, sample, applied.missing)
    columns = Columns(strategy, sample, sources, matrix)
    everything = shared(np.ones(sample.n_events, dtype=bool))
    masks: dict[str, Mask] = {ROOT: Mask(everything, everything)}
    gates: dict[str, Gate] = {}
    missing = {**applied.missing, **lost}
    for gate_id in strategy.order:
        reason = missing.get(gate_id) or _needed(strategy, gate_id, missing)
        if reason is None:
            gates[gate_id] = strategy.build(gate_id)
            masks[gate_id] = _membership(gates[gate_id], masks, columns.get)
        else:
            missing[gate_id] = reason
    findings = (*applied.findings, *notes, *columns.findings())
    return Gated(sample, id, batch, strategy, gates, masks, missing, sources, columns.get, findings, few_events, matrix)


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
    """Return the ``$PnN`` that gating a sample takes: channels of the axes, and detectors of their matrices."""
    strategy = applied.strategy
    sources, _, _ = resolve_axes(strategy, sample, applied.missing)
    main = strategy.spillover(sample, batch=batch)
    columns = Columns(strategy, sample, sources, main)
    parts = [part for source in sources.values() for part in source.parts]
    wanted = {part.channel.pnn for part in parts if part.channel is not None}
    for matrix in {id(found): found for found in (main, *map(columns.matrix, parts)) if found is not None}.values():
        matrix.check(sample)
        wanted |= set(matrix.detectors)
    return tuple(channel.pnn for channel in sample.channels if channel.pnn in wanted)


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
