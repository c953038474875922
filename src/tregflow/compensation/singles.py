"""The spillover matrix from single-stained controls: one slope per dye and detector, each with its standard error.

Of each control the positive and the negative events are found in its dye's own detector (`modes`, `tubes`). A
coefficient is the slope between the two (`slopes`): after compensation by it their medians are level, as Roederer asks
(Cytometry 2001, 45:194). The rows together are the matrix of Bagwell and Adams (Ann N Y Acad Sci 1993, 677:167).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tregflow.compensation.checks import check_uncompensated
from tregflow.compensation.fit import ControlFit, SpilloverFit
from tregflow.compensation.modes import MIN_EVENTS, RATIO, split
from tregflow.compensation.remarks import Fitted, Row, remarks
from tregflow.compensation.slopes import slope_between
from tregflow.compensation.spillover import IDENTITY_TOLERANCE, Spillover
from tregflow.compensation.tubes import Tube, find_populations
from tregflow.errors import CompensationError
from tregflow.fcs.channels import label_list
from tregflow.fcs.names import near_misses

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tregflow.fcs import Channel, Sample

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

UNSTAINED = "unstained"
"""Key of the unstained control in `masks`."""


def spillover_from_controls(
    controls: Mapping[str, Sample],
    *,
    unstained: Sample | None = None,
    acquisition: Spillover | None = None,
    masks: Mapping[str, Mask] | None = None,
    gated: Sequence[str] = (),
    source: str = "single-stained controls",
) -> SpilloverFit:
    """Compute the spillover matrix of single-stained controls.

    Parameters
    ----------
    controls : mapping of str to Sample
        ``$PnN`` of the dye's own detector, or the marker in its ``$PnS`` -> the control, not compensated.
    unstained : Sample, optional
        Negative events for the controls that have too few of their own (`MIN_EVENTS`), and the measure of bright.
    acquisition : Spillover, optional
        The matrix to compare with; default: the one that the first control carries.
    masks : mapping of str to (n_events,) bool ndarray, optional
        Events to use of a control, under its key; of the unstained control under ``unstained``.
    gated : sequence of str, optional
        ``$PnN`` that gates look at: one that may carry a dye and has no control asks for review.
    source : str
        What the matrix is called in messages.

    Returns
    -------
    SpilloverFit
        Its detectors are those with a control: the light of other dyes is not removed, which a finding says.

    Raises
    ------
    CompensationError
        ``E_SINGLE_NONE``: no controls. ``E_SINGLE_NAME``: a key is no channel, or two. ``E_SINGLE_TWICE``: two controls
        for one detector. ``E_SINGLE_EVENTS``: too few events. ``E_SINGLE_POSITIVE``: no positive population.
        ``E_SINGLE_SWAPPED``: the positive events are brightest in another detector. ``E_SINGLE_MASK``: a mask of
        another length. ``E_COMPENSATED_TWICE``: a control is compensated. ``E_SPILL``: the outcome cannot be inverted.
    FcsError
        ``E_LENIENT``: a control was read in lenient mode.

    Notes
    -----
    Events at the top of a detector's range are left out and counted. Negative events are taken from among those whose
    FSC-A and SSC-A lie in the middle nine tenths of the positive ones', where the files hold these channels: debris and
    monocytes have another autofluorescence than the lymphocytes that are stained.
    """
    named = _by_detector(controls, unstained)
    detectors = tuple(named)
    masks = masks or {}
    tubes = {detector: Tube(sample, detectors, masks.get(key)) for detector, (key, sample) in named.items()}
    blank = None if unstained is None else Tube(unstained, detectors, masks.get(UNSTAINED))
    for detector, tube in tubes.items():
        _check_events(tube, detector)
    if blank is not None:
        _check_events(blank, "unstained")
    stated = acquisition if acquisition is not None else _carried([sample for _, sample in named.values()])
    rows = [_row(detector, tubes, blank) for detector in detectors]
    fitted = Fitted(detectors, tuple(rows), blank, stated, tuple(tubes.values()), tuple(gated))
    matrix = np.array([row.slopes for row in rows])
    errors = np.array([row.errors for row in rows])
    spillover = Spillover(detectors, matrix, source, remarks(fitted, matrix, errors))
    return SpilloverFit(spillover, errors, tuple(row.control for row in rows), stated, spillover.findings)


def control_channel(key: str, sample: Sample) -> Channel:
    """Return the channel that a control's key means: ``$PnN``, else ``$PnS``, case and blanks aside.

    Raises
    ------
    CompensationError
        ``E_SINGLE_NAME``: none, or more than one.
    """
    if key in sample.names:
        return sample.channel(key)
    found = [channel for channel in sample.channels if _plain(channel.pns) == _plain(key)]
    areas = [channel for channel in found if channel.pnn.upper().endswith("-A")]
    found = areas if len(found) > 1 and len(areas) == 1 else found
    if len(found) == 1:
        return found[0]
    near = near_misses(key, [name for channel in sample.channels for name in (channel.pns, channel.pnn)])
    raise CompensationError(
        f"{len(found)} channels carry {key}" if found else f"no channel carries {key}",
        code="E_SINGLE_NAME",
        file=sample.file,
        expected="the $PnN of the dye's own detector, or the marker in its $PnS",
        available=label_list(found or sample.channels),
        remedy=f"near miss {', '.join(map(repr, near))}" if near and not found else "name the control by its $PnN",
    )


def given_twice(what: str, one: str, other: str) -> CompensationError:
    """Return the error for two controls where there can be one."""
    return CompensationError(
        f"two {what}",
        code="E_SINGLE_TWICE",
        expected="one control per detector, and one that is unstained",
        available=(one, other),
        remedy="leave one of them out, or correct its role",
    )


def _plain(name: str) -> str:
    return "".join(name.casefold().split())


def _by_detector(controls: Mapping[str, Sample], unstained: Sample | None) -> dict[str, tuple[str, Sample]]:
    """Return detector -> (key, control), in the order of the channels; every file must hold every detector."""
    if not controls:
        raise CompensationError(
            "there are no single-stained controls",
            code="E_SINGLE_NONE",
            expected="a control per dye",
            remedy="name them: role single:MARKER in the sample sheet",
        )
    found: dict[str, tuple[str, Sample]] = {}
    for key, sample in controls.items():
        detector = control_channel(key, sample).pnn
        if detector in found:
            raise given_twice(
                f"controls for the detector {detector}",
                f"{found[detector][0]} ({found[detector][1].file})",
                f"{key} ({sample.file})",
            )
        found[detector] = key, sample
    for sample in (*controls.values(), *([] if unstained is None else [unstained])):
        sample.refuse_lenient()
        check_uncompensated(sample, "single-stained controls")
        for detector in found:
            sample.channel(detector)
    order = next(iter(controls.values())).names
    return {detector: found[detector] for detector in sorted(found, key=order.index)}


def _check_events(tube: Tube, what: str) -> None:
    if tube.size < MIN_EVENTS:
        raise CompensationError(
            "the control has too few events",
            code="E_SINGLE_EVENTS",
            file=tube.file,
            population=what,
            expected=f"{MIN_EVENTS} events below the top of every detector's range",
            available=(f"{tube.size}", f"{tube.saturated} at the top of a range"),
            remedy="lower the voltage and acquire it again" if tube.saturated >= MIN_EVENTS else "acquire more",
        )


def _carried(samples: Sequence[Sample]) -> Spillover | None:
    """Return the matrix that the first control carries; None for the identity, which says that none was set."""
    for sample in samples:
        try:
            stated = Spillover.from_sample(sample)
        except CompensationError:  # none, broken, or two: there is nothing to compare with
            continue
        off = stated.matrix - np.eye(len(stated.detectors))
        return None if np.abs(off).max() <= IDENTITY_TOLERANCE else stated
    return None


def _row(detector: str, tubes: Mapping[str, Tube], blank: Tube | None) -> Row:
    """Return the row of the matrix that a control gives."""
    tube = tubes[detector]
    others = [other for name, other in tubes.items() if name != detector]
    populations = find_populations(detector, tube, others, blank)
    if populations is None:
        raise _no_positive(detector, tube, tuple(tubes))
    own = populations.of(detector)
    rises = {name: _rise(populations.of(name)) for name in tubes}
    brightest = max(rises, key=lambda name: rises[name])
    if brightest != detector:
        raise _swapped(detector, brightest, tube, rises)
    slopes = {name: slope_between(own, populations.of(name)) for name in tubes if name != detector}
    control = ControlFit(
        detector=detector,
        file=tube.file,
        n_bright=int(populations.bright.sum()),
        n_dim=int(populations.dim.sum()),
        bright=float(np.median(own[0])),
        dim=float(np.median(own[1])),
        negatives=populations.negatives,
        saturated=tube.saturated,
    )
    return Row(
        control,
        populations,
        tuple(1.0 if name == detector else slopes[name].value for name in tubes),
        tuple(0.0 if name == detector else slopes[name].error for name in tubes),
    )


def _rise(values: tuple[Floats, Floats]) -> float:
    return float(np.median(values[0]) - np.median(values[1]))


def _no_positive(detector: str, tube: Tube, detectors: Sequence[str]) -> CompensationError:
    """Return the error for a control without positive events; one that is bright elsewhere was perhaps swapped."""
    levels = {name: _level(tube[name]) for name in detectors}
    brightest = max(levels, key=lambda name: levels[name])
    if levels[brightest] < RATIO * levels[detector]:
        brightest = ""
    tail = f"; it is brightest in {brightest}" if brightest else ""
    return CompensationError(
        f"the control has no positive population in its own detector{tail}",
        code="E_SINGLE_POSITIVE",
        file=tube.file,
        population=detector,
        expected=f"{MIN_EVENTS} events or more, {RATIO:g} times as bright as the negative ones",
        available=(f"median {float(np.median(tube[detector])):.6g} of {tube.size} events",),
        remedy=f"exchange it with the control for {brightest}, or correct its role" if brightest else "stain it anew",
    )


def _level(values: Floats) -> float:
    parted = split(values)
    return float(np.median(values)) if parted is None else parted.bright


def _swapped(detector: str, brightest: str, tube: Tube, rises: Mapping[str, float]) -> CompensationError:
    return CompensationError(
        f"the control for {detector} is brightest in {brightest}: swapped tubes?",
        code="E_SINGLE_SWAPPED",
        file=tube.file,
        population=detector,
        expected=f"positive events that rise most in {detector}",
        available=tuple(f"{name} {rises[name]:.6g}" for name in (detector, brightest)),
        remedy=f"exchange it with the control for {brightest}, or correct its role; else adjust the voltages",
    )
