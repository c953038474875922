"""The spillover matrix of a batch from its single-stained controls, as ``compensation: singles`` asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tregflow.compensation.singles import given_twice, spillover_from_controls
from tregflow.errors import PanelError
from tregflow.fcs import read_fcs
from tregflow.panel import resolve
from tregflow.strategy.dimensions import marker_rule, source_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tregflow.compensation.fit import SpilloverFit
    from tregflow.fcs import Sample
    from tregflow.strategy import Strategy


def fit_singles(
    strategy: Strategy, controls: Sequence[tuple[str, Path]], unstained: Path | None = None, *, batch: str = ""
) -> SpilloverFit:
    """Compute the matrix of a batch from its single-stained controls.

    Parameters
    ----------
    strategy : Strategy
        Its panel says which detector a marker means; a dye that its gates look at must have a control, or asks for
        review.
    controls : sequence of (str, Path)
        Marker or ``$PnN``, as in the role ``single:CD25``, and the control's file.
    unstained : Path, optional
        The unstained control.
    batch : str
        For messages.

    Returns
    -------
    SpilloverFit

    Raises
    ------
    CompensationError
        As `tregflow.compensation.spillover_from_controls`.
    PanelError
        A control's marker has no channel, or two.
    FcsError
        A control cannot be read.
    """
    found: dict[str, Sample] = {}
    for name, path in controls:
        sample = read_fcs(path)
        detector = _detector(strategy, name, sample)
        if detector in found:
            raise given_twice(f"controls for the detector {detector}", found[detector].file, sample.file)
        found[detector] = sample
    blank = None if unstained is None else read_fcs(unstained)
    gated = _gated(strategy, next(iter(found.values()))) if found else ()
    source = f"single-stained controls{f' of batch {batch}' if batch else ''}"
    return spillover_from_controls(found, unstained=blank, gated=gated, source=source)


def _detector(strategy: Strategy, name: str, sample: Sample) -> str:
    if name in sample.names:
        return name
    return resolve(name, marker_rule(strategy, name), sample, panel=strategy.source).pnn


def _gated(strategy: Strategy, sample: Sample) -> tuple[str, ...]:
    """Return ``$PnN`` of the channels that gates and MFI look at, as far as the control has them."""
    found = []
    for axis in strategy.axes:
        try:
            parts = source_of(strategy, axis, sample).parts
        except PanelError:  # a control may be named without the markers that it lacks; its samples will say
            continue
        found += [part.channel.pnn for part in parts if part.channel is not None and part.compensation != "none"]
    return tuple(dict.fromkeys(found))
