"""Where decoded values go: columns of their own, or an array that the caller gave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tregflow.errors import FcsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tregflow.fcs.channels import Channel
    from tregflow.fcs.sample import Column

_FLOAT32_BITS, _FLOAT64_BITS = 24, 53
"""Integers up to 2^24 are exact in float32, up to 2^53 in float64."""
_FLOAT32_DIGITS, _FLOAT64_DIGITS = 7, 15
"""The same in decimal digits."""
_LINE = 64
"""Bytes of a cache line."""


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """Memory to decode into.

    Attributes
    ----------
    columns : list of (n_events,) ndarray
        One per channel.
    block : (n_channels, n_events or more) ndarray, optional
        What the columns are the beginnings of rows of, where all are of one type.
    rows : (n_events, n_channels) ndarray, optional
        What the columns are columns of: the array that was given.
    """

    columns: list[Column]
    block: NDArray[Any] | None = None
    rows: NDArray[Any] | None = None


def target_for(channels: Sequence[Channel], n_events: int, rows: NDArray[Any] | None = None) -> Target:
    """Return memory for the values of some channels: `rows` where it is given, which `check_rows` has let pass."""
    if rows is not None:
        return Target(list(rows.T), rows=rows)
    kinds = [kind_of(channel) for channel in channels]
    if len(set(kinds)) == 1:
        # One allocation: the system gives it in large pages, which costs half of what many small ones do.
        block: NDArray[Any] = np.empty((len(kinds), _spaced(n_events, np.dtype(kinds[0]).itemsize)), kinds[0])
        return Target(list(block[:, :n_events]), block=block)
    return Target([np.empty(n_events, kind) for kind in kinds])


def _spaced(n_events: int, width: int) -> int:
    """Return how many values a column of a block has room for.

    An odd number of cache lines: columns that lie whole pages apart drive one another out of the cache, which makes
    decoding four times as long.
    """
    per_line = _LINE // width
    return (-(-n_events // per_line) | 1) * per_line


def kind_of(channel: Channel) -> type[np.float32 | np.float64 | np.uint64]:
    """Return the type that holds every value of a channel exactly."""
    if channel.datatype in ("F", "D"):
        return np.float32 if channel.datatype == "F" else np.float64
    if channel.datatype == "A":
        # Without a width (separated values) only reading tells, and float64 is what it begins with.
        size, single, double = channel.bits // 8 or _FLOAT64_DIGITS, _FLOAT32_DIGITS, _FLOAT64_DIGITS
    else:
        size, single, double = channel.significant_bits, _FLOAT32_BITS, _FLOAT64_BITS
    return np.float32 if size <= single else np.float64 if size <= double else np.uint64


def check_rows(rows: NDArray[Any], channels: Sequence[Channel], n_events: int, *, file: str) -> None:
    """Check that the values of some channels fit into an array that the caller gave.

    Parameters
    ----------
    rows : ndarray
    channels : sequence of Channel
    n_events : int
    file : str
        Name for messages.

    Raises
    ------
    FcsError
        ``E_OUT``: another shape or type, not writable, not row-major, or a type that does not hold every value.
    """
    shape = (n_events, len(channels))
    kinds = (np.dtype(np.float32), np.dtype(np.float64))
    given: object = rows
    if not (
        isinstance(given, np.ndarray)
        and given.shape == shape
        and given.dtype in kinds  # which a type of the other byte order is not
        and given.flags.carray  # C-contiguous, aligned and writable
    ):
        raise FcsError(
            "the array to read into does not fit",
            code="E_OUT",
            file=file,
            expected=f"a writable row-major array of shape {shape}, float32 or float64",
            available=(_described(rows),),
            remedy="np.empty((n_events, n_channels), np.float32), or a slice of the first events of a longer one",
        )
    for channel in channels:
        kind = kind_of(channel)
        if kind is np.uint64 or (kind is np.float64 and rows.dtype == np.float32):
            raise too_wide(channel.label, kind, rows, file=file)


def too_wide(what: str, kind: type, rows: NDArray[Any], *, file: str) -> FcsError:
    """Return the error that says that values of type `kind` would be rounded in the array that the caller gave."""
    whole = kind is np.uint64
    return FcsError(
        f"{rows.dtype} does not hold every value of {what}",
        code="E_OUT",
        file=file,
        expected="integers of 53 bits or fewer" if whole else "an array of float64",
        remedy="read without out=: the column is uint64 then" if whole else "",
    )


def _described(rows: object) -> str:
    if not isinstance(rows, np.ndarray):
        return type(rows).__name__
    faults = [
        fault
        for fault, there in (
            ("not row-major", not rows.flags.c_contiguous),
            ("not aligned", not rows.flags.aligned),
            ("not writable", not rows.flags.writeable),
        )
        if there
    ]
    return ", ".join([f"shape {rows.shape}", str(rows.dtype), *faults])
