"""FlowJo workspaces out: what is written, what is left out and why, and that it comes back whole."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders_everything import EVERYTHING, LEFT_OUT, sample, samples, strategy

from tregflow.compensation import Spillover
from tregflow.errors import InteropError
from tregflow.fcs import Sample, read_fcs
from tregflow.gates import Ellipsoid, Polygon
from tregflow.interop.flowjo import import_workspace, parse_workspace, write_gated, write_workspace
from tregflow.interop.flowjo.model import WspPolygon
from tregflow.interop.flowjo.read import read_workspace
from tregflow.interop.flowjo.stored import hash_of, stored_texts
from tregflow.interop.flowjo.write_gates import closed, ellipse_of, foci_and_edges
from tregflow.interop.flowjo.write_scales import flowjo_axis
from tregflow.interop.flowjo.write_xml import OWN
from tregflow.interop.left_out import LeftOut
from tregflow.interop.xml import parse_xml, to_bytes
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

if TYPE_CHECKING:
    from collections.abc import Callable

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
        assert polygon.gate.bins == 512
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
    (note,) = back.left_out
    assert (note.sample, note.population) == ("", "")
    assert note.reason == (
        "the strategy that tregflow stored in the workspace, for a gate, an axis, a matrix or its own text was changed "
        "since"
    )
    assert "<tregflow:strategy" in path.read_text(encoding="utf-8").splitlines()[note.line - 1]
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


def craft(path: Path, part: str, change: Callable[[Any], Any]) -> tuple[bool, str]:
    """Change what is stored in a workspace and make the hash fit; tell whether it is taken, and why not."""
    root = parse_xml(path)
    element = root.find(f"{{{OWN}}}strategy")
    texts = element.find(f"{{{OWN}}}{part}")
    changed = change(json.loads(texts.text))
    texts.text = changed if isinstance(changed, str) else json.dumps(changed)
    element.set("sha256", hash_of(read_workspace(root, path.name), stored_texts(element)))
    path.write_bytes(to_bytes(root))
    found = import_workspace(path)
    taken = "report" in found.strategy.data
    assert taken is (found.left_out == ())
    said = [
        each.reason.removeprefix("the strategy that tregflow stored in the workspace, for ") for each in found.left_out
    ]
    return taken, "".join(said)


def at(*place: str | int, value: Any) -> Callable[[Any], Any]:
    """Return a change of one value of plain data."""

    def change(data: Any) -> Any:
        inner = data
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = value
        return data

    return change


@pytest.mark.parametrize(
    ("part", "change", "why"),
    [
        ("template", lambda _: "[" * 100_000, "it is nested too deeply"),
        ("template", lambda _: '{"a":' * 500 + "1" + "}" * 500, "it is nested too deeply"),
        ("template", lambda _: "tregflow: 1", "its text is damaged"),
        ("template", lambda _: [], "its text is damaged"),
        ("overrides", lambda _: [5], "its text is damaged"),
        ("samples", lambda _: {}, "its text is damaged"),
        ("samples", lambda _: [["tube 1.fcs", "P1"]], "its text is damaged"),
        ("samples", lambda _: [["tube 1.fcs", "P1", 5]], "its text is damaged"),
        ("samples", lambda _: [["tube 1.fcs", "P1", None]], "it knows nothing of tube 2.fcs"),
        (
            "template",
            at("gates", "clock", "rectangle", "seconds", 1, value=10**400),
            "it cannot be read (E_STRATEGY: 1 fault gates.clock.rectangle.seconds.1: input should be a valid number "
            "(there is 100000000000000000000000000000000000000000000000000000000...))",
        ),
        (
            "template",
            at("compensation", value="fcs"),
            "it cannot be read (E_NO_SPILL: the file carries no spillover matrix)",
        ),
        (
            "template",
            at("gates", "clock", "rectangle", "seconds", value=[5, 61]),
            "it is not what FlowJo shows: tube 1.fcs: clock: another gate is stored",
        ),
        (
            "template",
            at("gates", "outside", "outside", value=False),
            "it is not what FlowJo shows: tube 1.fcs: scatter/outside: another gate is stored",
        ),
        (
            "template",
            at("gates", "rest", "not", value="Q++"),
            "it is not what FlowJo shows: tube 1.fcs: scatter/rest: another gate is stored",
        ),
        (
            "template",
            at("gates", "scatter", "name", value="cells"),
            "it is not what FlowJo shows: tube 1.fcs: scatter: no such population is stored",
        ),
        (
            "template",
            at("gates", "hidden", value={"rectangle": {"FSC-A": [5, 60]}}),
            "it is not what FlowJo shows: tube 1.fcs: hidden: it is stored, and FlowJo does not show it",
        ),
        (
            "template",
            at("scales", "CD127", "biex", "width", value=-50),
            "it is not what FlowJo shows: tube 1.fcs: scatter/Q--: its axis Comp-R660-A has another scale, gain or "
            "matrix",
        ),
        (
            "template",
            at("matrices", "m", "matrix", value=[[1, 0.1], [0.06, 1]]),
            "it is not what FlowJo shows: tube 1.fcs: scatter/Q--: its axis Comp-B515-A has another scale, gain or "
            "matrix",
        ),
        (
            "template",
            at("dimensions", "seconds", "gain", value=0.02),
            "it is not what FlowJo shows: tube 1.fcs: clock: its axis Time has another scale, gain or matrix",
        ),
        (
            "template",
            at("panel", "CD25", "pns", value=["CD127"]),
            "it is not what FlowJo shows: tube 1.fcs: scatter/Q--: no such population is stored",
        ),
        (
            "overrides",
            lambda rules: rules[1:],
            "it is not what FlowJo shows: tube 2.fcs: scatter/open: another gate is stored",
        ),
        (
            "samples",
            at(1, 1, value="P1"),
            "it is not what FlowJo shows: tube 2.fcs: scatter/open: another gate is stored",
        ),
    ],
)
def test_a_stored_strategy_that_means_something_else_is_not_taken(tmp_path, part, change, why):
    """Whoever changes it can make the hash fit, too."""
    path = tmp_path / "w.wsp"
    write_workspace(path, strategy(), samples())
    assert craft(path, part, change) == (False, why)


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("template", at("report", value={"other": "open / scatter"})),
        ("template", at("gates", "CD4+", "above", "CD4", value={"fmo": "CD4"})),  # its number stands in the gate
        ("template", at("compensation", value="singles")),
        ("overrides", at(0, "why", value="dimmer")),
    ],
)
def test_what_flowjo_cannot_show_may_be_anything(tmp_path, part, change):
    path = tmp_path / "w.wsp"
    write_workspace(path, strategy(), samples())
    assert craft(path, part, change) == (True, "")


def test_a_matrix_that_was_given_is_in_no_strategy(tmp_path):
    text = "tregflow: 1\nname: some\ncompensation: none\ngates:\n  CD25+: {above: {CD25: 300}}\n"
    own, file = strategy(text, []), sample("tube 1.fcs", 1)
    given_ = Spillover(("B515-A", "R660-A"), np.array([[1, 0.5], [0.5, 1]]), "given")
    gated = own.gate(file, id="P1", spillover=given_)
    assert write_gated(tmp_path / "w.wsp", own, {"P1": gated}) == ()
    back = import_workspace(tmp_path / "w.wsp")
    assert back.strategy.gate(file, id="P1").count("CD25+") == gated.count("CD25+")
    assert [each.reason for each in back.left_out] == [
        "the strategy that tregflow stored in the workspace, for it is not what FlowJo shows: tube 1.fcs: CD25+: "
        "another gate is stored"
    ]


def test_an_integer_file_comes_back_with_its_ranges_and_gains(tmp_path):
    """The top of an axis without transformation is the channel's range, and the grid hangs on it."""
    first, *others = sample("tube 1.fcs", 1).channels
    file = replace(sample("tube 1.fcs", 1), channels=(replace(first, range=1024.0, gain=2.0), *others))
    text = (
        "tregflow: 1\nname: some\ncompensation: none\ncounts: flowjo\nscales: {FSC-A: {linear: {t: 1}}}\n"
        "gates:\n  cells: {polygon: [FSC-A, CD4], points: [[1, 1], [1000, 1], [500, 500]]}\n"
    )
    write_workspace(tmp_path / "w.wsp", strategy(text, []), {"P1": file})
    keywords = parse_workspace(tmp_path / "w.wsp").samples[0].keywords
    assert (keywords["$P1R"], keywords["$P1G"], keywords.get("$P2G")) == ("1024", "2", None)
    assert import_workspace(tmp_path / "w.wsp").left_out == ()


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
    assert back.data["matrices"] == {"m": {"detectors": ["B515-A", "R660-A"], "matrix": [[1.0, 0.1], [0.05, 1.0]]}}
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


def test_a_clock_that_is_multiplied_has_a_linear_axis_and_one_gain(tmp_path):
    gates = """
  log: {rectangle: {seconds: [5, 60]}}
  steps: {rectangle: {Time: [500, 6000]}}
  drawn: {polygon: [seconds, CD4], points: [[1, 1], [60, 1], [20, 500]]}
"""
    top = "dimensions:\n  seconds: {channel: Time, gain: 0.01}\n"
    left_out, workspace = left_out_of(
        tmp_path, gates, top=top, scales="seconds: {log: {m: 4}}, Time: {log: {m: 4}}, CD4: linear"
    )
    assert left_out == [
        ("P1", "steps", "Time is Time times 1.0, another gate's times 0.01; FlowJo has one gain"),
        (
            "P1",
            "drawn",
            "FlowJo has one axis for seconds and it is FlowJoLinear(min=0.0, max=262144.0), as another gate asks for; "
            "the gate is on Log(t=262144.0, m=4.0)",
        ),
    ]
    (sample_,) = workspace.samples
    assert (sample_.gains, sample_.transformations["Time"]) == ({"Time": 0.01}, FlowJoLinear(0.0, 262144.0))
    found = import_workspace(tmp_path / "w.wsp", stored=False)
    assert found.strategy.gate(sample("tube 1.fcs", 1), id="tube 1.fcs").count("log") == next(sample_.walk()).count


def test_gains_below_a_matrix_are_not_flowjos(tmp_path):
    file = sample("tube 1.fcs", 1)
    channels = tuple(replace(each, gain=4.0) if each.pnn == "B515-A" else each for each in file.channels)
    top = "gains: fcs\nmatrices: {m: {detectors: [B515-A, R660-A], matrix: [[1, 0.1], [0.05, 1]]}}\n"
    left_out, _ = left_out_of(
        tmp_path,
        "  P: {above: {CD127: 100}}\n  free: {above: {CD4: 100}}\n",
        files={"P1": replace(file, channels=channels)},
        top=top + "dimensions: {CD127: {channel: R660-A, compensation: m}}\n",
    )
    reason = "CD127 is divided by the gain of B515-A before it is compensated ($P3G), and FlowJo's gates are not"
    assert left_out == [("P1", "P", reason)]


def test_the_matrix_of_most_axes_is_flowjos(tmp_path):
    gates = "  other: {above: {other: 100}}\n  CD25+: {above: {CD25: 100}}\n  CD127+: {above: {CD127: 100}}\n"
    top = """matrices:
  m: {detectors: [B515-A, R660-A], matrix: [[1, 0.1], [0.05, 1]]}
  n: {detectors: [B515-A, R660-A], matrix: [[1, 0.2], [0.05, 1]]}
dimensions: {other: {channel: R660-A, compensation: n}}
"""
    text = f"tregflow: 1\nname: some\ncompensation: m\n{top}gates:\n{gates}"
    left_out = write_workspace(tmp_path / "w.wsp", strategy(text, []), {"P1": sample("tube 1.fcs", 1)})
    assert [each.population for each in left_out] == ["other"]


def test_the_grid_of_ellipses_is_written_where_it_is_not_flowjos_own(tmp_path):
    gates = """
  coarse: {ellipsoid: [CD25, CD4], mean: [0.4, 0.4], covariance: [[0.02, 0], [0, 0.01]], bins: 1024}
  usual: {ellipsoid: [CD25, CD4], mean: [0.4, 0.4], covariance: [[0.02, 0], [0, 0.01]]}
"""
    left_out, workspace = left_out_of(tmp_path, gates)
    assert left_out == []
    assert [node.gate.bins for node in workspace.samples[0].walk()] == [1024, 256]
    assert (tmp_path / "w.wsp").read_text(encoding="utf-8").count("gateResolution") == 1


def test_bounds_and_vertices_on_the_scale_that_have_no_place_in_data_units(tmp_path):
    gates = """
  at the ends: {rectangle: {CD25: [0, null]}, units: scale}
  beyond: {rectangle: {CD25: [0, null], CD4: [0.2, 0.5]}, units: scale}
  upper: {rectangle: {CD25: [null, 1.5], CD4: [0.2, 0.5]}, units: scale}
  drawn: {polygon: [CD25, CD4], units: scale, points: [[-0.5, 0.1], [0.9, 0.1], [0.5, 0.8]]}
  on the scale: {polygon: [CD25, CD4], units: scale, points: [[0.2, 0.1], [0.9, 0.1], [0.5, 0.8]]}
  thin: {ellipsoid: [CD25, CD4], mean: [0.4, 0.4], covariance: [[0.02, 0.5], [0.5, 0.01]], indefinite: true}
"""
    left_out, workspace = left_out_of(tmp_path, gates, scales="CD25: {biex: {width: -10}}")
    assert left_out == [
        ("P1", "at the ends", "its bounds lie at the ends of the axes, which FlowJo holds as no bound at all"),
        ("P1", "drawn", "a vertex at -0.5 on the biex scale has no place in data units, as FlowJo holds it"),
        ("P1", "thin", "an ellipse so thin that FlowJo's two foci do not hold it"),
    ]
    assert [node.name for node in workspace.samples[0].walk()] == ["beyond", "upper", "on the scale"]
    assert [[axis for axis, _, _ in node.gate.bounds] for node in list(workspace.samples[0].walk())[:2]] == [
        ["V450-A"],
        ["V450-A"],
    ]


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


def test_a_tree_that_is_too_deep_is_written_as_far_as_it_can_be_read(tmp_path):
    gates = [f"g{n}: {{{f'in: g{n - 1}, ' if n else ''}above: {{A: {n}}}}}" for n in range(300)]
    listed = "\n  ".join(gates)
    deep = Strategy.loads(f"tregflow: 1\nname: deep\ncompensation: none\nscales: {{A: linear}}\ngates:\n  {listed}\n")
    lost = write_workspace(tmp_path / "w.wsp", deep, {"a.fcs": Sample.from_columns("a.fcs", {"A": np.arange(400.0)})})
    assert [each.population for each in lost] == [f"g{n}" for n in range(80, 300)]
    assert lost[0].reason == "it lies more than 80 populations deep"
    back = import_workspace(tmp_path / "w.wsp", partial=True, stored=False)
    assert list(back.strategy.spec.gates) == [f"g{n}" for n in range(80)]
