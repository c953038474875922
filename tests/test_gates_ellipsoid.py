"""Ellipsoids: the boundary, scales, FlowJo's polygon of 128 corners, the exact form, and the words of every error."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tregflow.errors import GateError
from tregflow.gates import Ellipsoid
from tregflow.gates.quadratic import adjugate, float_form
from tregflow.transforms import FlowJoBiex, Linear, Log, Logicle, Scale

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from tregflow.gates import Values

UNIT = Linear(t=1)  # position = value
NAMES = ("CD25", "CD127", "CD3", "CD4")


def ellipsoid(covariance: Any, mean: Any = None, distance2: Any = 1.0, **other: Any) -> Ellipsoid:
    n = len(covariance)
    given: dict[str, Any] = {
        "id": "E",
        "parent": "root",
        "channels": NAMES[:n],
        "mean": [0.0] * n if mean is None else mean,
        "covariance": covariance,
        "distance2": distance2,
        "scales": (UNIT,) * n,
    }
    return Ellipsoid(**(given | other))


def inside(gate: Ellipsoid, *columns: ArrayLike) -> list[bool]:
    return list(gate.evaluate(values_of(*columns)).inside.tolist())


def values_of(*columns: ArrayLike) -> Values:
    return lambda name: np.asarray(columns[NAMES.index(name)], np.float64)


def whole_grid(low: int, high: int, n_axes: int) -> NDArray[np.float64]:
    return np.array(list(product(range(low, high + 1), repeat=n_axes)), np.float64).T


# ----------------------------------------------------------------------------------------------------- membership


def test_the_boundary_of_an_ellipsoid_is_inside() -> None:
    gate = ellipsoid([[9.0, 0.0], [0.0, 4.0]], (1.0, -1.0))
    assert inside(gate, [4, 1, 4.0000001, 1, -2], [-1, 1, -1, 1.0000001, -1]) == [True, True, False, False, True]


def test_events_on_the_boundary_are_inside_whatever_the_inverse_rounds_to() -> None:
    # 3-4-5 and its like lie on the circle; neither 1/49 nor 1/625 is a float.
    for radius in (5.0, 7.0, 13.0, 25.0, 65.0, 85.0):
        points = [(x, y) for x, y in product(range(-90, 91), repeat=2) if x * x + y * y == radius**2]
        gate = ellipsoid([[radius**2, 0.0], [0.0, radius**2]])
        assert all(inside(gate, *zip(*points, strict=True)))
        assert not any(inside(gate, *np.nextafter(np.array(points), np.array(points) * 2).T))


@given(
    st.lists(st.lists(st.integers(-9, 9), min_size=4, max_size=4), min_size=3, max_size=3),
    st.lists(st.integers(-3, 3), min_size=3, max_size=3),
    st.integers(1, 60),
)
def test_membership_of_whole_numbers_is_exact(root: list[list[int]], mean: list[int], distance2: int) -> None:
    whole = np.array(root) @ np.array(root).T + np.eye(3, dtype=int)
    gate = ellipsoid(whole.astype(float).tolist(), mean, distance2)
    adjoint, determinant, unit = adjugate(gate.covariance)
    events = whole_grid(-4, 4, 3)
    v = (events.T - mean).astype(int)
    total = np.einsum("ei,ij,ej->e", v.astype(object), np.array(adjoint, object), v.astype(object)) * unit
    assert inside(gate, *events) == (total <= distance2 * determinant).tolist()


def test_the_form_is_the_inverse() -> None:
    rng = np.random.default_rng(0)
    for n in (2, 3, 6):
        root = rng.normal(size=(n, n + 3))
        covariance = root @ root.T
        form, bound = float_form(covariance.tolist(), 2.5)
        np.testing.assert_allclose(form * 2.5 / bound, np.linalg.inv(covariance), rtol=1e-11, atol=1e-13)
        assert 0.5 <= abs(form).max() <= 1.0


def test_the_form_is_exact_where_the_inverse_is() -> None:
    form, bound = float_form([[2.0, 1.0], [1.0, 3.0]], 0.3)
    exact = [[Fraction(3), Fraction(-1)], [Fraction(-1), Fraction(2)]]  # over the determinant, 5
    for ours, theirs in zip(form.ravel(), np.ravel(exact), strict=True):
        assert Fraction(float(ours)) * 4 == theirs
    assert bound == float(Fraction(0.3) * 5 / 4)


def test_an_ellipsoid_is_decided_on_its_scales() -> None:
    scale = Logicle(w=1)
    gate = ellipsoid([[0.04, 0.01], [0.01, 0.02]], (0.6, 0.4), scales=(scale, scale))
    y = np.random.default_rng(1).uniform(0, 1, (2, 1000))
    positions = scale.apply(scale.inverse(y)) - [[0.6], [0.4]]
    total = np.einsum("ie,ij,je->e", positions, np.linalg.inv(gate.covariance), positions)
    clear = abs(total - 1) > 1e-9
    assert (np.array(inside(gate, *scale.inverse(y))) == (total <= 1))[clear].all()
    assert 30 < (total <= 1).sum() < 900


def test_axes_of_very_different_units_are_no_flat_ellipsoid() -> None:
    gate = ellipsoid([[1e10, 0.0], [0.0, 1e-10]], (1e6, 0.5))
    assert inside(gate, [1.1e6, 1e6, 1.10001e6], [0.5, 0.50001, 0.5]) == [True, True, False]


@pytest.mark.parametrize("n_axes", [2, 3, 4])
def test_an_event_is_decided_alone_as_in_a_crowd(n_axes: int) -> None:
    rng = np.random.default_rng(n_axes)
    root = rng.normal(size=(n_axes, n_axes + 1))
    gate = ellipsoid(root @ root.T)
    columns = rng.normal(size=(n_axes, 500))
    alone = [inside(gate, *columns[:, i : i + 1])[0] for i in range(500)]
    assert inside(gate, *columns) == alone
    assert inside(gate, *columns[:, ::3]) == alone[::3]


@pytest.mark.parametrize("bins", [None, 256])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_outside_an_ellipsoid_and_its_complement(bad: float, bins: int | None) -> None:
    gate = ellipsoid([[0.04, 0.0], [0.0, 0.04]], (0.5, 0.5), bins=bins, scales=(UNIT, FlowJoBiex()))
    columns = [0.5, bad, 0.5, bad, 0.0], [600.0, 600.0, bad, bad, 600.0]
    found = gate.evaluate(values_of(*columns))
    assert found.inside.tolist() == [True, False, False, False, False]
    assert found.complement().inside.tolist() == [False, False, False, False, True]
    assert inside(replace(gate, outside=True), *columns) == [False, False, False, False, True]


def test_what_a_log_scale_cannot_show_is_outside_an_ellipsoid_and_its_complement() -> None:
    gate = ellipsoid([[4.0, 0.0], [0.0, 1.0]], scales=(Log(), UNIT))
    found = gate.evaluate(values_of([0.0, -1.0, 1.0], [0.0, 0.0, 0.0]))
    assert found.inside.tolist() == found.defined.tolist() == [False, False, True]


# ---------------------------------------------------------------------------------------------------- FlowJo's way


def test_the_outline_lies_on_the_ellipse_and_holds_the_ends_of_its_axes() -> None:
    gate = ellipsoid([[5.0, 2.0], [2.0, 3.0]], (10.0, 20.0), 4.0)
    x, y = gate.outline()
    v = np.array([x - 10, y - 20])
    np.testing.assert_allclose(np.einsum("ie,ij,je->e", v, np.linalg.inv(gate.covariance), v), 4.0, rtol=1e-12)
    values, vectors = np.linalg.eigh(gate.covariance)
    for k, axis in ((0, 1), (32, 0), (64, 1), (96, 0)):  # the ends of the major axis, then of the minor one
        assert abs(v[:, k] @ vectors[:, axis]) == pytest.approx(2 * math.sqrt(values[axis]), rel=1e-12)
        assert np.linalg.norm(v[:, k]) == pytest.approx(2 * math.sqrt(values[axis]), rel=1e-12)


@pytest.mark.parametrize(
    ("covariance", "first"),
    [([[4.0, 0.0], [0.0, 1.0]], (2, 0)), ([[1.0, 0.0], [0.0, 4.0]], (0, 2)), ([[4.0, 0.0], [0.0, 4.0]], (2, 0))],
)
def test_upright_flat_and_round_ellipses_have_outlines(covariance: Any, first: tuple[float, float]) -> None:
    x, y = ellipsoid(covariance).outline(4)
    np.testing.assert_allclose([x[0], y[0]], first, atol=1e-15)


def test_a_polygon_of_128_corners_is_a_little_smaller() -> None:
    x, y = ellipsoid([[4.0, 0.0], [0.0, 1.0]]).outline()
    area = (x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2
    assert 1 - area / (2 * math.pi) == pytest.approx(4e-4, rel=0.01)


@pytest.mark.parametrize("scale", [Linear(256), Logicle(), FlowJoBiex()], ids=lambda scale: scale.kind)
def test_on_the_grid_only_events_near_the_boundary_change_side(scale: Scale) -> None:
    gate = ellipsoid([[0.02, 0.01], [0.01, 0.03]], (0.5, 0.5), scales=(scale, scale))
    y = np.random.default_rng(2).uniform(0, 1, (2, 100_000))
    x = scale.inverse(y)
    v = y - 0.5
    total = np.sqrt(np.einsum("ie,ij,je->e", v, np.linalg.inv(gate.covariance), v))
    exact, grid = np.array(inside(gate, *x)), np.array(inside(replace(gate, bins=256), *x))
    assert (exact == grid)[abs(total - 1) > 0.06].all()  # a bin is 0.004 of the axis, the narrowest radius 0.11
    assert (exact != grid).any()


def test_on_the_grid_an_ellipse_at_the_end_of_the_axis_holds_what_is_piled_up_there() -> None:
    scale = FlowJoBiex()
    gate = ellipsoid([[0.01, 0.0], [0.0, 0.01]], (1.02, 0.5), scales=(scale, scale), bins=256)
    middle = float(scale.inverse(0.5))
    assert inside(gate, [1e9, 1e9, float(scale.inverse(0.9))], [middle, 1e9, middle]) == [True, False, False]


def test_a_grid_has_two_axes() -> None:
    covariance = np.diag([4.0, 1.0, 1.0])
    columns = whole_grid(-3, 3, 3) / 2
    assert inside(ellipsoid(covariance, bins=4), *columns) == inside(ellipsoid(covariance), *columns)


# --------------------------------------------------------------------------------------------------- values, words


def test_ellipsoids_are_frozen_values() -> None:
    gate = ellipsoid([[4, 1], [1, 1]], [0, 1], 2)
    assert gate.mean == (0.0, 1.0)
    assert gate.covariance == ((4.0, 1.0), (1.0, 1.0))
    assert gate.axes == ("CD25", "CD127")
    assert gate == ellipsoid(np.array([[4.0, 1.0], [1.0, 1.0]]), np.array([0.0, 1.0]), np.float64(2))
    assert len({gate, replace(gate), replace(gate, outside=True), replace(gate, bins=256)}) == 3
    assert pickle.loads(pickle.dumps(gate)) == gate


def test_rounding_may_leave_the_halves_of_a_covariance_apart() -> None:
    gate = ellipsoid([[2.0, 0.1 + 0.2], [0.3, 1.0]])
    form, _ = float_form(gate.covariance, 1.0)
    assert (form == form.T).all()


ROUND = [[1.0, 0.0], [0.0, 1.0]]
SCALES_WANTED = "E: no scale for each axis\n  expected   2 scales of tregflow.transforms, in the order of the axes"
BINS_WANTED = "\n  expected   a whole number from 1 to 65536, 256 in most FlowJo gates, or None: no grid"
FLAT = (
    "E: the covariance is not positive definite: the ellipsoid has no width in some direction\n"
    "  expected   each covariance smaller than the root of the product of its two variances"
)

WRONG: list[tuple[str, dict[str, Any]]] = [
    ("E: ellipsoid on 1 channels\n  expected   from 2 to 32 channels", {"channels": ["CD25"]}),
    ("E: ellipsoid on 33 channels\n  expected   from 2 to 32 channels", {"channels": [str(i) for i in range(33)]}),
    ("E: ellipsoid with CD25 on two axes\n  expected   different channels", {"channels": ["CD25", "CD25"]}),
    (SCALES_WANTED, {"scales": (UNIT,)}),
    ("E: a mean of 3 numbers\n  expected   2, one per channel", {"mean": [0, 0, 0]}),
    ("E: a number of the mean is nan\n  expected   a finite number", {"mean": [0, math.nan]}),
    ("E: a number of the mean is 1e+200\n  expected   a number from -1e+100 to 1e+100", {"mean": [0, 1e200]}),
    ("E: a number of the covariance is '1'\n  expected   a finite number", {"covariance": [["1", 0], [0, 1]]}),
    ("E: a covariance with rows of 2 numbers\n  expected   2 rows of 2 numbers", {"covariance": [[1, 0]]}),
    ("E: a covariance with rows of 2, 1 numbers\n  expected   2 rows of 2 numbers", {"covariance": [[1, 0], [0]]}),
    ("E: a covariance with rows of no numbers\n  expected   2 rows of 2 numbers", {"covariance": []}),
    (
        "E: the variance of CD127 is 0.0\n  expected   a number above 0, from 1e-100 to 1e+100",
        {"covariance": [[1, 0], [0, 0]]},
    ),
    (
        "E: the covariance is not symmetric: CD25 with CD127 is 0.1 and 0.2\n"
        "  expected   one number for each pair of channels",
        {"covariance": [[1, 0.1], [0.2, 1]]},
    ),
    (FLAT, {"covariance": [[1, 2], [2, 1]]}),
    (FLAT, {"covariance": [[1, 1], [1, 1]]}),
    (FLAT, {"covariance": [[1e20, 1.0], [1.0, 1e-20]]}),
    ("E: distance2 is 0.0\n  expected   a number above 0, from 1e-100 to 1e+100", {"distance2": 0}),
    ("E: distance2 is -1.0\n  expected   a number above 0, from 1e-100 to 1e+100", {"distance2": -1}),
    ("E: distance2 is None\n  expected   a finite number", {"distance2": None}),
    (f"E: bins is 0{BINS_WANTED}", {"bins": 0}),
    (f"E: bins is 256.0{BINS_WANTED}", {"bins": 256.0}),
    (f"E: bins is True{BINS_WANTED}", {"bins": True}),
    ("a gate's id is ''\n  expected   a text that is not blank", {"id": ""}),
]


@pytest.mark.parametrize(("said", "change"), WRONG, ids=[said.split("\n")[0] for said, _ in WRONG])
def test_the_words_of_every_error(said: str, change: dict[str, Any]) -> None:
    with pytest.raises(GateError) as caught:
        Ellipsoid(**(_fields() | change))
    assert str(caught.value) == said
    assert caught.value.code == "E_GATE"


def _fields() -> dict[str, Any]:
    gate = ellipsoid(ROUND)
    return {name: getattr(gate, name) for name in Ellipsoid.__dataclass_fields__}


def test_an_ellipsoid_of_three_axes_has_no_outline() -> None:
    with pytest.raises(GateError) as caught:
        ellipsoid(np.eye(3)).outline()
    assert str(caught.value) == "E: an ellipsoid on 3 channels has no outline\n  expected   2 channels"


# ------------------------------------------------------------------------------------------- by the formula alone


def test_an_indefinite_matrix_is_taken_by_its_letter() -> None:
    # the inverse is ((1, -2), (0, 1)): x^2 - 2xy + y^2 <= 1, a band
    gate = Ellipsoid(
        id="E",
        parent="root",
        channels=("x", "y"),
        mean=(0, 0),
        covariance=((1, 2), (0, 1)),
        distance2=1,
        scales=(Linear(t=1), Linear(t=1)),
        bins=256,
        indefinite=True,
    )
    columns = {"x": np.array([5.0, 5.0, 5.0, np.nan]), "y": np.array([5.0, 4.0, 3.9, 0.0])}
    assert gate.evaluate(columns.__getitem__).inside.tolist() == [True, True, False, False]
    with pytest.raises(GateError) as caught:
        gate.outline()
    assert str(caught.value) == (
        "E: an indefinite covariance bounds no ellipse\n  expected   one that is positive definite"
    )


def test_an_indefinite_matrix_that_is_definite_is_an_ellipsoid() -> None:
    shared = {"id": "E", "parent": "root", "channels": ("x", "y", "z"), "mean": (1.0, 2.0, 3.0), "distance2": 2.0}
    scales = (Linear(t=1),) * 3
    covariance = ((4.0, 1.0, 0.5), (1.0, 3.0, -0.25), (0.5, -0.25, 2.0))
    rng = np.random.default_rng(1)
    columns = dict(zip("xyz", rng.normal(2, 2, (3, 2000)), strict=True))
    one, other = (
        Ellipsoid(**shared, covariance=covariance, scales=scales, indefinite=indefinite).evaluate(columns.__getitem__)
        for indefinite in (False, True)
    )
    assert np.array_equal(one.inside, other.inside)
    assert 100 < one.inside.sum() < 1900


def test_a_matrix_without_inverse_bounds_nothing() -> None:
    with pytest.raises(GateError) as caught:
        Ellipsoid(
            id="E",
            parent="root",
            channels=("x", "y"),
            mean=(0, 0),
            covariance=((1, 1), (1, 1)),
            distance2=1,
            scales=(Linear(t=1), Linear(t=1)),
            indefinite=True,
        )
    assert str(caught.value) == (
        "E: the covariance has no inverse\n  expected   rows of which none follows from the others"
    )
