"""How DATA is laid out: number of events, and type, width and byte order of each column."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Literal, NoReturn

from tregflow.errors import FcsError
from tregflow.fcs.names import shown
from tregflow.fcs.numbers import whole
from tregflow.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

ByteOrder = Literal["<", ">"]
"""As NumPy writes it: little endian, big endian."""

_FLOAT_WIDTHS = {"F": 4, "D": 8}
_INTEGER_WIDTHS = {8: 1, 16: 2, 32: 4}
_CORRUPT = "the file is damaged or was written by faulty software: export it again"


@dataclass(frozen=True, slots=True)
class ColumnFormat:
    """How one column is stored: type I, F or D, and bytes per value."""

    datatype: str
    width: int


@dataclass(frozen=True, slots=True)
class Layout:
    """How DATA is laid out.

    Attributes
    ----------
    n_events : int or None
        ``$TOT``; None if the file does not say.
    columns : tuple of ColumnFormat
    order : {"<", ">"}
    findings : tuple of Finding
    """

    n_events: int | None
    columns: tuple[ColumnFormat, ...]
    order: ByteOrder
    findings: tuple[Finding, ...]

    @property
    def positions(self) -> tuple[int, ...]:
        """First byte of each column within an event."""
        return tuple(accumulate((column.width for column in self.columns[:-1]), initial=0))

    @property
    def event_size(self) -> int:
        """Bytes per event."""
        return sum(column.width for column in self.columns)


def layout_of(keywords: Mapping[str, str], *, file: str) -> Layout:
    """Read from TEXT how DATA is laid out; nothing is sized before it is known to be sound.

    Parameters
    ----------
    keywords : mapping
        Upper-case keys of primary TEXT.
    file : str
        Name for messages.

    Returns
    -------
    Layout

    Raises
    ------
    FcsError
        ``E_PAR``, ``E_MODE``, ``E_DATATYPE``, ``E_WIDTH``, ``E_BYTEORD``, ``E_TOT``, ``E_DATASET``.
    """
    findings: list[Finding] = []
    n_channels = _channel_count(keywords, file)
    _check_mode(keywords, file, findings)
    datatype = _datatype(keywords, n_channels, file)
    widths = [_width(keywords, number, datatype, file, findings) for number in range(1, n_channels + 1)]
    columns = tuple(ColumnFormat(datatype, width) for width in widths)
    order = _byte_order(keywords.get("$BYTEORD"), max(widths), file, findings)
    return Layout(_event_count(keywords, file), columns, order, tuple(findings))


def next_data_set(keywords: Mapping[str, str], *, size: int, file: str) -> int | None:
    """Return where the next data set of the file begins, counted from the start of this one, or None.

    Raises
    ------
    FcsError
        ``E_DATASET``: ``$NEXTDATA`` is no position behind this HEADER and inside the file.
    """
    text = keywords.get("$NEXTDATA", "").strip()
    position = whole(text or "0")
    if position == 0:
        return None
    if position is None or not 0 < position < size:
        raise FcsError(
            "$NEXTDATA does not point into the file",
            code="E_DATASET",
            file=file,
            expected=f"0, or the position of another data set below {size}",
            available=(f"$NEXTDATA {shown(text)}",),
            remedy=_CORRUPT,
        )
    return position


def _channel_count(keywords: Mapping[str, str], file: str) -> int:
    text = keywords.get("$PAR")
    count = whole(text)
    widths = sum(key[:2] == "$P" and key[-1] == "B" and key[2:-1].isdigit() for key in keywords)
    if count is None or count <= 0:
        _refuse_par("$PAR is missing" if text is None else f"$PAR is {shown(text)}", widths, file)
    if count > widths:
        _refuse_par(f"$PAR promises {count} channels", widths, file)
    missing = [number for number in range(1, count + 1) if not keywords.get(f"$P{number}B", "").strip()]
    if missing:
        _refuse_par(f"$P{missing[0]}B is missing", widths, file)
    return count


def _refuse_par(problem: str, widths: int, file: str) -> NoReturn:
    raise FcsError(
        problem,
        code="E_PAR",
        file=file,
        expected="the number of channels in $PAR, and $P1B, $P2B … for each of them",
        available=(f"{widths} keywords $PnB",),
        remedy=_CORRUPT,
    )


def _check_mode(keywords: Mapping[str, str], file: str, findings: list[Finding]) -> None:
    mode = keywords.get("$MODE", "").strip().upper()
    if not mode:
        findings.append(Finding("mode-missing", "info", "TEXT", "$MODE is missing: list mode is assumed"))
    elif mode != "L":
        kind = {"C": "one correlated histogram", "U": "histograms"}.get(mode, "an unknown mode")
        raise FcsError(
            f"$MODE is {shown(mode)}, {kind}: there are no events to read",
            code="E_MODE",
            file=file,
            expected="$MODE L, a list of events",
            remedy="export the events themselves (list mode) from the software that wrote the file",
        )


def _datatype(keywords: Mapping[str, str], n_channels: int, file: str) -> str:
    datatype = keywords.get("$DATATYPE", "").strip().upper()
    if datatype not in ("I", "F", "D"):
        kind = "A: ASCII, which is not read yet" if datatype == "A" else shown(datatype)
        _refuse_datatype(f"$DATATYPE is {kind}" if datatype else "$DATATYPE is missing", file)
    for number in range(1, n_channels + 1):
        own = keywords.get(f"$P{number}DATATYPE", "").strip().upper()
        if own not in ("", datatype):
            problem = (
                f"$P{number}DATATYPE is {shown(own)} beside $DATATYPE {datatype}: mixed types, which are not read yet"
            )
            _refuse_datatype(problem, file)
    return datatype


def _refuse_datatype(problem: str, file: str) -> NoReturn:
    raise FcsError(
        problem,
        code="E_DATATYPE",
        file=file,
        expected="one type for all channels: I (integers), F (float32) or D (float64)",
        remedy="export the file as FCS 3.1 with floating point data",
    )


def _width(keywords: Mapping[str, str], number: int, datatype: str, file: str, findings: list[Finding]) -> int:
    """Return the bytes per value of channel `number`."""
    text = keywords[f"$P{number}B"].strip()
    bits = whole(text)
    if datatype in _FLOAT_WIDTHS:
        width = _FLOAT_WIDTHS[datatype]
        if bits != 8 * width:
            said = f"$P{number}B is {shown(text)}, but $DATATYPE {datatype} has {8 * width} bits: those are read"
            findings.append(Finding("pnb-contradicts-datatype", "warning", f"P{number}", said))
        return width
    if bits not in _INTEGER_WIDTHS:
        raise FcsError(
            f"$P{number}B is {shown(text)}: integers of that width are not read yet",
            code="E_WIDTH",
            file=file,
            expected="8, 16 or 32 bits",
            remedy="export the file as FCS 3.1 with floating point data",
        )
    return _INTEGER_WIDTHS[bits]


def _byte_order(text: str | None, width: int, file: str, findings: list[Finding]) -> ByteOrder:
    """Return the order that ``$BYTEORD`` spells: ascending is little endian, descending big, whatever its length."""
    places = [whole(part) for part in (text or "").split(",")]
    ascending = list(range(1, len(places) + 1))
    if width == 1:
        # One byte has no order, and writers leave anything here.
        return "<"
    if len(places) > 1 and places in (ascending, ascending[::-1]):
        if len(places) < width:
            said = f"$BYTEORD {shown(text or '')} is shorter than the {width} bytes of a value: its direction counts"
            findings.append(Finding("byteord-short", "info", "TEXT", said))
        return "<" if places == ascending else ">"
    permuted = len(places) > 1 and sorted(place or 0 for place in places) == ascending
    raise FcsError(
        "$BYTEORD is a mixed order, which is not read yet" if permuted else "$BYTEORD does not give an order of bytes",
        code="E_BYTEORD",
        file=file,
        expected="1,2,3,4 (little endian) or 4,3,2,1 (big endian)",
        available=("$BYTEORD is missing" if text is None else f"$BYTEORD {shown(text)}",),
        remedy="export the file as FCS 3.1" if permuted else _CORRUPT,
    )


def _event_count(keywords: Mapping[str, str], file: str) -> int | None:
    text = keywords.get("$TOT")
    if text is None or not text.strip():
        return None
    count = whole(text)
    if count is None or count < 0:
        raise FcsError(
            f"the number of events, $TOT, is {shown(text)}",
            code="E_TOT",
            file=file,
            expected="a whole number, 0 or more",
            remedy=_CORRUPT,
        )
    return count
