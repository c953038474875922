"""The events of a sample as the kernel takes them: out of a file, chunk by chunk, or out of memory."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tregflow.fcs.lazy import LazyColumns
from tregflow.strategy.columns import Columns
from tregflow.strategy.program import LARGEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from tregflow._kernels.tables import Events
    from tregflow.compensation.sums import Recorded
    from tregflow.fcs import Sample
    from tregflow.fcs.stream import Stream
    from tregflow.strategy.evaluate import Plan
    from tregflow.strategy.program import Program, Sum

    Chunk = tuple[int, NDArray[Any]]
    """Number of the first event, and what was recorded: (n_channels, n_events)."""

_LOOK = 2_048
"""Events of the first chunk by which the limits of values are guessed."""
_MOST, _ROOM = 0.998, 8.0
"""Limits lie so many times above the value that this part of them stays below: what exceeds them is set aside."""
_CUT = 65_536
"""Events at a time where they are in memory."""
_PRODUCT = 1 << 18
"""Multiplications up to which OpenBLAS works in the thread that calls it (its GEMM_MULTITHREAD_THRESHOLD)."""


class Block(NamedTuple):
    """Some events of a sample, as the kernel takes them, and the number of the first of them."""

    events: Events
    start: int


def blocks_of(plan: Plan, program: Program, chunks: Iterable[Chunk]) -> Iterator[Block]:
    """Yield the events of a pass with their values; axes that are no sums are computed on the way."""
    extra = ratio_axes(plan)
    values = np.empty((0, 0), np.float32)
    for start, recorded in chunks:
        given = _with_made(plan, program, extra, recorded) if extra else recorded
        if len(values) < given.shape[1]:
            values = np.empty((given.shape[1], len(program.axes)), np.float32)
        yield Block(_events(given, program, values[: given.shape[1]]), start)


def _events(recorded: NDArray[Any], program: Program, values: NDArray[np.float32]) -> Events:
    """Return events with their values on the axes, which are a product of matrices.

    Parameters
    ----------
    recorded : (n_channels, n_events) ndarray of float32 or float64
        The events of a channel stand together, or the channels of an event.
    program : Program
    values : (n_events, n_axes) ndarray of float32
        Filled.
    """
    from tregflow._kernels.tables import Events

    rows = recorded.T
    with np.errstate(all="ignore"):  # what overflows is beyond the limits
        _multiply(rows.astype(np.float32, copy=False), program.weights, values)
    n_channels, n_events = recorded.shape
    if rows.flags.c_contiguous:
        flat, step, stride = rows.reshape(-1), n_channels, 1
        flat.setflags(write=False)  # as the other: numba compiles anew for what may be written
    else:  # columns, maybe cut out of longer ones: the rest of them lies in between
        step, stride = 1, recorded.strides[0] // recorded.itemsize
        length = (n_channels - 1) * stride + n_events
        flat = np.lib.stride_tricks.as_strided(recorded, (length,), (recorded.itemsize,), writeable=False)
    return Events(flat, step, stride, values.view(np.uint32), np.zeros(n_events, np.uint8))


def _multiply(rows: NDArray[np.float32], weights: NDArray[np.float32], values: NDArray[np.float32]) -> None:
    """Write rows times weights into values: as a stack of small products, in one call that lets other threads run."""
    if not weights.size:
        return
    size = max(1, _PRODUCT // weights.size)
    whole = len(rows) // size * size
    stack, (n_channels, n_axes) = (whole // size, size), weights.shape
    np.matmul(rows[:whole].reshape(*stack, n_channels), weights, out=values[:whole].reshape(*stack, n_axes))
    np.matmul(rows[whole:], weights, out=values[whole:])


def _with_made(plan: Plan, program: Program, extra: Sequence[str], recorded: NDArray[Any]) -> NDArray[np.float64]:
    columns = columns_of(plan, dict(zip(program.channels, recorded, strict=False)).__getitem__)
    return np.vstack([recorded.astype(np.float64), *(columns.get(axis) for axis in extra)])


def columns_of(plan: Plan, recorded: Recorded) -> Columns:
    """Return the axes of some of the events, as the plain evaluation computes them."""
    return Columns(plan.strategy, plan.sample, plan.sources, plan.matrix, recorded=recorded)


def recorded_of(events: Events, chosen: NDArray[np.int64], n_channels: int) -> NDArray[Any]:
    """Return what was recorded of chosen events: (n_channels, n_chosen)."""
    found: NDArray[Any] = events.recorded[np.arange(n_channels)[:, None] * events.stride + chosen * events.step]
    return found


def ratio_axes(plan: Plan) -> tuple[str, ...]:
    """Return the axes that are no sums of channels."""
    return tuple(axis for axis, source in plan.sources.items() if source.ratio is not None)


def peeked(stream: Stream) -> tuple[NDArray[Any], Iterator[Chunk]]:
    """Return the first chunk of a pass, and all of them."""
    chunks = iter(stream)
    first = next(chunks, None)
    if first is None:
        return np.empty((len(stream.rows), 0), np.float32), chunks
    return first[1], chain([first], chunks)


def limits_of(sums: Mapping[str, Sum], rows: Sequence[str], chunk: NDArray[Any]) -> dict[str, float]:
    """Return the magnitude of each detector that few events exceed, by those at the beginning: a power of two."""
    summed = {term.name for each in sums.values() if len(each.terms) > 1 for term in each.terms}
    look = chunk[:, :: max(1, chunk.shape[1] // _LOOK)]
    return {name: _limit(np.abs(look[rows.index(name)])) if look.size else 1.0 for name in rows if name in summed}


def _limit(magnitudes: NDArray[Any]) -> float:
    finite = magnitudes[np.isfinite(magnitudes)]
    if not finite.size:
        return 1.0
    place = int(_MOST * (finite.size - 1))
    most = float(np.partition(finite, place)[place])
    return min(float(2.0 ** np.ceil(np.log2(_ROOM * most))), LARGEST) if most > 0 else 1.0


def in_memory(plan: Plan) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Return the events of a sample, a row per channel, and whose rows they are: without a copy where there is one."""
    names = columns_of(plan, plan.sample.values).stored()
    if isinstance(plan.sample.columns, LazyColumns):
        plan.sample.columns.load(names)
    columns = {name: plan.sample.values(name) for name in names}
    found = _rows_of_one_block(plan.sample, columns)
    if found is not None:
        return found
    single = all(column.dtype == np.float32 for column in columns.values())
    return np.array(list(columns.values()), np.float32 if single else np.float64), names


def _rows_of_one_block(
    sample: Sample, columns: Mapping[str, NDArray[Any]]
) -> tuple[NDArray[Any], tuple[str, ...]] | None:
    """Return the rows of the block that all columns are rows of, from the first to the last of them; None without."""
    block = next((column.base for column in columns.values()), None)
    if not (isinstance(block, np.ndarray) and block.ndim == 2 and block.flags.c_contiguous):
        return None
    # What lies between wanted rows is taken, too, if it is there; to decode it for that would cost more.
    others = columns if isinstance(sample.columns, LazyColumns) else sample.columns
    names = {_row(column, block): name for name, column in others.items()}
    used = [row for row in (_row(column, block) for column in columns.values()) if row is not None]
    wanted = range(min(used, default=0), max(used, default=-1) + 1)
    if len(used) < len(columns) or not names.keys() >= set(wanted):
        return None
    return block[wanted.start : wanted.stop, : sample.n_events], tuple(names[row] for row in wanted)


def _row(column: NDArray[Any], block: NDArray[Any]) -> int | None:
    """Return which row of a block a column is, from its beginning; None if it is none."""
    whole = column.base is block and column.dtype == block.dtype and column.strides == (block.itemsize,)
    row, rest = divmod(column.__array_interface__["data"][0] - block.__array_interface__["data"][0], block.strides[0])
    return row if whole and not rest else None


def cut(columns: NDArray[Any], events: range) -> Iterator[Chunk]:
    """Yield a range of events in chunks, as a pass over a file does."""
    for start in range(events.start, events.stop, _CUT):
        yield start, columns[:, start : min(start + _CUT, events.stop)]
