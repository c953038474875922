"""One pass over the events of a sample for all gates of a strategy.

Whether an event lies in a gate is looked up, and computed only where the look-up cannot tell. The value of an event on
an axis is there in float32; its 16 highest bits are its *key*; a table per gate and axis takes keys to bins; a grid of
bins says *in*, *out* or *near an edge*. What "near" must take in, so that "in" and "out" are never wrong, is worked out
in `tregflow.strategy.screens`, from bounds that hold for every event within the limits that phase 1 looks at. An event
near an edge is decided in float64, by the very operations of the plain evaluation, in their order:
`tregflow.compensation.sums`, `logicle_at`, the rectangle around a polygon and `holds`.

An event is *set aside*, that is decided by the plain evaluation itself, where this does not suffice: it holds NaN,
infinity or a value beyond the limits, or it is near the edge of a gate that is not decided here.

Events go through block by block, gate by gate: from the list of those in the parent to the list of those in the gate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tregflow import _keys
from tregflow._kernels._jit import inlined, njit
from tregflow._kernels.logicles import logicle_at
from tregflow._kernels.polygon_grid import holds
from tregflow._keys import BINS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tregflow._kernels.tables import Axes, Columns, Events, Gates, Shapes, Tests

OUT, IN, NEAR = np.uint8(_keys.OUT), np.uint8(_keys.IN), np.uint8(_keys.NEAR)
PLANE, RANGES, ALL, ANY, KNOWN = range(5)
"""Kinds of gates: a grid on two axes, a table on each of several, combinations; what an earlier pass has decided."""
ASIDE, POLYGON, BOUNDS = range(3)
"""How an event near an edge is decided: set aside, or here."""

_BLOCK = 1024
"""Events at a time: keys and lists stay in the first-level cache."""
_EVENT = np.uint16
_ROWS = 64
"""Events whose limits are compared at once: with 20 channels 5 kB."""
_SHIFT = np.uint32(16)
"""From the bits of a value to its key."""


@njit
def screen(
    events: Events,
    member: NDArray[np.uint8],
    shift: int,
    counts: NDArray[np.int64],
    axes: Axes,
    gates: Gates,
    tests: Tests,
    shapes: Shapes,
) -> None:
    """Gate some events.

    Parameters
    ----------
    events : Events
        Those that the pass sets aside are marked.
    member : (n_gates, n_members) ndarray of uint8
        For gates that are `noted`, set to 1 where gate and all above it hold the event, to 0 elsewhere, also where it
        is set aside. Rows of `KNOWN` gates are read.
    shift : int
        Which column there belongs to the first event.
    counts : (n_gates,) ndarray of int64
        Increased by the events of each gate.
    axes, gates, tests, shapes
        The compiled strategy.
    """
    n_gates, n_events, aside = gates.kinds.size, events.aside.size, events.aside
    lists, sizes = np.empty((n_gates + 1, _BLOCK), _EVENT), np.zeros(n_gates + 1, np.int64)
    near, exact = np.empty(_BLOCK, _EVENT), np.empty((2, _BLOCK))

    # Phase 1: what no table can be asked for is set aside.
    if events.stride == 1:
        _set_wild_aside_by_row(events.recorded, aside, axes.limits)
    else:
        _set_wild_aside_by_column(events.recorded, events.stride, aside, axes.limits)
    for axis in range(axes.floors.size):
        if axes.floors[axis] > -np.inf:
            _set_low_aside(events.words.view(np.float32), axis, axes.floors[axis], aside)

    for start in range(0, n_events, _BLOCK):
        size = min(_BLOCK, n_events - start)

        # Phase 2: gate after gate, from the list of the parent to that of the gate.
        before = _n_aside(aside[start : start + size])
        sizes[0] = _rest(lists[0], aside[start : start + size], before)
        for gate in range(n_gates):
            kind, above, mine = gates.kinds[gate], gates.parents[gate] + 1, lists[gate + 1]
            parent = lists[above][: sizes[above]]
            first, last = gates.tests[gate], gates.tests[gate + 1]
            begin, behind = gates.operands[gate], gates.operands[gate + 1]
            n_in, n_near = 0, 0
            if kind == KNOWN:
                n_in = _listed(mine, member[gate, start + shift : start + shift + size], lists[0][: sizes[0]])
            elif parent.size == 0:
                pass
            elif kind == PLANE:
                grid, words = shapes.grids[gates.grids[gate]], events.words[start : start + size]
                n_in, n_near = _look_up_plane(
                    mine, near, parent, words, tests.axes[first], tests.axes[first + 1], tests.tables[first],
                    tests.tables[first + 1], grid,
                )  # fmt: skip
            elif kind == RANGES:
                n_in, n_near = _look_up_ranges(
                    mine, near, parent, events.words[start : start + size], tests.axes[first:last],
                    tests.tables[first:last], gates.outside[gate],
                )  # fmt: skip
            else:
                n_in = _combine(
                    mine, parent, member[:, start + shift : start + shift + size], shapes.operands[begin:behind],
                    shapes.complements[begin:behind], kind != ANY,
                )  # fmt: skip
            if n_near:
                n_in = _settle(mine, n_in, near[:n_near], events, start, gate, exact, axes, gates, tests, shapes)
            sizes[gate + 1] = n_in
            if gates.noted[gate] and kind != KNOWN:
                _note(member[gate, start + shift : start + shift + size], mine[:n_in])

        # Phase 3: an event that one gate has set aside is in none of the others.
        if _n_aside(aside[start : start + size]) > before:
            for gate in range(n_gates):
                if gates.kinds[gate] != KNOWN:
                    row = member[gate, start + shift : start + shift + size] if gates.noted[gate] else member[0, :0]
                    sizes[gate + 1] = _without(lists[gate + 1][: sizes[gate + 1]], aside[start : start + size], row)
        counts += sizes[1:]


@njit
def _set_wild_aside_by_row(recorded: Columns, aside: NDArray[np.uint8], limits: Columns) -> None:
    """Set aside events beyond the limits, NaN and infinity among them; the channels of an event stand together."""
    # The limits again and again, so that one long row is compared with another: the compiler does eight at a time.
    repeated = np.empty(_ROWS * limits.size, limits.dtype)
    for i in range(repeated.size):
        repeated[i] = limits[i % limits.size]
    for start in range(0, aside.size, _ROWS):
        size = min(_ROWS, aside.size - start)
        part = recorded[start * limits.size : (start + size) * limits.size]
        wild = np.uint32(0)
        for i in range(np.uintp(part.size)):
            wild |= np.uint32(not abs(part[i]) <= repeated[i])
        if wild:
            for i in range(np.uintp(part.size)):
                aside[np.uintp(start) + i // np.uintp(limits.size)] |= np.uint8(not abs(part[i]) <= repeated[i])


@njit
def _set_wild_aside_by_column(recorded: Columns, stride: int, aside: NDArray[np.uint8], limits: Columns) -> None:
    """Set aside events beyond the limits, NaN and infinity among them; the events of a channel stand together."""
    for channel in range(limits.size):
        column, limit = recorded[channel * stride : channel * stride + aside.size], limits[channel]
        wild = np.uint32(0)
        for i in range(np.uintp(column.size)):
            wild |= np.uint32(not abs(column[i]) <= limit)
        if wild:
            for i in range(np.uintp(column.size)):
                aside[i] |= np.uint8(not abs(column[i]) <= limit)


@njit
def _set_low_aside(values: NDArray[np.float32], axis: int, floor: float, aside: NDArray[np.uint8]) -> None:
    """Set aside events to which a scale gives no place, or may give none."""
    for i in range(aside.size):
        aside[i] |= np.uint8(not values[i, axis] > floor)


@inlined
def _n_aside(aside: NDArray[np.uint8]) -> int:
    """Return how many events are set aside."""
    n = np.uint32(0)
    for i in range(np.uintp(aside.size)):
        n += np.uint32(aside[i])
    return np.int64(n)  # type: ignore[return-value]


@inlined
def _rest(listed: NDArray[np.uint16], aside: NDArray[np.uint8], n_aside: int) -> int:
    """List the events that are not set aside."""
    if n_aside == 0:  # mostly: then there is nothing to look at
        for i in range(np.uintp(aside.size)):
            listed[i] = i
        return aside.size
    n = np.uintp(0)
    for i in range(np.uintp(aside.size)):
        listed[n] = i
        n += np.uintp(aside[i] == 0)
    return np.int64(n)  # type: ignore[return-value]


@inlined
def _listed(listed: NDArray[np.uint16], member: NDArray[np.uint8], parent: NDArray[np.uint16]) -> int:
    """List the events of a population that is known."""
    n = np.uintp(0)
    for k in range(np.uintp(parent.size)):
        listed[n] = parent[k]
        n += np.uintp(member[np.uintp(parent[k])] != 0)
    return np.int64(n)  # type: ignore[return-value]


@inlined
def _look_up_plane(
    inside: NDArray[np.uint16],
    near: NDArray[np.uint16],
    parent: NDArray[np.uint16],
    words: NDArray[np.uint32],
    x_axis: int,
    y_axis: int,
    x_bins: NDArray[np.uint8],
    y_bins: NDArray[np.uint8],
    grid: NDArray[np.uint8],
) -> tuple[int, int]:
    """List the events of the parent that are in, and those that are near; return how many there are of each."""
    n_in, n_near = np.uintp(0), np.uintp(0)
    x_at, y_at = np.uintp(x_axis), np.uintp(y_axis)
    for k in range(np.uintp(parent.size)):
        event = np.uintp(parent[k])
        x_key, y_key = words[event, x_at] >> _SHIFT, words[event, y_at] >> _SHIFT
        x, y = np.uintp(x_bins[np.uintp(x_key)]), np.uintp(y_bins[np.uintp(y_key)])
        state = grid[x * np.uintp(BINS) + y]
        inside[n_in] = event
        n_in += np.uintp(state == IN)
        if state == NEAR:  # seldom: cheaper than a second list written all the time
            near[n_near] = event
            n_near += np.uintp(1)
    return np.int64(n_in), np.int64(n_near)  # type: ignore[return-value]


@inlined
def _look_up_ranges(
    inside: NDArray[np.uint16],
    near: NDArray[np.uint16],
    parent: NDArray[np.uint16],
    words: NDArray[np.uint32],
    axes: NDArray[np.int64],
    tables: NDArray[np.uint8],
    outside: bool,  # noqa: FBT001 - kernels take no keywords
) -> tuple[int, int]:
    """List the events of the parent that are in, and those that are near; return how many there are of each."""
    n_in, n_near = np.uintp(0), np.uintp(0)
    wanted = OUT if outside else IN
    for k in range(np.uintp(parent.size)):
        event = np.uintp(parent[k])
        # Out once is out, near stays near unless out: states multiply, and 2 is what 4 is cut to.
        state = np.uint32(1)
        for test in range(np.uintp(axes.size)):
            state *= np.uint32(tables[test, np.uintp(words[event, axes[test]] >> _SHIFT)])
            state = min(state, np.uint32(NEAR))
        inside[n_in] = event
        n_in += np.uintp(state == wanted)
        if state == NEAR:
            near[n_near] = event
            n_near += np.uintp(1)
    return np.int64(n_in), np.int64(n_near)  # type: ignore[return-value]


@inlined
def _settle(
    inside: NDArray[np.uint16],
    n_in: int,
    near: NDArray[np.uint16],
    events: Events,
    start: int,
    gate: int,
    exact: NDArray[np.float64],
    axes: Axes,
    gates: Gates,
    tests: Tests,
    shapes: Shapes,
) -> int:
    """Decide the events near an edge in float64, or set them aside; return how many are in the gate now."""
    begin, behind, outside = gates.tests[gate], gates.tests[gate + 1], gates.outside[gate]
    if gates.decisions[gate] == ASIDE:
        for k in range(near.size):
            events.aside[start + near[k]] = 1
    elif gates.decisions[gate] == POLYGON:
        px = shapes.px[gates.vertices[gate] : gates.vertices[gate + 1]]
        py = shapes.py[gates.vertices[gate] : gates.vertices[gate + 1]]
        edges = np.arange(px.size).astype(np.int32)
        x, y = exact[0, : near.size], exact[1, : near.size]
        _coordinates(x, near, events, start, begin, axes, tests, shapes)
        _coordinates(y, near, events, start, begin + 1, axes, tests, shapes)
        x_low, x_high, y_low, y_high = gates.boxes[gate]
        for k in range(near.size):
            # Beside the rectangle around the vertices nothing is asked of the edges, as in `in_polygon`.
            held = x_low <= x[k] <= x_high and y_low <= y[k] <= y_high
            held = held and holds(x[k], y[k], px, py, edges, 0, edges.size)
            inside[n_in] = near[k]
            n_in += int(held != outside)
    else:
        values, within = exact[0, : near.size], exact[1, : near.size]
        within[:] = 1.0
        for test in range(begin, behind):
            low, high = tests.lows[test], tests.highs[test]
            _fill_exact(values, near, events, start, tests.axes[test], axes)
            for k in range(near.size):
                within[k] *= low <= values[k] < high
        for k in range(near.size):
            inside[n_in] = near[k]
            n_in += int((within[k] > 0) != outside)
    return n_in


@inlined
def _coordinates(
    at: NDArray[np.float64],
    chosen: NDArray[np.uint16],
    events: Events,
    start: int,
    test: int,
    axes: Axes,
    tests: Tests,
    shapes: Shapes,
) -> None:
    """Find where events lie on an axis of a polygon, pulled in on open sides."""
    _fill_exact(at, chosen, events, start, tests.axes[test], axes)
    scale, low, high = tests.scales[test], tests.lows[test], tests.highs[test]
    if scale < 0:
        shift, width = tests.shifts[test], tests.widths[test]
        for k in range(at.size):
            at[k] = min(max((at[k] + shift) / width, low), high)
    else:
        zero, a, b, c, d, per_unit = shapes.numbers[scale]
        first, cells = shapes.firsts[scale], shapes.cells[shapes.starts[scale] : shapes.starts[scale + 1]]
        bits = at.view(np.int64)
        for k in range(at.size):
            u = logicle_at(at[k], bits[k], (a, b, c, d), per_unit, first, cells)
            at[k] = min(max(u + zero, low), high)


@inlined
def _fill_exact(
    values: NDArray[np.float64], chosen: NDArray[np.uint16], events: Events, start: int, axis: int, axes: Axes
) -> None:
    """Compute the values of events on an axis in data units, by the operations of the plain evaluation in its order."""
    begin, behind, gain = axes.terms[axis], axes.terms[axis + 1], axes.gains[axis]
    # One term is a channel as it is. A sum begins at 0.0, which makes -0.0 positive.
    single = behind - begin == 1
    for k in range(chosen.size):
        values[k] = 0.0
    for term in range(begin, behind):
        column, divisor = (
            events.recorded[start * events.step + axes.channels[term] * events.stride :],
            axes.divisors[term],
        )
        coefficient = axes.coefficients[term]
        for k in range(chosen.size):
            product = np.float64(column[chosen[k] * events.step]) / divisor * coefficient
            values[k] = product if single else values[k] + product
    for k in range(chosen.size):
        values[k] *= gain


@inlined
def _combine(
    inside: NDArray[np.uint16],
    parent: NDArray[np.uint16],
    member: NDArray[np.uint8],
    operands: NDArray[np.int64],
    complements: NDArray[np.bool_],
    every: bool,  # noqa: FBT001 - kernels take no keywords
) -> int:
    """List the events of the parent that every operand holds, or one of them; -1 is the population of all events."""
    n = 0
    for k in range(parent.size):
        event, held = parent[k], every
        for place in range(operands.size):
            operand = operands[place]
            one = (operand < 0 or member[operand, event] != 0) != complements[place]
            held = (held and one) if every else (held or one)
        inside[n] = event
        n += int(held)
    return n


@inlined
def _note(member: NDArray[np.uint8], inside: NDArray[np.uint16]) -> None:
    """Write the list of a gate as one byte per event."""
    for i in range(np.uintp(member.size)):
        member[i] = 0
    for k in range(np.uintp(inside.size)):
        member[np.uintp(inside[k])] = 1


@njit
def _without(listed: NDArray[np.uint16], aside: NDArray[np.uint8], member: NDArray[np.uint8]) -> int:
    """Return how many of a list are not set aside; who is, is no member."""
    n = 0
    for k in range(listed.size):
        n += int(aside[listed[k]] == 0)
        if aside[listed[k]] and member.size:
            member[listed[k]] = 0
    return n


@njit
def collect(
    events: Events,
    chosen: NDArray[np.uint8],
    axis: int,
    axes: Axes,
    low: float,
    high: float,
    found: NDArray[np.float64],
) -> tuple[int, int, int]:
    """Collect the values on an axis of the events that are 1 in `chosen`, but for those below `low` or above `high`.

    Parameters
    ----------
    low, high : float
        Compared with the float32 values.
    found : (n_events,) ndarray of float64
        Filled from its beginning.

    Returns
    -------
    tuple of int, int, int
        How many values there are, how many events lie below, and how many are chosen.
    """
    listed, n_found, n_below, n_chosen = np.empty(_BLOCK, _EVENT), 0, 0, 0
    values = events.words.view(np.float32)
    for start in range(0, chosen.size, _BLOCK):
        n = np.uintp(0)
        for i in range(np.uintp(min(_BLOCK, chosen.size - start))):
            listed[n] = i
            n += np.uintp(chosen[np.uintp(start) + i] != 0)
        n_chosen += np.int64(n)  # type: ignore[assignment]
        some, n = n, np.uintp(0)
        for k in range(some):
            event = listed[k]
            value = values[np.uintp(start) + np.uintp(event), axis]
            listed[n] = event
            n += np.uintp((low <= value) & (value <= high))
            n_below += int(value < low)
        size: int = np.int64(n)  # type: ignore[assignment]
        _fill_exact(found[n_found : n_found + size], listed[:size], events, start, axis, axes)
        n_found += size
    return n_found, n_below, n_chosen
