"""Plots: what is drawn where, and in which words. That the pages please the eye is for people to say."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from tregflow import plots
from tregflow._kernels import in_polygon
from tregflow.endpoints import Design, Endpoint, analyse
from tregflow.errors import EndpointError, GateError
from tregflow.fcs import Sample
from tregflow.gates import Polygon, Rectangle
from tregflow.plots.axes import span_of
from tregflow.plots.outlines import ends, outline, points_along
from tregflow.strategy import Strategy
from tregflow.transforms import FlowJoBiex, Linear, Log, Logicle

mpl.use("Agg")

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from tregflow.endpoints import EndpointResults
    from tregflow.populations import Gated

STRATEGY = """
tregflow: 1
name: test
compensation: none
scales:
  CD25: {logicle: {w: 0.8}}
gates:
  Cells:    {rectangle: {FSC-A: [20000, 200000], SSC-A: [null, 150000]}}
  CD3+:     {in: Cells, above: {CD3: 1000}, name: T cells}
  CD4+:     {in: CD3+, above: {CD4: 1000}, below: {CD3: 50000}}
  Box:      {in: Cells, rectangle: {CD3: [1000, null], CD4: [null, 90000], CD25: [0, null]}}
  Reg:      {in: CD4+, polygon: [CD25, CD127], open: {CD25: high, CD127: low},
             points: [[1000, 0], [1000, 4000], [3000, 9000], [50000, 9000], [50000, 0]]}
  Closed:   {in: CD4+, polygon: [CD25, CD127], points: [[1000, 200], [1000, 4000], [3000, 9000]]}
  FoxP3+:   {in: CD4+, above: {FoxP3: 800}}
  Treg:     {in: CD4+, all: [Reg, FoxP3+]}
  Rest:     {in: CD4+, not: Reg}
  Either:   {in: CD4+, any: [FoxP3+, {not: CD3+}]}
  Nobody:   {in: CD4+, above: {CD4: 1.0e9}}
  Nowhere:  {in: Nobody, above: {CD3: 100}}
  Never:    {in: Nobody, polygon: [CD25, CD127], points: [[1000, 200], [1000, 4000], [3000, 9000]]}
  Lost:     {in: CD4+, above: {CD45RA: 1000}, optional: true}
  Lost too: {in: Lost, above: {CD3: 1000}}
report: {}
"""
PANEL = {"V450-A": "CD3", "V500-A": "CD4", "PE-A": "CD25", "BV-A": "CD127", "APC-A": "FoxP3"}


def gated(strategy: str = STRATEGY, n_events: int = 3000, **extra: NDArray[np.float64]) -> Gated:
    rng = np.random.default_rng(1)
    columns = {"FSC-A": rng.normal(100e3, 30e3, n_events), "SSC-A": rng.normal(50e3, 20e3, n_events)}
    columns |= {pnn: 10 ** rng.normal(3.6, 0.5, n_events) - 900 for pnn in PANEL}
    sample = Sample.from_columns("P01_D8.fcs", {**columns, **extra}, markers=PANEL)
    return Strategy.loads(strategy).gate(sample, id="P01_D8", batch="B1")


@pytest.fixture(scope="module")
def one() -> Gated:
    return gated()


@pytest.fixture
def ax() -> Axes:
    from matplotlib.figure import Figure

    return Figure(figsize=(3, 3)).subplots()


@pytest.fixture(autouse=True)
def no_figure_left_open() -> Iterator[None]:
    from matplotlib import pyplot

    yield
    assert pyplot.get_fignums() == [], "who asks for a figure of pyplot closes it"


def words(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts if text.get_text()]


def outlines(ax: Axes) -> dict[str, NDArray[np.float64]]:
    return {patch.get_gid(): patch.get_xy()[:-1] for patch in ax.patches if patch.get_gid()}


def labels(axis: object) -> dict[float, str]:
    return dict(zip(axis.get_ticklocs(), [label.get_text() for label in axis.get_ticklabels()], strict=True))


# --------------------------------------------------------------------------------------------------------- density


def test_density_draws_every_event_on_the_axes_that_it_was_given(ax: Axes) -> None:
    x, y = np.full(5000, 1e3), np.full(5000, 1e4)
    x[:2] = 1e9, np.nan
    assert plots.density(x, y, scales=(Logicle(), Linear()), channels=("CD25 (PE-A)", "FSC-A"), n_bins=64, ax=ax) is ax
    counts = np.expm1(ax.images[0].get_array().filled(0.0))
    assert counts.shape == (64, 64)
    assert counts.sum() == pytest.approx(4999)  # all but NaN; 1e9 piles up in the last column
    assert counts[:, -1].sum() == pytest.approx(1)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("CD25 (PE-A)", "FSC-A")


def test_ticks_are_where_the_scale_puts_them_in_data_units(ax: Axes) -> None:
    scale = Logicle()
    plots.density([0.0], [0.0], scales=(scale, Linear()), ax=ax)
    found = labels(ax.xaxis)
    assert list(found) == scale.apply(scale.ticks()).tolist()
    assert found[float(scale.apply(0.0))] == "0"
    assert found[float(scale.apply(1e3))] == "10³"
    assert found[float(scale.apply(1e5))] == "10⁵"
    assert ax.xaxis.get_ticklocs(minor=True).tolist() == scale.apply(scale.minor_ticks()).tolist()
    assert list(labels(ax.yaxis).values()) == ["0", "50K", "100K", "150K", "200K", "250K"]


def test_labels_that_would_touch_give_way_to_zero_and_to_larger_ones(ax: Axes) -> None:
    scale = Logicle(t=1e8, m=8.0)
    plots.density([0.0], [0.0], scales=(scale, scale), ax=ax)
    kept = [at for at, text in labels(ax.xaxis).items() if text]
    assert min(np.diff(kept)) >= 0.13
    assert scale.apply(0.0) in kept
    assert len(kept) < len(labels(ax.xaxis))


def test_an_axis_shows_the_displayed_range_and_reaches_further_for_events_and_gates(ax: Axes) -> None:
    scale = Logicle()
    assert span_of(scale, scale.apply([0.0, 100.0])) == (0.0, 1.0)
    assert span_of(scale, np.array([np.nan])) == (0.0, 1.0)
    assert span_of(scale, scale.apply(np.full(500, -1e4)))[0] < scale.apply(-1e4)
    one_far_off = scale.apply([*np.zeros(5000), -1e6])
    assert span_of(scale, one_far_off) == (0.0, 1.0)
    plots.density([0.0], [0.0], scales=(scale, scale), hold=([1e6], ()), ax=ax)
    assert ax.get_xlim()[1] > scale.apply(1e6)
    assert ax.get_ylim() == (0.0, 1.0)


@pytest.mark.parametrize("scale", [Linear(), Log(), Logicle(), FlowJoBiex()])
def test_density_takes_any_scale_and_no_event_at_all(scale: Linear | Log | Logicle | FlowJoBiex, ax: Axes) -> None:
    plots.density([-5e5, 0.0, np.inf, 5e5], [1.0, 2.0, 3.0, 4.0], scales=(scale, scale), ax=ax)
    plots.density([], [], scales=(scale, scale), ax=ax)
    assert np.isfinite([*ax.get_xlim(), *ax.get_ylim()]).all()


def test_a_sparse_plot_does_not_get_the_colours_of_a_dense_one(ax: Axes) -> None:
    plots.density([1.0, 5e4], [1.0, 5e4], scales=(Linear(), Linear()), ax=ax)
    assert ax.images[0].get_array().max() < 0.5 * ax.images[0].get_clim()[1]


def test_without_axes_there_is_a_new_figure_of_pyplot() -> None:
    from matplotlib import pyplot

    first, second = (plots.density([0.0], [0.0], scales=(Linear(), Linear())) for _ in range(2))
    assert first.figure is not second.figure
    assert pyplot.get_fignums() == [first.figure.number, second.figure.number]
    pyplot.close("all")


# ------------------------------------------------------------------------------------------------------------ gates


def test_a_polygon_is_drawn_where_its_scales_put_its_points(one: Gated, ax: Axes) -> None:
    assert plots.gate(one, "Closed", ax=ax) is ax
    expected = [(float(Logicle(w=0.8).apply(x)), float(Logicle().apply(y))) for x, y in one.gates["Closed"].points]
    np.testing.assert_array_equal(outlines(ax)["Closed"], expected)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("CD25 (PE-A)", "CD127 (BV-A)")
    assert ax.get_title() == "Closed"


def test_percent_of_parent_and_count_are_written_into_the_plot(one: Gated, ax: Axes) -> None:
    row = next(row for row in one.populations if row.population == "Reg")
    plots.gate(one, "Reg", ax=ax)
    (text,) = words(ax)
    assert " ".join(text.split()) == f"{row.percent_of_parent:.2f} % of CD4+ {row.count} events"


def test_a_gate_at_the_root_is_a_share_of_all_events(one: Gated, ax: Axes) -> None:
    plots.gate(one, "Cells", ax=ax)
    share = 100 * one.count("Cells") / 3000
    assert " ".join(words(ax)[0].split()) == f"{share:.2f} % of all events {one.count('Cells'):,} events"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("FSC-A", "SSC-A")


def test_open_sides_reach_the_ends_of_the_axes(one: Gated, ax: Axes) -> None:
    plots.gate(one, "Reg", ax=ax)
    corners = outlines(ax)["Reg"]
    assert corners[:, 0].max() == ax.get_xlim()[1]
    assert corners[:, 1].min() == ax.get_ylim()[0]
    left, top = float(Logicle(w=0.8).apply(1000)), float(Logicle().apply(9000))
    assert corners[:, 0].min() == left
    assert corners[:, 1].max() == top


def test_the_drawn_area_holds_the_events_that_the_gate_holds(one: Gated, ax: Axes) -> None:
    for name in ("Reg", "Closed", "Cells", "CD4+"):
        ax.clear()
        plots.gate(one, name, ax=ax)
        rule = one.gates[name]
        parent = one[rule.parent]
        at = [scale.apply(one.values(axis)[parent]) for scale, axis in zip(rule.scales, rule.axes, strict=True)]
        on_page = [np.clip(at[0], *ax.get_xlim()), np.clip(at[1], *ax.get_ylim())]
        inside = in_polygon(*on_page, *outlines(ax)[name].T)
        assert 0 < np.count_nonzero(inside) < inside.size
        np.testing.assert_array_equal(inside, one[name][parent])


def test_two_thresholds_are_a_rectangle_with_open_sides(one: Gated, ax: Axes) -> None:
    plots.gate(one, "CD4+", ax=ax)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("CD4 (V500-A)", "CD3 (V450-A)")
    left, top = float(Logicle().apply(1000)), float(Logicle().apply(50000))
    right, bottom = ax.get_xlim()[1], ax.get_ylim()[0]
    assert outlines(ax)["CD4+"].tolist() == [[left, bottom], [right, bottom], [right, top], [left, top]]


def test_a_rectangle_of_three_channels_names_the_third(one: Gated, ax: Axes) -> None:
    plots.gate(one, "Box", ax=ax)
    assert words(ax)[0] == "also bounded: CD25"
    assert list(outlines(ax)) == ["Box"]


def test_one_threshold_is_drawn_on_a_histogram_of_all_events_of_the_parent(one: Gated, ax: Axes) -> None:
    plots.gate(one, "CD3+", ax=ax)
    assert ax.get_title() == "T cells"  # the shown name
    every, inside = (patch.get_data().values for patch in ax.patches)
    assert (every.sum(), inside.sum()) == (one.count("Cells"), one.count("CD3+"))
    (line,) = [line for line in ax.lines if line.get_gid() == "CD3+"]
    assert set(line.get_xdata()) == {float(Logicle().apply(1000))}
    assert ax.get_xlabel() == "CD3 (V450-A)"
    assert labels(ax.xaxis)[float(Logicle().apply(1e4))] == "10⁴"
    share = 100 * one.count("CD3+") / one.count("Cells")
    assert words(ax) == [f"{share:.2f} % of Cells\n{one.count('CD3+'):,} events"]


def test_a_combination_is_drawn_on_the_first_operand_with_two_channels(one: Gated, ax: Axes) -> None:
    plots.gate(one, "Treg", ax=ax)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("CD25 (PE-A)", "CD127 (BV-A)")
    assert list(outlines(ax)) == ["Reg"]  # FoxP3 is on neither axis
    assert words(ax)[0] == "Reg and FoxP3+"
    (dots,) = ax.lines
    assert len(dots.get_xdata()) == one.count("Treg")


@pytest.mark.parametrize(("population", "made_of"), [("Rest", "not Reg"), ("Either", "FoxP3+ or not CD3+")])
def test_a_combination_says_what_it_combines(one: Gated, ax: Axes, population: str, made_of: str) -> None:
    plots.gate(one, population, ax=ax)
    assert words(ax)[0] == made_of


def test_thresholds_on_two_markers_combined_share_a_pair_of_axes(one: Gated, ax: Axes) -> None:
    plots.gate(one, "Either", ax=ax)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("FoxP3 (APC-A)", "CD3 (V450-A)")
    assert list(outlines(ax)) == ["FoxP3+", "CD3+"]


def test_a_combination_of_one_threshold_is_a_histogram(ax: Axes) -> None:
    text = STRATEGY.replace("Rest:     {in: CD4+, not: Reg}", "Rest:     {in: CD4+, not: FoxP3+}")
    found = gated(text)
    plots.gate(found, "Rest", ax=ax)
    assert ax.get_xlabel() == "FoxP3 (APC-A)"
    assert [patch.get_data().values.sum() for patch in ax.patches] == [found.count("CD4+"), found.count("Rest")]


def test_a_bound_without_a_position_is_no_line_on_a_histogram(ax: Axes) -> None:
    scales = "  CD25: {logicle: {w: 0.8}}\n"
    text = STRATEGY.replace(scales, f"{scales}  FoxP3: {{log: {{}}}}\n")
    found = gated(text.replace("above: {FoxP3: 800}", "above: {FoxP3: 0}, below: {FoxP3: 800}"))
    plots.gate(found, "FoxP3+", ax=ax)
    (line,) = ax.lines
    assert set(line.get_xdata()) == {float(Log().apply(800))}
    assert ax.patches[1].get_data().values.sum() == found.count("FoxP3+")


def test_backgated_events_are_dots_on_top_of_a_raster(one: Gated, ax: Axes) -> None:
    plots.gate(one, "Reg", backgate="Treg", ax=ax)
    (dots,) = ax.lines
    assert len(dots.get_xdata()) == one.count("Treg")
    assert words(ax)[0] == f"Treg: {one.count('Treg')}"
    assert dots.get_color() == ax.texts[1].get_color()


def test_backgated_events_are_a_line_of_equal_height_on_a_histogram(one: Gated, ax: Axes) -> None:
    plots.gate(one, "FoxP3+", backgate="Treg", ax=ax)
    every, _, others = (patch.get_data().values for patch in ax.patches)
    assert others.max() == pytest.approx(every.max())


def test_only_events_of_the_parent_are_backgated(one: Gated, ax: Axes) -> None:
    plots.gate(one, "Never", backgate="Treg", ax=ax)
    assert words(ax)[0] == "Treg: 0"
    assert not ax.lines


def test_a_parent_without_events_is_said_so(one: Gated, ax: Axes) -> None:
    plots.gate(one, "Nowhere", ax=ax)
    assert words(ax) == ["no event in Nobody\n0 events"]
    ax.clear()
    plots.gate(one, "Never", ax=ax)
    assert words(ax) == ["no event in Nobody\n0 events"]


def test_a_missing_population_says_why(one: Gated, ax: Axes) -> None:
    plots.gate(one, "Lost", ax=ax)
    assert ax.get_title() == "Lost"
    assert words(ax) == ["missing in this sample:\nno channel carries CD45RA"]
    assert [*ax.images, *ax.patches] == []
    ax.clear()
    plots.gate(one, "Lost too", ax=ax)
    assert words(ax) == ["missing in this sample:\nLost is missing"]


def test_a_missing_population_to_backgate_is_said_so(one: Gated, ax: Axes) -> None:
    plots.gate(one, "Reg", backgate="Lost", ax=ax)
    assert words(ax)[0] == "Lost: missing"


@pytest.mark.parametrize("arguments", [{"population": "Tregs"}, {"population": "Reg", "backgate": "Tregs"}])
def test_a_gate_that_is_not_there(one: Gated, ax: Axes, arguments: dict[str, str]) -> None:
    with pytest.raises(GateError) as caught:
        plots.gate(one, ax=ax, **arguments)
    known = ", ".join(one.strategy.spec.gates)
    assert str(caught.value) == (
        f"P01_D8.fcs: Tregs: there is no such gate to draw; did you mean 'Treg'?\n  available  {known}"
    )


def test_names_are_written_as_they_are(ax: Axes) -> None:
    text = STRATEGY.replace("name: T cells", 'name: "$x_1$ and a name that goes on and on and on"')
    plots.gate(gated(text), "CD3+", ax=ax)
    assert ax.get_title() == "$x_1$ and a name that goes on a…"
    assert not ax.title.get_parse_math()


@pytest.mark.parametrize(("n_events", "n_bins"), [(3000, 128), (100_000, 256)])
def test_many_events_get_finer_bins(ax: Axes, n_events: int, n_bins: int) -> None:
    plots.gate(gated(n_events=n_events), "Cells", ax=ax)
    assert ax.images[0].get_array().shape == (n_bins, n_bins)


# --------------------------------------------------------------------------------------------------------- outlines

UNIT = (Linear(t=1.0), Linear(t=1.0))
WHOLE = ((0.0, 1.0), (0.0, 1.0))


def polygon(points: list[tuple[float, float]], **open_sides: str) -> Polygon:
    sides = tuple(open_sides.items())
    return Polygon(id="g", parent="root", channels=("x", "y"), points=tuple(points), scales=UNIT, open=sides)


def test_what_runs_on_begins_at_the_outermost_edge() -> None:
    shape = polygon([(0.2, 0.2), (0.6, 0.3), (0.6, 0.5), (0.2, 0.8)], x="high")
    found = outline(shape, ("x", "y"), UNIT, WHOLE)
    assert found.tolist() == [[0.2, 0.2], [0.6, 0.3], [1.0, 0.3], [1.0, 0.5], [0.6, 0.5], [0.2, 0.8]]


def test_two_open_sides_share_their_corner() -> None:
    shape = polygon([(0.2, 0.2), (0.6, 0.2), (0.6, 0.5), (0.2, 0.5)], x="high", y="low")
    assert outline(shape, ("x", "y"), UNIT, WHOLE)[[1, 2, 3], :].tolist() == [[0.2, 0.0], [1.0, 0.0], [1.0, 0.5]]


def test_a_lone_corner_as_far_out_as_the_open_edge_stays() -> None:
    shape = polygon([(0.2, 0.1), (0.6, 0.1), (0.6, 0.3), (0.4, 0.4), (0.6, 0.6), (0.2, 0.6)], x="high")
    assert [0.6, 0.6] in outline(shape, ("x", "y"), UNIT, WHOLE).tolist()
    assert outline(shape, ("x", "y"), UNIT, WHOLE)[:, 0].tolist().count(1.0) == 2


@pytest.mark.parametrize("side", ["low", "high"])
@pytest.mark.parametrize("axis", ["x", "y"])
def test_the_outline_holds_what_an_open_polygon_holds(axis: str, side: str) -> None:
    corners = [(0.3, 0.3), (0.3, 0.45), (0.5, 0.55), (0.3, 0.6), (0.3, 0.7), (0.7, 0.7), (0.7, 0.3)]
    shape = polygon(corners, **{axis: side})
    x, y = np.random.default_rng(3).random((2, 5000))
    expected = shape.evaluate({"x": x, "y": y}.__getitem__).inside
    np.testing.assert_array_equal(in_polygon(x, y, *outline(shape, ("x", "y"), UNIT, WHOLE).T), expected)


def test_a_polygon_can_be_drawn_with_its_axes_the_other_way_round() -> None:
    shape = polygon([(0.2, 0.1), (0.6, 0.1), (0.6, 0.3)], y="low")
    found = outline(shape, ("y", "x"), UNIT, WHOLE)
    assert found.tolist() == [[0.1, 0.2], [0.0, 0.2], [0.0, 0.6], [0.1, 0.6], [0.3, 0.6]]


def test_a_bound_without_a_position_is_drawn_as_open() -> None:
    shape = Rectangle(id="g", parent="root", bounds=(("x", 0.0, 100.0), ("y", None, 10.0)), scales=(Log(), Log()))
    span = (0.1, 0.9)
    right, top = float(Log().apply(100.0)), float(Log().apply(10.0))
    found = outline(shape, ("x", "y"), (Log(), Log()), (span, span))
    assert found.tolist() == [[0.1, 0.1], [right, 0.1], [right, top], [0.1, top]]


def test_axes_need_not_reach_an_open_end() -> None:
    shape = polygon([(0.2, 0.2), (9e9, 0.2), (9e9, 0.5), (0.2, 0.5)], x="high")
    assert ends(shape, "x") == [0.2, 0.2]
    assert ends(shape, "y") == [0.2, 0.2, 0.5, 0.5]


def test_points_along_an_outline_lie_on_its_edges() -> None:
    found = points_along(np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]), 4)
    assert found.shape == (12, 2)
    assert {(0.25, 0.0), (1.0, 0.25), (0.75, 0.75)} <= set(map(tuple, found.tolist()))


# ------------------------------------------------------------------------------------------------------------ pages


def test_a_tree_has_every_gate_in_order_with_a_heading(one: Gated) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 12))
    axes = plots.tree(one, backgate="Treg", figure=figure)
    assert axes.shape == (15,)
    assert axes.flat[0].figure is figure
    titles = [ax.get_title() for ax in axes]
    assert titles[:6] == ["Cells", "T cells", "CD4+", "Reg", "Closed", "FoxP3+"]  # children after their parent
    assert titles[-3:] == ["Lost", "Lost too", "Box"]  # then the next branch
    assert [text.get_text() for text in figure.texts] == ["P01_D8", "strategy test, batch B1, P01_D8.fcs, 3,000 events"]


def test_a_tree_can_fill_part_of_a_figure(one: Gated) -> None:
    from matplotlib.figure import Figure

    left, right = Figure(figsize=(24, 12)).subfigures(1, 2)
    for part in (left, right):
        assert plots.tree(one, figure=part)[0].figure is part


def test_a_tree_makes_a_figure_of_pyplot_where_none_is_given(one: Gated) -> None:
    from matplotlib import pyplot

    axes = plots.tree(one)
    assert pyplot.get_fignums() == [axes[0].figure.number]
    pyplot.close("all")


def test_a_tree_refuses_a_population_that_is_not_there(one: Gated) -> None:
    with pytest.raises(GateError, match=r"Tregs: there is no such gate to draw; did you mean 'Treg'\?"):
        plots.tree(one, backgate="Tregs")


def test_a_page_is_the_same_bytes_every_time(one: Gated, tmp_path: Path) -> None:
    first, second = tmp_path / "plots" / "first.png", tmp_path / "second.png"
    plots.save_page(one, first, title="P01 样本")  # letters that the font lacks are no reason to warn
    with mpl.rc_context({"font.size": 20, "savefig.dpi": 30, "axes.facecolor": "red"}):
        plots.save_page(one, second, title="P01 样本")
    assert first.read_bytes().startswith(b"\x89PNG")
    assert first.read_bytes() == second.read_bytes()
    assert b"matplotlib" not in first.read_bytes().lower()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["first.png", "plots", "second.png"]


def test_other_events_make_another_page(tmp_path: Path) -> None:
    for n_events in (500, 501):
        plots.save_page(gated(n_events=n_events), tmp_path / f"{n_events}.png", title="P01")
    assert (tmp_path / "500.png").read_bytes() != (tmp_path / "501.png").read_bytes()


def test_a_page_needs_no_pyplot_and_the_module_no_matplotlib(tmp_path: Path) -> None:
    code = """
import sys
import tregflow.plots
print({"matplotlib", "numba", "pandas"} & set(sys.modules))
from tregflow.fcs import Sample
from tregflow.strategy import Strategy
strategy = Strategy.loads("{tregflow: 1, name: a, compensation: none, gates: {A: {above: {CD3: 1}}}}")
tregflow.plots.save_page(strategy.gate(Sample.from_columns("a.fcs", {"CD3": [0.0, 2.0]})), sys.argv[1], title="a")
print("matplotlib.pyplot" in sys.modules)
"""
    command = [sys.executable, "-c", code, str(tmp_path / "page.png")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["set()", "False"]
    assert (tmp_path / "page.png").stat().st_size > 0


# ----------------------------------------------------------------------------------------------------- fold changes


def results(**percent: tuple[float, float]) -> EndpointResults:
    """Return an endpoint of 10,000 CD4+ events at each visit."""
    rows = [
        {"sample": f"{subject}_{visit}", "subject": subject, "visit": visit, "status": "ok", "name": "Treg_of_CD4",
         "numerator": "Treg", "denominator": "CD4+", "k": round(100 * value), "n": 10_000, "percent": value,
         "low": value, "high": value, "method": "wilson", "flags": ""}
        for subject, values in percent.items() for visit, value in zip(("D0", "D8"), values, strict=True)
    ]  # fmt: skip
    endpoint = Endpoint(name="primary", ratio="Treg_of_CD4", visit="D8", test="t_fold")
    return analyse(pd.DataFrame(rows), Design(baseline="D0", visits=("D0", "D8"), endpoints=(endpoint,)))


def test_fold_changes_draws_a_line_per_subject(ax: Axes) -> None:
    assert plots.fold_changes(results(P1=(4.0, 8.0), P2=(5.0, 5.0), P3=(2.0, 6.0)), endpoint="primary", ax=ax) is ax
    assert [list(line.get_ydata()) for line in ax.lines] == [[4.0, 8.0], [5.0, 5.0], [2.0, 6.0]]
    assert [list(line.get_xdata()) for line in ax.lines] == [[0, 1]] * 3
    assert ax.get_title() == "primary: mean fold 2.00 ± 1.00, n = 3"
    assert [label.get_text() for label in ax.get_xticklabels()] == ["D0", "D8"]
    assert ax.get_ylabel() == "Treg_of_CD4 (%)"
    assert words(ax) == ["P1", "P2", "P3"]


def test_a_subject_without_a_fold_is_named(ax: Axes) -> None:
    plots.fold_changes(results(P1=(4.0, 8.0), P2=(5.0, 6.0), P3=(0.1, 6.0)), endpoint="primary", ax=ax)
    assert len(ax.lines) == 2
    assert ax.get_xlabel() == "no fold: P3"
    assert ax.get_title() == "primary: mean fold 1.60 ± 0.57, n = 2"


def test_fold_changes_without_any_fold(ax: Axes) -> None:
    plots.fold_changes(results(P1=(0.1, 8.0)), endpoint="primary", ax=ax)
    assert not ax.lines
    assert ax.get_title() == "primary: no mean fold"


def test_names_of_subjects_do_not_overlap(ax: Axes) -> None:
    close = {f"P{number}": (4.0, 8.0 + number / 100) for number in range(6)}
    plots.fold_changes(results(**close), endpoint="primary", ax=ax)
    at = [text.get_position()[1] for text in ax.texts]
    assert min(np.diff(at)) == pytest.approx(0.04 * ax.get_ylim()[1])
    assert max(at) < ax.get_ylim()[1]
    assert words(ax) == list(close)


def test_names_move_apart_no_further_than_they_must() -> None:
    found = plots._spread_out(np.array([5.0, 1.0, 5.2, 9.0]), 1.0, most=8.5)
    np.testing.assert_allclose(found, [4.1, 0.5, 5.1, 8.5])
    assert plots._spread_out(np.array([]), 1.0, most=8.5).size == 0


def test_an_endpoint_that_is_not_there(ax: Axes) -> None:
    with pytest.raises(EndpointError) as caught:
        plots.fold_changes(results(P1=(4.0, 8.0)), endpoint="primry", ax=ax)
    assert str(caught.value) == "no endpoint 'primry'; did you mean 'primary'?\n  available  primary"


# ------------------------------------------------------------------------- ellipses, quadrants, outside, on the scales

SHAPES = """
tregflow: 1
name: shapes
compensation: none
dimensions: {ratio: {ratio: [CD25, CD127]}}
quadrants: {Q: {dividers: {CD25: [1000], CD127: [1000, 9000]}}}
gates:
  Data:    {polygon: [CD25, CD127], points: [[1000, 200], [1000, 4000], [3000, 9000]]}
  Scale:   {polygon: [CD25, CD127], units: scale, points: [[0.4, 0.1], [0.4, 0.5], [0.6, 0.7]], bins: 64}
  Box:     {rectangle: {CD25: [0.25, null], CD127: [0.5, 0.75]}, units: scale}
  Cell:    {quadrant: Q, cell: {CD25: 0, CD127: 1}}
  Ellipse: {ellipsoid: [CD25, CD127], mean: [0.5, 0.4], covariance: [[0.01, 0.005], [0.005, 0.01]], distance2: 4}
  Three:   {ellipsoid: [CD25, CD127, CD3], mean: [0.5, 0.4, 0.5], distance2: 4,
            covariance: [[0.01, 0.005, 0], [0.005, 0.01, 0], [0, 0, 0.01]]}
  Out:     {ellipsoid: [CD25, CD127], mean: [0.5, 0.4], covariance: [[0.01, 0], [0, 0.01]], outside: true}
  Open:    {ellipsoid: [CD25, CD127], mean: [0.5, 0.4], covariance: [[1, 2], [2, 1]], indefinite: true}
  Not:     {rectangle: {CD25: [1000, 5000]}, outside: true}
  Ratio:   {above: {ratio: 1.5}}
"""


@pytest.mark.parametrize("counts", ["exact", "flowjo"])
def test_new_gates_are_drawn_where_they_are(counts: str, ax: Axes) -> None:
    one = gated(SHAPES + f"counts: {counts}\n")

    def drawn(name: str) -> NDArray[np.float64]:
        ax.clear()
        plots.gate(one, name, ax=ax)
        return outlines(ax)[name]

    scale = Logicle()
    data = np.array(one.strategy.spec.gates["Data"].points)
    np.testing.assert_allclose(drawn("Data"), scale.apply(data))
    np.testing.assert_array_equal(drawn("Scale"), [[0.4, 0.1], [0.4, 0.5], [0.6, 0.7]])
    box = drawn("Box")
    assert sorted(set(box[:, 1])) == [0.5, 0.75]
    assert sorted(set(box[:, 0])) == [0.25, ax.get_xlim()[1]]
    cell = drawn("Cell")
    assert sorted(set(cell[:, 0])) == [ax.get_xlim()[0], float(scale.apply(1000))]
    assert sorted(set(cell[:, 1])) == [float(scale.apply(1000)), float(scale.apply(9000))]
    for name in ("Ellipse", "Three"):
        off = drawn(name) - (0.5, 0.4)
        inverse = np.linalg.inv([[0.01, 0.005], [0.005, 0.01]])
        np.testing.assert_allclose(np.einsum("ni,ij,nj->n", off, inverse, off), 4.0)
    assert "also bounded: CD3" in words(ax)


def test_outside_is_said_and_its_events_are_shown(one: Gated, ax: Axes) -> None:
    one = gated(SHAPES)
    plots.gate(one, "Out", ax=ax)
    assert "outside of the outline" in words(ax)
    assert ax.patches[0].get_linestyle() not in ("-", "solid")
    (dots,) = (line for line in ax.lines if line.get_marker() == ".")
    assert len(dots.get_xdata()) == one.count("Out")
    ax.clear()
    plots.gate(one, "Not", ax=ax)
    assert "outside of the outline" in words(ax)
    assert ax.get_xlabel() == "CD25 (PE-A)"
    ax.clear()
    plots.gate(one, "Open", ax=ax)
    assert outlines(ax) == {}
    assert "no outline: the covariance is indefinite" in words(ax)
    ax.clear()
    plots.gate(one, "Ratio", ax=ax)
    assert ax.get_xlabel() == "ratio (CD25 / CD127)"


def test_ends_are_in_data_units_whatever_the_gate_is_written_in() -> None:
    built = Strategy.loads(SHAPES).build
    inverse = Logicle().inverse
    assert ends(built("Scale"), "CD25") == [float(inverse(at)) for at in (0.4, 0.4, 0.6)]  # type: ignore[arg-type]
    assert ends(built("Box"), "CD127") == [float(inverse(at)) for at in (0.5, 0.75)]  # type: ignore[arg-type]
    assert ends(built("Ellipse"), "CD25") == pytest.approx([float(inverse(at)) for at in (0.3, 0.7)])  # type: ignore[arg-type]
    assert ends(built("Not"), "CD127") == []  # type: ignore[arg-type]
