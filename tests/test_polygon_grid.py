"""The grid for polygons against the test against all edges: the same answers, bit for bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tregflow._kernels import in_polygon, polygon_grid, polygons
from tregflow._kernels.polygon_grid import SIDE, has_grid, in_polygon_by_grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = NDArray[np.float64]


def same(x: Column, y: Column, px: Column, py: Column) -> int:
    """Compare both, and return how many events lie inside."""
    assert has_grid(px, py)
    exact = polygons._in_polygon(x, y, px, py)
    np.testing.assert_array_equal(in_polygon_by_grid(x, y, px, py).view(np.bool_), exact)
    return int(exact.sum())


def telling(px: Column, py: Column, rng: np.random.Generator, n: int = 400) -> tuple[Column, Column]:
    """Return events where answers are delicate: vertices, their heights, edges, and the neighbours of all of them."""
    t, edge = rng.random(n), rng.integers(0, px.size, n)
    ax, ay, bx, by = px[edge - 1], py[edge - 1], px[edge], py[edge]
    x = np.concatenate([px, (px + np.roll(px, 1)) / 2, ax + t * (bx - ax), rng.uniform(px.min(), px.max(), n)])
    y = np.concatenate([py, (py + np.roll(py, 1)) / 2, ay + t * (by - ay), rng.choice(py, n)])
    # The borders of cells, too.
    border = np.linspace(px.min(), px.max(), SIDE + 1), np.linspace(py.min(), py.max(), SIDE + 1)
    x, y = np.append(x, rng.permutation(border[0])), np.append(y, border[1])
    near = [(x, y)]
    for toward in (-np.inf, np.inf):
        near += [(np.nextafter(x, toward), y), (x, np.nextafter(y, toward))]
    odd = np.array([np.nan, np.inf, -np.inf, 0.0, 1e300, -1e300])
    xs, ys = (
        np.concatenate([each for each, _ in near] + [odd]),
        np.concatenate([each for _, each in near] + [odd[::-1]]),
    )
    return xs, ys


coordinates = st.one_of(st.floats(-1, 1), st.integers(-5, 5).map(float), st.sampled_from([0.0, 0.5, 1e-9, -1e-300]))
points = st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=14)


@given(
    points,
    st.tuples(st.integers(-450, 450), st.integers(-450, 450)),
    st.tuples(st.sampled_from([0.0, 0.3, 1e3, 1e9]), st.sampled_from([0.0, -7.0, 1e6])),
    st.randoms(use_true_random=False),
)
def test_any_polygon(
    drawn: list[tuple[float, float]], scale: tuple[int, int], shift: tuple[float, float], random: Any
) -> None:
    rng = np.random.default_rng(random.getrandbits(32))
    px, py = (
        (np.array(column) + offset) * 2.0**power
        for column, offset, power in zip(np.array(drawn).T, shift, scale, strict=True)
    )
    if has_grid(px, py):
        same(*telling(px, py, rng, 50), px, py)
    x, y = telling(px, py, rng, 50)
    with mock.patch.multiple(polygons, _LEAST_EVENTS=0, _EVENTS_PER_VERTEX=0):
        np.testing.assert_array_equal(in_polygon(x, y, px, py), polygons._in_polygon(x, y, px, py))


@pytest.mark.parametrize("n_vertices", [3, 5, 20, 200])
@pytest.mark.parametrize("kind", ["star", "random", "whole numbers", "on events"])
def test_many_events(n_vertices: int, kind: str) -> None:
    rng = np.random.default_rng(n_vertices)
    x, y = rng.normal(0, 1, (2, 100_000))
    turn = np.linspace(0, 2 * np.pi, n_vertices, endpoint=False)
    px, py = {
        "star": rng.uniform(1, 1.2, n_vertices) * np.array([np.cos(turn), np.sin(turn)]),
        "random": rng.normal(0, 1, (2, n_vertices)),
        "whole numbers": rng.integers(-3, 4, (2, n_vertices)).astype(float),
        "on events": np.array([x[:n_vertices], y[:n_vertices]]),
    }[kind]
    if kind == "whole numbers":
        x, y = np.round(x * 2) / 2, np.round(y * 2) / 2  # half of them on edges, vertices, and borders of cells
    x[-3:], y[-5:-2] = np.nan, np.inf
    assert 0 < same(x, y, px, py) < x.size
    same(*telling(px, py, rng, 4000), px, py)


def test_thousands_of_vertices_that_cross_themselves_through_the_events() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.integers(0, 60, (2, 3000)).astype(float)
    pick = rng.integers(0, x.size, 4000)
    assert same(x, y, x[pick], y[pick]) > 2000
    wild = rng.random((2, 2500))
    same(*rng.random((2, 3000)), *wild)


def test_slivers_and_teeth() -> None:
    rng = np.random.default_rng(4)
    # Edges nearly flat, nearly upright, and thinner than a cell.
    for px, py in (
        ([0, 1, 1, 0], [0, 1e-7, 2e-7, 1e-15]),
        ([0, 1, 1, 0], [0, 1e-5, 0.5, 0.5 - 1e-4]),
        ([0, 1e-7, 1, 0.5], [0, 1, 1e-4, 1e-4]),
        ([0, 1, 0, 1, 0], [0, 1 / 256, 2 / 256, 3 / 256, 1]),
        ([0, 256, 256, 3, 3, 2, 2, 0], [0, 0, 256, 256, 1, 1, 256, 256]),
        (list(np.repeat(np.linspace(0, 1, 513), 2)), [0, 1, 1, 0] * 256 + [0, 1]),
    ):
        vertices = np.array(px, float), np.array(py, float)
        same(*telling(*vertices, rng, 3000), *vertices)


def test_a_polygon_a_few_numbers_wide() -> None:
    # 4 neighbouring float64: cells are narrower than what lies between two events.
    steps = 1e6 + np.arange(5) * np.spacing(1e6)
    x, y = (axis.ravel() for axis in np.meshgrid(np.append(steps, [0.0, 2e6]), np.append(steps, [0.0, 2e6])))
    assert same(x, y, steps[[0, 4, 4, 0]], steps[[0, 0, 4, 4]]) == 25
    assert same(x, y, steps[[0, 4, 2]], steps[[0, 1, 4]]) > 5


@pytest.mark.parametrize(
    ("px", "py"),
    [
        ([0, 1e-200, 1e-200], [0, 0, 1e-200]),  # products vanish
        ([0, 1e200, 1e200], [0, 0, 1e200]),  # and overflow
        ([-1.7e308, 1.7e308, 0], [0, 0, 1]),
        ([0, 1, 1], [0, 1e-200, 1]),  # an edge that rises by nearly nothing
        ([0, 1, 2], [5, 5, 5]),  # no height
        ([3, 3, 3], [0, 1, 2]),
    ],
)
def test_polygons_without_a_grid_are_tested_against_all_edges(px: list[float], py: list[float]) -> None:
    vertices = np.array(px, float), np.array(py, float)
    assert not has_grid(*vertices)
    x, y = np.random.default_rng(5).uniform(-1, 5, (2, 3000))
    x[:3], y[:3] = vertices
    with mock.patch.object(polygons, "in_polygon_by_grid", side_effect=AssertionError):
        inside = in_polygon(x, y, *vertices)
    assert inside[:3].all()


def test_few_events_need_no_grid() -> None:
    triangle = np.array([0.0, 1, 1]), np.array([0.0, 0, 1])
    with mock.patch.object(polygons, "in_polygon_by_grid", wraps=in_polygon_by_grid) as by_grid:
        in_polygon(np.zeros(2047), np.zeros(2047), *triangle)
        assert not by_grid.called
        assert in_polygon(np.zeros(2048), np.zeros(2048), *triangle).all()
        assert by_grid.called


def test_most_cells_know_the_answer() -> None:
    # Or else the grid would be right, and slow.
    px, py = np.array([0.1, 0.9, 0.7, 0.5, 0.2]), np.array([0.0, 0.3, 1.0, 0.6, 0.9])
    u, v = (px - 0.1) * (SIDE / 0.8), py * SIDE
    cells = polygon_grid._cells(u, v, *polygon_grid._edges_of_rows(v))[: SIDE * SIDE].reshape(SIDE, SIDE)
    assert (cells == 2).mean() < 0.03
    assert 0.4 < (cells == 1).mean() < 0.7
    assert cells[250, 5] == cells[5, 200] == 0
    assert cells[100, 100] == 1
