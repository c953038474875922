"""Reading FlowJo workspaces into plain data: what is there, what is not understood and why, what is refused."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests import builders_wsp as wsp

from tregflow.errors import InteropError
from tregflow.fcs import Sample, write_fcs
from tregflow.interop.flowjo import (
    Reason,
    WspEllipse,
    WspMatrix,
    WspPolygon,
    WspRectangle,
    match_files,
    parse_workspace,
    stale_counts,
)
from tregflow.interop.left_out import LeftOut
from tregflow.transforms import Asinh, FlowJoBiex, FlowJoLinear, FlowJoLog, Logicle

if TYPE_CHECKING:
    from pathlib import Path

CHANNELS = {"A": "CD4", "B": "", "Time": ""}
AXES = [wsp.linear("A"), wsp.linear("B"), wsp.linear("Time", 0, 72, gain=0.01)]
TRIANGLE = wsp.polygon("A", "B", [(1, 2), (3, 4), (5, 0)])


def one(tmp_path: Path, *populations: str, axes=AXES, **more):
    """Return the only sample of a workspace with these populations."""
    text = wsp.workspace(wsp.sample("s.fcs", *populations, channels=CHANNELS, axes=axes, **more))
    (sample,) = parse_workspace(wsp.write(tmp_path, text)).samples
    return sample


def gate(tmp_path: Path, text: str):
    """Return the gate of the only population."""
    return one(tmp_path, wsp.population("P", text)).nodes[0].gate


def replaced(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


# ------------------------------------------------------------------------------------------------------- structure


def test_a_workspace_in_all_its_parts(tmp_path):
    text = wsp.workspace(
        wsp.sample(
            "s 1.fcs",
            wsp.population(
                "T cells",
                TRIANGLE,
                wsp.population("CD4+ , CD8- ", wsp.rectangle(A=(1, None)), count=-1),
                wsp.combined("NotNode", "rest", "T cells/CD4+ , CD8- ", count=3),
                count=40,
                owner="Patients",
            ),
            channels=CHANNELS,
            axes=AXES,
            count=120,
            number=7,
        ),
        wsp.sample("s2.fcs", channels={}, axes=[], number=8),
        groups={"All Samples": [7, 8], "Patients": [7], "Compensation": []},
    )
    found = parse_workspace(wsp.write(tmp_path, text, "study.wsp"))
    assert (found.file, found.version, found.at, found.left_out) == ("study.wsp", "10.8.1", "2020-04-28", ())
    assert [(group.name, group.samples) for group in found.groups] == [
        ("All Samples", ("s 1.fcs", "s2.fcs")),
        ("Patients", ("s 1.fcs",)),
        ("Compensation", ()),
    ]
    first, second = found.samples
    assert (first.name, first.key, first.n_events, first.uri) == ("s 1.fcs", "s 1.fcs", 120, "file:/C:/gone/s%201.fcs")
    assert first.file_name == "s 1.fcs"
    assert first.channels == CHANNELS
    assert first.keywords["$TOT"] == "120"
    assert first.matrix is None
    assert (second.nodes, second.channels) == ((), {})
    shown = [(node.path, node.kind, node.count, node.owning_group, node.dependents) for node in first.walk()]
    assert shown == [
        (("T cells",), "gate", 40, "Patients", ()),
        (("T cells", "CD4+ , CD8- "), "gate", -1, "", ()),
        (("T cells", "rest"), "not", 3, "", ("T cells/CD4+ , CD8- ",)),
    ]
    assert text.splitlines()[first.nodes[0].line - 1].startswith('<Population name="T cells"')


def test_gates_as_they_are_drawn(tmp_path):
    assert gate(tmp_path, TRIANGLE) == WspPolygon(("A", "B"), ((1.0, 2.0), (3.0, 4.0), (5.0, 0.0)), 256, inside=True)
    fine = wsp.polygon("A", "B", [(1, 2), (3, 4), ("5e0", "-.5")], bins=1024, inside=0)
    assert gate(tmp_path, fine) == WspPolygon(("A", "B"), ((1.0, 2.0), (3.0, 4.0), (5.0, -0.5)), 1024, inside=False)
    assert gate(tmp_path, wsp.rectangle(A=(None, 3), B=(-1e9, 7))) == WspRectangle(
        (("A", None, 3.0), ("B", -1e9, 7.0)), inside=True
    )
    assert gate(tmp_path, wsp.rectangle(inside=0, Time=(1, 2))) == WspRectangle((("Time", 1.0, 2.0),), inside=False)


def test_an_ellipse_is_the_set_of_points_with_one_sum_of_distances_to_its_foci(tmp_path):
    foci, edge = [(115.25, 175.45), (172.75, 179.55)], [(179, 180), (109, 175), (145, 158), (143, 198)]
    found = gate(tmp_path, wsp.ellipse("A", "B", foci, edge))
    assert isinstance(found, WspEllipse)
    assert (found.axes, found.bins, found.inside) == (("A", "B"), 256, True)
    assert found.mean == (144.0 / 256, 177.5 / 256)
    root = np.linalg.cholesky(np.array(found.covariance))
    for angle in np.linspace(0, 2 * math.pi, 17):
        x, y = 256 * (np.array(found.mean) + root @ [math.cos(angle), math.sin(angle)])
        assert math.dist((x, y), foci[0]) + math.dist((x, y), foci[1]) == pytest.approx(math.dist(edge[0], edge[1]))
    assert found.covariance[0][1] > 0  # it rises from left to right


@pytest.mark.parametrize(
    ("foci", "edge", "spread"),
    [
        ([(100, 70), (100, 130)], [(100, 150), (100, 50), (60, 100), (140, 100)], (1600, 2500)),  # upright
        ([(100, 100), (100, 100)], [(150, 100), (50, 100), (100, 150), (100, 50)], (2500, 2500)),  # a circle
    ],
)
def test_upright_ellipses_and_circles_are_legal(tmp_path, foci, edge, spread):
    found = gate(tmp_path, wsp.ellipse("A", "B", foci, edge))
    assert isinstance(found, WspEllipse)
    (xx, xy), (yx, yy) = found.covariance
    assert (xx * 65536, yy * 65536) == pytest.approx(spread)
    assert (xy, yx) == (pytest.approx(0, abs=1e-12), pytest.approx(0, abs=1e-12))


def test_axes_of_every_known_kind(tmp_path):
    axes = [
        wsp.linear("A", 50000, 150000),
        wsp.linear("Time", "0.85", 72, gain="0.0100853049"),
        wsp.log("B", "31.6227766017", "3.418539922"),
        wsp.logicle("C", 1),
        wsp.fasinh("D", 1.3),
        wsp.biex("E", -100),
    ]
    sample = one(tmp_path, axes=axes)
    assert sample.transformations == {
        "A": FlowJoLinear(min=50000.0, max=150000.0),
        "Time": FlowJoLinear(min=0.85, max=72.0),
        "B": FlowJoLog(offset=31.6227766017, decades=3.418539922),
        "C": Logicle(t=262144.0, w=1.0, m=4.5, a=0.0),
        "D": Asinh(t=262144.0, m=1.3, a=0.0),
        "E": FlowJoBiex(neg=0.0, width=-100.0, pos=4.418539922, max=262144.0),
    }
    assert sample.gains == {"Time": 0.0100853049}


@pytest.mark.parametrize(
    ("axis", "reason"),
    [
        (wsp.unknown_axis("A"), "axis A: a scale of the kind 'miltenyi', which is not documented"),
        (wsp.unknown_axis("A", "hyperlog"), "axis A: a scale of the kind 'hyperlog', which is not documented"),
        (wsp.biex("A", length=4096), "axis A: a biexponential table of length 4096; only 256 is known"),
        (wsp.biex("A", width="wide"), "axis A: width of biex is no number: 'wide'"),
        (replaced(wsp.log("A"), ' transforms:decades="4"', ""), "axis A: log without decades"),
        (wsp.linear("A", "nan"), "axis A: minRange of linear is no number: 'nan'"),
        (wsp.linear("A", "1_0"), "axis A: minRange of linear is no number: '1_0'"),
        (wsp.linear("A", gain=0), "axis A: a gain of 0"),
        (wsp.linear("A", gain=2), "axis A: a gain of 2; what a gain means is known for Time only"),
        (wsp.linear("A") + wsp.linear("A", 1), "axis A is described twice"),
        (wsp.linear("A") + wsp.linear("A", gain=2), "axis A: a gain of 2; what a gain means is known for Time only"),
    ],
)
def test_axes_that_are_not_understood_say_why(tmp_path, axis, reason):
    found = one(tmp_path, axes=[axis]).transformations["A"]
    assert isinstance(found, Reason)
    assert found.text == reason
    assert "data-type:parameter" in (tmp_path / "w.wsp").read_text(encoding="utf-8").splitlines()[found.line - 1]


def test_a_scale_that_cannot_be_says_so_in_its_own_words(tmp_path):
    found = one(tmp_path, axes=[wsp.linear("A", 5, 5)]).transformations["A"]
    assert isinstance(found, Reason)
    assert found.text.startswith("axis A: flowjo_linear: ")


def test_the_same_axis_written_twice_in_one_way_is_one_axis(tmp_path):
    sample = one(tmp_path, axes=[wsp.linear("Time", gain=0.5), wsp.linear("Time", gain=0.5)])
    assert sample.transformations == {"Time": FlowJoLinear(min=0.0, max=1000.0)}
    assert sample.gains == {"Time": 0.5}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no gate"),
        ("<Gate></Gate>", "no gate"),
        (wsp.curly("A", "B"), "a curly quadrant (CurlyQuad); how FlowJo bends its borders is not known"),
        ("<Gate><gating:MultiRangeGate /></Gate>", "several ranges in one gate (MultiRangeGate)"),
        ("<Gate><gating:SpiderGate /></Gate>", "a gate of the kind 'SpiderGate'"),
        ("<Gate><gating:RectangleGate /><gating:RectangleGate /></Gate>", "2 shapes in one gate"),
        ("<Gate><gating:RectangleGate /></Gate>", "RectangleGate on no axis"),
        (wsp.rectangle(A=(3, 1)), "bounds the wrong way round on A: 3.0 to 1.0"),
        (wsp.rectangle(A=("one", 1)), "min of dimension is no number: 'one'"),
        (wsp.rectangle(A=("inf", None)), "min of dimension is no number: 'inf'"),
        (replaced(TRIANGLE, "fcs-dimension", "new-dimension"), "a dimension that is no channel of the file"),
        (replaced(TRIANGLE, ' data-type:name="A"', ""), "fcs-dimension without name"),
        (wsp.polygon("A", "A", [(1, 2), (3, 4), (5, 0)]), "PolygonGate on A and A"),
        (replaced(TRIANGLE, wsp.dimension("B"), ""), "PolygonGate with 1 axes instead of 2"),
        (wsp.polygon("A", "B", [(1, 2)]), "a polygon with 1 vertex instead of 3 or more"),
        (wsp.polygon("A", "B", []), "a polygon with 0 vertices instead of 3 or more"),
        (wsp.polygon("A", "B", [(1, 2), (3, ""), (5, 0)]), "value of coordinate is no number: ''"),
        (
            replaced(TRIANGLE, '<gating:coordinate data-type:value="1" />', ""),
            "a vertex with 1 coordinates instead of 2",
        ),
        (wsp.polygon("A", "B", [(1, 2), (3, 4), (5, 0)], bins=1), "gateResolution of PolygonGate is 1"),
        (wsp.polygon("A", "B", [(1, 2), (3, 4), (5, 0)], bins=99999), "gateResolution of PolygonGate is 99999"),
        (
            wsp.polygon("A", "B", [(1, 2), (3, 4), (5, 0)], bins="2.5"),
            "gateResolution of PolygonGate is no whole number: 2.5",
        ),
        (wsp.rectangle(inside="yes", A=(1, 2)), "eventsInside of RectangleGate is 'yes', neither 0 nor 1"),
        (
            wsp.ellipse("A", "B", [(1, 1)], [(0, 0), (2, 2)]),
            "an ellipse with 1 foci and 2 edge points instead of 2 and 4",
        ),
        (
            wsp.ellipse("A", "B", [(0, 50), (200, 50)], [(0, 50), (100, 50), (50, 0), (50, 100)]),
            "an ellipse whose foci lie outside it",
        ),
        (
            wsp.ellipse("A", "B", [(40, 50), (60, 50)], [(0, 50), (100, 50), (50, 10), (50, 20)]),
            "an ellipse whose edge points do not fit its foci",
        ),
        (
            wsp.ellipse("A", "B", [(40, 50), (60, 50)], [(10, 60), (110, 60), (60, 11), (60, 109)]),
            "an ellipse whose edge points do not fit its foci",
        ),
    ],
)
def test_gates_that_are_not_understood_say_why(tmp_path, text, reason):
    found = gate(tmp_path, text)
    assert isinstance(found, Reason)
    assert found.text == reason
    assert found.line > 0


def test_populations_of_an_unknown_kind_and_without_name_are_reasons_and_statistics_are_nothing(tmp_path):
    sample = one(
        tmp_path,
        wsp.population("P", TRIANGLE, '<Statistic name="Median" value="3" />', '<ClusterNode name="K" count="4" />'),
        replaced(wsp.population("x", TRIANGLE), 'name="x" ', ""),
    )
    reasons = {node.path: node.gate.text for node in sample.walk() if isinstance(node.gate, Reason)}
    assert reasons == {("P", "K"): "a population of the kind 'ClusterNode'", ("",): "Population without name"}


def test_siblings_of_one_name_have_paths_of_their_own(tmp_path):
    sample = one(
        tmp_path,
        wsp.population("P", TRIANGLE, count=1),
        wsp.population("P", TRIANGLE, wsp.population("Q", TRIANGLE), count=2),
        wsp.population("P (2)", TRIANGLE, count=3),
        wsp.population("P", TRIANGLE, count=4),
    )
    assert [(node.path, node.plain_path, node.count) for node in sample.walk()] == [
        (("P",), ("P",), 1),
        (("P (3)",), ("P",), 2),
        (("P (3)", "Q"), ("P", "Q"), 10),
        (("P (2)",), ("P (2)",), 3),
        (("P (4)",), ("P",), 4),
    ]


# ---------------------------------------------------------------------------------------------------------- matrices

SPILL = {"A": {"A": 1, "B": "0.1"}, "B": {"A": 0, "B": 1}}


def test_a_matrix_with_prefix_and_suffix(tmp_path):
    matrix = one(
        tmp_path, matrix=wsp.spillover(SPILL, prefix="<", suffix=":c").replace("<:c", ":c").replace('="<"', '="p:"')
    ).matrix
    assert isinstance(matrix, WspMatrix)
    assert (matrix.name, matrix.detectors, matrix.dyes) == ("mine", ("A", "B"), ("A", "B"))
    assert matrix.numbers == ((1.0, 0.1), (0.0, 1.0))
    assert matrix.compensated == {"p:A:c": 0, "p:B:c": 1}


def test_rows_in_another_order_than_the_columns_are_put_in_order(tmp_path):
    rows = {"B": {"A": 0.2, "B": 1}, "A": {"A": 1, "B": 0.1}}
    matrix = one(tmp_path, matrix=wsp.spillover(rows)).matrix
    assert isinstance(matrix, WspMatrix)
    assert (matrix.dyes, matrix.numbers) == (("A", "B"), ((1.0, 0.1), (0.2, 1.0)))
    assert matrix.compensated == {"Comp-A": 0, "Comp-B": 1}


def test_a_spectral_matrix_has_more_detectors_than_dyes(tmp_path):
    rows = {"FITC": {"A": 1, "B": 0.5, "C": 0.1}, "PE": {"A": 0.1, "B": 1, "C": 0.4}}
    more = 'spectral="1" weightOptAlgorithmType="OLS"'
    matrix = one(tmp_path, matrix=wsp.spillover(rows, more=more)).matrix
    assert isinstance(matrix, WspMatrix)
    assert (matrix.detectors, matrix.dyes) == (("A", "B", "C"), ("FITC", "PE"))
    assert matrix.compensated == {"Comp-FITC": 0, "Comp-PE": 1}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (wsp.spillover(SPILL) * 2, "2 spillover matrices in one sample"),
        (
            wsp.spillover(SPILL, more='spectral="1" weightOptAlgorithmType="WLS"'),
            "spillover matrix: spectral unmixing by the method 'WLS'; only ordinary least squares (OLS) can be "
            "repeated",
        ),
        (
            wsp.spillover(SPILL, more='spectral="1"'),
            "spillover matrix: spectral unmixing by the method 'unknown'; only ordinary least squares (OLS) can be "
            "repeated",
        ),
        (
            wsp.spillover(SPILL, prefix=""),
            "spillover matrix: neither prefix nor suffix, so that compensated and uncompensated axes have the same "
            "names",
        ),
        (wsp.spillover({}), "spillover matrix: no rows, a row or column twice, or one without name"),
        (
            wsp.spillover({"A": {"A": 1, "B": 0}, "B": {"A": 0}}),
            "spillover matrix: the row of B has other columns than the first",
        ),
        (
            wsp.spillover({"A": {"A": 1, "B": "much"}, "B": {"A": 0, "B": 1}}),
            "spillover matrix: value of coefficient is no number: 'much'",
        ),
        (
            wsp.spillover({"A": {"A": 1, "B": 1}, "B": {"A": 1, "B": 1}}),
            "spillover matrix: the matrix is singular, so that it cannot be inverted",
        ),
        (
            wsp.spillover({"A": {"A": 1}, "B": {"A": 1}}),
            "spillover matrix: A is a detector and a dye",
        ),
        (
            replaced(wsp.spillover(SPILL), '<transforms:spillover data-type:parameter="A">', "<transforms:spillover>"),
            "spillover matrix: spillover without parameter",
        ),
    ],
)
def test_matrices_that_cannot_be_used_say_why(tmp_path, text, reason):
    found = one(tmp_path, matrix=text).matrix
    assert isinstance(found, Reason)
    assert found.text == reason


# ---------------------------------------------------------------------------------------------------------- refusals


def refused(path: Path) -> str:
    with pytest.raises(InteropError) as error:
        parse_workspace(path)
    assert error.value.code == "E_WSP"
    return str(error.value)


REMEDY = "  remedy     save the workspace with FlowJo 10, as .wsp"


def test_a_file_of_flowjo_11_is_refused_by_its_name(tmp_path):
    assert refused(tmp_path / "new.flowjo") == (
        f"new.flowjo: a file of FlowJo 11, which cannot be read\n  expected   a workspace of FlowJo 10\n{REMEDY}"
    )


@pytest.mark.parametrize(
    ("version", "program", "which"),
    [
        ("2.0", "9.9.6", "FlowJo 9 (Mac) (version 2.0, FlowJo 9.9.6)"),
        ("3.0", "", "FlowJo 9 (Mac) (version 3.0)"),
        ("1.61", "7.6.5", "another FlowJo (version 1.61, FlowJo 7.6.5)"),
        ("20.0", "11.0.1", "another FlowJo (version 20.0, FlowJo 11.0.1)"),
        ("", "", "another FlowJo (no version)"),
    ],
)
def test_workspaces_of_other_versions_are_refused(tmp_path, version, program, which):
    path = wsp.write(tmp_path, wsp.workspace(version=version, program=program))
    assert refused(path) == (
        f"w.wsp: line 2: a workspace of {which}\n  expected   a workspace of FlowJo 10 (version 20)\n{REMEDY}"
    )


def test_other_xml_is_refused(tmp_path):
    path = wsp.write(tmp_path, '\n<gating:Gating-ML xmlns:gating="x" />')
    assert refused(path) == (
        f"w.wsp: line 2: begins with <Gating-ML>, not with <Workspace>\n  expected   a workspace of FlowJo 10\n{REMEDY}"
    )


def test_a_workspace_without_samples_is_refused(tmp_path):
    assert refused(wsp.write(tmp_path, wsp.workspace())) == "w.wsp: holds no sample that can be read"
    text = wsp.workspace('<Sample><DataSet uri="a.fcs" /></Sample>\n', '<Sample><SampleNode count="3" /></Sample>\n')
    assert refused(wsp.write(tmp_path, text)) == (
        "w.wsp: holds no sample that can be read\n"
        "  available  line 6: a sample without SampleNode (a.fcs), line 7: a SampleNode without name"
    )


def test_what_is_no_xml_or_does_harm_is_refused(tmp_path):
    with pytest.raises(InteropError) as error:
        parse_workspace(wsp.write(tmp_path, "<Workspace>"))
    assert error.value.code == "E_XML"
    with pytest.raises(InteropError) as error:
        parse_workspace(wsp.write(tmp_path, '<!DOCTYPE Workspace [<!ENTITY a "b">]><Workspace>&a;</Workspace>'))
    assert error.value.code == "E_XML"


def test_what_is_broken_in_one_sample_leaves_the_others(tmp_path):
    good = wsp.sample("s.fcs", wsp.population("P", TRIANGLE, count="many"), channels=CHANNELS, axes=AXES)
    text = wsp.workspace("<Sample></Sample>\n", good, wsp.sample("t.fcs", channels={}, axes=[], count="1.5", number=2))
    found = parse_workspace(wsp.write(tmp_path, text))
    assert [sample.n_events for sample in found.samples] == [100, -1]
    assert found.samples[0].nodes[0].count == -1
    lines = text.splitlines()
    assert found.left_out == (
        LeftOut("", "", "a sample without SampleNode", 6),
        LeftOut(
            "s.fcs",
            "P",
            "its stored count: count of Population is no number: 'many'",
            1 + lines.index('<Population name="P" owningGroup="" count="many">'),
        ),
        LeftOut(
            "t.fcs",
            "",
            "its stored count: count of SampleNode is no whole number: 1.5",
            1 + lines.index('<SampleNode name="t.fcs" owningGroup="" count="1.5" sampleID="2">'),
        ),
    )


@pytest.mark.parametrize(
    ("saved", "at"),
    [
        ('modDate="Fri Aug 06 10:52:47 BST 2021"', "2021-08-06"),
        ('modDate="Thu Mar 26 09:10:20 America/New York 2020"', "2020-03-26"),
        ('modDate="last week"', "last week"),
        ('clientTimestamp="1588028589693"', "2020-04-27"),
        ("", "not said"),
    ],
)
def test_the_day_when_it_was_saved(tmp_path, saved, at):
    text = wsp.workspace(wsp.sample("s.fcs", channels={}, axes=[]), saved=saved)
    assert parse_workspace(wsp.write(tmp_path, text)).at == at


# ------------------------------------------------------------------------------------------------------------- files


def fcs(folder: Path, name: str, n_events: int) -> Path:
    folder.mkdir(exist_ok=True)
    write_fcs(folder / name, Sample.from_columns(name, {"A": np.arange(n_events, dtype=float)}))
    return folder / name


def matched(tmp_path: Path, *samples: str):
    found = match_files(parse_workspace(wsp.write(tmp_path, wsp.workspace(*samples))), tmp_path)
    pairs = [(sample.key, path.relative_to(tmp_path).as_posix()) for sample, path in found.pairs]
    left = [(each.sample, each.reason) for each in found.unmatched]
    return pairs, left, [path.relative_to(tmp_path).as_posix() for path in found.unused]


def test_files_are_matched_by_name_and_number_of_events(tmp_path):
    fcs(tmp_path, "one.fcs", 10)
    fcs(tmp_path / "below", "two 2.fcs", 20)
    fcs(tmp_path, "three.fcs", 30)
    fcs(tmp_path, "four.fcs", 40)
    (tmp_path / "five.fcs").write_bytes(b"no fcs")
    bare = {"channels": {}, "axes": []}
    pairs, left, unused = matched(
        tmp_path,
        wsp.sample("one.fcs", count=10, number=1, **bare),
        wsp.sample("renamed", count=20, number=2, uri="file:/C:/x/two%202.fcs", **bare),
        wsp.sample("tube", count=30, number=3, extra={"$FIL": "three.fcs"}, uri="", **bare),
        wsp.sample("four.fcs", count=41, number=4, **bare),
        wsp.sample("five.fcs", count=50, number=5, **bare),
        wsp.sample("six.fcs", count=60, number=6, **bare),
    )
    assert pairs == [("one.fcs", "one.fcs"), ("renamed", "below/two 2.fcs"), ("tube", "three.fcs")]
    assert left[0] == ("four.fcs", "four.fcs holds 40 events, the workspace says 41")
    assert left[1][0] == "five.fcs"
    assert left[1][1].startswith("five.fcs cannot be read (")
    assert left[2] == ("six.fcs", "no file of that name")
    assert sorted(unused) == ["five.fcs", "four.fcs"]


def test_samples_of_one_name_are_told_apart_by_their_number_of_events(tmp_path):
    fcs(tmp_path / "x", "s.fcs", 10)
    fcs(tmp_path / "y", "s.fcs", 20)
    bare = {"channels": {}, "axes": []}
    pairs, left, unused = matched(
        tmp_path,
        wsp.sample("s.fcs", count=20, number=1, **bare),
        wsp.sample("s.fcs", count=10, number=2, **bare),
        wsp.sample("s.fcs", count=10, number=3, **bare),
        wsp.sample("s.fcs", count=-1, number=4, **bare),
    )
    assert pairs == [
        ("s.fcs (20 events)", "y/s.fcs"),
        ("s.fcs (10 events) (sample 2)", "x/s.fcs"),
        ("s.fcs (10 events) (sample 3)", "x/s.fcs"),
    ]
    assert left == [("s.fcs (-1 events)", "2 files are called s.fcs and hold -1 events")]
    assert unused == []


def test_samples_that_nothing_tells_apart_still_have_keys_of_their_own(tmp_path):
    same = wsp.sample("s.fcs", channels={}, axes=[], count=5, number=1)
    found = parse_workspace(wsp.write(tmp_path, wsp.workspace(same, same)))
    assert [sample.key for sample in found.samples] == [
        "s.fcs (5 events) (sample 1)",
        "s.fcs (5 events) (sample 1) (2)",
    ]


# ------------------------------------------------------------------------------------------------------------- stale


def stale(tmp_path: Path, *populations: str) -> list[tuple[str, int, str]]:
    text = wsp.workspace(wsp.sample("s.fcs", *populations, channels=CHANNELS, axes=AXES, count=100))
    return [
        ("/".join(each.path), each.stored, each.why)
        for each in stale_counts(parse_workspace(wsp.write(tmp_path, text)))
    ]


def test_counts_that_agree_are_not_stale(tmp_path):
    quadrants = {
        "Q1": ((None, 5), (5, None)),
        "Q2": ((5, None),) * 2,
        "Q3": ((5, None), (None, 5)),
        "Q4": ((None, 5),) * 2,
    }
    cells = [wsp.population(name, wsp.rectangle(A=a, B=b), count=20) for name, (a, b) in quadrants.items()]
    tree = wsp.population(
        "P",
        TRIANGLE,
        *cells,
        wsp.population("X", TRIANGLE, count=30),
        wsp.combined("NotNode", "not", "P/X", count=50),
        wsp.combined("OrNode", "or", "P/X", "P/Q1", count=50),
        wsp.combined("AndNode", "and", "P/X", "P/Q1", count=0),
        wsp.population("never", TRIANGLE, count=-1),
        wsp.combined("NotNode", "not never", "P/never", count=7),
        wsp.combined("NotNode", "lost", "Q/X", count=99999),
        count=80,
    )
    found = stale(tmp_path, tree)
    assert found == [("P/lost", 99999, "more than its parent's 80")]


def test_counts_that_contradict_others_are_stale(tmp_path):
    cells = [
        wsp.population("Q1", wsp.rectangle(A=(None, 5), B=(5, None)), count=20),
        wsp.population("Q2", wsp.rectangle(A=(5, None), B=(5, None)), count=20),
        wsp.population("Q3", wsp.rectangle(A=(5, None), B=(None, 5)), count=20),
        wsp.population("Q4", wsp.rectangle(A=(None, 5), B=(None, 5)), count=21),
    ]
    tree = wsp.population(
        "P",
        TRIANGLE,
        *cells,
        wsp.population("X", TRIANGLE, count=30),
        wsp.population("Y", TRIANGLE, count=70),
        wsp.combined("NotNode", "not", "P/X", count=49),
        wsp.combined("OrNode", "or", "P/X", "P/Q1", count=51),
        wsp.combined("AndNode", "and", "P/X", "P/Y", count=19),
        count=80,
    )
    assert stale(tmp_path, tree, wsp.population("all", TRIANGLE, count=101)) == [
        ("P/not", 49, "50 by the other counts (X 30, parent 80)"),
        ("P/or", 51, "30 to 50 by the other counts (X 30, Q1 20, parent 80)"),
        ("P/and", 19, "20 to 30 by the other counts (X 30, Y 70, parent 80)"),
        ("all", 101, "more than its parent's 100"),
        ("P/Q1", 20, "the four quadrants (Q1 20, Q2 20, Q3 20, Q4 21) add up to 81, their parent is 80"),
    ]


# ------------------------------------------------------------------------------------------------- workspaces of others

PARSED = {
    # file: (FlowJo, samples, of these gated, populations)
    "flowatlas/a/flowatlas_a.wsp": ("10.7.1", 33, 33, 767),
    "flowatlas/b/flowatlas_b.wsp": ("10.7.1", 39, 17, 323),
    "flowatlas/flowatlas_140119_TplusB_VR.wsp": ("10.6.2", 1, 1, 35),
    "flowatlas/flowatlas_test_curlyquad_ellipse.wsp": ("10.7.1", 2, 1, 16),
    "flowjo_simple/8_color_ICS.wsp": ("10.6.2", 3, 3, 42),
    "flowjo_simple/8_color_ICS_boolean_gate_testing.wsp": ("10.8.1", 3, 3, 60),
    "flowjo_simple/8_color_ICS_simple.wsp": ("10.6.2", 3, 3, 12),
    "flowjo_simple/8_color_ICS_with_ellipse.wsp": ("10.8.1", 3, 3, 45),
    "flowjo_simple/reused_quad_gate_with_child.wsp": ("10.8.0", 1, 1, 13),
    "flowjo_simple/simple_diamond_example_quad_gate.wsp": ("10.6.2", 1, 1, 4),
    "flowjo_simple/simple_poly_and_rect.wsp": ("10.6.1", 1, 1, 2),
    "flowjo_simple/simple_poly_and_rect_v2_poly50.wsp": ("10.7.1", 1, 1, 2),
    "flowjo_simple/single_ellipse_51_events.wsp": ("10.6.1", 1, 1, 1),
    "flowjo_simple/test_data_diamond_asinh_rect.wsp": ("10.7.1", 1, 1, 1),
    "flowjo_simple/test_data_diamond_asinh_rect2.wsp": ("10.7.1", 1, 1, 1),
    "flowjo_simple/test_data_diamond_biex_rect.wsp": ("10.6.2", 1, 1, 1),
}


@pytest.mark.parametrize("file", PARSED)
def test_real_workspaces_are_read_whole(data_dir, file):
    found = parse_workspace(data_dir / file)
    gated = [sample for sample in found.samples if sample.nodes]
    populations = [node for sample in found.samples for node in sample.walk()]
    assert (found.version, len(found.samples), len(gated), len(populations)) == PARSED[file]
    assert found.left_out == ()
    assert stale_counts(found) == ()
    reasons = Counter(node.gate.text.split(" (")[0] for node in populations if isinstance(node.gate, Reason))
    assert reasons == ({"a curly quadrant": 4} if "curly" in file or "TplusB" in file else {})
    assert not any(isinstance(scale, Reason) for sample in found.samples for scale in sample.transformations.values())
    assert not any(isinstance(sample.matrix, Reason) for sample in found.samples)


STORED = {
    ("8_color_ICS", "Time/Singlets/aAmine-/CD3+"): 132388,
    ("8_color_ICS", "Time/Singlets/aAmine-/CD3+/CD4+"): 81990,
    ("8_color_ICS", "Time/Singlets/aAmine-/CD3+/CD8+"): 47046,
    ("8_color_ICS_with_ellipse", "Time/Singlets/aAmine-/CD3+/CD4+"): 81992,
    ("8_color_ICS_boolean_gate_testing", "Time/Singlets/aAmine-/CD3+/CD4+/CD107a+ & IFNg+"): 6,
    ("8_color_ICS_boolean_gate_testing", "Time/Singlets/aAmine-/CD3+/CD4+/CD107a+ or IFNg+"): 663,
    ("8_color_ICS_boolean_gate_testing", "Time/Singlets/aAmine-/CD3+/CD4+/IL2+-"): 81918,
    ("simple_poly_and_rect", "poly1"): -1,
    ("single_ellipse_51_events", "ellipse1"): 51,
    ("simple_diamond_example_quad_gate", "Q1: channel_A- , channel_B+"): 49671,
}


@pytest.mark.parametrize(("file", "path"), STORED)
def test_stored_counts(data_dir, file, path):
    sample = parse_workspace(data_dir / "flowjo_simple" / f"{file}.wsp").samples[0]
    counts = {"/".join(node.path): node.count for node in sample.walk()}
    assert counts[path] == STORED[file, path]
    if path.endswith("CD3+"):
        assert (sample.name, sample.n_events) == ("101_DEN084Y5_15_E03_009_clean.fcs", 283969)


@pytest.mark.parametrize("letter", ["a", "b"])
def test_files_of_real_workspaces_are_found(data_dir, letter):
    folder = data_dir / "flowatlas" / letter
    found = match_files(parse_workspace(folder / f"flowatlas_{letter}.wsp"), folder)
    files = sorted(path.name for path in folder.glob("*.fcs"))
    assert sorted(path.name for _, path in found.pairs) == files
    assert all(sample.name == path.name for sample, path in found.pairs)
    assert len(found.unmatched) == {"a": 33 - 8, "b": 39 - 5}[letter]
    assert found.unused == ()
