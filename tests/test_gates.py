"""Gates: who is inside, who cannot be placed, sides that run to infinity, moves, and the words of every error."""

from __future__ import annotations

import math
import pickle
from dataclasses import FrozenInstanceError, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tregflow._kernels import in_polygon
from tregflow.errors import GateError
from tregflow.gates import Boolean, Gate, Mask, Polygon, Rectangle
from tregflow.transforms import Asinh, FlowJoBiex, Linear, Log, Logicle, Scale

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from tregflow.gates import Values

SQUARE = ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0))
LINEAR = (Linear(), Linear())
BAD = [np.nan, np.inf, -np.inf]


def values_of(**columns: ArrayLike) -> Values:
    """Return columns as a gate asks for them: by name."""
    return lambda name: np.asarray(columns[name], np.float64)


def polygon(points: Any = SQUARE, scales: tuple[Scale, Scale] = LINEAR, **other: Any) -> Polygon:
    return Polygon(id="P", parent="root", channels=("CD25", "CD127"), points=points, scales=scales, **other)


def rectangle(*bounds: Any, scales: tuple[Scale, ...] = ()) -> Rectangle:
    return Rectangle(id="R", parent="root", bounds=bounds, scales=scales)


def boolean(operator: Any, *operands: Any) -> Boolean:
    return Boolean(id="X", parent="root", operator=operator, operands=operands)


def inside(gate: Polygon | Rectangle, x: ArrayLike, y: ArrayLike = ()) -> list[bool]:
    return list(gate.evaluate(values_of(CD25=x, CD127=y)).inside.tolist())


def mask(inside: list[int], defined: list[int] | None = None) -> Mask:
    return Mask(np.array(inside, bool), np.array(defined or [1] * len(inside), bool))


def grid(low: float, high: float, n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, y = np.meshgrid(np.linspace(low, high, n), np.linspace(low, high, n))
    return x.ravel(), y.ravel()


# ------------------------------------------------------------------------------------------------------- polygons


def test_the_boundary_of_a_polygon_is_inside() -> None:
    assert sum(inside(polygon(), *grid(-1, 11, 13))) == 121


def test_a_polygon_on_linear_axes_is_decided_in_data_units() -> None:
    # The slanted edge runs through (x, x / 3); on the axis, divided by 262144, some of these come to lie beside it.
    gate = polygon([(0.0, 0.0), (300.0, 100.0), (300.0, 0.0)], scales=(Linear(t=7e5), Linear(t=3.3e5)))
    x = np.arange(0.0, 301.0, 3.0)
    assert all(inside(gate, x, x / 3))
    to_x, to_y = (scale.apply for scale in gate.scales)
    px, py = np.array(gate.points).T
    assert not in_polygon(to_x(x), to_y(x / 3), to_x(px), to_y(py)).all()


@pytest.mark.parametrize("scale", [Logicle(), Asinh(), Log(), FlowJoBiex()], ids=lambda scale: scale.kind)
def test_edges_are_straight_on_the_scale(scale: Scale) -> None:
    gate = polygon([(100.0, 100.0), (1e5, 1e5), (1e5, 100.0)], scales=(scale, Linear()))
    middle = scale.inverse(np.mean(scale.apply([100.0, 1e5])))  # half way along the slanted edge on the axis
    assert inside(gate, [middle, middle], [50_040.0, 50_060.0]) == [True, False]
    # Straight in data units, the edge would pass far below.
    assert middle < 2e4


def test_vertices_are_converted_as_events_are() -> None:
    points = [(120.3, -41.7), (5123.9, 77.7), (80_001.1, 3456.7), (950.2, 20_000.9)]
    for scale in (Logicle(), Asinh(), FlowJoBiex(), Linear()):
        gate = polygon(points, scales=(scale, scale))
        assert inside(gate, *np.array(points).T) == [True] * 4


@pytest.mark.parametrize("bad", BAD)
def test_what_is_not_finite_is_outside_a_polygon_and_its_complement(bad: float) -> None:
    for gate in (polygon(), polygon(open=[("CD25", "high"), ("CD25", "low"), ("CD127", "high"), ("CD127", "low")])):
        found = gate.evaluate(values_of(CD25=[5.0, bad, 5.0, bad], CD127=[5.0, 5.0, bad, bad]))
        assert found.inside.tolist() == found.defined.tolist() == [True, False, False, False]
        assert not found.complement().inside.any()


def test_what_a_log_scale_cannot_show_is_outside_a_polygon_and_its_complement() -> None:
    gate = polygon([(1.0, 0.0), (100.0, 0.0), (1.0, 10.0)], scales=(Log(), Linear()))
    found = gate.evaluate(values_of(CD25=[2.0, 0.0, -2.0, 1e5], CD127=[0.0, 1.0, 1.0, 1.0]))
    assert found.inside.tolist() == [True, False, False, False]
    assert found.complement().inside.tolist() == [False, False, False, True]


def test_a_flowjo_axis_holds_off_scale_events_at_its_end() -> None:
    gate = polygon([(1e3, 0.0), (1e9, 0.0), (1e9, 10.0), (1e3, 10.0)], scales=(FlowJoBiex(), Linear()))
    assert inside(gate, [2e3, 1e7, 1e12, np.inf], [5.0] * 4) == [True, True, True, False]


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=3, max_size=8), st.integers(0, 7))
def test_where_the_points_begin_and_which_way_they_run_does_not_matter(
    points: list[tuple[int, int]], turn: int
) -> None:
    assume(len(set(points)) > 2)
    expected = inside(polygon(points), *grid(-1, 9, 21))
    turn %= len(points)
    assert inside(polygon(points[turn:] + points[:turn]), *grid(-1, 9, 21)) == expected
    assert inside(polygon(points[::-1]), *grid(-1, 9, 21)) == expected


# ----------------------------------------------------------------------------------------------------- open sides


def test_an_open_side_runs_to_infinity() -> None:
    far = 1e12
    x, y = [5.0, far, far, far, -far, 5.0], [5.0, 5.0, 10.0, 10.001, 5.0, far]
    assert inside(polygon(), x, y) == [True, False, False, False, False, False]
    assert inside(polygon(open=[("CD25", "high")]), x, y) == [True, True, True, False, False, False]
    assert inside(polygon(open=[("CD25", "low")]), x, y) == [True, False, False, False, True, False]
    assert inside(polygon(open=[("CD127", "high")]), x, y) == [True, False, False, False, False, True]
    both = polygon(open=[("CD25", "high"), ("CD127", "high")])
    assert inside(both, x, y) == [True, True, True, True, False, True]
    assert inside(both, [far], [-0.001]) == [False]


def test_the_edge_that_runs_on_is_only_the_outermost_one() -> None:
    # A slanted Treg gate: CD25 high is open from 4 to 8, and the slant from (2, 2) to (10, 8) stays where it is.
    gate = polygon([(2.0, 0.0), (10.0, 4.0), (10.0, 8.0), (2.0, 2.0)], open=[("CD25", "high")])
    assert inside(gate, [50.0, 50.0, 50.0, 50.0, 50.0], [3.9, 4.0, 6.0, 8.0, 8.1]) == [False, True, True, True, False]
    assert inside(gate, [6.0, 6.0], [4.9, 5.1]) == [True, False]


def test_open_sides_work_on_scales() -> None:
    scale = Logicle(w=0.8)
    points = [(3e3, -50.0), (2e5, -50.0), (2e5, 900.0), (3e3, 500.0)]
    gate = polygon(points, scales=(scale, scale), open=[("CD25", "high"), ("CD127", "low")])
    x, y = [2.5e5, 1e9, 1e9, 1e4, 1e4, 2e3], [0.0, 900.0, 901.0, -1e6, 1e3, 0.0]
    assert inside(gate, x, y) == [True, True, False, True, False, False]


def test_open_sides_beyond_the_end_of_a_flowjo_axis() -> None:
    points = [(1e3, 0.0), (1e9, 0.0), (1e9, 10.0), (1e3, 10.0)]
    gate = polygon(points, scales=(FlowJoBiex(), Linear()), open=[("CD25", "high"), ("CD127", "high")])
    assert inside(gate, [1e12, 1e12, 1e12], [5.0, 11.0, -1.0]) == [True, True, False]


# ----------------------------------------------------------------------------------------------------- rectangles


def test_a_rectangle_takes_its_low_bound_and_leaves_its_high_one() -> None:
    gate = rectangle(("CD25", 1.0, 2.0))
    assert inside(gate, [np.nextafter(1.0, 0), 1.0, np.nextafter(2.0, 0), 2.0]) == [False, True, True, False]


def test_a_threshold_is_a_rectangle_with_one_end_open() -> None:
    assert inside(rectangle(("CD25", 1.0, None)), [0.9, 1.0, 1e300]) == [False, True, True]
    assert inside(rectangle(("CD25", None, 1.0)), [-1e300, 0.9, 1.0]) == [True, True, False]


def test_a_rectangle_takes_as_many_channels_as_it_needs() -> None:
    gate = rectangle(("A", 0.0, 1.0), ("B", None, 5.0), ("C", 2.0, None))
    columns = values_of(A=[0, 0, 0, 1], B=[4, 5, 4, 4], C=[2, 2, 1, 2])
    assert gate.evaluate(columns).inside.tolist() == [True, False, False, False]
    assert gate.axes == ("A", "B", "C")


@pytest.mark.parametrize("bad", BAD)
def test_what_is_not_finite_is_outside_a_rectangle_and_its_complement(bad: float) -> None:
    gate = rectangle(("CD25", None, 10.0), ("CD127", 0.0, None))
    found = gate.evaluate(values_of(CD25=[5.0, bad, 5.0, 11.0], CD127=[5.0, 5.0, bad, 5.0]))
    assert found.inside.tolist() == [True, False, False, False]
    assert found.complement().inside.tolist() == [False, False, False, True]


def test_what_a_log_scale_cannot_show_is_outside_a_rectangle_and_its_complement() -> None:
    gate = rectangle(("CD25", None, 10.0), scales=(Log(),))
    found = gate.evaluate(values_of(CD25=[5.0, 0.0, -5.0, 11.0]))
    assert found.inside.tolist() == [True, False, False, False]
    assert found.complement().inside.tolist() == [False, False, False, True]
    assert inside(rectangle(("CD25", None, 10.0)), [5.0, 0.0, -5.0, 11.0]) == [True, True, True, False]


@given(st.floats(-1e6, 1e6), st.lists(st.floats(-1e7, 1e7), min_size=1, max_size=20))
def test_above_and_below_share_the_events(cut: float, x: list[float]) -> None:
    above, below = rectangle(("CD25", cut, None)), rectangle(("CD25", None, cut))
    assert inside(above, x) == [not low for low in inside(below, x)]


# --------------------------------------------------------------------------------------------------- combinations

A, B = mask([1, 1, 0, 0]), mask([1, 0, 1, 0])


@pytest.mark.parametrize(
    ("gate", "expected"),
    [
        (boolean("not", ("A", False)), [0, 0, 1, 1]),
        (boolean("not", ("A", True)), [1, 1, 0, 0]),
        (boolean("all", ("A", False), ("B", False)), [1, 0, 0, 0]),
        (boolean("all", ("A", False), ("B", True)), [0, 1, 0, 0]),
        (boolean("any", ("A", False), ("B", False)), [1, 1, 1, 0]),
        (boolean("any", ("A", True), ("B", False)), [1, 0, 1, 1]),
        (boolean("any", ("A", False), ("B", False), ("C", True)), [1, 1, 1, 1]),
    ],
)
def test_combinations(gate: Boolean, expected: list[int]) -> None:
    found = gate.evaluate({"A": A, "B": B, "C": mask([0, 0, 0, 0])})
    assert found.inside.astype(int).tolist() == expected
    assert found.defined.all()


@pytest.mark.parametrize("complement", [False, True])
def test_an_event_that_cannot_be_placed_is_outside_not_and_all(complement: bool) -> None:
    masks = {"A": mask([0, 1], [0, 1]), "B": mask([1, 1])}
    for gate in (boolean("not", ("A", complement)), boolean("all", ("A", complement), ("B", False))):
        found = gate.evaluate(masks)
        assert not found.inside[0]
        assert found.defined.tolist() == [False, True]


@pytest.mark.parametrize("complement", [False, True])
def test_a_union_is_never_smaller_than_its_members(complement: bool) -> None:
    masks = {"A": mask([0, 0, 1], [0, 0, 1]), "B": mask([1, 0, 1])}
    union = boolean("any", ("A", complement), ("B", False)).evaluate(masks)
    assert union.inside.tolist() == [True, False, True]  # the second cannot be placed by A, and B does not hold it
    assert union.complement().inside.tolist() == [False, False, False]


def test_a_gate_and_its_complement_share_the_events_that_can_be_placed() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(5, 4, 1000)
    x[:50] = rng.choice(BAD, 50)
    gate = polygon()
    found = gate.evaluate(values_of(CD25=x, CD127=rng.normal(5, 4, 1000)))
    rest = boolean("not", ("P", False)).evaluate({"P": found})
    assert found.inside.sum() + rest.inside.sum() == 950
    assert not (found.inside & rest.inside).any()


def test_evaluating_changes_no_mask_and_no_value() -> None:
    first, x = mask([1, 0]), np.array([5.0, np.nan])
    boolean("not", ("A", False)).evaluate({"A": first})
    assert first.inside.tolist() == [True, False]
    x.setflags(write=False)
    polygon(open=[("CD25", "high")]).evaluate(lambda _: x)
    rectangle(("CD25", 0.0, None)).evaluate(lambda _: x)


def test_no_events_make_empty_masks() -> None:
    for gate in (polygon(), rectangle(("CD25", 0.0, None))):
        found = gate.evaluate(values_of(CD25=[], CD127=[]))
        assert found.inside.shape == found.defined.shape == (0,)
        assert found.inside.dtype == found.defined.dtype == np.bool_


# --------------------------------------------------------------------------------------------------------- values


def test_gates_are_frozen_values() -> None:
    gate = polygon([[0, 0], [10, 0], [10, 10]], open=[["CD25", "high"]])
    assert gate.points == ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0))
    assert gate.open == (("CD25", "high"),)
    assert gate == replace(gate)
    assert len({gate, replace(gate), rectangle(("CD25", 1, 2)), rectangle(("CD25", 1.0, 2.0))}) == 2
    assert pickle.loads(pickle.dumps(gate)) == gate
    with pytest.raises(FrozenInstanceError):
        gate.points = ()  # type: ignore[misc]


# ------------------------------------------------------------------------------------------------ words of errors


def on(*channels: str) -> Gate:
    return Polygon(id="P", parent="root", channels=channels, points=SQUARE, scales=LINEAR)  # type: ignore[arg-type]


def wrong(said: str, build: Any) -> Any:
    return pytest.param(said, build, id=said.split("\n", maxsplit=1)[0])


WRONG = [
    wrong(
        "P: 2 different points make no polygon\n  expected   3 different points or more\n"
        "  remedy     add points, or use above and below",
        lambda: polygon([(0.0, 0.0), (10.0, 0.0)]),
    ),
    wrong(
        "P: 2 different points make no polygon\n  expected   3 different points or more\n"
        "  remedy     add points, or use above and below",
        lambda: polygon([(0.0, 0.0), (10.0, 0.0), (0.0, 0.0)]),  # closed by hand: still two points
    ),
    wrong(
        "P: 1 point makes no polygon\n  expected   3 different points or more\n"
        "  remedy     add points, or use above and below",
        lambda: polygon([(1.0, 1.0)] * 5),
    ),
    wrong(
        "P: 0 different points make no polygon\n  expected   3 different points or more\n"
        "  remedy     add points, or use above and below",
        lambda: polygon([]),
    ),
    wrong(
        "P: a coordinate of point (0.0, nan) is nan\n  expected   a finite number",
        lambda: polygon([(1.0, 0.0), (10.0, 0.0), (0.0, math.nan)]),
    ),
    wrong(
        "P: a coordinate of point (inf, 0.0) is inf\n  expected   a finite number",
        lambda: polygon([(1.0, 0.0), (math.inf, 0.0), (0.0, 1.0)]),
    ),
    wrong(
        "P: a coordinate of point (1.0, '5e4') is '5e4'\n  expected   a finite number",
        lambda: polygon([(1.0, "5e4"), (10.0, 0.0), (0.0, 1.0)]),
    ),
    wrong(
        "P: point (1.0, 2.0, 3.0) has 3 coordinates\n  expected   x and y",
        lambda: polygon([(1.0, 2.0, 3.0), (10.0, 0.0), (0.0, 1.0)]),
    ),
    wrong(
        "P: a point at CD127 = 0.0 has no position on a log scale\n  expected   a value above 0\n"
        "  remedy     move the point, or use a logicle scale",
        lambda: polygon(scales=(Linear(), Log())),
    ),
    wrong(
        "P: the points are too far apart on CD25\n  expected   at most 1e150",
        lambda: polygon([(-1e200, 0.0), (1e200, 0.0), (0.0, 1.0)]),
    ),
    wrong("P: polygon on CD25 and CD25\n  expected   two different channels", lambda: on("CD25", "CD25")),
    wrong("P: polygon on CD25\n  expected   two different channels", lambda: on("CD25")),
    wrong("P: polygon on nothing\n  expected   two different channels", on),
    wrong(
        "P: no scale for each axis\n  expected   2 scales of tregflow.transforms, in the order of the axes",
        lambda: polygon(scales=(Linear(),)),  # type: ignore[arg-type]
    ),
    wrong(
        "P: no scale for each axis\n  expected   2 scales of tregflow.transforms, in the order of the axes",
        lambda: polygon(scales=("linear", "linear")),  # type: ignore[arg-type]
    ),
    wrong(
        "P: open: CD4 and high is no side of this polygon\n  expected   one of its channels, and low or high\n"
        "  available  CD25, CD127",
        lambda: polygon(open=[("CD4", "high")]),
    ),
    wrong(
        "P: open: CD25 and up is no side of this polygon\n  expected   one of its channels, and low or high\n"
        "  available  CD25, CD127",
        lambda: polygon(open=[("CD25", "up")]),
    ),
    wrong(
        "P: open: CD25 high: the polygon ends there in the corner (10.0, 5.0), not in an edge\n"
        "  expected   an edge at one value of CD25\n  remedy     give two neighbouring points the highest CD25",
        lambda: polygon([(0.0, 0.0), (10.0, 5.0), (0.0, 10.0)], open=[("CD25", "high")]),
    ),
    wrong(
        "P: open: CD127 low: the polygon ends there in the corner (1.0, 0.0), not in an edge\n"
        "  expected   an edge at one value of CD127\n  remedy     give two neighbouring points the lowest CD127",
        lambda: polygon([(1.0, 0.0), (9.0, 2.0), (5.0, 9.0), (1.0, 0.0)], open=[("CD127", "low")]),
    ),
    wrong(
        "a gate's id is ' '\n  expected   a text that is not blank",
        lambda: replace(polygon(), id=" "),
    ),
    wrong("R: rectangle without bounds\n  expected   a channel with min, max, or both", rectangle),
    wrong(
        "R: CD25 has neither min nor max\n  expected   min, max, or both",
        lambda: rectangle(("CD127", 1.0, None), ("CD25", None, None)),
    ),
    wrong(
        "R: CD25: no value is at least 2.0 and below 2.0\n  expected   min < max",
        lambda: rectangle(("CD25", 2.0, 2.0)),
    ),
    wrong(
        "R: CD25: no value is at least 2.0 and below 1.0\n  expected   min < max",
        lambda: rectangle(("CD25", 2.0, 1.0)),
    ),
    wrong("R: min of CD25 is nan\n  expected   a finite number", lambda: rectangle(("CD25", math.nan, None))),
    wrong("R: max of CD25 is inf\n  expected   a finite number", lambda: rectangle(("CD25", 1.0, math.inf))),
    wrong(
        "R: rectangle with two pairs of bounds on CD25\n  expected   one pair per channel",
        lambda: rectangle(("CD25", 1.0, None), ("CD25", None, 2.0)),
    ),
    wrong(
        "R: no scale for each axis\n  expected   2 scales of tregflow.transforms, in the order of the axes",
        lambda: rectangle(("CD25", 1.0, None), ("CD127", None, 2.0), scales=(Linear(),)),
    ),
    wrong("X: 'all' of 0 populations\n  expected   2 populations or more", lambda: boolean("all")),
    wrong("X: 'any' of 1 populations\n  expected   2 populations or more", lambda: boolean("any", ("A", False))),
    wrong("X: 'not' of 0 populations\n  expected   1 population", lambda: boolean("not")),
    wrong("X: 'not' of 2 populations\n  expected   1 population", lambda: boolean("not", ("A", False), ("C", False))),
    wrong("X: there is no operator 'xor'\n  available  not, all, any", lambda: boolean("xor", ("A", False))),
    wrong("X: the gate refers to itself\n  expected   other populations", lambda: boolean("not", ("X", False))),
    wrong(
        "X: there is no population A\n  available  B, C",
        lambda: boolean("not", ("A", False)).evaluate({"B": B, "C": B}),
    ),
    wrong(
        "x has shape (2,) and y (1,)\n  expected   two columns of one length",
        lambda: inside(polygon(), [1.0, 2.0], [1.0]),
    ),
]


@pytest.mark.parametrize(("said", "build"), WRONG)
def test_the_words_of_every_error(said: str, build: Any) -> None:
    with pytest.raises(GateError) as caught:
        build()
    assert str(caught.value) == said
    assert caught.value.code in ("E_GATE", "E_KERNEL")
