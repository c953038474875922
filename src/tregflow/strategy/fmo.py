"""Thresholds from FMO controls: a quantile of the control's events in the gate's parent, or nothing.

A control with few events in the parent gives a number that looks firm and is not: below `MIN_PARENT_EVENTS` there is no
threshold, and the population is missing, with a finding.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tregflow.few_events import FewEvents
from tregflow.findings import Finding
from tregflow.strategy.engines import Way, evaluate
from tregflow.strategy.spec import FmoSpec

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from tregflow.fcs import Sample
    from tregflow.populations import Gated
    from tregflow.strategy import Applied, Strategy
    from tregflow.strategy.matrix import Matrix

MIN_PARENT_EVENTS = 200


@dataclass(frozen=True, slots=True)
class Control:
    """A control of a batch: its id in the sample sheet (by which overrides find it) and its events."""

    id: str
    sample: Sample


@dataclass(frozen=True, slots=True, order=True)
class FmoPlace:
    """Where a strategy wants a threshold from a control, and what it asks of the control.

    Attributes
    ----------
    gate, side, axis : str
        The gate, ``above`` or ``below``, and the marker.
    parent : str
        The population of the control in which the quantile is taken.
    control : str
        Name of the control: ``FoxP3`` for the role ``fmo:FoxP3``.
    quantile : float
        Between 0 and 1.
    """

    gate: str
    side: str
    axis: str
    parent: str
    control: str
    quantile: float


@dataclass(frozen=True, slots=True)
class FmoThreshold:
    """A threshold read off a control.

    Attributes
    ----------
    file : str
        The control's file; empty where there is none.
    n_parent : int
        Events of the control in the parent.
    value : float or None
        In data units; None where there is no threshold, and `reason` says why.
    reason : str
        Empty where there is a value.
    code : str
        Of the finding that says why there is none: ``fmo-missing``, ``fmo-few-events`` or ``fmo-unusable``.
    findings : tuple of Finding
        What was noticed of the control and asks for attention: it bears on every sample of the batch.
    """

    file: str
    n_parent: int
    value: float | None
    reason: str = ""
    code: str = "fmo-unusable"
    findings: tuple[Finding, ...] = ()


def fmo_places(strategy: Strategy, missing: Container[str] = ()) -> tuple[FmoPlace, ...]:
    """Return every place of a strategy whose threshold comes from a control; gates in `missing` ask for nothing."""
    return tuple(
        FmoPlace(gate_id, side, axis, strategy.parent(gate_id), limit.fmo, limit.quantile)
        for gate_id, gate in strategy.spec.gates.items()
        if gate_id not in missing
        for side, limits in (("above", gate.above), ("below", gate.below))
        for axis, limit in (limits or {}).items()
        if isinstance(limit, FmoSpec)
    )


def fmo_threshold(
    strategy: Strategy,
    place: FmoPlace,
    controls: Mapping[str, Control],
    *,
    batch: str | None = None,
    spillover: Matrix | None = None,
) -> FmoThreshold:
    """Return the threshold that a batch's control gives for one place.

    The quantile is that of the control's compensated values among the events of the parent, by linear interpolation
    (type 7 of Hyndman and Fan 1996, The American Statistician 50:361).

    Parameters
    ----------
    strategy : Strategy
        The template with its overrides: the control is gated by its batch's rules and those for its own id, not by
        the rules of the sample that asks.
    place : FmoPlace
        What is asked.
    controls : mapping of str to Control
        Name of the control -> the control of this batch.
    batch : str, optional
        The batch.
    spillover : Spillover or Unmixing, optional
        A matrix instead of the one that the strategy's `compensation` names.
    """
    control = controls.get(place.control)
    if control is None:
        where = f"batch {batch} has" if batch else "there is"
        reason = f"{where} no FMO control for {place.control} (role fmo:{place.control})"
        return FmoThreshold("", 0, None, reason, "fmo-missing")
    # Overrides first, then the cut: an override may hang the parent elsewhere in the tree.
    applied = strategy.applied(id=control.id, batch=batch or "")
    part = replace(applied, strategy=applied.strategy.only(place.parent, place.axis))
    above = {
        inner: fmo_threshold(strategy, inner, controls, batch=batch, spillover=spillover)
        for inner in fmo_places(part.strategy, part.missing)
    }
    gated = gate_with(part, above, control.sample, spillover=spillover, id=control.id, batch=batch)
    file = control.sample.file
    if place.parent in gated.missing:
        return FmoThreshold(file, 0, None, f"{file}: {place.parent} is missing: {gated.missing[place.parent]}")
    if place.axis not in gated.sources:  # an FMO is often named without the marker that it leaves out
        return FmoThreshold(file, 0, None, f"{file}: no channel carries {place.axis}")
    values = gated.values(place.axis)[gated[place.parent]]
    values = values[np.isfinite(values)]
    if values.size < MIN_PARENT_EVENTS:
        reason = f"{file} has {values.size} events in {place.parent}, and a quantile needs {MIN_PARENT_EVENTS}"
        return FmoThreshold(file, int(values.size), None, reason, "fmo-few-events")
    value = float(np.quantile(values, place.quantile))
    return FmoThreshold(file, int(values.size), value, findings=_of_control(gated))


def _of_control(gated: Gated) -> tuple[Finding, ...]:
    """Return what a sample must know of its control: a repaired header there moves the threshold here."""
    grave = (finding for finding in gated.findings if finding.severity != "info")
    return tuple(replace(finding, where=f"{gated.sample.file}: {finding.where}") for finding in grave)


def gate_with(  # noqa: PLR0913 - all by name
    applied: Applied,
    thresholds: Mapping[FmoPlace, FmoThreshold],
    sample: Sample,
    *,
    spillover: Matrix | None,
    id: str | None,  # noqa: A002 - the word of the sample sheet
    batch: str | None,
    few_events: FewEvents | None = None,
    way: Way = Way(),  # noqa: B008 - frozen
) -> Gated:
    """Gate a sample by a strategy whose overrides are applied, with the thresholds that its controls gave."""
    strategy = applied.strategy
    data, missing, notes = with_thresholds(strategy.data, thresholds)
    if spillover is None:
        spillover = strategy.spillover(sample, batch=batch)
    if data != strategy.data:
        strategy = strategy.revised(data, name=strategy.source)
    findings = (*applied.findings, *notes)
    placed = replace(applied, strategy=strategy, missing=missing | applied.missing, findings=findings)
    return evaluate(placed, sample, spillover, id=id, batch=batch, few_events=few_events or FewEvents(), way=way)


def with_thresholds(
    data: Mapping[str, Any], thresholds: Mapping[FmoPlace, FmoThreshold]
) -> tuple[dict[str, Any], dict[str, str], tuple[Finding, ...]]:
    """Return a strategy's plain data with thresholds as numbers; the gates that lack one, with the reason; findings."""
    changed = copy.deepcopy(dict(data)) if thresholds else dict(data)
    missing: dict[str, str] = {}
    findings = []
    for place, threshold in thresholds.items():
        gate = changed["gates"][place.gate]
        reason, code = threshold.reason, threshold.code
        if threshold.value is not None:
            text = (
                f"{place.axis} {place.side} {threshold.value:.6g}: quantile {place.quantile:g} of "
                f"{threshold.n_parent} events of {threshold.file}"
            )
            findings += [Finding("fmo-threshold", "info", place.gate, text), *threshold.findings]
            placed = gate[place.side] | {place.axis: threshold.value}
            reason, code = _left_nothing({**gate, place.side: placed}, place.axis), "fmo-unusable"
            gate[place.side] = gate[place.side] if reason else placed
        if reason:
            missing[place.gate] = reason
            findings.append(Finding(code, "review", place.gate, f"population missing: {reason}"))
    return changed, missing, tuple(dict.fromkeys(findings))


def _left_nothing(gate: Mapping[str, Any], axis: str) -> str:
    """Say that a threshold lies beyond the gate's other bound, or nothing."""
    low, high = (gate.get(side, {}).get(axis) for side in ("above", "below"))
    if isinstance(low, int | float) and isinstance(high, int | float) and low >= high:
        return f"above {low:.6g} and below {high:.6g} leave nothing on {axis}"
    return ""
