"""Strategies into Gating-ML and back: every population keeps its events; what others lose is said."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tregflow.errors import InteropError
from tregflow.fcs import Sample, read_fcs
from tregflow.interop.gatingml import read_gatingml, write_gatingml
from tregflow.interop.gatingml.outline import closed
from tregflow.interop.left_out import LeftOut
from tregflow.strategy import Strategy
from tregflow.transforms import (
    Asinh,
    FlowJoBiex,
    FlowJoLinear,
    FlowJoLog,
    Hyperlog,
    Linear,
    Log,
    Logicle,
    scale_to_spec,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tregflow.transforms import Scale

OWN = re.compile(r"\s*<data-type:custom_info>.*</data-type:custom_info>", re.DOTALL)
SCALES: dict[str, Scale] = {
    "lin": Linear(),
    "lin a": Linear(t=5000, a=300),
    "one": Linear(t=1),
    "log": Log(t=10_000, m=4),
    "logicle": Logicle(w=0.7),
    "hyper": Hyperlog(t=262144, w=0.5, m=4.5, a=0),
    "asinh": Asinh(t=10_000, m=4, a=0.5),
    "biex": FlowJoBiex(width=-10),
    "fj lin": FlowJoLinear(min=-1000, max=9000),
    "fj log": FlowJoLog(offset=10, decades=3),
}
NATIVE = ("lin", "lin a", "one", "log", "logicle", "hyper", "asinh")


def sample(n: int = 4000, *, whole: bool = True) -> Sample:
    """Return values of either sign, and some at the very ends of every axis; whole numbers meet edges."""
    rng = np.random.default_rng(4)
    columns = {}
    for name in SCALES:
        values = np.where(rng.random(n) < 0.5, rng.normal(0, 800, n), rng.lognormal(7, 2, n))
        values[:6] = [-1e6, 1e6, 0, 300, 3000, 1000]
        columns[name] = np.round(values) if whole else values.astype(np.float32).astype(float)
    return Sample.from_columns("events.fcs", columns)


def strategy(gates: Mapping[str, Any], **more: Any) -> Strategy:
    data = {
        "tregflow": 1,
        "name": "s",
        "compensation": "none",
        "gains": "fcs",
        "dimensions": {name: {"channel": name} for name in SCALES} | more.pop("dimensions", {}),
        "scales": {name: scale_to_spec(scale) for name, scale in SCALES.items()} | more.pop("scales", {}),
        "gates": dict(gates),
    }
    overrides = more.pop("overrides", ())
    return Strategy.from_data({**data, **more}, name="s.yaml", overrides=overrides)


def through(tmp_path: Path, given_one: Strategy) -> tuple[Strategy, tuple[LeftOut, ...]]:
    """Return what comes back, and what others lose."""
    lost = write_gatingml(tmp_path / "s.xml", given_one)
    return read_gatingml(tmp_path / "s.xml").strategy, lost


def as_others_read(tmp_path: Path, given_one: Strategy) -> tuple[Strategy, tuple[LeftOut, ...]]:
    """Return what is in the file for other programs, and what they lose."""
    lost = write_gatingml(tmp_path / "s.xml", given_one)
    text = (tmp_path / "s.xml").read_text(encoding="utf-8")
    assert OWN.search(text)
    (tmp_path / "others.xml").write_text(OWN.sub("", text), encoding="utf-8")
    return read_gatingml(tmp_path / "others.xml").strategy, lost


def same_events(one: Strategy, other: Strategy, on: Sample, **context: str) -> None:
    found, expected = other.gate(on, **context), one.gate(on, **context)
    for name in one.spec.gates:
        assert np.array_equal(found[name], expected[name]), name
        assert 0 < expected[name].sum() < on.n_events, name


# ---------------------------------------------------------------------------------------------- exact for others


def rectangles(units: str) -> dict[str, Any]:
    gates: dict[str, Any] = {}
    for name, scale in SCALES.items():
        ends = [300.0, 3000.0]
        if units == "scale":
            ends = [float(scale.apply(end)) for end in ends]
        gates[f"{name} both"] = {"rectangle": {name: ends}, "units": units}
        gates[f"{name} low"] = {"rectangle": {name: [ends[0], None]}, "units": units}
        gates[f"{name} high"] = {"rectangle": {name: [None, ends[1]]}, "units": units}
    return gates


@pytest.mark.parametrize("units", ["data", "scale"])
def test_rectangles_on_every_scale_are_exact_for_others(tmp_path: Path, units: str) -> None:
    mine = strategy(rectangles(units))
    others, lost = as_others_read(tmp_path, mine)
    assert lost == ()
    kept = {gate.name: name for name, gate in others.spec.gates.items()}
    found, expected = others.gate(sample()), mine.gate(sample())
    for name in mine.spec.gates:
        assert np.array_equal(found[kept[name]], expected[name]), name


def test_a_range_on_a_clamped_axis_takes_in_what_is_held_at_its_end(tmp_path: Path) -> None:
    mine = strategy(
        {
            "low end": {"rectangle": {"biex": [0.0, 0.5]}, "units": "scale"},
            "high end": {"rectangle": {"biex": [0.5, 1.5]}, "units": "scale"},
            "all": {"rectangle": {"biex": [-1.0, 2.0]}, "units": "scale"},
        }
    )
    others, lost = as_others_read(tmp_path, mine)
    found, expected = others.gate(sample()), mine.gate(sample())
    assert lost == ()
    assert [int(found[name].sum()) for name in ("low_end", "high_end", "all")] == [
        int(expected[name].sum()) for name in ("low end", "high end", "all")
    ]
    assert found["all"].all()


def polygons(names: tuple[str, ...], units: str) -> dict[str, Any]:
    gates = {}
    for x, y in zip(names, (*names[1:], names[0]), strict=True):
        points = np.array([(300.0, 100.0), (3000.0, 300.0), (900.0, 900.0), (2000.0, 5000.0), (150.0, 2500.0)])
        if units == "scale":
            points = np.column_stack([SCALES[x].apply(points[:, 0]), SCALES[y].apply(points[:, 1])])
        gates[f"{x}.{y}"] = {"polygon": [x, y], "points": points.tolist(), "units": units}
    return gates


@pytest.mark.parametrize("units", ["data", "scale"])
def test_polygons_on_the_scales_of_the_standard_are_exact_for_others(tmp_path: Path, units: str) -> None:
    mine = strategy(polygons(NATIVE, units))
    others, lost = as_others_read(tmp_path, mine)
    assert lost == ()
    found, expected = others.gate(sample()), mine.gate(sample())
    for name, theirs in zip(mine.spec.gates, others.spec.gates, strict=True):
        assert np.array_equal(found[theirs], expected[name]), name
        assert expected[name].sum() > 10


def test_polygons_on_a_flowjo_axis_are_followed_in_pieces(tmp_path: Path) -> None:
    mine = strategy(polygons(("biex", "fj log", "logicle"), "data"))
    others, lost = as_others_read(tmp_path, mine)
    assert [each.population for each in lost] == ["biex.fj log", "fj log.logicle", "logicle.biex"]
    assert lost[0].reason == (
        "Gating-ML has no biex or flowjo_log scale (biex, fj log): another reader sees the outline in data units, "
        "slanted edges in short pieces, and may count differently beside them"
    )
    found, expected = others.gate(sample(whole=False)), mine.gate(sample(whole=False))
    for name, theirs in zip(mine.spec.gates, others.spec.gates, strict=True):
        assert expected[name].sum() > 50
        assert (found[theirs] != expected[name]).sum() <= 1, name


def test_a_polygon_that_touches_the_end_of_a_flowjo_axis_holds_what_lies_beyond_for_others_too(tmp_path: Path) -> None:
    points = [[-2e3, 100], [-2e3, 4e5], [4e5, 4e5], [4e5, 100]]
    mine = strategy({"P": {"polygon": ["biex", "logicle"], "points": points}})
    others, _ = as_others_read(tmp_path, mine)
    found, expected = others.gate(sample(whole=False))["P"], mine.gate(sample(whole=False))["P"]
    assert np.array_equal(found, expected)
    assert expected.sum() > 1000


def test_ellipsoids_booleans_and_quadrants_are_exact_for_others(tmp_path: Path) -> None:
    place = {name: float(SCALES[name].apply(1000.0)) for name in SCALES}
    mine = strategy(
        {
            "E2": {
                "ellipsoid": ["logicle", "asinh"],
                "mean": [place["logicle"], place["asinh"]],
                "covariance": [[0.02, 0.005], [0.005, 0.03]],
            },
            "E3": {
                "in": "E2",
                "ellipsoid": ["one", "hyper", "lin a"],
                "mean": [1000.0, place["hyper"], place["lin a"]],
                "covariance": [[1e6, 0, 0], [0, 0.1, 0], [0, 0, 0.2]],
                "distance2": 2.0,
            },
            "out": {"polygon": ["lin", "asinh"], "points": [[0, 0], [3000, 0], [0, 3000]], "outside": True},
            "not out": {"not": "out"},
            "all": {"in": "E2", "all": ["E3", {"not": "out"}]},
            "any": {"any": ["E3", {"not": "E2"}]},
            "Q00": {"quadrant": "Q", "cell": {"lin": 0, "logicle": 0}},
            "Q1": {"quadrant": "Q", "cell": {"lin": 1}},
            "S2": {"in": "Q1", "above": {"biex": 500}, "below": {"lin": 5e4}},
            "L": {"quadrant": "on the log", "cell": {"log": 0}},
        },
        quadrants={
            "Q": {"in": "E2", "dividers": {"lin": [300, 3000], "logicle": [1000]}},
            "on the log": {"dividers": {"log": [300]}},
        },
    )
    others, lost = as_others_read(tmp_path, mine)
    found, expected = others.gate(sample()), mine.gate(sample())
    names = {gate.name or name: name for name, gate in others.spec.gates.items()}
    for name in mine.spec.gates:
        assert np.array_equal(found[names[name]], expected[name]), name
        assert 0 < expected[name].sum() < 4000, name
    assert list(others.spec.quadrants) == ["Q"]
    assert lost == ()


def test_complements_on_a_logarithm_are_others_by_the_standard(tmp_path: Path) -> None:
    _, lost = through(tmp_path, strategy({"A": {"above": {"log": 10}}, "N": {"not": "A"}}))
    assert lost == (
        LeftOut(
            "",
            "N",
            "values without a position (log) are outside the gate and its complement; another reader may take them "
            "into the complement",
        ),
    )


def test_what_the_standard_has_no_element_for_is_left_out_for_others_with_all_that_needs_it(tmp_path: Path) -> None:
    ball = {"mean": [0.5] * 3, "covariance": np.diag([0.1] * 3).tolist()}
    mine = strategy(
        {
            "E": {"ellipsoid": ["biex", "logicle", "asinh"], **ball},
            "below": {"in": "E", "above": {"logicle": 1000}},
            "nobody": {"rectangle": {"biex": [1.5, None]}, "units": "scale"},
            "none": {"below": {"log": -5}},
            "A": {"above": {"logicle": 1000}},
        }
    )
    others, lost = as_others_read(tmp_path, mine)
    assert list(others.spec.gates) == ["A"]
    assert [(each.population, each.reason) for each in lost] == [
        ("E", "another reader does not see it: an ellipsoid on scales that Gating-ML lacks (biex)"),
        ("below", "another reader does not see it: it needs E"),
        (
            "nobody",
            "another reader does not see it: no value reaches so far on its scale, and Gating-ML has no gate that is "
            "empty",
        ),
        ("none", "another reader does not see it: no value of log is in it, and Gating-ML has no gate that is empty"),
    ]
    back, _ = through(tmp_path, mine)
    assert back.data == mine.data


def test_an_ellipse_on_a_flowjo_axis_is_a_polygon_for_others(tmp_path: Path) -> None:
    mine = strategy({"E": {"ellipsoid": ["biex", "asinh"], "mean": [0.5, 0.5], "covariance": [[0.05, 0], [0, 0.05]]}})
    others, lost = as_others_read(tmp_path, mine)
    assert [each.reason for each in lost] == [
        "Gating-ML has no biex scale (biex): another reader sees the outline in data units, slanted edges in short "
        "pieces, and may count differently beside them",
        "another reader sees a polygon of 360 corners for the ellipse",
    ]
    found, expected = others.gate(sample(whole=False))["E"], mine.gate(sample(whole=False))["E"]
    assert expected.sum() > 100
    assert (found != expected).sum() <= 2


def test_gains_are_divided_out_for_others(tmp_path: Path) -> None:
    mine = strategy(
        {
            "R": {"above": {"s": 100.0}},
            "P": {"polygon": ["s", "log2"], "points": [[10, 50], [400, 50], [400, 4000], [10, 4000]]},
            "E": {"ellipsoid": ["s", "log2"], "mean": [0.0, 0.75], "covariance": [[0.01, 0], [0, 0.05]]},
            "T": {"rectangle": {"log2": [0.5, 0.75]}, "units": "scale"},
        },
        dimensions={"s": {"channel": "lin", "gain": 0.1}, "log2": {"channel": "log", "gain": 2.0}},
        scales={"s": {"linear": {"t": 1000.0}}, "log2": {"log": {"t": 10000.0, "m": 4.0}}},
    )
    others, lost = as_others_read(tmp_path, mine)
    assert {each.reason for each in lost} == {
        "Gating-ML has no gain (s): coordinates or scale are divided by it, rounded",
        "Gating-ML has no gain (log2): coordinates or scale are divided by it, rounded",
    }
    same_events(mine, others, sample(whole=False))


def test_ratios_and_matrices_are_exact_for_others(tmp_path: Path) -> None:
    mine = strategy(
        {
            "A": {"above": {"PE": 500.0}, "below": {"logicle": 4e4}},
            "B": {"rectangle": {"r": [0.1, 3.0]}, "units": "scale"},
            "C": {"above": {"asinh": 100.0}},
            "D": {"above": {"own": 100.0}},
        },
        compensation="m1",
        matrices={
            "m1": {"detectors": ["logicle", "asinh"], "matrix": [[1.0, 0.2], [0.05, 1.0]]},
            "m 2": {
                "detectors": ["lin", "hyper", "one"],
                "dyes": ["PE", "FITC"],
                "matrix": [[1, 0.1, 0.2], [0, 1, 0.5]],
            },
        },
        dimensions={
            "PE": {"dye": "PE", "compensation": "m 2"},
            "r": {"ratio": ["logicle", "asinh"], "a": 2.0, "b": 10.0, "c": -5.0},
            "own": {"channel": "logicle", "compensation": "fcs-or-none"},
        },
    )
    others, lost = as_others_read(tmp_path, mine)
    assert lost == ()
    same_events(mine, others, sample())
    assert list(others.spec.matrices) == ["m_2", "m1"]


def test_ratios_of_differently_compensated_channels_are_others(tmp_path: Path) -> None:
    _, lost = through(
        tmp_path,
        strategy(
            {"A": {"above": {"r": 1.0}}},
            dimensions={"x": {"channel": "lin", "compensation": "fcs-or-none"}, "r": {"ratio": ["x", "one"]}},
        ),
    )
    reason = "r: Gating-ML compensates both sides of a ratio alike; another reader sees another ratio"
    assert lost == (LeftOut("", "", reason),)


# ---------------------------------------------------------------------------------------------------- open sides


@given(
    points=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=3, max_size=9),
    sides=st.sets(st.tuples(st.sampled_from([0, 1]), st.booleans())),
)
def test_an_open_polygon_closed_far_away_holds_the_same_events(
    points: list[tuple[int, int]], sides: set[tuple[int, bool]]
) -> None:
    given_points = [(float(x), float(y)) for x, y in points]
    grid = np.arange(-2, 7.5, 0.5)
    x, y = (axis.ravel() for axis in np.meshgrid(grid, grid))
    far = [(-1e100, 1e100), (-1e100, 1e100)]
    outline = np.array(closed(given_points, sorted(sides), far))

    from tregflow._kernels import in_polygon

    low, high = np.min(given_points, axis=0), np.max(given_points, axis=0)
    ends = {(axis, end): (high if end else low)[axis] for axis, end in sides}
    pulled = [
        np.clip(column, ends.get((axis, False), -np.inf), ends.get((axis, True), np.inf))
        for axis, column in enumerate((x, y))
    ]
    assert np.array_equal(in_polygon(x, y, *outline.T), in_polygon(*pulled, *np.array(given_points).T))


@pytest.mark.parametrize("x", ["lin", "logicle", "log", "biex"])
@pytest.mark.parametrize("sides", [{}, {"x": "high"}, {"x": "low", "y": "high"}, {"x": "high", "y": "high"}])
def test_open_sides_are_there_for_others(tmp_path: Path, x: str, sides: dict[str, str]) -> None:
    points = [[300, 100], [3000, 100], [3000, 4000], [300, 4000]]
    opened = {{"x": x, "y": "asinh"}[axis]: side for axis, side in sides.items()}
    mine = strategy({"P": {"polygon": [x, "asinh"], "points": points, "open": opened}})
    others, _ = as_others_read(tmp_path, mine)
    on = sample(whole=x != "biex")
    assert np.array_equal(others.gate(on)["P"], mine.gate(on)["P"])


# ----------------------------------------------------------------------------------------------- for ourselves


def everything() -> Strategy:
    """Return a strategy with all that the standard has no word for."""
    return strategy(
        {
            "T cells": {"polygon": ["biex", "fj log"], "points": [[0, 10], [5000, 10], [5000, 5000], [0, 5000]]},
            "CD4+": {"in": "T cells", "above": {"CD4": 100.0}, "name": "helpers"},
            "CD4-": {"in": "T cells", "not": "CD4+", "optional": True},
            "E": {"ellipsoid": ["biex", "asinh"], "mean": [0.5, 0.5], "covariance": [[0.1, 0], [0, 0.1]], "bins": 128},
        },
        panel={"CD4": {"pns": ["CD?", "*4"], "pnn": ["logicle"]}},
        counts="flowjo",
        gains="none",
        report={"helpers": "CD4+ / T cells"},
        mfi={"CD4+": ["CD4", "asinh"]},
        overrides=[
            {
                "id": "late",
                "when": {"batch": "B1"},
                "gate": "CD4+",
                "set": {"above": {"CD4": 250.0}},
                "by": "A",
                "at": "2026-01-02",
                "why": "a line\nand \x1b another",
            },
            {
                "id": "one",
                "when": {"sample": "S1"},
                "gate": "T cells",
                "set": {"points": [[0, 10], [500, 10], [500, 5000], [0, 5000]]},
                "by": "A",
                "at": "2026-01-02",
                "why": "shifted",
            },
            {
                "id": "axis",
                "when": {"sample": "S1"},
                "set": {"scales": {"biex": {"biex": {"width": -200.0}}}},
                "by": "A",
                "at": "2026-01-02",
                "why": "its own axis",
            },
        ],
    )


def test_tregflow_gets_its_strategy_back_whole(tmp_path: Path) -> None:
    mine = everything()
    back, lost = through(tmp_path, mine)
    assert back.data == mine.data
    assert back.overrides == mine.overrides
    on = sample(whole=False)
    for context in ({"id": "S1", "batch": "B1"}, {"id": "S2", "batch": "B1"}, {"id": "S2", "batch": "B2"}):
        same_events(mine, back, on, **context)
    assert [(each.sample, each.population, each.reason) for each in lost if "no biex" not in each.reason] == [
        ("", "", "counts: flowjo: another reader evaluates polygons and ellipses exactly, not on FlowJo's grid"),
        ("", "", "gains: none: another reader divides values by $PnG, where a file states one other than 1"),
        ("", "", "report: Gating-ML has no place for reported frequencies"),
        ("", "", "mfi: Gating-ML has no place for medians"),
        ("", "", "optional: CD4-: another reader may fail on a file without their channels"),
        ("", "CD4+", "override late (batch B1): another reader sees the template"),
        ("S1", "T cells", "override one (sample S1): another reader sees the template"),
        ("S1", "", "override axis (sample S1): another reader sees the template"),
        ("", "", "CD4: the panel finds its channel in each file; another reader looks for a channel of this name"),
        ("", "E", "another reader sees a polygon of 360 corners for the ellipse"),
    ]


def test_the_same_strategy_gives_the_same_bytes(tmp_path: Path) -> None:
    write_gatingml(tmp_path / "one.xml", everything())
    write_gatingml(tmp_path / "two.xml", read_gatingml(tmp_path / "one.xml").strategy)
    assert (tmp_path / "one.xml").read_bytes() == (tmp_path / "two.xml").read_bytes()


def test_a_layout_of_its_own_does_not_make_another_file(tmp_path: Path) -> None:
    write_gatingml(tmp_path / "s.xml", everything())
    text = (tmp_path / "s.xml").read_text(encoding="utf-8").replace("\n  <gating", "\r\n\t<!-- seen -->  <gating")
    free = "<data-type:custom_info>free</data-type:custom_info></gating:Gating-ML>"
    (tmp_path / "t.xml").write_text(text.replace("</gating:Gating-ML>", free), encoding="utf-8")
    assert read_gatingml(tmp_path / "t.xml").strategy.data == everything().data


def changed(tmp_path: Path) -> Path:
    """Write a file, and move a gate in it as another program would."""
    mine = strategy({"A+": {"above": {"one": 100}}}, mfi={"A+": ["one"]})
    write_gatingml(tmp_path / "s.xml", mine)
    text = (tmp_path / "s.xml").read_text(encoding="utf-8")
    assert 'gating:min="100.0"' in text
    path = tmp_path / "changed.xml"
    path.write_text(text.replace('gating:min="100.0"', 'gating:min="200.0"'), encoding="utf-8")
    return path


CHANGED = (
    "the gates were changed after tregflow wrote the file; panel, FlowJo's axes, overrides and report, which it left "
    "in custom_info, no longer belong to them"
)


def test_gates_that_another_program_changed_are_never_passed_over_in_silence(tmp_path: Path) -> None:
    with pytest.raises(InteropError) as caught:
        read_gatingml(changed(tmp_path))
    assert (caught.value.code, str(caught.value)) == (
        "E_LEFT_OUT",
        f"changed.xml: line 9: {CHANGED}\n"
        "  remedy     take over the gates alone with partial=True, on the command line --partial",
    )


def test_gates_that_another_program_changed_can_be_taken_over_alone(tmp_path: Path) -> None:
    imported = read_gatingml(changed(tmp_path), partial=True)
    assert imported.left_out == (LeftOut("", "", CHANGED, 9),)
    assert imported.strategy.data["gates"] == {
        "Apos": {"name": "A+", "rectangle": {"one": [200.0, None]}, "units": "scale"}
    }


@pytest.mark.parametrize("content", ["{", "[]", '{"strategy": {}}', '{"strategy": [], "overrides": []}', "[" * 100_000])
def test_damage_to_what_tregflow_left_is_said(tmp_path: Path, content: str) -> None:
    write_gatingml(tmp_path / "s.xml", strategy({"A": {"above": {"one": 100}}}))
    text = (tmp_path / "s.xml").read_text(encoding="utf-8")
    text = re.sub(r"(<tregflow:part>).*(</tregflow:part)", lambda m: m[1] + content + m[2], text, flags=re.DOTALL)
    (tmp_path / "s.xml").write_text(text, encoding="utf-8")
    with pytest.raises(InteropError) as caught:
        read_gatingml(tmp_path / "s.xml")
    assert caught.value.problem == "line 9: what tregflow left in custom_info is damaged"
    assert list(read_gatingml(tmp_path / "s.xml", partial=True).strategy.spec.gates) == ["A"]


def test_a_strategy_in_custom_info_is_checked_like_any_other(tmp_path: Path) -> None:
    write_gatingml(tmp_path / "s.xml", strategy({"A": {"above": {"one": 100}}}))
    text = (tmp_path / "s.xml").read_text(encoding="utf-8").replace('{"above": {"one"', '{"abov": {"one"')
    (tmp_path / "s.xml").write_text(text, encoding="utf-8")
    with pytest.raises(InteropError) as caught:
        read_gatingml(tmp_path / "s.xml")
    assert caught.value.problem.startswith("line 9: the strategy that tregflow left in custom_info: 1 fault")


def test_two_strategies_of_tregflow_are_one_too_many(tmp_path: Path) -> None:
    write_gatingml(tmp_path / "s.xml", strategy({"A": {"above": {"one": 100}}}))
    text = (tmp_path / "s.xml").read_text(encoding="utf-8")
    (own,) = OWN.findall(text)
    (tmp_path / "s.xml").write_text(text.replace(own, own + own), encoding="utf-8")
    with pytest.raises(InteropError) as caught:
        read_gatingml(tmp_path / "s.xml")
    assert caught.value.problem == "line 14: two strategies of tregflow in custom_info"


# ------------------------------------------------------------------------------------------------------- matrices


def test_matrices_of_csv_files_travel_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name, share in (("b1", 0.5), ("b2", 0.1)):
        (tmp_path / "a" / f"{name}.csv").write_text(f",lin,one\nlin,1,{share}\none,0,1\n", encoding="utf-8")
    gates = {"A": {"above": {"one": 500.0}}}
    settings: dict[str, Any] = {"one.yaml": "b1.csv", "each.yaml": {"batch": {"1": "b1.csv", "2": "b2.csv"}}}
    for name, setting in settings.items():
        strategy(gates, compensation=setting).save(tmp_path / "a" / name)
        mine = Strategy.load(tmp_path / "a" / name)
        back, lost = through(tmp_path, mine)
        on = sample()
        counts = {batch: int(mine.gate(on, batch=batch)["A"].sum()) for batch in "12"}
        assert {batch: int(back.gate(on, batch=batch)["A"].sum()) for batch in "12"} == counts
        assert len(set(counts.values())) == (1 if name == "one.yaml" else 2)
        assert [each.reason for each in lost] == (
            []
            if name == "one.yaml"
            else ["one: the matrix is another for each batch; another reader takes that of the file"]
        )
    assert back.data["compensation"] == {"batch": {"1": "b1", "2": "b2"}}


def test_a_matrix_that_is_not_there_cannot_travel(tmp_path: Path) -> None:
    mine = strategy({"A": {"above": {"one": 500.0}}}, compensation="gone.csv")
    with pytest.raises(InteropError) as caught:
        write_gatingml(tmp_path / "s.xml", mine)
    assert (caught.value.code, str(caught.value)) == (
        "E_EXPORT",
        "s.xml: the matrix gone.csv cannot be read, and the file must hold its numbers\n"
        "  expected   a CSV file beside the strategy",
    )
    assert not (tmp_path / "s.xml").exists()


@pytest.mark.parametrize("keyword", ["fcs", "fcs:SPILL"])
def test_the_matrix_of_the_file_is_called_fcs(tmp_path: Path, keyword: str) -> None:
    _, lost = through(tmp_path, strategy({"A": {"above": {"one": 500.0}}}, compensation=keyword))
    assert 'gating:compensation-ref="FCS"' in (tmp_path / "s.xml").read_text(encoding="utf-8")
    chosen = "one: fcs:SPILL chooses one of two matrices; another reader takes that of the file as it likes"
    assert [each.reason for each in lost] == ([] if keyword == "fcs" else [chosen])


def test_markers_are_written_as_the_channels_of_a_sample(tmp_path: Path) -> None:
    columns = {"B515-A": np.array([1.0, 2e3]), "G560-A": np.array([1.0, 2.0])}
    on = Sample.from_columns("p.fcs", columns, markers={"B515-A": "CD25", "G560-A": "CD127"})
    mine = strategy({"A": {"above": {"CD25": 500.0}}}, panel={"CD25": {"pns": ["CD2?"]}})
    assert write_gatingml(tmp_path / "s.xml", mine, sample=on) == ()
    assert '<data-type:fcs-dimension data-type:name="B515-A"/>' in (tmp_path / "s.xml").read_text(encoding="utf-8")
    exact = strategy({"A": {"above": {"CD25": 500.0}}}, panel={"CD25": {"pnn": ["B515-A"]}})
    assert write_gatingml(tmp_path / "s.xml", exact) == ()
    assert '<data-type:fcs-dimension data-type:name="B515-A"/>' in (tmp_path / "s.xml").read_text(encoding="utf-8")


# --------------------------------------------------------------------------------------------------------- refusals


def test_thresholds_from_controls_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InteropError) as caught:
        write_gatingml(tmp_path / "s.xml", Strategy.load("treg"))
    assert (caught.value.code, str(caught.value)) == (
        "E_EXPORT",
        "s.xml: FoxP3+: thresholds that come from controls cannot be written: a Gating-ML file holds numbers\n"
        "  expected   numbers\n"
        "  remedy     write the gates as applied, which a run leaves in its folder gates, one file per sample",
    )


# -------------------------------------------------------------------------------------------------------- real files


def test_the_official_set_survives_the_way_out_and_back(data_dir: Path, tmp_path: Path) -> None:
    folder = data_dir / "gatingml2"
    on = read_fcs(folder / "data1.fcs")
    for name in ("gml_all_gates.xml", "gml_ellipsoid3d_gate.xml"):
        mine = read_gatingml(folder / "gml" / name).strategy
        back, lost = through(tmp_path, mine)
        others, _ = as_others_read(tmp_path, mine)
        assert (back.data, lost) == (mine.data, ())
        expected = mine.gate(on)
        for gate_id in mine.spec.gates:
            assert np.array_equal(others.gate(on)[gate_id], expected[gate_id]), gate_id


@pytest.mark.parametrize("letter", ["a", "b"])
def test_flowjo_gates_survive_with_their_departures_per_sample(data_dir: Path, tmp_path: Path, letter: str) -> None:
    from tregflow.interop.flowjo import import_workspace

    folder = data_dir / "flowatlas" / letter
    files = sorted(folder.glob("*.fcs"))
    (workspace,) = folder.glob("*.wsp")
    mine = import_workspace(workspace, samples=[path.name for path in files]).strategy
    back, _ = through(tmp_path, mine)
    compared = 0
    for path in files:
        for counts in ("exact", "flowjo") if path == files[0] else ("flowjo",):
            expected = mine.with_counts(counts).gate(read_fcs(path), id=path.name)
            found = back.with_counts(counts).gate(read_fcs(path), id=path.name)
            for name in mine.spec.gates:
                if name in expected.missing:
                    assert name in found.missing
                else:
                    assert np.array_equal(found[name], expected[name]), (path.name, name)
                    compared += counts == "flowjo"
    assert compared == {"a": 186, "b": 95}[letter]


@pytest.mark.parametrize(
    ("scale", "low", "high"), [(FlowJoBiex(), -1.0, 2.0), (FlowJoLog(offset=1, decades=4), 0.0, 1.0)]
)
@given(share=st.floats(0, 1))
def test_ends_on_a_scale_become_the_same_ends_in_data_units(
    scale: Scale, low: float, high: float, share: float
) -> None:
    from tregflow.interop.gatingml.write_gates import _threshold

    position = low + share * (high - low)
    least = _threshold(scale, position)
    if least == np.inf:
        assert scale.apply(1e300) < position
    else:
        assert scale.apply(least) >= position
        assert least == -np.finfo(float).max or scale.apply(np.nextafter(least, -np.inf)) < position


def test_a_strategy_of_many_megabytes_comes_back(tmp_path: Path) -> None:
    mine = strategy({"A": {"above": {"one": 100}}}, report={})
    rule = {"when": {"sample": "S"}, "gate": "A", "set": {"above": {"one": 1.0}}, "by": "A", "at": "2026"}
    rules = [{"id": str(number), "why": "x" * 400_000, **rule} for number in range(28)]
    mine = Strategy.from_data(dict(mine.data), name="s.yaml", overrides=rules)
    back, _ = through(tmp_path, mine)
    assert back.overrides == mine.overrides
    assert (tmp_path / "s.xml").stat().st_size > 11e6
