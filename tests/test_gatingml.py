"""Gating-ML 2.0 into strategies: the official compliance set event by event, and what files of others may hold."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests import builders_gatingml as gml

from tregflow.errors import InteropError
from tregflow.fcs import Sample, read_fcs
from tregflow.interop.gatingml import read_gatingml
from tregflow.interop.left_out import LeftOut
from tregflow.strategy import Strategy

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tregflow.populations import Gated

ONE_GATE_FILES = {
    "Ellipsoid3D": ("gml_ellipsoid3d_gate.xml", "Ellipsoid3D"),
    "ParQuadRect": ("gml_parent_quadrant_rect_gate.xml", "ParRectangle1"),
}
"""Truth that ``gml_all_gates.xml`` does not hold -> file, and the gate's id there."""
ALL = [
    "And1",
    "And2",
    "And3",
    "And4",
    "Ellipse1",
    "FL2N-FL4N",
    "FL2N-FL4P",
    "FL2P-FL4N",
    "FL2P-FL4P",
    "FSCD-FL1P",
    "FSCD-SSCN-FL1N",
    "FSCN-SSCN",
    "FSCN-SSCP-FL1P",
    "FSCP-SSCN-FL1N",
    "Not1",
    "Or1",
    "Or2",
    "ParAnd2",
    "ParAnd3",
    "Polygon1",
    "Polygon2",
    "Polygon3NS",
    "Polygon4",
    "Range1",
    "Range2",
    "RatRange1",
    "RatRange1a",
    "RatRange2",
    "Rectangle1",
    "Rectangle2",
    "Rectangle3",
    "Rectangle4",
    "Rectangle5",
    "ScalePar1",
    "ScaleRange1",
    "ScaleRange1c",
    "ScaleRange2",
    "ScaleRange2c",
    "ScaleRange3",
    "ScaleRange3c",
    "ScaleRange4",
    "ScaleRange4c",
    "ScaleRange5",
    "ScaleRange5c",
    "ScaleRange6",
    "ScaleRange6c",
    "ScaleRange7c",
    "ScaleRange8c",
    "ScaleRect1",
    "Ellipsoid3D",
    "ParQuadRect",
]


# ---------------------------------------------------------------------------------------------- the official set


@cache
def gated(folder: Path, file: str) -> Gated:
    return read_gatingml(folder / "gml" / file).strategy.gate(read_fcs(folder / "data1.fcs"))


def truth(folder: Path, name: str) -> NDArray[np.bool_]:
    return np.loadtxt(folder / "truth" / f"Results_{name}.txt", dtype=int) == 1


@pytest.mark.parametrize("name", ALL)
def test_a_gate_of_the_official_set_holds_exactly_the_published_events(data_dir: Path, name: str) -> None:
    folder = data_dir / "gatingml2"
    file, gate_id = ONE_GATE_FILES.get(name, ("gml_all_gates.xml", name))
    assert np.array_equal(gated(folder, file)[gate_id], truth(folder, name))


def test_the_files_of_single_gates_hold_the_same_events(data_dir: Path) -> None:
    folder = data_dir / "gatingml2"
    refused = "gml_range_gate_attr_testing.xml"
    with_truth = 0
    for path in sorted((folder / "gml").glob("*.xml")):
        if path.name in (refused, "gml_all_gates.xml"):
            continue
        result = gated(folder, path.name)
        known = [each for each in result.strategy.spec.gates if (folder / "truth" / f"Results_{each}.txt").is_file()]
        for gate_id in known:
            assert np.array_equal(result[gate_id], truth(folder, gate_id)), (path.name, gate_id)
        with_truth += bool(known)
    assert with_truth == 44


def test_an_ellipse_without_truth_is_as_other_programs_have_it(data_dir: Path) -> None:
    assert gated(data_dir / "gatingml2", "gml_ellipse2_gate.xml")["myEllipse2"].sum() == 6259


def test_a_gate_that_is_not_at_the_top_is_an_error(data_dir: Path) -> None:
    with pytest.raises(InteropError) as caught:
        read_gatingml(data_dir / "gatingml2" / "gml" / "gml_range_gate_attr_testing.xml")
    assert (caught.value.code, str(caught.value)) == (
        "E_GATINGML",
        "gml_range_gate_attr_testing.xml: Range1: line 8: gating:RectangleGate inside sample\n"
        "  expected   gates directly in gating:Gating-ML\n"
        "  remedy     take over the rest with partial=True, on the command line --partial",
    )


# --------------------------------------------------------------------------------------------- what becomes of it


def cells(**columns: Any) -> Sample:
    return Sample.from_columns("cells.fcs", {name: np.array(column, float) for name, column in columns.items()})


def inside(strategy: Strategy, name: str, **columns: Any) -> list[int]:
    return [int(flag) for flag in strategy.gate(cells(**columns))[name]]


def test_a_range_is_half_open_and_in_positions_on_its_scale(tmp_path: Path) -> None:
    strategy = gml.read(tmp_path, gml.rectangle("R", gml.dimension("x", low=1, high=2)))
    assert inside(strategy, "R", x=[0.5, 1, 1.5, 2, np.nan]) == [0, 1, 1, 0, 0]
    assert strategy.data["gates"] == {"R": {"rectangle": {"x": [1.0, 2.0]}, "units": "scale"}}
    assert strategy.data["scales"] == {"x": {"linear": {"t": 1.0}}}
    assert strategy.data["dimensions"] == {"x": {"channel": "x", "compensation": "none"}}
    assert (strategy.data["compensation"], strategy.data["gains"], strategy.data["name"]) == ("none", "fcs", "g")


def test_ends_of_a_range_may_be_said_to_be_infinite(tmp_path: Path) -> None:
    strategy = gml.read(tmp_path, gml.rectangle("R", gml.dimension(low="-INF", high=2)))
    assert strategy.data["gates"]["R"]["rectangle"] == {"x": [None, 2.0]}


def test_every_scale_is_read(tmp_path: Path) -> None:
    given: dict[str, tuple[str, dict[str, float], dict[str, dict[str, float]]]] = {
        "a": ("flin", {"T": 1000, "A": 100}, {"linear": {"t": 1000.0, "a": 100.0}}),
        "b": ("flog", {"T": 1000, "M": 4}, {"log": {"t": 1000.0, "m": 4.0}}),
        "c": ("fasinh", {"T": 1000, "M": 4, "A": 1}, {"asinh": {"t": 1000.0, "m": 4.0, "a": 1.0}}),
        "d": ("logicle", {"T": 9, "W": 1, "M": 4, "A": 0}, {"logicle": {"t": 9.0, "w": 1.0, "m": 4.0, "a": 0.0}}),
        "e": ("hyperlog", {"T": 9, "W": 1, "M": 4, "A": 0}, {"hyperlog": {"t": 9.0, "w": 1.0, "m": 4.0, "a": 0.0}}),
    }
    elements = [gml.transformation(name, function, **said) for name, (function, said, _) in given.items()]
    dimensions = [gml.dimension(f"ch {name}", low=0.5, scale=name) for name in given]
    strategy = gml.read(tmp_path, *elements, gml.rectangle("R", *dimensions))
    assert strategy.data["scales"] == {f"ch {name}": scale for name, (_, _, scale) in given.items()}


def test_a_channel_that_is_used_twice_gets_two_names(tmp_path: Path) -> None:
    strategy = gml.read(
        tmp_path,
        gml.transformation("Log", "flog", T=100, M=2),
        gml.matrix("M", ["dye x", "dye y"], ["x", "y"], [[1, 0.5], [0, 1]]),
        gml.rectangle("A", gml.dimension("x", low=1)),
        gml.rectangle("B", gml.dimension("x", low=0.5, scale="Log")),
        gml.rectangle("C", gml.dimension("x", low=1, compensation="FCS")),
        gml.rectangle("D", gml.dimension("dye y", low=1, compensation="M")),
    )
    assert strategy.data["dimensions"] == {
        "x uncompensated": {"channel": "x", "compensation": "none"},
        "x uncompensated Log": {"channel": "x", "compensation": "none"},
        "x FCS": {"channel": "x", "compensation": "fcs-or-none"},
        "dye y": {"dye": "dye y", "compensation": "M"},
    }
    assert inside(strategy, "B", x=[9, 10, 0, -1], y=[0, 0, 0, 0]) == [0, 1, 0, 0]
    assert inside(strategy, "D", x=[0, 2, 2], y=[1, 1.5, 2]) == [1, 0, 1]


def test_names_that_would_be_the_same_are_numbered(tmp_path: Path) -> None:
    strategy = gml.read(
        tmp_path,
        gml.rectangle("A", gml.dimension("x", low=1), gml.dimension("x", low=1, compensation="FCS")),
        gml.rectangle("B", gml.dimension("x FCS", low=1)),
    )
    assert list(strategy.data["dimensions"]) == ["x uncompensated", "x FCS", "x FCS 2"]


def test_fcs_compensates_by_the_file_and_not_at_all_where_the_file_has_no_matrix(tmp_path: Path) -> None:
    strategy = gml.read(
        tmp_path, gml.rectangle("R", gml.dimension("x", low=1, compensation="FCS"), gml.dimension("t", low=1))
    )
    columns = {"x": np.array([1.5]), "y": np.array([1.0]), "t": np.array([1.0])}
    assert strategy.gate(Sample.from_columns("none.fcs", columns))["R"].tolist() == [True]
    for value, expected in (("2,x,y,1,0,1,1", False), ("2,x,y,1,0,0,1", True)):
        sample = Sample.from_columns("with.fcs", columns, keywords={"SPILL": value})
        assert strategy.gate(sample)["R"].tolist() == [expected]


def test_a_matrix_of_more_detectors_than_dyes_and_one_that_is_inverted(tmp_path: Path) -> None:
    element = gml.matrix("M", ["p", "q"], ["x", "y", "z"], [[1, 0, 1], [0, 1, 0]])
    strategy = gml.read(tmp_path, element, gml.rectangle("R", gml.dimension("p", low=0.9, compensation="M")))
    assert inside(strategy, "R", x=[1, 0, 1], y=[9, 9, 9], z=[1, 1, 0.5]) == [1, 0, 0]
    done = gml.matrix("M", ["p", "q"], ["x", "y"], [[1, 0], [-1, 1]], ' transforms:matrix-inverted-already="true"')
    strategy = gml.read(tmp_path, done, gml.rectangle("R", gml.dimension("p", low=1, compensation="M")))
    assert inside(strategy, "R", x=[2, 2], y=[1, 2]) == [1, 0]


def test_a_matrix_whose_dyes_are_called_like_the_detectors_is_a_spillover(tmp_path: Path) -> None:
    element = gml.matrix("M", ["x", "y"], ["x", "y"], [[1, 0], [1, 1]])
    strategy = gml.read(tmp_path, element, gml.rectangle("R", gml.dimension("x", low=1, compensation="M")))
    assert strategy.data["matrices"] == {"M": {"detectors": ["x", "y"], "matrix": [[1.0, 0.0], [1.0, 1.0]]}}
    assert inside(strategy, "R", x=[2, 2], y=[1, 2]) == [1, 0]


def test_a_ratio_compensates_its_channels_first_and_leaves_out_what_it_cannot_divide(tmp_path: Path) -> None:
    strategy = gml.read(
        tmp_path,
        gml.ratio("Q", "x", "y", a=2, b=1, c=3),
        gml.rectangle("R", gml.dimension("Q", low=2, ratio=True)),
        gml.boolean("N", "not", "R"),
    )
    columns = {"x": [2, 3, 3, 3], "y": [4, 4, 5, 3]}
    assert (inside(strategy, "R", **columns), inside(strategy, "N", **columns)) == ([1, 1, 1, 0], [0, 0, 0, 0])
    assert strategy.data["dimensions"]["Q"] == {"ratio": ["x", "y"], "a": 2.0, "b": 1.0, "c": 3.0}


def test_booleans_take_complements_and_a_complement_of_a_complement(tmp_path: Path) -> None:
    strategy = gml.read(
        tmp_path,
        gml.boolean("later", "and", "A", "!B"),
        gml.boolean("neither", "and", "!A", "!B"),
        gml.boolean("either", "or", "A", "B"),
        gml.boolean("not not", "not", "!A"),
        gml.rectangle("A", gml.dimension(high=2)),
        gml.rectangle("B", gml.dimension(high=1)),
    )
    found = {name: inside(strategy, name, x=[0, 1, 2, np.nan]) for name in ("later", "neither", "either", "not not")}
    assert found == {
        "later": [0, 1, 0, 0],
        "neither": [0, 0, 1, 0],
        "either": [1, 1, 0, 0],
        "not not": [1, 1, 0, 0],
    }


def test_quadrants_may_merge_cells_and_are_parents(tmp_path: Path) -> None:
    strategy = gml.read(
        tmp_path,
        gml.rectangle("P", gml.dimension("x", low=0)),
        gml.gate(
            "Quadrant",
            "Q",
            gml.divider("dx", "x", 20, 10),
            gml.divider("dy", "y", 5),
            gml.quadrant("middle", dx=10),
            gml.quadrant("high low", dx=25, dy=0),
            parent="P",
        ),
        gml.rectangle("child", gml.dimension("y", low=5), parent="middle"),
    )
    columns = {"x": [-1, 9, 10, 19, 20, 20], "y": [4, 4, 5, 4, 4, 5]}
    assert inside(strategy, "middle", **columns) == [0, 0, 1, 1, 0, 0]
    assert inside(strategy, "high low", **columns) == [0, 0, 0, 0, 1, 0]
    assert inside(strategy, "child", **columns) == [0, 0, 1, 0, 0, 0]
    assert strategy.data["quadrants"] == {
        "Q": {"in": "P", "dividers": {"x": [10.0, 20.0], "y": [5.0]}, "units": "scale"}
    }


def test_polygons_are_even_odd_with_their_boundary(tmp_path: Path) -> None:
    strategy = gml.read(tmp_path, gml.polygon("S", [(0, 0), (4, 4), (4, 0), (0, 4)]))
    assert inside(strategy, "S", x=[1, 2, 2, 0, 0], y=[2, 2, 1, 4, 5]) == [1, 1, 0, 1, 0]


def test_an_ellipsoid_that_is_none_is_taken_by_its_formula(tmp_path: Path) -> None:
    strategy = gml.read(tmp_path, gml.ellipsoid("E", [0, 0], [[1, 2], [0, 1]]))
    # the inverse is ((1, -2), (0, 1)): x^2 - 2xy + y^2 <= 1, a band
    assert inside(strategy, "E", x=[5, 5, 5], y=[5, 4, 3.9]) == [1, 1, 0]
    assert strategy.data["gates"]["E"]["indefinite"] is True


def test_names_and_free_information_are_kept_and_passed_over(tmp_path: Path) -> None:
    info = "<data-type:custom_info><gating:RectangleGate>free<any/></gating:RectangleGate></data-type:custom_info>"
    inner = (info, gml.dimension(low=1))
    strategy = gml.read(tmp_path, info, gml.gate("Rectangle", "R1", *inner, more=' gating:name="T cells"'))
    assert strategy.data["gates"]["R1"]["name"] == "T cells"


def test_a_dimension_without_ends_asks_nothing(tmp_path: Path) -> None:
    strategy = gml.read(tmp_path, gml.rectangle("R", gml.dimension("x", low=1), gml.dimension("y")))
    assert strategy.data["gates"]["R"]["rectangle"] == {"x": [1.0, None]}


# ------------------------------------------------------------------------------------------------------- bounds


BOUNDED = ' transforms:boundMin="0.25" transforms:boundMax="0.75"'


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ((0.3, 0.7), [0.3, 0.7]),
        ((0.25, 0.75), [None, 0.75]),
        ((0.26, 0.76), [0.26, None]),
        ((0.75, None), [0.75, None]),
    ],
)
def test_a_range_that_takes_in_a_bound_has_no_end_there(
    tmp_path: Path, ends: tuple[float, float | None], expected: list[float | None]
) -> None:
    # results are held within the bounds: those below boundMin are in a range that begins there
    strategy = gml.read(
        tmp_path,
        gml.transformation("T", "flin", T=1, A=0, bounds=BOUNDED),
        gml.rectangle("R", gml.dimension("x", low=ends[0], high=ends[1], scale="T")),
    )
    assert strategy.data["gates"]["R"]["rectangle"] == {"x": expected}
    values = np.linspace(-1, 2, 301)
    held = np.clip(values, 0.25, 0.75)
    wanted = (held >= ends[0]) & (held < (np.inf if ends[1] is None else ends[1]))
    assert inside(strategy, "R", x=values) == wanted.astype(int).tolist()


REACHES = "the gate reaches a bound of the transformation 'T'\n  expected   a gate within the bounds, or a rectangle"
NO_RESULT = (
    "no result within the bounds of the transformation lies in the range\n  expected   a range that overlaps with them"
)
HELD = (
    "the range takes in a bound of a logarithm or a ratio, where values without a result would be held\n"
    "  expected   a range within the bounds"
)
FREE = gml.dimension("y")
HELD_X = gml.dimension("x", scale="T")


@pytest.mark.parametrize(
    ("element", "problem"),
    [
        (gml.polygon("G", [(0.25, 0), (0.5, 0), (0.5, 1)], HELD_X, FREE), REACHES),
        (gml.ellipsoid("G", [0.5, 0], [[0.0625, 0], [0, 1]], HELD_X, FREE), REACHES),
        (gml.rectangle("G", gml.dimension("x", low=0.8, scale="T")), NO_RESULT),
        (gml.rectangle("G", gml.dimension("x", high=0.25, scale="T")), NO_RESULT),
    ],
)
def test_gates_that_reach_a_bound_are_refused(tmp_path: Path, element: str, problem: str) -> None:
    with pytest.raises(InteropError) as caught:
        gml.read(tmp_path, gml.transformation("T", "flin", T=1, A=0, bounds=BOUNDED), element)
    remedy = "take over the rest with partial=True, on the command line --partial"
    assert str(caught.value) == f"g.xml: G: line 3: {problem}\n  remedy     {remedy}"
    assert caught.value.code == "E_LEFT_OUT"


def test_gates_within_bounds_do_not_notice_them(tmp_path: Path) -> None:
    strategy = gml.read(
        tmp_path,
        gml.transformation("T", "flin", T=1, A=0, bounds=BOUNDED),
        gml.polygon("P", [(0.3, 0), (0.5, 0), (0.5, 1)], HELD_X, FREE),
        gml.ellipsoid("E", [0.5, 0], [[0.01, 0], [0, 1]], HELD_X, FREE),
    )
    assert list(strategy.spec.gates) == ["P", "E"]


def test_values_without_a_result_are_not_held_at_a_bound(tmp_path: Path) -> None:
    log = gml.transformation("T", "flog", T=1, M=4, bounds=BOUNDED)
    with pytest.raises(InteropError) as caught:
        gml.read(tmp_path, log, gml.rectangle("G", gml.dimension("x", low=0.1, high=0.5, scale="T")))
    assert caught.value.problem == f"line 3: {HELD.splitlines()[0]}"
    strategy = gml.read(tmp_path, log, gml.rectangle("G", gml.dimension("x", low=0.3, high=0.5, scale="T")))
    assert strategy.data["gates"]["G"]["rectangle"] == {"x": [0.3, 0.5]}


def test_a_ratio_with_bounds_that_is_transformed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InteropError) as caught:
        gml.read(
            tmp_path,
            gml.ratio("Q", "x", "y", bounds=BOUNDED),
            gml.transformation("T", "flin", T=1, A=0),
            gml.rectangle("G", gml.dimension("Q", low=0.3, ratio=True, scale="T")),
        )
    assert caught.value.problem == "line 4: the ratio 'Q' has bounds and is transformed afterwards"
    within = gml.rectangle("G", gml.dimension("Q", low=0.3, high=0.5, ratio=True))
    assert list(gml.read(tmp_path, gml.ratio("Q", "x", "y", bounds=BOUNDED), within).spec.gates) == ["G"]


# ------------------------------------------------------------------------------------------------------ partial


def test_a_partial_import_takes_the_rest_and_lists_what_it_left_out(tmp_path: Path) -> None:
    path = gml.write(
        tmp_path,
        gml.rectangle("good"),
        gml.polygon("thin", [(1, 1)]),
        gml.rectangle("below", parent="thin"),
        gml.boolean("with it", "and", "good", "!below"),
        gml.rectangle("lost", parent="nowhere"),
        gml.boolean("fine", "not", "good"),
    )
    imported = read_gatingml(path, partial=True)
    assert list(imported.strategy.spec.gates) == ["good", "fine"]
    assert imported.left_out == (
        LeftOut("", "thin", "a polygon with 1 vertex (expected 3 or more)", 3),
        LeftOut("", "below", "it needs 'thin', which is left out", 4),
        LeftOut("", "with it", "it needs 'below', which is left out", 5),
        LeftOut("", "lost", "the parent 'nowhere' is not there", 6),
    )
    assert dict(imported.counts) == {}
    assert dict(imported.ids) == {}


def test_a_partial_import_of_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InteropError) as caught:
        read_gatingml(gml.write(tmp_path, gml.polygon("thin", [(1, 1)])), partial=True)
    assert caught.value.problem == "line 2: a polygon with 1 vertex"
    with pytest.raises(InteropError) as caught:
        read_gatingml(gml.write(tmp_path), partial=True)
    assert str(caught.value) == "g.xml: the file holds no gate\n  expected   one or more"


def test_a_long_chain_of_gates_below_a_lost_one_is_left_out_in_good_time(tmp_path: Path) -> None:
    chain = [gml.rectangle(f"g{i}", parent=f"g{i - 1}" if i else "nowhere") for i in range(3000)]
    imported = read_gatingml(gml.write(tmp_path, *reversed(chain), gml.rectangle("good")), partial=True)
    assert (list(imported.strategy.spec.gates), len(imported.left_out)) == (["good"], 3000)


def test_strategies_have_a_way_in_from_gatingml(tmp_path: Path) -> None:
    assert list(Strategy.from_gatingml(gml.write(tmp_path, gml.rectangle())).spec.gates) == ["R"]
