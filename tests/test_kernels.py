"""The compiled kernels against the NumPy expressions they replace, and in a place where nothing can be cached."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tregflow._kernels import _jit, hyperlog, in_ellipsoid, in_polygon, in_range, logicle, logicles, polygons, raster
from tregflow._kernels._jit import njit
from tregflow.errors import GateError, ScaleError
from tregflow.transforms import Logicle

if TYPE_CHECKING:
    from numpy.typing import NDArray

Points = list[tuple[float, float]]

BOW_TIE = [(0, 0), (4, 4), (4, 0), (0, 4)]
CONCAVE = [(0, 0), (8, 0), (8, 8), (4, 2), (0, 8)]
PENTAGRAM = [(5, 10), (8, 0), (0, 6), (10, 6), (2, 0)]


def in_polygon_numpy(
    x: NDArray[np.float64], y: NDArray[np.float64], px: NDArray[np.float64], py: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return what the kernel's comment says in NumPy: every edge for every event, no short cut."""
    inside, on = np.zeros(x.size, bool), np.zeros(x.size, bool)
    for ax, ay, bx, by in zip(np.roll(px, 1), np.roll(py, 1), px, py, strict=True):
        cross = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
        on |= (cross == 0) & (min(ax, bx) <= x) & (x <= max(ax, bx)) & (min(ay, by) <= y) & (y <= max(ay, by))
        inside ^= ((ay <= y) != (by <= y)) & ((cross > 0) == (by > ay))
    return inside | on


def grid(low: float, high: float, n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, y = np.meshgrid(np.linspace(low, high, n), np.linspace(low, high, n))
    return x.ravel(), y.ravel()


def drawn(points: Points, low: int, high: int) -> list[str]:
    """Return the polygon as text on the integer grid, top row first."""
    size = high - low + 1
    inside = in_polygon(*grid(low, high, size), *np.array(points, float).T).reshape(size, size)
    return ["".join("#" if cell else "." for cell in row) for row in inside[::-1]]


# ------------------------------------------------------------------------------------------------------- polygons


def test_a_square_on_a_unit_grid_holds_all_its_boundary() -> None:
    inside = in_polygon(*grid(-1, 11, 13), np.array([0, 10, 10, 0]), np.array([0, 0, 10, 10]))
    assert inside.sum() == 121


def test_a_bow_tie_is_even_odd_with_its_boundary_and_crossing() -> None:
    assert drawn(BOW_TIE, -1, 5) == [
        ".......",
        ".#...#.",
        ".##.##.",
        ".#####.",
        ".##.##.",
        ".#...#.",
        ".......",
    ]


def test_a_concave_polygon_leaves_its_bay_out() -> None:
    assert drawn(CONCAVE, 0, 8)[:3] == ["#.......#", "#.......#", "##.....##"]


def test_what_is_enclosed_twice_is_outside() -> None:
    # Non-zero winding would take the pentagon in the middle in.
    assert in_polygon([5.0, 5.0], [4.0, 8.0], *np.array(PENTAGRAM, float).T).tolist() == [False, True]


def test_a_polygon_without_area_holds_its_line() -> None:
    assert in_polygon([0.0, 1.0, 2.0, 3.0, 1.0], [0.0, 1.0, 2.0, 3.0, 2.0], [0, 2, 1], [0, 2, 1]).tolist() == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_a_point_as_edge_is_that_point() -> None:
    x, y = grid(-2, 2, 9)
    assert in_polygon(x, y, [0, 0], [0, 0]).sum() == 1
    # A repeated vertex adds nothing.
    square = in_polygon(x, y, [0, 1, 1, 0], [0, 0, 1, 1])
    assert (in_polygon(x, y, [0, 0, 1, 1, 1, 0, 0], [0, 0, 0, 1, 1, 1, 0]) == square).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_outside(bad: float) -> None:
    assert not in_polygon([bad, 0.5, bad], [0.5, bad, bad], [0, 1, 1, 0], [0, 0, 1, 1]).any()


@pytest.mark.parametrize("n_vertices", [3, 5, 20, 128])
def test_polygons_equal_numpy_on_a_grid_full_of_edges(n_vertices: int) -> None:
    rng = np.random.default_rng(n_vertices)
    x, y = grid(0, 20, 41)  # half steps, vertices on whole ones: many events on edges, vertices and crossings
    for _ in range(20):
        px, py = rng.integers(0, 21, (2, n_vertices)).astype(float)
        assert (in_polygon(x, y, px, py) == in_polygon_numpy(x, y, px, py)).all()


def test_polygons_equal_numpy_with_thousands_of_vertices_through_the_events() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 60, (2, 2000)).astype(float)
    pick = rng.integers(0, x.size, 3000)
    inside = in_polygon(x, y, x[pick], y[pick])
    assert (inside == in_polygon_numpy(x, y, x[pick], y[pick])).all()
    assert inside[pick].all()


def test_polygons_equal_numpy_on_random_floats() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.random((2, 100_000))
    px, py = rng.random((2, 30))
    assert (in_polygon(x, y, px, py) == in_polygon_numpy(x, y, px, py)).all()


def test_multiplication_and_addition_are_rounded_apart() -> None:
    # Events near a slanted edge, where the two products are equal once rounded and different before. A fused
    # multiply-add rounds once, sees a difference, and puts half of them outside.
    t = np.arange(1, 100_000) / 99_999
    ax, ay, bx, by = 0.1, 0.3, 0.7, 1.9
    x, y = ax + t * (bx - ax), ay + t * (by - ay)
    cross = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
    exact = [
        (Fraction(bx) - Fraction(ax)) * (Fraction(v) - Fraction(ay))
        - (Fraction(by) - Fraction(ay)) * (Fraction(u) - Fraction(ax))
        for u, v in zip(x[::100], y[::100], strict=True)
    ]
    telling = (cross[::100] == 0) & np.array([difference != 0 for difference in exact])
    assert telling.sum() > 100
    px, py = np.array([ax, bx, 5.0]), np.array([ay, by, -5.0])
    assert in_polygon(x[::100], y[::100], px, py)[telling].all()
    px, py = np.array([ax, bx, -5.0]), np.array([ay, by, 5.0])  # the other side of the edge
    assert in_polygon(x[::100], y[::100], px, py)[telling].all()


@given(
    st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=3, max_size=12),
    st.integers(0, 11),
    st.randoms(use_true_random=False),
)
def test_where_the_list_of_vertices_begins_does_not_matter(points: Points, turn: int, random: object) -> None:
    px, py = np.array(points).T
    rng = np.random.default_rng(random.getrandbits(32))  # type: ignore[attr-defined]
    x = np.concatenate([px, (px + np.roll(px, 1)) / 2, rng.uniform(px.min(), px.max(), 50)])
    y = np.concatenate([py, (py + np.roll(py, 1)) / 2, rng.uniform(py.min(), py.max(), 50)])
    assert (in_polygon(x, y, np.roll(px, turn), np.roll(py, turn)) == in_polygon(x, y, px, py)).all()


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=3, max_size=12))
def test_the_direction_of_the_vertices_does_not_matter(points: Points) -> None:
    # On whole numbers, where the cross product is exact: on others, the two directions may round apart.
    px, py = np.array(points, float).T
    x, y = grid(-1, 13, 29)
    assert (in_polygon(x, y, px[::-1], py[::-1]) == in_polygon(x, y, px, py)).all()
    assert in_polygon(px, py, px, py).all()


def test_any_numbers_and_layout_are_decided_in_float64() -> None:
    rng = np.random.default_rng(3)
    table = rng.random((1000, 4)).astype(np.float32)
    px, py = np.array([0.1, 0.9, 0.3]), np.array([0.2, 0.4, 0.9])
    expected = in_polygon_numpy(table[:, 1].astype(float), table[:, 3].astype(float), px, py)
    assert (in_polygon(table[:, 1], table[:, 3], px, py) == expected).all()
    assert (in_polygon(table[:, 1], table[:, 3], list(px), list(py)) == expected).all()
    # Beside the long edge by less than float32 can tell: there, both would be on it.
    long_x, long_y = np.array([0, 100_003, 0], np.float32), np.array([0, 99_991, 99_991], np.float32)
    x, y = np.array([50_001, 50_001, 50_000], np.float32), np.array([49_994, 49_995, 49_994], np.float32)
    assert in_polygon(x, y, long_x, long_y).tolist() == [False, False, False]
    assert in_polygon(x, y + 1, long_x, long_y).tolist() == [False, True, True]


def test_no_events() -> None:
    assert in_polygon([], [], [0, 1, 1], [0, 0, 1]).shape == (0,)


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(GateError) as caught:
        in_polygon([1.0, 2.0, 3.0], [1.0, 2.0], [0, 1, 1], [0, 0, 1])
    assert str(caught.value) == "x has shape (3,) and y (2,)\n  expected   two columns of one length"
    assert caught.value.code == "E_KERNEL"


def test_a_polygon_without_vertices_is_refused() -> None:
    with pytest.raises(GateError) as caught:
        in_polygon([1.0], [1.0], [], [])
    assert str(caught.value) == "a polygon without vertices"


# ------------------------------------------------------------------------------------------ rectangles, ellipsoids


def test_ranges_equal_numpy() -> None:
    rng = np.random.default_rng(5)
    x = rng.integers(0, 10, 1000).astype(float)
    x[:3] = np.nan, np.inf, -np.inf
    for low, high in ((2.0, 7.0), (-np.inf, 7.0), (2.0, np.inf), (-np.inf, np.inf)):
        assert (in_range(x, low, high) == ((low <= x) & (x < high))).all()
    assert in_range(x.astype(np.float32)[::2], 2.0, 7.0).tolist() == in_range(x[::2], 2.0, 7.0).tolist()
    assert in_range([], 0.0, 1.0).shape == (0,)


@pytest.mark.parametrize("n_axes", [1, 2, 3, 5])
def test_ellipsoids_equal_numpy(n_axes: int) -> None:
    rng = np.random.default_rng(n_axes)
    root = rng.normal(size=(n_axes, n_axes + 2))
    form, mean, events = root @ root.T, rng.normal(size=n_axes), rng.normal(size=(n_axes, 10_000))
    v = events - mean[:, None]
    total = np.einsum("ie,ij,je->e", v, form, v)
    bound = float(np.median(total))
    clear = abs(total - bound) > 1e-12 * bound
    assert (in_ellipsoid(events, mean, form, bound) == (total <= bound))[clear].all()


def test_every_event_of_an_ellipsoid_is_decided_in_one_order_and_rounded_at_every_step() -> None:
    # The bound is what Python's floats give, to the last bit: a fused multiply-add or another order would differ.
    rng = np.random.default_rng(6)
    form, mean = np.array([[2.1, 0.7, -0.3], [0.7, 1.3, 0.2], [-0.3, 0.2, 0.9]]), np.array([0.1, 0.2, 0.3])
    for event in rng.normal(size=(300, 3)):
        v = [float(x) - float(m) for x, m in zip(event, mean, strict=True)]
        total = 0.0
        for i in range(3):
            row = 0.0
            for j in range(3):
                row += float(form[i, j]) * v[j]
            total += row * v[i]
        crowd = np.vstack([rng.normal(size=(7, 3)), event])  # beside others, as alone
        assert in_ellipsoid(crowd.T, mean, form, total)[-1]
        assert not in_ellipsoid(event[:, None], mean, form, np.nextafter(total, 0))[0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e200])
def test_what_is_not_finite_is_outside_an_ellipsoid(bad: float) -> None:
    columns = [[0.0, bad, 0.0, bad], [0.0, 0.0, bad, bad]]
    for form in ([[1.0, 0.0], [0.0, 1.0]], [[1.0, -0.5], [-0.5, 1.0]]):
        assert in_ellipsoid(columns, [0.0, 0.0], form, 1.0).tolist() == [True, False, False, False]


def test_ellipsoids_of_other_layouts_are_decided_in_float64() -> None:
    table = np.random.default_rng(7).normal(size=(100, 4)).astype(np.float32)
    form = np.asfortranarray(np.eye(2))
    expected = (table[:, [1, 3]].astype(np.float64) ** 2).sum(axis=1) <= 1.0
    assert (in_ellipsoid([table[:, 1], table[:, 3]], [0, 0], form, 1) == expected).all()


@pytest.mark.parametrize(
    ("columns", "mean", "form", "said"),
    [
        ([[1.0], [1.0, 2.0]], [0, 0], np.eye(2), "columns of shapes [(1,), (2,)], mean (2,), form (2, 2)"),
        ([[1.0], [1.0]], [0], np.eye(2), "columns of shapes [(1,), (1,)], mean (1,), form (2, 2)"),
        ([[1.0], [1.0]], [0, 0], np.eye(3), "columns of shapes [(1,), (1,)], mean (2,), form (3, 3)"),
        ([], [], np.empty((0, 0)), "columns of shapes [], mean (0,), form (0, 0)"),
    ],
)
def test_an_ellipsoid_that_does_not_fit_its_columns_is_refused(
    columns: list[list[float]], mean: list[float], form: NDArray[np.float64], said: str
) -> None:
    with pytest.raises(GateError) as caught:
        in_ellipsoid(columns, mean, form, 1.0)
    assert str(caught.value) == f"{said}\n  expected   columns of one length, and as many axes of mean and form"
    assert caught.value.code == "E_KERNEL"


# -------------------------------------------------------------------------------------------------------- rasters


def raster_numpy(
    x: NDArray[np.float64], y: NDArray[np.float64], extent: tuple[float, float, float, float], n_bins: int
) -> NDArray[np.int64]:
    """Return what the kernel's comment says in NumPy."""
    x_low, x_high, y_low, y_high = extent
    finite = np.isfinite(x) & np.isfinite(y)
    column = np.clip((x[finite] - x_low) * (n_bins / (x_high - x_low)), 0, n_bins - 1)
    row = np.clip((y[finite] - y_low) * (n_bins / (y_high - y_low)), 0, n_bins - 1)
    return np.histogram2d(row, column, bins=(np.arange(n_bins + 1),) * 2)[0].astype(np.int64)


def test_a_raster_equals_numpy() -> None:
    rng = np.random.default_rng(4)
    x, y = rng.normal(0.5, 0.3, (2, 50_000))
    x[:10], y[5:15] = np.nan, np.inf
    x[20:23], y[21:24] = 1e300, -1e300
    counts = raster(x, y, (0.0, 1.0, -0.2, 1.2), 256)
    assert (counts == raster_numpy(x, y, (0.0, 1.0, -0.2, 1.2), 256)).all()
    assert counts.sum() == 50_000 - 15
    assert counts.dtype == np.int64


def test_off_scale_events_pile_up_in_the_edge_bins() -> None:
    counts = raster([-5.0, 1e300, 0.0, 1.0], [0.5, 0.5, -9.0, 1.0], (0.0, 1.0, 0.0, 1.0), 2)
    assert counts.tolist() == [[1, 0], [1, 2]]


@pytest.mark.parametrize(
    ("extent", "n_bins", "said"),
    [
        ((0.0, np.nan, 0.0, 1.0), 4, "no raster of 4 bins fits on x from 0.0 to nan, y from 0.0 to 1.0"),
        ((0.0, 1.0, 2.0, 2.0), 4, "no raster of 4 bins fits on x from 0.0 to 1.0, y from 2.0 to 2.0"),
        ((0.0, 1.0, 0.0, 1.0), 0, "no raster of 0 bins fits on x from 0.0 to 1.0, y from 0.0 to 1.0"),
    ],
)
def test_an_extent_that_is_none_is_refused(extent: tuple[float, float, float, float], n_bins: int, said: str) -> None:
    with pytest.raises(ScaleError) as caught:
        raster([0.5], [0.5], extent, n_bins)
    assert str(caught.value) == f"{said}\n  expected   finite ends, low < high, 1 bin or more"
    assert caught.value.code == "E_RASTER"


# -------------------------------------------------------------------------------------------------------- logicle


def test_logicle_solves_its_equation() -> None:
    a, b, d = 8.0, 10.0, 6.0
    c = a * (b / d) ** 2
    u = np.concatenate([[0.0], 10.0 ** np.linspace(-300, 1.8, 2000)])
    x = a * np.expm1(b * u) - c * np.expm1(-d * u)
    np.testing.assert_allclose(logicle(x, a, b, c, d), u, rtol=1e-14, atol=0)
    np.testing.assert_array_equal(logicle(-x, a, b, c, d), -logicle(x, a, b, c, d))


def test_logicle_keeps_the_shape_and_what_is_not_finite() -> None:
    u = logicle([[np.nan, np.inf], [-np.inf, 0.0]], 8.0, 10.0, 8.0, 10.0)
    np.testing.assert_array_equal(u, [[np.nan, np.inf], [-np.inf, 0.0]])
    assert logicle(5.0, 8.0, 10.0, 8.0, 10.0).shape == ()


LOGICLES = [
    Logicle(),
    Logicle(1000, 1, 4, 1),
    Logicle(262144, 2.2, 4.5, 0),
    Logicle(262144, 2, 5, -1.9),
    Logicle(1e4, 0, 4),
    Logicle(1e-3, 1e-3, 0.5, 0),
    Logicle(1e9, 10, 20, 0),  # bends faster than the series of some cells can follow: those are empty
    Logicle(1e-100, 0.5, 4.5),
    Logicle(1e100, 0, 40, 0),
]


def borders(scale: Logicle) -> NDArray[np.float64]:
    """Return where the cells of the table begin, all of them, and beyond."""
    _, a, b, c, d = scale.constants
    _, first, cells = logicles.logicle_table(a, b, c, d)
    low = (first + 1) << (52 - 7)
    return (low + (np.arange(len(cells) + 300, dtype=np.int64) << (52 - 7))).view(np.float64)


@pytest.mark.parametrize("scale", LOGICLES, ids=str)
def test_the_table_of_logicle_equals_its_solver(scale: Logicle) -> None:
    _, a, b, c, d = scale.constants
    edge = borders(scale)
    middle = (edge[1:] + edge[:-1]) / 2
    wide = np.random.default_rng(8).uniform(-14, 14, 2000)
    x = np.concatenate([edge, np.nextafter(edge, 0), middle, edge[:-1] + 0.3 * np.diff(edge), scale.t * 10**wide])
    solved = np.array([logicles._solved(value, (a, b, c, d)) for value in x])
    np.testing.assert_allclose(logicle(x, a, b, c, d), solved, rtol=1e-15, atol=0)
    np.testing.assert_array_equal(logicle(-x, a, b, c, d), -logicle(x, a, b, c, d))


@pytest.mark.parametrize("scale", LOGICLES, ids=str)
def test_neighbours_at_the_borders_of_cells_keep_their_order(scale: Logicle) -> None:
    _, a, b, c, d = scale.constants
    at = borders(scale)
    for _ in range(3):
        at = np.nextafter(at, 0)
    for _ in range(7):
        above = np.nextafter(at, np.inf)
        low, high = logicle(at, a, b, c, d), logicle(above, a, b, c, d)
        assert (high - low >= -4 * np.spacing(high)).all()  # as for every scale, tests/test_transforms.py
        at = above


def test_neighbours_within_a_cell_keep_their_order() -> None:
    _, a, b, c, d = Logicle().constants
    for start in (0.7, 3.0, 41.0, 700.0, 262144.0):
        bits = np.float64(start).view(np.int64)
        cell = (bits >> 45 << 45) + np.array([0, 2**44, 2**45 - 5000])[:, None] + np.arange(5000)
        assert (np.diff(logicle(cell.view(np.float64), a, b, c, d)) >= 0).all()


def test_constants_that_no_table_can_hold_are_solved() -> None:
    constants = (1e-290, 10.0, 1e-290, 10.0)
    x = 1e-290 * np.sinh(10 * np.linspace(0, 30, 100))
    assert np.isnan(logicles.logicle_table(*constants)[2]).all()
    assert logicle(x, *constants).tolist() == [logicles._solved(value, constants) for value in x]


def test_a_position_depends_on_nothing_but_the_value() -> None:
    x = np.random.default_rng(9).normal(0, 1, 1037) * 10.0 ** np.random.default_rng(10).uniform(-3, 6, 1037)
    scale = Logicle()
    together = scale.apply(x)
    assert [float(scale.apply(value)) for value in x] == together.tolist()
    assert (scale.apply(x[::-3]) == together[::-3]).all()
    assert (scale.apply(np.stack([x, x, x], axis=1)) == together[:, None]).all()


def test_nan_amid_the_table_leaves_the_others_alone() -> None:
    x = np.linspace(-1e3, 1e5, 100)
    with_nan = x.copy()
    with_nan[[3, 50]] = np.nan, -np.inf
    at, without = Logicle().apply(with_nan), Logicle().apply(x)
    assert np.isnan(at[3])
    assert at[50] == -np.inf
    assert (np.delete(at, [3, 50]) == np.delete(without, [3, 50])).all()


# ------------------------------------------------------------------------------------------------------- hyperlog


@pytest.mark.parametrize(("a", "b", "c"), [(8.0, 10.0, 6.0), (1e-90, 10.0, 1e10), (1e6, 0.3, 1e-9), (1.0, 200.0, 1e30)])
def test_hyperlog_solves_its_equation(a: float, b: float, c: float) -> None:
    u = np.concatenate([[0.0], 10.0 ** np.linspace(-200, 0.5, 4000)])
    x = a * np.expm1(b * u) + c * u
    u, x = u[np.isfinite(x)], x[np.isfinite(x)]
    np.testing.assert_allclose(hyperlog(x, a, b, c), u, rtol=4e-15, atol=0)
    np.testing.assert_array_equal(hyperlog(-x, a, b, c), -hyperlog(x, a, b, c))


def test_hyperlog_keeps_the_shape_and_what_is_not_finite() -> None:
    u = hyperlog([[np.nan, np.inf], [-np.inf, 0.0]], 8.0, 10.0, 8.0)
    np.testing.assert_array_equal(u, [[np.nan, np.inf], [-np.inf, 0.0]])
    assert hyperlog(5.0, 8.0, 10.0, 8.0).shape == ()
    assert np.isfinite(hyperlog([5e-324, 1e308], 8.0, 10.0, 8.0)).all()


# -------------------------------------------------------------------------------------------------------- caching


def test_what_has_no_file_is_compiled_without_a_cache() -> None:
    names: dict[str, object] = {}
    exec("def double(x):\n    return 2 * x", names)  # numba: "cannot cache function 'double': no locator available"
    assert njit(names["double"])(21) == 42  # type: ignore[operator,type-var]


def test_kernels_are_cached_where_they_can_be() -> None:
    assert polygons._in_polygon.stats.cache_path  # type: ignore[attr-defined]


def test_kernels_work_where_no_folder_can_be_written(tmp_path: Path) -> None:
    # A copy of the package in a folder whose __pycache__ is a file, and a home that is a file: nobody can write below
    # those, whatever the rights of who runs the tests.
    package = tmp_path / "tregflow"
    package.mkdir()
    kernels = Path(_jit.__file__).parent
    shutil.copytree(kernels, package / "_kernels", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(kernels.parent / "errors.py", package)
    (package / "__init__.py").touch()
    blocked = package / "_kernels" / "__pycache__"
    blocked.write_text("no folder")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "NUMBA"))}
    environment |= {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    environment |= dict.fromkeys(("HOME", "USERPROFILE", "LOCALAPPDATA", "XDG_CACHE_HOME"), str(blocked))
    code = (
        "from tregflow._kernels import polygons as p; "
        "print(p.__file__, p._in_polygon.stats.cache_path, p.in_polygon([0, 1, 2], [0, 0, 0], [0, 1, 1], [0, 0, 1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment, cwd=tmp_path
    )
    assert done.stdout.strip() == f"{package / '_kernels' / 'polygons.py'} None [ True  True False]", done.stderr
