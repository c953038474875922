"""Values of an FCS file that are 2 or 4 bytes wide: out of the rows of the file, into columns or rows of memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tregflow._kernels._jit import njit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Words = NDArray[np.uint16] | NDArray[np.uint32]

EVERY_BIT = 0xFFFFFFFF
"""A mask that keeps a word as it is."""

_EXPONENT = np.uint32(0x7F800000)
"""Exponent of a float32, all ones where it is NaN or infinite (IEEE 754)."""
_BLOCK = 32_768
"""Bytes of the file at a time, about: with what is cut out of them they stay in the second-level cache."""


def cut_columns(
    stored: NDArray[np.void],
    places: Sequence[int],
    target: Words,
    masks: Sequence[int] | None,
    *,
    swapped: bool,
    events: range | None = None,
) -> NDArray[np.int64]:
    """Cut columns out of rows of words.

    Parameters
    ----------
    stored : (n_events, n_words) ndarray
        As `packed` makes it.
    places : (n_channels,) sequence of int
        Which word of each row, from 0; not checked.
    target : (n_channels, n_events or more) ndarray of uint16 or uint32
        Filled with words as wide as those of `stored`, in the machine's order; its rows are contiguous.
    masks : (n_channels,) sequence of int, or None
        Bits of integers to keep; None says that the words are float32.
    swapped : bool
        Whether the bytes of a word stand in the order that is not the machine's.
    events : range, optional
        Rows to cut from, without gaps, and columns of `target` to fill; default: all.

    Returns
    -------
    (n_channels,) ndarray of int64
        How many words were changed by the mask, or are NaN or infinite.
    """
    odd = np.zeros(len(places), np.int64)
    kept = np.array([EVERY_BIT] * len(places) if masks is None else masks, np.uint32)
    which = range(len(stored)) if events is None else events
    _cut_columns(stored, np.array(places, np.uintp), target, kept, masks is None, swapped, which.start, which.stop, odd)
    return odd


def copy_words(stored: NDArray[np.void], target: NDArray[np.uint32], *, swapped: bool) -> bool:
    """Copy float32 as they stand.

    Parameters
    ----------
    stored : (n_events, n_words) ndarray
        As `packed` makes it.
    target : (n_events, n_words) ndarray of uint32, C-contiguous
        Filled, in the machine's order.
    swapped : bool
        As for `cut_columns`.

    Returns
    -------
    bool
        Whether one of them is NaN or infinite.
    """
    return bool(_copy_words(stored.reshape(-1), target.reshape(-1), swapped))


def packed(data: memoryview, offset: int, shape: tuple[int, int], width: int) -> NDArray[np.void]:
    """Return bytes as rows of words that may begin anywhere.

    The word is the only field of a packed record: numba takes plain arrays to be aligned, which DATA need not be.

    Parameters
    ----------
    data : memoryview
    offset : int
        First byte.
    shape : (n_events, n_words)
    width : int
        Bytes per word, 2 or 4.

    Returns
    -------
    (n_events, n_words) ndarray
        Records with a field ``word``, read-only.
    """
    words: NDArray[np.void] = np.ndarray(shape, np.dtype([("word", f"u{width}")]), buffer=data, offset=offset)
    words.setflags(write=False)  # always: numba compiles anew for what may be written
    return words


@njit
def _turned(word: Any, width: int) -> np.uint32:
    """Return the bytes of a word in reverse order; the compiler makes one instruction of it."""
    if width == 2:
        return np.uint32(((word << np.uint32(8)) | (word >> np.uint32(8))) & np.uint32(0xFFFF))
    return np.uint32(
        (word << np.uint32(24))
        | ((word << np.uint32(8)) & np.uint32(0xFF0000))
        | ((word >> np.uint32(8)) & np.uint32(0xFF00))
        | (word >> np.uint32(24))
    )


@njit
def _cut_columns(
    stored: Any,
    places: NDArray[np.uintp],
    target: Any,
    masks: NDArray[np.uint32],
    floats: bool,  # noqa: FBT001 - kernels take no keywords
    swapped: bool,  # noqa: FBT001
    first: int,
    behind: int,
    odd: NDArray[np.int64],
) -> None:
    # NumPy: target[:] = stored["word"].T[places], byteswapped if `swapped`; then, for floats,
    # odd += (~np.isfinite(target.view(np.float32))).sum(axis=1), else with mask = masks[:, None]
    # odd += (target & mask != target).sum(axis=1) and target &= mask.
    step = max(16, _BLOCK // (stored.shape[1] * target.itemsize))
    for begin in range(first, behind, step):
        # Unsigned indices: numba then need not look whether one counts from the end.
        start, stop = np.uintp(begin), np.uintp(min(begin + step, behind))

        # Phase 1, event by event: the file is read once from front to back, and so is each column written.
        for event in range(start, stop):
            for channel in range(np.uintp(places.size)):
                target[channel, event] = stored[event, places[channel]].word

        # Phase 2, channel by channel: what has just been cut is put into the machine's order, looked at, and masked.
        for channel in range(np.uintp(places.size)):
            count, mask = np.uint32(0), masks[channel]
            if swapped:
                for event in range(start, stop):
                    target[channel, event] = _turned(target[channel, event], target.itemsize)
            if floats:
                for event in range(start, stop):
                    count += np.uint32((target[channel, event] & _EXPONENT) == _EXPONENT)
            elif mask != EVERY_BIT:
                for event in range(start, stop):
                    word = target[channel, event]
                    count += np.uint32((word & mask) != word)
                    target[channel, event] = word & mask
            odd[channel] += count


@njit
def _copy_words(stored: Any, target: NDArray[np.uint32], swapped: bool) -> np.uint32:  # noqa: FBT001
    # NumPy: target[:] = stored["word"], byteswapped if `swapped`; not np.isfinite(target.view(np.float32)).all().
    odd = np.uint32(0)
    for i in range(np.uintp(target.size)):
        word = stored[i].word
        if swapped:
            word = _turned(word, 4)
        target[i] = word
        odd |= np.uint32((word & _EXPONENT) == _EXPONENT)
    return odd
