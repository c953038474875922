"""The matrices of older standards: ``$COMP`` of FCS 3.0 and ``$DFCmTOn`` of FCS 2.0.

Neither says beyond doubt what it means, so that what is read here asks for a person (severity ``review``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from tregflow.compensation.refusals import number, refuse
from tregflow.errors import CompensationError
from tregflow.fcs.names import shown
from tregflow.fcs.numbers import whole
from tregflow.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tregflow.compensation.dialects import Matrix
    from tregflow.fcs import Channel, Sample

_EXPORT = "export the file as FCS 3.1, or name a CSV file with the matrix under compensation"


def parse_comp(text: str, sample: Sample, source: str) -> Matrix:
    """Read ``n, n * n numbers`` of all n channels, row by row (FCS 3.0, ``$COMP``).

    The standard means the percentage that was subtracted electronically, with a minus sign. Writers that put 1 on the
    diagonal and shares beside it mean spillover; that is what is read, with a row per dye.

    Parameters
    ----------
    text : str
        The keyword's value.
    sample : Sample
        Its channels suffice.
    source : str
        Where the matrix comes from, for messages.

    Returns
    -------
    tuple
        The detectors that give or take light, their matrix, and a finding of severity ``review``.

    Raises
    ------
    CompensationError
        ``E_COMPENSATED_TWICE``: it states what was subtracted already. ``E_SPILL``: it is neither of the two.
    """
    first, *tokens = (token.strip() for token in text.split(","))
    n, n_channels = whole(first), len(sample.channels)
    if n != n_channels or len(tokens) != n * n:
        found = f"{shown(first)} and {len(tokens)} numbers"
        expected = f"{n_channels} and {n_channels * n_channels} numbers, for all channels"
        refuse("the matrix is not of the size of the file's channels", source, expected, found, remedy=_EXPORT)
    matrix = np.array([number(token, source) for token in tokens], dtype=np.float64).reshape(n, n)
    off = matrix - np.diag(np.diag(matrix))
    if (off < 0).any() and not (off > 0).any():
        raise CompensationError(
            "$COMP states what the instrument has subtracted: the values are compensated already",
            code="E_COMPENSATED_TWICE",
            file=sample.file,
            expected="uncompensated values, to apply a matrix",
            available=("negative coefficients in $COMP, which mean subtraction done (FCS 3.0)",),
            remedy="set compensation: none",
        )
    if (off < 0).any() or not (np.diag(matrix) == 1).all():
        refuse("$COMP holds no spillover", source, "1 on the diagonal, and shares of 0 or more", remedy=_EXPORT)
    if (off >= 1).any():
        refuse("$COMP holds percent or shares, which cannot be told", source, "shares below 1", remedy=_EXPORT)
    involved = np.flatnonzero((off != 0).any(axis=0) | (off != 0).any(axis=1))
    kept = involved if involved.size else np.arange(n)
    said = "$COMP is read as spillover, a row per dye: make sure that it was meant so, and that the values are raw"
    findings = (Finding("spillover-from-comp", "review", source, said),) if involved.size else ()
    return tuple(sample.channels[index].pnn for index in kept), matrix[np.ix_(kept, kept)], findings


def parse_dfc(percents: Mapping[tuple[int, int], str], sample: Sample, source: str) -> Matrix:
    """Read the percentages of FLm to subtract from FLn (FCS 2.0, ``$DFCmTOn``).

    m and n count the instrument's fluorescence detectors, not the channels of the file (Beckman Coulter, Navios
    instructions for use, table of FCS 2.0 keywords): channel ``FL2 INT LOG`` is detector 2. As spillover, the share
    that detector n sees of dye m is the percentage over 100.

    Parameters
    ----------
    percents : mapping of (m, n) to str
    sample : Sample
        Its channels suffice.
    source : str
        Where the matrix comes from, for messages.

    Returns
    -------
    tuple
        The detectors of the file, their matrix, and a finding of severity ``review``.

    Raises
    ------
    CompensationError
        ``E_SPILL``: no channel, or several, are called by a detector's number; a number that is none; light of a
        detector that the file lacks.
    """
    found = {place: number(text, source) / 100.0 for place, text in percents.items()}
    mixing = {(donor, receiver): share for (donor, receiver), share in found.items() if donor != receiver}
    present = _detectors({detector for place in found for detector in place}, sample, source)
    lost = [
        donor for (donor, receiver), share in mixing.items() if share and donor not in present and receiver in present
    ]
    if not present or lost:
        named = f"FL{lost[0]}" if lost else "FL1, FL2 …"
        problem = f"$DFC{lost[0]}TO… takes from a detector" if lost else "$DFCmTOn counts fluorescence detectors"
        available = ", ".join(channel.label for channel in sample.channels)
        refuse(
            f"{problem}, and no channel is called by its number",
            source,
            f"a channel {named}",
            available,
            remedy=_EXPORT,
        )
    order = sorted(present)
    matrix = np.array([[1.0 if a == b else mixing.get((a, b), 0.0) for b in order] for a in order])
    said = "$DFCmTOn is read as spillover, by detector: make sure that the instrument did not subtract it already"
    finding = Finding("spillover-from-dfc", "review", source, said)
    return tuple(present[detector].pnn for detector in order), matrix, (finding,) if any(mixing.values()) else ()


def _detectors(numbers: set[int], sample: Sample, source: str) -> dict[int, Channel]:
    """Return the channel of each fluorescence detector of the file, by the number in its name: ``FL2 INT LOG``."""
    found: dict[int, Channel] = {}
    for detector in sorted(numbers):
        named = [each for each in sample.channels if re.search(rf"\bFL{detector}\b", each.pnn, re.IGNORECASE)]
        if len(named) > 1:
            labels = ", ".join(channel.label for channel in named)
            expected = "one channel per fluorescence detector"
            refuse(f"several channels are of detector FL{detector}", source, expected, labels, remedy=_EXPORT)
        if named:
            found[detector] = named[0]
    return found
