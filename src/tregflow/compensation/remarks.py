"""What there is to say of single-stained controls and of the matrix that they gave: findings, each with its limit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tregflow.compensation.fit import within
from tregflow.compensation.slopes import slope_between
from tregflow.compensation.tubes import negatives_in
from tregflow.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from tregflow.compensation.fit import ControlFit
    from tregflow.compensation.spillover import Spillover
    from tregflow.compensation.tubes import Populations, Tube
    from tregflow.fcs import Channel
    from tregflow.findings import Severity

    Floats = NDArray[np.float64]

DIFFERS = 0.02
"""Difference of a coefficient from the acquisition matrix, or between two sources of negative events, that is said."""
ERRORS = 4.0
"""... and by so many standard errors, so that it is no chance."""
IMPRECISE = 0.01
"""Standard error of a coefficient from which it is said to be uncertain."""
BELOW_ZERO = -0.005
"""Coefficient below which light would be taken away by a dye, which no dye does."""
_MANY_SATURATED = 0.01
_NO_DYE = re.compile(r"(fsc|ssc|time|event|width|hdr-|index)", re.IGNORECASE)
_SHOWN = 6


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One control's row of the matrix, with the populations that it rests on."""

    control: ControlFit
    populations: Populations
    slopes: tuple[float, ...]
    errors: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """Everything that remarks look at."""

    detectors: tuple[str, ...]
    rows: tuple[Row, ...]
    blank: Tube | None
    acquisition: Spillover | None
    tubes: tuple[Tube, ...]
    gated: tuple[str, ...] = ()


def remarks(fitted: Fitted, matrix: Floats, errors: Floats) -> tuple[Finding, ...]:
    """Return the findings on controls and coefficients, in the order of the work.

    Parameters
    ----------
    fitted : Fitted
        The controls.
    matrix, errors : (n, n) ndarray of float64
        Coefficients and their standard errors.
    """
    return (
        _summary(fitted),
        *_missing(fitted),
        *_voltages(fitted),
        *(finding for row in fitted.rows for finding in _of_control(row, fitted)),
        *_of_coefficients(fitted, matrix, errors),
    )


def dye_detectors(channels: Sequence[Channel], like: Sequence[str]) -> tuple[str, ...]:
    """Return ``$PnN`` of the channels that may carry a dye: no scatter, no time; a signal (-A, -H, -W) as in `like`."""
    signals = {name[-2:].upper() for name in like if name[-2:-1] == "-"}
    return tuple(
        channel.pnn
        for channel in channels
        if not _NO_DYE.match(channel.pnn) and (not signals or channel.pnn[-2:].upper() in signals)
    )


def _summary(fitted: Fitted) -> Finding:
    events = ", ".join(f"{row.control.detector} {row.control.n_bright} positive events" for row in fitted.rows)
    text = f"the matrix was computed from {len(fitted.rows)} single-stained controls: {events}"
    return Finding("spillover-from-controls", "info", "spillover", text)


def _missing(fitted: Fitted) -> Iterator[Finding]:
    stated = fitted.acquisition.detectors if fitted.acquisition is not None else ()
    known = stated or dye_detectors(fitted.tubes[0].sample.channels, fitted.detectors)
    gated = dye_detectors([c for c in fitted.tubes[0].sample.channels if c.pnn in fitted.gated], ())
    lost = [name for name in gated if name not in fitted.detectors]
    without = [name for name in known if name not in (*fitted.detectors, *lost)]
    if lost:
        text = f"no control for {', '.join(lost)}, which gates look at: the channel is not compensated"
        yield Finding("single-missing", "review", "spillover", text)
    if without:
        text = f"no control for {', '.join(without)}: a dye there is not compensated, and its light stays in the others"
        yield Finding("single-missing", "warning", "spillover", text)


def _voltages(fitted: Fitted) -> Iterator[Finding]:
    """Yield a finding for each detector whose voltage differs between controls: its slopes belong to no one setting."""
    tubes = (*fitted.tubes, *([] if fitted.blank is None else [fitted.blank]))
    for detector in fitted.detectors:
        said: dict[str, str] = {}
        for tube in tubes:
            number = tube.sample.channel(detector).number
            voltage = tube.sample.keywords.get(f"$P{number}V", "").strip()
            if voltage:
                said.setdefault(voltage, tube.file)
        if len(said) > 1:
            shown = ", ".join(f"{voltage} in {file}" for voltage, file in said.items())
            text = f"the voltage differs between the controls: {shown}"
            yield Finding("single-voltages", "review", detector, text)


def _of_control(row: Row, fitted: Fitted) -> Iterator[Finding]:
    control, where = row.control, f"{row.control.detector} ({row.control.file})"
    if control.saturated:
        total = row.populations.tube.n_wanted
        severity: Severity = "warning" if control.saturated > _MANY_SATURATED * total else "info"
        text = f"{control.saturated} of {total} events lie at the top of a detector's range and were left out"
        yield Finding("single-saturated", severity, where, text)
    if control.negatives == "zero":
        yield _no_negatives(row, fitted, where)
    if control.negatives == "control" and fitted.blank is not None:
        yield from _other_negatives(row, fitted, where)


def _no_negatives(row: Row, fitted: Fitted, where: str) -> Finding:
    """Say that zero stands for negative events, and what that may cost by the dimmest of the other controls."""
    own = fitted.detectors.index(row.control.detector)
    levels = [_dimmest(name, row, fitted) for name in fitted.detectors]
    head = "no negative events and no unstained control: zero stands for them"
    if len(fitted.rows) < 3:
        return Finding(
            "single-no-negatives", "review", where, f"{head}, and autofluorescence stays in its coefficients"
        )
    costs = [
        (abs(level) + abs(slope * levels[own])) / row.control.bright
        for place, (level, slope) in enumerate(zip(levels, row.slopes, strict=True))
        if place != own
    ]
    cost = max(costs)
    text = f"{head}, which by the dimmest of the other controls may move its coefficients by up to {cost:.2g}"
    return Finding("single-no-negatives", "review" if cost > DIFFERS else "warning", where, text)


def _dimmest(detector: str, row: Row, fitted: Fitted) -> float:
    """Return the lowest median in a detector of the controls of other dyes than its own and the row's."""
    others = [each for each in fitted.rows if each is not row and each.control.detector != detector]
    return min((float(np.median(each.populations.tube[detector])) for each in others), default=0.0)


def _other_negatives(row: Row, fitted: Fitted, where: str) -> Iterator[Finding]:
    """Yield a finding where the unstained control would give other coefficients than the control's own negatives."""
    found, blank, detector = row.populations, fitted.blank, row.control.detector
    if blank is None:
        return
    dim = negatives_in(blank, found.tube, found.bright)
    if dim is None:
        return
    own = found.tube[detector][found.bright], blank[detector][dim]
    apart = {}
    for name, slope, error in zip(fitted.detectors, row.slopes, row.errors, strict=True):
        if name != detector:
            other = slope_between(own, (found.tube[name][found.bright], blank[name][dim]))
            if abs(other.value - slope) > max(DIFFERS, ERRORS * float(np.hypot(error, other.error))):
                apart[name] = other.value - slope
    if apart:
        shown = ", ".join(f"{name} by {shift:+.3f}" for name, shift in apart.items())
        text = f"the unstained control has another autofluorescence than its negatives; it would move {shown}"
        yield Finding("single-negatives-differ", "warning", where, text)


def _of_coefficients(fitted: Fitted, matrix: Floats, errors: Floats) -> Iterator[Finding]:
    stated = within(fitted.acquisition, fitted.detectors)
    imprecise = []
    for i, dye in enumerate(fitted.detectors):
        for j, detector in enumerate(fitted.detectors):
            if i == j:
                continue
            share, error, where = float(matrix[i, j]), float(errors[i, j]), f"{dye} -> {detector}"
            if error > IMPRECISE:
                imprecise.append(f"{where} ± {error:.2g}")
            if share < min(BELOW_ZERO, -ERRORS * error):
                text = f"the coefficient is {share:.4f} ± {error:.2g}, below zero: are the negatives of another kind?"
                yield Finding("single-below-zero", "warning", where, text)
            apart = share - float(stated[i, j])
            if abs(apart) > max(DIFFERS, ERRORS * error):
                text = f"{share:.4f} ± {error:.2g} from the controls, {stated[i, j]:.4f} in the acquisition matrix"
                yield Finding("spillover-differs", "warning", where, text)
    if imprecise:
        more = f" and {len(imprecise) - _SHOWN} more" if len(imprecise) > _SHOWN else ""
        text = f"coefficients are uncertain by more than {IMPRECISE:g}: {', '.join(imprecise[:_SHOWN])}{more}"
        yield Finding("single-imprecise", "warning", "spillover", text)
