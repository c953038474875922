"""Gates as the arrays that the kernel reads: a record per gate, then all of them one after the other."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tregflow._keys import BINS, KEYS
from tregflow.gates import Boolean, Polygon, Rectangle
from tregflow.populations import ROOT
from tregflow.strategy.screens import screen_of
from tregflow.transforms import Linear, Log, Logicle

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from tregflow._kernels.tables import Gates, Shapes, Tests
    from tregflow.gates import Gate
    from tregflow.strategy.screens import States
    from tregflow.transforms import Scale


class _Test(NamedTuple):
    """What a gate asks of an axis; fields as in `tregflow._kernels.tables.Tests`."""

    axis: str
    table: States
    low: float = -math.inf
    high: float = math.inf
    shift: float = 0.0
    width: float = 1.0
    scale: Logicle | None = None


class _Record(NamedTuple):
    """A gate; fields as in `tregflow._kernels.tables.Gates`."""

    kind: int
    parent: int
    decision: int = 0
    outside: bool = False
    tests: tuple[_Test, ...] = ()
    grid: States | None = None
    vertices: tuple[NDArray[np.float64], NDArray[np.float64]] = (np.empty(0), np.empty(0))
    operands: tuple[tuple[int, bool], ...] = ()


def assembled(
    gates: Mapping[str, Gate],
    axes: Sequence[str],
    errors: Mapping[str, float],
    *,
    known: Collection[str],
    noted: Collection[str],
) -> tuple[Gates, Tests, Shapes]:
    """Return the gates as the kernel reads them.

    Parameters
    ----------
    gates : mapping of str to Gate
        Each after its parent and operands.
    axes : sequence of str
        In the order of the kernel's numbers.
    errors : mapping of str to float
        Axis -> bound on the error of its values in float32.
    known : collection of str
        Gates whose members an earlier pass has found.
    noted : collection of str
        Gates of which it will be asked who is in them.
    """
    number = {ROOT: -1} | {gate_id: place for place, gate_id in enumerate(gates)}
    records = [_record(gate, errors, number, known=gate_id in known) for gate_id, gate in gates.items()]
    scales = list(dict.fromkeys(test.scale for record in records for test in record.tests if test.scale is not None))
    return (
        _gates(records, [gate_id in noted for gate_id in gates]),
        _tests(records, list(axes), scales),
        _shapes(records, scales),
    )


def starts(sizes: Iterable[int]) -> NDArray[np.int64]:
    """Return where parts of these sizes begin, one after the other, and where the last one ends."""
    return np.array(list(accumulate(sizes, initial=0)), np.int64)


def _record(gate: Gate, errors: Mapping[str, float], number: Mapping[str, int], *, known: bool) -> _Record:
    from tregflow._kernels import screen as kernel

    if known:
        return _Record(kernel.KNOWN, -1)
    parent = number[gate.parent]
    if isinstance(gate, Boolean):
        kind = kernel.ANY if gate.operator == "any" else kernel.ALL
        operands = [(number[name], complement != (gate.operator == "not")) for name, complement in gate.operands]
        return _Record(kind, parent, operands=tuple(operands))
    screen = screen_of(gate, tuple(errors[axis] for axis in gate.axes))
    kind = kernel.RANGES if screen.grid is None else kernel.PLANE
    record = _Record(kind, parent, kernel.ASIDE, gate.outside, _aside(gate, screen.tables), screen.grid)
    if isinstance(gate, Rectangle) and gate.units == "data" and not any(isinstance(each, Log) for each in gate.scales):
        ends = zip(record.tests, gate.ends, strict=True)
        tests = tuple(test._replace(low=low, high=high) for test, (low, high) in ends)
        return record._replace(decision=kernel.BOUNDS, tests=tests)
    if isinstance(gate, Polygon) and gate.bins is None and all(isinstance(each, _DECIDED) for each in gate.scales):
        tests = tuple(_decided(gate, axis, test) for axis, test in enumerate(record.tests))
        return record._replace(decision=kernel.POLYGON, tests=tests, vertices=gate.vertices)
    return record


_DECIDED = (Linear, Logicle)
"""Scales on which the kernel finds the position of an event; near an edge on others, events are set aside."""


def _aside(gate: Gate, tables: States) -> tuple[_Test, ...]:
    return tuple(_Test(axis, table) for axis, table in zip(gate.axes, tables, strict=True))


def _decided(gate: Polygon, axis: int, test: _Test) -> _Test:
    scale, (low, high) = gate.scales[axis], gate.ends[axis]
    if isinstance(scale, Logicle):
        return test._replace(low=low, high=high, scale=scale)
    if gate.units == "data" or not isinstance(scale, Linear):
        return test._replace(low=low, high=high)
    return test._replace(low=low, high=high, shift=scale.a, width=scale.t + scale.a)


def _gates(records: Sequence[_Record], noted: Sequence[bool]) -> Gates:
    from tregflow._kernels.tables import Gates

    grids = np.cumsum([record.grid is not None for record in records]) - 1
    return Gates(
        kinds=np.array([record.kind for record in records], np.int64),
        decisions=np.array([record.decision for record in records], np.int64),
        parents=np.array([record.parent for record in records], np.int64),
        tests=starts(len(record.tests) for record in records),
        grids=grids.astype(np.int64),
        outside=np.array([record.outside for record in records], np.bool_),
        vertices=starts(record.vertices[0].size for record in records),
        boxes=np.array([_box(*record.vertices) for record in records], np.float64).reshape(-1, 4),
        operands=starts(len(record.operands) for record in records),
        noted=np.array(noted, np.bool_),
    )


def _box(px: NDArray[np.float64], py: NDArray[np.float64]) -> tuple[float, float, float, float]:
    return (px.min(), px.max(), py.min(), py.max()) if px.size else (0.0, 0.0, 0.0, 0.0)


def _tests(records: Sequence[_Record], axes: Sequence[str], scales: Sequence[Scale]) -> Tests:
    from tregflow._kernels.tables import Tests

    tests = [test for record in records for test in record.tests]
    number = {scale: place for place, scale in enumerate(scales)}
    return Tests(
        axes=np.array([axes.index(test.axis) for test in tests], np.int64),
        tables=np.array([test.table for test in tests], np.uint8).reshape(len(tests), KEYS),
        lows=np.array([test.low for test in tests], np.float64),
        highs=np.array([test.high for test in tests], np.float64),
        shifts=np.array([test.shift for test in tests], np.float64),
        widths=np.array([test.width for test in tests], np.float64),
        scales=np.array([-1 if test.scale is None else number[test.scale] for test in tests], np.int64),
    )


def _shapes(records: Sequence[_Record], scales: Sequence[Logicle]) -> Shapes:
    from tregflow._kernels.logicles import logicle_table
    from tregflow._kernels.tables import Shapes

    grids = [record.grid for record in records if record.grid is not None]
    operands = [operand for record in records for operand in record.operands]
    numbers = [scale.constants for scale in scales]
    tables = [logicle_table(*each[1:]) for each in numbers]
    cells = [table[2] for table in tables] or [np.empty((0, 8))]
    return Shapes(
        grids=np.array(grids, np.uint8).reshape(len(grids), BINS * BINS),
        px=np.concatenate([record.vertices[0] for record in records] or [np.empty(0)]),
        py=np.concatenate([record.vertices[1] for record in records] or [np.empty(0)]),
        operands=np.array([operand for operand, _ in operands], np.int64),
        complements=np.array([complement for _, complement in operands], np.bool_),
        numbers=np.array([(*each, table[0]) for each, table in zip(numbers, tables, strict=True)]).reshape(-1, 6),
        firsts=np.array([table[1] for table in tables], np.int64),
        starts=starts(len(each) for each in cells),
        cells=np.concatenate(cells),
    )
