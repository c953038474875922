"""``compensation: singles``: a matrix per batch from its own controls, in check, run, manifest, and as a command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.builders_controls import DYES, STAINED, TRUTH, tube
from tests.builders_study import left, rows
from typer.testing import CliRunner

from tregflow._files import sha256_file, slug
from tregflow.batch import Run, run
from tregflow.check import check_study
from tregflow.cli import app
from tregflow.compensation import Spillover
from tregflow.errors import CompensationError, TregflowError
from tregflow.fcs import Sample, write_fcs
from tregflow.findings import Finding
from tregflow.strategy import Strategy
from tregflow.study import Study

if TYPE_CHECKING:
    from pathlib import Path

STRATEGY = """\
tregflow: 1
name: pair
panel:
  CD25: {pns: [CD25]}
  CD127: {pns: [CD127]}
  CD4: {pns: [CD4]}
compensation: fcs
gates:
  CD25+: {above: {CD25: 5000}}
  CD127+: {above: {CD127: 900}}
  Both: {in: CD25+, above: {CD127: 900}}
report: {Both_of_CD25: Both / CD25+}
mfi: {CD25+: [CD127, CD4]}
"""
STUDY = """\
tregflow: 1
name: PAIR
strategy: pair.yaml
compensation: singles
confirmed: {by: somebody, at: "2026-01-01"}
few_events: {not_detected: 0, not_quantifiable: 0, finding: 0, cd4: CD25+, cd4_finding: 500, cd4_fail: 200}
"""
OTHER = TRUTH.copy()
OTHER[0, 1] = 0.3
"""In batch B the detector of CD127 has another voltage: it sees much more of CD25."""
ROLES = {"B515-A": "CD25", "G560-A": "CD127", "R660-A": "R660-A", "V450-A": "CD4"}


def study(folder: Path, *, text: str = STUDY, roles: dict[str, str] = ROLES, batches: str = "AB") -> Path:
    """Write a study of two batches: a stained sample, a control per dye and an unstained one each."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    (folder / "pair.yaml").write_text(STRATEGY, encoding="utf-8")
    lines = ["sample,file,batch,role"]
    for seed, (batch, truth) in enumerate(zip("AB", (TRUTH, OTHER), strict=True)):
        if batch not in batches:
            continue
        made = {"sample": tube("B515-A", seed=100 + seed, truth=truth)}
        made |= {f"single:{role}": tube(dye, seed=10 * seed, truth=truth) for dye, role in roles.items()}
        made["unstained"] = tube(None, seed=seed, bright=0, dim=2000)
        for role, sample in made.items():
            name = f"{batch}_{role.replace(':', '_')}"
            write_fcs(folder / f"{name}.fcs", sample)
            lines.append(f"{name},{name}.fcs,{batch},{role}")
    (folder / "samples.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")
    return folder


def done(folder: Path, **options: Any) -> Run:
    return run(folder, out=folder / "out", **options)


def noted(result: Run, sample: str) -> list[Finding]:
    return [finding for outcome in result.outcomes if outcome.sample == sample for finding in outcome.findings]


# --------------------------------------------------------------------------------------------------------------- run


def test_each_batch_has_the_matrix_of_its_own_controls(tmp_path: Path) -> None:
    result = done(study(tmp_path))
    assert result.exit_status == 0
    for batch, truth in (("A", TRUTH), ("B", OTHER)):
        written = Spillover.from_csv(tmp_path / "out" / "compensation" / f"{slug(batch)}.csv")
        assert written.detectors == DYES
        assert np.abs(written.matrix - truth).max() < 0.003
    # No cell carries CD127: under the right matrix hardly one is above 900, under the other batch's 9 in 10 are.
    percents = {row["sample"]: float(row["percent"]) for row in rows(tmp_path / "out" / "frequencies.csv")}
    assert max(percents.values()) < 20
    for row in rows(tmp_path / "out" / "mfi.csv"):
        assert abs(float(row["mfi"]) - 300) < 120  # autofluorescence


def test_the_matrix_and_its_coefficients_are_in_the_manifest(tmp_path: Path) -> None:
    out = done(study(tmp_path)).out
    manifest = json.loads((out / "manifest.json").read_bytes())
    names = [f"compensation/{slug(batch)}{end}" for batch in "AB" for end in (".csv", "-coefficients.csv")]
    assert {name: manifest["tables"][name] for name in names} == {name: sha256_file(out / name) for name in names}
    assert manifest["matrices"]["B"] == {
        "file": names[2],
        "matrix_sha256": Spillover.from_csv(out / names[2]).sha256,
        "controls": {
            **{f"B_single_{role}": f"single:{role}" for role in ROLES.values()},
            "B_unstained": "unstained",
        },
    }
    assert manifest["controls"]["A_single_CD4"]["sha256"] == sha256_file(tmp_path / "A_single_CD4.fcs")
    [first, *others] = rows(out / names[1])
    assert len(others) == 11
    assert list(first) == ["dye", "detector", "share", "error", "acquisition", "difference"]
    assert (first["dye"], first["detector"], first["acquisition"]) == ("B515-A", "G560-A", "")
    assert float(first["share"]) == pytest.approx(0.12, abs=0.002)
    assert 0 < float(first["error"]) < 0.001


def test_what_is_said_of_the_controls_goes_with_each_sample(tmp_path: Path) -> None:
    roles = {dye: role for dye, role in ROLES.items() if role in ("CD25", "CD127")}
    result = done(study(tmp_path, roles=roles))
    assert result.exit_status == 4
    said = noted(result, "A_sample")
    assert [(each.code, each.severity) for each in said] == [
        ("spillover-from-controls", "info"),
        ("single-missing", "review"),
        ("single-missing", "warning"),
    ]
    assert said[1].text == "no control for V450-A, which gates look at: the channel is not compensated"
    assert said[2].text.startswith("no control for R660-A: ")


def test_a_second_run_takes_what_is_kept_and_leaves_the_same_bytes(tmp_path: Path) -> None:
    out = done(study(tmp_path)).out
    first = left(out)
    times = {path: path.stat().st_mtime_ns for path in (out / ".kept").iterdir()}
    again = left(done(tmp_path, jobs=2).out)
    assert again == first
    assert {path: path.stat().st_mtime_ns for path in (out / ".kept").iterdir()} == times


def test_a_changed_control_changes_the_samples_of_its_batch_only(tmp_path: Path) -> None:
    out = done(study(tmp_path)).out
    times = {path.name: path.stat().st_mtime_ns for path in (out / ".kept").iterdir()}
    write_fcs(tmp_path / "A_single_CD25.fcs", tube("B515-A", seed=77, truth=OTHER))
    done(tmp_path)
    changed = {path.name for path in (out / ".kept").iterdir() if path.stat().st_mtime_ns != times[path.name]}
    assert changed == {f"{slug('A_sample')}.json"}


def test_a_batch_whose_controls_are_wrong_fails_and_the_other_does_not(tmp_path: Path) -> None:
    study(tmp_path)
    (tmp_path / "A_single_CD25.fcs").write_bytes((tmp_path / "A_unstained.fcs").read_bytes())
    result = done(tmp_path)
    assert {outcome.sample: outcome.status for outcome in result.outcomes} == {"A_sample": "failed", "B_sample": "ok"}
    [finding] = noted(result, "A_sample")
    assert (finding.code, finding.severity, finding.where) == ("E_SINGLE_POSITIVE", "error", "B515-A")
    assert finding.text.startswith("A_single_CD25.fcs: B515-A: the control has no positive population")
    manifest = json.loads((result.out / "manifest.json").read_bytes())
    assert manifest["matrices"]["A"]["error"] == "E_SINGLE_POSITIVE"
    assert manifest["matrices"]["A"]["file"] is None
    assert [path.name for path in sorted((result.out / "compensation").iterdir())] == sorted(
        [f"{slug('B')}.csv", f"{slug('B')}-coefficients.csv"]
    )


def test_matrices_of_a_former_run_go_and_files_of_others_stay(tmp_path: Path) -> None:
    out = done(study(tmp_path)).out
    (out / "compensation" / "mine.csv").write_text("x", encoding="utf-8")
    (tmp_path / "study.yaml").write_text(STUDY.replace("singles", "none"), encoding="utf-8")
    done(tmp_path)
    assert [path.name for path in (out / "compensation").iterdir()] == ["mine.csv"]
    assert json.loads((out / "manifest.json").read_bytes())["matrices"] == {}


def test_one_batch_from_controls_and_one_from_a_file(tmp_path: Path) -> None:
    study(tmp_path, text=STUDY.replace("singles", "{batch: {A: singles, B: b.csv}}"))
    Spillover(DYES, OTHER, "b").to_csv(tmp_path / "b.csv")
    result = done(tmp_path)
    assert result.exit_status == 0
    assert list(json.loads((result.out / "manifest.json").read_bytes())["matrices"]) == ["A"]
    assert [each.code for each in noted(result, "B_sample")] == []


def test_an_override_may_ask_for_the_controls(tmp_path: Path) -> None:
    study(tmp_path, text=STUDY.replace("singles", "none"))
    (tmp_path / "overrides.yaml").write_text(
        "tregflow: 1\noverrides:\n"
        "  - {id: R1, when: {batch: A}, set: {compensation: singles}, by: x, at: now, why: y}\n",
        encoding="utf-8",
    )
    result = done(tmp_path)
    assert "spillover-from-controls" in {each.code for each in noted(result, "A_sample")}
    assert "spillover-from-controls" not in {each.code for each in noted(result, "B_sample")}


def test_thresholds_of_fmo_controls_use_the_matrix_too(tmp_path: Path) -> None:
    study(tmp_path, batches="A")
    text = STRATEGY.replace("Both: {in: CD25+, above: {CD127: 900}}", "Both: {in: CD25+, above: {CD127: {fmo: CD127}}}")
    (tmp_path / "pair.yaml").write_text(text, encoding="utf-8")
    write_fcs(tmp_path / "fmo.fcs", tube("B515-A", seed=5))
    with (tmp_path / "samples.csv").open("a", encoding="utf-8") as sheet:
        sheet.write("fmo,fmo.fcs,A,fmo:CD127\n")
    result = done(tmp_path)
    [threshold] = [each for each in noted(result, "A_sample") if each.code == "fmo-threshold"]
    assert float(threshold.text.split()[2].rstrip(":")) < 2500  # 0.12 of 20,000 more without compensation


# ------------------------------------------------------------------------------------------------------------- check


def problems(folder: Path) -> dict[str, list[str]]:
    checked = check_study(Study.load(folder))
    return {each.sample: [finding.code for finding in each.findings] for each in checked if each.findings}


def test_check_computes_the_matrices(tmp_path: Path) -> None:
    assert problems(study(tmp_path)) == {"": ["spillover-from-controls"] * 2}
    [*_, last] = check_study(Study.load(tmp_path))
    assert [finding.where for finding in last.findings] == ["batch A: spillover", "batch B: spillover"]


def test_check_says_which_controls_are_missing(tmp_path: Path) -> None:
    roles = {dye: role for dye, role in ROLES.items() if role != "CD4"}
    [*_, last] = check_study(Study.load(study(tmp_path, roles=roles, batches="A")))
    assert last.findings[1] == Finding(
        "single-missing",
        "review",
        "batch A: spillover",
        "no control for V450-A, which gates look at: the channel is not compensated",
    )


def test_check_says_that_a_batch_has_no_controls_at_all(tmp_path: Path) -> None:
    study(tmp_path, roles={}, batches="B")
    assert problems(tmp_path) == {"B_sample": ["E_SINGLE_NONE"]}


def test_check_says_what_is_wrong_with_a_control(tmp_path: Path) -> None:
    study(tmp_path / "1", roles={**ROLES, "R660-A": "CD99"}, batches="A")
    assert problems(tmp_path / "1") == {"A_sample": ["E_NO_CHANNEL"]}
    study(tmp_path / "2", roles={**ROLES, "R660-A": "CD127", "G560-A": "G560-A"}, batches="A")
    assert problems(tmp_path / "2") == {"A_sample": ["E_SINGLE_TWICE"]}
    study(tmp_path / "3", batches="A")
    with (tmp_path / "3" / "samples.csv").open("a", encoding="utf-8") as sheet:
        sheet.write("more,more.fcs,A,unstained\n")
    write_fcs(tmp_path / "3" / "more.fcs", tube(None, bright=0))
    assert problems(tmp_path / "3") == {"A_sample": ["E_SINGLE_TWICE"]}


def test_controls_that_nobody_asks_for_are_not_read(tmp_path: Path) -> None:
    study(tmp_path, text=STUDY.replace("singles", "none"), roles={**ROLES, "R660-A": "unknown"})
    assert problems(tmp_path) == {}
    assert Study.load(tmp_path).with_singles().fits == {}


# ------------------------------------------------------------------------------------------------------------ library


def test_a_strategy_alone_has_no_controls() -> None:
    strategy = Strategy.loads(STRATEGY, name="pair.yaml").with_compensation("singles")
    assert strategy.matrix_files == ()
    with pytest.raises(CompensationError) as caught:
        strategy.gate(tube("B515-A"))
    assert str(caught.value) == (
        "pair.yaml: compensation: singles takes the single-stained controls of a study, and there are none here\n"
        "  remedy     run the study, or give spillover=spillover_from_controls(...).spillover"
    )
    assert caught.value.code == "E_NO_SINGLES"
    assert strategy.gate(tube("B515-A"), spillover=Spillover(DYES, TRUTH, "given"))["CD25+"].sum() > 1990


def test_the_error_that_is_kept_gathers_no_traceback(tmp_path: Path) -> None:
    study(tmp_path, roles={}, batches="A")
    opened = Study.load(tmp_path).with_singles()
    assert opened.with_singles() is opened
    kept = opened.strategy.singles["A"]
    assert isinstance(kept, TregflowError)
    for _ in range(2):
        with pytest.raises(CompensationError) as caught:
            opened.strategy.spillover(tube("B515-A"), batch="A")
        assert caught.value is not kept
        assert str(caught.value) == str(kept)


def test_a_matrix_may_not_be_called_singles() -> None:
    text = STRATEGY.replace(
        "compensation: fcs", "compensation: fcs\nmatrices: {singles: {detectors: [A], matrix: [[1]]}}"
    )
    with pytest.raises(TregflowError, match="'singles' has a meaning under compensation; choose another name"):
        Strategy.loads(text)


# ------------------------------------------------------------------------------------------------------- command line


def command(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["compensation", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def folder_of_controls(folder: Path, **keywords: str) -> Path:
    folder.mkdir()
    for place, (dye, marker) in enumerate(STAINED.items()):
        write_fcs(folder / f"{marker} single.fcs", tube(dye, seed=place, keywords=keywords))
    write_fcs(folder / "unstained.fcs", tube(None, seed=9, bright=0, dim=2000))
    return folder


def test_a_folder_of_controls(tmp_path: Path) -> None:
    folder = folder_of_controls(tmp_path / "controls", **{"$P3V": "450"})
    write_fcs(folder / "something else.fcs", Sample.from_columns("a.fcs", {"FSC-A": [1.0]}))
    status, page, _ = command(folder, "--out", tmp_path / "m.csv")
    assert status == 0
    written = Spillover.from_csv(tmp_path / "m.csv")
    assert np.abs(written.matrix - TRUTH).max() < 0.003
    for line in (
        "single-stained controls: 4 detectors",
        "  shares in percent (row: dye, column: detector)",
        f"    B515-A      100.00     {100 * written.matrix[0, 1]:.2f}    {100 * written.matrix[0, 2]:.4f}"
        f"      {100 * written.matrix[0, 3]:.2f}",
        "  standard errors in percent",
        "  controls",
        "  left after compensation",
        "    condition number 1.21",
        "  passed over, since the name says no detector: something else.fcs",
        f"matrix   {tmp_path / 'm.csv'}",
    ):
        assert line in page.splitlines()
    assert "    B515-A: CD25 single.fcs: 2000 positive events, median " in page
    assert "by this matrix: largest slope" in page
    assert "acquisition" not in page


def test_what_the_acquisition_matrix_leaves_is_shown(tmp_path: Path) -> None:
    stated = TRUTH.copy()
    stated[0, 1] = 0.2
    text = ",".join(["4", *DYES, *map(repr, stated.ravel().tolist())])
    folder = folder_of_controls(tmp_path / "controls", **{"$SPILLOVER": text})
    status, page, _ = command(folder)
    assert status == 0
    assert "minus the acquisition matrix, in percent (CD25 single.fcs: $SPILLOVER)" in page
    assert "    by the acquisition matrix: largest slope -0.08" in page
    assert "1 of 12 pairs beyond the limit" in page
    assert "    warning  spillover-differs: B515-A -> G560-A: 0.1" in page
    status, printed, _ = command(folder, "--json")
    [data] = json.loads(printed)
    assert list(data) == [
        *("batch", "detectors", "matrix", "errors", "differences", "controls", "condition", "left"),
        *("left_by_acquisition", "findings", "passed_over"),
    ]
    assert data["differences"][0][1] == pytest.approx(-0.08, abs=0.002)
    residuals = [each for found in data["left_by_acquisition"] for each in found["residuals"] if each["flagged"]]
    assert [(each["dye"], each["detector"]) for each in residuals] == [("B515-A", "G560-A")]


def test_a_study_has_a_matrix_per_batch(tmp_path: Path) -> None:
    study(tmp_path)
    status, page, _ = command(tmp_path)
    assert status == 0
    assert "single-stained controls of batch A: 4 detectors" in page
    assert "single-stained controls of batch B: 4 detectors" in page
    status, _, problem = command(tmp_path, "--out", tmp_path / "m.csv")
    assert status == 2
    assert "--batch" in problem
    assert not (tmp_path / "m.csv").exists()
    status, _, _ = command(tmp_path, "--batch", "B", "--out", tmp_path / "m.csv")
    assert status == 0
    assert np.abs(Spillover.from_csv(tmp_path / "m.csv").matrix - OTHER).max() < 0.003
    assert command(tmp_path, "--batch", "C")[2] == (
        "error: samples.csv: batch C: holds no single-stained control\n  expected   rows of the role single:MARKER\n"
    )


def test_a_review_is_exit_status_4(tmp_path: Path) -> None:
    study(tmp_path, roles={dye: role for dye, role in ROLES.items() if role != "CD4"}, batches="A")
    assert command(tmp_path)[0] == 4


def test_wrong_sources_are_refused(tmp_path: Path) -> None:
    assert command(tmp_path / "nothing")[2].startswith("error: ")
    write_fcs(tmp_path / "a.fcs", tube("B515-A"))
    status, _, problem = command(tmp_path)
    assert status == 2
    assert problem == (
        f"error: {tmp_path}: holds no single-stained control\n"
        "  expected   files named after their detector or marker, such as 'PE-A control.fcs'\n"
    )
    made = folder_of_controls(tmp_path / "controls")
    (made / "CD25 single.fcs").unlink()
    write_fcs(made / "CD25 single.fcs", tube(None, bright=0))
    status, _, problem = command(made)
    assert status == 1
    assert "the control has no positive population in its own detector" in problem
