"""A whole study: tables, statuses, hashes; one bad file, control or process costs its own samples and no others."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from threading import current_thread
from typing import TYPE_CHECKING, Any

import pytest
from tests.builders_study import (
    HIDDEN_COMPLEMENT,
    SHEET,
    STRATEGY,
    STUDY,
    TREG,
    left,
    override,
    rows,
    tiny_file,
    tiny_study,
)

import tregflow as tf
from tregflow._files import sha256_bytes, sha256_file, slug
from tregflow.batch import Run, is_confirmed, open_study, read_table, run
from tregflow.batch.outcome import FAILED, OK, REVIEW, Outcome
from tregflow.batch.pool import run_tasks
from tregflow.batch.work import Task
from tregflow.errors import EndpointError, StrategyError, StudyError
from tregflow.few_events import FewEvents
from tregflow.findings import Finding
from tregflow.strategy import Strategy, shipped
from tregflow.strategy.build import is_placed
from tregflow.study import NOT_CONFIRMED, Study

if TYPE_CHECKING:
    from tregflow.strategy.spec import GateSpec, StrategySpec

TABLES = ("populations.csv", "frequencies.csv", "wide.csv", "mfi.csv", "findings.csv", "endpoints.csv", "changes.csv")


def done(folder: Path, **options: Any) -> Run:
    return run(folder, out=folder / "out", **options)


def frequencies(result: Run) -> dict[tuple[str, str], dict[str, str]]:
    return {(row["sample"], row["name"]): row for row in rows(result.out / "frequencies.csv")}


def statuses(result: Run) -> dict[str, str]:
    return {outcome.sample: outcome.status for outcome in result.outcomes}


def numbers_of(result: Run, sample: str) -> list[str]:
    """Return every cell of a table that could hold a number of a sample."""
    wanted = {
        "populations.csv": ("count", "parent_count", "percent_of_parent"),
        "frequencies.csv": ("k", "n", "percent", "low", "high"),
        "mfi.csv": ("mfi",),
    }
    cells = [
        row[column]
        for table, columns in wanted.items()
        for row in rows(result.out / table)
        if row["sample"] == sample
        for column in columns
    ]
    wide = next(row for row in rows(result.out / "wide.csv") if row["sample"] == sample)
    return [cell for cell in (*cells, *list(wide.values())[7:]) if cell]


# ------------------------------------------------------------------------------------------------------- a sound study


def test_counts_and_frequencies_are_the_true_ones(tmp_path: Path) -> None:
    result = done(tiny_study(tmp_path))
    assert statuses(result) == dict.fromkeys(TREG, OK)
    assert result.exit_status == 0
    table = frequencies(result)
    for sample, treg in TREG.items():
        row = table[sample, "Treg_of_CD4"]
        assert (row["k"], row["n"], row["percent"]) == (str(treg), "1200", repr(100 * treg / 1200))
        assert (row["status"], row["method"], row["flags"]) == ("ok", "wilson", "")
        assert float(row["low"]) < float(row["percent"]) < float(row["high"])
        assert (table[sample, "B_of_Cells"]["k"], table[sample, "B_of_Cells"]["n"]) == ("300", "1800")


def test_every_table_has_a_row_for_everything_in_the_order_of_the_sheet(tmp_path: Path) -> None:
    out = done(tiny_study(tmp_path)).out
    populations = rows(out / "populations.csv")
    gates = ["root", "Cells", "CD4+", "CD25hi", "FoxP3+", "Treg", "Tconv", "B"]
    assert [(row["sample"], row["population"]) for row in populations] == [(s, g) for s in TREG for g in gates]
    assert (
        populations[0] | {"parent_count": "", "percent_of_parent": "", "parent": "", "count": "1800"} == populations[0]
    )
    assert [row["sample"] for row in rows(out / "wide.csv")] == list(TREG)
    assert list(rows(out / "wide.csv")[0].values())[:7] == ["S1_D0", "S1_D0.fcs", "S1", "D0", "2025-02-03", "A", "ok"]
    assert [(row["sample"], row["population"], row["marker"]) for row in rows(out / "mfi.csv")] == [
        (sample, "Treg", "CD25") for sample in TREG
    ]
    assert all(8950 < float(row["mfi"]) < 9050 for row in rows(out / "mfi.csv"))
    assert [row["code"] for row in rows(out / "findings.csv")] == ["fmo-threshold"] * 4


def test_numbers_are_numbers_in_every_table(tmp_path: Path) -> None:
    result = done(tiny_study(tmp_path))
    for table in TABLES:
        assert b"np." not in (result.out / table).read_bytes()
    assert rows(result.out / "endpoints.csv")[0]["primary"] in ("true", "false")


def test_the_endpoint_says_what_is_true(tmp_path: Path) -> None:
    result = done(tiny_study(tmp_path))
    assert result.endpoints is not None
    changes = {row["subject"]: row for row in rows(result.out / "changes.csv") if row["endpoint"] == "primary"}
    assert {subject: float(row["fold"]) for subject, row in changes.items()} == {"S1": 2.0, "S2": 1.5}
    gmr = next(row for row in rows(result.out / "endpoints.csv") if row["method"] == "t_log")
    assert (gmr["primary"], float(gmr["estimate"])) == ("true", pytest.approx(3**0.5))


def test_the_gates_are_left_as_they_were_applied(tmp_path: Path) -> None:
    out = done(tiny_study(tmp_path, overrides=override("sample: S1_D0"))).out
    manifest = json.loads((out / "manifest.json").read_bytes())
    first, second = (
        Strategy.load(out / manifest["samples"][sample]["gates"]).data["gates"] for sample in ("S1_D0", "S2_D0")
    )
    assert first["CD4+"]["above"] == {"CD4": 1500}
    assert second["CD4+"]["above"] == {"CD4": 1000}
    assert 200 < first["FoxP3+"]["above"]["FoxP3"] < 400
    assert first["FoxP3+"]["above"]["FoxP3"] != second["FoxP3+"]["above"]["FoxP3"]


def test_a_run_shows_itself_and_its_tables(tmp_path: Path) -> None:
    result = done(tiny_study(tmp_path))
    assert repr(result) == f"<Run TINY: 4 samples (4 ok, 0 review, 0 failed) in {tmp_path / 'out'}>"
    assert (result.count(OK), result.count(REVIEW), result.count(FAILED)) == (4, 0, 0)
    assert result.frequencies["percent"].iloc[0] == 10.0
    assert str(result.populations.dtypes["count"]) == "Int64"
    assert len(result.findings) == len(result.mfi) == 4
    assert "<table>" in result._repr_html_()


def test_a_run_without_endpoints(tmp_path: Path) -> None:
    result = done(tiny_study(tmp_path, study="tregflow: 1\nname: <b>X</b>\nstrategy: tiny.yaml\n"))
    assert result.endpoints is None
    assert not (result.out / "endpoints.csv").exists()
    assert "&lt;b&gt;X&lt;/b&gt;" in result._repr_html_()


def test_endpoints_of_a_former_run_do_not_stay(tmp_path: Path) -> None:
    done(tiny_study(tmp_path))
    (tmp_path / "study.yaml").write_text("tregflow: 1\nname: X\nstrategy: tiny.yaml\n", encoding="utf-8")
    out = done(tmp_path).out
    assert not {"endpoints.csv", "changes.csv"} & {path.name for path in out.iterdir()}


def test_the_results_lie_beside_the_study_unless_said_otherwise(tmp_path: Path) -> None:
    assert run(tiny_study(tmp_path) / "study.yaml").out == tmp_path / "tregflow-results"


def test_the_progress_hears_of_each_sample_once(tmp_path: Path) -> None:
    heard: list[str] = []
    done(tiny_study(tmp_path), progress=lambda outcome: heard.append(outcome.sample))
    assert sorted(heard) == sorted(TREG)


def test_markup_in_ids_is_escaped(tmp_path: Path) -> None:
    evil = "<img src=x onerror=alert(1)>"
    result = done(
        tiny_study(tmp_path, sheet=SHEET.replace("S1,", f"{evil},").replace("S1_D0,S1_D0.fcs", f"{evil},S1_D0.fcs"))
    )
    (tmp_path / "S1_D0.fcs").unlink()
    for shown in (result._repr_html_(), done(tmp_path)._repr_html_()):
        assert "<img" not in shown
    assert "&lt;img" in done(tmp_path)._repr_html_()


# ------------------------------------------------------------------------------------------------------------ manifest


def test_the_hashes_of_the_manifest_are_those_of_the_files(tmp_path: Path) -> None:
    result = done(tiny_study(tmp_path, overrides=override("batch: B")))
    manifest = json.loads((result.out / "manifest.json").read_bytes())
    assert set(manifest["tables"]) == set(TABLES)
    assert manifest["tables"] == {name: sha256_file(result.out / name) for name in TABLES}
    inputs = ("study.yaml", "samples.csv", "tiny.yaml", "overrides.yaml")
    assert manifest["inputs"] == {name: sha256_file(tmp_path / name) for name in inputs}
    assert {name: entry["sha256"] for name, entry in manifest["samples"].items()} == {
        name: sha256_file(tmp_path / f"{name}.fcs") for name in TREG
    }
    assert manifest["controls"] == {
        name: {"file": f"{name}.fcs", "role": "fmo:FoxP3", "sha256": sha256_file(tmp_path / f"{name}.fcs")}
        for name in ("FMO_A", "FMO_B")
    }
    assert manifest["strategy"] == {
        "name": "tiny",
        "source": "tiny.yaml",
        "sha256": sha256_bytes(STRATEGY.encode()),
        "compensation": "none",
        "confirmed": {"by": "somebody", "at": "2025-06-01"},
        "overrides": ["R1"],
    }
    assert manifest["samples"]["S1_D0"]["channels"]["CD4"] == "V655-A"
    assert manifest["samples"]["S1_D0"]["gates"] == f"gates/{slug('S1_D0')}.yaml"
    assert manifest["versions"]["numpy"]
    assert set(manifest["run"]) == {"started", "seconds", "jobs", "study"}


def test_a_second_run_differs_in_the_part_run_only(tmp_path: Path) -> None:
    first = done(tiny_study(tmp_path))
    before, manifest = left(first.out), json.loads((first.out / "manifest.json").read_bytes())
    manifest["run"]["started"] = "another time"
    assert left(done(tmp_path).out) == before
    assert left(run(tmp_path, out=tmp_path / "other").out) == before


def test_the_folder_of_the_study_leaves_no_trace(tmp_path: Path) -> None:
    for name in ("here", "there/deeper"):
        folder = tiny_study(tmp_path / name, study=STUDY + "compensation: {batch: {A: none, B: b.csv}}\n")
        (folder / "S1_D8.fcs").unlink()
        (folder / "FMO_A.fcs").unlink()
    one, other = (left(done(tmp_path / name).out) for name in ("here", "there/deeper"))
    assert one == other
    assert not any(str(tmp_path).encode() in content for content in one.values())


def test_matrices_are_inputs(tmp_path: Path) -> None:
    tiny_study(tmp_path, study=STUDY + "compensation: {batch: {A: a.csv, B: b.csv}}\n")
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("B515-A,G560-A\n1,0.01\n0.01,1\n", encoding="utf-8")
    manifest = json.loads((done(tmp_path).out / "manifest.json").read_bytes())
    assert manifest["inputs"]["a.csv"] == sha256_file(tmp_path / "a.csv")
    assert "b.csv" in manifest["inputs"]


def test_the_matrix_of_a_strategy_that_lies_elsewhere_is_an_input_too(tmp_path: Path) -> None:
    tiny_file(tmp_path / "P01.fcs", treg=100)
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "m.csv").write_text("B515-A,G560-A\n1,0.01\n0.01,1\n", encoding="utf-8")
    own = tmp_path / "s" / "own.yaml"
    own.write_text(STRATEGY.replace("compensation: none", "compensation: m.csv"), encoding="utf-8")
    manifest = json.loads((done(tmp_path, strategy=own).out / "manifest.json").read_bytes())
    assert manifest["inputs"] == {"m.csv": sha256_file(tmp_path / "s" / "m.csv")}


# ----------------------------------------------------------------------------------------------- what goes wrong alone

TEXT = "S1_D8.fcs: not an FCS file but text"
CUT = "S1_D8.fcs: the file ends inside DATA"
GONE = "S1_D8.fcs: no such file; remedy check the name and the folder"


def spoil_text(file: Path) -> None:
    file.write_text("I am text", encoding="utf-8")


def spoil_cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:20_000])


@pytest.mark.parametrize(
    ("spoil", "code", "text"),
    [(spoil_text, "E_NOT_FCS", TEXT), (spoil_cut, "E_TRUNCATED", CUT), (Path.unlink, "E_MISSING", GONE)],
)
def test_a_bad_file_fails_its_sample_and_no_other(tmp_path: Path, spoil: Any, code: str, text: str) -> None:
    sound = left(done(tiny_study(tmp_path)).out)
    spoil(tmp_path / "S1_D8.fcs")
    result = run(tmp_path, out=tmp_path / "fresh")
    assert result.exit_status == 3
    assert statuses(result) == {"S1_D0": OK, "S1_D8": FAILED, "S2_D0": OK, "S2_D8": OK}
    [finding] = [row for row in rows(result.out / "findings.csv") if row["sample"] == "S1_D8"]
    assert (finding["code"], finding["severity"], finding["where"]) == (code, "error", "S1_D8.fcs")
    assert finding["text"].startswith(text)
    assert "\n" not in finding["text"]
    assert numbers_of(result, "S1_D8") == []
    ratios = {name: row for (sample, name), row in frequencies(result).items() if sample == "S1_D8"}
    assert list(ratios) == ["Treg_of_CD4", "Tconv_of_CD4", "B_of_Cells"]
    assert {(row["status"], row["flags"], row["numerator"] != "") for row in ratios.values()} == {
        ("failed", "failed", True)
    }
    others = [line for line in sound["populations.csv"].splitlines() if not line.startswith(b"S1_D8")]
    assert (result.out / "populations.csv").read_bytes().splitlines() == others
    assert left(done(tmp_path).out) == left(result.out)  # a kept outcome of the sound file says nothing any more


def test_a_failed_sample_gives_no_fold(tmp_path: Path) -> None:
    (tiny_study(tmp_path) / "S1_D8.fcs").unlink()
    change = next(row for row in rows(done(tmp_path).out / "changes.csv") if row["subject"] == "S1")
    assert (change["fold"], change["percent"], change["reason"]) == ("", "", "D8: sample S1_D8 failed")
    assert change["baseline_percent"] == "10.0"


def test_nothing_can_be_read_and_the_run_ends_all_the_same(tmp_path: Path) -> None:
    for file in tiny_study(tmp_path).glob("*.fcs"):
        file.unlink()
    result = done(tmp_path)
    assert (result.exit_status, result.count(FAILED)) == (3, 4)
    assert (result.out / "populations.csv").read_text(encoding="utf-8").count("\n") == 1
    assert not list((result.out / "gates").glob("*"))


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done(tiny_study(tmp_path))
    plain = Path.open

    def guarded(self: Path, *arguments: Any, **options: Any) -> Any:
        if self.name in ("S1_D0.fcs", "FMO_A.fcs"):
            raise PermissionError(13, "Permission denied", str(self))
        return plain(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", guarded)
    result = done(tmp_path)
    assert statuses(result) == {"S1_D0": FAILED, "S1_D8": REVIEW, "S2_D0": OK, "S2_D8": OK}
    assert json.loads((result.out / "manifest.json").read_bytes())["controls"]["FMO_A"]["sha256"] is None


def test_a_marker_that_is_missing_fails_the_sample(tmp_path: Path) -> None:
    tiny_file(tiny_study(tmp_path) / "S2_D0.fcs", treg=100, without="CD25")
    result = done(tmp_path)
    assert statuses(result)["S2_D0"] == FAILED
    assert [row["code"] for row in rows(result.out / "findings.csv") if row["sample"] == "S2_D0"] == ["E_NO_CHANNEL"]
    assert numbers_of(result, "S2_D0") == []


# ------------------------------------------------------------------------------------------------------------ controls


def test_a_batch_without_its_control_has_no_treg(tmp_path: Path) -> None:
    sheet = SHEET.replace("FMO_B,FMO_B.fcs,,,2025-06-17,B,fmo:FoxP3\n", "")
    result = done(tiny_study(tmp_path, sheet=sheet))
    assert statuses(result) == {"S1_D0": OK, "S1_D8": OK, "S2_D0": REVIEW, "S2_D8": REVIEW}
    assert result.exit_status == 4
    row = frequencies(result)["S2_D0", "Treg_of_CD4"]
    assert (row["k"], row["n"], row["percent"], row["low"], row["flags"]) == ("", "1200", "", "", "missing")
    assert frequencies(result)["S2_D0", "B_of_Cells"]["percent"] == repr(100 * 300 / 1800)
    counts = {
        row["population"]: row["count"] for row in rows(result.out / "populations.csv") if row["sample"] == "S2_D0"
    }
    assert (counts["FoxP3+"], counts["Treg"], counts["CD25hi"]) == ("", "", "100")
    [finding] = [row for row in rows(result.out / "findings.csv") if row["sample"] == "S2_D0"]
    assert list(finding.values())[1:] == [
        "fmo-missing",
        "review",
        "FoxP3+",
        "population missing: batch B has no FMO control for FoxP3 (role fmo:FoxP3)",
    ]
    change = next(row for row in rows(result.out / "changes.csv") if row["subject"] == "S2")
    assert change["fold"] == ""


def test_a_control_that_cannot_be_read(tmp_path: Path) -> None:
    spoil_text(tiny_study(tmp_path) / "FMO_A.fcs")
    result = done(tmp_path)
    assert statuses(result) == {"S1_D0": REVIEW, "S1_D8": REVIEW, "S2_D0": OK, "S2_D8": OK}
    [finding] = [row for row in rows(result.out / "findings.csv") if row["sample"] == "S1_D0"]
    assert finding["code"] == "fmo-unusable"
    assert finding["text"].startswith("population missing: the control cannot be used: FMO_A.fcs: not an FCS file")
    assert frequencies(result)["S1_D0", "Treg_of_CD4"]["percent"] == ""


@pytest.mark.parametrize("marker", ["FoxP3", "CD4"])
def test_a_control_whose_marker_has_no_name(tmp_path: Path, marker: str) -> None:
    tiny_file(tiny_study(tmp_path) / "FMO_A.fcs", treg=100, foxp3=False, without=marker)
    result = done(tmp_path)
    assert statuses(result) == {"S1_D0": REVIEW, "S1_D8": REVIEW, "S2_D0": OK, "S2_D8": OK}
    assert frequencies(result)["S1_D0", "Treg_of_CD4"]["percent"] == ""
    texts = [row["text"] for row in rows(result.out / "findings.csv") if row["sample"] == "S1_D0"]
    assert any(f"no channel carries {marker}" in text for text in texts)


def test_a_control_that_is_bad_costs_no_other_its_use(tmp_path: Path) -> None:
    sheet = SHEET + "FMO_25,gone.fcs,,,,A,fmo:CD25\n"
    result = done(tiny_study(tmp_path, sheet=sheet))
    assert statuses(result) == dict.fromkeys(TREG, OK)


def test_a_control_with_few_events(tmp_path: Path) -> None:
    rules = override("sample: FMO_A", change="set: {above: {CD4: 8060}}")
    result = done(tiny_study(tmp_path, overrides=rules))
    assert statuses(result)["S1_D0"] == REVIEW
    [finding] = [row for row in rows(result.out / "findings.csv") if row["sample"] == "S1_D0"]
    assert finding["code"] == "fmo-few-events"
    assert frequencies(result)["S1_D0", "Treg_of_CD4"]["percent"] == ""


# ----------------------------------------------------------------------------------------- gates that nobody confirmed


def test_a_study_that_nobody_confirmed_is_for_review(tmp_path: Path) -> None:
    result = done(tiny_study(tmp_path, study=STUDY.replace("confirmed:", "# confirmed:")))
    assert result.exit_status == 4
    assert statuses(result) == dict.fromkeys(TREG, REVIEW)
    assert {row["flags"] for row in rows(result.out / "frequencies.csv")} == {"gates-not-confirmed"}
    assert result.outcomes[0].findings[-1] == NOT_CONFIRMED
    changes = rows(result.out / "changes.csv")
    assert {"D0:gates-not-confirmed;D0:review;D8:gates-not-confirmed;D8:review"} == {row["flags"] for row in changes}
    assert {row["note"].split(";")[0] for row in rows(result.out / "endpoints.csv")} == {"gates-not-confirmed"}


def test_cells_that_are_still_guessed_are_for_review(tmp_path: Path) -> None:
    lines = SHEET.splitlines()
    sheet = "\n".join([lines[0] + ",guessed", lines[1] + ",visit", *lines[2:], ""])
    result = done(tiny_study(tmp_path, sheet=sheet))
    assert statuses(result) == {"S1_D0": REVIEW, "S1_D8": OK, "S2_D0": OK, "S2_D8": OK}
    assert frequencies(result)["S1_D0", "Treg_of_CD4"]["flags"] == "guessed-cells"


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_strategy_is_not_confirmed_in_a_folder(tmp_path: Path, name: str) -> None:
    tiny_file(tmp_path / "P01.fcs", treg=100)
    assert not is_confirmed(open_study(tmp_path, name))
    copy = tmp_path / "mine.yaml"
    Strategy.load(name).save(copy)
    assert not is_confirmed(open_study(tmp_path, copy))
    text = copy.read_text(encoding="utf-8")
    copy.write_text(text.replace("2500", "2501"), encoding="utf-8")
    assert not is_confirmed(open_study(tmp_path, copy))  # the other gates still stand where the simulator has them
    copy.write_text(re.sub(r"(?<![\d.])[1-9]\d{2,}(\.0)?\b", lambda n: str(float(n[0]) + 1), text), encoding="utf-8")
    assert is_confirmed(open_study(tmp_path, copy))


@pytest.mark.parametrize("name", shipped())
def test_a_template_is_parsed_for_whoever_has_one_of_its_gates(name: str) -> None:
    """What decides on that looks for the numbers of a gate in the text of the template."""
    template = Strategy.load(name)
    gates = [gate for gate in template.spec.gates.values() if gate.axes and is_placed(gate)]
    assert len(gates) > 3
    for gate in gates:
        assert not is_confirmed(Study("x", Path(), replace(template, sha256="", spec=with_gates(template, gate)), ()))


def with_gates(template: Strategy, gate: GateSpec) -> StrategySpec:
    (name,) = (key for key, value in template.spec.gates.items() if value is gate)
    return template.spec.model_copy(update={"gates": {name: gate}})


def test_a_folder_with_a_strategy_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for sample, treg in TREG.items():
        tiny_file(tmp_path / "data" / f"{sample}.fcs", treg=treg)
    own = tmp_path / "own.yaml"
    numbers = STRATEGY.replace("{fmo: FoxP3, quantile: 0.99}", "1000")
    own.write_text(numbers.replace("Treg / CD4+", "Treg / Cells").replace("Tconv / CD4+", "Tconv / Cells"))
    result = run(tmp_path / "data", strategy=own, out=tmp_path / "out")
    assert result.exit_status == 0
    table = frequencies(result)
    assert {sample: table[sample, "Treg_of_CD4"]["k"] for sample in TREG} == {s: str(n) for s, n in TREG.items()}
    own.write_text(numbers)
    few = run(tmp_path / "data", strategy=own, out=tmp_path / "out")
    assert few.exit_status == 4  # a folder has the usual limits: 1200 CD4+ events are too few
    assert frequencies(few)["S1_D0", "Treg_of_CD4"]["percent"] == ""


# ----------------------------------------------------------------------------------------------------- what is refused


def test_a_folder_without_study_and_strategy(tmp_path: Path) -> None:
    with pytest.raises(StudyError) as caught:
        run(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: the folder holds no study.yaml\n"
        f"  remedy     tregflow init {tmp_path}, or --strategy treg | treg-no127 | treg-surface"
    )


def test_a_folder_takes_no_strategy_with_overrides(tmp_path: Path) -> None:
    own = tiny_study(tmp_path / "own", overrides=override("sample: S1_D0"))
    tiny_file(tmp_path / "P01.fcs", treg=100)
    with pytest.raises(StudyError) as caught:
        run(tmp_path / "own" / "..", strategy=own / "tiny.yaml")
    assert caught.value.code == "E_OVERRIDES_BESIDE"
    assert str(caught.value) == (
        f"{own / 'overrides.yaml'}: the strategy has overrides, and a folder does not say which sample is which\n"
        "  expected   a study, whose samples.csv names samples and batches\n"
        f"  remedy     tregflow init FOLDER --strategy {own / 'tiny.yaml'}, "
        "or copy the strategy to where no overrides lie"
    )


def test_two_strategies(tmp_path: Path) -> None:
    tiny_study(tmp_path)
    for source in (tmp_path, tmp_path / "study.yaml", Study.load(tmp_path)):
        with pytest.raises(StudyError) as caught:
            run(source, strategy="treg")
        assert caught.value.code == "E_TWO_STRATEGIES"
        assert str(caught.value).endswith(
            "a study names its own strategy\n  remedy     change 'strategy:' in study.yaml, or move study.yaml away"
        )


def test_a_strategy_for_no_folder(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no such folder"):
        run(tmp_path / "nope", strategy="treg")


def test_no_job(tmp_path: Path) -> None:
    with pytest.raises(StudyError) as caught:
        run(tiny_study(tmp_path), jobs=0)
    assert str(caught.value) == "jobs is 0\n  expected   1 or more"


def test_a_strategy_that_asks_for_a_matrix_outside_its_folder(tmp_path: Path) -> None:
    tiny_file(tmp_path / "P01.fcs", treg=100)
    own = tmp_path / "own.yaml"
    own.write_text(STRATEGY.replace("compensation: none", "compensation: ../m.csv"), encoding="utf-8")
    with pytest.raises(StrategyError) as caught:
        done(tmp_path, strategy=own)
    assert caught.value.code == "E_PATH"


COMPLEMENT = STUDY.replace("ratio: B_of_Cells", "ratio: Tconv_of_CD4")


def test_endpoints_that_cannot_be_computed_leave_all_the_rest(tmp_path: Path) -> None:
    sound = done(tiny_study(tmp_path, strategy=HIDDEN_COMPLEMENT))
    before = {name: (sound.out / name).read_bytes() for name in TABLES[:5]}
    (tmp_path / "study.yaml").write_text(COMPLEMENT, encoding="utf-8")
    with pytest.raises(EndpointError) as caught:
        done(tmp_path)
    assert caught.value.code == "E_ENDPOINT_COMPLEMENT"
    assert caught.value.__notes__ == [f"all other tables are written: {sound.out}"]
    assert {name: (sound.out / name).read_bytes() for name in TABLES[:5]} == before
    assert not (sound.out / "endpoints.csv").exists()
    manifest = json.loads((sound.out / "manifest.json").read_bytes())
    assert set(manifest["tables"]) == set(TABLES[:5])


def test_a_run_that_stops_leaves_no_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = done(tiny_study(tmp_path)).out

    def stop(*_: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr("tregflow.batch._write_gates", stop)
    with pytest.raises(KeyboardInterrupt):
        done(tmp_path)
    assert not (out / "manifest.json").exists()


# ------------------------------------------------------------------------------------------ files of others, old files


def test_gates_of_samples_that_are_gone_go_and_files_of_others_stay(tmp_path: Path) -> None:
    out = done(tiny_study(tmp_path)).out
    own = {"mine.yaml", "treg.yaml", "treg-20250203.yaml"}
    for name in own:
        (out / "gates" / name).write_text("mine", encoding="utf-8")
    (tmp_path / "samples.csv").write_text(SHEET.replace("S2_D8,S2_D8.fcs,S2,D8,2025-02-18,B,sample\n", ""))
    done(tmp_path)
    ours = {f"{slug(sample)}.yaml" for sample in ("S1_D0", "S1_D8", "S2_D0")}
    assert {path.name for path in (out / "gates").iterdir()} == ours | own


def test_ids_that_look_alike_have_gates_of_their_own(tmp_path: Path) -> None:
    sheet = SHEET.replace("S1_D0,S1_D0", "S1/D0,S1_D0").replace("S1_D8,S1_D8", "S1 D0,S1_D8")
    result = done(tiny_study(tmp_path, sheet=sheet))
    manifest = json.loads((result.out / "manifest.json").read_bytes())
    files = [entry["gates"] for entry in manifest["samples"].values()]
    assert len(set(files)) == 4
    assert {path.name for path in (result.out / "gates").iterdir()} == {Path(file).name for file in files}


def test_ids_that_are_paths_write_nothing_elsewhere(tmp_path: Path) -> None:
    sheet = SHEET.replace("S1_D0,S1_D0", "../../S1_D0,S1_D0").replace("S1_D8,S1_D8", "/tmp/S1_D8,S1_D8")
    folder = tiny_study(tmp_path / "a" / "study", sheet=sheet)
    before = {path for path in tmp_path.rglob("*") if (folder / "out") not in path.parents}
    result = done(folder)
    assert result.exit_status == 0
    assert {path for path in tmp_path.rglob("*") if (folder / "out") not in path.parents} == before | {folder / "out"}


# ------------------------------------------------------------------------------------------------- texts in the tables


@pytest.mark.parametrize("sample", ["=HYPERLINK(1)", "+1", "-S1", "@S1", "'=S1", "001", "1e5", "NA", "true"])
def test_ids_come_back_as_they_were(tmp_path: Path, sample: str) -> None:
    quoted = "'" + sample if sample[0] in "'=+-@" else sample
    sheet = SHEET.replace("S1_D0,S1_D0.fcs,S1,", f"{quoted},S1_D0.fcs,{quoted},").replace(
        "fcs,S1,D8", f"fcs,{quoted},D8"
    )
    result = done(tiny_study(tmp_path, sheet=sheet))
    for table in ("populations.csv", "frequencies.csv", "wide.csv", "mfi.csv", "findings.csv"):
        frame = read_table(result.out / table)
        assert frame["sample"].iloc[0] == sample
        assert rows(result.out / table)[0]["sample"] == quoted
    assert read_table(result.out / "frequencies.csv")["subject"].iloc[0] == sample
    assert result.endpoints is not None
    assert sample in set(result.endpoints.subjects["subject"])


def test_names_of_ratios_are_guarded_and_texts(tmp_path: Path) -> None:
    strategy = STRATEGY.replace("B_of_Cells: B", '"=1+1": B').replace("mfi:", "mfi:")
    study = STUDY.replace("ratio: B_of_Cells", 'ratio: "=1+1"')
    result = done(tiny_study(tmp_path, strategy=strategy, study=study))
    assert "'=1+1,'=1+1_k,'=1+1_n" in (result.out / "wide.csv").read_text(encoding="utf-8").splitlines()[0]
    assert read_table(result.out / "frequencies.csv")["name"].iloc[2] == "=1+1"


def test_a_table_of_numerals_stays_a_table_of_texts(tmp_path: Path) -> None:
    path = tmp_path / "frequencies.csv"
    path.write_text("sample,subject,visit,batch,status,name,k\n1,007,0,1,1,2,\n2,008,8,1,1,2,5\n", encoding="utf-8")
    frame = read_table(path)
    assert frame["subject"].tolist() == ["007", "008"]
    assert frame["name"].tolist() == ["2", "2"]
    assert frame["k"].isna().tolist() == [True, False]


# ----------------------------------------------------------------------------------------------- threads and processes


class Deadly:
    """Ends the process that unpickles it."""

    def __reduce__(self) -> tuple[Any, tuple[int]]:
        return os._exit, (3,)


def tasks(folder: Path) -> list[Task]:
    strategy = Strategy.loads(STRATEGY.replace("{fmo: FoxP3, quantile: 0.99}", "1000"))
    return [
        Task(
            sample=sample,
            batch="A",
            folder=folder,
            path=folder / f"{sample}.fcs",
            strategy=strategy,
            thresholds={},
            few_events=FewEvents(cd4_finding=500, cd4_fail=200),
            versions={},
            notes=(),
            kept=folder / "kept" / f"{sample}.json",
            page=folder / "plots" / f"{sample}.png",
        )
        for sample in TREG
    ]


def test_a_worker_that_dies_fails_its_sample_only(tmp_path: Path) -> None:
    todo = tasks(tiny_study(tmp_path))
    sound = run_tasks(todo, jobs=1, progress=lambda _: None)
    todo = [replace(task, draw=True) for task in todo]  # so that it goes to processes
    todo[1] = replace(todo[1], notes=Deadly())  # type: ignore[arg-type]
    heard: list[str] = []
    found = run_tasks(todo, jobs=2, progress=lambda outcome: heard.append(outcome.sample))
    assert [outcome.sample for outcome in found] == list(TREG)
    assert sorted(heard) == sorted(TREG)
    assert [outcome.status for outcome in found] == [OK, FAILED, OK, OK]
    assert [found[0], *found[2:]] == [sound[0], *sound[2:]]
    assert found[1].findings == (
        Finding(
            "E_WORKER_DIED",
            "error",
            "S1_D8.fcs",
            "the process that read this file died (out of memory, or the file shrank while it was read); "
            "run again, and look at the file with: tregflow inspect",
        ),
    )
    assert found[1].populations == found[1].frequencies == found[1].mfi == ()


class Failing:
    """Fails in the thread that looks into it, as one that is out of memory does."""

    def __iter__(self) -> Any:
        raise MemoryError


def test_a_thread_that_fails_fails_its_sample_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    todo = tasks(tiny_study(tmp_path))
    sound = run_tasks(todo, jobs=1, progress=lambda _: None)
    todo[1] = replace(todo[1], notes=Failing())  # type: ignore[arg-type]
    found = run_tasks(todo, jobs=2, progress=lambda _: None)
    assert [found[0], *found[2:]] == [sound[0], *sound[2:]]
    assert found[1].findings == (Finding("E_UNEXPECTED", "error", "S1_D8.fcs", "MemoryError:"),)
    assert found[1].populations == found[1].frequencies == found[1].mfi == ()
    assert "MemoryError" in capsys.readouterr().err


def test_files_go_to_threads_of_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[int, str]] = []

    def noted(task: Task) -> Outcome:
        ran.append((os.getpid(), current_thread().name))
        return Outcome(task.sample, "")

    monkeypatch.setattr("tregflow.batch.pool.gate_file", noted)
    todo = tasks(tiny_study(tmp_path))
    run_tasks(todo, jobs=2, progress=lambda _: None)
    assert {process for process, _ in ran} == {os.getpid()}
    assert not any("Main" in name for _, name in ran)
    ran.clear()
    run_tasks(todo, jobs=1, progress=lambda _: None)
    assert ran == [(os.getpid(), current_thread().name)] * 4


def test_the_key_of_a_task_depends_on_all_of_the_strategy(tmp_path: Path) -> None:
    task = tasks(tiny_study(tmp_path))[0]
    (tmp_path / "m.csv").write_text("V655-A,B515-A\n1,0.1\n0,1\n")
    (tmp_path / "n.csv").write_text("V655-A,B515-A\n1,0.2\n0,1\n")
    signed = {"by": "x", "at": "2026", "why": "y"}
    matrix = {"detectors": ["V655-A", "B515-A"], "matrix": [[1, 0.1], [0, 1]]}
    other = {"detectors": ["V655-A", "B515-A"], "matrix": [[1, 0.2], [0, 1]]}

    def key(override: dict[str, Any] | None = None, **sections: Any) -> str:
        rules = [] if override is None else [{"id": "r", "when": {"sample": task.sample}, "set": override, **signed}]
        made = Strategy.from_data(task.strategy.data | sections, name="tiny.yaml", overrides=rules)
        return replace(task, strategy=replace(made, folder=tmp_path).with_matrices()).key("00")

    keys = [
        key(),
        key(counts="flowjo"),
        key(gains="fcs"),
        key(matrices={"m": matrix}),
        key(matrices={"m": other}),
        key(matrices={"m": matrix}, dimensions={"r": {"ratio": ["CD4", "CD25"]}}),
        key(matrices={"m": matrix}, compensation="m"),
        key({"counts": "flowjo"}),
        key({"compensation": "m.csv"}),
        key({"compensation": {"batch": {"A": "n.csv"}}}),
    ]
    assert len(set(keys)) == len(keys)
    before = key({"compensation": "m.csv"})
    (tmp_path / "m.csv").write_text("V655-A,B515-A\n1,0.3\n0,1\n")
    assert key({"compensation": "m.csv"}) != before


def test_a_run_reads_what_dimensions_need(tmp_path: Path) -> None:
    dimensions = """\
matrices: {m: {detectors: [V655-A, B515-A, G560-A], dyes: [a, b], matrix: [[1, 0.1, 0], [0, 1, 0.1]]}}
dimensions: {dye: {dye: b, compensation: m}, r: {ratio: [CD4, FSC-A]}, raw: {marker: CD25, compensation: none}}
gates:
  Dye: {above: {dye: 1000, raw: 1000}}
  Ratio: {rectangle: {r: [0.01, null]}, outside: true}
"""
    text = STRATEGY.replace("gates:\n", dimensions).replace("{fmo: FoxP3, quantile: 0.99}", "1000")
    task = replace(tasks(tiny_study(tmp_path))[0], strategy=Strategy.loads(text))
    (outcome,) = run_tasks([task], jobs=1, progress=lambda _: None)
    gated = task.strategy.gate(tf.read_fcs(task.path), few_events=task.few_events)
    assert outcome.populations == gated.populations
    assert 0 < gated["Dye"].sum() < gated["root"].size > gated["Ratio"].sum() > 0
    assert {axis: outcome.channels[axis] for axis in ("dye", "r", "raw")} == {
        "dye": "dye b",
        "r": "CD4 / FSC-A",
        "raw": "B515-A",
    }


def test_nothing_to_do(tmp_path: Path) -> None:
    assert run_tasks([], jobs=2, progress=lambda _: None) == []


def test_a_script_without_a_guard_may_use_processes(tmp_path: Path) -> None:
    """A worker that ran the script again would start a run of its own, and die."""
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, tregflow\n"
        "print('began')\n"
        "print(tregflow.run(sys.argv[1], out=sys.argv[2], jobs=2, plots=True).exit_status, __file__ == sys.argv[0])\n",
        encoding="utf-8",
    )
    folder = tiny_study(tmp_path / "study")
    arguments = [sys.executable, str(script), str(folder), str(tmp_path / "out")]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "began\n0 True\n", "")


def test_several_jobs_give_the_same_bytes(tmp_path: Path) -> None:
    one = left(done(tiny_study(tmp_path, overrides=override("sample: S2_D8"))).out)
    assert left(run(tmp_path, out=tmp_path / "threads", jobs=2).out) == one
    drawn = run(tmp_path, out=tmp_path / "processes", jobs=2, plots=True).out
    assert {name: text for name, text in left(drawn).items() if not name.startswith("plots")} == one


# ------------------------------------------------------------------------------------------------------------ outcomes


def test_an_outcome_is_kept_whole(tmp_path: Path) -> None:
    for outcome in done(tiny_study(tmp_path)).outcomes:
        outcome.save(tmp_path / "kept.json")
        assert Outcome.load(tmp_path / "kept.json") == outcome


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"sample": "S1"}', b"\xff\xfe"])
def test_what_is_no_outcome_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "kept.json").write_bytes(content)
    assert Outcome.load(tmp_path / "kept.json") is None


def test_the_status_is_that_of_the_gravest_finding() -> None:
    def status(*severities: Any) -> str:
        return Outcome("S", "", findings=tuple(Finding("c", severity, "w", "t") for severity in severities)).status

    assert status() == status("info", "warning") == OK
    assert status("info", "review") == REVIEW
    assert status("review", "error", "info") == FAILED


def test_the_library_names_the_run(tmp_path: Path) -> None:
    assert tf.run is run
    assert isinstance(tf.run(tiny_study(tmp_path)), tf.Run)


# ----------------------------------------------------------------------------------------------- what a review found


def test_a_file_that_stands_for_two_samples_is_for_review(tmp_path: Path) -> None:
    tiny_study(tmp_path)
    (tmp_path / "S1_D8.fcs").write_bytes((tmp_path / "S1_D0.fcs").read_bytes())
    result = done(tmp_path)
    assert statuses(result) == {"S1_D0": REVIEW, "S1_D8": REVIEW, "S2_D0": OK, "S2_D8": OK}
    twins = [row["text"] for row in rows(result.out / "findings.csv") if row["code"] == "duplicate-file"]
    assert twins == [f"the file holds the very bytes of another sample's: {name}" for name in ("S1_D8", "S1_D0")]


def test_an_order_of_ratios_that_changed_is_the_order_of_the_tables(tmp_path: Path) -> None:
    tiny_study(tmp_path)
    done(tmp_path)
    head, report = STRATEGY.split("report:\n")
    first, second, *others = report.splitlines(keepends=True)
    (tmp_path / "tiny.yaml").write_text(f"{head}report:\n{second}{first}{''.join(others)}", encoding="utf-8")
    again = done(tmp_path)
    fresh = run(tmp_path, out=tmp_path / "fresh")
    assert (again.out / "frequencies.csv").read_bytes() == (fresh.out / "frequencies.csv").read_bytes()


def test_an_outcome_that_somebody_edited_is_computed_again(tmp_path: Path) -> None:
    sound = done(tiny_study(tmp_path))
    before = (sound.out / "frequencies.csv").read_bytes()
    kept = sound.out / ".kept" / f"{slug('S1_D8')}.json"
    count = TREG["S1_D8"]
    kept.write_text(kept.read_text(encoding="utf-8").replace(f'"k": {count},', f'"k": {count + 7},'), encoding="utf-8")
    assert (done(tmp_path).out / "frequencies.csv").read_bytes() == before


def test_a_matrix_that_changes_during_a_run_changes_nothing(tmp_path: Path) -> None:
    matrix = tmp_path / "m.csv"
    tiny_study(tmp_path, strategy=STRATEGY.replace("compensation: none", "compensation: m.csv"))
    sample = tf.read_fcs(tmp_path / "S1_D0.fcs", channels=())
    names = [channel.pnn for channel in sample.channels][-2:]
    matrix.write_text(f"{names[0]},{names[1]}\n1,0\n0,1\n", encoding="utf-8")
    digest = sha256_file(matrix)
    sound = run(tmp_path, out=tmp_path / "sound")

    def spoil(_: Outcome) -> None:
        matrix.write_text(f"{names[0]},{names[1]}\n1,0.5\n0,1\n", encoding="utf-8")

    result = run(tmp_path, out=tmp_path / "spoilt", progress=spoil)
    for name in TABLES[:5]:
        assert (result.out / name).read_bytes() == (sound.out / name).read_bytes()
    assert json.loads((result.out / "manifest.json").read_bytes())["inputs"]["m.csv"] == digest


def test_what_nobody_foresaw_fails_one_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_study(tmp_path)
    real = tf.read_fcs

    def read(path: Path, **options: Any) -> Any:
        if path.name == "S1_D8.fcs":
            raise MemoryError("no room")
        return real(path, **options)

    monkeypatch.setattr("tregflow.batch.work.read_fcs", read)
    result = done(tmp_path)
    assert statuses(result) == {"S1_D0": OK, "S1_D8": FAILED, "S2_D0": OK, "S2_D8": OK}
    [finding] = [row for row in rows(result.out / "findings.csv") if row["severity"] == "error"]
    assert (finding["code"], finding["where"], finding["text"]) == ("E_UNEXPECTED", "S1_D8.fcs", "MemoryError: no room")
    manifest = json.loads((result.out / "manifest.json").read_bytes())
    assert manifest["samples"]["S1_D8"]["sha256"] == sha256_file(tmp_path / "S1_D8.fcs")


def test_a_page_that_cannot_be_drawn_takes_no_number_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("no such picture")

    monkeypatch.setattr("tregflow.plots.save_page", fail)
    result = run(tiny_study(tmp_path), out=tmp_path / "out", plots=True)
    assert set(statuses(result).values()) == {OK}
    assert {row["text"] for row in rows(result.out / "findings.csv") if row["code"] == "plot-failed"} == {
        "no page of plots: ValueError: no such picture"
    }
