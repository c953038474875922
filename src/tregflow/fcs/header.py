"""HEADER: the first 58 bytes of a data set, and what a file is that has none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tregflow.errors import FcsError
from tregflow.fcs.names import shown
from tregflow.fcs.numbers import whole
from tregflow.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSIONS = ("2.0", "3.0", "3.1", "3.2")
HEADER_BYTES = 58
OFFSET_LIMIT = 99_999_999
"""Largest number in eight digits; larger offsets stand in TEXT only, and some writers leave this one instead of 0."""

_SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (b"version https://git-lfs", "a git-LFS pointer", "fetch the real file: git lfs pull"),
    (b"PK\x03\x04", "a ZIP archive", "unpack it and read the FCS files inside"),
    (b"\x1f\x8b", "a gzip archive", "unpack it and read the FCS file inside"),
    (b"%PDF", "a PDF document", "export the events as FCS"),
    (b"\x89HDF", "an HDF5 file", "export the events as FCS"),
    (b"<!doctype html", "an HTML page", "download the file itself, not the page about it"),
    (b"<html", "an HTML page", "download the file itself, not the page about it"),
    (b"<?xml", "an XML document", "export the events as FCS"),
)
_EXPORT = "export the file again from the software that wrote it"
_MOST_OTHER = 100
"""OTHER segments that are listed; a hostile file may fill megabytes with pairs of numbers."""
_FIELD = 8
_DIGITS = b"0123456789 "


@dataclass(frozen=True, slots=True)
class Offsets:
    """Where a segment is said to lie: first and last byte, counted from the start of its data set.

    Each is None where the file says nothing: blank, zero, negative, or all nines (fcs.md 3.2).
    """

    begin: int | None
    end: int | None

    def __str__(self) -> str:
        """Return ``256-2319``, or what is known of it."""
        if self.begin is None and self.end is None:
            return "absent"
        return f"{'?' if self.begin is None else self.begin}-{'?' if self.end is None else self.end}"


@dataclass(frozen=True, slots=True)
class Segment:
    """Bytes of the file that belong together: `begin` to `end`, both inclusive; empty if `end` is `begin` - 1."""

    begin: int
    end: int

    @property
    def length(self) -> int:
        """Number of bytes."""
        return self.end - self.begin + 1

    def overlaps(self, other: Segment) -> bool:
        """Tell whether the two share a byte."""
        return self.length > 0 and other.length > 0 and self.begin <= other.end and other.begin <= self.end


@dataclass(frozen=True, slots=True)
class Header:
    """What HEADER says, and where primary TEXT lies (checked against the size of the file).

    `other` lists the OTHER segments that lie inside the file; what they hold is the business of their writer.
    """

    version: str
    text: Segment
    data: Offsets
    analysis: Offsets
    findings: tuple[Finding, ...]
    other: tuple[Segment, ...] = ()


def offsets(begin: str | None, end: str | None) -> Offsets:
    """Return what two numbers say about a segment.

    Examples
    --------
    >>> offsets("256", "2319"), offsets("0", "99999999")
    (Offsets(begin=256, end=2319), Offsets(begin=None, end=None))
    """
    return Offsets(_position(begin), _position(end))


def read_header(data: memoryview, *, file: str, assumed: str = "") -> Header:
    """Read HEADER and check that TEXT lies inside the file.

    Parameters
    ----------
    data : memoryview
        The data set, from its first byte to the end of the file.
    file : str
        Name for messages.
    assumed : str
        Version to assume where the file names an unknown one.

    Returns
    -------
    Header

    Raises
    ------
    FcsError
        ``E_NOT_FCS``, ``E_VERSION``, ``E_OFFSETS`` (TEXT has no usable place), ``E_TRUNCATED`` (TEXT is cut off).
    """
    _check_signature(bytes(data[:512]), len(data), file)
    version, findings = _version(bytes(data[3:6]).decode("latin-1"), assumed, file)
    fields = [bytes(data[at : at + 8]).decode("latin-1") for at in range(10, HEADER_BYTES, 8)]
    text = _text_segment(offsets(fields[0], fields[1]), len(data), file)
    return Header(
        version=version,
        text=text,
        data=offsets(fields[2], fields[3]),
        analysis=offsets(fields[4], fields[5]),
        findings=(*findings, *_findings(fields)),
        other=tuple(_other(bytes(data[HEADER_BYTES : text.begin][: 2 * _FIELD * _MOST_OTHER]), len(data))),
    )


def _version(version: str, assumed: str, file: str) -> tuple[str, tuple[Finding, ...]]:
    if version in VERSIONS:
        return version, ()
    if assumed:
        text = f"unknown version {shown('FCS' + version)}: read as FCS {assumed}, as asked for"
        return assumed, (Finding("version-assumed", "review", "HEADER", text),)
    raise FcsError(
        f"unknown version {shown('FCS' + version)}",
        code="E_VERSION",
        file=file,
        expected=f"FCS {', '.join(VERSIONS[:-1])} or {VERSIONS[-1]}",
        remedy=_EXPORT + ", as FCS 3.1",
    )


def _other(fields: bytes, size: int) -> Iterator[Segment]:
    """Read the pairs of positions behind HEADER; anything else there ends them."""
    for at in range(0, len(fields) - 2 * _FIELD + 1, 2 * _FIELD):
        pair = fields[at : at + 2 * _FIELD]
        if pair.strip(_DIGITS):
            return
        said = offsets(*(half.decode("latin-1") for half in (pair[:_FIELD], pair[_FIELD:])))
        if said.begin is not None and said.end is not None and HEADER_BYTES <= said.begin <= said.end < size:
            yield Segment(said.begin, said.end)


def _position(text: str | None) -> int | None:
    value = whole(text)
    return None if value is None or value <= 0 or value == OFFSET_LIMIT else value


def _check_signature(start: bytes, size: int, file: str) -> None:
    if start.startswith(b"FCS") and size >= HEADER_BYTES:
        return
    kind, remedy = _kind(start)
    raise FcsError(
        kind,
        code="E_NOT_FCS",
        file=file,
        expected="a file that begins with FCS2.0, FCS3.0, FCS3.1 or FCS3.2 and has 58 bytes or more",
        available=(f"{size} bytes beginning {start[:16]!r}" if size else "0 bytes",),
        remedy=remedy,
    )


def _kind(start: bytes) -> tuple[str, str]:
    if not start:
        return "the file is empty", "copy or export the file again"
    if start.startswith(b"FCS"):
        return "too short for an FCS file", "copy or export the file again"
    bare = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for signature, name, remedy in _SIGNATURES:
        if bare.startswith(signature.lower()):
            return f"not an FCS file but {name}", remedy
    if _is_text(start):
        return "not an FCS file but text", _EXPORT
    return "not an FCS file", _EXPORT


def _is_text(start: bytes) -> bool:
    # A character of several bytes may be cut at the end of the sample; "ignore" would forgive the rest as well.
    try:
        text = start[: start.rfind(b"\n") + 1].decode() if b"\n" in start else start.decode()
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter in "\t\r\n" for letter in text)


def _text_segment(found: Offsets, size: int, file: str) -> Segment:
    begin, end = found.begin, found.end
    if begin is None or end is None or begin < HEADER_BYTES or end <= begin:
        raise FcsError(
            "HEADER does not say where TEXT lies",
            code="E_OFFSETS",
            file=file,
            expected="two byte positions behind the 58 bytes of HEADER",
            available=(f"TEXT {found}",),
            remedy=_EXPORT,
        )
    if end >= size:
        raise FcsError(
            "the file ends inside TEXT",
            code="E_TRUNCATED",
            file=file,
            expected=f"{end + 1} bytes or more, since TEXT lies at {found}",
            available=(f"{size} bytes",),
            remedy="copy the file again from its source",
        )
    return Segment(begin, end)


def _findings(fields: list[str]) -> tuple[Finding, ...]:
    findings = []
    for name, pair in (("DATA", fields[2:4]), ("ANALYSIS", fields[4:6])):
        odd = [text for text in pair if text.strip(" \0") and whole(text) is None]
        if odd:
            text = f"HEADER gives {shown(odd[0])} as a position of {name}: it counts as absent"
            findings.append(Finding("header-not-a-number", "info", "HEADER", text))
    return tuple(findings)
