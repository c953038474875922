"""The single-stained controls of a batch, by the detectors that a strategy's panel names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tregflow.compensation.singles import given_twice, spillover_from_controls
from tregflow.errors import PanelError
from tregflow.fcs import read_fcs
from tregflow.panel import resolve
from tregflow.strategy.dimensions import marker_rule, source_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tregflow.compensation.fit import SpilloverFit
    from tregflow.fcs import Sample
    from tregflow.strategy import Strategy


@dataclass(frozen=True, slots=True, eq=False)
class Singles:
    """Controls that were read.

    Attributes
    ----------
    controls : mapping of str to Sample
        ``$PnN`` of the dye's own detector -> the control.
    unstained : Sample or None
        The unstained control.
    gated : tuple of str
        ``$PnN`` that gates look at: without a control they ask for review.
    source : str
        What the matrix is called in messages.
    """

    controls: Mapping[str, Sample]
    unstained: Sample | None = None
    gated: tuple[str, ...] = ()
    source: str = "single-stained controls"

    def fit(self) -> SpilloverFit:
        """Return the matrix; parameters and errors as for `spillover_from_controls`."""
        return spillover_from_controls(self.controls, unstained=self.unstained, gated=self.gated, source=self.source)


def read_singles(
    strategy: Strategy, controls: Sequence[tuple[str, Path]], unstained: Sequence[Path] = (), *, batch: str = ""
) -> Singles:
    """Read the single-stained controls of a batch.

    Parameters
    ----------
    strategy : Strategy
        Its panel says which detector a marker means.
    controls : sequence of (str, Path)
        Marker or ``$PnN``, as in the role ``single:CD25``, and the control's file.
    unstained : sequence of Path
        The unstained control; no more than one.
    batch : str
        For messages.

    Raises
    ------
    CompensationError
        ``E_SINGLE_TWICE``: two controls for one detector, or two that are unstained.
    PanelError
        A control's marker has no channel, or two.
    FcsError
        A control cannot be read.
    """
    if len(unstained) > 1:
        raise given_twice("unstained controls", unstained[0].name, unstained[1].name)
    found: dict[str, Sample] = {}
    for name, path in controls:
        sample = read_fcs(path)
        detector = _detector(strategy, name, sample)
        if detector in found:
            raise given_twice(f"controls for the detector {detector}", found[detector].file, sample.file)
        found[detector] = sample
    blank = read_fcs(unstained[0]) if unstained else None
    gated = _gated(strategy, next(iter(found.values()))) if found else ()
    return Singles(found, blank, gated, f"single-stained controls{f' of batch {batch}' if batch else ''}")


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
