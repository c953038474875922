"""Damage to what HEADER and TEXT say: offsets, keywords, values, delimiters, spillover, supplemental TEXT, bombs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fcs_decoder import File, Unreadable, parse
from fcs_files import event_size, replace, with_text

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

NUMBERS = (
    "0", "1", "-1", "2", "7", "8", "10", "16", "24", "32", "33", "63", "64", "65", "128", "255", "1024", "65535",
    "65536", "262144", "99999999", "100000000", "2147483647", "2147483648", "4294967296", "9223372036854775807",
    "9223372036854775808", "18446744073709551615", "18446744073709551616", "1" + "0" * 30, "1e5", "1e308", "1e-308",
    "1e400", "nan", "inf", "-inf", "NA", "", " ", "0x10", "1_0", "1.5", "1023.5", "1,5", "+3", "--1", "٣",
    "\0", "*", "½",
)  # fmt: skip
OFFSETS = (
    "0", "1", "57", "58", "59", "-1", "-99999999", "99999999", "99999998", "00000000", "", "        ", "abcdefgh",
    "1e5", "2147483648", "9223372036854775807", "9223372036854775808", "18446744073709551616", "1.0", "0x3a", "٣",
)  # fmt: skip
BYTE_ORDERS = (
    "1,2,3,4", "4,3,2,1", "1,2", "2,1", "1", "3,4,1,2", "2,1,4,3", "1,2,3,4,5,6,7,8", "8,7,6,5,4,3,2,1", "1,2,3",
    "3,2,1", "1,3,2", "0,1,2,3", "1,1,1,1", "1,2,3,5", "4321", "1;2;3;4", "", " 4, 3, 2, 1 ", ",".join("1" * 100_000),
    "5,6,7,8,1,2,3,4", "-1,-2", "٤,٣,٢,١", "1,2,3,4,", ",1,2,3,4", "little",
)  # fmt: skip
AMPLIFICATIONS = (
    "0,0", "4,1", "4,0", "4.0,0.1", "0,1", "0,0.1", "5,1", "1e308,1", "308,1e308", "-4,1", "4,-1", "4", "4;1", "",
    "nan,1", "inf,0", "4,1,1", "1e-300,1e-300", "٤,٠", "0.0,0.0", " 4 , 1 ",
)  # fmt: skip
TYPES = ("I", "F", "D", "A", "i", "f ", "X", "", "FF", "I\0", "*")
MODES = ("L", "C", "U", "l", " L ", "", "LIST", "X")
_LETTERS = "BENRSGDVTFLOP"
_CHANNEL = re.compile(rb"\$P\d+([BENRGS]|DATATYPE)$", re.IGNORECASE)
_LAYOUT = (b"$PAR", b"$TOT", b"$BYTEORD", b"$DATATYPE", b"$MODE", b"$NEXTDATA")
_PLACES = tuple(f"${end}{name}".encode() for name in ("DATA", "ANALYSIS", "STEXT") for end in ("BEGIN", "END"))
_SPILL = (b"$SPILLOVER", b"SPILL", b"SPILLOVER", b"$COMP")


def _offset(rng: random.Random, file: File, now: int | None) -> str:
    places = [number for number in file.fields if number] or [0]
    near = (now or 0) + rng.choice((-1000, -64, -8, -2, -1, 1, 2, 8, 64, 1000, event_size(file), -event_size(file)))
    size = len(file.blob)
    choices = (rng.choice(OFFSETS), str(near), str(rng.choice(places)), str(size + rng.choice((-1, 0, 1, 100))))
    return rng.choice((*choices, str(near), str(rng.randrange(size + 1))))


def header_offsets(rng: random.Random, file: File) -> bytes:
    """Swap, shift, blank or blow up fields of HEADER."""
    edited = bytearray(file.blob)
    if rng.random() < 0.15:
        one, other = rng.sample(range(10, 58, 8), 2)
        edited[one : one + 8], edited[other : other + 8] = edited[other : other + 8], edited[one : one + 8]
        return bytes(edited)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        index = rng.randrange(6)
        new = _offset(rng, file, file.fields[index]).encode("latin-1", "replace")[:8].rjust(8)
        edited[10 + 8 * index : 18 + 8 * index] = new
    return bytes(edited)


def header_data_moved(rng: random.Random, file: File) -> bytes:
    """Move begin and end of DATA together, in HEADER alone."""
    return _header_moved(file, _step(rng, file))


def data_moved(rng: random.Random, file: File) -> bytes:
    """Move begin and end of DATA together, in HEADER and in TEXT alike."""
    step = _step(rng, file)
    pairs = [
        (key, b"%08d" % (int(value) + step) if key.upper() in _PLACES[:2] and value.strip().isdigit() else value)
        for key, value in file.pairs
    ]
    return _header_moved(parse(_in_place(file, pairs)), step)


def _step(rng: random.Random, file: File) -> int:
    size = event_size(file)
    return rng.choice((-8, -4, -2, -1, 1, 2, 4, 8, size, -size, rng.randrange(-500, 500)))


def _header_moved(file: File, step: int) -> bytes:
    edited = bytearray(file.blob)
    for index in (2, 3):
        if file.fields[index]:
            edited[10 + 8 * index : 18 + 8 * index] = b"%8d" % min(max(0, file.fields[index] + step), 99_999_999)
    return bytes(edited)


def _in_place(file: File, pairs: list[tuple[bytes, bytes]]) -> bytes:
    """Write TEXT where it was; a shorter one is padded, a longer one moves DATA and its offsets."""
    return with_text(file, pairs)


def _chosen(rng: random.Random, file: File, keys: tuple[bytes, ...] = ()) -> int:
    """Return the number of a pair, most often one that matters."""
    pairs = file.pairs
    if not pairs:
        raise Unreadable("par", "no keywords")
    wanted = [
        index
        for index, (key, _) in enumerate(pairs)
        if (key.strip().upper() in keys if keys else _CHANNEL.match(key.strip()) or key.strip().upper() in _LAYOUT)
    ]
    return rng.choice(wanted) if wanted and (keys or rng.random() < 0.9) else rng.randrange(len(pairs))


def _extreme(rng: random.Random, file: File, key: bytes, value: bytes) -> bytes:
    name = key.strip().upper()
    if name in _PLACES:
        text = _offset(rng, file, int(value) if value.strip().isdigit() else None)
    elif name == b"$BYTEORD":
        text = rng.choice(BYTE_ORDERS)
    elif name.endswith(b"DATATYPE"):
        text = rng.choice(TYPES)
    elif name == b"$MODE":
        text = rng.choice(MODES)
    elif re.match(rb"\$P\d+E$", name):
        text = rng.choice(AMPLIFICATIONS)
    elif re.match(rb"\$P\d+N$", name):
        others = [other.decode("latin-1") for known, other in file.pairs if re.match(rb"\$P\d+N$", known.upper())]
        text = rng.choice(("", " ", "Time", "A" * 100_000, "\x1b[2J", "a,b", "Comp-X", *others))
    elif value.strip().isdigit() and rng.random() < 0.4:
        text = str(int(value) + rng.choice((-1, 1, -8, 8))) if len(value) < 30 else "0"
    else:
        text = rng.choice(NUMBERS)
    return text.encode()


def _with_extreme(rng: random.Random, file: File, keys: tuple[bytes, ...]) -> bytes:
    pairs = file.pairs
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        index = _chosen(rng, file, keys)
        pairs[index] = pairs[index][0], _extreme(rng, file, *pairs[index])
    return _in_place(file, pairs)


def layout_extremes(rng: random.Random, file: File) -> bytes:
    return _with_extreme(rng, file, _LAYOUT)


def channel_extremes(rng: random.Random, file: File) -> bytes:
    return _with_extreme(rng, file, ())


def text_offsets(rng: random.Random, file: File) -> bytes:
    return _with_extreme(rng, file, _PLACES)


def extremes_unmoved(rng: random.Random, file: File) -> bytes:
    """Replace a value and move no offset, so that DATA lies elsewhere than is said where lengths differ."""
    index = _chosen(rng, file)
    key, value = file.pairs[index]
    at = file.blob.find(file.delimiter + value + file.delimiter, file.text[0])
    at = at if 0 <= at < file.text[1] else file.text[0]
    return file.blob[: at + 1] + _extreme(rng, file, key, value) + file.blob[at + 1 + len(value) :]


def own_types(rng: random.Random, file: File) -> bytes:
    """Give channels a ``$PnDATATYPE``."""
    number = rng.randrange(1, 6)
    extra = [
        (f"$P{n}DATATYPE".encode(), rng.choice(TYPES).encode()) for n in range(number, number + rng.choice((1, 2)))
    ]
    return _in_place(file, file.pairs + extra)


def keyword_dropped(rng: random.Random, file: File) -> bytes:
    pairs = file.pairs
    for _ in range(min(len(pairs) - 1, rng.choice((1, 1, 2, 5)))):
        del pairs[min(_chosen(rng, file), len(pairs) - 1)]
    return _in_place(file, pairs)


def keyword_dropped_unmoved(rng: random.Random, file: File) -> bytes:
    """Blot a key out in place: DATA and offsets stay."""
    key, _ = file.pairs[_chosen(rng, file)]
    at = file.blob.find(file.delimiter + key + file.delimiter, file.text[0])
    new = key[:-1] + rng.choice((b"Q", b"_", b" ", key[-1:].lower()))
    return file.blob[: at + 1] + new + file.blob[at + 1 + len(key) :] if at >= 0 else file.blob


def keyword_twice(rng: random.Random, file: File) -> bytes:
    pairs = file.pairs
    key, value = pairs[_chosen(rng, file)]
    new = rng.choice((value, _extreme(rng, file, key, value)))
    pairs.insert(rng.randrange(len(pairs) + 1), (rng.choice((key, key.lower(), b" " + key)), new))
    return _in_place(file, pairs)


def keywords_reordered(rng: random.Random, file: File) -> bytes:
    pairs = file.pairs
    rng.shuffle(pairs)
    return _in_place(file, pairs)


def keys_respelled(rng: random.Random, file: File) -> bytes:
    ways = (bytes.lower, bytes.title, lambda key: b" " + key, lambda key: key + b"\r\n", lambda key: b"\t" + key + b" ")
    way, share = rng.choice(ways), rng.choice((0.1, 1.0))
    return _in_place(file, [(way(key) if rng.random() < share else key, value) for key, value in file.pairs])


def key_renamed(rng: random.Random, file: File) -> bytes:
    """Give a keyword another number, letter or name."""
    pairs = file.pairs
    index = _chosen(rng, file)
    key, value = pairs[index]
    number = str(rng.choice((0, 1, 2, len(pairs), 99_999, "01", "1_0", "²"))).encode()
    new = rng.choice((key + b"X", key[1:], re.sub(rb"\d+", number, key), key[:-1] + rng.choice(_LETTERS).encode(), b""))
    pairs[index] = new, value
    return _in_place(file, pairs)


def values_swapped(rng: random.Random, file: File) -> bytes:
    pairs = file.pairs
    one, other = _chosen(rng, file), _chosen(rng, file)
    pairs[one], pairs[other] = (pairs[one][0], pairs[other][1]), (pairs[other][0], pairs[one][1])
    return _in_place(file, pairs)


def channels_swapped(rng: random.Random, file: File) -> bytes:
    """Exchange all that is said of two channels but their widths: valid, and the names move."""
    one, other = (str(n).encode() for n in rng.sample(range(1, 6), 2))
    swap = {one: other, other: one}

    def renamed(key: bytes) -> bytes:
        match = re.fullmatch(rb"(\$P)(\d+)([NSREG])", key.strip().upper())
        return match[1] + swap.get(match[2], match[2]) + match[3] if match else key

    return _in_place(file, [(renamed(key), value) for key, value in file.pairs])


def counts_traded(rng: random.Random, file: File) -> bytes:
    """Change ``$PAR``, ``$TOT`` and widths so that their product may stay."""
    factor = rng.choice((2, 2, 4, 3))
    keys = (b"$PAR", b"$TOT", *(f"$P{n}B".encode() for n in range(1, 9)))
    up, down = rng.sample(keys, 2)

    def changed(key: bytes, value: bytes) -> bytes:
        if not value.strip().isdigit() or key.strip().upper() not in (up, down):
            return value
        number = int(value)
        return str(number * factor if key.strip().upper() == up else max(number // factor, 0)).encode()

    return _in_place(file, [(key, changed(key, value)) for key, value in file.pairs])


def delimiter_changed(rng: random.Random, file: File) -> bytes:
    new = rng.choice((b"/", b"|", b"\\", b"\f", b"!", b"*", b"$", b",", b" ", b"\0", b"\r", b"\n", b"\xff", b"P", b"1"))
    if rng.random() < 0.5:
        return with_text(file, file.pairs, delimiter=new)
    at = rng.choice((file.text[0], file.text[1], rng.randrange(*file.text)))
    return file.blob[:at] + new + file.blob[at + 1 :]


def delimiter_doubled(rng: random.Random, file: File) -> bytes:
    """Double delimiters, one or many, with the offsets moved along or left."""
    mark = file.delimiter
    segment = file.blob[file.text[0] : file.text[1] + 1]
    places = [at for at, byte in enumerate(segment) if byte == mark[0]]
    chosen = set(places) if rng.random() < 0.1 else {rng.choice(places) for _ in range(rng.choice((1, 1, 2, 4)))}
    doubled = b"".join(mark * 2 if at in chosen else bytes((byte,)) for at, byte in enumerate(segment))
    return _text_replaced(rng, file, doubled)


def delimiter_removed(rng: random.Random, file: File) -> bytes:
    mark = file.delimiter
    segment = file.blob[file.text[0] : file.text[1] + 1]
    places = [at for at, byte in enumerate(segment) if byte == mark[0]]
    at = rng.choice((*places[-2:], rng.choice(places)))
    return _text_replaced(rng, file, segment[:at] + rng.choice((b"", b" ", b"x")) + segment[at + 1 :])


def empty_value(rng: random.Random, file: File) -> bytes:
    """Empty a value without an escape: doubled delimiters that mean nothing else."""
    key, value = file.pairs[_chosen(rng, file)]
    mark = file.delimiter
    segment = file.blob[file.text[0] : file.text[1] + 1]
    new = segment.replace(mark + key + mark + value + mark, mark + key + mark + mark, 1)
    return _text_replaced(rng, file, new)


def _text_replaced(rng: random.Random, file: File, segment: bytes) -> bytes:
    if rng.random() < 0.7:
        return replace(file.blob, file.text[0], file.text[1] + 1, segment)
    return file.blob[: file.text[0]] + segment + file.blob[file.text[1] + 1 :]


def text_end_moved(rng: random.Random, file: File) -> bytes:
    """Let HEADER end TEXT at another delimiter, or begin it at another."""
    mark = file.delimiter[0]
    places = [at for at in range(file.text[0], file.text[1] + 1) if file.blob[at] == mark]
    edited = bytearray(file.blob)
    if rng.random() < 0.7:
        edited[18:26] = b"%8d" % rng.choice(places)
    else:
        edited[10:18] = b"%8d" % rng.choice(places)
    return bytes(edited)


def spillover_changed(rng: random.Random, file: File) -> bytes:
    pairs = file.pairs
    tokens = pairs[index := _chosen(rng, file, _SPILL)][1].split(b",")
    if pairs[index][0].strip().upper() not in _SPILL:
        names = [value for key, value in pairs if re.match(rb"\$P\d+N$", key.strip().upper())][: rng.choice((1, 2, 3))]
        n = len(names)
        tokens = [str(n).encode(), *names, *(b"1" if i % (n + 1) == 0 else b"0.1" for i in range(n * n))]
        pairs.append((rng.choice(_SPILL), b""))
        index = len(pairs) - 1
    for _ in range(rng.choice((0, 1, 1, 2, 5))):
        at = rng.randrange(len(tokens))
        way = rng.randrange(5)
        if way == 0:
            tokens[at] = rng.choice(NUMBERS).encode()
        elif way == 1:
            tokens.insert(at, rng.choice(tokens))
        elif way == 2 and len(tokens) > 1:
            del tokens[at]
        elif way == 3:
            tokens[0] = rng.choice((*NUMBERS, "100000", "99999")).encode()
        else:
            tokens[at] = rng.choice(tokens)
    pairs[index] = pairs[index][0], rng.choice((b",", b",", b",", b", ", b";")).join(tokens)
    return _in_place(file, pairs)


def stext_inserted(rng: random.Random, file: File) -> bytes:
    """Append supplemental TEXT that contradicts, completes, or is no TEXT at all."""
    contents = (
        b"/$TOT/1/$PAR/1/$P1B/8/", b"/$P1N/other/$P1S/CD3/", b"/$P1E/4,1/$P1R/1024/$P2R/16/", b"PK\x03\x04" + bytes(50),
        b"//////", b"/NOTE/", b"/$SPILLOVER/1,x,1/", b"/$P1DATATYPE/D/", bytes(rng.randrange(256) for _ in range(64)),
        b"/$BYTEORD/4,3,2,1/$DATATYPE/I/",
    )  # fmt: skip
    extra = rng.choice(contents)
    begin = len(file.blob) + 60
    pairs = [(key, value) for key, value in file.pairs if key.strip().upper() not in _PLACES[4:]]
    pairs += [(b"$BEGINSTEXT", b"%08d" % begin), (b"$ENDSTEXT", b"%08d" % (begin + len(extra) - 1))]
    blob = _in_place(file, pairs)
    begin = len(blob)
    pairs[-2:] = [(b"$BEGINSTEXT", b"%08d" % begin), (b"$ENDSTEXT", b"%08d" % (begin + len(extra) - 1))]
    return _in_place(file, pairs) + extra


def text_bomb(rng: random.Random, file: File) -> bytes:
    """Put a great many keys, delimiters, channels or digits into TEXT."""
    mark = file.delimiter
    size = rng.choice((1_000, 10_000, 10_000, 30_000, 100_000)) if rng.random() < 0.95 else 2_000_000
    bomb: tuple[Callable[[], list[tuple[bytes, bytes]]], ...] = (
        lambda: [(b"$P%dB" % n, b"32") for n in range(1, min(size, 60_000))] + [(b"$PAR", b"%d" % min(size, 60_000))],
        lambda: [(b"K%d" % n, b"v") for n in range(min(size, 200_000))],
        lambda: [(b"LONG", b"x" * size)],
        lambda: [(b"$P%dN" % n, b"same") for n in range(1, min(size, 60_000))],
        lambda: [(b"$SPILLOVER", b"%d," % size + b",".join([b"FSC-A"] * min(size, 60_000)))],
        lambda: [(b"$SPILLOVER", b"%d" % size + b",1" * min(2 * size, 200_000))],
        lambda: [(b"$DFC%dTO%d" % (n % 99 + 1, n // 99 + 1), b"1") for n in range(min(size, 9_801))],
        lambda: [(b"$DATE", b"1" * size), (b"$BTIM", b"1:" * (size // 2)), (b"$TIMESTEP", b"9" * size)],
        lambda: [(b"$TOT", b"1" * size), (b"$P1R", b"1" * size), (b"$BYTEORD", b"1," * (size // 2))],
        lambda: [(b"OPERATOR%d" % n, b"name of %d" % n) for n in range(min(size, 60_000))],
        lambda: [(b"$BEGINDATA", b"0" * size + b"1")],
    )
    if rng.random() < 0.2:
        segment = file.blob[file.text[0] : file.text[1] + 1] + mark * size
        return replace(file.blob, file.text[0], file.text[1] + 1, segment)
    extra = rng.choice(bomb)()
    return with_text(file, rng.choice((extra + file.pairs, file.pairs + extra)))


def data_sets_joined(rng: random.Random, file: File) -> bytes:
    """Append the file to itself, ``$NEXTDATA`` right, wrong, a loop, or not there."""
    size = len(file.blob)
    step = rng.choice((size, size, size, size - 1, size + 1, 0, 1, 58, -size, 10**12, size // 2))
    pairs = [(key, value) for key, value in file.pairs if key.strip().upper() != b"$NEXTDATA"]
    for _ in range(2):
        blob = _in_place(file, [*pairs, (b"$NEXTDATA", b"%012d" % step)])
        step = len(blob) if step == size else step
    return blob * rng.choice((1, 2, 3)) + file.blob
