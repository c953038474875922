"""Logarithms that a file stores as integers, undone (``$PnE``)."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tregflow.fcs.channels import Channel
    from tregflow.fcs.sample import Column

_MAX_EXPONENT = 308.0
"""Powers of ten from here on leave the range of float64."""

_TABLE_BITS = 16
"""Up to here linearising looks values up: 2^16 of them take 20 ms to compute; fewer events are cheaper one by one."""


def linearised(stored: Column, channel: Channel) -> NDArray[np.float64]:
    """Undo the logarithmic amplifier of an integer channel: f2 * 10 ** (f1 * x / PnR) (FCS 3.1, section 3.2, ``$PnE``).

    Parameters
    ----------
    stored : (n_events,) ndarray
        Channel numbers as stored.
    channel : Channel
        Of type I, with `range` and `amplification`.

    Returns
    -------
    (n_events,) ndarray of float64
    """
    return linearising(channel, stored.size)(stored)


def linearising(channel: Channel, n_events: int) -> Callable[[Column], NDArray[np.float64]]:
    """Return what linearises the values of a channel that has so many, all at once or in pieces, to the same bits."""
    # Scalar powers, each once: NumPy's vectorised power differs in the last bit from processor to processor.
    bits = channel.significant_bits
    if channel.datatype == "A" or bits > _TABLE_BITS or n_events < 1 << bits:
        return partial(_one_by_one, channel=channel)
    table = np.array([_power(channel, value) for value in range(1 << bits)], dtype=np.float64)
    return lambda stored: table[stored.astype(np.intp)]


def _one_by_one(stored: Column, channel: Channel) -> NDArray[np.float64]:
    values, places = np.unique(stored, return_inverse=True)
    return np.array([_power(channel, value) for value in values.tolist()], dtype=np.float64)[places]


def _power(channel: Channel, value: float) -> float:
    decades, offset = channel.amplification
    steps = channel.range or math.nan  # never nan: a logarithmic channel without $PnR is refused on reading
    exponent = decades * value / steps
    # Absurd decades give infinity, which is outside every gate; Python's power would raise OverflowError.
    return offset * math.pow(10.0, exponent) if exponent < _MAX_EXPONENT else math.inf
