"""DATA of float32, or of integers of 16 or 32 bits, as nearly all is: decoded by compiled kernels.

The values, and what is counted, are those of the decoders in `tregflow.fcs.data`, bit for bit.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tregflow.fcs.channels import Channel
    from tregflow.fcs.header import Segment
    from tregflow.fcs.layout import Layout
    from tregflow.fcs.target import Target

COLD, WARM = 256 << 20, 1 << 20
"""Bytes of the wanted channels from which the kernels are used: before anything has loaded them, and after. Loading
takes numba half a second; decoding 256 MB without them takes about a third of a second longer."""

_SHARE = 32 << 20
"""Bytes of DATA that are worth a thread: waiting for new memory and for the file is what they share."""

_PARTS = 8
"""Ranges of events per thread."""

_WIDTHS = (2, 4)
_PIECE, _CONVERTED = 65_536, 4_112
"""Events at a time: where they are copied, and where words are converted on the way (330 kB of 20 channels, which stay
in cache; no power of two, since columns that lie whole pages apart drive one another out of it)."""


def worthwhile(layout: Layout, channels: Sequence[Channel], n_events: int) -> bool:
    """Tell whether the kernels can decode these channels, and are worth loading for so many events."""
    least = WARM if "tregflow._kernels" in sys.modules else COLD
    return n_events * sum(channel.bits // 8 for channel in channels) >= least and _decodable(layout, channels)


def decode_words(
    data: memoryview, segment: Segment, layout: Layout, channels: Sequence[Channel], events: range, target: Target
) -> NDArray[np.int64]:
    """Decode the values of some channels.

    Parameters
    ----------
    data, segment, layout, channels, events
        As for `tregflow.fcs.data.decode`; `worthwhile`.
    target : Target
        Filled.

    Returns
    -------
    (n_channels,) ndarray of int64
        How many values of each channel are odd: changed by the mask, NaN or infinite.
    """
    from tregflow._kernels.words import cut_columns, packed  # here, since it brings in numba

    width, size, positions = channels[0].bits // 8, layout.event_size, layout.positions
    n_words = size // width
    stored = packed(data, segment.begin + events.start * size, (len(events), n_words), width)
    places = [positions[channel.number - 1] // width for channel in channels]
    masks = _masks(channels)
    swapped = (layout.order.direction == ">") != (sys.byteorder == "big")

    def work(part: range) -> NDArray[np.int64]:
        if masks is None and target.block is not None:
            return cut_columns(stored, places, target.block.view(np.uint32), None, swapped=swapped, events=part)
        if masks is None and target.rows is not None and places == list(range(n_words)):
            return _copy_rows(stored, target.rows, part, swapped=swapped)
        return _cut_and_convert(stored, places, target, masks, part, swapped=swapped)

    return _spread(work, len(events), len(events) * size)


def threads_for(n_bytes: int) -> int:
    """Return how many threads decode so many bytes."""
    shares = n_bytes // _SHARE
    return 1 if shares < 2 else min(shares, os.cpu_count() or 1)  # the system takes its time to count


def _spread(work: Callable[[range], NDArray[np.int64]], n_events: int, n_bytes: int) -> NDArray[np.int64]:
    """Return the sum of what `work` counts in ranges of events, several per thread: other work may slow one down."""
    n_threads = threads_for(n_bytes)
    if n_threads == 1:
        return work(range(n_events))
    n_parts = n_threads * _PARTS
    ends = [n_events * i // n_parts for i in range(n_parts + 1)]
    parts = [range(start, stop) for start, stop in pairwise(ends)]
    # From the front and from the back in turn: neighbours would wait for each other's pages of new memory.
    order = [parts.pop(-(i % 2)) for i in range(n_parts)]
    with ThreadPoolExecutor(n_threads) as pool:
        counts = list(pool.map(work, order))
    total: NDArray[np.int64] = np.sum(counts, axis=0)
    return total


def _copy_rows(stored: NDArray[np.void], rows: NDArray[Any], part: range, *, swapped: bool) -> NDArray[np.int64]:
    """Copy whole rows of float32."""
    from tregflow._kernels.words import copy_words

    odd = np.zeros(rows.shape[1], np.int64)
    direct = rows.dtype == np.float32
    scratch = np.empty((0 if direct else _CONVERTED, rows.shape[1]), np.float32)
    for events in _pieces(part, _PIECE if direct else _CONVERTED):
        given = rows[events]
        values = given if direct else scratch[: len(given)]
        if copy_words(stored[events], values.view(np.uint32), swapped=swapped):
            odd += np.count_nonzero(~np.isfinite(values), axis=0)
        if not direct:
            with np.errstate(invalid="ignore"):  # a signalling NaN becomes a quiet one
                given[:] = values
    return odd


def _cut_and_convert(
    stored: NDArray[np.void],
    places: Sequence[int],
    target: Target,
    masks: Sequence[int] | None,
    part: range,
    *,
    swapped: bool,
) -> NDArray[np.int64]:
    """Cut columns, and put them into the target in its type."""
    from tregflow._kernels.words import cut_columns

    odd = np.zeros(len(places), np.int64)
    scratch = np.empty((len(places), _CONVERTED), f"u{stored.itemsize}")
    for events in _pieces(part, _CONVERTED):
        words = scratch[:, : events.stop - events.start]
        odd += cut_columns(stored[events], places, words, masks, swapped=swapped)
        _convert(words.view(np.float32) if masks is None else words, target, events)
    return odd


def _pieces(part: range, size: int) -> list[slice]:
    return [slice(start, min(start + size, part.stop)) for start in part[::size]]


def _convert(values: NDArray[Any], target: Target, piece: slice) -> None:
    """Put the (n_channels, n_events) values of a piece into the target, in its type."""
    with np.errstate(invalid="ignore"):
        if target.rows is not None:
            target.rows[piece] = values.T
        else:
            for column, value in zip(target.columns, values, strict=True):
                column[piece] = value


def _decodable(layout: Layout, channels: Sequence[Channel]) -> bool:
    """Tell whether the channels are words of one width and kind, at whole words of an event."""
    widths = {layout.columns[channel.number - 1].width for channel in channels}
    kinds = {channel.datatype for channel in channels}
    if layout.order.places or len(widths) != 1 or kinds not in ({"F"}, {"I"}):
        return False
    (width,) = widths
    within = layout.positions
    positions = [within[channel.number - 1] for channel in channels]
    return width in _WIDTHS and not any(position % width for position in (layout.event_size, *positions))


def _masks(channels: Sequence[Channel]) -> list[int] | None:
    """Return the bits of each integer channel that count, all ones where there is nothing to mask; None for floats."""
    from tregflow._kernels.words import EVERY_BIT

    if channels[0].datatype == "F":
        return None
    limits = [(1 << channel.significant_bits) - 1 for channel in channels]
    # $PnR 1 leaves no bit, and masks nothing either.
    return [
        limit if 0 < limit < (1 << channel.bits) - 1 else EVERY_BIT
        for limit, channel in zip(limits, channels, strict=True)
    ]
