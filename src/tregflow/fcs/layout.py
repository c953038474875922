"""How DATA is laid out: number of events, and type, width and byte order of each column."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, NoReturn

from tregflow.errors import FcsError
from tregflow.fcs.byteorder import LITTLE, ByteOrder, byte_order, byteord_length
from tregflow.fcs.names import shown
from tregflow.fcs.numbers import whole
from tregflow.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

CHANNEL_LIMIT = 10_000
"""Channels that are read: imaging cytometers export some thousand features, a hostile file may claim a million."""

_FLOAT_WIDTHS = {"F": 4, "D": 8}
_ASCII_LIMIT = 20
"""Digits of the largest 64-bit number."""
_CORRUPT = "the file is damaged or was written by faulty software: export it again"
_FLOATS = "export the file as FCS 3.1 with floating point data"


@dataclass(frozen=True, slots=True)
class ColumnFormat:
    """How one column is stored: type I, F, D or A, and bytes per value; 0 for ASCII between separators."""

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
    order : ByteOrder
        Of all values of more than one byte.
    findings : tuple of Finding
    widths_assumed : str
        What was said of widths that are no whole bytes and were taken from ``$BYTEORD``: the length of DATA must
        confirm them. Empty where nothing was assumed.
    """

    n_events: int | None
    columns: tuple[ColumnFormat, ...]
    order: ByteOrder = LITTLE
    findings: tuple[Finding, ...] = ()
    widths_assumed: str = ""

    @property
    def positions(self) -> tuple[int, ...]:
        """First byte of each column within an event."""
        return tuple(accumulate((column.width for column in self.columns[:-1]), initial=0))

    @property
    def event_size(self) -> int:
        """Bytes per event; 0 where it varies from event to event."""
        return sum(column.width for column in self.columns)

    @property
    def delimited(self) -> bool:
        """Whether values are ASCII between separators, so that only reading tells where an event ends."""
        return self.event_size == 0


def layout_of(keywords: Mapping[str, str], *, file: str, version: str = "3.2") -> Layout:
    """Read from TEXT how DATA is laid out; nothing is sized before it is known to be sound.

    Parameters
    ----------
    keywords : mapping
        Upper-case keys of primary TEXT.
    file : str
        Name for messages.
    version : str
        Of the standard.

    Returns
    -------
    Layout

    Raises
    ------
    FcsError
        ``E_PAR``, ``E_MODE``, ``E_DATATYPE``, ``E_WIDTH``, ``E_BYTEORD``, ``E_TOT``.
    """
    findings: list[Finding] = []
    n_channels = _channel_count(keywords, file, findings)
    _check_mode(keywords, file, findings)
    datatypes = _datatypes(keywords, n_channels, file, version, findings)
    columns = tuple(
        ColumnFormat(datatype, _width(keywords, number, datatype, file, findings))
        for number, datatype in enumerate(datatypes, start=1)
    )
    _check_ascii(columns, file)
    widths = {column.width for column in columns if column.datatype != "A"}
    order, order_findings = byte_order(keywords.get("$BYTEORD"), widths, file=file)
    assumed = _assumed(keywords, columns)
    if assumed:
        findings.append(Finding("pnb-from-byteord", "warning", "TEXT", assumed))
    return Layout(_event_count(keywords, file), columns, order, (*findings, *order_findings), assumed)


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


def _channel_count(keywords: Mapping[str, str], file: str, findings: list[Finding]) -> int:
    text = keywords.get("$PAR")
    count = whole(text)
    numbers = {whole(key[2:-1]) for key in keywords if key[:2] == "$P" and key[-1] == "B" and key[2:-1].isdigit()}
    if count is None or count <= 0:
        _refuse_par("$PAR is missing" if text is None else f"$PAR is {shown(text)}", len(numbers), file)
    if count > len(numbers):
        _refuse_par(f"$PAR promises {count} channels", len(numbers), file)
    if count > CHANNEL_LIMIT:
        _refuse_par(f"$PAR promises {count} channels, and more than {CHANNEL_LIMIT} are not read", len(numbers), file)
    missing = [number for number in range(1, count + 1) if not keywords.get(f"$P{number}B", "").strip()]
    if missing:
        zero_based = numbers >= set(range(count))
        _refuse_par(f"$P{missing[0]}B is missing", len(numbers), file, zero_based=zero_based)
    beyond = sum(number is not None and number > count for number in numbers)
    if beyond:
        said = f"{beyond} channel(s) beyond $PAR {count} have keywords and are not read"
        findings.append(Finding("par-below-channels", "info", "TEXT", said))
    return count


def _refuse_par(problem: str, widths: int, file: str, *, zero_based: bool = False) -> NoReturn:
    raise FcsError(
        problem,
        code="E_PAR",
        file=file,
        expected="the number of channels in $PAR, and $P1B, $P2B … for each of them",
        available=(f"{widths} keywords $PnB" + (", counted from $P0B" if zero_based else ""),),
        remedy="read the file with repairs=['zero-based-parameters']" if zero_based else _CORRUPT,
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


def _datatypes(
    keywords: Mapping[str, str], n_channels: int, file: str, version: str, findings: list[Finding]
) -> list[str]:
    """Return the type of each column: its own ``$PnDATATYPE``, whatever the version, else ``$DATATYPE``."""
    common = keywords.get("$DATATYPE", "").strip().upper()
    if common not in ("I", "F", "D", "A"):
        _refuse_datatype(f"$DATATYPE is {shown(common)}" if common else "$DATATYPE is missing", file)
    own = [keywords.get(f"$P{number}DATATYPE", "").strip().upper() for number in range(1, n_channels + 1)]
    for number, datatype in enumerate(own, start=1):
        known = datatype in ("", common) or (common != "A" and datatype in ("I", "F", "D"))
        if not known:
            _refuse_datatype(f"$P{number}DATATYPE is {shown(datatype)} beside $DATATYPE {common}", file)
    named = sum(datatype not in ("", common) for datatype in own)
    if named and version < "3.2":
        said = f"$PnDATATYPE gives {named} channel(s) a type of their own, which FCS {version} does not know: it counts"
        findings.append(Finding("pndatatype-early", "info", "TEXT", said))
    return [datatype or common for datatype in own]


def _refuse_datatype(problem: str, file: str) -> NoReturn:
    raise FcsError(
        problem,
        code="E_DATATYPE",
        file=file,
        expected="I (integers), F (float32), D (float64), each also per channel, or A (ASCII) for all",
        remedy=_CORRUPT,
    )


def _width(keywords: Mapping[str, str], number: int, datatype: str, file: str, findings: list[Finding]) -> int:
    """Return the bytes per value of channel `number`."""
    text = keywords[f"$P{number}B"].strip()
    size = whole(text)
    if datatype in _FLOAT_WIDTHS:
        width = _FLOAT_WIDTHS[datatype]
        if size != 8 * width:
            said = f"$P{number}B is {shown(text)}, but $DATATYPE {datatype} has {8 * width} bits: those are read"
            findings.append(Finding("pnb-contradicts-datatype", "warning", f"P{number}", said))
        return width
    if datatype == "A":
        if text == "*":
            return 0
        if size is None or not 0 < size <= _ASCII_LIMIT:
            _refuse_width(f"$P{number}B is {shown(text)}", f"1 to {_ASCII_LIMIT} characters, or *", file)
        return size
    if size is None or not 0 < size <= 64:
        _refuse_width(f"$P{number}B is {shown(text)}", "8, 16, 24 … 64 bits", file)
    return size // 8 if size % 8 == 0 else _width_of_bits(size, text, number, keywords.get("$BYTEORD"), file)


def _width_of_bits(size: int, text: str, number: int, byteord: str | None, file: str) -> int:
    """Return the width of a value that is no whole number of bytes (Beckman CXP writes 10 for 16): as ``$BYTEORD``."""
    width = byteord_length(byteord)
    if not size < 8 * width <= 64:
        expected = "8, 16, 24 … 64 bits, or a $BYTEORD as long as the stored value"
        _refuse_width(f"$P{number}B is {shown(text)}, and $BYTEORD is {shown(byteord or '')}", expected, file)
    return width


def _refuse_width(problem: str, expected: str, file: str) -> NoReturn:
    raise FcsError(problem, code="E_WIDTH", file=file, expected=expected, remedy=_FLOATS)


def _check_ascii(columns: tuple[ColumnFormat, ...], file: str) -> None:
    if len({column.width == 0 for column in columns}) > 1:
        _refuse_width("$PnB is * for some channels only", "* for all channels, or for none", file)


def _assumed(keywords: Mapping[str, str], columns: tuple[ColumnFormat, ...]) -> str:
    """Return what was assumed of widths that are no whole bytes, or an empty text."""
    odd = {
        keywords[f"$P{number}B"].strip(): column.width
        for number, column in enumerate(columns, start=1)
        if column.datatype == "I" and (whole(keywords[f"$P{number}B"]) or 0) % 8
    }
    if not odd:
        return ""
    bits = ", ".join(odd)
    (width,) = set(odd.values())
    return f"$PnB {bits} is no whole number of bytes: values are taken to be {width} bytes wide, as $BYTEORD is"


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
