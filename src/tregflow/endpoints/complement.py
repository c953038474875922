"""The effector trap: a share of CD4+ T cells that is 100 minus Treg of CD4+, and so no endpoint of its own.

Where two populations divide their denominator between them, one falls by what the other rises: a paired test of the
difference gives the same |t| and p twice. Effectors that are "unchanged" must be asked of another denominator.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from tregflow.errors import EndpointError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tregflow.endpoints.spec import Endpoint
    from tregflow.endpoints.visits import Record

EXACT = 0.1
"""Percentage points: two percentages, each rounded to one decimal, may miss 100 by this and still be complements."""

NEAR = 5.0
"""Percentage points of the denominator, in neither population, up to which one is mostly the mirror of the other."""

_NON_TREG = re.compile(r"t[-_ ]?conv|(non|not|no)[-_ ]?treg")


def refuse_complements(endpoints: Sequence[Endpoint], records: Sequence[Record], *, file: str = "") -> tuple[str, ...]:
    """Refuse an endpoint that is the complement of Treg, or of an endpoint before it.

    A population named as conventional (Tconv, non-Treg) is refused up to `NEAR`: where Treg needs FoxP3 too, a few
    cells are neither.

    Returns
    -------
    tuple of str
        Notes on endpoints that are nearly a complement, which stand.

    Raises
    ------
    EndpointError
        In every sample that has both, the two percentages add up to 100.
    """
    ratios = _by_ratio(records)
    notes = []
    for i, endpoint in enumerate(endpoints):
        before = {other.ratio for other in endpoints[:i]}
        for other in sorted(set(ratios) - {endpoint.ratio}):
            if not _mirrors(endpoint.ratio, other, before, ratios):
                continue
            gaps = _gaps(ratios[endpoint.ratio], ratios[other])
            widest = max(map(abs, gaps), default=float("inf"))
            near = min(gaps, default=-100) >= -EXACT and widest <= NEAR
            if widest <= EXACT or (near and _NON_TREG.search(_numerator(endpoint.ratio, ratios))):
                effector = _is_treg(other, ratios) and not _is_treg(endpoint.ratio, ratios)
                raise _refusal(endpoint, other, widest, effector=effector, file=file)
            if near:
                notes.append(
                    f"{endpoint.name}: {endpoint.ratio} and {other} are together 95 % or more of their denominator in "
                    "every sample: a change of one is mostly the mirror of the other"
                )
    return tuple(notes)


_Ratios = dict[str, dict[tuple[str, str, str], "Record"]]


def _by_ratio(records: Sequence[Record]) -> _Ratios:
    ratios: defaultdict[str, dict[tuple[str, str, str], Record]] = defaultdict(dict)
    for record in records:
        if record.percent is not None:
            ratios[record.ratio][record.subject, record.visit, record.sample] = record
    return dict(ratios)


def _mirrors(ratio: str, other: str, before: set[str], ratios: _Ratios) -> bool:
    """Tell whether `other` stands and `ratio` would be the one to go: Treg stands, then the endpoint named first."""
    if ratio not in ratios:
        return False
    if _is_treg(ratio, ratios) != _is_treg(other, ratios):
        return _is_treg(other, ratios)
    return other in before


def _is_treg(ratio: str, ratios: _Ratios) -> bool:
    name = _numerator(ratio, ratios)
    return "treg" in name and not _NON_TREG.search(name)


def _numerator(ratio: str, ratios: _Ratios) -> str:
    first = next(iter(ratios[ratio].values()), None) if ratio in ratios else None
    return ((first.numerator if first else "") or ratio.partition("_of_")[0]).casefold()


def _gaps(mine: Mapping[tuple[str, str, str], Record], other: Mapping[tuple[str, str, str], Record]) -> list[float]:
    """Return, per sample with both, the percentage of the denominator in neither; none where denominators differ."""
    pairs = [(mine[key], other[key]) for key in mine if key in other]
    if any(a.denominator != b.denominator or a.n != b.n for a, b in pairs):
        return []
    return [100 - (a.percent or 0.0) - (b.percent or 0.0) for a, b in pairs]


def _refusal(endpoint: Endpoint, other: str, widest: float, *, effector: bool, file: str) -> EndpointError:
    within = "" if widest <= EXACT else f" within {widest:.1f} points"
    instead = (
        f"ask it of effectors as a share of lymphocytes or per µL (Teff_of_Lymphocytes); {endpoint.ratio} stays a "
        "reported frequency"
        if effector
        else "keep one of the two as an endpoint"
    )
    return EndpointError(
        f"{endpoint.ratio} is 100 - {other}{within} in every sample: no endpoint of its own",
        code="E_ENDPOINT_COMPLEMENT",
        file=file,
        population=endpoint.name,
        expected="a ratio that can change on its own: here one falls by what the other rises, one test done twice",
        remedy=instead,
    )
