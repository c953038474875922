"""study.yaml, the sample sheet and what they name: read whole, faults listed at once, nothing outside the folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.builders_study import EXAMPLE, SHEET, STRATEGY, STUDY, override, tiny_file

from tregflow._files import sha256_bytes, sha256_file
from tregflow.errors import StrategyError, StudyError, TregflowError
from tregflow.few_events import FewEvents
from tregflow.findings import Finding
from tregflow.strategy import Strategy
from tregflow.study import Row, Study, fcs_files

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "sample,file,subject,visit,date,batch,role\n"


def texts(folder: Path, *, study: str = STUDY, sheet: str = SHEET, overrides: str | None = None) -> Path:
    """Write the texts of the tiny study; FCS files are not looked at when a study is loaded."""
    (folder / "study.yaml").write_text(study, encoding="utf-8")
    (folder / "samples.csv").write_text(sheet, encoding="utf-8")
    (folder / "tiny.yaml").write_text(STRATEGY, encoding="utf-8")
    if overrides is not None:
        (folder / "overrides.yaml").write_text(overrides, encoding="utf-8")
    return folder


def refused(folder: Path, kind: type[TregflowError] = StudyError) -> TregflowError:
    with pytest.raises(kind) as caught:
        Study.load(folder)
    assert type(caught.value) is kind
    return caught.value


def sheet_fault(folder: Path, *lines: str) -> str:
    """Return the message on a sheet whose first row is right and whose others are `lines`."""
    good = "S1_D0,S1_D0.fcs,S1,D0,2025-02-03,A,sample\n"
    error = refused(texts(folder, sheet=HEAD + good + "\n".join(lines) + "\n"))
    assert error.code == "E_SAMPLES"
    return str(error)


# ----------------------------------------------------------------------------------------------------- what is read


def test_the_example_trial_is_read_whole() -> None:
    study = Study.load(EXAMPLE)
    assert study.name == "TREG-DEMO"
    assert study.folder == EXAMPLE
    assert len(study.rows) == 22
    assert study.rows[1] == Row("P01_D8", "P01_D8.fcs", "P01", "D8", "2025-02-11", "B1", "sample", line=3)
    assert [rule.id for rule in study.strategy.overrides] == ["B2-CD25-CD127", "B2-CD45RA", "P06_D8-scatter"]
    assert {name: row.sample for name, row in study.controls("B2").items()} == {"FoxP3": "B2_FMO_FoxP3"}
    assert study.path(study.rows[0]) == EXAMPLE / "P01_D0.fcs"
    inputs = ("study.yaml", "samples.csv", "treg.yaml", "overrides.yaml")
    assert study.inputs == {name: sha256_file(EXAMPLE / name) for name in inputs}
    assert study.design is not None
    assert (study.design.baseline, study.design.visits) == ("D0", ("D0", "D8"))
    assert [(e.name, e.ratio, e.test, e.claim) for e in study.design.endpoints] == [
        ("primary", "Treg_of_CD4", "t_fold", "changed"),
        ("teff", "Teff_of_Lymphocytes", "t_log", "unchanged"),
        ("b_cells", "B_of_Lymphocytes", "t_log", "unchanged"),
    ]


def test_a_study_is_its_file_or_its_folder(tmp_path: Path) -> None:
    texts(tmp_path)
    assert Study.load(tmp_path).settings == Study.load(str(tmp_path / "study.yaml")).settings


def test_the_settings_reach_the_study(tmp_path: Path) -> None:
    study = Study.load(texts(tmp_path, overrides=override("batch: A")))
    assert study.few_events == FewEvents(cd4_finding=500, cd4_fail=200)
    assert study.confirmed is not None
    assert (study.confirmed.by, study.confirmed.at) == ("somebody", "2025-06-01")
    assert study.visits["D8"].window == (7, 10)
    assert [rule.id for rule in study.strategy.overrides] == ["R1"]  # found beside the study without being named


def test_a_date_without_quotes_is_a_text(tmp_path: Path) -> None:
    study = Study.load(texts(tmp_path, study=STUDY.replace('"2025-06-01"', "2025-06-01")))
    assert study.confirmed is not None
    assert study.confirmed.at == "2025-06-01"


def test_without_endpoints_there_is_no_design(tmp_path: Path) -> None:
    plain = "tregflow: 1\nname: X\nstrategy: tiny.yaml\n"
    study = Study.load(texts(tmp_path, study=plain))
    assert study.design is None
    assert study.confirmed is None
    assert [row.visit for row in study.rows[:2]] == ["D0", "D8"]  # no plan of visits: none is wrong


def test_a_shipped_strategy_takes_overrides_too(tmp_path: Path) -> None:
    plain = "tregflow: 1\nname: X\nstrategy: treg\n"
    study = Study.load(texts(tmp_path, study=plain, overrides=override("sample: S1_D0")))
    assert study.strategy.source == "treg (shipped)"
    assert [rule.id for rule in study.strategy.overrides] == ["R1"]
    above = study.strategy.applied(id="S1_D0", batch="A").strategy.data["gates"]["CD4+"]["above"]
    assert above == {"CD4": 1500}


def test_the_studys_compensation_wins(tmp_path: Path) -> None:
    study = Study.load(texts(tmp_path, study=STUDY + "compensation: {batch: {A: a.csv, B: none}}\n"))
    assert study.strategy.data["compensation"] == {"batch": {"A": "a.csv", "B": "none"}}


def test_a_locked_strategy_that_is_the_same(tmp_path: Path) -> None:
    locked = STUDY + f"strategy_sha256: {sha256_bytes(STRATEGY.encode())}\n"
    assert Study.load(texts(tmp_path, study=locked)).strategy.sha256 == sha256_bytes(STRATEGY.encode())


def test_other_columns_and_a_sheet_of_a_spreadsheet(tmp_path: Path) -> None:
    sheet = "\ufeffsample;file;lymphocytes_per_ul;gate;\nP;P.fcs;1800;x;\n"
    assert Study.load(texts(tmp_path, sheet=sheet)).rows == (Row("P", "P.fcs", line=2),)


def test_guards_of_a_spreadsheet_are_taken_off(tmp_path: Path) -> None:
    sheet = HEAD + "'=S1,S1.fcs,'-1,D0,,'@A,sample\n"
    row = Study.load(texts(tmp_path, sheet=sheet)).rows[0]
    assert (row.sample, row.subject, row.batch) == ("=S1", "-1", "@A")


def test_a_guessed_cell_is_a_finding_of_its_row() -> None:
    assert Row("P", "P.fcs").findings() == ()
    assert Row("P", "P.fcs", guessed="visit batch").findings() == (
        Finding(
            "guessed-cells",
            "review",
            "sample sheet",
            "guessed from the file's name or its $DATE: visit batch; correct them, then empty the cell 'guessed'",
        ),
    )


@pytest.mark.parametrize(
    ("role", "control"), [("fmo:FoxP3", "FoxP3"), ("sample", ""), ("single:CD3", ""), ("unstained", "")]
)
def test_the_control_of_a_role(role: str, control: str) -> None:
    assert Row("P", "P.fcs", role=role).control == control


# ------------------------------------------------------------------------------------------------ faults of study.yaml


def test_no_study(tmp_path: Path) -> None:
    assert str(refused(tmp_path)) == (
        f"{tmp_path / 'study.yaml'}: no such file\n  remedy     make one with: tregflow init FOLDER"
    )


def test_an_fcs_file_is_no_study(tmp_path: Path) -> None:
    file = tmp_path / "P01.FCS"
    tiny_file(file, treg=100)
    assert str(refused(file)) == (
        f"{file}: is no study file\n"
        "  expected   study.yaml, or the folder that holds it\n"
        f"  remedy     look into an FCS file with: tregflow inspect {file}"
    )


def test_no_yaml(tmp_path: Path) -> None:
    assert str(refused(texts(tmp_path, study="tregflow: 1\nname: a: b\n"))) == (
        "study.yaml: line 2: mapping values are not allowed here\n"
        "  expected   YAML 1.2\n"
        "  remedy     correct the line; text with : or # in it needs quotes"
    )


def test_a_key_twice(tmp_path: Path) -> None:
    error = refused(texts(tmp_path, study=STUDY + "baseline: D8\n"))
    assert str(error).startswith('study.yaml: line 13: found duplicate key "baseline"')


WRONG_KEYS = """\
tregflow: 2
nam: X
strategy: tiny.yaml
compensation: 3
visits:
  D0: {day: zero}
baseline: D0
endpoints:
  primary: {ratio: Treg_of_CD4, vist: D8, test: t_folds, margin: [0, 1.25]}
few_events: {not_detected: -1}
confirmed: yes
"""


def test_every_wrong_key_is_listed_with_its_line(tmp_path: Path) -> None:
    keys = (
        "tregflow, name, strategy, strategy_sha256, confirmed, compensation, samples, overrides, visits, baseline, "
        "endpoints, few_events, gate_placement"
    )
    assert str(refused(texts(tmp_path, study=WRONG_KEYS))) == (
        "study.yaml: 11 faults\n"
        "  line 1    tregflow: input should be 1 (there is 2)\n"
        "  line 1    name: this key is required\n"
        f"  line 2    nam: unknown key; did you mean 'name'?; allowed: {keys}\n"
        "  line 4    compensation: expected fcs, none, a name of matrices, a CSV file, or {batch: {B1: b1.csv}} "
        "(there is 3)\n"
        "  line 6    visits.D0.day: input should be a valid integer (there is 'zero')\n"
        "  line 9    endpoints.primary.visit: this key is required\n"
        "  line 9    endpoints.primary.test: input should be 't_fold', 't_log' or 'wilcoxon' (there is 't_folds')\n"
        "  line 9    endpoints.primary.margin.0: input should be greater than 0 (there is 0)\n"
        "  line 9    endpoints.primary.vist: unknown key; did you mean 'visit'?; "
        "allowed: ratio, visit, test, claim, margin\n"
        "  line 10   few_events.not_detected: input should be greater than or equal to 0 (there is -1)\n"
        "  line 11   confirmed: expected keys and values (there is 'yes')\n"
        "  remedy     correct the lines named above"
    )


WRONG_SENSE = """\
tregflow: 1
name: X
strategy: tiny.yaml
visits:
  D0: {day: 0}
  D8: {day: 8, window: [9, 10]}
baseline: D1
endpoints:
  primary: {ratio: Treg_of_CD, visit: D80}
  b_cells: {ratio: B_of_Cells, visit: D8, claim: unchanged, test: t_fold, margin: [1.1, 1.2]}
few_events: {not_detected: 60, cd4: CD4}
"""


def test_everything_that_makes_no_sense_is_listed_with_its_line(tmp_path: Path) -> None:
    error = refused(texts(tmp_path, study=WRONG_SENSE, overrides=override("sample: S1D0")))
    assert str(error) == (
        "study.yaml: 9 faults\n"
        "  line 1    overrides: override R1 names sample 'S1D0', which the sample sheet does not have; "
        "did you mean 'S1_D0'?\n"
        "  line 6    visits.D8.window: day 8 is outside its own window\n"
        "  line 7    baseline: no visit 'D1'\n"
        "  line 9    endpoints.primary.ratio: the strategy reports no 'Treg_of_CD'; did you mean 'Treg_of_CD4'?\n"
        "  line 9    endpoints.primary.visit: no visit 'D80'; did you mean 'D8'?\n"
        "  line 10   endpoints.b_cells.margin: expected [below 1, above 1]\n"
        "  line 10   endpoints.b_cells.test: t_fold cannot show that a ratio is unchanged; "
        "leave test out, or claim a change\n"
        "  line 11   few_events.cd4: the strategy has no population 'CD4'; did you mean 'CD4+'?\n"
        "  line 11   few_events: limits on counts contradict each other; expected 0 <= not_detected <= "
        "not_quantifiable <= finding, and 0 <= cd4_fail <= cd4_finding\n"
        "  remedy     correct the lines named above"
    )


def test_endpoints_need_a_baseline(tmp_path: Path) -> None:
    error = refused(texts(tmp_path, study=STUDY.replace("baseline: D0\n", "")))
    assert str(error) == (
        "study.yaml: 1 fault\n"
        "  line 7    endpoints: endpoints need a baseline (baseline: D0)\n"
        "  remedy     correct the lines named above"
    )


def test_an_endpoint_at_the_baseline(tmp_path: Path) -> None:
    error = refused(texts(tmp_path, study=STUDY.replace("visit: D8}", "visit: D0}")))
    assert str(error) == (
        "study.yaml: 1 fault\n"
        "  line 9    endpoints.primary.visit: is the baseline itself\n"
        "  remedy     correct the lines named above"
    )


def test_an_override_for_a_batch_that_is_not_there(tmp_path: Path) -> None:
    assert str(refused(texts(tmp_path, overrides=override("batch: C")))) == (
        "study.yaml: 1 fault\n"
        "  line 1    overrides: override R1 names batch 'C', which the sample sheet does not have\n"
        "  remedy     correct the lines named above"
    )


def test_a_strategy_that_is_not_the_locked_one(tmp_path: Path) -> None:
    error = refused(texts(tmp_path, study=STUDY + "strategy_sha256: abc\n"))
    assert error.code == "E_LOCKED"
    assert str(error) == (
        "tiny.yaml: the strategy is not the one that was locked\n"
        "  expected   SHA-256 abc\n"
        f"  available  {sha256_bytes(STRATEGY.encode())}\n"
        "  remedy     restore the file, or lock the new one: strategy_sha256 in study.yaml"
    )


def test_a_strategy_that_is_not_there(tmp_path: Path) -> None:
    error = refused(texts(tmp_path, study=STUDY.replace("tiny.yaml", "tinny.yaml")), StrategyError)
    assert str(error) == (
        f"{tmp_path / 'tinny.yaml'}: no such file\n"
        "  available  study.yaml, tiny.yaml\n"
        "  remedy     a path of a YAML file, or a shipped name: treg, treg-no127, treg-surface"
    )


def test_overrides_that_are_named_and_not_there(tmp_path: Path) -> None:
    error = refused(texts(tmp_path, study=STUDY + "overrides: moved.yaml\n"), StrategyError)
    assert (error.code, error.file) == ("E_OVERRIDES", str(tmp_path / "moved.yaml"))


# ------------------------------------------------------------------------------------------- nothing outside the folder


@pytest.mark.parametrize(
    ("entry", "file"),
    [
        ("samples: ../samples.csv", "study.yaml"),
        ("overrides: /tmp/overrides.yaml", "study.yaml"),
        ("compensation: ../matrix.csv", "study.yaml"),
        ("compensation: {batch: {A: none, B: a/../../m.csv}}", "study.yaml"),
    ],
)
def test_a_path_that_leads_out_of_the_folder(tmp_path: Path, entry: str, file: str) -> None:
    path = entry.removesuffix("}}").split(": ")[-1]
    error = refused(texts(tmp_path, study=f"{STUDY}{entry}\n"), StrategyError)
    assert str(error) == (
        f"{file}: the path '{path}' leads out of the folder of the study\n"
        f"  expected   a file below {tmp_path}\n"
        "  remedy     copy the file into the folder"
    )


def test_a_strategy_outside_the_folder(tmp_path: Path) -> None:
    error = refused(texts(tmp_path, study=STUDY.replace("tiny.yaml", "../tiny.yaml")), StrategyError)
    assert error.code == "E_PATH"


def test_a_matrix_that_the_strategy_wants_from_outside(tmp_path: Path) -> None:
    texts(tmp_path)
    (tmp_path / "tiny.yaml").write_text(STRATEGY.replace("compensation: none", "compensation: ../m.csv"))
    error = refused(tmp_path, StrategyError)
    assert (error.code, error.file) == ("E_PATH", "tiny.yaml")


@pytest.mark.parametrize("path", ["../P01.fcs", "/etc/passwd", "a/../../P01.fcs"])
def test_an_fcs_file_outside_the_folder(tmp_path: Path, path: str) -> None:
    assert sheet_fault(tmp_path, f"P01,{path}") == (
        "samples.csv: 1 fault\n"
        f"  line 3: the path '{path}' leads out of the folder of the study\n"
        "  remedy     correct the lines named above"
    )


# ------------------------------------------------------------------------------------------- faults of the sample sheet

FAULTS = [
    ("S1_D0,a.fcs", "the sample 'S1_D0' is on line 2 already"),
    ("a,S1_D0.fcs", "the file 'S1_D0.fcs' is on line 2 already"),
    ("a,./S1_D0.fcs", "the file './S1_D0.fcs' is on line 2 already"),
    ("a,a.fcs,S1,D0", "subject S1 has visit D0 on line 2 already"),
    (",a.fcs", "the cell 'sample' is empty"),
    ("a,", "the cell 'file' is empty"),
    ("a,a.fcs,S1,D80", "no visit 'D80'; did you mean 'D8'?; study.yaml has D0, D8"),
    ("a,a.fcs,S1,week,", "no visit 'week'; study.yaml has D0, D8"),
    ("a,a.fcs,,,03/02/2025", "the date '03/02/2025' is not written as YYYY-MM-DD"),
    ("a,a.fcs,,,20250203", "the date '20250203' is not written as YYYY-MM-DD"),
    ("a,a.fcs,,,2025-02-30", "the date '2025-02-30' is not written as YYYY-MM-DD"),
    (
        "a,a.fcs,,,,,Sample",
        "unknown role 'Sample'; did you mean 'sample'?; allowed: sample, unstained, fmo:MARKER, single:MARKER",
    ),
    (
        "a,a.fcs,,,,,FMO:FoxP3",
        "unknown role 'FMO:FoxP3'; did you mean 'fmo:FoxP3'?; allowed: sample, unstained, fmo:MARKER, single:MARKER",
    ),
    ("a,a.fcs,,,,,control", "unknown role 'control'; allowed: sample, unstained, fmo:MARKER, single:MARKER"),
    ("a,a.fcs,,,,A,sample,x,y", "'x, y' stands in a cell without a column; a comma in a cell needs quotes"),
]


@pytest.mark.parametrize(("line", "text"), FAULTS)
def test_a_fault_of_the_sheet(tmp_path: Path, line: str, text: str) -> None:
    assert sheet_fault(tmp_path, line) == (
        f"samples.csv: 1 fault\n  line 3: {text}\n  remedy     correct the lines named above"
    )


def test_two_controls_of_a_kind_in_a_batch(tmp_path: Path) -> None:
    assert sheet_fault(tmp_path, "a,a.fcs,,,,A,fmo:FoxP3", "b,b.fcs,,,,A,fmo:FoxP3", "c,c.fcs,,,,B,fmo:FoxP3") == (
        "samples.csv: 1 fault\n"
        "  line 4: batch 'A' has a control fmo:FoxP3 on line 3 already\n"
        "  remedy     correct the lines named above"
    )


def test_every_fault_of_the_sheet_at_once_in_the_order_of_the_lines(tmp_path: Path) -> None:
    assert sheet_fault(tmp_path, "a,../a.fcs,S1,D8,3.2.25", "", "a,b.fcs,S1,D8", ",c.fcs,S9,D9,,,fmo:") == (
        "samples.csv: 7 faults\n"
        "  line 3: the path '../a.fcs' leads out of the folder of the study\n"
        "  line 3: the date '3.2.25' is not written as YYYY-MM-DD\n"
        "  line 5: the sample 'a' is on line 3 already\n"
        "  line 5: subject S1 has visit D8 on line 3 already\n"
        "  line 6: the cell 'sample' is empty\n"
        "  line 6: unknown role 'fmo:'; allowed: sample, unstained, fmo:MARKER, single:MARKER\n"
        "  line 6: no visit 'D9'; study.yaml has D0, D8\n"
        "  remedy     correct the lines named above"
    )


@pytest.mark.parametrize(
    ("header", "faults"),
    [
        ("sample,subject", ["no column 'file'"]),
        ("Sample;File", ["no column 'sample'; did you mean 'Sample'?", "no column 'file'; did you mean 'File'?"]),
        ("sample,file,visit,visit", ["the column 'visit' is there twice"]),
        ("sample,file,Visit,batchs", [f"unknown column '{a}'; did you mean '{b}'?" for a, b in
                                      (("Visit", "visit"), ("batchs", "batch"))]),
        ("", ["no column 'sample'", "no column 'file'"]),
    ],
)  # fmt: skip
def test_faults_of_the_header(tmp_path: Path, header: str, faults: list[str]) -> None:
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    assert str(refused(texts(tmp_path, sheet=f"{header}\nS1,S1.fcs\n"))) == "\n".join(
        [
            f"samples.csv: {count}",
            *(f"  line 1: {text}" for text in faults),
            "  remedy     correct the lines named above",
        ]
    )


@pytest.mark.parametrize("lines", ["", "a,a.fcs,,,,A,fmo:FoxP3\n"])
def test_a_sheet_without_a_sample(tmp_path: Path, lines: str) -> None:
    assert str(refused(texts(tmp_path, sheet=HEAD + lines))) == (
        "samples.csv: 1 fault\n  line 1: no row has the role sample\n  remedy     correct the lines named above"
    )


def test_a_sheet_whose_quotes_do_not_match(tmp_path: Path) -> None:
    assert str(refused(texts(tmp_path, sheet=HEAD + '"S1_D0,S1_D0.fcs\n'))) == (
        "samples.csv: not readable as CSV: unexpected end of data\n  remedy     look for quotes that do not match"
    )


def test_a_sheet_in_another_encoding(tmp_path: Path) -> None:
    texts(tmp_path)
    (tmp_path / "samples.csv").write_bytes("sample,file\nMüller,a.fcs\n".encode("latin-1"))
    assert str(refused(tmp_path)) == (
        f"{tmp_path / 'samples.csv'}: byte 13 is not UTF-8\n"
        "  expected   text in UTF-8\n"
        "  remedy     save the file as UTF-8"
    )


def test_no_sheet(tmp_path: Path) -> None:
    (texts(tmp_path) / "samples.csv").unlink()
    error = refused(tmp_path)
    assert (error.code, error.file) == ("E_STUDY_FILE", str(tmp_path / "samples.csv"))


# ------------------------------------------------------------------------------------------------- without a sheet


def test_a_folder_as_a_study(tmp_path: Path) -> None:
    for name in ("b.fcs", "D0/a.FCS", "D0/c.lmd", ".hidden/x.fcs", "._b.fcs", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    study = Study.from_folder(tmp_path, Strategy.loads(STRATEGY))
    assert study.rows == (Row("D0/a", "D0/a.FCS"), Row("D0/c", "D0/c.lmd"), Row("b", "b.fcs"))
    assert (study.design, study.confirmed, dict(study.settings), study.inputs) == (None, None, {}, {})
    assert fcs_files(tmp_path) == [tmp_path / "D0" / "a.FCS", tmp_path / "D0" / "c.lmd", tmp_path / "b.fcs"]


def test_files_that_differ_in_their_endings_only_keep_them(tmp_path: Path) -> None:
    for name in ("a.fcs", "a.lmd", "b.fcs"):
        (tmp_path / name).write_bytes(b"")
    study = Study.from_folder(tmp_path, Strategy.loads(STRATEGY))
    assert [row.sample for row in study.rows] == ["a.fcs", "a.lmd", "b"]


def test_a_folder_without_files(tmp_path: Path) -> None:
    with pytest.raises(StudyError) as caught:
        Study.from_folder(tmp_path, Strategy.loads(STRATEGY))
    assert str(caught.value) == (
        f"{tmp_path}: holds no FCS file\n"
        "  expected   files named *.fcs or *.lmd\n"
        "  remedy     check the path of the folder"
    )


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(StudyError) as caught:
        Study.from_folder(tmp_path / "nope", Strategy.loads(STRATEGY))
    assert str(caught.value) == f"{tmp_path / 'nope'}: no such folder\n  remedy     check the path of the folder"


# ----------------------------------------------------------------------------------------------- what a review found


def test_unchanged_needs_a_margin(tmp_path: Path) -> None:
    assert str(refused(texts(tmp_path, study=STUDY.replace(", margin: [0.80, 1.25]", "")))) == (
        "study.yaml: 1 fault\n"
        "  line 10   endpoints.b_cells: claim: unchanged needs a margin, such as margin: [0.80, 1.25]\n"
        "  remedy     correct the lines named above"
    )


def test_an_endpoint_that_repeats_another_is_refused_with_its_line(tmp_path: Path) -> None:
    assert str(refused(texts(tmp_path, study=STUDY.replace("ratio: B_of_Cells", "ratio: Tconv_of_CD4")))) == (
        "study.yaml: 1 fault\n"
        "  line 10   endpoints.b_cells.ratio: Tconv is what CD25hi leaves of CD4+: it repeats Treg_of_CD4 and is no "
        "endpoint\n"
        "  remedy     correct the lines named above"
    )


def test_overrides_by_batch_need_a_batch_in_every_row(tmp_path: Path) -> None:
    sheet = SHEET.replace("2025-02-03,A,sample", "2025-02-03,,sample")
    assert str(refused(texts(tmp_path, sheet=sheet, overrides=override("batch: A")))) == (
        "study.yaml: 1 fault\n"
        "  line 1    overrides: overrides go by batch, and the sample sheet has none for: S1_D0\n"
        "  remedy     correct the lines named above"
    )


def test_a_file_name_with_a_nul_is_refused(tmp_path: Path) -> None:
    assert "line 3: the path 'a?.fcs' leads out of the folder of the study" in sheet_fault(
        tmp_path, "S1_D8,a\0.fcs,S1,D8,2025-02-11,A,sample"
    )


def test_a_strategy_elsewhere_by_the_same_name_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").write_text(STRATEGY, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "study"
    folder.mkdir()
    error = refused(texts(folder, study=STUDY.replace("tiny.yaml", "mine")), StrategyError)
    assert str(error).startswith(f"{folder / 'mine'}: no such file\n")


def test_file_names_that_are_no_text_are_listed(tmp_path: Path) -> None:
    try:
        (tmp_path / "\udcff.fcs").write_bytes(b"")
    except OSError:
        pytest.skip("this file system has no such names")
    with pytest.raises(StudyError) as caught:
        Study.from_folder(tmp_path, Strategy.loads(STRATEGY))
    assert str(caught.value) == (
        f"{tmp_path}: file names that are no text\n"
        "  expected   names in UTF-8\n"
        "  available  '\\udcff.fcs'\n"
        "  remedy     rename these files"
    )
