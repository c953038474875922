"""Damage to the bytes of an FCS file, wherever they are: bits, digits, ranges, line ends, and whole ends of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fcs_files import event_size

if TYPE_CHECKING:
    import random

    from fcs_decoder import File


def flip(rng: random.Random, blob: bytes, start: int, stop: int) -> bytes:
    """Flip a few bits of a range."""
    edited = bytearray(blob)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        edited[rng.randrange(start, stop)] ^= 1 << rng.randrange(8)
    return bytes(edited)


def edit(rng: random.Random, blob: bytes, start: int, stop: int) -> bytes:
    """Replace a few bytes of a range, often by what HEADER and TEXT are made of."""
    edited = bytearray(blob)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        edited[rng.randrange(start, stop)] = rng.choice((rng.randrange(256), rng.choice(b"0123456789 \0/$,-.")))
    return bytes(edited)


def header_bits(rng: random.Random, file: File) -> bytes:
    return flip(rng, file.blob, 0, 58)


def header_bytes(rng: random.Random, file: File) -> bytes:
    return edit(rng, file.blob, 0, 58)


def text_bits(rng: random.Random, file: File) -> bytes:
    return flip(rng, file.blob, file.text[0], file.text[1] + 1)


def text_bytes(rng: random.Random, file: File) -> bytes:
    return edit(rng, file.blob, file.text[0], file.text[1] + 1)


def text_digits(rng: random.Random, file: File) -> bytes:
    """Change a digit in a place where there is one."""
    edited = bytearray(file.blob)
    digits = [at for at in range(file.text[0], file.text[1]) if 48 <= edited[at] < 58] or [file.text[0]]
    for _ in range(rng.choice((1, 1, 2))):
        edited[rng.choice(digits)] = rng.choice(b"0123456789")
    return bytes(edited)


def text_inserted(rng: random.Random, file: File) -> bytes:
    """Put a few bytes into TEXT, and move no offset."""
    at = rng.randrange(file.text[0], file.text[1] + 1)
    new = rng.choice(
        (b" ", b"0", file.delimiter, b"\r\n", bytes(rng.randrange(256) for _ in range(rng.randrange(1, 9))))
    )
    return file.blob[:at] + new + file.blob[at:]


def text_removed(rng: random.Random, file: File) -> bytes:
    """Take a few bytes out of TEXT, and move no offset."""
    at = rng.randrange(file.text[0], file.text[1] + 1)
    return file.blob[:at] + file.blob[min(at + rng.choice((1, 1, 2, 4, 8)), file.text[1] + 1) :]


def version_changed(rng: random.Random, file: File) -> bytes:
    new = rng.choice((b"2.0", b"3.0", b"3.1", b"3.2", b"4.0", b"1.0", b"3.3", b"\0\0\0", b"   ", b"30 ", b"3,1"))
    return file.blob[:3] + new + file.blob[6:]


def data_bits(rng: random.Random, file: File) -> bytes:
    return flip(rng, file.blob, min(file.text[1] + 1, len(file.blob) - 1), len(file.blob))


def data_bytes(rng: random.Random, file: File) -> bytes:
    return edit(rng, file.blob, min(file.text[1] + 1, len(file.blob) - 1), len(file.blob))


def any_bytes(rng: random.Random, file: File) -> bytes:
    return edit(rng, file.blob, 0, len(file.blob))


def truncated(rng: random.Random, file: File) -> bytes:
    places = [number + rng.choice((-1, 0, 1)) for number in file.fields if number]
    cut = rng.choice((rng.randrange(len(file.blob)), len(file.blob) - rng.randrange(1, 20), *places, rng.randrange(60)))
    return file.blob[: max(0, cut)]


def appended(rng: random.Random, file: File) -> bytes:
    some = bytes(rng.randrange(256) for _ in range(rng.choice((1, 7, 8, 9, 64, max(1, event_size(file) % 5_000)))))
    return file.blob + rng.choice((some, b" " * len(some), bytes(len(some)), b"0" * 8, b"DEADBEEF", file.blob[-100:]))


def line_ends(rng: random.Random, file: File) -> bytes:
    pairs = ((b"\n", b"\r\n"), (b"\r\n", b"\n"), (b"\r", b""), (b"\x1a", b""), (b"\0", b""), (b"\0", b" "))
    return file.blob.replace(*rng.choice(pairs))


def reencoded(rng: random.Random, file: File) -> bytes:
    """Read as one encoding and written as another, or only its seven lower bits kept."""
    if rng.random() < 0.3:
        return bytes(byte & 0x7F for byte in file.blob)
    return file.blob.decode("latin-1").encode(rng.choice(("utf-8", "utf-16")))


def range_removed(rng: random.Random, file: File) -> bytes:
    at = rng.randrange(len(file.blob))
    return file.blob[:at] + file.blob[at + rng.choice((1, 1, 2, 4, 64, 512)) :]


def range_inserted(rng: random.Random, file: File) -> bytes:
    at, source = rng.randrange(len(file.blob)), rng.randrange(len(file.blob))
    return file.blob[:at] + file.blob[source : source + rng.choice((1, 1, 2, 4, 64, 512))] + file.blob[at:]


def range_zeroed(rng: random.Random, file: File) -> bytes:
    at, length = rng.randrange(len(file.blob)), rng.choice((1, 8, 64, 512, 4_096))
    return file.blob[:at] + bytes(min(length, len(file.blob) - at)) + file.blob[at + length :]


def noise(rng: random.Random, file: File) -> bytes:
    """Keep the beginning, and nothing else."""
    keep = rng.choice((0, 3, 6, 10, 26, 58, file.text[1] + 1))
    return file.blob[:keep] + rng.randbytes(rng.randrange(4_000))
