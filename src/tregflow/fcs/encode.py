"""DATA as it is written: the type and width of each column, and its bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from tregflow.errors import FcsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from tregflow.fcs.channels import Channel
    from tregflow.fcs.sample import Sample

WIDTHS = (8, 16, 32, 64)
"""Bits of an integer that a machine has a type for."""

DATATYPES = ("F", "D", "I", *(f"I{width}" for width in WIDTHS))
"""What all channels can be written as."""

_AS_DOUBLE = 'write it with datatype="D", which holds every value'
_OWN_TYPE = "leave datatype out: each channel is written as it is stored"

_BLOCK = 8_192
"""Events encoded at a time: with 20 channels 655 kB, which stay in the processor's cache."""
_FLOAT32_EXACT, _FLOAT64_EXACT = 24, 53
"""Bits of an integer that the floating point types hold exactly."""


@dataclass(frozen=True, slots=True)
class Format:
    """How a column is written: type I, F or D, and bits per value."""

    datatype: str
    bits: int

    @property
    def width(self) -> int:
        """Bytes per value."""
        return self.bits // 8


FLOAT, DOUBLE = Format("F", 32), Format("D", 64)


def formats_of(sample: Sample, *, datatype: str | None, mixed: bool) -> tuple[Format, ...]:
    """Return the format of each column.

    Parameters
    ----------
    sample : Sample
        With all its channels read.
    datatype : str or None
        One of `DATATYPES`, of all columns; None: each channel's own.
    mixed : bool
        Whether columns may differ in their types (FCS 3.2).

    Raises
    ------
    FcsError
        ``E_WRITE``: the types of the channels differ, and none holds them all.
    """
    if datatype == "F":
        return (FLOAT,) * len(sample.channels)
    if datatype == "D":
        return (DOUBLE,) * len(sample.channels)
    if datatype is not None:
        bits = int(datatype[1:] or 0)
        return tuple(_integer(sample, channel, bits) for channel in sample.channels)
    own = tuple(_own(sample, channel) for channel in sample.channels)
    if mixed or len({each.datatype for each in own}) == 1:
        return own
    return (_common(sample, own),) * len(own)


def encoded(sample: Sample, formats: Sequence[Format], *, order: str) -> Iterator[bytes]:
    """Yield DATA, block by block.

    Parameters
    ----------
    sample : Sample
    formats : sequence of Format
        One per channel.
    order : {"<", ">"}
        As NumPy writes it: little endian, big endian.

    Raises
    ------
    FcsError
        ``E_WRITE``: a value that its format cannot hold.
    """
    columns = [
        sample.raw(channel.pnn) if each.datatype == "I" else sample.values(channel.pnn)
        for channel, each in zip(sample.channels, formats, strict=True)
    ]
    size = sum(each.width for each in formats)
    for start in range(0, sample.n_events, _BLOCK):
        stop = min(start + _BLOCK, sample.n_events)
        rows = np.empty((stop - start, size), dtype=np.uint8)
        position = 0
        for channel, column, each in zip(sample.channels, columns, formats, strict=True):
            values = _converted(column[start:stop], each, channel, sample)
            _place(values, rows[:, position : position + each.width], each, order)
            position += each.width
        yield rows.tobytes()


def _own(sample: Sample, channel: Channel) -> Format:
    if channel.datatype == "I":
        return Format("I", channel.bits)
    # ASCII columns and the like are written as the type that holds what was read.
    return FLOAT if channel.datatype == "F" or sample.raw(channel.pnn).dtype == np.float32 else DOUBLE


def _integer(sample: Sample, channel: Channel, bits: int) -> Format:
    """Return the width of an integer column: its own, the one asked for, or the smallest that holds its values."""
    if channel.datatype == "I":
        return Format("I", channel.bits)
    if bits:
        return Format("I", bits)
    column = sample.raw(channel.pnn)
    highest = float(column.max()) if column.size and np.isfinite(column).all() else 0.0
    return Format("I", next((width for width in WIDTHS if highest < 2.0**width), WIDTHS[-1]))


def _common(sample: Sample, own: Sequence[Format]) -> Format:
    """Return the one type that holds all columns exactly."""
    digits = [
        channel.significant_bits for channel, each in zip(sample.channels, own, strict=True) if each.datatype == "I"
    ]
    if max(digits, default=0) > _FLOAT64_EXACT:
        raise FcsError(
            "the channels differ in their types, and no single type holds them all",
            code="E_WRITE",
            file=sample.file,
            expected="one type for all channels before FCS 3.2",
            available=tuple(sorted({f"{each.datatype}{each.bits}" for each in own})),
            remedy='write it with version="3.2"',
        )
    logarithmic = any(channel.logarithmic for channel in sample.channels)
    floats = DOUBLE not in own and max(digits, default=0) <= _FLOAT32_EXACT and not logarithmic
    return FLOAT if floats else DOUBLE


def _converted(values: NDArray[Any], target: Format, channel: Channel, sample: Sample) -> NDArray[Any]:
    if target.datatype == "I":
        return _as_integers(values, target, channel, sample)
    if target == DOUBLE:
        if values.dtype.kind == "u" and (values > np.uint64(2**_FLOAT64_EXACT)).any():
            _refuse("an integer is too long for a float64", "integers up to 2^53", channel, sample, remedy=_OWN_TYPE)
        return values.astype(np.float64, copy=False)
    with np.errstate(over="ignore"):
        single = values.astype(np.float32, copy=False)
    if np.any(np.isinf(single) & np.isfinite(values)):
        _refuse("a value is beyond the range of float32", "absolute values below 3.4e38", channel, sample)
    return single


def _as_integers(values: NDArray[Any], target: Format, channel: Channel, sample: Sample) -> NDArray[np.uint64]:
    bits = target.bits if channel.datatype != "I" else min(target.bits, channel.significant_bits)
    if values.dtype.kind == "f":
        # NaN fails every comparison, so that it is among those refused.
        fits = (values >= 0) & (values < 2.0**bits) & (values == np.floor(values))
    else:
        fits = values <= np.uint64(2**bits - 1)
    if not fits.all():
        problem = f"a value is no integer of {bits} bits"
        _refuse(problem, f"whole numbers from 0 to {2**bits - 1}", channel, sample)
    return values.astype(np.uint64)


def _refuse(problem: str, expected: str, channel: Channel, sample: Sample, *, remedy: str = _AS_DOUBLE) -> NoReturn:
    raise FcsError(
        problem,
        code="E_WRITE",
        file=sample.file,
        population=channel.label,
        expected=expected,
        remedy=remedy,
    )


def _place(values: NDArray[Any], target: NDArray[np.uint8], form: Format, order: str) -> None:
    """Put the bytes of a column into its place in each row."""
    kind = "u" if form.datatype == "I" else "f"
    container = next(width for width in WIDTHS if width >= form.bits) // 8
    stored = np.ascontiguousarray(values.astype(f"{order}{kind}{container}"))
    # Of 24 bits and the like, the low bytes of the next larger integer: behind its zeros in big endian.
    part = slice(None, form.width) if order == "<" else slice(container - form.width, None)
    target[:] = stored.view(np.uint8).reshape(-1, container)[:, part]
