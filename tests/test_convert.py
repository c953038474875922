"""Gates from one format into another, by their suffixes, in Python and at the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests import builders_gatingml as gml
from tests import builders_study
from tests import builders_wsp as wsp
from tests.builders_study import override, rows, tiny_study
from typer.testing import CliRunner

import tregflow as tf
from tregflow.cli import app
from tregflow.convert import convert
from tregflow.errors import InteropError
from tregflow.fcs import Sample, read_fcs, write_fcs
from tregflow.interop.flowjo import import_workspace, parse_workspace
from tregflow.interop.left_out import LeftOut
from tregflow.strategy import Strategy

if TYPE_CHECKING:
    from pathlib import Path

STRATEGY = """\
tregflow: 1
name: s
compensation: none
gains: fcs
panel: {CD25: {pns: ["CD25"]}}
gates:
  A: {above: {CD25: 100}}
  B: {in: A, polygon: [CD25, SSC-A], points: [[100, 0], [5000, 0], [100, 5000]]}
"""
OVERRIDES = """\
tregflow: 1
overrides:
  - {id: one, when: {sample: s1.fcs}, gate: A, set: {above: {CD25: 1000}}, by: A, at: "2026-01-02", why: dim}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a strategy, its overrides, and two samples."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "s.yaml").write_text(STRATEGY, encoding="utf-8")
    (tmp_path / "in" / "overrides.yaml").write_text(OVERRIDES, encoding="utf-8")
    (tmp_path / "fcs").mkdir()
    rng = np.random.default_rng(3)
    for name in ("s1.fcs", "s2.fcs"):
        columns = {each: rng.lognormal(6, 1.5, 500).astype(np.float32) for each in ("B515-A", "SSC-A")}
        write_fcs(tmp_path / "fcs" / name, Sample.from_columns(name, columns, markers={"B515-A": "CD25"}))
    return tmp_path


def masks(strategy: Strategy, folder: Path) -> dict[tuple[str, str], list[bool]]:
    found = {}
    for name in ("s1.fcs", "s2.fcs"):
        gated = strategy.gate(read_fcs(folder / "fcs" / name), id=name)
        found |= {(name, gate): gated[gate].tolist() for gate in strategy.spec.gates}
    return found


@pytest.mark.parametrize("suffix", [".xml", ".gatingml", ".wsp", ".yml"])
def test_a_strategy_survives_every_format_with_its_overrides(folder: Path, suffix: str) -> None:
    there, back = folder / f"there{suffix}", folder / "back" / "s.yaml"
    back.parent.mkdir()
    convert(folder / "in" / "s.yaml", there, fcs=folder / "fcs")
    convert(there, back)
    mine = Strategy.load(folder / "in" / "s.yaml", overrides=folder / "in" / "overrides.yaml")
    again = Strategy.load(back, overrides=back.parent / "overrides.yaml")
    assert list(again.spec.gates) == ["A", "B"]
    assert masks(again, folder) == masks(mine, folder)
    assert masks(mine, folder)["s1.fcs", "A"].count(True) not in (0, 500)


def test_what_others_lose_is_returned(folder: Path) -> None:
    lost = convert(folder / "in" / "s.yaml", folder / "there.xml")
    assert lost == (
        LeftOut("s1.fcs", "A", "override one (sample s1.fcs): another reader sees the template"),
        LeftOut(
            "",
            "",
            "CD25: the panel finds its channel in each file; another reader looks for a channel of this name",
        ),
    )
    assert len(convert(folder / "in" / "s.yaml", folder / "there.xml", fcs=folder / "fcs", force=True)) == 1


def test_a_partial_conversion_lists_what_did_not_come(folder: Path) -> None:
    path = gml.write(folder, gml.rectangle("good"), gml.polygon("thin", [(1, 1)]))
    with pytest.raises(InteropError):
        convert(path, folder / "g.yaml")
    assert convert(path, folder / "g.yaml", partial=True) == (
        LeftOut("", "thin", "a polygon with 1 vertex (expected 3 or more)", 3),
    )
    assert list(Strategy.load(folder / "g.yaml").spec.gates) == ["good"]
    assert not (folder / "overrides.yaml").exists()


def said(call: Any, *args: Any, **options: Any) -> tuple[str, str]:
    with pytest.raises(InteropError) as caught:
        call(*args, **options)
    return caught.value.code, str(caught.value)


def test_refusals(folder: Path) -> None:
    source = folder / "in" / "s.yaml"
    known = "  available  .yaml, .yml, .xml, .gatingml, .wsp"
    assert said(convert, folder / "s.fcs", folder / "t.xml") == (
        "E_EXPORT",
        f"s.fcs: the suffix '.fcs' says no format\n{known}",
    )
    assert said(convert, source, folder / "t") == ("E_EXPORT", f"t: no suffix says the format\n{known}")
    assert said(convert, source, folder / "t.wsp") == (
        "E_EXPORT",
        "t.wsp: a workspace holds the gates of samples, and none is given\n"
        "  expected   a folder of FCS files\n"
        "  remedy     give fcs=DIR, on the command line --fcs DIR",
    )
    assert said(convert, source, folder / "t.wsp", fcs=folder / "in") == (
        "E_EXPORT",
        f"{folder / 'in'}: holds no FCS file\n  expected   FCS files, or a study",
    )


def test_nothing_is_written_over_unless_asked(folder: Path) -> None:
    source = folder / "in" / "s.yaml"
    remedy = "  remedy     choose another name or folder, or write over it with force=True, on the command line --force"
    there = folder / "there.xml"
    there.write_text("mine", encoding="utf-8")
    assert said(convert, source, there) == ("E_EXPORT", f"{there}: the file is there already\n{remedy}")
    assert there.read_text(encoding="utf-8") == "mine"
    convert(source, there, force=True)
    beside = folder / "overrides.yaml"
    beside.write_text("mine", encoding="utf-8")
    assert said(convert, there, folder / "t.yaml") == ("E_EXPORT", f"{beside}: the file is there already\n{remedy}")
    assert not (folder / "t.yaml").exists()


def test_the_samples_of_a_study_are_taken_by_their_ids(folder: Path) -> None:
    study = folder / "study"
    study.mkdir()
    for path in (folder / "fcs").iterdir():
        path.rename(study / path.name)
    (study / "study.yaml").write_text(
        "tregflow: 1\nname: T\nstrategy: s.yaml\ncompensation: none\nsamples: samples.csv\n", encoding="utf-8"
    )
    (study / "samples.csv").write_text("sample,file,batch\nP1,s1.fcs,B1\nP2,s2.fcs,B2\n", encoding="utf-8")
    by_id = OVERRIDES.replace("sample: s1.fcs", "sample: P1")
    for place in (study, folder / "in"):
        (place / "s.yaml").write_text(STRATEGY, encoding="utf-8")
        (place / "overrides.yaml").write_text(by_id, encoding="utf-8")
    convert(folder / "in" / "s.yaml", folder / "w.wsp", fcs=study)
    back = Strategy.from_wsp(folder / "w.wsp")
    counts = [int(back.gate(read_fcs(study / f"s{n}.fcs"), id=f"P{n}", batch=f"B{n}")["A"].sum()) for n in (1, 2)]
    mine = Strategy.load(folder / "in" / "s.yaml", overrides=folder / "in" / "overrides.yaml")
    assert counts == [int(mine.gate(read_fcs(study / f"s{n}.fcs"), id=f"P{n}")["A"].sum()) for n in (1, 2)]


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["convert", *map(str, arguments)])


def test_the_command_says_what_it_wrote_and_what_gets_lost(folder: Path) -> None:
    done = run(folder / "in" / "s.yaml", folder / "t.xml")
    assert (done.exit_code, done.stdout) == (
        0,
        f"written  {folder / 't.xml'}\n"
        "lost     s1.fcs: A: override one (sample s1.fcs): another reader sees the template\n"
        "lost     CD25: the panel finds its channel in each file; another reader looks for a channel of this name\n",
    )
    assert run(folder / "t.xml", folder / "t.yaml", "--quiet").stdout == ""
    assert Strategy.load(folder / "t.yaml").spec.name == "s"
    told = json.loads(run(folder / "in" / "s.yaml", folder / "t.xml", "--json", "--force").stdout)
    assert told["out"] == str(folder / "t.xml")
    assert told["left_out"][0] == {
        "sample": "s1.fcs",
        "population": "A",
        "reason": "override one (sample s1.fcs): another reader sees the template",
        "line": 0,
    }


def test_the_command_takes_part_of_a_file_and_says_so(folder: Path) -> None:
    path = gml.write(folder, gml.rectangle("good"), gml.polygon("thin", [(1, 1)]))
    done = run(path, folder / "g.yaml")
    assert (done.exit_code, done.stderr) == (
        1,
        "error: g.xml: thin: line 3: a polygon with 1 vertex\n"
        "  expected   3 or more\n"
        "  remedy     take over the rest with partial=True, on the command line --partial\n",
    )
    done = run(path, folder / "g.yaml", "--partial")
    assert done.stdout.splitlines()[1:] == ["lost     thin: a polygon with 1 vertex (expected 3 or more) (line 3)"]
    assert run(folder / "in" / "s.yaml", folder / "w.wsp", "--fcs", folder / "fcs", "-q").exit_code == 0


def test_a_workspace_for_a_study_has_the_ids_of_its_sample_sheet(tmp_path: Path) -> None:
    channels, axes = {"A": "", "B": ""}, [wsp.linear("A"), wsp.linear("B")]
    drawn = {"one.fcs": (0, 400), "two.fcs": (0, 500), "three.fcs": (0, 500)}
    samples = [
        wsp.sample(name, wsp.population("low", wsp.rectangle(A=ends)), channels=channels, axes=axes, number=n)
        for n, (name, ends) in enumerate(drawn.items(), 1)
    ]
    wsp.write(tmp_path, wsp.workspace(*samples))
    (tmp_path / "study").mkdir()
    sheet = "sample,file\nP1,fcs/one.fcs\nP9,fcs/nine.fcs\n"
    (tmp_path / "study" / "samples.csv").write_text(sheet, encoding="utf-8")
    lost = convert(tmp_path / "w.wsp", tmp_path / "study" / "treg.yaml", fcs=tmp_path / "study")
    assert [(each.sample, each.reason) for each in lost] == [
        ("three.fcs", "no such file: its gates are not kept"),
        ("two.fcs", "no such file: its gates are not kept"),
        ("P9", "no sample of the workspace has its file: the gates of the template hold for it"),
    ]
    taken = Strategy.load(tmp_path / "study" / "treg.yaml", overrides=tmp_path / "study" / "overrides.yaml")
    assert {rule.target for rule in taken.overrides} == {"P1"}
    bounds = {name: taken.applied(id=name).strategy.spec.gates["low"].rectangle for name in ("P1", "P9")}
    assert bounds == {"P1": {"A": (0.0, 400.0)}, "P9": {"A": (0.0, 500.0)}}


def test_a_workspace_for_a_folder_keeps_the_overrides_of_its_files(tmp_path: Path) -> None:
    channels, axes = {"A": ""}, [wsp.linear("A")]
    gates = [wsp.population("low", wsp.rectangle(A=(0, end))) for end in (400, 500, 500)]
    samples = [wsp.sample(f"{n}.fcs", gate, channels=channels, axes=axes, number=n) for n, gate in enumerate(gates, 1)]
    wsp.write(tmp_path, wsp.workspace(*samples))
    (tmp_path / "fcs").mkdir()
    for name in ("1.fcs", "2.FCS", "note.txt"):
        (tmp_path / "fcs" / name).touch()
    lost = convert(tmp_path / "w.wsp", tmp_path / "treg.yaml", fcs=tmp_path / "fcs")
    assert [each.sample for each in lost] == ["2.fcs", "3.fcs", "2.FCS"]
    assert {
        rule.target for rule in Strategy.load(tmp_path / "treg.yaml", overrides=tmp_path / "overrides.yaml").overrides
    } == {"1.fcs"}


def test_overrides_of_another_strategy_are_not_taken_for_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(STRATEGY, encoding="utf-8")
    convert(tmp_path / "a.yaml", tmp_path / "a.xml")
    (tmp_path / "b").mkdir()
    stranger = tmp_path / "b" / "overrides.yaml"
    stranger.write_text(OVERRIDES, encoding="utf-8")
    with pytest.raises(InteropError) as caught:
        convert(tmp_path / "a.xml", tmp_path / "b" / "a.yaml")
    assert str(caught.value) == (
        f"{stranger}: the file is there already\n"
        "  remedy     choose another name or folder, or write over it with force=True, on the command line --force"
    )
    assert stranger.read_text(encoding="utf-8") == OVERRIDES
    convert(tmp_path / "a.xml", tmp_path / "b" / "a.yaml", force=True)
    assert Strategy.load(tmp_path / "b" / "a.yaml", overrides=stranger).overrides == ()


MATRIX = "V655-A,B515-A,R670-A,G560-A\n1,0.2,0,0\n0,1,0,0\n0,0,1,0\n0,0,0,1\n"


@pytest.mark.parametrize("compensation", ["none", "m.csv"])
def test_a_workspace_of_a_study_counts_as_its_run(tmp_path: Path, compensation: str) -> None:
    """Its own compensation, its batches' FMO controls and its overrides are in the workspace."""
    text = f"{builders_study.STUDY}compensation: {compensation}\n"
    study = tiny_study(tmp_path / "study", study=text, overrides=override("sample: S1_D0"))
    (study / "m.csv").write_text(MATRIX, encoding="utf-8")
    assert convert(study / "tiny.yaml", tmp_path / "w.wsp", fcs=study) == ()
    ran = tf.run(study, out=tmp_path / "out")
    expected = {(row["sample"], row["population"]): int(row["count"]) for row in rows(ran.out / "populations.csv")}
    has_matrix = [each.matrix is not None for each in parse_workspace(tmp_path / "w.wsp").samples]
    assert has_matrix == [compensation != "none"] * 4
    imported = import_workspace(tmp_path / "w.wsp", stored=False)
    assert {"Treg", "FoxP3+"} <= set(imported.strategy.spec.gates)
    for row in ran.rows:
        gated = imported.strategy.gate(read_fcs(study / row.file), id=row.file)
        counts = {(row.sample, name): gated.count(name) for name in imported.strategy.spec.gates}
        assert counts == {key: expected[key] for key in counts}


def test_samples_without_a_file_are_named(folder: Path) -> None:
    (folder / "fcs" / "s1.fcs").unlink()
    lost = convert(folder / "in" / "s.yaml", folder / "w.wsp", fcs=folder / "fcs")
    assert lost == (LeftOut("s1.fcs", "", "no such file: nothing is written of it"),)
