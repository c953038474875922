"""Scales: published values, inverses, order, what is not finite, ticks, and the words of every error."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError
from decimal import Decimal, localcontext
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tregflow.errors import ScaleError
from tregflow.transforms import (
    Asinh,
    FlowJoBiex,
    FlowJoLinear,
    FlowJoLog,
    Hyperlog,
    Linear,
    Log,
    Logicle,
    Scale,
    scale_from_spec,
    scale_to_spec,
)

X = [-10.0, -1.0, 0.0, 1.0, 10.0, 1000.0]

# Gating-ML 2.0, tables 7 to 9; arguments T, W, M, A and T, M, A.
PUBLISHED: list[tuple[Scale, list[float], list[float]]] = [
    (Logicle(1000, 1, 4, 0), X, [0.067574, 0.228752, 0.25, 0.271248, 0.432426, 1.0]),
    (Logicle(1000, 1, 4, 1), X, [0.254059, 0.383001, 0.4, 0.416999, 0.545941, 1.0]),
    (Logicle(1000, 0, 4, 1), X, [-0.200009, -0.000856, 0.2, 0.400856, 0.600009, 1.0]),
    (Hyperlog(1000, 1, 4, 0), X, [0.083554, 0.229477, 0.25, 0.270523, 0.416446, 1.0]),
    (Hyperlog(1000, 1, 4, 1), X, [0.266843, 0.383581, 0.4, 0.416419, 0.533157, 1.0]),
    (Asinh(1000, 4, 1), X, [-0.200009, -0.000856, 0.2, 0.400856, 0.600009, 1.0]),
    (Asinh(1000, 5, 0), X, [-0.6, -0.400009, 0.0, 0.400009, 0.6, 1.0]),
    (Log(10_000, 5), [0.5, 10_000.0], [0.139794, 1.0]),
    (Linear(1024, 256), [-256.0, -100.0, 1024.0], [0.0, 0.121875, 1.0]),
    (FlowJoLinear(-256, 1024), [-256.0, -100.0, 1024.0], [0.0, 0.121875, 1.0]),
    (FlowJoLog(0.1, 5), [-3.0, 0.0, 0.1, 0.5, 10_000.0], [0.0, 0.0, 0.0, 0.139794, 1.0]),
]

# neg, width, pos, max -> channel of zero, first and last intensity of FlowJo's table
BIEX_TABLES = [
    ((0.0, -100.0, 4.418539922, 262144.0), 927, -1636.28, 262868.46),
    ((0.0, -10.0, 4.41854, 262144.000029), 463, -132.29, 261622.34),
    ((0.0, -50.1187, 3.918539922, 82897.2115), 888, -799.36, 83398.22),
]

SCALES: list[Scale] = [
    Linear(),
    Linear(1024, 256),
    Log(),
    Logicle(),
    Logicle(262144, 1, 4.5, 0.5),
    Logicle(1e4, 2, 4, -2),
    Asinh(),
    Asinh(1000, 4, 1),
    FlowJoBiex(),
    FlowJoBiex(1.0, -10.0, 4.418540, 262144.000029),
    Hyperlog(),
    Hyperlog(262144, 1, 4.5, 0.5),
    Hyperlog(1e4, 2, 4, -2),
    FlowJoLinear(50_000, 150_000),
    FlowJoLog(),
]
ids = [str(scale) for scale in SCALES]


@st.composite
def scales(draw: st.DrawFn) -> Scale:
    """Draw a scale of any kind and any legal parameters within reason."""
    t, m = draw(st.floats(1e-3, 1e9)), draw(st.floats(0.5, 20))
    first, second = draw(st.floats(0, 1)), draw(st.floats(0, 1))
    w = first * m / 2
    width = -(10 ** (3 * first))
    return draw(
        st.sampled_from(
            [
                Linear(t, first * t),
                Log(t, m),
                Logicle(t, w, m, min(-w + second * (m - w), m - 2 * w)),
                Asinh(t, m, first * m),
                Hyperlog(t, max(w, 1e-3), m, min(-w + second * (m - w), m - 2 * max(w, 1e-3))),
                FlowJoLinear((first - 0.5) * t, (first + second) * t + 0.001 * t),
                FlowJoLog(t / 10**m, m),
                FlowJoBiex(second - 0.5, width, math.log10(-width) / 2 + 0.1 + m / 4, t),
            ]
        )
    )


# ------------------------------------------------------------------------------------------------ published values


@pytest.mark.parametrize(("scale", "x", "y"), PUBLISHED)
def test_published_values(scale: Scale, x: list[float], y: list[float]) -> None:
    np.testing.assert_allclose(scale.apply(x), y, rtol=0, atol=5.1e-7)


@pytest.mark.parametrize(("parameters", "zero", "first", "last"), BIEX_TABLES)
def test_published_ends_of_flowjo_tables(
    parameters: tuple[float, float, float, float], zero: int, first: float, last: float
) -> None:
    scale = FlowJoBiex(*parameters)
    assert float(scale.apply(0.0)) == zero / 4096
    np.testing.assert_allclose(scale.inverse([0.0, 1.0]), [first, last], rtol=0, atol=0.005)


def logicle_in_fifty_digits(x: float, scale: Logicle) -> float:
    """Solve the textbook form, ``a e^(by) - c e^(-dy) - f == x``, by halving: slow, and right to every digit."""
    with localcontext(prec=50):
        t, w_, m, a_ = (Decimal(value) for value in (scale.t, scale.w, scale.m, scale.a))
        w, x2 = w_ / (m + a_), a_ / (m + a_)
        x1, x0, b = x2 + w, x2 + 2 * w, (m + a_) * Decimal(10).ln()
        low, high = b * (-2 * b).exp(), b
        while high - low > b * Decimal(10) ** -45:
            d = (low + high) / 2
            low, high = (low, d) if 2 * (d.ln() - b.ln()) + w * (d + b) > 0 else (d, high)
        ca = (x0 * (b + d)).exp()
        fa = (b * x1).exp() - ca / (d * x1).exp()
        a = t / (b.exp() - fa - ca / d.exp())
        bottom, top = x1, x1 + 60
        while top - bottom > Decimal(10) ** -40:
            y = (bottom + top) / 2
            value = a * (b * y).exp() - ca * a * (-d * y).exp() - fa * a
            bottom, top = (bottom, y) if value > Decimal(abs(x)) else (y, top)
        return float(2 * x1 - y if x < 0 else y)  # the mirror at zero


@pytest.mark.parametrize(
    "scale",
    [Logicle(), Logicle(1000, 1, 4, 1), Logicle(262144, 2.2, 4.5, 0), Logicle(262144, 2, 5, -1.9), Logicle(1e4, 0, 4)],
    ids=str,
)
def test_logicle_is_right_to_the_last_digits(scale: Logicle) -> None:
    x = [-3e6, -700.0, -1.0, -1e-6, 1e-9, 0.3, 12.0, 63.9, 64.0, 64.1, 1e4, 262143.0, 1e12, 1e30]
    expected = [logicle_in_fifty_digits(value, scale) for value in x]
    # Two to the minus 52, on the axis and in parts of it beyond.
    np.testing.assert_allclose(scale.apply(x), expected, rtol=2**-52, atol=2**-52)


def hyperlog_in_fifty_digits(x: float, scale: Hyperlog) -> float:
    """Solve the textbook form, ``a e^(by) + c y - f == x``, by halving."""
    with localcontext(prec=50):
        t, w_, m, a_ = (Decimal(value) for value in (scale.t, scale.w, scale.m, scale.a))
        w, x2 = w_ / (m + a_), a_ / (m + a_)
        x1, x0, b = x2 + w, x2 + 2 * w, (m + a_) * Decimal(10).ln()
        ca = (b * x0).exp() / w
        fa = (b * x1).exp() + ca * x1
        a = t / (b.exp() + ca - fa)
        bottom, top = x1, x1 + 60
        while top - bottom > Decimal(10) ** -40:
            y = (bottom + top) / 2
            value = a * (b * y).exp() + ca * a * y - fa * a
            bottom, top = (bottom, y) if value > Decimal(abs(x)) else (y, top)
        return float(2 * x1 - y if x < 0 else y)


@pytest.mark.parametrize(
    "scale",
    [
        Hyperlog(),
        Hyperlog(1000, 1, 4, 1),
        Hyperlog(262144, 2.2, 4.5, 0),
        Hyperlog(1e4, 1e-3, 4),
        Hyperlog(10, 2, 5, -2),
    ],
    ids=str,
)
def test_hyperlog_is_right_to_the_last_digits(scale: Hyperlog) -> None:
    x = [-3e6, -700.0, -1.0, -1e-6, 1e-9, 0.3, 12.0, 1e4, 262143.0, 1e12, 1e18, 1e25, 1e30]
    expected = [hyperlog_in_fifty_digits(value, scale) for value in x]
    np.testing.assert_allclose(scale.apply(x), expected, rtol=1e-15, atol=3e-15)


def test_asinh_is_logicle_without_a_linear_part() -> None:
    x = np.concatenate([-np.logspace(-6, 9, 200), [0.0], np.logspace(-6, 9, 200)])
    np.testing.assert_allclose(Asinh(1e4, 4, 1).apply(x), Logicle(1e4, 0, 4, 1).apply(x), rtol=0, atol=1e-14)


def test_negative_intensities_are_mirrored_at_zero() -> None:
    x = np.logspace(-6, 9, 500)
    for scale in (scale for scale in SCALES if scale.kind in ("logicle", "hyperlog", "asinh")):
        zero = scale.apply(0.0)
        np.testing.assert_allclose(scale.apply(-x), 2 * zero - scale.apply(x), rtol=0, atol=2e-15)


# ------------------------------------------------------------------------------------------ order, inverse, extremes


@given(scales(), st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=30))
def test_every_scale_keeps_order(scale: Scale, x: list[float]) -> None:
    data = np.sort(x)
    y = scale.apply(data)
    if isinstance(scale, Log):
        assert (np.isnan(y) == (data <= 0)).all()
        y = y[data > 0]
    assert not np.isnan(y).any()
    finite = y[np.isfinite(y)]
    # Two neighbouring intensities may come out the wrong way round in the last bits; nothing else may.
    assert (np.diff(finite) >= -4 * np.spacing(np.maximum(np.abs(finite[1:]), 1.0))).all()


@given(scales(), st.floats(-1e4, 1e4), st.floats(1e-3, 1e4))
def test_every_scale_rises(scale: Scale, x: float, step: float) -> None:
    at, above = scale.apply([x, x + max(step, abs(x) * 1e-3)])
    if scale.kind == "biex":
        assert at < above or at == above == 0 or at == above == 1
    elif scale.kind == "flowjo_log":
        assert at < above or at == above == 0
    elif scale.defined(x):
        assert at < above


@given(scales(), st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_apply_undoes_inverse_within_the_displayed_range(scale: Scale, y: list[float]) -> None:
    np.testing.assert_allclose(scale.apply(scale.inverse(y)), y, rtol=0, atol=1e-12)


@pytest.mark.parametrize("scale", [s for s in SCALES if not any(s.clamped)], ids=str)
def test_apply_undoes_inverse_beyond_the_displayed_range(scale: Scale) -> None:
    y = np.linspace(-2, 5, 701)
    np.testing.assert_allclose(scale.apply(scale.inverse(y)), y, rtol=0, atol=1e-13)


def test_flowjo_axis_is_clamped_at_both_ends() -> None:
    scale = FlowJoBiex()
    assert scale.apply([-1e9, -1636.3, 262869.0, 1e300]).tolist() == [0.0, 0.0, 1.0, 1.0]
    assert scale.inverse([-3.0, 7.0]).tolist() == scale.inverse([0.0, 1.0]).tolist()


def test_flowjo_log_axis_is_clamped_at_its_low_end() -> None:
    scale = FlowJoLog(offset=10, decades=4)
    assert scale.apply([-1e300, 0.0, 9.99, 10.0, 1e5, 1e9]).tolist() == [0.0, 0.0, 0.0, 0.0, 1.0, 2.0]
    assert scale.inverse([-3.0, 0.0, 1.0, 2.0]).tolist() == [10.0, 10.0, 1e5, 1e9]


def test_what_clamps_says_so() -> None:
    for scale in SCALES:
        low, high = scale.apply([-1e30, 1e30])
        assert scale.clamped == (bool(low == 0), bool(high == 1))


def test_flowjo_axis_is_straight_between_its_channels() -> None:
    scale = FlowJoBiex()
    ends = scale.inverse(np.array([2000, 2001]) / 4096)
    np.testing.assert_allclose(scale.apply(ends.mean()), 2000.5 / 4096, rtol=1e-15)


@pytest.mark.parametrize("scale", SCALES, ids=ids)
def test_nan_and_infinity_come_out_as_they_went_in(scale: Scale) -> None:
    x = [np.nan, np.inf, -np.inf]
    np.testing.assert_array_equal(scale.apply(x), [np.nan, np.inf, np.nan if scale.kind == "log" else -np.inf])
    np.testing.assert_array_equal(scale.inverse(x), [np.nan, np.inf, 0.0 if scale.kind == "log" else -np.inf])


@pytest.mark.parametrize("scale", [s for s in SCALES if s.kind in ("logicle", "hyperlog", "asinh")], ids=str)
def test_far_off_scale_values_stay_finite_and_in_order(scale: Scale) -> None:
    x = np.logspace(-323, 308, 4000)
    y = scale.apply(np.concatenate([-x[::-1], [0.0], x]))
    assert np.isfinite(y).all()
    assert (np.diff(y) >= -1e-14).all()
    assert y[-1] > 10


def test_zero_and_negative_intensities_have_no_place_on_a_log_scale() -> None:
    x = [-1.0, -0.0, 0.0, 5e-324, np.nan, np.inf]
    np.testing.assert_array_equal(np.isnan(Log().apply(x)), [True, True, True, False, True, False])
    np.testing.assert_array_equal(Log().defined(x), [False, False, False, True, False, False])


@pytest.mark.parametrize("scale", SCALES, ids=ids)
def test_all_but_what_is_not_finite_has_a_place(scale: Scale) -> None:
    expected = [False, False, False, scale.kind != "log", True]
    np.testing.assert_array_equal(scale.defined([np.nan, np.inf, -np.inf, -1.0, 1.0]), expected)


@pytest.mark.parametrize("scale", SCALES, ids=ids)
def test_shape_is_kept_and_work_is_done_in_float64(scale: Scale) -> None:
    table = np.array([[1.1, 2.2, 3.3], [4.4, 5.5, 6.6]], np.float32)
    y = scale.apply(table[:, ::2])
    assert (y.shape, y.dtype) == ((2, 2), np.float64)
    np.testing.assert_array_equal(y, scale.apply(table[:, ::2].astype(np.float64)))
    assert scale.apply(7).shape == scale.inverse(0.5).shape == ()
    assert isinstance(scale.apply(7), np.ndarray)
    assert scale.apply([]).shape == scale.inverse([]).shape == (0,)


def test_only_linear_scales_are_affine() -> None:
    assert [scale.kind for scale in SCALES if scale.affine] == ["linear", "linear", "flowjo_linear"]


# ------------------------------------------------------------------------------------------------- FlowJo's grid


def test_bins_of_a_biexponential_axis_are_floored() -> None:
    scale = FlowJoBiex()
    table = scale.inverse(np.arange(4097) / 4096)
    np.testing.assert_array_equal(scale.bins(table, 4096), np.arange(4097))
    np.testing.assert_array_equal(scale.bins(table, 256), np.arange(4097) // 16)
    assert scale.bins([np.nextafter(table[16], -np.inf), table[16], -1e9, 1e9], 256).tolist() == [0, 1, 0, 256]


def test_bins_of_a_linear_axis_are_rounded() -> None:
    for scale in (Linear(256), FlowJoLinear(0, 256)):
        assert scale.bins([-0.6, -0.5, 0.0, 0.49, 0.5, 1.5, 2.5, 400.0], 256).tolist() == [-1, 0, 0, 0, 1, 2, 3, 400]
    assert FlowJoLinear(50_000, 150_000).bins([50_000, 50_195, 50_196, 150_000], 256).tolist() == [0, 0, 1, 256]


@pytest.mark.parametrize("scale", [s for s in SCALES if not s.affine], ids=str)
def test_bins_of_other_axes_are_floored(scale: Scale) -> None:
    x = scale.inverse([0.4999, 0.5001, 0.9999])
    assert scale.bins(x, 10).tolist() == [4, 5, 9]
    assert scale.bins(x, 1024).tolist() == [511, 512, 1023]


def test_bins_stop_where_the_axis_does() -> None:
    assert FlowJoBiex().bins_at([-0.5, 0.5, 1.5], 256).tolist() == [0, 128, 256]
    assert FlowJoLog().bins_at([-0.5, 0.5, 1.5], 256).tolist() == [0, 128, 384]
    assert Logicle().bins_at([-0.5, 0.5, 1.5], 256).tolist() == [-128, 128, 384]


@pytest.mark.parametrize("scale", SCALES, ids=ids)
def test_what_has_no_place_has_no_bin(scale: Scale) -> None:
    assert np.isnan(scale.bins([np.nan], 256)).all()
    assert np.isnan(Log().bins([0.0, -1.0], 256)).all()
    assert scale.bins([[1.0, 2.0]], 256).shape == (1, 2)


@given(scales(), st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), st.sampled_from([256, 1024]))
def test_bins_are_those_of_the_positions(scale: Scale, x: list[float], n: int) -> None:
    np.testing.assert_array_equal(scale.bins(x, n), scale.bins_at(scale.apply(x), n))


# ----------------------------------------------------------------------------------------------------------- ticks


@pytest.mark.parametrize(
    ("scale", "labels"),
    [
        (Logicle(), ["-10²", "0", "10²", "10³", "10⁴", "10⁵"]),
        (Logicle(w=1), ["-10³", "0", "10³", "10⁴", "10⁵"]),
        (Asinh(t=1000, m=3), ["0", "10⁰", "10¹", "10²", "10³"]),
        (FlowJoBiex(), ["-10³", "0", "10³", "10⁴", "10⁵"]),
        (Hyperlog(), ["-10²", "0", "10²", "10³", "10⁴", "10⁵"]),
        (FlowJoLog(10, 4), ["10¹", "10²", "10³", "10⁴", "10⁵"]),
        (FlowJoLinear(50_000, 150_000), ["60K", "80K", "100K", "120K", "140K"]),
        (Log(1e4, 5), ["10⁻¹", "10⁰", "10¹", "10²", "10³", "10⁴"]),
        (Linear(), ["0", "50K", "100K", "150K", "200K", "250K"]),
        (Linear(72), ["0", "10", "20", "30", "40", "50", "60", "70"]),
        (Linear(1024, 256), ["-200", "0", "200", "400", "600", "800", "1K"]),
        (Linear(4e6), ["0", "1M", "2M", "3M", "4M"]),
    ],
)
def test_ticks_and_labels_of_the_displayed_range(scale: Scale, labels: list[str]) -> None:
    assert [scale.format_tick(tick) for tick in scale.ticks()] == labels


def test_ticks_are_exact_values_in_data_units() -> None:
    assert Logicle().ticks().tolist() == [-100.0, 0.0, 100.0, 1e3, 1e4, 1e5]
    assert Linear(0.7).ticks().tolist() == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]


@given(scales())
def test_ticks_lie_in_the_displayed_range_and_apart(scale: Scale) -> None:
    for ticks in (scale.ticks(), scale.minor_ticks()):
        at = scale.apply(ticks)
        assert ((at >= -1e-9) & (at <= 1 + 1e-9)).all()
        assert (np.diff(ticks) > 0).all()
    assert len(scale.ticks()) >= 2
    assert not set(scale.ticks()) & set(scale.minor_ticks())


def test_crowded_decades_are_left_out() -> None:
    ticks = Logicle().ticks()
    at = Logicle().apply(ticks)
    assert np.diff(at).min() > 0.04
    assert 10.0 not in ticks  # 0.0104 of the axis from zero


def test_ticks_of_a_window() -> None:
    assert Logicle().ticks(50, 20_000).tolist() == [100.0, 1e3, 1e4]
    assert Logicle().ticks(-20, 20).tolist() == [-10.0, 0.0, 10.0]
    # One decade or none is no scale to read: round numbers instead.
    assert [Logicle().format_tick(tick) for tick in Logicle().ticks(2000, 4500)] == [
        "2K",
        "2.5K",
        "3K",
        "3.5K",
        "4K",
        "4.5K",
    ]


def test_a_flowjo_log_axis_has_no_ticks_below_its_offset() -> None:
    assert FlowJoLog(10, 4).ticks(-100.0, 2e5).tolist() == [10.0, 100.0, 1e3, 1e4, 1e5]
    assert FlowJoLog(10, 4).minor_ticks(-100.0, 200.0).tolist() == [*range(20, 100, 10), 200.0]


def test_minor_ticks() -> None:
    assert Log(100, 2).minor_ticks().tolist() == [*range(2, 10), *range(20, 100, 10)]
    assert Linear(100).minor_ticks(0, 40).tolist() == [2, 4, 6, 8, 12, 14, 16, 18, 22, 24, 26, 28, 32, 34, 36, 38]
    assert Logicle().minor_ticks(-50, 500)[[0, -1]].tolist() == [-50.0, 500.0]
    assert Logicle().minor_ticks(2000, 4500).tolist() == []


@pytest.mark.parametrize(
    ("value", "label"),
    [
        (-1e3, "-10³"),
        (0.0, "0"),
        (1.0, "10⁰"),
        (1e-5, "10⁻⁵"),
        (1e10, "10¹⁰"),
        (2500.0, "2.5K"),
        (-3e6, "-3M"),
        (0.5, "0.5"),
    ],
)
def test_labels_of_a_log_like_axis(value: float, label: str) -> None:
    assert Logicle().format_tick(value) == label


@pytest.mark.parametrize(
    ("value", "label"), [(1e5, "100K"), (-1e3, "-1K"), (0.0, "0"), (1.5e6, "1.5M"), (0.25, "0.25")]
)
def test_labels_of_a_linear_axis(value: float, label: str) -> None:
    assert Linear().format_tick(value) == label


@pytest.mark.parametrize(
    ("scale", "low", "high", "said"),
    [
        (Logicle(), 5.0, 1.0, "logicle: no axis from 5 to 1"),
        (Log(), -5.0, 1.0, "log: no axis from -5 to 1"),
        (FlowJoLog(10, 4), -5.0, 5.0, "flowjo_log: no axis from 10 to 5"),
        (Linear(), 0.0, math.inf, "linear: no axis from 0 to inf"),
        (Linear(), -1e308, 1e308, "linear: no axis from -1e+308 to 1e+308"),
    ],
)
def test_a_window_that_is_none_is_refused(scale: Scale, low: float, high: float, said: str) -> None:
    for ticks in (scale.ticks, scale.minor_ticks):
        with pytest.raises(ScaleError) as caught:
            ticks(low, high)
        assert str(caught.value) == f"{said}\n  expected   low < high, both on the axis"


# ------------------------------------------------------------------------------------------------ values and words


@given(scales())
def test_a_scale_is_the_same_after_a_trip_through_its_spec(scale: Scale) -> None:
    again = scale_from_spec(scale_to_spec(scale))
    assert again == scale
    assert hash(again) == hash(scale)
    assert str(again) == str(scale)


@pytest.mark.parametrize(
    ("spec", "scale"),
    [
        ("linear", Linear()),
        ("biex", FlowJoBiex()),
        ("flowjo_linear", FlowJoLinear(0, 262144)),
        ({"hyperlog": {"w": 1}}, Hyperlog(262144, 1, 4.5, 0)),
        ({"flowjo_linear": {"min": 50_000, "max": 150_000}}, FlowJoLinear(5e4, 1.5e5)),
        ({"flowjo_log": {"offset": 10, "decades": 4}}, FlowJoLog(10.0, 4.0)),
        ({"logicle": {"w": 0.8}}, Logicle(w=0.8)),
        ({"log": {"t": 10_000, "m": 5}}, Log(1e4, 5.0)),
        ({"asinh": None}, Asinh()),
        ({"asinh": {}}, Asinh()),
    ],
)
def test_specs(spec: object, scale: Scale) -> None:
    assert scale_from_spec(spec) == scale


def test_a_spec_says_every_parameter() -> None:
    assert scale_to_spec(Logicle(w=1)) == {"logicle": {"t": 262144.0, "w": 1.0, "m": 4.5, "a": 0.0}}
    assert scale_to_spec(FlowJoBiex()) == {"biex": {"neg": 0.0, "width": -100.0, "pos": 4.418539922, "max": 262144.0}}


def test_scales_are_frozen_values_of_floats() -> None:
    scale = Logicle(1000, np.float32(1), np.int64(4), 0)
    assert scale == Logicle(1000.0, 1.0, 4.0, 0.0)
    assert str(scale) == "Logicle(t=1000.0, w=1.0, m=4.0, a=0.0)"
    with pytest.raises(FrozenInstanceError):
        scale.t = 5.0  # type: ignore[misc]


KINDS = "\n  available  linear, log, logicle, hyperlog, asinh, biex, flowjo_linear, flowjo_log"
ONE_KIND = "\n  expected   one kind: linear, or with parameters: {logicle: {w: 0.8}}" + KINDS

WRONG_SPECS: list[tuple[object, str]] = [
    ("logical", f"there is no scale 'logical'{KINDS}\n  remedy     did you mean 'logicle'?"),
    ("Logicle", f"there is no scale 'Logicle'{KINDS}\n  remedy     did you mean 'logicle'?"),
    ({"hyperlogs": {}}, f"there is no scale 'hyperlogs'{KINDS}\n  remedy     did you mean 'hyperlog'?"),
    ("xyz", f"there is no scale 'xyz'{KINDS}"),
    ({3: None}, f"there is no scale 3{KINDS}"),
    (None, f"None is no scale{ONE_KIND}"),
    ({}, f"{{}} is no scale{ONE_KIND}"),
    ({"log": {"m": 4}, "asinh": None}, f"{{log: {{m: 4}}, asinh: None}} is no scale{ONE_KIND}"),
    (
        {"logicle": {"width": 1}},
        "logicle has no parameter 'width'\n  available  t, w, m, a",
    ),
    (
        {"logicle": {"W": 1}},
        "logicle has no parameter 'W'\n  available  t, w, m, a\n  remedy     did you mean 'w'?",
    ),
    (
        {"biex": {"widht": -10}},
        "biex has no parameter 'widht'\n  available  neg, width, pos, max\n  remedy     did you mean 'width'?",
    ),
    (
        {"logicle": [0.5]},
        "logicle: [0.5] is no mapping of parameters\n  expected   {logicle: {t: 1000}}\n  available  t, w, m, a",
    ),
    ({"logicle": {"w": "0.5"}}, "logicle: w is '0.5'\n  expected   a finite number"),
    ({"logicle": {"w": True}}, "logicle: w is True\n  expected   a finite number"),
    ({"log": {"m": None}}, "log: m is None\n  expected   a finite number"),
    ({"linear": {"t": math.nan}}, "linear: t is nan\n  expected   a finite number"),
    ({"linear": {"t": 10**400}}, f"linear: t is {10**400}\n  expected   a finite number"),
    ({"linear": {"t": 0}}, "linear: t is 0\n  expected   t from 1e-100 to 1e+100"),
    ({"linear": {"t": 100, "a": -1}}, "linear: a is -1\n  expected   a from 0 to t = 100"),
    ({"linear": {"t": 100, "a": 101}}, "linear: a is 101\n  expected   a from 0 to t = 100"),
    ({"log": {"t": -1}}, "log: t is -1\n  expected   t from 1e-100 to 1e+100"),
    ({"log": {"m": 0}}, "log: m is 0\n  expected   0 < m <= 100"),
    ({"logicle": {"m": 101}}, "logicle: m is 101\n  expected   0 < m <= 100"),
    ({"logicle": {"w": 2.2500001}}, "logicle: w is 2.2500001\n  expected   w from 0 to m / 2 = 2.25"),
    ({"logicle": {"w": -0.1}}, "logicle: w is -0.1\n  expected   w from 0 to m / 2 = 2.25"),
    ({"logicle": {"a": -0.6}}, "logicle: a is -0.6\n  expected   a from -w = -0.5 to m - 2 w = 3.5"),
    ({"logicle": {"a": 3.6}}, "logicle: a is 3.6\n  expected   a from -w = -0.5 to m - 2 w = 3.5"),
    ({"logicle": {"t": 0}}, "logicle: t is 0\n  expected   t from 1e-100 to 1e+100"),
    ({"hyperlog": {"w": 0}}, "hyperlog: w is 0\n  expected   w from 1e-100 to m / 2 = 2.25"),
    ({"hyperlog": {"w": 2.3}}, "hyperlog: w is 2.3\n  expected   w from 1e-100 to m / 2 = 2.25"),
    ({"hyperlog": {"a": -0.6}}, "hyperlog: a is -0.6\n  expected   a from -w = -0.5 to m - 2 w = 3.5"),
    ({"hyperlog": {"t": 0}}, "hyperlog: t is 0\n  expected   t from 1e-100 to 1e+100"),
    ({"hyperlog": {"m": 0}}, "hyperlog: m is 0\n  expected   0 < m <= 100"),
    ({"flowjo_linear": {"min": 5, "max": 5}}, "flowjo_linear: max is 5\n  expected   max > min = 5"),
    ({"flowjo_linear": {"min": 5, "max": 4}}, "flowjo_linear: max is 4\n  expected   max > min = 5"),
    ({"flowjo_linear": {"min": -1e200}}, "flowjo_linear: min is -1e+200\n  expected   min from -1e+100 to 1e+100"),
    ({"flowjo_linear": {"max": 1e200}}, "flowjo_linear: max is 1e+200\n  expected   max from -1e+100 to 1e+100"),
    ({"flowjo_log": {"offset": 0}}, "flowjo_log: offset is 0\n  expected   offset from 1e-100 to 1e+100"),
    ({"flowjo_log": {"decades": 0}}, "flowjo_log: decades is 0\n  expected   0 < decades <= 100"),
    ({"asinh": {"a": 4.6}}, "asinh: a is 4.6\n  expected   a from 0 to m = 4.5"),
    ({"asinh": {"m": -1}}, "asinh: m is -1\n  expected   0 < m <= 100"),
    ({"biex": {"max": 0}}, "biex: max is 0\n  expected   max from 1e-100 to 1e+100"),
    ({"biex": {"neg": 200}}, "biex: neg is 200\n  expected   neg from -100 to 100"),
    ({"biex": {"width": 10}}, "biex: width is 10\n  expected   width from -1e+100 to -1"),
    ({"biex": {"pos": 0}}, "biex: pos is 0\n  expected   0 < pos <= 100"),
    ({"biex": {"pos": 0.5}}, "biex: pos is 0.5\n  expected   pos > log10(-width) / 2 = 1"),
    (
        {"biex": {"width": -1, "pos": 1e-14}},
        "FlowJoBiex(neg=0.0, width=-1.0, pos=1e-14, max=262144.0) gives no rising axis"
        "\n  remedy     copy neg, width and pos from FlowJo",
    ),
]


@pytest.mark.parametrize(("spec", "said"), WRONG_SPECS, ids=[str(spec)[:60] for spec, _ in WRONG_SPECS])
def test_the_words_of_every_error(spec: object, said: str) -> None:
    with pytest.raises(ScaleError) as caught:
        scale_from_spec(spec)
    assert str(caught.value) == said
    assert caught.value.code == "E_SCALE"


def test_the_limits_themselves_are_allowed() -> None:
    for scale in (
        Linear(100, 100),
        Log(1e-100, 100),
        Logicle(1e-100, 50, 100, -50),
        Logicle(1e100, 0, 100, 100),
        Logicle(1.0, 25, 100, 50),
        Asinh(1e100, 100, 100),
        Hyperlog(1e-100, 50, 100, -50),
        Hyperlog(1e100, 1e-100, 100, 100),
        Hyperlog(1e-100, 1e-100, 100, 0),
        Hyperlog(1.0, 25, 100, 50),
        FlowJoLinear(-1e100, 1e100),
        FlowJoLinear(0, 1e-100),
        FlowJoLog(1e-100, 100),
        FlowJoBiex(100, -1e6, 100, 1e-100),
    ):
        y = scale.apply(scale.inverse(np.linspace(0, 1, 101)))
        np.testing.assert_allclose(y, np.linspace(0, 1, 101), rtol=0, atol=1e-12)
    assert all(low < high for low, high in pairwise(FlowJoBiex(-5, -1, 4).inverse(np.linspace(0, 1, 4097))))


@pytest.mark.parametrize(("offset", "decades"), [(0.6324555320336759, 0.5), (0.1, 4.0), (3.0, 5.0), (7e-5, 1.0)])
def test_the_low_end_of_flowjos_logarithm_is_zero_to_the_last_bit(offset: float, decades: float) -> None:
    scale = FlowJoLog(offset=offset, decades=decades)
    assert scale.apply([offset, 0.0, -5.0, np.nextafter(offset, 0)]).tolist() == [0.0] * 4
