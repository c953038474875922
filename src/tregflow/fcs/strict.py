"""Strict reading: every departure from the standard is an error that names it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tregflow.errors import FcsError
from tregflow.fcs.codes import CODES
from tregflow.fcs.header import OFFSET_LIMIT, Header, offsets
from tregflow.fcs.text import REQUIRED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tregflow.findings import Finding

_AMBIGUOUS = "text-delimiters-ambiguous"
_OFFSETS = ("$BEGINDATA", "$ENDDATA", "$BEGINANALYSIS", "$ENDANALYSIS", "$BEGINSTEXT", "$ENDSTEXT")
_OPTIONAL_FROM_3_2 = ("$MODE", "$BEGINANALYSIS", "$ENDANALYSIS", "$BEGINSTEXT", "$ENDSTEXT", "$NEXTDATA")
"""FCS 3.2 no longer requires them."""


def refuse_deviations(
    findings: Sequence[Finding], header: Header, keywords: Mapping[str, str], n_channels: int, *, file: str
) -> None:
    """Raise if anything about a file departs from the standard.

    Parameters
    ----------
    findings : sequence of Finding
        What reading recorded.
    header : Header
    keywords : mapping
        Upper-case keys of primary TEXT.
    n_channels : int
    file : str
        Name for messages.

    Raises
    ------
    FcsError
        ``E_DELIM``: delimiters with two readings. ``E_STRICT``: anything else, all of it listed.
    """
    found = [each for each in findings if CODES[each.code].deviation]
    ambiguous = [each for each in found if each.code == _AMBIGUOUS]
    said = [f"{each.code}: {each.text}" for each in found]
    said += [*_missing(header.version, keywords, n_channels), *_differing(header, keywords)]
    if not said:
        return
    raise FcsError(
        ambiguous[0].text if ambiguous else f"strict reading refuses {len(said)} departure(s) from the standard",
        code="E_DELIM" if ambiguous else "E_STRICT",
        file=file,
        expected=f"FCS {header.version} to the letter",
        available=said,
        remedy="read the file in standard mode, which repairs and records this",
    )


def _missing(version: str, keywords: Mapping[str, str], n_channels: int) -> Iterator[str]:
    required = [*REQUIRED, *(_OFFSETS if version != "2.0" else ())]
    if version >= "3.2":
        required = [key for key in required if key not in _OPTIONAL_FROM_3_2]
    required += [f"$P{number}{letter}" for number in range(1, n_channels + 1) for letter in "BENR"]
    missing = [key for key in required if key not in keywords]
    if missing:
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        yield f"required-missing: {', '.join(missing[:5])}{more}"


def _differing(header: Header, keywords: Mapping[str, str]) -> Iterator[str]:
    for name, there in (("DATA", header.data), ("ANALYSIS", header.analysis)):
        here = offsets(keywords.get(f"$BEGIN{name}"), keywords.get(f"$END{name}"))
        beyond = here.end is not None and here.end > OFFSET_LIMIT
        if header.version != "2.0" and there != here and not beyond:
            yield f"offsets-differ: {name} is at {there} by HEADER, at {here} by TEXT"
