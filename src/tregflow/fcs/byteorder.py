"""``$BYTEORD``: in which order the bytes of a value stand in the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tregflow.errors import FcsError
from tregflow.fcs.names import shown
from tregflow.fcs.numbers import whole
from tregflow.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Collection

_MOST_PLACES = 8
"""Bytes of the widest value."""


@dataclass(frozen=True, slots=True)
class ByteOrder:
    """In which order the bytes of a value stand.

    Attributes
    ----------
    direction : {"<", ">"}
        As NumPy writes it: little endian, big endian.
    places : tuple of int
        For a mixed order the significance of each byte as it stands in the file, from 0; else empty.
    """

    direction: Literal["<", ">"] = "<"
    places: tuple[int, ...] = ()


LITTLE, BIG = ByteOrder("<"), ByteOrder(">")


def byteord_length(text: str | None) -> int:
    """Return how many bytes ``$BYTEORD`` puts in order, 0 if it does not give an order."""
    places = _places(text)
    return len(places) if sorted(places) == list(range(1, len(places) + 1)) else 0


def byte_order(text: str | None, widths: Collection[int], *, file: str) -> tuple[ByteOrder, tuple[Finding, ...]]:
    """Return the order that ``$BYTEORD`` spells.

    Ascending is little endian and descending big, whatever its length: writers leave ``1,2`` beside 32-bit values. In
    any other permutation the numbers are the significance of the bytes as they stand in the file, 1 the least (FCS 3.0,
    section 3.2); it counts only for values of its own length.

    Parameters
    ----------
    text : str or None
        Value of ``$BYTEORD``.
    widths : collection of int
        Bytes of the binary values of the file.
    file : str
        Name for messages.

    Raises
    ------
    FcsError
        ``E_BYTEORD``: no order of bytes, or one that does not fit the values.
    """
    needed = {width for width in widths if width > 1}
    if not needed:
        # One byte has no order, and writers leave anything here.
        return LITTLE, ()
    places = _places(text)
    ascending = list(range(1, len(places) + 1))
    if len(places) > 1 and places in (ascending, ascending[::-1]):
        return LITTLE if places == ascending else BIG, _length_finding(text or "", len(places), max(needed))
    permuted = 1 < len(places) <= _MOST_PLACES and sorted(places) == ascending
    if permuted and needed == {len(places)}:
        said = f"$BYTEORD is the mixed order {shown(text or '')}: each number is the significance of its byte"
        return ByteOrder("<", tuple(place - 1 for place in places)), (Finding("byteord-mixed", "info", "TEXT", said),)
    raise FcsError(
        "$BYTEORD is a mixed order that does not fit the values" if permuted else "$BYTEORD gives no order of bytes",
        code="E_BYTEORD",
        file=file,
        expected=f"1,2,3,4 (little endian), 4,3,2,1 (big endian), or another order of {_listed(needed)} bytes",
        available=("$BYTEORD is missing" if text is None else f"$BYTEORD {shown(text)}",),
        remedy="export the file again from the software that wrote it, as FCS 3.1",
    )


def _places(text: str | None) -> list[int]:
    return [whole(part) or 0 for part in (text or "").split(",", _MOST_PLACES + 1)]


def _length_finding(text: str, length: int, width: int) -> tuple[Finding, ...]:
    # 1,2,3,4 and 4,3,2,1 are how FCS 3.1 writes the two directions, whatever the width (section 3.2).
    if length >= min(width, 4):
        return ()
    said = f"$BYTEORD {shown(text)} is shorter than the {width} bytes of a value: its direction counts"
    return (Finding("byteord-short", "info", "TEXT", said),)


def _listed(widths: Collection[int]) -> str:
    return " or ".join(map(str, sorted(widths)))
