"""What is found before gating: files, panel, controls, visits, guesses; each said once, where it belongs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.builders_study import EXAMPLE, SHEET, STRATEGY, STUDY, override, tiny_file, tiny_study

from tregflow.check import Checked, check_study
from tregflow.findings import Finding
from tregflow.study import NOT_CONFIRMED, Study

if TYPE_CHECKING:
    from pathlib import Path


def found(folder: Path) -> dict[str, Checked]:
    return {entry.sample: entry for entry in check_study(Study.load(folder))}


def notes(folder: Path) -> dict[str, tuple[Finding, ...]]:
    """Return the findings of each row that has any; of the study as a whole under the empty name."""
    return {name: entry.findings for name, entry in found(folder).items() if entry.findings}


def test_a_sound_study_has_no_findings(tmp_path: Path) -> None:
    checked = found(tiny_study(tmp_path))
    assert list(checked) == ["S1_D0", "S1_D8", "S2_D0", "S2_D8", "FMO_A", "FMO_B", ""]
    assert {entry.events for entry in checked.values()} == {1800, None}
    assert all(entry.findings == () for entry in checked.values())


def test_the_example_trial_is_sound() -> None:
    severities = {finding.severity for entry in check_study(Study.load(EXAMPLE)) for finding in entry.findings}
    assert severities == {"info"}  # its overrides are said, for the record


def test_overrides_are_said(tmp_path: Path) -> None:
    text = "override R1 (sample S1_D8): above; by reader at 2025-06-01: reasons"
    assert notes(tiny_study(tmp_path, overrides=override("sample: S1_D8"))) == {
        "S1_D8": (Finding("override-applied", "info", "CD4+", text),)
    }


def test_a_missing_file(tmp_path: Path) -> None:
    (tiny_study(tmp_path) / "S1_D0.fcs").unlink()
    text = "S1_D0.fcs: no such file\n  remedy     check the name and the folder"
    assert notes(tmp_path) == {"S1_D0": (Finding("E_MISSING", "error", "S1_D0.fcs", text),)}
    assert found(tmp_path)["S1_D0"].events is None


@pytest.mark.parametrize("sample", ["S1_D0", "FMO_A"])
def test_a_text_named_fcs(tmp_path: Path, sample: str) -> None:
    (tiny_study(tmp_path) / f"{sample}.fcs").write_text("hello", encoding="utf-8")
    assert [(note.code, note.severity) for note in notes(tmp_path)[sample]] == [("E_NOT_FCS", "error")]
    assert list(notes(tmp_path)) == [sample]


def test_a_file_that_was_cut_off(tmp_path: Path) -> None:
    file = tiny_study(tmp_path) / "S2_D8.fcs"
    file.write_bytes(file.read_bytes()[:20_000])
    assert [(note.code, note.severity) for note in notes(tmp_path)["S2_D8"]] == [("E_TRUNCATED", "error")]


@pytest.mark.parametrize(
    ("sample", "marker", "gate"), [("S1_D0", "CD25", "CD25hi"), ("FMO_A", "CD4", "CD4+"), ("FMO_A", "FoxP3", "FoxP3+")]
)
def test_a_missing_marker(tmp_path: Path, sample: str, marker: str, gate: str) -> None:
    tiny_file(tiny_study(tmp_path) / f"{sample}.fcs", treg=100, without=marker)
    [note] = notes(tmp_path)[sample]
    assert (note.code, note.severity, note.where) == ("E_NO_CHANNEL", "error", gate)
    assert note.text.startswith(f"{sample}.fcs: {gate}: no channel carries {marker}\n  expected   $PnS matching ")
    assert list(notes(tmp_path)) == [sample]


def test_a_control_needs_no_marker_that_its_threshold_does_not(tmp_path: Path) -> None:
    tiny_file(tiny_study(tmp_path) / "FMO_A.fcs", treg=0, foxp3=False, without="CD19")
    assert notes(tmp_path) == {}


def test_a_missing_marker_of_an_optional_gate(tmp_path: Path) -> None:
    optional = STRATEGY.replace("above: {CD19: 1000}}", "above: {CD19: 1000}, optional: true}")
    tiny_file(tiny_study(tmp_path, strategy=optional) / "S1_D0.fcs", treg=120, without="CD19")
    text = "no channel carries CD19; missing: B"
    assert notes(tmp_path) == {"S1_D0": (Finding("marker-missing", "warning", "CD19", text),)}


def test_a_missing_matrix(tmp_path: Path) -> None:
    folder = tiny_study(tmp_path, study=STUDY + "compensation: {batch: {A: none, B: b.csv}}\n")
    assert {name: [note.code for note in some] for name, some in notes(folder).items()} == {
        "S2_D0": ["E_MISSING"],
        "S2_D8": ["E_MISSING"],
        "FMO_B": ["E_MISSING"],
    }


@pytest.mark.parametrize(
    ("sheet", "hint"),
    [
        (SHEET.replace("FMO_B,FMO_B.fcs,,,2025-06-17,B,fmo:FoxP3\n", ""), ""),
        (SHEET.replace("B,fmo:FoxP3", "B,fmo:FOXP3"), "; did you mean 'FOXP3'?"),
        (SHEET.replace("B,fmo:FoxP3", "C,fmo:FoxP3"), ""),
    ],
)
def test_a_batch_without_its_control(tmp_path: Path, sheet: str, hint: str) -> None:
    text = f"batch B has no FMO control for FoxP3 (role fmo:FoxP3): FoxP3+ will be missing{hint}"
    note = (Finding("fmo-missing", "review", "FoxP3+", text),)
    assert notes(tiny_study(tmp_path, sheet=sheet)) == {"S2_D0": note, "S2_D8": note}


def test_no_batches_and_no_control(tmp_path: Path) -> None:
    sheet = "sample,file\nS1_D0,S1_D0.fcs\n"
    text = "the sheet has no FMO control for FoxP3 (role fmo:FoxP3): FoxP3+ will be missing"
    assert notes(tiny_study(tmp_path, sheet=sheet))["S1_D0"] == (Finding("fmo-missing", "review", "FoxP3+", text),)


def test_an_override_that_needs_no_control_any_more(tmp_path: Path) -> None:
    sheet = SHEET.replace("FMO_B,FMO_B.fcs,,,2025-06-17,B,fmo:FoxP3\n", "")
    rules = override("batch: B", "FoxP3+", change="set: {above: {FoxP3: 1000}}")
    checked = notes(tiny_study(tmp_path, sheet=sheet, overrides=rules))
    assert {note.code for some in checked.values() for note in some} == {"override-applied"}


def test_nobody_confirmed(tmp_path: Path) -> None:
    study = STUDY.replace('confirmed: {by: somebody, at: "2025-06-01"}\n', "")
    assert notes(tiny_study(tmp_path, study=study)) == {"": (NOT_CONFIRMED,)}


def test_guessed_cells(tmp_path: Path) -> None:
    lines = SHEET.splitlines()
    sheet = "\n".join([lines[0] + ",guessed", lines[1] + ",visit batch", *lines[2:], ""])
    text = "guessed from the file's name or its $DATE: visit batch; correct them, then empty the cell 'guessed'"
    assert notes(tiny_study(tmp_path, sheet=sheet)) == {
        "S1_D0": (Finding("guessed-cells", "review", "sample sheet", text),)
    }


def test_a_subject_without_its_baseline(tmp_path: Path) -> None:
    sheet = SHEET.replace("S2_D0,S2_D0.fcs,S2,D0,2025-02-10,B,sample\n", "")
    assert notes(tiny_study(tmp_path, sheet=sheet)) == {"": (Finding("visit-missing", "warning", "S2", "has no D0"),)}


def test_samples_that_are_in_no_endpoint(tmp_path: Path) -> None:
    sheet = SHEET.replace("S2,D0", ",D0").replace("S2,D8", "S2,")
    assert notes(tiny_study(tmp_path, sheet=sheet))[""] == (
        Finding("no-visit", "warning", "S2_D0", "has no subject or no visit: it is in no endpoint"),
        Finding("no-visit", "warning", "S2_D8", "has no subject or no visit: it is in no endpoint"),
        Finding("visit-missing", "warning", "S2", "has no D0, D8"),
    )


def test_visits_do_not_matter_without_endpoints(tmp_path: Path) -> None:
    study = "tregflow: 1\nname: X\nstrategy: tiny.yaml\nconfirmed: {by: a, at: b}\nfew_events: {cd4_fail: 0}\n"
    sheet = "sample,file,batch,role\nS1_D0,S1_D0.fcs,A,sample\nFMO_A,FMO_A.fcs,A,fmo:FoxP3\n"
    assert notes(tiny_study(tmp_path, study=study, sheet=sheet)) == {}


def test_a_visit_outside_its_window(tmp_path: Path) -> None:
    sheet = SHEET.replace("2025-02-11", "2025-02-15").replace("2025-02-18", "2025-02-20")
    assert notes(tiny_study(tmp_path, sheet=sheet)) == {
        "S1_D8": (
            Finding("visit-window", "warning", "S1_D8", "2025-02-15 is day 12, outside the window 7 to 10 of D8"),
        )
    }


def test_days_are_counted_from_the_day_of_the_baseline(tmp_path: Path) -> None:
    study = STUDY.replace("D0: {day: 0, window: [-7, 0]}", "D0: {day: 1}").replace("[7, 10]", "[8, 8]")
    text = (
        "2025-02-11 is day 9, outside the window 8 to 8 of D8"  # the baseline is day 1, as in ADaM: there is no day 0
    )
    sheet = SHEET.replace("2025-02-18", "2025-02-17")
    assert notes(tiny_study(tmp_path, study=study, sheet=sheet)) == {
        "S1_D8": (Finding("visit-window", "warning", "S1_D8", text),)
    }


def test_limits_on_a_population_that_is_not_there(tmp_path: Path) -> None:
    renamed = STRATEGY.replace("CD4+", "CD4")
    assert notes(tiny_study(tmp_path, strategy=renamed)) == {
        "": (
            Finding(
                "no-cd4-limit",
                "warning",
                "few_events",
                "the strategy has no population 'CD4+': no limit on CD4+ events holds (few_events: {cd4: ...})",
            ),
        )
    }


def test_files_that_nobody_will_gate(tmp_path: Path) -> None:
    folder = tiny_study(tmp_path)
    for name in ("S3_D0.fcs", "more/S3_D8.fcs"):
        (folder / name).parent.mkdir(exist_ok=True)
        tiny_file(folder / name, treg=100)
    text = "it does not name these FCS files: S3_D0.fcs, more/S3_D8.fcs"
    assert notes(folder) == {"": (Finding("file-not-listed", "warning", "sample sheet", text),)}
