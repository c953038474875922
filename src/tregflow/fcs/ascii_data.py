"""DATA of type A: whole numbers in ASCII, of a fixed number of characters, or between separators."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from tregflow.errors import FcsError
from tregflow.fcs.header import HEADER_BYTES, Segment
from tregflow.fcs.names import shown
from tregflow.fcs.segments import Located, candidates_of, choose, explain, refuse_place, said_of_data, without_events
from tregflow.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from tregflow.fcs.header import Header
    from tregflow.fcs.layout import Layout
    from tregflow.fcs.segments import Candidate

_PIECE = 1 << 18
"""Bytes cut at a time: as Python's objects a piece takes some thirty times its size."""
_SEPARATORS = b" \t,\r\n"
_TO_BLANKS = bytes.maketrans(_SEPARATORS, b" " * len(_SEPARATORS))
_DIGITS = 20
"""Of the largest 64-bit number."""
EXACT = 2**53
"""Up to here float64 holds every whole number."""


def fixed_values(stored: NDArray[np.void], first: int, channel: str, file: str) -> NDArray[np.uint64]:
    """Return the numbers of a block of values of fixed width.

    Parameters
    ----------
    stored : (n,) ndarray of bytes
        As they stand in the file, blanks before or behind the digits.
    first : int
        Number of the block's first event, for messages.
    channel, file : str
        Names for messages.

    Raises
    ------
    FcsError
        ``E_ASCII``: anything but a whole number.
    """
    letters = np.frombuffer(stored.tobytes(), np.uint8).reshape(len(stored), -1)
    width = letters.shape[1]
    texts = np.frombuffer(letters.tobytes(), f"S{width}")
    wrong = ~(((letters >= 48) & (letters <= 57)) | (letters == 32)).all(axis=1)
    if not wrong.any():
        bare = np.char.strip(texts)
        # Blanks inside a number, and values of blanks alone, are no numbers either; nor is what exceeds 64 bits.
        wrong = (np.char.str_len(bare) == 0) | (np.char.find(bare, b" ") >= 0) | _exceeds(bare)
        if not wrong.any():
            numbers: NDArray[np.uint64] = bare.astype(np.uint64)
            return numbers
    at = int(np.flatnonzero(wrong)[0])
    raise _no_number(letters[at].tobytes(), first + at, channel, file)


def locate_delimited(
    data: memoryview,
    header: Header,
    keywords: Mapping[str, str],
    layout: Layout,
    *,
    file: str,
    lenient: bool = False,
) -> Located:
    """Find the DATA segment whose number of values is that of ``$TOT`` events.

    Events have no fixed size here: what tells a right segment is the count of its values.

    Parameters
    ----------
    data : memoryview
        The data set, from its first byte to the end of the file.
    header : Header
    keywords : mapping
        Upper-case keys of primary TEXT.
    layout : Layout
    file : str
        Name for messages.
    lenient : bool
        Whether to take the whole events of DATA that is cut off or of another length.

    Raises
    ------
    FcsError
        ``E_OFFSETS``, ``E_TOT_MISMATCH``, ``E_TRUNCATED``.
    """
    said = said_of_data(header, keywords)
    n_channels, n_events = len(layout.columns), layout.n_events
    promised = None if n_events is None else n_events * n_channels
    placed = [
        each
        for each in (_counted(data, candidate) for candidate in candidates_of(said, 0) if not candidate.computed)
        if each.segment.begin >= HEADER_BYTES and each.segment.length > 0 and not each.segment.overlaps(header.text)
    ]
    if not placed and not n_events:
        return without_events(candidates_of(said, 0))
    if not placed:
        refuse_place(data, said, header.text, "DATA of ASCII values", file=file)
    fitting = [each for each in placed if each.fits(promised, n_channels)]
    if not fitting and lenient and (taken := _whole_events(placed[0], n_events, n_channels)):
        return taken
    if not fitting:
        _refuse(placed, n_events, n_channels, file)
    findings: list[Finding] = []
    chosen = choose([each.candidate for each in fitting], header.text, findings)
    found = next(each for each in fitting if each.candidate is chosen)
    explain(chosen, [each.candidate for each in fitting], said, found.segment.length, header.version, findings)
    count = found.n_values // n_channels
    if n_events is None:
        findings.append(Finding("tot-missing", "warning", "DATA", f"$TOT is missing: DATA holds {count} whole events"))
    return Located(found.segment, count, tuple(findings))


@dataclass(frozen=True, slots=True)
class _Counted:
    """A place for DATA, as far as the file reaches, and how many values stand there."""

    candidate: Candidate
    segment: Segment
    n_values: int
    cut: bool
    """The file ends before the place does, by more than the byte that some writers count too many."""

    def fits(self, promised: int | None, n_channels: int) -> bool:
        # What is left of a file that was cut can be counted whole where $TOT says how much that is, and only there.
        if promised is None:
            return not self.cut and self.n_values % n_channels == 0
        return self.n_values == promised


def _counted(data: memoryview, candidate: Candidate) -> _Counted:
    segment = Segment(candidate.begin, min(candidate.end, len(data) - 1))
    cut = candidate.end > len(data)
    n_values = count_values(data, segment) if HEADER_BYTES <= segment.begin <= segment.end else 0
    if cut and n_values and data[segment.end] not in _SEPARATORS:
        n_values -= 1  # digits of the last value may be missing
    return _Counted(replace(candidate, computed=cut), segment, n_values, cut)


def _whole_events(found: _Counted, n_events: int | None, n_channels: int) -> Located | None:
    """Take the whole events that are there, and no more than ``$TOT``; for lenient reading only."""
    present = found.n_values // n_channels
    count = present if n_events is None else min(n_events, present)
    if not count:
        return None
    code, reason = (
        ("lenient-truncated", "the file ends inside DATA")
        if found.cut
        else ("lenient-tot-mismatch", "$TOT and the number of values in DATA disagree")
    )
    each = found.candidate
    text = f"{reason}: {_promised(n_events)}, {count} whole events read, at {each.said} ({each.source})"
    return Located(found.segment, count, (Finding(code, "review", "DATA", text),), partial=True)


def _promised(n_events: int | None) -> str:
    return "$TOT is missing" if n_events is None else f"{n_events} events promised"


def _refuse(placed: Sequence[_Counted], n_events: int | None, n_channels: int, file: str) -> NoReturn:
    first = placed[0]
    if first.cut:
        raise FcsError(
            f"the file ends inside DATA: {_promised(n_events)}, {first.n_values // n_channels} whole events present",
            code="E_TRUNCATED",
            file=file,
            expected=f"DATA at {first.candidate.said} ({first.candidate.source})",
            available=(f"{first.segment.length} bytes of DATA with {first.n_values} whole values",),
            remedy="copy the file again from its source",
        )
    raise FcsError(
        "$TOT and the number of values in DATA disagree",
        code="E_TOT_MISMATCH",
        file=file,
        expected=f"{'whole' if n_events is None else n_events} events of {n_channels} values",
        available=tuple(f"{each.candidate.source} {each.candidate.said} ({each.n_values} values)" for each in placed),
        remedy="export the file again from the software that wrote it",
    )


def count_values(data: memoryview, segment: Segment) -> int:
    """Return how many values stand between the separators of a segment; several in a row count as one."""
    return sum(len(tokens) for tokens in _tokens(data, segment))


def delimited_values(
    data: memoryview, segment: Segment, n_channels: int, wanted: Sequence[int], events: range, *, file: str
) -> NDArray[Any]:
    """Return values of a segment of separated numbers.

    Parameters
    ----------
    data : memoryview
    segment : Segment
        Checked to hold whole events of `n_channels` values.
    n_channels : int
    wanted : sequence of int
        Columns to keep, from 0.
    events : range
        Events to keep, from 0, without gaps.
    file : str
        Name for messages.

    Returns
    -------
    (n_wanted, n_events) ndarray of float64
        uint64 if a value exceeds 2^53, up to which float64 is exact.

    Raises
    ------
    FcsError
        ``E_ASCII``: anything but a whole number.
    """
    rows = np.full(n_channels, -1)
    rows[list(wanted)] = np.arange(len(wanted))
    values: NDArray[Any] = np.zeros((len(wanted), len(events)), dtype=np.float64)
    position = 0
    for tokens in _tokens(data, segment):
        numbers = _numbers(tokens, position, n_channels, file)
        event, channel = np.divmod(np.arange(position, position + len(tokens)), n_channels)
        kept = (rows[channel] >= 0) & (event >= events.start) & (event < events.stop)
        if values.dtype == np.float64 and int(numbers[kept].max(initial=0)) > EXACT:
            values = _as_integers(values)
        values[rows[channel[kept]], event[kept] - events.start] = numbers[kept]
        position += len(tokens)
    return values


def _as_integers(values: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Turn whole numbers into integers in their own place: a second array would double what a file can ask for."""
    floats = values.reshape(-1)
    integers = floats.view(np.uint64)
    for start in range(0, floats.size, _PIECE):
        integers[start : start + _PIECE] = floats[start : start + _PIECE].astype(np.uint64)
    return integers.reshape(values.shape)


def _tokens(data: memoryview, segment: Segment) -> Iterator[list[bytes]]:
    """Cut a segment at its separators, a piece at a time."""
    rest = b""
    for start in range(segment.begin, segment.end + 1, _PIECE):
        piece = rest + bytes(data[start : min(start + _PIECE, segment.end + 1)]).translate(_TO_BLANKS)
        whole, blank, rest = piece.rpartition(b" ")
        yield (whole + blank).split()
        # A value longer than any number is none: it is handed on in parts, and refused as soon as it is read.
        if len(rest) > _DIGITS * 100:
            yield [rest]
            rest = b""
    yield rest.split()


def _numbers(tokens: list[bytes], position: int, n_channels: int, file: str) -> NDArray[np.uint64]:
    bare = [token.lstrip(b"0") or b"0" for token in tokens]
    wrong = (index for index, token in enumerate(bare) if not token.isdigit() or len(token) > _DIGITS)
    at = next(wrong, None)
    # Only what is short goes into an array: NumPy gives each text the room of the longest.
    texts = np.array(bare[:at], dtype=bytes)
    exceeding = np.flatnonzero(_exceeds(texts)) if texts.size else texts
    if exceeding.size:
        at = int(exceeding[0])
    if at is not None:
        event, channel = divmod(position + at, n_channels)
        raise _no_number(tokens[at], event, f"P{channel + 1}", file)
    return texts.astype(np.uint64)


def _exceeds(texts: NDArray[np.bytes_]) -> NDArray[np.bool_]:
    """Tell which numbers, digits alone, do not fit into 64 bits."""
    bare = np.char.lstrip(texts, b"0")
    lengths = np.char.str_len(bare)
    # Of equal length the greater text is the greater number.
    exceeds: NDArray[np.bool_] = (lengths > _DIGITS) | ((lengths == _DIGITS) & (bare > str(2**64 - 1).encode()))
    return exceeds


def _no_number(text: bytes, event: int, channel: str, file: str) -> FcsError:
    return FcsError(
        f"event {event + 1}: {shown(text[:40].decode('latin-1'))} is no whole number",
        code="E_ASCII",
        file=file,
        population=channel,
        expected="whole numbers in ASCII digits, up to 64 bits",
        remedy="export the file as FCS 3.1 with floating point data",
    )
