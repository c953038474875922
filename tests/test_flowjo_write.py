"""FlowJo workspaces out: what is written, what is left out and why, and that it comes back whole."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders_everything import EVERYTHING, LEFT_OUT, sample, samples, strategy

from tregflow.errors import InteropError
from tregflow.fcs import Sample, read_fcs
from tregflow.gates import Ellipsoid, Polygon
from tregflow.interop.flowjo import import_workspace, parse_workspace, write_gated, write_workspace
from tregflow.interop.flowjo.model import WspPolygon
from tregflow.interop.flowjo.write_gates import closed, ellipse_of, foci_and_edges
from tregflow.interop.flowjo.write_scales import flowjo_axis
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
)

EXAMPLE = Path(__file__).parent.parent / "example_fcs"


def masks(gated: Any) -> dict[str, bytes]:
    return {name: gated[name].tobytes() for name in gated.gates}


def assert_same_masks(one: Strategy, other: Strategy, files: dict[str, Sample]) -> None:
    for name, each in files.items():
        first, second = (one_of.gate(each, id=name) for one_of in (one, other))
        assert masks(first) == masks(second)
        assert first.missing == second.missing


def assert_standard_part(path: Path, own: Strategy, files: dict[str, Sample]) -> int:
    """Compare what any other reader sees in a workspace with the strategy; return the number of populations."""
    seen = import_workspace(path, stored=False)
    ids = import_workspace(path).ids
    compared = 0
    for name, each in files.items():
        wanted = own.gate(each, id=name)
        found = seen.strategy.gate(each, id=each.file)
        for (key, place), gate in seen.ids.items():
            if key == each.file:
                assert found.count(gate) == seen.counts[key, place]
                if (key, place) in ids:
                    assert np.array_equal(found[gate], wanted[ids[key, place]]), (key, place)
                    compared += 1
    return compared


# ------------------------------------------------------------------------------------------------------ round trips


def test_every_kind_of_gate_comes_back_with_its_overrides(tmp_path):
    own, files = strategy(), samples()
    left_out = write_workspace(tmp_path / "w.wsp", own, files)
    back = import_workspace(tmp_path / "w.wsp")
    assert back.left_out == ()
    assert back.strategy.data == own.data
    assert back.strategy.overrides == own.overrides
    assert_same_masks(own, back.strategy, files)
    assert left_out == (
        LeftOut("", "three axes", "FlowJo has no gate on 3 axes"),
        LeftOut("", "by ratio", "ratio is a ratio, and FlowJo's gates have none"),
        LeftOut("", "below ratio", "its parent by ratio is left out"),
        LeftOut("", "with ratio", "its operand by ratio is left out"),
    )


def test_what_flowjo_shows_has_the_same_events_and_our_counts(tmp_path):
    own, files = strategy(), samples()
    write_workspace(tmp_path / "w.wsp", own, files)
    n_gates = len(own.spec.gates) - len(LEFT_OUT)
    # `rest` and what is below it are absent in P3 by an override, and so not lost.
    assert assert_standard_part(tmp_path / "w.wsp", own, files) == 3 * n_gates - 2


@pytest.mark.parametrize("counts", ["exact", "flowjo"])
def test_counts_are_ours_and_the_grid_stays(tmp_path, counts):
    own = strategy(EVERYTHING.replace("compensation: m\n", f"compensation: m\ncounts: {counts}\n")
                   .replace("open: {in: scatter, polygon", "open: {in: scatter, bins: 512, polygon"))  # fmt: skip
    files = samples()
    write_workspace(tmp_path / "w.wsp", own, files)
    workspace = parse_workspace(tmp_path / "w.wsp")
    for each, name in zip(workspace.samples, files, strict=True):
        gated = own.gate(files[name], id=name)
        nodes = {node.path: node for node in each.walk()}
        polygon = nodes["scatter", "open"]
        assert isinstance(polygon.gate, WspPolygon)
        assert polygon.gate.bins == (512 if counts == "flowjo" else 256)
        assert polygon.count == gated.count("open")
    seen = import_workspace(tmp_path / "w.wsp", stored=False)
    for name, each in files.items():
        found = seen.strategy.with_counts(counts).gate(each, id=each.file)
        wanted = own.gate(each, id=name)
        assert found.count("open") == wanted.count("open")
        assert found.count("ellipse") == wanted.count("ellipse")


def test_the_same_bytes_every_time(tmp_path):
    write_workspace(tmp_path / "one.wsp", strategy(), samples())
    write_workspace(tmp_path / "two.wsp", strategy(), samples())
    assert (tmp_path / "one.wsp").read_bytes() == (tmp_path / "two.wsp").read_bytes()


def test_what_was_edited_in_flowjo_wins(tmp_path):
    own, files = strategy(), samples()
    path = tmp_path / "w.wsp"
    write_workspace(path, own, files)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('gating:min="300"', 'gating:min="1000"'), encoding="utf-8")
    back = import_workspace(path)
    assert "report" not in back.strategy.data
    assert back.ids["tube 1.fcs", ("clock", "CD4+")] == "CD4+"
    gated = back.strategy.gate(files["P1"], id="tube 1.fcs")
    assert gated.count("CD4+") == int(
        np.count_nonzero(own.gate(files["P1"], id="P1")["clock"] & (gated.values("CD4") >= 1000))
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('expanded="1"', 'expanded="0"'),  # FlowJo folds and colours
        ('count="', 'count="1'),  # and counts anew
        ("<Graph ", "<Graph fast='0' x='1' "),
        (' gating:parent_id="ID100002"', ""),
    ],
)
def test_what_means_nothing_may_change(tmp_path, old, new):
    path = tmp_path / "w.wsp"
    write_workspace(path, strategy(), samples())
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new).replace("fast='0' x='1' smoothing", "smoothing"), encoding="utf-8")
    assert import_workspace(path).strategy.data["report"] == {"share": "open / scatter"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("brighter", "darker"),  # the stored strategy itself
        ('name="Q++"', 'name="Q4"'),
        ('transforms:width="-100"', 'transforms:width="-10"'),
        ('transforms:value="0.1"', 'transforms:value="0.2"'),
        ('eventsInside="0"', 'eventsInside="1"'),
        ('sha256="', 'sha256="0'),
        ("<Dependent name=", "<Dependent  other='' name="),
    ],
)
def test_what_means_something_may_not(tmp_path, old, new):
    path = tmp_path / "w.wsp"
    write_workspace(path, strategy(), samples())
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    stored = "report" in import_workspace(path, partial=True).strategy.data
    assert stored is ("Dependent" in old)


def test_one_sample_alone_is_taken_from_what_flowjo_shows(tmp_path):
    write_workspace(tmp_path / "w.wsp", strategy(), samples())
    alone = import_workspace(tmp_path / "w.wsp", samples=["tube 2.fcs"])
    assert alone.strategy.overrides == ()
    assert alone.strategy.data["gates"]["CD4+"] == {"in": "clock", "rectangle": {"CD4": [200.0, None]}}


def test_a_matrix_from_a_file_travels_along(tmp_path):
    (tmp_path / "m.csv").write_text(",B515-A,R660-A\nB515-A,1,0.1\nR660-A,0.05,1\n", encoding="utf-8")
    text = EVERYTHING.replace("compensation: m\n", "compensation: m.csv\n")
    text = text.replace("matrices:\n  m: {detectors: [B515-A, R660-A], matrix: [[1, 0.1], [0.05, 1]]}\n", "")
    (tmp_path / "s.yaml").write_text(text, encoding="utf-8")
    own, files = Strategy.load(tmp_path / "s.yaml"), samples()
    (tmp_path / "elsewhere").mkdir()
    write_workspace(tmp_path / "elsewhere" / "w.wsp", own, files)
    back = import_workspace(tmp_path / "elsewhere" / "w.wsp").strategy
    assert back.data["matrices"] == {"m.csv": {"detectors": ["B515-A", "R660-A"], "matrix": [[1.0, 0.1], [0.05, 1.0]]}}
    assert_same_masks(own, back, files)


def test_different_matrices_are_told_apart(tmp_path):
    text = EVERYTHING.replace("  m: {", "  n: {detectors: [B515-A], matrix: [[1]]}\n  m: {")
    rule = {"id": "P2", "when": {"sample": "P2"}, "set": {"compensation": "n"}, "by": "a", "at": "b", "why": "c"}
    own, files = strategy(text, [rule]), samples()
    write_workspace(tmp_path / "w.wsp", own, files)
    found = [each.matrix for each in parse_workspace(tmp_path / "w.wsp").samples]
    assert [(matrix.name, matrix.detectors) for matrix in found] == [
        ("tregflow", ("B515-A", "R660-A")),
        ("tregflow 2", ("B515-A",)),
        ("tregflow", ("B515-A", "R660-A")),
    ]
    assert_standard_part(tmp_path / "w.wsp", own, files)


# ------------------------------------------------------------------------------------------------------- left out


def left_out_of(tmp_path: Path, gates: str, *, scales: str = "", files: dict[str, Sample] | None = None, top: str = ""):
    """Return what is left out of a workspace with these gates on one sample, and the workspace."""
    text = f"tregflow: 1\nname: some\ncompensation: none\n{top}scales: {{{scales}}}\ngates:\n{gates}"
    given = files or {"P1": sample("tube 1.fcs", 1)}
    left_out = write_workspace(tmp_path / "w.wsp", strategy(text, []), given)
    return [(each.sample, each.population, each.reason) for each in left_out], parse_workspace(tmp_path / "w.wsp")


def test_a_shape_on_hyperlog_is_left_out_and_a_range_is_not(tmp_path):
    gates = """
  shape: {polygon: [CD25, CD4], points: [[1, 1], [1000, 1], [500, 500]]}
  range: {above: {CD25: 100}}
"""
    left_out, workspace = left_out_of(tmp_path, gates, scales="CD25: {hyperlog: {w: 0.5}}")
    assert left_out == [("P1", "shape", "FlowJo has no hyperlog axis, which CD25 is drawn on")]
    assert [node.name for node in workspace.samples[0].walk()] == ["range"]
    assert workspace.samples[0].transformations["B515-A"] == Logicle()


def test_one_axis_for_a_parameter_and_no_other(tmp_path):
    gates = """
  one: {polygon: [CD25, CD4], points: [[1, 1], [1000, 1], [500, 500]]}
  two: {polygon: [again, CD4], points: [[1, 1], [1000, 1], [500, 500]]}
  range: {above: {again: 100}}
  both: {polygon: [CD25, again], points: [[1, 1], [1000, 1], [500, 500]]}
"""
    top = "dimensions: {again: {marker: CD25}}\n"
    left_out, _ = left_out_of(tmp_path, gates, scales="again: {asinh: {m: 4}}", top=top)
    assert left_out == [
        (
            "P1",
            "two",
            "FlowJo has one axis for again and it is Logicle(t=262144.0, w=0.5, m=4.5, a=0.0), as another gate asks "
            "for; the gate is on Asinh(t=262144.0, m=4.0, a=0.0)",
        ),
        ("P1", "both", "CD25 and again are one parameter in FlowJo"),
    ]


def test_an_event_that_would_change_side_is_counted(tmp_path):
    columns = {"X-A": [-5.0, 0.0, 50.0, 5000.0], "Y-A": [1.0, 2.0, 3.0, 4.0]}
    files = {"P1": Sample.from_columns("tube 1.fcs", columns)}
    gates = """
  low: {below: {X-A: 100}}
  high: {above: {X-A: 100}}
  not high: {not: high}
  both: {any: [low, high]}
"""
    left_out, workspace = left_out_of(tmp_path, gates, scales="X-A: {log: {m: 4}}", files=files)
    # On a log axis, zero and below have no position; FlowJo puts them at its lower end.
    assert left_out == [
        ("P1", "low", "as FlowJo holds it, 2 events change side"),
        ("P1", "not high", "as FlowJo holds it, 2 events change side"),
        ("P1", "both", "its operand low is left out"),
    ]
    assert [node.name for node in workspace.samples[0].walk()] == ["high"]


def test_other_axes_that_flowjo_does_not_have(tmp_path):
    gates = """
  gain: {above: {twice: 100}}
  unmixed: {above: {dye: 100}}
  own: {above: {CD25: 100}}
  other: {above: {other: 100}}
  time: {above: {seconds: 5}}
"""
    top = """matrices:
  m: {detectors: [B515-A, R660-A], matrix: [[1, 0.1], [0.05, 1]]}
  n: {detectors: [B515-A, R660-A], matrix: [[1, 0.2], [0.05, 1]]}
  u: {detectors: [B515-A, R660-A], dyes: [FITC], matrix: [[1, 0.1]]}
dimensions:
  twice: {marker: CD4, gain: 2}
  dye: {dye: FITC, compensation: u}
  CD25: {channel: B515-A, compensation: m}
  other: {channel: R660-A, compensation: n}
  seconds: {channel: Time, gain: 0.01}
"""
    left_out, workspace = left_out_of(tmp_path, gates, top=top)
    assert left_out == [
        ("P1", "gain", "twice is multiplied by 2.0, and FlowJo does so with the clock only"),
        ("P1", "unmixed", "dye is unmixed, and FlowJo compensates by a matrix with a detector for each dye"),
        ("P1", "other", "other has a matrix of its own, and FlowJo has one for all of a sample"),
    ]
    assert workspace.samples[0].gains == {"Time": 0.01}
    assert [node.gate.bounds[0][0] for node in workspace.samples[0].walk()] == ["Comp-B515-A", "Time"]


def test_gains_of_the_file_are_not_flowjos(tmp_path):
    file = sample("tube 1.fcs", 1)
    first, *others = file.channels
    files = {"P1": replace(file, channels=(replace(first, gain=4.0), *others))}
    gates = "  cells: {above: {FSC-A: 100}}\n  CD4+: {above: {CD4: 100}}\n"
    left_out, _ = left_out_of(tmp_path, gates, files=files, top="gains: fcs\n")
    assert left_out == [("P1", "cells", "FSC-A is divided by its gain ($P1G), and FlowJo's gates are not")]


def test_missing_populations_are_named_and_absent_ones_are_not(tmp_path):
    gates = """
  FoxP3+: {above: {CD4: {fmo: CD4}}}
  none: {above: {CD999: 5}, optional: true}
  below: {in: none, above: {CD25: 5}}
"""
    left_out, _ = left_out_of(tmp_path, gates)
    assert left_out == [
        ("P1", "FoxP3+", "missing in this sample: there is no FMO control for CD4 (role fmo:CD4)"),
        ("P1", "none", "missing in this sample: no channel carries CD999"),
        ("P1", "below", "missing in this sample: none is missing"),
    ]


def test_thresholds_of_controls_are_written_as_numbers(tmp_path):
    text = "tregflow: 1\nname: some\ncompensation: none\ngates:\n  CD4+: {above: {CD4: {fmo: CD4}}}\n"
    own = strategy(text, [])
    gated = own.gate(sample("tube 1.fcs", 1), id="P1", controls={"CD4": sample("fmo.fcs", 9)})
    assert write_gated(tmp_path / "w.wsp", own, {"P1": gated}) == ()
    (node,) = parse_workspace(tmp_path / "w.wsp").samples[0].walk()
    assert node.gate.bounds == (("V450-A", gated.strategy.spec.gates["CD4+"].above["CD4"], None),)
    assert node.count == gated.count("CD4+")
    assert import_workspace(tmp_path / "w.wsp").strategy.data == own.data


# ------------------------------------------------------------------------------------------------- names and persons


def test_names_are_such_that_paths_are_unique(tmp_path):
    gates = """
  A/B: {above: {CD4: 10}}
  A|B: {above: {CD4: 20}}
  x: {above: {CD4: 30}, name: same}
  y: {above: {CD4: 40}, name: same}
  "\\x85<&\\">": {in: y, above: {CD4: 50}}
  z: {in: y, any: [A/B, {not: x}]}
  z2: {in: y, all: [A/B, {not: x}]}
  "not same": {in: y, above: {CD4: 60}}
"""
    left_out, workspace = left_out_of(tmp_path, gates)
    assert left_out == []
    assert [node.path for node in workspace.samples[0].walk()] == [
        ("A|B",),
        ("A|B (2)",),
        ("same",),
        ("y",),
        ("y", '\x85<&">'),
        ("y", "not x"),
        ("y", "z"),
        ("y", "z2"),
        ("y", "not same"),
    ]
    assert [node.dependents for node in workspace.samples[0].walk() if node.kind != "gate"] == [
        ("same",),
        ("A|B", "y/not x"),
        ("A|B", "y/not x"),
    ]
    (key,) = {key for key, _ in import_workspace(tmp_path / "w.wsp").ids}
    assert import_workspace(tmp_path / "w.wsp").ids[key, ("A|B (2)",)] == "A|B"


def test_keywords_without_persons_and_without_what_xml_cannot_hold(tmp_path):
    files = {"P1": sample("Müller 1.fcs", 1, **{"$OP": "Jane Roe", "$CYT": "Canto of Jane Roe", "NOTE": "a\x01b"})}
    _, workspace = left_out_of(tmp_path, "  CD4+: {above: {CD4: 10}}\n", files=files)
    assert b"Jane" not in (tmp_path / "w.wsp").read_bytes()
    keywords = workspace.samples[0].keywords
    assert (keywords["NOTE"], keywords["$CYT"], keywords["$P3S"]) == ("a\ufffdb", "Canto of [removed]", "CD25")
    assert workspace.samples[0].name == "Müller 1.fcs"
    assert workspace.samples[0].uri == "file:M%C3%BCller%201.fcs"


# ---------------------------------------------------------------------------------------------------------- errors


def test_no_samples(tmp_path):
    with pytest.raises(InteropError) as caught:
        write_workspace(tmp_path / "w.wsp", strategy(), {})
    assert str(caught.value) == "w.wsp: a workspace of no samples\n  expected   one sample or more"
    assert caught.value.code == "E_EXPORT"


def test_two_files_of_one_name(tmp_path):
    with pytest.raises(InteropError) as caught:
        write_workspace(tmp_path / "w.wsp", strategy(), {"P1": sample("a.fcs", 1), "P2": sample("a.fcs", 2)})
    assert str(caught.value) == (
        "w.wsp: P1 and P2 are both files called a.fcs\n"
        "  expected   a name for each file, by which FlowJo finds it\n"
        "  remedy     rename one of the files, or write two workspaces"
    )
    assert not (tmp_path / "w.wsp").exists()


# -------------------------------------------------------------------------------------------------------- geometry


def test_scales_that_have_an_axis():
    biex = FlowJoBiex()
    assert flowjo_axis(Linear(t=1.0), 1000.0) == FlowJoLinear(0.0, 1000.0)
    assert flowjo_axis(Linear(t=1.0)) == FlowJoLinear(0.0, 262144.0)
    assert flowjo_axis(Linear(t=1024, a=256)) == FlowJoLinear(-256.0, 1024.0)
    assert str(flowjo_axis(Linear(t=1024)).min) == "0.0"
    assert flowjo_axis(Log(t=10000, m=4)) == FlowJoLog(1.0, 4.0)
    for scale in (biex, Logicle(), Asinh(), FlowJoLinear(5, 9), FlowJoLog()):
        assert flowjo_axis(scale) is scale
    assert flowjo_axis(Hyperlog()) is None


steps = st.integers(0, 12)


@given(st.lists(st.tuples(steps, steps), min_size=1, max_size=6), steps, steps)
def test_a_closed_side_holds_the_events_of_an_open_one(inner, low, high):
    """A polygon that ends in one edge at x = 20: what lies beyond is inside where the edge is."""
    low, high = sorted((low, high + 13))
    points = [(20, high), (20, low), *inner]
    if len(set(points)) < 3:
        return
    grid = np.arange(-2, 60, dtype=np.float64)
    x, y = (each.ravel() for each in np.meshgrid(grid, grid))
    common: dict[str, Any] = {"id": "p", "parent": "root", "channels": ("x", "y"), "scales": (Linear(), Linear())}
    opened = Polygon(points=tuple(points), open=(("x", "high"),), **common)
    shut = Polygon(points=closed(points, 0, "high", 1e9), **common)
    values = {"x": x, "y": y}
    assert np.array_equal(opened.evaluate(values.__getitem__).inside, shut.evaluate(values.__getitem__).inside)


def test_two_open_sides_meet_in_a_corner():
    points = [(3200.0, 0.0), (3200.0, 6300.0), (7800.0, 10900.0), (1e5, 10900.0), (1e5, 0.0)]
    shut = closed(closed(points, 0, "high", 1e9), 1, "low", -1e9)
    assert shut == ((3200.0, 6300.0), (7800.0, 10900.0), (1e9, 10900.0), (1e9, -1e9), (3200.0, -1e9))


@given(
    st.floats(0.1, 0.9), st.floats(0.1, 0.9), st.floats(0.01, 0.3), st.floats(0.01, 0.3), st.floats(-math.pi, math.pi)
)
def test_foci_and_edges_stand_for_the_ellipse(x, y, a, b, angle):
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    (p, q), (_, r) = (turn @ np.diag([a * a, b * b]) @ turn.T).tolist()
    gate = Ellipsoid(
        id="e",
        parent="root",
        channels=("x", "y"),
        mean=(x, y),
        covariance=((p / 2, q / 2), (q / 2, r / 2)),
        distance2=2.0,
        scales=(Linear(), Linear()),
    )
    foci, edges = foci_and_edges(gate)
    assert math.dist(edges[0], edges[1]) == pytest.approx(512 * max(a, b))
    assert math.dist(edges[2], edges[3]) == pytest.approx(512 * min(a, b))
    for edge in edges:  # the sum of the distances to the foci is that of the major axis
        assert math.dist(edge, foci[0]) + math.dist(edge, foci[1]) == pytest.approx(512 * max(a, b))
    back = ellipse_of(gate, foci, edges)
    assert np.allclose(back.covariance, ((p, q), (q, r)), rtol=1e-9, atol=1e-15)
    assert np.allclose(back.mean, (x, y))


def test_ellipses_on_straight_axes_move_with_them(tmp_path):
    gates = """
  cells: {polygon: [FSC-A, SSC-A], points: [[0, 0], [262144, 0], [0, 262144]]}
  ellipse: {in: cells, ellipsoid: [FSC 2, SSC-A], mean: [0.4, 0.3], covariance: [[0.02, 0.004], [0.004, 0.01]]}
"""
    top = "dimensions: {FSC 2: {channel: FSC-A}}\n"
    left_out, workspace = left_out_of(tmp_path, gates, scales="FSC 2: {linear: {t: 131072, a: 1000}}", top=top)
    assert left_out == []
    ellipse = next(node for node in workspace.samples[0].walk() if node.name == "ellipse")
    assert ellipse.gate.mean == pytest.approx(((0.4 * 132072 - 1000) / 262144, 0.3))


# ------------------------------------------------------------------------------------------------------- real files


@pytest.mark.parametrize("folder", ["a", "b"])
def test_workspaces_of_a_lab_come_back(data_dir, tmp_path, folder):
    place = data_dir / "flowatlas" / folder
    taken = import_workspace(place / f"flowatlas_{folder}.wsp")
    files = {path.name: read_fcs(path) for path in sorted(place.glob("*.fcs"))}
    assert write_workspace(tmp_path / "w.wsp", taken.strategy, files) == ()
    back = import_workspace(tmp_path / "w.wsp")
    assert (back.strategy.data, back.strategy.overrides) == (taken.strategy.data, taken.strategy.overrides)
    assert_same_masks(taken.strategy, back.strategy, files)
    assert assert_standard_part(tmp_path / "w.wsp", taken.strategy, files) == {"a": 186, "b": 95}[folder]


def test_the_example_trial_comes_back(tmp_path):
    own = Strategy.load(EXAMPLE / "treg.yaml", overrides=EXAMPLE / "overrides.yaml")
    files = {name: read_fcs(EXAMPLE / f"{name}.fcs") for name in ("P01_D0", "P02_D8", "P06_D8")}
    batches = {"P01_D0": "B1", "P02_D8": "B2", "P06_D8": "B2"}
    control = {batch: read_fcs(EXAMPLE / f"{batch}_FMO_FoxP3.fcs") for batch in ("B1", "B2")}

    def gate(strategy_: Strategy, name: str) -> Any:
        batch = batches[name]
        return strategy_.gate(files[name], id=name, batch=batch, controls={"FoxP3": control[batch]})

    gated = {name: gate(own, name) for name in files}
    assert write_gated(tmp_path / "w.wsp", own, gated) == ()
    back = import_workspace(tmp_path / "w.wsp")
    for name in files:
        assert masks(gate(back.strategy, name)) == masks(gated[name])
    seen = import_workspace(tmp_path / "w.wsp", stored=False)
    for (key, path), gate_id in seen.ids.items():
        name = key.removesuffix(".fcs")
        assert np.array_equal(seen.strategy.gate(files[name], id=key)[gate_id], gated[name][back.ids[key, path]]), (
            key,
            path,
        )
    assert len(seen.ids) == 3 * 11
