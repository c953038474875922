"""Which keywords of a file state a spillover matrix, and what each of them says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tregflow.compensation.dialects import parse_spillover
from tregflow.compensation.legacy import parse_comp, parse_dfc
from tregflow.findings import Finding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tregflow.fcs import Channel, Sample

KEYWORDS = ("$SPILLOVER", "SPILL", "SPILLOVER", "$COMP", "$DFC")
"""In the order in which they are asked: that of FCS 3.1, the one in use before it, one without its ``$`` (flowCore
reads it, too), then those of the standards FCS 3.0 and 2.0. ``$DFC`` stands for all of ``$DFC1TO2`` …"""

SPELLED = KEYWORDS[:3]
"""Keywords that hold ``n, names, numbers``."""

_DFC = re.compile(r"\$DFC(\d{1,4})TO(\d{1,4})")
_COMPENSATED = re.compile(r"<?(FJ)?Comp[-_]", re.IGNORECASE)
"""What software puts before the name of a channel that it has compensated."""


@dataclass(frozen=True, slots=True)
class Stated:
    """A matrix as a keyword states it, not yet checked to be invertible."""

    keyword: str
    detectors: tuple[str, ...]
    matrix: NDArray[np.float64]
    findings: tuple[Finding, ...]


def compensated_channels(sample: Sample) -> tuple[Channel, ...]:
    """Return the channels whose names say that their values are compensated: ``FJComp-``, ``Comp-``.

    ``APPLY COMPENSATION`` proves nothing: instruments write TRUE beside raw values (fcs.md 3.8).
    """
    return tuple(channel for channel in sample.channels if _COMPENSATED.match(channel.pnn))


def matrix_keywords(sample: Sample) -> tuple[str, ...]:
    """Return those of `KEYWORDS` that the sample carries with a value, in their order."""
    found = [key for key in KEYWORDS[:-1] if sample.keywords.get(key, "").strip()]
    return tuple(found) if not any(map(_DFC.fullmatch, sample.keywords)) else (*found, "$DFC")


def read_keyword(sample: Sample, keyword: str) -> Stated | Finding:
    """Return the matrix that `keyword` states, or the finding that it states none.

    Parameters
    ----------
    sample : Sample
        Its keywords suffice.
    keyword : str
        One of `matrix_keywords`.

    Returns
    -------
    Stated or Finding
        ``spillover-names-only`` where there are names but no numbers (MACSQuant).

    Raises
    ------
    CompensationError
        ``E_SPILL``: it can be read in no way, or in more than one. ``E_COMPENSATED_TWICE``: ``$COMP`` states what the
        instrument has subtracted already.
    """
    source = f"{sample.file}: {keyword}"
    if keyword == "$DFC":
        percents = {match.groups(): text for key, text in sample.keywords.items() if (match := _DFC.fullmatch(key))}
        coefficients = {(int(donor), int(receiver)): text for (donor, receiver), text in percents.items()}
        return Stated(keyword, *parse_dfc(coefficients, sample, source))
    if keyword == "$COMP":
        return Stated(keyword, *parse_comp(sample.keywords[keyword], sample, source))
    parsed = parse_spillover(sample.keywords[keyword], sample, source)
    return parsed if isinstance(parsed, Finding) else Stated(keyword, *parsed)


def same_matrix(one: Stated, other: Stated) -> bool:
    """Tell whether two statements mean the same: order aside, and detectors aside that neither takes from nor gives."""
    detectors = sorted({*one.detectors, *other.detectors})
    return np.array_equal(_spread(one, detectors), _spread(other, detectors))


def _spread(stated: Stated, detectors: list[str]) -> NDArray[np.float64]:
    full = np.eye(len(detectors))
    places = [detectors.index(name) for name in stated.detectors]
    full[np.ix_(places, places)] = stated.matrix
    return full
