"""What the screen is handed: events, and a strategy as arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Columns = NDArray[np.float32] | NDArray[np.float64]


class Events(NamedTuple):
    """Some events, as they were recorded and as the screen sees them.

    Attributes
    ----------
    recorded : (n_events * n_channels,) ndarray of float32 or float64
    step, stride : int
        How far it is there from one event to the next, and from one channel to the next.
    words : (n_events, n_axes) ndarray of uint32
        The bits of the float32 values on the axes.
    aside : (n_events,) ndarray of uint8
        1 where an event is set aside, before the pass or by it.
    """

    recorded: Columns
    step: int
    stride: int
    words: NDArray[np.uint32]
    aside: NDArray[np.uint8]


class Axes(NamedTuple):
    """Where the values of each axis come from.

    Attributes
    ----------
    terms : (n_axes + 1,) ndarray of int64
        Where the terms of each axis begin among the following.
    channels : (n_terms,) ndarray of int64
        Their channels.
    divisors, coefficients : (n_terms,) ndarray of float64
        What is recorded is divided and multiplied by.
    gains : (n_axes,) ndarray of float64
        What their sum is multiplied by.
    floors : (n_axes,) ndarray of float32
        Events at or below are set aside: they have, or may have, no position on the scale.
    limits : (n_channels,) ndarray of the type of what is recorded
        Largest magnitude of each channel for which the screen is right.
    """

    terms: NDArray[np.int64]
    channels: NDArray[np.int64]
    divisors: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    gains: NDArray[np.float64]
    floors: NDArray[np.float32]
    limits: Columns


class Gates(NamedTuple):
    """The gates, each after its parent and operands.

    Attributes
    ----------
    kinds, decisions : (n_gates,) ndarray of int64
        `PLANE` …, `ASIDE` ….
    parents : (n_gates,) ndarray of int64
        Number of the parent; -1 for all events.
    tests : (n_gates + 1,) ndarray of int64
        Where the tests of each gate begin: one per axis.
    grids : (n_gates,) ndarray of int64
        Which grid a `PLANE` has.
    outside : (n_gates,) ndarray of bool
        Whether the gate holds what its shape does not. Grids have it in them; tables and shapes do not.
    vertices : (n_gates + 1,) ndarray of int64
        Where the vertices of each gate begin.
    boxes : (n_gates, 4) ndarray of float64
        Least and greatest x, least and greatest y of the vertices.
    operands : (n_gates + 1,) ndarray of int64
        Where the operands of each gate begin.
    noted : (n_gates,) ndarray of bool
        Whether somebody will look up who is in the gate.
    """

    kinds: NDArray[np.int64]
    decisions: NDArray[np.int64]
    parents: NDArray[np.int64]
    tests: NDArray[np.int64]
    grids: NDArray[np.int64]
    outside: NDArray[np.bool_]
    vertices: NDArray[np.int64]
    boxes: NDArray[np.float64]
    operands: NDArray[np.int64]
    noted: NDArray[np.bool_]


class Tests(NamedTuple):
    """What gates ask of their axes; one test per gate and axis.

    Attributes
    ----------
    axes : (n_tests,) ndarray of int64
    tables : (n_tests, KEYS) ndarray of uint8
        Key -> bin of a grid, or state of a range.
    lows, highs : (n_tests,) ndarray of float64
        Ends of a range, or to which coordinates are pulled in.
    shifts, widths : (n_tests,) ndarray of float64
        Coordinate is (value + shift) / width, unless a logicle scale is named.
    scales : (n_tests,) ndarray of int64
        Which logicle scale; -1: none.
    """

    axes: NDArray[np.int64]
    tables: NDArray[np.uint8]
    lows: NDArray[np.float64]
    highs: NDArray[np.float64]
    shifts: NDArray[np.float64]
    widths: NDArray[np.float64]
    scales: NDArray[np.int64]


class Shapes(NamedTuple):
    """Grids, vertices, operands and logicle scales, one after the other.

    Attributes
    ----------
    grids : (n_grids, BINS * BINS) ndarray of uint8
        State of each bin of x and y, x slowest.
    px, py : (n_vertices,) ndarray of float64
        Vertices, in coordinates.
    operands : (n_operands,) ndarray of int64
        Numbers of gates.
    complements : (n_operands,) ndarray of bool
    numbers : (n_scales, 6) ndarray of float64
        Of each logicle scale the position of zero, a, b, c, d, and the inverse of the unit of its table.
    firsts : (n_scales,) ndarray of int64
        Number of the cell before its first, see `logicles`.
    starts : (n_scales + 1,) ndarray of int64
        Where its cells begin.
    cells : (n_cells, 8) ndarray of float64
    """

    grids: NDArray[np.uint8]
    px: NDArray[np.float64]
    py: NDArray[np.float64]
    operands: NDArray[np.int64]
    complements: NDArray[np.bool_]
    numbers: NDArray[np.float64]
    firsts: NDArray[np.int64]
    starts: NDArray[np.int64]
    cells: NDArray[np.float64]
