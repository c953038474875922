"""DATA that is not as promised: cut off, damaged in transfer, or of another length than ``$TOT``."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from tregflow.errors import FcsError

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = 1 << 20
_EVIDENCE = 8
"""Line ends that chance would leave; exp(-8) is the probability that it leaves none."""


def refuse_textmode(data: memoryview, begin: int, *, n_events: int, event_size: int, file: str) -> None:
    """Refuse DATA that has lost a byte at each line end; not even its whole events are right behind the first.

    Parameters
    ----------
    data : memoryview
        The data set, from its first byte to the end of the file.
    begin : int
        First byte of DATA.
    n_events, event_size : int
        What is promised.
    file : str
        Name for messages.

    Raises
    ------
    FcsError
        ``E_TEXTMODE_DAMAGE``.
    """
    present = max(0, len(data) - begin)
    missing = n_events * event_size - present
    chance = present / 65_536
    # Of random bytes one pair in 65,536 is a line end; a transfer in text mode turns each into a single byte. Real
    # values are not random: what is missing may be several times more or less.
    likely = missing % event_size != 0 and chance / 16 < missing < 16 * chance
    if likely and chance >= _EVIDENCE and not _holds(data, begin, b"\r\n"):
        raise FcsError(
            f"{missing} bytes of DATA are missing, and every line end (CR LF) is: damaged by a transfer in text mode",
            code="E_TEXTMODE_DAMAGE",
            file=file,
            expected=f"{promised(n_events, event_size)}, among them about {chance:.0f} line ends by chance",
            available=(f"{present} bytes without a line end",),
            remedy="copy the file again in binary mode; in git, mark *.fcs as binary",
        )


def refuse_truncated(
    data: memoryview, begin: int, source: str, *, n_events: int, event_size: int, file: str
) -> NoReturn:
    """Refuse a file that ends inside DATA."""
    present = max(0, len(data) - begin)
    raise FcsError(
        f"the file ends inside DATA: {n_events} events promised, {present // event_size} whole events present",
        code="E_TRUNCATED",
        file=file,
        expected=f"{promised(n_events, event_size)}, from byte {begin} ({source})",
        available=(f"{present} bytes of DATA",),
        remedy="copy the file again from its source",
    )


def refuse_added_line_ends(data: memoryview, begin: int, length: int, trailing: int, *, file: str) -> None:
    """Refuse DATA in which every line feed follows a carriage return, with as many bytes too many behind.

    Raises
    ------
    FcsError
        ``E_TEXTMODE_DAMAGE``.
    """
    feeds = _feeds_if_all_follow_returns(data, begin)
    if feeds < 8 * _EVIDENCE:
        return
    raise FcsError(
        f"each of {feeds} line feeds in DATA follows a carriage return: damaged by a transfer in text mode",
        code="E_TEXTMODE_DAMAGE",
        file=file,
        expected=f"{length} bytes of DATA and nothing behind them",
        available=(f"{trailing} bytes behind DATA",),
        remedy="copy the file again in binary mode; in git, mark *.fcs as binary",
    )


def promised(n_events: int, event_size: int) -> str:
    """Return what ``$TOT`` and the columns promise, in words."""
    return f"{n_events * event_size} bytes of DATA: {n_events} events of {event_size} bytes"


def _holds(data: memoryview, begin: int, pattern: bytes) -> bool:
    return any(pattern in piece for piece in _pieces(data, begin))


def _feeds_if_all_follow_returns(data: memoryview, begin: int) -> int:
    """Return the number of line feeds if each follows a carriage return, else 0: the first other one ends it."""
    total = 0
    for piece in _pieces(data, begin):
        feeds, pairs = piece[1:].count(b"\n"), piece.count(b"\r\n")
        if feeds != pairs:
            return 0
        total += feeds
    return total


def _pieces(data: memoryview, begin: int) -> Iterator[bytes]:
    """Cut the bytes from `begin` on into pieces, each with the byte before it: a pair may lie across the border."""
    for start in range(begin, len(data), PIECE):
        yield bytes(data[start - 1 : start + PIECE])
