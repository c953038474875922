"""Gate one sample by a strategy: whole columns in float64, parents before children.

The plain evaluation, and the one that a reader of the code should meet first: every gate is tested on every event, and
membership is the gate AND its parent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from tregflow._yaml import suggest
from tregflow.errors import PanelError
from tregflow.findings import Finding
from tregflow.gates import Boolean, Mask, Polygon, Rectangle
from tregflow.panel import MarkerRule, resolve
from tregflow.populations import ROOT, Gated
from tregflow.strategy.build import scale_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from tregflow.compensation import Spillover
    from tregflow.fcs import Channel, Sample
    from tregflow.few_events import FewEvents
    from tregflow.gates import Gate, Values
    from tregflow.strategy import Applied, Strategy
    from tregflow.strategy.spec import StrategySpec

    Array = TypeVar("Array", NDArray[np.bool_], NDArray[np.float64])


def evaluate(
    applied: Applied,
    sample: Sample,
    spillover: Spillover | None,
    *,
    id: str | None,  # noqa: A002 - the word of the sample sheet
    batch: str | None,
    few_events: FewEvents,
) -> Gated:
    """Return the sample gated by a strategy whose overrides and thresholds are applied already."""
    strategy = applied.strategy
    channels, lost, notes = resolve_axes(strategy, sample, applied.missing)
    values = _Columns(sample, channels, spillover)
    everything = _shared(np.ones(sample.n_events, dtype=bool))
    masks: dict[str, Mask] = {ROOT: Mask(everything, everything)}
    gates: dict[str, Gate] = {}
    missing = {**applied.missing, **lost}
    for gate_id in strategy.order:
        reason = missing.get(gate_id) or _needed(strategy, gate_id, missing)
        if reason is None:
            gates[gate_id] = strategy.build(gate_id)
            masks[gate_id] = _membership(gates[gate_id], masks, values.get)
        else:
            missing[gate_id] = reason
    findings = (*applied.findings, *notes, *values.findings(strategy.spec))
    return Gated(sample, id, batch, strategy, gates, masks, missing, channels, values.get, findings, few_events)


def resolve_axes(
    strategy: Strategy, sample: Sample, missing: Mapping[str, str]
) -> tuple[dict[str, Channel], dict[str, str], tuple[Finding, ...]]:
    """Return the channel of every axis, the optional gates whose marker the sample lacks, and findings on them.

    Raises
    ------
    PanelError
        A marker has two channels, or none although a gate needs it that is neither optional nor missing already.
    """
    channels: dict[str, Channel] = {}
    lost: dict[str, str] = {}
    findings = []
    gates = strategy.spec.gates
    gone = _gone(strategy, missing)
    for axis in strategy.axes:
        users = [gate_id for gate_id, gate in gates.items() if axis in gate.axes and gate_id not in gone]
        try:
            rule = marker_rule(strategy, axis)
            channels[axis] = resolve(axis, rule, sample, population=", ".join(users), panel=strategy.source)
        except PanelError as error:
            dispensable = _gone(strategy, {gate_id for gate_id in users if gates[gate_id].optional})
            if error.code != "E_NO_CHANNEL" or not dispensable.issuperset(users):
                raise
            lost |= dict.fromkeys(users, f"no channel carries {axis}")
            text = f"no channel carries {axis}; missing: {', '.join(users) or 'its MFI'}"
            findings.append(Finding("marker-missing", "warning", axis, text))
    return channels, lost, (*findings, *_shared_channels(channels))


def _shared_channels(channels: Mapping[str, Channel]) -> Iterator[Finding]:
    """Yield a finding where two names of the strategy mean one channel: right for a dump channel, else a slip."""
    for pnn in dict.fromkeys(channel.pnn for channel in channels.values()):
        axes = [axis for axis, channel in channels.items() if channel.pnn == pnn]
        if len(axes) > 1:
            yield Finding("channel-shared", "warning", pnn, f"{' and '.join(axes)} are the same channel")


def needed_channels(applied: Applied, sample: Sample, *, batch: str | None) -> tuple[str, ...]:
    """Return the ``$PnN`` that gating a sample takes: channels of the axes, and detectors of the matrix."""
    channels, _, _ = resolve_axes(applied.strategy, sample, applied.missing)
    spillover = applied.strategy.spillover(sample, batch=batch)
    if spillover is not None:
        spillover.check(sample)
    wanted = {channel.pnn for channel in channels.values()} | set(spillover.detectors if spillover else ())
    return tuple(channel.pnn for channel in sample.channels if channel.pnn in wanted)


def marker_rule(strategy: Strategy, axis: str) -> MarkerRule | None:
    """Return how the panel finds the channel of an axis; None where the axis names itself."""
    entry = strategy.spec.panel.get(axis)
    return None if entry is None else MarkerRule(entry.pns, entry.pnn, entry.signal)


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
    match gate:
        case Boolean():
            own = gate.evaluate(masks)
        case Polygon() | Rectangle():
            own = gate.evaluate(values)
    parent = masks[gate.parent]
    return Mask(_shared(own.inside & parent.inside), _shared(own.defined & parent.defined))


def _shared(array: Array) -> Array:
    """Guard an array that several readers share: counts and medians are taken from it whenever they are asked for."""
    array.setflags(write=False)
    return array


class _Columns:
    """The compensated columns of a sample, each made once; knows which held values that are no numbers."""

    def __init__(self, sample: Sample, channels: Mapping[str, Channel], spillover: Spillover | None) -> None:
        self._sample = sample
        self._channels = channels
        self._spillover = spillover
        self._made: dict[str, NDArray[np.float64]] = {}

    def get(self, axis: str) -> NDArray[np.float64]:
        """Return the (n_events,) compensated values of an axis, in data units."""
        if axis not in self._channels:
            raise PanelError(
                f"no gate and no MFI of the strategy looks at {axis}{suggest(axis, self._channels)}",
                code="E_NO_CHANNEL",
                file=self._sample.file,
                available=list(self._channels),
                remedy="add it to mfi in the strategy, or take sample.values",
            )
        if axis not in self._made:
            pnn = self._channels[axis].pnn
            if self._spillover is None:
                self._made[axis] = _shared(self._sample.values(pnn).astype(np.float64))
            else:
                self._made[axis] = _shared(self._spillover.compensated(self._sample, pnn))
        return self._made[axis]

    def findings(self, spec: StrategySpec) -> tuple[Finding, ...]:
        """Return a finding for each column that holds NaN or infinity, or values that its scale cannot place."""
        found = []
        gated = {axis for gate in spec.gates.values() for axis in gate.axes}
        for axis in self._channels:
            column = self.get(axis)
            finite = np.isfinite(column)
            bad = int(column.size - np.count_nonzero(finite))
            if bad:
                text = f"{bad} of {column.size} events hold NaN or infinity; they are outside every gate on {axis}"
                found.append(Finding("non-finite-values", "warning", axis, text))
            scale = scale_of(spec, axis)
            off = int(np.count_nonzero(finite & ~scale.defined(column))) if axis in gated else 0
            if off:
                text = (
                    f"{off} of {column.size} events have no position on the {scale.kind} scale; they are outside every "
                    f"gate on {axis}, and outside its complement"
                )
                found.append(Finding("off-scale-values", "warning", axis, text))
        return tuple(found)
