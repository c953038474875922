"""What a data set holds beside TEXT and DATA: ANALYSIS, and the checksum behind its last segment."""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING

from tregflow.fcs.header import HEADER_BYTES, Header, Offsets, Segment, offsets
from tregflow.fcs.names import shown
from tregflow.fcs.segments import CRC_BYTES
from tregflow.fcs.text import is_text, parse_text, taken
from tregflow.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_CRC_STARTS = (0xFFFF, 0)
"""Start values of CRC-16/CCITT in use; the standard names the polynomial, not the start."""
_CRC_PIECE = 1 << 20


def analysis_offsets(header: Header, keywords: Mapping[str, str]) -> Offsets:
    """Return where ANALYSIS is said to lie: in HEADER, else in TEXT."""
    if header.analysis.begin is not None:
        return header.analysis
    return offsets(keywords.get("$BEGINANALYSIS"), keywords.get("$ENDANALYSIS"))


def read_analysis(
    data: memoryview, said: Offsets, occupied: Iterable[Segment]
) -> tuple[dict[str, str], Segment | None, tuple[Finding, ...]]:
    """Read the keywords of ANALYSIS where there is a segment of them that can be trusted.

    Parameters
    ----------
    data : memoryview
        The data set, from its first byte to the end of the file.
    said : Offsets
        Where it is said to lie.
    occupied : iterable of Segment
        TEXT, supplemental TEXT and DATA, which it must not overlap.

    Returns
    -------
    dict of str to str
        Upper-case keys, values as in the file; empty where there is none.
    Segment or None
        Where it lies inside the file.
    tuple of Finding
    """
    if said.begin is None or said.end is None or said.end <= said.begin:
        return {}, None, ()
    if said.end >= len(data):
        return {}, None, (_ignored("analysis-past-end", said, "past the end of the file"),)
    found = Segment(said.begin, said.end)
    if found.begin < HEADER_BYTES or any(found.overlaps(other) for other in occupied):
        return {}, None, (_ignored("analysis-ignored", said, "over another segment"),)
    content = taken(data, found)
    if not is_text(content):
        finding = Finding("analysis-ignored", "info", "ANALYSIS", f"ANALYSIS at {said} holds no keywords: ignored")
        return {}, found, (finding,)
    text = parse_text(content, where="ANALYSIS")
    return text.keywords, found, text.findings


def _ignored(code: str, said: Offsets, where: str) -> Finding:
    return Finding(code, "info", "ANALYSIS", f"ANALYSIS is said to lie at {said}, {where}: ignored")


def check_crc(data: memoryview, last: int, limit: int) -> tuple[Finding, ...]:
    """Compare the checksum behind the last segment, where there is one, with the bytes before it.

    CRC-16/CCITT over the data set from HEADER to the last segment (FCS 3.0, section 3.6), in eight ASCII characters.
    Zeros and blanks mean that none was computed. The standard leaves the start value and the notation open: any of the
    usual ones counts as right.

    Parameters
    ----------
    data : memoryview
        The data set, from its first byte.
    last : int
        Last byte of its last segment.
    limit : int
        Where the data set ends at the latest.
    """
    said = _stated_crc(data, last, limit)
    if not said:
        return ()
    stated = {int(said, base) for base in (10, 16) if base == 16 or said.isdigit()}
    if stated & {_crc(data[: last + 1], start) for start in _CRC_STARTS}:
        return ()
    text = f"the checksum {shown(said.decode())} behind the last segment is not that of the data set"
    return (Finding("crc-mismatch", "warning", "CRC", text),)


def crc_unchecked(data: memoryview, last: int, limit: int) -> tuple[Finding, ...]:
    """Return the record that a checksum is there and was not compared: part of the file tells nothing of its sum."""
    said = _stated_crc(data, last, limit)
    if not said:
        return ()
    text = f"the checksum {shown(said.decode())} was not compared: only part of the events was read"
    return (Finding("crc-not-checked", "info", "CRC", text),)


def _stated_crc(data: memoryview, last: int, limit: int) -> bytes:
    """Return the checksum behind the last segment; nothing where there is none, or zeros or blanks in its place."""
    field = bytes(data[last + 1 : min(last + 1 + CRC_BYTES, limit)])
    said = field.strip(b" \0")
    return said if len(field) == CRC_BYTES and said.strip(b"0") and _is_hexadecimal(said) else b""


def _is_hexadecimal(text: bytes) -> bool:
    return not text.strip(b"0123456789abcdefABCDEF")


def _crc(data: memoryview, start: int) -> int:
    value = start
    for at in range(0, len(data), _CRC_PIECE):
        value = binascii.crc_hqx(data[at : at + _CRC_PIECE], value)
    return value
