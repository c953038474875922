"""Files for the robustness benchmark: real ones cut down to a few events, and simulated ones of every type."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from fcs_decoder import File, Unreadable, data_sets, decode, layout, parse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

LARGEST = 200_000
_OFFSET = re.compile(r"\$(?:(BEGIN|END)(?:DATA|ANALYSIS|STEXT)|NEXTDATA)")


@dataclass(frozen=True)
class Base:
    """A file that is mutated; `dataset` is the one to read, None for the only one."""

    name: str
    blob: bytes
    dataset: int | None = None
    inner: int = 0
    """Where the data set begins that is read."""


def base_of(name: str, blob: bytes, dataset: int | None = None) -> Base:
    """Return a file to mutate; of several data sets, `dataset` or the last is the one that is read."""
    try:
        sets = data_sets(blob)
    except Unreadable:
        sets = [blob]
    return Base(name, blob, dataset, len(blob) - len(sets[(dataset or len(sets)) - 1]))


def real_files(data: Path, n_events: int) -> list[Base]:
    """Return every FCS file below a folder, none larger than an input may be."""
    paths = sorted(path for path in data.rglob("*") if path.suffix.lower() in (".fcs", ".lmd"))
    found: dict[bytes, Base] = {}
    for path in paths:
        whole = path.read_bytes()
        blob = whole if len(whole) <= LARGEST / 8 else cut_down(whole, n_events)
        found.setdefault(blob, base_of(path.relative_to(data).as_posix(), blob))
    return list(found.values())


def cut_down(blob: bytes, n_events: int) -> bytes:
    """Return a file with its first events only, all that lies around them kept; as it is where nothing explains it."""
    try:
        parts = data_sets(blob)
        bounds = [len(blob) - len(part) for part in parts] + [len(blob)]
        pieces = [blob[start:stop] for start, stop in pairwise(bounds)]
        shorter = [_cut(piece, n_events) for piece in pieces]
    except Unreadable:
        return blob[:LARGEST]
    return chain(shorter)


def chain(sets: Sequence[bytes]) -> bytes:
    """Join data sets, ``$NEXTDATA`` set."""
    if len(sets) == 1:
        return sets[0]
    # As wide as it will be, so that a second change moves nothing.
    wide = [with_keywords(part, {"$NEXTDATA": f"{0:08d}"}) for part in sets]
    steps = [*(len(part) for part in wide[:-1]), 0]
    return b"".join(with_keywords(part, {"$NEXTDATA": f"{step:08d}"}) for part, step in zip(wide, steps, strict=True))


def _cut(blob: bytes, n_events: int) -> bytes:
    decoded = decode(blob)
    keep = min(n_events, decoded.n_events)
    size = sum(column.width for column in decoded.columns)
    begin, stop = decoded.data
    wide = with_keywords(blob, {"$TOT": f"{keep:>{len(decoded.file.keywords['$TOT'])}}"})
    shift = len(wide) - len(blob)
    return replace(wide, begin + shift + keep * size, stop + shift, b"")


def with_keywords(blob: bytes, changed: Mapping[str, str]) -> bytes:
    """Return a data set with other values of some keywords, all offsets moved along."""
    file = parse(blob)
    pairs = [
        (key, changed.get(key.decode("latin-1").strip().upper(), value.decode("latin-1")).encode("latin-1"))
        for key, value in file.pairs
    ]
    return with_text(file, pairs)


def with_text(file: File, pairs: Sequence[tuple[bytes, bytes]], *, delimiter: bytes | None = None) -> bytes:
    """Return a data set with another TEXT, all offsets moved along."""
    mark = delimiter or file.delimiter
    text = mark + b"".join(_token(token, mark) + mark for pair in pairs for token in pair)
    return replace(file.blob, file.text[0], file.text[1] + 1, text)


def _token(token: bytes, delimiter: bytes) -> bytes:
    return token.replace(delimiter, delimiter * 2)


def replace(blob: bytes, start: int, stop: int, new: bytes) -> bytes:
    """Return a data set with other bytes in a place, and every offset behind it moved along."""
    delta = len(new) - (stop - start)
    edited = bytearray(blob[:start] + new + blob[stop:])
    for at in range(10, 58, 8):
        field = blob[at : at + 8]
        if field.strip().isdigit() and int(field):
            is_end = (at - 10) % 16 == 8
            edited[at : at + 8] = b"%8d" % _moved(int(field), start, stop, delta, is_end=is_end)
    return _moved_in_text(bytes(edited), start, stop, delta)


def _moved_in_text(blob: bytes, start: int, stop: int, delta: int) -> bytes:
    file = parse(blob)
    for key, value in file.keywords.items():
        match = _OFFSET.fullmatch(key)
        number = value.strip()
        if match is None or not number.isdigit() or not int(number):
            continue
        moved = _moved(int(number), start, stop, delta, is_end=match[1] == "END")
        # In place: as wide as before.
        old, new = value.encode("latin-1"), str(moved).rjust(len(value), "0").encode("latin-1")
        if len(new) == len(old):
            mark = re.escape(file.delimiter)
            pattern = mark + rb"(\s*" + re.escape(key.encode("latin-1")) + rb"\s*)" + mark + re.escape(old) + mark
            found = re.search(pattern, blob, re.IGNORECASE)
            if found:
                at = found.end() - 1 - len(old)
                blob = blob[:at] + new + blob[at + len(old) :]
    return blob


def _moved(position: int, start: int, stop: int, delta: int, *, is_end: bool) -> int:
    behind = position + 1 >= stop if is_end else position >= stop and position > start
    return position + delta if behind else position


@dataclass(frozen=True)
class Recipe:
    """A simulated file."""

    version: str = "3.1"
    datatype: str = "F"
    bits: tuple[int, ...] = (32, 32, 32, 32)
    byteord: str = "1,2,3,4"
    delimiter: str = "/"
    n_events: int = 60
    keywords: tuple[tuple[str, str], ...] = ()
    own_types: str = ""
    """``$PnDATATYPE`` of each channel, a letter each."""
    stext: str = ""
    analysis: str = ""
    crc: bool = False
    ascii_width: int = 0
    delimited: bool = False
    ending: str = "\r\n"
    names: tuple[str, ...] = ()


_SPILL = "3,FSC-A,B515-A,R780-A,1,0.1,0,0.02,1,0.05,0,0,1"
_DECIMAL = "2,FSC-A,B515-A,1,0,0,1,0,05,1,0"
RECIPES = (
    Recipe(),
    Recipe(byteord="4,3,2,1", delimiter="|", keywords=(("SPILL", _SPILL),)),
    Recipe(version="3.0", delimiter="\f", keywords=(("$SPILLOVER", _SPILL), ("SPILL", _SPILL))),
    Recipe(version="2.0", delimiter="\\", datatype="I", bits=(16,) * 5, byteord="4,3,2,1"),
    Recipe(version="2.0", datatype="I", bits=(16,) * 4, byteord="2,1", keywords=(("$DFC1TO2", "12.5"),)),
    Recipe(version="3.0", datatype="I", bits=(32,) * 4, byteord="1,2,3,4", keywords=(("$P2E", "4.0,1.0"),)),
    Recipe(datatype="I", bits=(8, 16, 32, 64), keywords=(("$P4R", "18446744073709551616"),)),
    Recipe(datatype="I", bits=(24,) * 4, byteord="3,2,1"),
    Recipe(datatype="I", bits=(64, 64), keywords=(("$P1R", "4294967296"),)),
    Recipe(datatype="I", bits=(40, 48, 56, 24, 16)),
    Recipe(datatype="I", bits=(10, 10, 10), byteord="1,2", keywords=tuple((f"$P{n}R", "1024") for n in (1, 2, 3))),
    Recipe(version="3.0", datatype="I", bits=(32,) * 3, byteord="3,4,1,2"),
    Recipe(version="3.0", bits=(32,) * 3, byteord="2,1,4,3"),
    Recipe(datatype="D", bits=(64,) * 3),
    Recipe(datatype="D", bits=(64,) * 3, byteord="4,3,2,1", crc=True),
    Recipe(version="3.2", bits=(32, 64, 16, 32), own_types="FDIF"),
    Recipe(version="3.2", datatype="I", bits=(16, 32, 64), own_types="IFD", byteord="4,3,2,1"),
    Recipe(version="3.0", datatype="A", bits=(5,) * 4, ascii_width=5),
    Recipe(version="2.0", datatype="A", bits=(1,) * 3, delimited=True, ending=""),
    Recipe(version="3.1", datatype="A", bits=(1,) * 3, delimited=True),
    Recipe(stext="/$P1S/CD3/$P2S/CD25/NOTE/a//b/", keywords=(("$P3S", "FoxP3"),)),
    Recipe(analysis="/GATE1/0.5/GATE2/0.25/", crc=True),
    Recipe(n_events=0),
    Recipe(n_events=1),
    Recipe(n_events=2_000, bits=(32,) * 12),
    Recipe(bits=(32,) * 200, n_events=8),
    Recipe(names=("TIME_MSW", "TIME_LSW", "Time#"), bits=(32,) * 3, keywords=(("$TIMESTEP", "0.01"),)),
    Recipe(names=("Time", "a/b", "c,d", "µ-A"), keywords=(("$TIMESTEP", "0.1"), ("$P3S", "488//10"))),
    Recipe(names=("Comp-FITC-A", "FJComp-PE-A", "FSC-A", "x"), keywords=(("SPILL", _SPILL),)),
    Recipe(keywords=(("$SPILLOVER", "2,2,3,1,0.1,0.05,1"),)),
    Recipe(keywords=(("SPILL", _DECIMAL),)),
    Recipe(version="3.0", keywords=(("$COMP", "4,1,0.1,0,0,0,1,0,0,0,0,1,0,0,0,0,1"),)),
)


def simulated_files(seed: int) -> list[Base]:
    """Return a file per recipe, and two files of several data sets made of them."""
    made = [base_of(f"simulated/{number}", build(recipe, seed + number)) for number, recipe in enumerate(RECIPES)]
    several = [
        base_of("simulated/several", chain([made[0].blob, made[3].blob, made[13].blob]), 2),
        base_of("simulated/last", chain([made[19].blob, made[6].blob]), 2),
    ]
    return made + several


def build(recipe: Recipe, seed: int) -> bytes:
    """Return the bytes of a simulated file."""
    random = np.random.default_rng(seed)
    names = recipe.names or ("FSC-A", "B515-A", "R780-A", "V450-A")
    names = tuple(names[n] if n < len(names) else f"P{n + 1}-A" for n in range(len(recipe.bits)))
    events = _events(recipe, random)
    keywords = _keywords(recipe, names) | dict(recipe.keywords)
    tail = recipe.stext.encode() + recipe.analysis.encode()
    begin = 0
    for _ in range(2):  # offsets are of fixed width: the second round knows where DATA begins
        places = _places(recipe, begin, len(events)) if recipe.version != "2.0" or recipe.stext else {}
        text = _text({**places, **keywords}, recipe.delimiter)
        begin = 58 + len(text)
    analysis = (begin + len(events), begin + len(events) + len(recipe.analysis) - 1) if recipe.analysis else (0, 0)
    fields = (58, 57 + len(text), begin, begin + len(events) - 1, *analysis)
    head = f"FCS{recipe.version}    ".encode() + b"".join(b"%8d" % field for field in fields)
    whole = head + text + events + tail
    return whole + (b"%08X" % binascii.crc_hqx(whole, 0xFFFF) if recipe.crc else b"")


def _places(recipe: Recipe, begin: int, length: int) -> dict[str, str]:
    stop = begin + length
    places = {"$BEGINDATA": begin, "$ENDDATA": stop - 1, "$BEGINANALYSIS": 0, "$ENDANALYSIS": 0}
    stext = (stop, stop + len(recipe.stext) - 1) if recipe.stext else (0, 0)
    if recipe.analysis:
        places |= {"$BEGINANALYSIS": stop, "$ENDANALYSIS": stop + len(recipe.analysis) - 1}
    places |= {"$BEGINSTEXT": stext[0], "$ENDSTEXT": stext[1]}
    return {key: f"{value:08d}" for key, value in places.items()}


def _keywords(recipe: Recipe, names: Sequence[str]) -> dict[str, str]:
    keywords = {
        "$BYTEORD": recipe.byteord,
        "$DATATYPE": recipe.datatype,
        "$MODE": "L",
        "$NEXTDATA": "0",
        "$PAR": str(len(names)),
        "$TOT": str(recipe.n_events),
        "$CYT": "simulated",
    }
    for number, (name, bits) in enumerate(zip(names, recipe.bits, strict=True), start=1):
        kind = recipe.own_types[number - 1 : number] or recipe.datatype
        steps = 1 << min(bits - 2, 31) if kind == "I" else 262_144
        keywords |= {
            f"$P{number}N": name,
            f"$P{number}B": "*" if recipe.delimited else str(bits),
            f"$P{number}E": "4,1" if kind == "I" and number == 2 and bits <= 32 else "0,0",
            f"$P{number}R": str(steps),
            f"$P{number}S": f"marker {number}" if number % 2 else "",
        }
        if recipe.own_types and kind != recipe.datatype:
            keywords[f"$P{number}DATATYPE"] = kind
    return {key: value for key, value in keywords.items() if value}


def _text(keywords: Mapping[str, str], delimiter: str) -> bytes:
    tokens = [token.replace(delimiter, delimiter * 2) for pair in keywords.items() for token in pair]
    return (delimiter + delimiter.join(tokens) + delimiter).encode()


def _events(recipe: Recipe, random: np.random.Generator) -> bytes:
    shape = (recipe.n_events, len(recipe.bits))
    if recipe.datatype == "A":
        numbers = random.integers(10, 10_000, shape)
        if recipe.delimited:
            return ("\r\n".join(" ".join(map(str, event)) for event in numbers.tolist()) + recipe.ending).encode()
        return "".join(f"{value:{recipe.ascii_width}d}" for value in numbers.ravel().tolist()).encode()
    columns = []
    for number, bits in enumerate(recipe.bits):
        kind = recipe.own_types[number : number + 1] or recipe.datatype
        width = bits // 8 if bits % 8 == 0 else len(recipe.byteord.split(","))
        if kind == "I":
            values = random.integers(0, 2 ** min(bits - 1, 62), recipe.n_events, dtype=np.uint64).view(np.uint8)
            cells = values.reshape(-1, 8)[:, :width]
        else:
            drawn = random.normal(1_000, 500, recipe.n_events).astype("<f4" if width == 4 else "<f8")
            cells = drawn.view(np.uint8).reshape(-1, width)
        columns.append(cells[:, _order(recipe.byteord, width)])
    return np.concatenate(columns, axis=1).tobytes()


def _order(byteord: str, width: int) -> list[int]:
    places = [int(place) - 1 for place in byteord.split(",")]
    if places == sorted(places):
        return list(range(width))
    return list(range(width))[::-1] if places == sorted(places)[::-1] else places


def event_size(file: File) -> int:
    """Return the bytes per event, 0 if unknown."""
    try:
        return sum(column.width for column in layout(file.keywords))
    except Unreadable:
        return 0
