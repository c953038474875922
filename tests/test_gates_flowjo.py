"""Gates on their scales, turned inside out, and as FlowJo counts them: the grid, and the ends of clamped axes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tregflow import read_fcs
from tregflow.errors import GateError
from tregflow.gates import Ellipsoid, Polygon, Rectangle
from tregflow.interop.xml import parse_xml
from tregflow.transforms import Asinh, FlowJoBiex, FlowJoLinear, FlowJoLog, Hyperlog, Linear, Log, Logicle, Scale

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from tregflow.gates import Values

SQUARE = ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0))
UNIT = Linear(t=1)
CURVED: list[Scale] = [Logicle(), Hyperlog(), Asinh(), Log(), FlowJoBiex(), FlowJoLog()]
EVERY: list[Scale] = [*CURVED, Linear(), FlowJoLinear(5e4, 1.5e5)]
kinds = {"ids": lambda scale: scale.kind}


def values_of(x: ArrayLike, y: ArrayLike = ()) -> Values:
    return lambda name: np.asarray({"CD25": x, "CD127": y}[name], np.float64)


def polygon(points: Any = SQUARE, scales: Any = (UNIT, UNIT), **other: Any) -> Polygon:
    return Polygon(id="P", parent="root", channels=("CD25", "CD127"), points=points, scales=scales, **other)


def rectangle(low: float | None, high: float | None, scale: Scale | None, **other: Any) -> Rectangle:
    scales = () if scale is None else (scale,)
    return Rectangle(id="R", parent="root", bounds=(("CD25", low, high),), scales=scales, **other)


def inside(gate: Polygon | Rectangle | Ellipsoid, x: ArrayLike, y: ArrayLike = ()) -> list[bool]:
    return list(gate.evaluate(values_of(x, y)).inside.tolist())


def some_data(scale: Scale, n: int = 2000, seed: int = 0) -> NDArray[np.float64]:
    """Return intensities all over the axis and beyond its ends."""
    return scale.inverse(np.random.default_rng(seed).uniform(-0.1, 1.1, n))


# --------------------------------------------------------------------------------------------------- on the scale


@pytest.mark.parametrize("scale", EVERY, **kinds)
def test_points_on_the_scale_make_the_polygon_that_they_make_in_data_units(scale: Scale) -> None:
    points = np.array([(0.2, 0.1), (0.9, 0.3), (0.7, 0.8), (0.3, 0.6)])
    on_scale = polygon(points, (scale, scale), units="scale")
    in_data = polygon(scale.inverse(points), (scale, scale))
    x, y = some_data(scale), some_data(scale, seed=1)
    assert inside(on_scale, x, y) == inside(in_data, x, y)
    assert 0 < sum(inside(on_scale, x, y)) < x.size
    for bins in (256, 1024):
        assert inside(replace(on_scale, bins=bins), x, y) == inside(replace(in_data, bins=bins), x, y)


def test_a_point_on_the_scale_is_a_position_whatever_the_scale_can_show() -> None:
    gate = polygon([(-1.0, -1.0), (2.0, -1.0), (2.0, 2.0), (-1.0, 2.0)], (Log(100, 2), UNIT), units="scale")
    found = gate.evaluate(values_of([0.01, 0.0099, 1e4, 1e4 + 1, 0.0, -5.0], [0.0] * 6))
    assert found.inside.tolist() == [True, False, True, False, False, False]
    assert found.complement().inside.tolist() == [False, True, False, True, False, False]


def test_an_axis_without_transformation_is_the_value_itself() -> None:
    x = np.array([0.1, np.nextafter(0.1, 0), 0.3, np.nextafter(0.3, 1)])
    points = [(0.1, 0.0), (0.3, 0.0), (0.3, 1.0), (0.1, 1.0)]
    assert inside(polygon(points, units="scale"), x, [0.5] * 4) == [True, False, True, False]
    assert inside(rectangle(0.1, 0.3, UNIT, units="scale"), x) == [True, False, False, False]


def test_a_rectangle_on_the_scale_compares_positions() -> None:
    scale = Linear(t=3)
    x = np.arange(-3.0, 7.0)
    low, high = float(scale.apply(1.0)), float(scale.apply(5.0))
    assert inside(rectangle(low, high, scale, units="scale"), x) == [bool(low <= v / 3 < high) for v in x]
    assert inside(rectangle(1.0, 5.0, scale), x) == [bool(1 <= v < 5) for v in x]


@pytest.mark.parametrize("scale", EVERY, **kinds)
def test_a_rectangle_is_the_same_on_the_scale_and_in_data_units(scale: Scale) -> None:
    x = some_data(scale)
    for low, high in ((0.25, 0.75), (None, 0.6), (0.4, None)):
        bounds = [None if end is None else float(scale.inverse(end)) for end in (low, high)]
        assert inside(rectangle(low, high, scale, units="scale"), x) == inside(rectangle(*bounds, scale), x)


@pytest.mark.parametrize("outside", [False, True])
def test_log_of_nothing_is_outside_a_rectangle_on_the_scale_and_its_complement(outside: bool) -> None:
    gate = rectangle(None, 0.5, Log(100, 2), units="scale", outside=outside)
    found = gate.evaluate(values_of([0.0, -1.0, 1.0, 50.0]))
    assert found.inside.tolist() == [False, False, not outside, outside]
    assert found.complement().inside.tolist() == [False, False, outside, not outside]


def test_a_position_on_a_clamped_axis_never_passes_its_end() -> None:
    assert inside(rectangle(0.0, 1.0, FlowJoBiex(), units="scale"), [-1e9, 1e3, 1e9]) == [True, True, False]
    assert inside(rectangle(1.0, None, FlowJoBiex(), units="scale"), [1e3, 1e9]) == [False, True]


# ------------------------------------------------------------------------------------------------------ inside out


@pytest.mark.parametrize(
    "gate",
    [
        polygon(),
        polygon(bins=8),
        polygon(open=[("CD25", "high")]),
        polygon(units="scale"),
        rectangle(2.0, 7.0, None),
        rectangle(2.0, 7.0, UNIT, units="scale"),
        rectangle(2.0, None, FlowJoBiex(), flowjo=True),
        Ellipsoid(
            id="E",
            parent="root",
            channels=("CD25", "CD127"),
            mean=(5, 5),
            covariance=((9, 1), (1, 4)),
            distance2=1,
            scales=(UNIT, UNIT),
        ),
    ],
)
def test_a_gate_turned_inside_out_is_its_complement_and_nan_is_nowhere(gate: Any) -> None:
    rng = np.random.default_rng(3)
    x, y = rng.uniform(-5, 15, (2, 2000))
    x[:30], y[20:50] = np.repeat([np.nan, np.inf, -np.inf], 10), np.repeat([np.nan, np.inf, -np.inf], 10)
    there = gate.evaluate(values_of(x, y))
    turned = replace(gate, outside=True).evaluate(values_of(x, y))
    assert (there.defined == turned.defined).all()
    assert (turned.inside == there.complement().inside).all()
    assert (turned.complement().inside == there.inside).all()
    bad = ~np.isfinite(x) | (~np.isfinite(y) if "CD127" in gate.axes else False)
    for mask in (there, there.complement(), turned, turned.complement()):
        assert not mask.inside[bad].any()
    assert (there.inside ^ turned.inside == ~bad).all()


# -------------------------------------------------------------------------------------------------- FlowJo's grid


def test_on_the_grid_events_and_vertices_are_both_put_into_bins() -> None:
    # A 1-bin rim: everything in the bins of the outline is inside, whichever side of the edge it lies on.
    scale = FlowJoLinear(0, 256)
    gate = polygon([(9.6, 9.6), (20.4, 9.6), (20.4, 20.4), (9.6, 20.4)], (scale, scale), bins=256)
    x = np.array([9.49, 9.5, 9.55, 20.4, 20.49, 20.5])
    assert inside(gate, x, [15.0] * 6) == [False, True, True, True, True, False]
    assert inside(replace(gate, bins=None), x, [15.0] * 6) == [False, False, False, True, False, False]


def test_on_the_grid_of_a_biexponential_axis_bins_are_floored() -> None:
    scale = FlowJoBiex()
    at = scale.inverse(np.array([100.0, 100.9, 180.0, 180.9, 181.0, 99.9]) / 256)
    low, high = at[1], at[2]  # bins 100 and 180
    gate = polygon([(low, low), (high, low), (high, high), (low, high)], (scale, scale), bins=256)
    middle = np.full(6, float(scale.inverse(0.55)))
    assert inside(gate, at, middle) == [True, True, True, True, False, False]
    assert inside(replace(gate, bins=None), at, middle) == [False, True, True, False, False, False]


@pytest.mark.parametrize("scale", EVERY, **kinds)
@pytest.mark.parametrize("bins", [16, 256, 1024])
def test_the_grid_is_the_polygon_of_whole_numbers(scale: Scale, bins: int) -> None:
    points = scale.inverse(np.array([(0.2, 0.1), (0.9, 0.3), (0.7, 0.8), (0.3, 0.6), (0.5, 0.4)]))
    gate = polygon(points, (scale, scale), bins=bins)
    px, py = gate.vertices
    assert (px == np.round(px)).all()
    whole = polygon(np.column_stack([px, py]), (UNIT, UNIT))
    x, y = some_data(scale), some_data(scale, seed=1)
    assert inside(gate, x, y) == inside(whole, scale.bins(x, bins), scale.bins(y, bins))
    exact = inside(replace(gate, bins=None), x, y)
    assert np.mean(np.array(exact) != inside(gate, x, y)) < 5 / bins


def test_what_lies_beyond_a_clamped_axis_is_on_the_grid_with_its_end() -> None:
    scale = FlowJoBiex()
    bottom, top = scale.inverse([0.0, 1.0])
    gate = polygon([(1e3, bottom), (1e6, bottom), (1e6, top), (1e3, top)], (scale, scale), bins=256)
    assert inside(gate, [1e9, 1e9, 2e3, 500.0], [1e9, -1e9, 1e9, 0.0]) == [True, True, True, False]


def test_a_polygon_whose_vertices_share_one_bin_holds_that_bin() -> None:
    scale = FlowJoLinear(0, 256)
    gate = polygon([(9.6, 9.6), (10.4, 9.6), (10.4, 10.4)], (scale, scale), bins=256)
    assert inside(gate, [9.5, 10.49, 10.5], [10.0, 9.5, 10.0]) == [True, True, False]


def test_open_sides_run_to_infinity_on_the_grid() -> None:
    scale = FlowJoLinear(0, 256)
    sides = [("CD25", "high"), ("CD127", "low")]
    gate = polygon([(10, 10), (20, 10), (20, 20), (10, 20)], (scale, scale), bins=256, open=sides)
    x, y = [1e9, 1e308, 15, 15, 9.4, 9.6, 15], [15, 15, -1e9, 1e9, 15, 9.6, 20.4]
    assert inside(gate, x, y) == [True, True, True, False, False, True, True]
    slanted = polygon([(2, 0), (10, 4), (10, 8), (2, 2)], (scale, scale), bins=256, open=[("CD25", "high")])
    assert inside(slanted, [50.0] * 5, [3.4, 3.5, 8.4, 8.5, -1]) == [False, True, True, False, False]


# -------------------------------------------------------------------------------- rectangles at the ends of a chart


def test_a_bound_at_the_end_of_a_clamped_axis_is_open_for_flowjo() -> None:
    scale = FlowJoBiex()
    low, high = scale.inverse([0.0, 1.0])
    x = [-1e9, low, 1e3, high, 1e9, np.nan, np.inf]
    exact, theirs = rectangle(low, high, scale), rectangle(low, high, scale, flowjo=True)
    assert inside(exact, x) == [False, True, True, False, False, False, False]
    assert inside(theirs, x) == [True, True, True, True, True, False, False]
    assert inside(rectangle(low * 2, 1e3, scale, flowjo=True), x) == [True, True, False, False, False, False, False]
    assert inside(rectangle(1e3, high * 2, scale, flowjo=True), x) == [False, False, True, True, True, False, False]
    assert inside(replace(theirs, outside=True), x) == [False] * 7


def test_a_bound_written_with_few_digits_is_still_at_the_end() -> None:
    scale = FlowJoBiex()
    low, high = (float(f"{end:.8g}") for end in scale.inverse([0.0, 1.0]))
    assert inside(rectangle(low, high, scale, flowjo=True), [-1e9, 1e9]) == [True, True]


def test_a_bound_within_the_axis_is_exact_for_flowjo() -> None:
    scale = FlowJoBiex()
    low, high = scale.inverse([0.001, 0.999])
    x = [-1e9, np.nextafter(low, -1e9), low, np.nextafter(high, 0), high, 1e9]
    assert inside(rectangle(low, high, scale, flowjo=True), x) == [False, False, True, True, False, False]


def test_a_log_axis_of_flowjo_clamps_at_its_low_end_only() -> None:
    scale = FlowJoLog(offset=10, decades=4)
    x = [-5.0, 0.0, 9.0, 10.0, 1e4, 1e5, 1e9]
    assert inside(rectangle(10, 1e5, scale, flowjo=True), x) == [True, True, True, True, True, False, False]
    assert inside(rectangle(1, 1e5, scale, flowjo=True), x)[:4] == [True] * 4
    assert inside(rectangle(11, None, scale, flowjo=True), x) == [False, False, False, False, True, True, True]


def test_bounds_on_the_scale_are_open_at_the_ends_of_a_clamped_axis_too() -> None:
    gate = rectangle(0.0, 1.0, FlowJoBiex(), units="scale", flowjo=True)
    assert inside(gate, [-1e9, 1e3, 1e9]) == [True, True, True]
    assert inside(rectangle(0.5, 2.0, FlowJoBiex(), units="scale", flowjo=True), [-1e9, 1e3, 1e9])[::2] == [False, True]


@pytest.mark.parametrize("scale", [s for s in EVERY if not any(s.clamped)], **kinds)
def test_what_does_not_clamp_has_no_ends(scale: Scale) -> None:
    low, high = scale.inverse([0.0, 1.0])
    x = some_data(scale)
    assert inside(rectangle(low, high, scale, flowjo=True), x) == inside(rectangle(low, high, scale), x)


def test_without_scales_flowjo_has_nothing_to_open() -> None:
    assert inside(rectangle(0.0, 262144.0, None, flowjo=True), [-1.0, 0.0, 262144.0]) == [False, True, False]


# ------------------------------------------------------------------------------------------------------ invariance

EIGHTHS = st.integers(-80, 80).map(lambda n: n / 8)
POINTS = st.lists(st.tuples(EIGHTHS, EIGHTHS), min_size=3, max_size=9).filter(lambda p: len(set(p)) > 2)
SHIFT = st.integers(-(2**20), 2**20).map(lambda n: n / 8)


@given(POINTS, st.integers(0, 8), st.sampled_from([None, 256]))
def test_neither_first_vertex_nor_direction_matter(
    points: list[tuple[float, float]], turn: int, bins: int | None
) -> None:
    scale = FlowJoLinear(-10, 10)
    x, y = (axis.ravel() / 8 for axis in np.meshgrid(np.arange(-82, 83, 3), np.arange(-82, 83, 2)))
    x, y = np.concatenate([x, *(np.array(points).T[:1])]), np.concatenate([y, *(np.array(points).T[1:])])
    expected = inside(polygon(points, (scale, scale), bins=bins), x, y)
    turn %= len(points)
    turned = points[turn:] + points[:turn]
    assert inside(polygon(turned, (scale, scale), bins=bins), x, y) == expected
    assert inside(polygon(turned[::-1], (scale, scale), bins=bins), x, y) == expected
    assert all(expected[-len(points) :])


@given(POINTS, SHIFT, SHIFT)
def test_a_shift_by_what_floats_can_show_matters_nothing(
    points: list[tuple[float, float]], right: float, up: float
) -> None:
    x, y = (axis.ravel() / 8 for axis in np.meshgrid(np.arange(-82, 83, 3), np.arange(-82, 83, 2)))
    moved = [(px + right, py + up) for px, py in points]
    assert inside(polygon(moved), x + right, y + up) == inside(polygon(points), x, y)
    assert inside(polygon(moved, units="scale"), x + right, y + up) == inside(polygon(points), x, y)


@given(POINTS, st.integers(-4000, 4000), st.integers(-4000, 4000))
def test_a_shift_by_whole_bins_matters_nothing_on_the_grid(
    points: list[tuple[float, float]], right: int, up: int
) -> None:
    scales = (Linear(256), Linear(256))
    x, y = (axis.ravel() / 8 for axis in np.meshgrid(np.arange(-82, 83, 3), np.arange(-82, 83, 2)))
    moved = [(px + right, py + up) for px, py in points]
    gate, shifted = polygon(points, scales, bins=256), polygon(moved, scales, bins=256)
    assert inside(shifted, x + right, y + up) == inside(gate, x, y)


# ------------------------------------------------------------------------------------------------------ partitions

WHOLE = st.integers(-90, 90)


@given(WHOLE, WHOLE, st.lists(st.integers(-99, 99), min_size=4, max_size=4))
def test_four_slanted_quadrants_count_each_interior_event_once(cx: int, cy: int, ends: list[int]) -> None:
    """Four rays run from the centre to the sides of a box; between two neighbours lies a quadrangle."""
    east, north, west, south = (100, ends[0]), (ends[1], 100), (-100, ends[2]), (ends[3], -100)
    corners = [(100, 100), (-100, 100), (-100, -100), (100, -100)]
    rays = [east, north, west, south, east]
    quadrants = [polygon([(cx, cy), rays[k], corners[k], rays[k + 1]]) for k in range(4)]
    x, y = (axis.ravel().astype(float) for axis in np.meshgrid(np.arange(-99, 100, 3), np.arange(-99, 100, 3)))
    x, y = np.append(x, cx), np.append(y, cy)
    on_edge = np.zeros(x.size, bool)
    for ex, ey in rays[:4]:
        beyond = (ex - cx) * (x - cx) + (ey - cy) * (y - cy)
        on_edge |= ((ex - cx) * (y - cy) == (ey - cy) * (x - cx)) & (beyond >= 0)
    count = np.sum([inside(quadrant, x, y) for quadrant in quadrants], axis=0)
    assert (count[~on_edge] == 1).all()
    assert (count[on_edge] >= 2).all()
    assert count[-1] == 4


@pytest.mark.parametrize("bins", [None, 256])
@pytest.mark.parametrize("scale", EVERY, **kinds)
def test_four_open_quadrants_count_each_interior_event_of_the_plane_once(scale: Scale, bins: int | None) -> None:
    low, cut, high = (float(value) for value in scale.inverse([0.2, 0.5, 0.8]))
    quadrants = [
        polygon(
            [(cut, cut), (end_x, cut), (end_x, end_y), (cut, end_y)],
            (scale, scale),
            bins=bins,
            open=[("CD25", "low" if end_x == low else "high"), ("CD127", "low" if end_y == low else "high")],
        )
        for end_x in (low, high)
        for end_y in (low, high)
    ]
    rng = np.random.default_rng(4)
    x, y = scale.inverse(rng.uniform(-0.5, 1.5, (2, 3000)))
    x[:20], y[10:30], x[40:60] = 1e30, 1e30, cut
    place = (lambda v: scale.bins(v, bins)) if bins else scale.apply
    on_edge = (place(x) == place(np.array(cut))) | (place(y) == place(np.array(cut)))
    count = np.sum([inside(quadrant, x, y) for quadrant in quadrants], axis=0)
    assert (count[~on_edge] == 1).all()
    assert (count[on_edge] >= 2).all()
    assert on_edge[40:60].all()


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=40), st.sampled_from(EVERY))
def test_nan_is_nowhere(x: list[float], scale: Scale) -> None:
    y = x[::-1]
    low, high = (float(value) for value in scale.inverse([0.2, 0.8]))
    points = [(low, low), (high, low), (high, high), (low, high)]
    every_side = [(name, end) for name in ("CD25", "CD127") for end in ("low", "high")]
    gates: list[Polygon | Rectangle | Ellipsoid] = [
        polygon(points, (scale, scale)),
        polygon(points, (scale, scale), bins=256, open=every_side),
        Rectangle(id="R", parent="root", bounds=(("CD25", low, None), ("CD127", None, high)), scales=(scale, scale)),
        Ellipsoid(
            id="E",
            parent="root",
            channels=("CD25", "CD127"),
            mean=(0.5, 0.5),
            covariance=((0.1, 0.0), (0.0, 0.1)),
            distance2=1.0,
            scales=(scale, scale),
        ),
    ]
    somewhere = scale.defined(x) & scale.defined(y)
    assert not somewhere[~np.isfinite(x)].any()
    for gate in gates:
        found = gate.evaluate(values_of(x, y))
        assert (found.inside ^ found.complement().inside == somewhere).all()


# ----------------------------------------------------------------------------------------------- FlowJo's own counts

G = "{http://www.isac-net.org/std/Gating-ML/v2.0/gating}"
T = "{http://www.isac-net.org/std/Gating-ML/v2.0/transformations}"
D = "{http://www.isac-net.org/std/Gating-ML/v2.0/datatypes}"


def workspace(folder: Path, name: str) -> tuple[Any, dict[str, Scale]]:
    """Return the node of the one sample of a workspace, and its linear axes."""
    sample = parse_xml(folder / name).find("SampleList/Sample")
    axes: dict[str, Scale] = {}
    for axis in sample.find("Transformations"):
        ends = (float(axis.get(f"{T}{end}")) for end in ("minRange", "maxRange"))
        axes[axis.find(f"{D}parameter").get(f"{D}name")] = FlowJoLinear(*ends)
    return sample.find("SampleNode"), axes


def numbers(element: Any) -> list[tuple[float, float]]:
    vertices = [[float(at.get(f"{D}value")) for at in vertex] for vertex in element.findall(f"{G}vertex")]
    return [(x, y) for x, y in vertices]


@pytest.fixture(scope="module")
def line(data_dir: Path) -> Values:
    sample = read_fcs(data_dir / "flowjo_simple" / "data_set_simple_line_100.fcs")
    return lambda name: sample.values(name).astype(np.float64)


def test_a_polygon_of_flowjo_holds_what_flowjo_counted(data_dir: Path, line: Values) -> None:
    node, axes = workspace(data_dir / "flowjo_simple", "simple_poly_and_rect_v2_poly50.wsp")
    (population,) = (entry for entry in node.iter("Population") if entry.get("name") == "poly1")
    element = population.find(f"Gate/{G}PolygonGate")
    names = tuple(axis.get(f"{D}name") for axis in element.iter(f"{D}fcs-dimension"))
    gate = Polygon(
        id="poly1",
        parent="root",
        channels=names,  # type: ignore[arg-type]
        points=numbers(element),  # type: ignore[arg-type]
        scales=tuple(axes[name] for name in names),  # type: ignore[arg-type]
    )
    on_grid = replace(gate, bins=int(element.get("gateResolution")))
    assert on_grid.evaluate(line).inside.sum() == int(population.get("count")) == 0
    assert gate.evaluate(line).inside.sum() == 50


def test_an_ellipse_of_flowjo_holds_what_flowjo_counted(data_dir: Path, line: Values) -> None:
    node, axes = workspace(data_dir / "flowjo_simple", "single_ellipse_51_events.wsp")
    (population,) = node.iter("Population")
    element = population.find(f"Gate/{G}EllipsoidGate")
    names = tuple(axis.get(f"{D}name") for axis in element.iter(f"{D}fcs-dimension"))
    foci, edge = (np.array(numbers(element.find(f"{G}{part}"))) / 256 for part in ("foci", "edge"))
    half, to_focus = (np.linalg.norm(pair[1] - pair[0]) / 2 for pair in (edge, foci))
    turn = math.atan2(*(foci[1] - foci[0])[::-1])
    axis = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    gate = Ellipsoid(
        id="ellipse1",
        parent="root",
        channels=names,
        mean=tuple(foci.mean(axis=0)),
        covariance=axis @ np.diag([half**2, half**2 - to_focus**2]) @ axis.T,
        distance2=1.0,
        scales=tuple(axes[name] for name in names),
    )
    assert gate.evaluate(line).inside.sum() == 51
    assert replace(gate, bins=256).evaluate(line).inside.sum() == int(population.get("count")) == 51


# ------------------------------------------------------------------------------------------------ words of errors

WRONG: list[tuple[str, Any]] = [
    ("P: there are no units 'px'\n  available  data, scale", lambda: polygon(units="px")),
    ("R: there are no units None\n  available  data, scale", lambda: rectangle(1.0, 2.0, UNIT, units=None)),
    (
        "R: no scale for each axis\n  expected   1 scale of tregflow.transforms, in the order of the axes",
        lambda: rectangle(1.0, 2.0, None, units="scale"),
    ),
    (
        "P: bins is 0\n  expected   a whole number from 1 to 65536, 256 in most FlowJo gates, or None: no grid",
        lambda: polygon(bins=0),
    ),
    (
        "P: bins is 70000\n  expected   a whole number from 1 to 65536, 256 in most FlowJo gates, or None: no grid",
        lambda: polygon(bins=70_000),
    ),
    (
        "P: the points are too far apart on CD127\n  expected   at most 1e150",
        lambda: polygon([(0, 0), (1, 1e200), (1, 0)], (Logicle(), Logicle()), units="scale"),
    ),
    (
        "P: the points are too far apart on CD25\n  expected   at most 1e150",
        lambda: polygon([(0, 0), (1e149, 1), (1, 0)], (Linear(1e-50), UNIT), bins=256),
    ),
]


@pytest.mark.parametrize(("said", "build"), WRONG, ids=[said.split("\n")[0] for said, _ in WRONG])
def test_the_words_of_every_error(said: str, build: Any) -> None:
    with pytest.raises(GateError) as caught:
        build()
    assert str(caught.value) == said
    assert caught.value.code == "E_GATE"
