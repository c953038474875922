"""DATA that is not as promised: cut off, damaged in transfer, or of another length than ``$TOT``."""

from __future__ import annotations

from typing import NoReturn

from tregflow.errors import FcsError

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
    # Of random bytes one pair in 65,536 is a line end; a transfer in text mode turns each into a single byte.
    few = missing % event_size != 0 and missing < 16 * chance
    if few and chance >= _EVIDENCE and not count_pattern(data, begin, b"\r\n"):
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
    feeds = count_pattern(data, begin, b"\n")
    if feeds < 8 * _EVIDENCE or feeds != count_pattern(data, begin, b"\r\n"):
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


def count_pattern(data: memoryview, begin: int, pattern: bytes) -> int:
    """Count `pattern`, of one or two bytes, from `begin` to the end of the file, a piece at a time."""
    total = 0
    for start in range(begin, len(data), PIECE):
        # A piece and one byte for a pair across the border; for a single byte the piece alone, or it would count twice.
        total += bytes(data[start : start + PIECE + len(pattern) - 1]).count(pattern)
    return total
