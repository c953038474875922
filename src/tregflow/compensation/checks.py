"""What is asked of a matrix before it is applied to a sample, and before it is inverted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tregflow.compensation.keywords import compensated_channels
from tregflow.compensation.refusals import unknown_channel
from tregflow.errors import CompensationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tregflow.fcs import Sample


def check_applicable(detectors: Sequence[str], sample: Sample, source: str) -> None:
    """Make sure that a matrix can be applied to a sample.

    Raises
    ------
    CompensationError
        ``E_SPILL``: a detector is not a channel of the sample. ``E_COMPENSATED_TWICE``: the sample is compensated.
    """
    check_uncompensated(sample, source)
    names = set(sample.names)
    for detector in detectors:
        if detector not in names:
            raise unknown_channel(detector, sample, source, sample.file)


def check_uncompensated(sample: Sample, source: str) -> None:
    """Refuse a sample whose values are compensated, as the names of its channels say.

    Raises
    ------
    CompensationError
        ``E_COMPENSATED_TWICE``.
    """
    marked = [channel.label for channel in compensated_channels(sample)]
    if marked:
        raise CompensationError(
            "the values are compensated already, as the names of the channels say",
            code="E_COMPENSATED_TWICE",
            file=sample.file,
            expected=f"uncompensated channels, to apply {source}",
            available=marked,
            remedy="set compensation: none, or export uncompensated values",
        )


def condition_of(matrix: NDArray[np.float64]) -> float:
    """Return the condition number of a matrix; infinity where there is none."""
    try:
        with np.errstate(all="ignore"):
            return float(np.linalg.cond(matrix))
    except np.linalg.LinAlgError:  # numbers so absurd that the decomposition gave up
        return np.inf
