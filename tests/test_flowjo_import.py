"""Taking FlowJo workspaces over: template and overrides, and whether they mean what each sample's own gates mean."""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests import builders_wsp as wsp

from tregflow.errors import InteropError
from tregflow.fcs import Sample, read_fcs
from tregflow.interop.flowjo import import_workspace, match_files, parse_workspace
from tregflow.interop.flowjo.drawn import draw
from tregflow.interop.flowjo.template import make_template
from tregflow.interop.imported import Imported
from tregflow.interop.left_out import LeftOut
from tregflow.interop.xml import parse_xml_bytes, to_bytes
from tregflow.strategy import Strategy

if TYPE_CHECKING:
    from pathlib import Path

    from tregflow.interop.flowjo import Workspace
    from tregflow.interop.flowjo.drawn import Drawn

AB = {"A": "", "B": ""}
LINEAR = [wsp.linear("A"), wsp.linear("B")]
SQUARE = wsp.polygon("A", "B", [(100, 100), (600, 100), (600, 600), (100, 600)])
SPILL = {"A": {"A": 1, "B": 0.25}, "B": {"A": 0.5, "B": 1}}


def written(tmp_path: Path, *samples: str, **more: Any) -> Path:
    return wsp.write(tmp_path, wsp.workspace(*samples, **more))


def one(tmp_path: Path, *populations: str, **more: Any) -> Path:
    """Return a workspace with one sample, s.fcs."""
    given = {"channels": AB, "axes": LINEAR, **more}
    return written(tmp_path, wsp.sample("s.fcs", *populations, **given))


def left_out(path: Path) -> list[tuple[str, str]]:
    return [(each.population, each.reason) for each in import_workspace(path, partial=True).left_out]


def counts(imported: Imported, sample: Sample, key: str = "s.fcs", *, mode: str = "exact") -> dict[str, int]:
    """Return our counts by path."""
    gated = imported.strategy.with_counts(mode).gate(sample, id=key)
    mine = {path: gate for (name, path), gate in imported.ids.items() if name == key}
    return {"/".join(path): int(gated.masks[gate].inside.sum()) for path, gate in mine.items()}


def meaning(imported: Imported, key: str) -> dict[tuple[str, ...], dict[str, Any]]:
    """Return what every gate of a sample is, by path, free of the names that its workspace's other samples brought."""
    applied = imported.strategy.with_counts("flowjo").applied(id=key)
    strategy = applied.strategy
    spec = strategy.spec
    paths = {gate: path for (name, path), gate in imported.ids.items() if name == key}
    assert set(spec.gates) - set(applied.missing) == set(paths)

    def axis(name: str) -> tuple[Any, ...]:
        entry = spec.dimensions[name]
        matrix = spec.matrices.get(entry.compensation or spec.compensation)
        through = matrix is not None and (entry.dye is not None or entry.channel in matrix.detectors)
        return entry.channel, entry.dye, entry.gain, matrix if through else None

    found = {}
    for gate_id, path in paths.items():
        gate = strategy.build(gate_id)
        shown = {field.name: getattr(gate, field.name) for field in fields(gate)}
        shown |= {"kind": type(gate).__name__, "id": path, "parent": paths.get(gate.parent, gate.parent)}
        if "channels" in shown:
            shown["channels"] = tuple(map(axis, shown["channels"]))
        if "bounds" in shown:
            shown["bounds"] = tuple((axis(name), low, high) for name, low, high in shown["bounds"])
        if "operands" in shown:
            shown["operands"] = tuple((paths[operand], complement) for operand, complement in shown["operands"])
        found[path] = shown
    return found


def drawn(workspace: Workspace, key: str) -> Drawn:
    (sample,) = [each for each in workspace.samples if each.key == key]
    return draw(sample)


def alone(path: Path, workspace: Workspace, key: str) -> Imported:
    """Take over one sample as if it were the only one (the file is read once for all of them)."""
    own = drawn(workspace, key)
    template = make_template([own], name=path.stem, at=workspace.at)
    assert template.overrides == []
    ids = {(key, where): template.ids[where] for where in own.gates}
    return Imported(Strategy.from_data(template.data, name=path.name), own.left_out, {}, ids)


def assert_each_sample_keeps_its_own(path: Path, *, lost: tuple[str, ...] = ()) -> int:
    """Compare template and overrides, gate by gate, with each sample taken over alone; return how many gates."""
    together, workspace = import_workspace(path, partial=True), parse_workspace(path)
    total = 0
    for key in [sample.key for sample in workspace.samples if sample.nodes]:
        assert (not drawn(workspace, key).gates) == (key in lost) or not lost
        own = meaning(alone(path, workspace, key), key) if drawn(workspace, key).gates else {}
        assert meaning(together, key) == own
        total += len(own)
    return total


# ------------------------------------------------------------------------------------------------------- one sample


def test_the_whole_strategy_of_a_small_workspace(tmp_path):
    path = wsp.write(
        tmp_path,
        wsp.workspace(
            wsp.sample(
                "s.fcs",
                wsp.population(
                    "T cells ",
                    wsp.polygon("A", "Time", [(1, 2), (3, 4), (5, 0)], bins=1024, inside=0),
                    wsp.population("hi", wsp.rectangle(B=(7, None)), count=4),
                    wsp.combined("NotNode", "lo", "T cells /hi", count=5),
                    count=9,
                ),
                wsp.combined("OrNode", "hi", "T cells ", "T cells /lo"),
                wsp.population(
                    "E", wsp.ellipse("A", "B", [(64, 64), (64, 64)], [(96, 64), (32, 64), (64, 96), (64, 32)])
                ),
                channels={"A": "CD4", "B": "", "Time": ""},
                axes=[wsp.biex("A"), wsp.log("B", 2, 3), wsp.linear("Time", 0, 72, gain=0.5)],
            )
        ),
        "small.wsp",
    )
    found = import_workspace(path)
    assert found.left_out == ()
    assert found.strategy.overrides == ()
    assert found.strategy.data == {
        "tregflow": 1,
        "name": "small",
        "compensation": "none",
        "dimensions": {"CD4": {"channel": "A"}, "B": {"channel": "B"}, "Time": {"channel": "Time", "gain": 0.5}},
        "scales": {
            "CD4": {"biex": {"neg": 0.0, "width": -10.0, "pos": 4.418539922, "max": 262144.0}},
            "B": {"flowjo_log": {"offset": 2.0, "decades": 3.0}},
            "Time": {"flowjo_linear": {"min": 0.0, "max": 72.0}},
        },
        "gates": {
            "T cells": {
                "name": "T cells ",
                "polygon": ["CD4", "Time"],
                "points": [[1.0, 2.0], [3.0, 4.0], [5.0, 0.0]],
                "bins": 1024,
                "outside": True,
            },
            "T cells / hi": {"in": "T cells", "name": "hi", "rectangle": {"B": [7.0, None]}},
            "lo": {"in": "T cells", "not": "T cells / hi"},
            "hi": {"any": ["T cells", "lo"]},
            "E": {
                "ellipsoid": ["CD4", "B"],
                "mean": [0.25, 0.25],
                "covariance": [[0.015625, 0.0], [0.0, 0.015625]],
            },
        },
    }
    assert found.counts[("s.fcs", ("T cells ", "hi"))] == 4
    assert found.ids[("s.fcs", ("T cells ", "hi"))] == "T cells / hi"
    assert Strategy.loads(found.strategy.to_yaml()).data == found.strategy.data
    assert Strategy.from_wsp(path).data == found.strategy.data


def test_every_kind_of_gate_counts_as_numpy_does(tmp_path):
    path = one(
        tmp_path,
        wsp.population(
            "P",
            SQUARE,
            wsp.population("out", wsp.polygon("A", "B", [(200, 200), (300, 200), (300, 300), (200, 300)], inside=0)),
            wsp.population("R", wsp.rectangle(A=(None, 300), B=(150, 1e9))),
            wsp.population("R out", wsp.rectangle(inside=0, A=(None, 300), B=(150, 1e9))),
            wsp.combined("NotNode", "not R", "P/R", gate=wsp.rectangle(A=(0, 1))),
            wsp.combined("AndNode", "and", "P/R", "E"),
            wsp.combined("AndNode", "and one", "E"),
            wsp.combined("OrNode", "or twice", "E", "E"),
        ),
        wsp.population(
            "E",
            wsp.ellipse("A", "B", [(80, 80), (80, 140)], [(80, 160), (80, 60), (40, 110), (120, 110)]),
            wsp.combined("OrNode", "or", "P/R", "F"),
        ),
        wsp.population("F", wsp.rectangle(A=(400, None))),
        axes=[wsp.linear("A", 0, 1024), wsp.linear("B", 0, 1024)],
    )
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 1000, 5000).astype(float), rng.integers(0, 1000, 5000).astype(float)
    square = (a >= 100) & (a <= 600) & (b >= 100) & (b <= 600)
    out = square & ~((a >= 200) & (a <= 300) & (b >= 200) & (b <= 300))
    rect = square & (a < 300) & (b >= 150)
    ellipse = ((a / 4 - 80) / 40) ** 2 + ((b / 4 - 110) / 50) ** 2 <= 1
    expected = {
        "P": square,
        "P/out": out,
        "P/R": rect,
        "P/R out": square & ~rect,
        "P/not R": square & ~rect,
        "P/and": rect & ellipse,
        "P/and one": square & ellipse,
        "P/or twice": square & ellipse,
        "E": ellipse,
        "E/or": ellipse & (rect | (a >= 400)),
        "F": a >= 400,
    }
    found = counts(import_workspace(path), Sample.from_columns("s.fcs", {"A": a, "B": b}))
    assert found == {name: int(mask.sum()) for name, mask in expected.items()}
    assert len(set(found.values())) == len(expected) - 2  # all but those that mean the same


def test_the_grid_of_1024_bins_is_finer_than_that_of_256(tmp_path):
    corners = [(100.4, 100.4), (200.4, 100.4), (200.4, 200.4), (100.4, 200.4)]
    path = one(
        tmp_path,
        wsp.population("256", wsp.polygon("A", "B", corners)),
        wsp.population("1024", wsp.polygon("A", "B", corners, bins=1024)),
        axes=[wsp.linear("A", 0, 1024), wsp.linear("B", 0, 1024)],
    )
    a = np.arange(90, 210, 0.25)
    sample = Sample.from_columns("s.fcs", {"A": a, "B": np.full(a.size, 150.0)})
    imported = import_workspace(path)
    for name, width in (("256", 4), ("1024", 1)):
        bins = np.floor(a / width + 0.5)
        low, high = np.floor(100.4 / width + 0.5), np.floor(200.4 / width + 0.5)
        assert counts(imported, sample, mode="flowjo")[name] == int(((bins >= low) & (bins <= high)).sum())
    assert counts(imported, sample)["256"] == int(((a >= 100.4) & (a <= 200.4)).sum())


def test_on_the_grid_an_edge_at_the_end_of_a_biexponential_axis_is_open(tmp_path):
    path = one(
        tmp_path,
        wsp.population("P", wsp.rectangle(A=(1000, 262144), B=(0, 10))),
        axes=[wsp.biex("A", top=26214.4, pos=3.418539922), wsp.linear("B")],
    )
    sample = Sample.from_columns("s.fcs", {"A": np.array([10.0, 2000.0, 1e6]), "B": np.ones(3)})
    imported = import_workspace(path)
    assert counts(imported, sample) == {"P": 1}
    assert counts(imported, sample, mode="flowjo") == {"P": 2}


def test_time_is_compared_in_the_units_of_its_axis(tmp_path):
    path = one(
        tmp_path,
        wsp.population("late", wsp.rectangle(Time=(10, 20))),
        channels={"Time": ""},
        axes=[wsp.linear("Time", 0, 72, gain=0.01)],
    )
    sample = Sample.from_columns("s.fcs", {"Time": np.array([999.0, 1000.0, 1500.0, 1999.0, 2000.0])})
    assert counts(import_workspace(path), sample) == {"late": 3}


def test_names_are_free_text_and_repeats_survive(tmp_path):
    path = one(
        tmp_path,
        wsp.population("a/b , c ", SQUARE, wsp.population("x", SQUARE)),
        wsp.population("d", SQUARE, wsp.population("x", wsp.rectangle(A=(0, 300)))),
        wsp.population("twin", SQUARE, count=1),
        wsp.population("twin", wsp.rectangle(A=(0, 500)), wsp.population("child", SQUARE), count=2),
        wsp.population("root", SQUARE),
        wsp.population("  ", SQUARE),
        wsp.combined("NotNode", "rest", "a/b , c /x"),
    )
    found = import_workspace(path)
    assert found.left_out == ()
    assert {"|".join(where): gate for (_, where), gate in found.ids.items()} == {
        "a/b , c ": "a/b , c",
        "a/b , c |x": "a/b , c / x",
        "d": "d",
        "d|x": "d / x",
        "twin": "twin",
        "twin (2)": "twin (2)",
        "twin (2)|child": "child",
        "root": "root (population)",
        "  ": "(population)",
        "rest": "rest",
    }
    gates = found.strategy.data["gates"]
    assert gates["rest"] == {"not": "a/b , c / x"}
    assert gates["child"]["in"] == "twin (2)"
    assert (gates["twin (2)"]["name"], gates["root (population)"]["name"]) == ("twin", "root")
    assert [found.counts["s.fcs", (name,)] for name in ("twin", "twin (2)")] == [1, 2]


# -------------------------------------------------------------------------------------------------------- left out


def test_what_cannot_be_taken_over_is_an_error_that_lists_it(tmp_path):
    path = one(
        tmp_path, wsp.population("P", SQUARE, wsp.population("Q", wsp.curly("A", "B"), wsp.population("R", SQUARE)))
    )
    with pytest.raises(InteropError) as error:
        import_workspace(path)
    lines = path.read_text(encoding="utf-8").splitlines()
    curly = 1 + next(n for n, line in enumerate(lines) if "CurlyQuad" in line)
    below = 1 + next(n for n, line in enumerate(lines) if 'name="R"' in line)
    assert error.value.code == "E_LEFT_OUT"
    assert str(error.value) == (
        "w.wsp: cannot be taken over whole (3 populations, 2 left out)\n"
        f"  line {curly}: s.fcs: P/Q: a curly quadrant (CurlyQuad); how FlowJo bends its borders is not known\n"
        f"  line {below}: s.fcs: P/Q/R: needs P/Q, which is left out\n"
        "  remedy     partial=True (--partial) takes over the rest and lists these"
    )
    found = import_workspace(path, partial=True)
    assert list(found.strategy.spec.gates) == ["P"]
    assert found.left_out[1] == LeftOut("s.fcs", "P/Q/R", "needs P/Q, which is left out", below)
    assert found.counts[("s.fcs", ("P", "Q", "R"))] == 10
    assert ("s.fcs", ("P", "Q")) not in found.ids


def test_a_long_list_is_shortened_and_nothing_at_all_is_an_error_even_in_part(tmp_path):
    path = one(tmp_path, *(wsp.population(f"P{n}", wsp.curly("A", "B")) for n in range(12)))
    for partial in (False, True):
        with pytest.raises(InteropError) as error:
            import_workspace(path, partial=partial)
        assert error.value.code == "E_LEFT_OUT"
        lines = str(error.value).splitlines()
        assert lines[0] == "w.wsp: cannot be taken over whole (12 populations, 12 left out)"
        assert lines[10].endswith("s.fcs: P9: a curly quadrant (CurlyQuad); how FlowJo bends its borders is not known")
        assert lines[11:] == ["  and 2 more"]


def test_axes_that_are_not_understood_cost_their_gates_and_no_others(tmp_path):
    path = one(
        tmp_path,
        wsp.population("kept", wsp.rectangle(A=(0, 1))),
        wsp.population("strange", wsp.rectangle(B=(0, 1)), wsp.population("below", wsp.rectangle(A=(0, 1)))),
        wsp.population("no axis", wsp.rectangle(A=(0, 1), C=(0, 1))),
        wsp.population("derived", wsp.rectangle(Kaluza=(0, 1))),
        wsp.combined("NotNode", "not strange", "strange"),
        channels={"A": "", "B": "", "C": ""},
        axes=[wsp.linear("A"), wsp.unknown_axis("B", "hyperlog"), wsp.linear("Kaluza")],
    )
    assert left_out(path) == [
        ("strange", "axis B: a scale of the kind 'hyperlog', which is not documented"),
        ("strange/below", "needs strange, which is left out"),
        ("no axis", "no scale (transformation) is given for C"),
        ("derived", "Kaluza is no channel of the sample's file; a derived parameter?"),
        ("not strange", "needs strange, which is left out"),
    ]


def test_derived_and_compensated_parameters_behind_the_files_own_are_no_channels(tmp_path):
    extra = {"$P3N": "Ratio", "$P4N": "Comp-A"}
    path = one(
        tmp_path,
        wsp.population("kept", SQUARE),
        wsp.population("ratio", wsp.rectangle(Ratio=(0, 1))),
        wsp.population("comp", wsp.rectangle(**{"Comp-A": (0, 1)})),
        axes=[*LINEAR, wsp.linear("Ratio"), wsp.linear("Comp-A")],
        extra=extra,
    )
    assert left_out(path) == [
        ("ratio", "Ratio is no channel of the sample's file; a derived parameter?"),
        ("comp", "Comp-A is no channel of the sample's file; a derived parameter?"),
    ]


def test_boolean_populations_that_cannot_be_resolved(tmp_path):
    path = one(
        tmp_path,
        wsp.population("new name", SQUARE, wsp.population("X", SQUARE)),
        wsp.population("twin", SQUARE),
        wsp.population("twin", SQUARE),
        wsp.combined("OrNode", "renamed", "new name/X", "old name/X", children=[wsp.population("on", SQUARE)]),
        wsp.combined("AndNode", "which", "twin"),
        wsp.combined("NotNode", "nothing", gate=SQUARE),
        wsp.combined("NotNode", "two", "twin", "new name"),
        wsp.combined("NotNode", "itself", "itself"),
        wsp.combined("NotNode", "ping", "pong"),
        wsp.combined("OrNode", "pong", "new name", "ping"),
        wsp.combined("AndNode", "bystander", "pong"),
        wsp.combined("OrNode", "own child", "own child/child", children=[wsp.population("child", SQUARE)]),
        wsp.combined("AndNode", "needs renamed", "renamed", "new name"),
    )
    assert left_out(path) == [
        ("renamed", "depends on 'old name/X', and no population is called so"),
        ("renamed/on", "needs renamed, which is left out"),
        ("which", "depends on 'twin', and 2 populations are called so"),
        ("nothing", "names no population"),
        ("two", "is the complement of 2 populations"),
        ("itself", "depends on itself: itself -> itself"),
        ("ping", "depends on itself: ping -> pong -> ping"),
        ("pong", "depends on itself: pong -> ping -> pong"),
        ("bystander", "needs pong, which is left out"),
        ("own child", "depends on itself: own child -> own child/child -> own child"),
        ("own child/child", "depends on itself: own child/child -> own child -> own child/child"),
        ("needs renamed", "needs renamed, which is left out"),
    ]


def test_coordinates_that_make_no_gate_of_ours_are_left_out(tmp_path):
    path = one(
        tmp_path,
        wsp.population("P", SQUARE),
        wsp.population("huge", wsp.polygon("A", "B", [(1, "1e308"), (1, "-1e308"), ("1e308", 5)])),
        wsp.population("point", wsp.polygon("A", "B", [(1, 1), (1, 1), (1, 1)])),
        wsp.population("nothing", wsp.rectangle(A=(1, 1))),
        wsp.population("everything", wsp.rectangle(A=(None, None))),
        wsp.population("half", wsp.rectangle(A=(None, None), B=(1, None))),
    )
    assert left_out(path) == [
        ("huge", "the points are too far apart on A"),
        ("point", "1 point makes no polygon"),
        ("nothing", "A: no value is at least 1.0 and below 1.0"),
        ("everything", "A has neither min nor max"),
    ]
    assert import_workspace(path, partial=True).strategy.data["gates"]["half"] == {"rectangle": {"B": [1.0, None]}}


def test_parts_of_the_workspace_that_could_not_be_read_count_as_left_out(tmp_path):
    path = written(
        tmp_path,
        "<Sample></Sample>\n",
        wsp.sample("s.fcs", wsp.population("P", SQUARE, count="many"), channels=AB, axes=LINEAR),
    )
    with pytest.raises(InteropError) as error:
        import_workspace(path)
    assert str(error.value).splitlines()[:3] == [
        "w.wsp: cannot be taken over whole (1 population, 2 left out)",
        "  line 6: a sample without SampleNode",
        "  line 23: s.fcs: P: its stored count: count of Population is no number: 'many'",
    ]
    assert import_workspace(path, partial=True).counts == {("s.fcs", ("P",)): -1}
    of_sample = import_workspace(path, samples=["s.fcs"], partial=True).left_out
    assert [each.reason for each in of_sample] == ["its stored count: count of Population is no number: 'many'"]


def test_samples_that_are_not_there_or_not_gated(tmp_path):
    gated = wsp.sample("s.fcs", wsp.population("P", SQUARE), channels=AB, axes=LINEAR)
    path = written(tmp_path, gated, wsp.sample("bare.fcs", channels=AB, axes=LINEAR, number=2))
    with pytest.raises(InteropError) as error:
        import_workspace(path, samples=["S.fcs"])
    assert error.value.code == "E_WSP"
    assert str(error.value) == ("w.wsp: no sample 'S.fcs'; did you mean 's.fcs'?\n  available  s.fcs, bare.fcs")
    with pytest.raises(InteropError) as error:
        import_workspace(path, samples=["bare.fcs"])
    assert str(error.value) == ("w.wsp: no sample has a population\n  expected   gated samples\n  available  bare.fcs")
    assert import_workspace(path).strategy.overrides == ()
    asked = import_workspace(path, samples=["s.fcs", "bare.fcs"])
    assert [(rule.target, rule.gate, rule.absent) for rule in asked.strategy.overrides] == [("bare.fcs", "P", True)]


# ------------------------------------------------------------------------------------------------------ compensation


def test_compensated_and_bare_axes_of_one_detector(tmp_path):
    path = one(
        tmp_path,
        wsp.population("comp", wsp.rectangle(**{"Comp-A": (100, None), "S": (0, 900)})),
        wsp.population("bare", wsp.rectangle(A=(100, None))),
        channels={"A": "CD4", "B": "CD8", "S": ""},
        axes=[wsp.linear("Comp-A"), *LINEAR, wsp.linear("S")],
        matrix=wsp.spillover(SPILL),
    )
    imported = import_workspace(path)
    data = imported.strategy.data
    assert data["compensation"] == "mine"
    assert data["matrices"] == {"mine": {"detectors": ["A", "B"], "matrix": [[1.0, 0.25], [0.5, 1.0]]}}
    assert data["dimensions"] == {
        "A": {"channel": "A", "compensation": "none"},
        "CD4": {"channel": "A"},
        "S": {"channel": "S"},
    }
    rng = np.random.default_rng(2)
    a, b, s = rng.uniform(0, 1000, (3, 2000))
    inverse = np.linalg.inv([[1.0, 0.25], [0.5, 1.0]])
    compensated = a * inverse[0, 0] + b * inverse[1, 0]
    assert counts(imported, Sample.from_columns("s.fcs", {"A": a, "B": b, "S": s})) == {
        "comp": int(((compensated >= 100) & (s < 900)).sum()),
        "bare": int((a >= 100).sum()),
    }


def test_an_axis_described_without_its_prefix_serves_for_the_compensated_one(tmp_path):
    path = one(tmp_path, wsp.population("P", wsp.rectangle(**{"Comp-A": (1, 2)})), matrix=wsp.spillover(SPILL))
    assert import_workspace(path).strategy.data["scales"] == {"Comp-A": {"flowjo_linear": {"min": 0.0, "max": 1000.0}}}


def test_stored_compensated_values_are_taken_as_they_are(tmp_path):
    path = one(
        tmp_path,
        wsp.population("P", wsp.rectangle(**{"FJComp-A": (1, 2)})),
        channels={"FJComp-A": ""},
        axes=[wsp.biex("FJComp-A")],
    )
    data = import_workspace(path).strategy.data
    assert (data["compensation"], data["dimensions"]) == ("none", {"FJComp-A": {"channel": "FJComp-A"}})


@pytest.mark.parametrize("name", ["none", "fcs:SPILL", "FCS"])
def test_a_matrix_with_a_name_that_means_something_else_gets_another(tmp_path, name):
    path = one(
        tmp_path, wsp.population("P", wsp.rectangle(**{"Comp-A": (1, 2)})), matrix=wsp.spillover(SPILL, name=name)
    )
    data = import_workspace(path).strategy.data
    assert data["compensation"] == f"matrix {name}"
    assert list(data["matrices"]) == [f"matrix {name}"]


def test_a_spectral_matrix_makes_axes_of_its_dyes(tmp_path):
    rows = {"FITC": {"A": 1, "B": 0.5, "C": 0.1}, "PE": {"A": 0.1, "B": 1, "C": 0.4}}
    path = one(
        tmp_path,
        wsp.population("P", wsp.rectangle(**{"Comp-PE": (100, None), "A": (None, 800)})),
        channels={"A": "", "B": "", "C": ""},
        axes=[wsp.linear("Comp-PE"), wsp.linear("A")],
        matrix=wsp.spillover(rows, more='spectral="1" weightOptAlgorithmType="OLS"'),
    )
    imported = import_workspace(path)
    assert imported.strategy.data["dimensions"] == {
        "A": {"channel": "A", "compensation": "none"},
        "Comp-PE": {"dye": "PE", "compensation": "mine"},
    }
    values = np.random.default_rng(3).uniform(0, 1000, (500, 3))
    matrix = np.array([list(row.values()) for row in rows.values()])
    pe = (values @ np.linalg.pinv(matrix))[:, 1]
    sample = Sample.from_columns("s.fcs", dict(zip("ABC", values.T, strict=True)))
    assert counts(imported, sample) == {"P": int(((pe >= 100) & (values[:, 0] < 800)).sum())}


def test_a_matrix_that_cannot_be_used_costs_the_compensated_gates_only(tmp_path):
    spectral = wsp.spillover(SPILL, more='spectral="1" weightOptAlgorithmType="WLS"')
    populations = [
        wsp.population("bare", SQUARE),
        wsp.population("comp", wsp.rectangle(**{"Comp-A": (1, 2)})),
    ]
    axes = [*LINEAR, wsp.linear("Comp-A")]
    reason = (
        "spillover matrix: spectral unmixing by the method 'WLS'; only ordinary least squares (OLS) can be repeated"
    )
    assert left_out(one(tmp_path, *populations, axes=axes, matrix=spectral)) == [("comp", reason)]
    lacking = wsp.spillover({"A": {"A": 1, "Z": 0}, "Z": {"A": 0, "Z": 1}})
    assert left_out(one(tmp_path, *populations, axes=axes, matrix=lacking)) == [
        ("comp", "the matrix names Z, which is no channel of the sample's file")
    ]


# ------------------------------------------------------------------------------------------------------ many samples


def test_a_template_and_the_departures_of_each_sample(tmp_path):
    def tree(x: int, *more: str) -> str:
        moved = wsp.polygon("A", "B", [(x, 100), (600, 100), (600, 600)])
        return wsp.population("T", SQUARE, wsp.population("Treg", moved, owner="Patients" if x == 7 else ""), *more)

    extra = wsp.population("extra", wsp.rectangle(A=(1, 2)))
    path = written(
        tmp_path,
        wsp.sample("1.fcs", tree(5), channels=AB, axes=LINEAR, number=1),
        wsp.sample("2.fcs", tree(5), channels=AB, axes=LINEAR, number=2),
        wsp.sample("3.fcs", tree(7, extra), channels=AB, axes=[wsp.biex("A"), wsp.linear("B")], number=3),
        wsp.sample("4.fcs", wsp.population("T", wsp.rectangle(A=(3, 4))), channels=AB, axes=LINEAR, number=4),
        groups={"Patients": [1, 2, 3]},
    )
    found = import_workspace(path)
    assert list(found.strategy.spec.gates) == ["T", "Treg", "extra"]
    assert found.strategy.data["gates"]["Treg"]["points"][0] == [5.0, 100.0]
    told = [(r.id, r.target, r.gate, dict(r.set), r.absent, r.by, r.at, r.why) for r in found.strategy.overrides]
    head = ("FlowJo", "2020-04-28", "imported")
    assert told == [
        ("1.fcs 1", "1.fcs", "extra", {}, True, *head),
        ("2.fcs 1", "2.fcs", "extra", {}, True, *head),
        (
            "3.fcs 1",
            "3.fcs",
            None,
            {"scales": {"A": {"biex": {"neg": 0.0, "width": -10.0, "pos": 4.418539922, "max": 262144.0}}}},
            False,
            *head,
        ),
        (
            "3.fcs 2",
            "3.fcs",
            "Treg",
            {"points": [[7.0, 100.0], [600.0, 100.0], [600.0, 600.0]]},
            False,
            "FlowJo",
            "2020-04-28",
            "imported; as drawn for group Patients",
        ),
        ("4.fcs 1", "4.fcs", "T", {"polygon": None, "points": None, "rectangle": {"A": [3.0, 4.0]}}, False, *head),
        ("4.fcs 2", "4.fcs", "Treg", {}, True, *head),
        ("4.fcs 3", "4.fcs", "extra", {}, True, *head),
    ]
    assert assert_each_sample_keeps_its_own(path) == 8


def test_samples_that_differ_in_everything_keep_their_own(tmp_path):
    comp = wsp.rectangle(**{"Comp-A": (10, None)})
    other = wsp.spillover({"A": {"A": 1, "B": 0.5}, "B": {"A": 0, "B": 1}})
    axes = [*LINEAR, wsp.linear("Comp-A"), wsp.linear("Time", gain=0.5)]
    late = wsp.population("late", wsp.rectangle(Time=(1, 9)))
    channels = {"A": "CD4", "B": "CD8", "Time": ""}
    more = {"channels": channels, "axes": axes}
    path = written(
        tmp_path,
        wsp.sample("1.fcs", wsp.population("P", comp, late), matrix=wsp.spillover(SPILL), number=1, **more),
        wsp.sample("2.fcs", wsp.population("P", comp, late), matrix=other, number=2, **more),
        wsp.sample("3.fcs", wsp.population("P", wsp.rectangle(A=(10, None)), late), number=3, **more),
        wsp.sample(
            "4.fcs",
            wsp.population("P", comp, late),
            number=4,
            channels={"Comp-A": "CD4", "Time": ""},
            axes=[wsp.linear("Comp-A"), wsp.linear("Time", gain=0.25)],
        ),
        wsp.sample("5.fcs", wsp.population("P", wsp.curly("A", "B")), number=5, **more),
        wsp.sample("6.fcs", wsp.combined("NotNode", "P", "Q"), wsp.population("Q", SQUARE), number=6, **more),
    )
    assert assert_each_sample_keeps_its_own(path, lost=("5.fcs",)) == 10
    found = import_workspace(path, partial=True)
    assert list(found.strategy.data["matrices"]) == ["mine", "mine (2)"]
    assert found.strategy.data["compensation"] == "none"
    tops = {rule.target: dict(rule.set) for rule in found.strategy.overrides if rule.gate is None}
    assert tops == {
        "1.fcs": {"compensation": "mine"},
        "2.fcs": {"compensation": "mine (2)"},
        "4.fcs": {
            "dimensions": {"Comp-A": {"channel": "Comp-A"}, "Time": {"channel": "Time", "gain": 0.25}},
        },
    }
    absent = {(rule.target, rule.gate) for rule in found.strategy.overrides if rule.absent}
    assert {("5.fcs", "P"), ("5.fcs", "Q"), ("5.fcs", "late"), ("6.fcs", "late"), ("1.fcs", "Q")} <= absent


def test_samples_of_one_name_have_overrides_of_their_own(tmp_path):
    path = written(
        tmp_path,
        wsp.sample("s.fcs", wsp.population("P", wsp.rectangle(A=(1, 2))), channels=AB, axes=LINEAR, count=10, number=1),
        wsp.sample("s.fcs", wsp.population("P", wsp.rectangle(A=(1, 3))), channels=AB, axes=LINEAR, count=20, number=2),
    )
    found = import_workspace(path)
    assert {rule.target for rule in found.strategy.overrides} == {"s.fcs (20 events)"}
    assert set(found.ids) == {("s.fcs (10 events)", ("P",)), ("s.fcs (20 events)", ("P",))}
    assert assert_each_sample_keeps_its_own(path) == 2


# ------------------------------------------------------------------------------------------------------ names of axes


def names_of(tmp_path: Path, *channels: dict[str, str], matrix: str = "", gates: str = "") -> dict[str, str]:
    """Return axis -> channel for samples with these channels, each with a gate on the first two of the first."""
    x, y = list(channels[0])[:2]
    gate = gates or wsp.rectangle(**{x: (0, 1), y: (0, 1)})
    path = written(
        tmp_path,
        *(
            wsp.sample(f"{n}.fcs", wsp.population("P", gate), channels=each, axes=LINEAR, number=n, matrix=matrix)
            for n, each in enumerate(channels)
        ),
    )
    data = import_workspace(path).strategy.data
    return {name: entry["channel"] for name, entry in data["dimensions"].items()}


def test_an_axis_is_called_by_its_marker_where_all_samples_agree(tmp_path):
    assert names_of(tmp_path, {"A": "CD4", "B": "CD8"}, {"B": "CD8", "A": "CD4"}) == {"CD4": "A", "CD8": "B"}


@pytest.mark.parametrize(
    "channels",
    [
        ({"A": "CD4", "B": ""}, {"A": "CD3", "B": ""}),  # samples differ
        ({"A": "CD4", "B": ""}, {"A": "", "B": ""}),  # one is silent
        ({"A": "CD4", "B": "cd 4"},),  # two channels share it
        ({"A": "CD4", "B": "", "C": "CD4"},),  # a third has it as well
        ({"A": "CD4", "B": ""}, {"A": "CD4", "B": "", "C": "CD4"}),  # in another sample
        ({"A": "b", "B": ""},),  # it is another channel's name
        ({"A": "A", "B": ""},),  # it is its own
        ({"A": "CD4", "B": "CD8"}, {"A": "CD8", "B": "CD4"}),  # swapped
    ],
)
def test_else_by_its_channel(tmp_path, channels):
    assert names_of(tmp_path, *channels) == {"A": "A", "B": "B"}


def test_the_height_of_a_pulse_may_carry_the_same_marker_as_its_area(tmp_path):
    axes = {"V1-A": "CD4", "V1-H": "CD4"}
    path = written(
        tmp_path,
        wsp.sample(
            "s.fcs", wsp.population("P", wsp.rectangle(**{"V1-A": (0, 1)})), channels=axes, axes=[wsp.linear("V1-A")]
        ),
    )
    assert import_workspace(path).strategy.data["dimensions"] == {"CD4": {"channel": "V1-A"}}


def test_axes_that_differ_only_in_case_keep_names_of_their_own(tmp_path):
    axes = {"fl1": "", "FL1": ""}
    path = written(
        tmp_path,
        wsp.sample(
            "s.fcs",
            wsp.population("P", wsp.rectangle(fl1=(0, 1), FL1=(0, 1))),
            channels=axes,
            axes=[wsp.linear("fl1"), wsp.linear("FL1")],
        ),
    )
    assert import_workspace(path).strategy.data["dimensions"] == {
        "FL1": {"channel": "FL1"},
        "fl1 (2)": {"channel": "fl1"},
    }


# ------------------------------------------------------------------------------------------------- workspaces of others

TAKEN_OVER = {
    "flowatlas/a/flowatlas_a.wsp": (767, 0),
    "flowatlas/b/flowatlas_b.wsp": (323, 0),
    "flowatlas/flowatlas_140119_TplusB_VR.wsp": (31, 4),
    "flowatlas/flowatlas_test_curlyquad_ellipse.wsp": (10, 6),
    "flowjo_simple/8_color_ICS.wsp": (42, 0),
    "flowjo_simple/8_color_ICS_boolean_gate_testing.wsp": (60, 0),
    "flowjo_simple/8_color_ICS_simple.wsp": (12, 0),
    "flowjo_simple/8_color_ICS_with_ellipse.wsp": (45, 0),
    "flowjo_simple/reused_quad_gate_with_child.wsp": (13, 0),
}


@pytest.mark.parametrize("file", TAKEN_OVER)
def test_real_workspaces_keep_every_gate_of_every_sample(data_dir, file):
    kept, lost = TAKEN_OVER[file]
    found = import_workspace(data_dir / file, partial=bool(lost))
    assert (len(found.ids), len(found.left_out)) == (kept, lost)
    assert assert_each_sample_keeps_its_own(data_dir / file) == kept


def test_curly_quadrants_and_populations_of_a_renamed_parent_are_named(data_dir):
    found = import_workspace(data_dir / "flowatlas/flowatlas_test_curlyquad_ellipse.wsp", partial=True)
    assert [(each.population.rsplit("/", 1)[1], each.reason.split(";")[0], each.line) for each in found.left_out] == [
        ("Q1: curly quad", "a curly quadrant (CurlyQuad)", 1603),
        ("Q2: curly quad", "a curly quadrant (CurlyQuad)", 1627),
        ("Q3: curly quad", "a curly quadrant (CurlyQuad)", 1651),
        ("Q4: curly quad", "a curly quadrant (CurlyQuad)", 1675),
        (
            "Union Or gate CM+ or EM+ or EMRA+",
            "depends on 'Q3: CD4+ , CD8-/CM', and no population is called so",
            1859,
        ),
        (
            "Not gate CM+ or EM+ or EMRA+-",
            "depends on 'Q3: CD4+ , CD8-/Union Or gate CM+ or EM+ or EMRA+', and no population is called so",
            1878,
        ),
    ]


def compared(data_dir: Path, workspace: str, mode: str) -> list[tuple[int, int]]:
    """Return FlowJo's count and ours of every population that FlowJo counted and whose sample has its file."""
    path = data_dir / workspace
    imported = import_workspace(path)
    pairs = []
    for sample, file in match_files(parse_workspace(path), path.parent).pairs:
        ours = counts(imported, read_fcs(file), sample.key, mode=mode)
        for (key, where), flowjo in imported.counts.items():
            if key == sample.key and flowjo >= 0:
                pairs.append((flowjo, ours["/".join(where)]))
    return pairs


def figures(pairs: list[tuple[int, int]]) -> tuple[int, int, int, int]:
    """Return how many are equal, of how many, the sum of the differences and the greatest."""
    differences = [abs(flowjo - ours) for flowjo, ours in pairs]
    return differences.count(0), len(pairs), sum(differences), max(differences)


@pytest.mark.parametrize(
    ("letter", "exact", "grid"),
    [("a", (80, 186, 647, 64), (186, 186, 0, 0)), ("b", (39, 95, 1539, 125), (95, 95, 0, 0))],
)
def test_flowjos_own_counts_of_the_flowatlas(data_dir, letter, exact, grid):
    workspace = f"flowatlas/{letter}/flowatlas_{letter}.wsp"
    assert figures(compared(data_dir, workspace, "exact")) == exact
    assert figures(compared(data_dir, workspace, "flowjo")) == grid
    with (data_dir / "flowatlas" / letter / "flowjo_counts.csv").open(encoding="utf-8") as file:
        listed = sorted(int(row["flowjo_count"]) for row in csv.DictReader(file) if row["path"] != "root")
    assert sorted(flowjo for flowjo, _ in compared(data_dir, workspace, "flowjo")) == listed


def test_flowjos_own_counts_of_the_simple_workspaces(data_dir):
    names = [path.name for path in sorted((data_dir / "flowjo_simple").glob("*.wsp"))]
    exact = [pair for name in names for pair in compared(data_dir, f"flowjo_simple/{name}", "exact")]
    grid = [pair for name in names for pair in compared(data_dir, f"flowjo_simple/{name}", "flowjo")]
    assert figures(exact) == (9, 10, 50, 50)
    assert figures(grid) == (10, 10, 0, 0)


# ---------------------------------------------------------------------------------------------------------- breakages


def everything() -> str:
    """Return a workspace with something of every sort."""
    comp = wsp.rectangle(**{"Comp-A": (10, None), "Time": (1, 9)})
    foci, edge = [(80, 80), (80, 140)], [(80, 160), (80, 60), (40, 110), (120, 110)]
    return wsp.workspace(
        wsp.sample(
            "s.fcs",
            wsp.population(
                "P",
                SQUARE,
                wsp.population("Q", comp, count=4),
                wsp.population("E", wsp.ellipse("A", "B", foci, edge)),
                wsp.combined("NotNode", "not", "P/Q"),
                wsp.combined("OrNode", "or", "P/Q", "P/E"),
            ),
            channels={"A": "CD4", "B": "CD8", "Time": ""},
            axes=[wsp.biex("A"), wsp.log("B"), wsp.logicle("Comp-A"), wsp.linear("Time", gain=0.5)],
            matrix=wsp.spillover(SPILL),
        ),
        wsp.sample(
            "t.fcs", wsp.population("P", SQUARE), channels=AB, axes=[wsp.fasinh("A"), wsp.fasinh("B")], number=2
        ),
        groups={"All": [1, 2]},
    )


IDLE = {f" {each}" for each in f"{wsp.HEAD} {wsp.FLAGS}".split()}
ATTRIBUTES = [found.span() for found in re.finditer(r' [\w:-]+="[^"]*"', everything()) if found[0] not in IDLE]


@pytest.mark.parametrize("new", [None, "", "1e999", "A"])
def test_whatever_attribute_is_broken_the_rest_is_taken_over_or_refused_in_words(tmp_path, new):
    whole = everything()
    outcomes = Counter()
    for start, end in ATTRIBUTES:
        name = whole[start:end].split("=")[0]
        changed = "" if new is None else f'{name}="{new}"'
        path = wsp.write(tmp_path, whole[:start] + changed + whole[end:])
        try:
            found = import_workspace(path, partial=True)
        except InteropError as error:
            outcomes[error.code] += 1
        else:
            outcomes["left out" if found.left_out else "taken over"] += 1
            assert set(found.ids.values()) == set(found.strategy.spec.gates)
    assert outcomes["taken over"] < sum(outcomes.values()) > 120
    assert outcomes["left out"] > 10


def test_whatever_element_is_missing_the_rest_is_taken_over_or_refused_in_words(tmp_path):
    whole = everything().encode()
    n_elements = sum(1 for _ in parse_xml_bytes(whole, file="w.wsp").iter())
    codes = Counter()
    for place in range(1, n_elements):
        root = parse_xml_bytes(whole, file="w.wsp")
        doomed = list(root.iter())[place]
        doomed.getparent().remove(doomed)
        path = tmp_path / "w.wsp"
        path.write_bytes(to_bytes(root))
        try:
            import_workspace(path, partial=True)
        except InteropError as error:
            codes[error.code] += 1
        else:
            codes["taken over"] += 1
    assert codes["taken over"] > 100
    assert set(codes) == {"taken over", "E_WSP"}
