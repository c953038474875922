"""DATA: from the mapped bytes to a column of numbers per channel."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tregflow.fcs.ascii_data import delimited_values, fixed_values
from tregflow.fcs.target import target_for, too_wide
from tregflow.fcs.words import decode_words, worthwhile
from tregflow.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from tregflow.fcs.byteorder import ByteOrder
    from tregflow.fcs.channels import Channel
    from tregflow.fcs.header import Segment
    from tregflow.fcs.layout import Layout
    from tregflow.fcs.sample import Column
    from tregflow.fcs.target import Target

    _Decoder = Callable[[NDArray[Any], Column, int], int]

BLOCK = 8_192
"""Events decoded at a time: a row-major block of 20 float channels (655 kB) stays in cache while it is cut."""

_MACHINE_WIDTHS = (1, 2, 4, 8)


def decode(
    data: memoryview,
    segment: Segment,
    layout: Layout,
    channels: Sequence[Channel],
    events: range,
    *,
    file: str,
    rows: NDArray[Any] | None = None,
) -> tuple[dict[str, Column], NDArray[np.int64]]:
    """Decode the values of some channels.

    Parameters
    ----------
    data : memoryview
        The data set, from its first byte to the end of the file.
    segment : Segment
        DATA, checked to lie inside `data` and to hold the events.
    layout : Layout
        Of all columns of the file.
    channels : sequence of Channel
        Those to decode.
    events : range
        Numbers of the events to decode, from 0, without gaps.
    file : str
        Name for messages.
    rows : (n_events, n_channels) ndarray of float32 or float64, optional
        What to decode into, checked by `tregflow.fcs.target.check_rows`.

    Returns
    -------
    dict of str to (n_events,) ndarray
        ``$PnN`` to values as stored; integers masked. float32; float64 for type D and integers above 24 bits; uint64
        for integers above 53 bits. Columns of `rows`, and of its type, where it is given.
    (n_channels,) ndarray of int64
        How many values of each channel are odd: changed by the mask, NaN or infinite.

    Raises
    ------
    FcsError
        ``E_ASCII``: type A, and a value that is no whole number. ``E_OUT``: separated values of more than 53 bits,
        and `rows`.
    """
    names = [channel.pnn for channel in channels]
    if layout.delimited:
        columns = _delimited(data, segment, layout, channels, events, rows, file)
        return dict(zip(names, columns, strict=True)), np.zeros(len(names), np.int64)
    target = target_for(channels, len(events), rows)
    compiled = worthwhile(layout, channels, len(events))
    odd = decode_into(data, segment, layout, channels, events, target, compiled=compiled, file=file)
    return dict(zip(names, target.columns, strict=True)), odd


def decode_into(  # noqa: PLR0913 - what `decode` takes, and where to
    data: memoryview,
    segment: Segment,
    layout: Layout,
    channels: Sequence[Channel],
    events: range,
    target: Target,
    *,
    compiled: bool,
    file: str,
) -> NDArray[np.int64]:
    """Decode the values of some channels, not separated ones, into memory that is there.

    Parameters
    ----------
    data, segment, layout, channels, events, file
        As for `decode`.
    target : Target
        Filled; of types that hold the values.
    compiled : bool
        Whether to use the kernels: as `worthwhile` says of all the events that are decoded, in one piece or several.

    Returns
    -------
    (n_channels,) ndarray of int64
        As from `decode`.
    """
    if compiled:
        return decode_words(data, segment, layout, channels, events, target)
    return _decode_blocks(data, segment, layout, channels, events, target.columns, file)


def value_findings(channels: Sequence[Channel], odd: Iterable[int], n_events: int) -> tuple[Finding, ...]:
    """Return a finding for each channel that has odd values, as `decode` counts them."""
    return tuple(_finding(channel, count, n_events) for channel, count in zip(channels, odd, strict=True) if count)


def _delimited(
    data: memoryview,
    segment: Segment,
    layout: Layout,
    channels: Sequence[Channel],
    events: range,
    rows: NDArray[Any] | None,
    file: str,
) -> list[Column]:
    if not channels:
        return []
    wanted = [channel.number - 1 for channel in channels]
    values = delimited_values(data, segment, len(layout.columns), wanted, events, file=file)
    if rows is None:
        return list(values)
    if values.dtype == np.uint64:
        raise too_wide("the separated numbers", np.uint64, rows, file=file)
    rows[:] = values.T
    return list(rows.T)


def _decode_blocks(
    data: memoryview,
    segment: Segment,
    layout: Layout,
    channels: Sequence[Channel],
    events: range,
    columns: Sequence[Column],
    file: str,
) -> NDArray[np.int64]:
    """Decode block by block, with NumPy; return how many values of each channel are odd."""
    decoders = [_decoder(channel, layout.order, file) for channel in channels]
    stored = [_stored(data, segment, layout, channel, events) for channel in channels]
    odd = np.zeros(len(channels), np.int64)
    for start in range(0, len(events), BLOCK):
        for index, decoder in enumerate(decoders):
            odd[index] += decoder(
                stored[index][start : start + BLOCK], columns[index][start : start + BLOCK], events.start + start
            )
    return odd


def _stored(data: memoryview, segment: Segment, layout: Layout, channel: Channel, events: range) -> NDArray[Any]:
    """Return a channel as a view of the mapped bytes, one event's size from value to value."""
    width = layout.columns[channel.number - 1].width
    if not events:
        return np.empty(0, f"V{width}")
    return np.ndarray(
        (len(events),),
        dtype=f"V{width}",
        buffer=data,
        offset=segment.begin + layout.positions[channel.number - 1] + events.start * layout.event_size,
        strides=(layout.event_size,),
    )


def _decoder(channel: Channel, order: ByteOrder, file: str) -> _Decoder:
    """Return what fills a block of the channel's column from stored bytes, given the number of its first event.

    It returns how many values are odd: changed by the mask, NaN or infinite.
    """
    width = channel.bits // 8
    if channel.datatype == "A":
        return partial(_ascii_block, channel=channel.pnn, file=file)
    places = order.places if width > 1 else ()
    if channel.datatype == "I":
        mask = (1 << channel.significant_bits) - 1 if channel.significant_bits < channel.bits else 0
        return partial(_integer_block, kind=f"{order.direction}u{width}", places=places, mask=mask)
    return partial(_float_block, kind=f"{order.direction}f{width}", places=places)


def _ascii_block(stored: NDArray[Any], target: Column, first: int, *, channel: str, file: str) -> int:
    target[:] = fixed_values(stored, first, channel, file)
    return 0


def _float_block(
    stored: NDArray[Any],
    target: Column,
    first: int,  # noqa: ARG001 - what every decoder is given
    *,
    kind: str,
    places: tuple[int, ...],
) -> int:
    with np.errstate(invalid="ignore"):  # a signalling NaN becomes a quiet one where float32 is read as float64
        target[:] = (_rearranged(stored, places) if places else stored).view(kind)
    return int(target.size - np.count_nonzero(np.isfinite(target)))


def _integer_block(
    stored: NDArray[Any],
    target: Column,
    first: int,  # noqa: ARG001
    *,
    kind: str,
    places: tuple[int, ...],
    mask: int,
) -> int:
    little_or_big = _rearranged(stored, places) if places else stored
    joined = stored.itemsize not in _MACHINE_WIDTHS
    numbers: NDArray[Any] = _joined(little_or_big, kind[0]) if joined else little_or_big.view(kind)
    if not mask:
        target[:] = numbers
        return 0
    # In the machine's order: NumPy would swap bytes anew for each operation.
    native = numbers.astype(numbers.dtype.newbyteorder("="))
    masked = native & native.dtype.type(mask)
    target[:] = masked
    return int(np.count_nonzero(masked != native))


def _rearranged(stored: NDArray[Any], places: tuple[int, ...]) -> NDArray[Any]:
    """Return values of a mixed byte order in little endian: each byte goes where its significance says."""
    letters = np.frombuffer(stored.tobytes(), np.uint8).reshape(len(stored), -1)
    little = np.empty_like(letters)
    little[:, list(places)] = letters
    return little.reshape(-1).view(stored.dtype)


def _joined(stored: NDArray[Any], direction: str) -> NDArray[np.uint64]:
    """Return values of 3, 5, 6 or 7 bytes, which no machine type has, as 64-bit integers."""
    letters = np.frombuffer(stored.tobytes(), np.uint8).reshape(len(stored), -1)
    wide = np.zeros((len(stored), 8), np.uint8)
    wide[:, : letters.shape[1]] = letters if direction == "<" else letters[:, ::-1]
    return wide.reshape(-1).view("<u8")


def _finding(channel: Channel, count: int, n_events: int) -> Finding:
    if channel.datatype == "I":
        text = f"{count} of {n_events} values had bits above $PnR {channel.range:.0f}, which were masked"
        return Finding("bits-masked", "info", channel.pnn, text)
    text = f"{count} of {n_events} values are not finite (NaN or infinity): outside every gate"
    return Finding("not-finite", "warning", channel.pnn, text)
