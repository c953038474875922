"""DATA: from the mapped bytes to a column of numbers per channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tregflow.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tregflow.fcs.channels import Channel
    from tregflow.fcs.header import Segment
    from tregflow.fcs.layout import Layout
    from tregflow.fcs.sample import Column

BLOCK = 8_192
"""Events decoded at a time: a row-major block of 20 float channels (655 kB) stays in cache while it is cut."""

_NUMPY_KIND = {"I": "u", "F": "f", "D": "f"}
_FLOAT32_BITS = 24
"""Integers up to 2^24 are exact in float32."""


def decode(
    data: memoryview,
    segment: Segment,
    layout: Layout,
    channels: Sequence[Channel],
    n_events: int,
    *,
    passed: Callable[[int], None],
) -> tuple[dict[str, Column], tuple[Finding, ...]]:
    """Decode the values of some channels, block by block.

    Parameters
    ----------
    data : memoryview
        The data set, from its first byte to the end of the file.
    segment : Segment
        DATA, checked to lie inside `data` and to hold `n_events`.
    layout : Layout
        Of all columns of the file.
    channels : sequence of Channel
        Those to decode.
    n_events : int
    passed : callable
        Told after each block up to which byte the file has been decoded, so that the very bytes can be hashed while
        they are at hand.

    Returns
    -------
    dict of str to (n_events,) ndarray
        ``$PnN`` to values as stored; integers masked. float32, or float64 for type D and integers above 24 bits.
    tuple of Finding
    """
    columns: list[Column] = [np.empty(n_events, dtype=_kind(channel)) for channel in channels]
    stored = _stored(data, segment, layout, channels, n_events)
    odd = [0] * len(channels)
    for start in range(0, n_events, BLOCK):
        stop = min(start + BLOCK, n_events)
        for index, channel in enumerate(channels):
            target = columns[index][start:stop]
            odd[index] += _decode_block(stored[index][start:stop], target, channel)
        passed(segment.begin + stop * layout.event_size)
    findings = tuple(_finding(channel, count, n_events) for channel, count in zip(channels, odd, strict=True) if count)
    return dict(zip((channel.pnn for channel in channels), columns, strict=True)), findings


def _stored(
    data: memoryview, segment: Segment, layout: Layout, channels: Sequence[Channel], n_events: int
) -> list[NDArray[np.generic]]:
    """Return each channel as a view of the mapped bytes, one event's size from value to value."""
    if n_events == 0:
        return []
    positions = layout.positions
    return [
        np.ndarray(
            (n_events,),
            dtype=f"{layout.order}{_NUMPY_KIND[channel.datatype]}{channel.bits // 8}",
            buffer=data,
            offset=segment.begin + positions[channel.number - 1],
            strides=(layout.event_size,),
        )
        for channel in channels
    ]


def _kind(channel: Channel) -> type[np.float32] | type[np.float64]:
    exact = channel.datatype == "F" or (channel.datatype == "I" and channel.significant_bits <= _FLOAT32_BITS)
    return np.float32 if exact else np.float64


def _decode_block(stored: NDArray[np.generic], target: Column, channel: Channel) -> int:
    """Fill `target`; return how many values were changed by the mask, or are NaN or infinite."""
    if channel.datatype != "I":
        target[:] = stored
        return int(target.size - np.count_nonzero(np.isfinite(target)))
    if channel.significant_bits == channel.bits:
        target[:] = stored
        return 0
    integers = stored.astype(np.uint32)
    masked = integers & np.uint32((1 << channel.significant_bits) - 1)
    target[:] = masked
    return int(np.count_nonzero(masked != integers))


def _finding(channel: Channel, count: int, n_events: int) -> Finding:
    if channel.datatype == "I":
        text = f"{count} of {n_events} values had bits above $PnR {channel.range:.0f}, which were masked"
        return Finding("bits-masked", "info", channel.pnn, text)
    text = f"{count} of {n_events} values are not finite (NaN or infinity): outside every gate"
    return Finding("not-finite", "warning", channel.pnn, text)
