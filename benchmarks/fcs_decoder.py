"""An independent, tolerant decoder of FCS files: what a benchmark holds the reader against.

It knows the standard and the rules of the field, nothing of tregflow. It decodes what a consistent layout explains and
refuses the rest, each refusal with a reason; and it lists the faults of a file, for the question whether a file that
was tampered with is still valid.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

VERSIONS = (b"2.0", b"3.0", b"3.1", b"3.2")
REQUIRED = ("$BYTEORD", "$DATATYPE", "$MODE", "$PAR", "$TOT")
ABSENT = 99_999_999
_NEEDED = re.compile(rb"\$(P\d+[BENR]|BYTEORD|DATATYPE|MODE|NEXTDATA|PAR|TOT)")
_PADDING = b" \0\r\n"


class Unreadable(Exception):  # noqa: N818 - not an error of this benchmark: an outcome
    """No consistent layout explains the file; `reason` is one word."""

    def __init__(self, reason: str, text: str = "") -> None:
        self.reason = reason
        super().__init__(f"{reason}: {text}")


@dataclass(frozen=True)
class File:
    """One data set, cut into its parts and nothing more; offsets count from its first byte."""

    blob: bytes
    version: bytes
    fields: tuple[int | None, ...]
    """Six numbers of HEADER, None where there is none."""
    text: tuple[int, int]
    tokens: list[bytes]
    keywords: dict[str, str]
    """The first of each key."""

    @property
    def delimiter(self) -> bytes:
        """First byte of TEXT."""
        return self.blob[self.text[0] : self.text[0] + 1]

    @property
    def pairs(self) -> list[tuple[bytes, bytes]]:
        """Keys and values as they stand."""
        return list(zip(self.tokens[::2], self.tokens[1::2], strict=False))


@dataclass(frozen=True)
class Column:
    """How one channel is stored."""

    name: str
    kind: str
    width: int
    bits: int
    """Significant ones; 0: all."""
    decades: float
    offset: float
    steps: float


@dataclass(frozen=True)
class Decoded:
    """Values of one data set: as stored (masked), and linear."""

    file: File
    columns: list[Column]
    data: tuple[int, int]
    n_events: int
    stored: list[np.ndarray]
    linear: list[np.ndarray]


def parse(blob: bytes) -> File:
    """Cut a data set into HEADER and TEXT."""
    if blob[:3] != b"FCS" or len(blob) < 58:
        raise Unreadable("not-fcs", repr(blob[:12]))
    if blob[3:6] not in VERSIONS:
        raise Unreadable("version", repr(blob[3:6]))
    fields = tuple(_number(blob[at : at + 8].decode("latin-1")) for at in range(10, 58, 8))
    begin, end = fields[0], fields[1]
    if begin is None or end is None or begin < 58 or end <= begin:
        raise Unreadable("offsets", f"TEXT {begin}-{end}")
    if end >= len(blob):
        raise Unreadable("truncated", f"TEXT {begin}-{end} of {len(blob)}")
    tokens = split(blob[begin : end + 1])
    keywords: dict[str, str] = {}
    for key, value in zip(tokens[::2], tokens[1::2], strict=False):
        keywords.setdefault(_text(key).strip().upper(), _text(value))
    return File(blob, blob[3:6], fields, (begin, end), tokens, keywords)


def split(segment: bytes) -> list[bytes]:
    """Cut TEXT into keys and values; doubled delimiters are what finds more of the keys that must be there."""
    delimiter, body = segment[:1], segment[1:]
    bare = body.rstrip(_PADDING.replace(delimiter, b""))
    body = bare if bare.endswith(delimiter) else body
    body = body[:-1] if body.endswith(delimiter) else body
    plain = body.split(delimiter)
    if delimiter * 2 not in segment[1:]:
        return plain
    # From the left: the first two of a run are one literal delimiter.
    escaped = [part.replace(b"\xff\x00\xff", delimiter) for part in _escape(body, delimiter).split(delimiter)]
    return max((escaped, plain), key=_score)


def _escape(body: bytes, delimiter: bytes) -> bytes:
    return body.replace(delimiter * 2, b"\xff\x00\xff")


def _score(tokens: list[bytes]) -> tuple[int, int, int, bool]:
    keys = {key.strip().upper() for key in tokens[::2]}
    found = sum(
        re.fullmatch(rb"\$(P\d+[BENR]|BYTEORD|DATATYPE|MODE|NEXTDATA|PAR|TOT)", key) is not None for key in keys
    )
    standard = sum(key.startswith(b"$") for key in keys)
    stray = sum(value.lstrip()[:2].upper() == b"$P" for value in tokens[1::2])
    return found, standard - 2 * stray, len(tokens) % 2 == 0, b"" not in keys


def data_sets(blob: bytes) -> list[bytes]:
    """Return the data sets of a file, each to the end of the file; a chain that is broken raises."""
    found = [blob]
    while True:
        file = parse(found[-1])
        step = _number(file.keywords.get("$NEXTDATA", "").strip() or "0")
        if step == 0:
            return found
        if step is None or step <= file.text[1] or found[-1][step : step + 3] != b"FCS" or len(found) > 1000:
            raise Unreadable("dataset", f"$NEXTDATA {step}")
        found.append(found[-1][step:])


def decode(blob: bytes) -> Decoded:
    """Decode a data set."""
    file = parse(blob)
    columns = layout(file.keywords)
    promised = _number(file.keywords.get("$TOT", ""))
    size = sum(column.width for column in columns)
    if not size:
        return _delimited(file, columns, promised)
    begin, n_events = _place(file, size, promised)
    raw = np.frombuffer(blob, np.uint8, n_events * size, begin).reshape(n_events, size) if n_events else None
    order = byte_order(file.keywords.get("$BYTEORD", ""), {c.width for c in columns if c.kind != "A"})
    stored, at = [], 0
    for column in columns:
        cells = np.empty((0, column.width), np.uint8) if raw is None else raw[:, at : at + column.width]
        stored.append(_values(cells, column, order))
        at += column.width
    linear = [linearise(values, column) for values, column in zip(stored, columns, strict=True)]
    return Decoded(file, columns, (begin, begin + n_events * size), n_events, stored, linear)


def layout(keywords: dict[str, str]) -> list[Column]:
    """Return how each channel is stored."""
    mode = keywords.get("$MODE", "L").strip().upper() or "L"
    if mode != "L":
        raise Unreadable("mode", mode)
    count = _number(keywords.get("$PAR", ""))
    if not count or count < 0 or count > 10_000 or any(f"$P{n}B" not in keywords for n in range(1, count + 1)):
        raise Unreadable("par", f"$PAR {keywords.get('$PAR')}")
    return [_column(keywords, number) for number in range(1, count + 1)]


def _column(keywords: dict[str, str], number: int) -> Column:
    common = keywords.get("$DATATYPE", "").strip().upper()
    kind = keywords.get(f"$P{number}DATATYPE", "").strip().upper() or common
    if kind not in ("I", "F", "D", "A") or (kind == "A") != (common == "A"):
        raise Unreadable("datatype", kind)
    size = keywords[f"$P{number}B"].strip()
    bits = _number(size)
    steps = _real(keywords.get(f"$P{number}R", ""))
    usable = steps is not None and 1 < steps <= 2.0**64
    if kind == "A":
        width = 0 if size == "*" else bits or -1
    elif kind in ("F", "D"):
        width = 4 if kind == "F" else 8
    elif bits is not None and bits % 8:
        places = keywords.get("$BYTEORD", "").split(",")
        width = len(places) if bits < 8 * len(places) else -1
    else:
        width = (bits or 0) // 8 or -1
    if not 0 <= width <= 20 or (kind == "I" and width > 8):
        raise Unreadable("width", size)
    decades, offset = _amplification(keywords.get(f"$P{number}E", ""), kind)
    if decades and not usable:
        raise Unreadable("amplification", f"$P{number}R")
    exact = _number(keywords.get(f"$P{number}R", "")) or (int(steps) if steps and usable and steps == int(steps) else 0)
    significant = (exact - 1).bit_length() if usable and exact > 1 and kind == "I" else 0
    name = keywords.get(f"$P{number}N", "").strip() or f"P{number}"
    return Column(name, kind, width, significant, decades, offset, steps or 0.0)


def _amplification(text: str, kind: str) -> tuple[float, float]:
    if kind not in ("I", "A") or not text.strip():
        return 0.0, 0.0
    pair = [_real(part) for part in text.split(",")]
    if len(pair) != 2 or pair[0] is None or pair[1] is None or min(pair[0], pair[1]) < 0:
        raise Unreadable("amplification", text)
    return (pair[0], pair[1] or 1.0) if pair[0] else (0.0, 0.0)


def byte_order(text: str, widths: set[int]) -> list[int] | bool:
    """Return True for big, False for little endian, or the significance of each byte."""
    if not widths - {1}:
        return False
    places = [_number(part) or 0 for part in text.split(",")]
    if len(places) > 1 and places == sorted(places) and places == list(range(1, len(places) + 1)):
        return False
    if len(places) > 1 and places == list(range(len(places), 0, -1)):
        return True
    if sorted(places) == list(range(1, len(places) + 1)) and widths - {1} == {len(places)}:
        return [place - 1 for place in places]
    raise Unreadable("byteord", text)


def said_of_data(file: File) -> list[tuple[int, int | None]]:
    """Return where HEADER and TEXT say that DATA lies, the one that says it first."""
    pairs = [file.fields[2:4], tuple(_number(file.keywords.get(f"${end}DATA", "")) for end in ("BEGIN", "END"))]
    return [(begin, end) for begin, end in pairs if begin is not None and 0 < begin != ABSENT]


def _place(file: File, size: int, promised: int | None) -> tuple[int, int]:
    said = said_of_data(file)
    if promised is None:
        if file.keywords.get("$TOT", "").strip():
            raise Unreadable("tot", file.keywords["$TOT"])
        lengths = {end - begin + 1 for begin, end in said if end and begin < end < len(file.blob)}
        if len(lengths) != 1 or (length := lengths.pop()) % size:
            raise Unreadable("tot", "absent")
        promised = length // size
    if promised < 0:
        raise Unreadable("tot", str(promised))
    need = promised * size
    fitting, short, other = [], [], []
    for begin, end in said:
        stated = end is not None and end > begin
        if begin < 58 or (need and begin <= file.text[1] and begin + need > file.text[0]):
            continue
        if stated and end is not None and end - begin + 1 not in (need, need + 1):
            (short if end >= len(file.blob) else other).append(begin)
        elif begin + need > len(file.blob):
            short.append(begin)
        else:
            fitting.append(begin)
    if fitting:
        behind = [begin for begin in fitting if begin == file.text[1] + 1]
        return (behind or fitting)[0], promised
    if not need and not other and not short:
        return 58, 0
    raise Unreadable("truncated" if short else "tot" if other else "offsets", f"{said} for {need} bytes")


def _values(cells: np.ndarray, column: Column, order: list[int] | bool) -> np.ndarray:  # noqa: FBT001
    n_events, width = cells.shape
    if column.kind == "A":
        return np.array([_ascii(cells[event].tobytes()) for event in range(n_events)], dtype=object)
    places = list(range(width)) if order is False else list(range(width))[::-1] if order is True else order
    if width == 1:
        places = [0]
    little = np.zeros((n_events, 8 if column.kind == "I" else width), np.uint8)
    little[:, places] = cells
    if column.kind != "I":
        return little.reshape(-1).view("<f4" if width == 4 else "<f8")
    numbers = little.reshape(-1).view("<u8")
    return numbers & np.uint64(2**column.bits - 1) if 0 < column.bits < 8 * width else numbers


def _ascii(cell: bytes) -> int:
    if not re.fullmatch(rb" *\d+ *", cell) or int(cell) >= 2**64:
        raise Unreadable("ascii", repr(cell))
    return int(cell)


def _delimited(file: File, columns: list[Column], promised: int | None) -> Decoded:
    counts = []
    for begin, end in said_of_data(file):
        inside = end is not None and 58 <= begin <= end < len(file.blob)
        if inside and end is not None and not (begin <= file.text[1] and end >= file.text[0]):
            values = file.blob[begin : end + 1].translate(bytes.maketrans(b"\t,\r\n", b"    ")).split()
            counts.append((begin, end + 1, values))
    fitting = [each for each in counts if len(each[2]) == (promised or 0) * len(columns)]
    if not fitting:
        raise Unreadable("tot" if counts else "offsets", "ASCII")
    behind = [each for each in fitting if each[0] == file.text[1] + 1]
    begin, end, values = (behind or fitting)[0]
    numbers = np.array([_ascii(value) for value in values], dtype=object).reshape(-1, len(columns))
    stored = [numbers[:, index] for index in range(len(columns))]
    linear = [linearise(each, column) for each, column in zip(stored, columns, strict=True)]
    return Decoded(file, columns, (begin, end), len(numbers), stored, linear)


def linearise(values: np.ndarray, column: Column) -> np.ndarray:
    """Undo a logarithmic amplifier."""
    if not column.decades:
        return values
    exponents = column.decades * values.astype(np.float64) / column.steps
    with np.errstate(over="ignore"):
        return column.offset * 10.0**exponents


def faults(file: File, decoded: Decoded | None) -> set[str]:
    """Return in which ways a data set departs from a valid and consistent file; empty if in none."""
    found = set()
    keys = [_text(key).strip().upper() for key in file.tokens[::2]]
    segment = file.blob[file.text[0] : file.text[1] + 1]
    if file.delimiter.isalnum() or not segment.rstrip(_PADDING.replace(file.delimiter, b"")).endswith(file.delimiter):
        found.add("delimiter")
    if len(file.tokens) % 2 or "" in keys or any(_text(key) != _text(key).strip() for key in file.tokens[::2]):
        found.add("tokens")
    if len({(key.strip().upper(), value) for key, value in file.pairs}) > len({*keys}):
        found.add("keys-twice")
    found |= {f"missing-{key}" for key in REQUIRED if not file.keywords.get(key, "").strip()}
    found |= _channel_faults(file.keywords)
    found |= _offset_faults(file, decoded)
    return found


def _channel_faults(keywords: dict[str, str]) -> set[str]:
    found = set()
    count = _number(keywords.get("$PAR", "")) or 0
    described = {int(key[2:-1]) for key in keywords if re.fullmatch(r"\$P\d{1,6}B", key)}
    if described != set(range(1, count + 1)):
        return {"par"}
    names = [keywords.get(f"$P{number}N", "").strip() for number in range(1, count + 1)]
    if "" in names or len(set(names)) < len(names) or any(not name.isprintable() for name in names):
        found.add("names")
    for number in range(1, count + 1):
        kind = keywords.get(f"$P{number}DATATYPE", keywords.get("$DATATYPE", "")).strip().upper()
        bits, steps = keywords.get(f"$P{number}B", "").strip(), keywords.get(f"$P{number}R", "").strip()
        wanted = {"F": "32", "D": "64"}.get(kind)
        if bits != wanted if wanted else not re.fullmatch(r"\*|\d{1,2}", bits):
            found.add("bits")
        value = _real(steps) or 0.0
        if kind == "I" and not (1 < value <= 2**64 and value.is_integer()):
            found.add(f"range-{number}")
        pair = [_real(part) for part in keywords.get(f"$P{number}E", "").split(",")]
        if len(pair) != 2 or any(part is None or part < 0 for part in pair):
            found.add(f"amplification-{number}")
    return found


def _offset_faults(file: File, decoded: Decoded | None) -> set[str]:
    found = set()
    header = file.fields[2:4]
    here = tuple(_number(file.keywords.get(f"${end}DATA", "")) for end in ("BEGIN", "END"))
    if file.version != b"2.0" and header != here:
        found.add("offsets-differ")
    if decoded is None:
        return found | {"undecoded"}
    begin, stop = decoded.data
    if header != (begin, stop - 1):
        found.add("offsets-header")
    ends = [stop - 1, file.text[1], file.fields[5] or 0, _number(file.keywords.get("$ENDSTEXT", "")) or 0]
    last = max(end for end in ends if end < len(file.blob))
    limit = _number(file.keywords.get("$NEXTDATA", "")) or len(file.blob)
    rest = file.blob[last + 1 : limit]
    # Between HEADER, TEXT and DATA nothing but blanks, where no other segment is declared.
    others = max(file.fields[5] or 0, _number(file.keywords.get("$ENDSTEXT", "")) or 0)
    gap = file.blob[file.text[1] + 1 : begin]
    if (gap.strip(_PADDING) and not file.text[1] < others) or file.blob[58 : min(file.text[0], begin)].strip(
        _PADDING + b"0123456789"
    ):
        found.add("gap")
    # A checksum behind the last segment, or padding.
    if rest.strip(_PADDING + b"0") and not re.fullmatch(rb"[0-9A-Fa-f ]{8}", rest):
        found.add("trailing")
    return found


def _number(text: str) -> int | None:
    bare = text.strip().strip("\0")
    return int(bare) if re.fullmatch(r"-?[0-9]{1,20}", bare) else None


def _real(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and text.isascii() and "_" not in text else None


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def equal(here: Any, there: Any, *, relative: float = 2e-6) -> bool:
    """Tell whether two columns hold the same values, NaN included; logarithms to the last bits of float32."""
    one, other = np.asarray(here), np.asarray(there)
    if one.shape != other.shape:
        return False
    return bool(np.allclose(one.astype(np.float64), other.astype(np.float64), rtol=relative, atol=0, equal_nan=True))
