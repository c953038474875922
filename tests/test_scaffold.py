"""A first study from a folder: what file names suggest is marked as a guess, nothing is overwritten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.builders_study import STRATEGY, override, rows, tiny_file, tiny_study

from tregflow.errors import StrategyError, StudyError
from tregflow.scaffold import Guess, guess, write_study
from tregflow.strategy import Strategy
from tregflow.study import Study

if TYPE_CHECKING:
    from pathlib import Path

MARKERS = Strategy.load("treg").axes
LAB = ("Patient 007 day 0.fcs", "Patient 007 day 8.fcs", "B1 FMO FoxP3.fcs", "unstained PBMC.fcs")


def lab(folder: Path, names: tuple[str, ...] = LAB) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        tiny_file(folder / name, treg=100)
    return folder


# ---------------------------------------------------------------------------------------------------------- guesses


@pytest.mark.parametrize(
    ("name", "subject", "visit", "day", "role"),
    [
        ("P01_D8.fcs", "P01", "D8", 8, "sample"),
        ("P01_D0.fcs", "P01", "D0", 0, "sample"),
        ("Patient 007 day 8.fcs", "007", "D8", 8, "sample"),
        ("day8 patient-12.fcs", "patient-12", "D8", 8, "sample"),
        ("SSc-03.W2.fcs", "SSc-03", "W2", 14, "sample"),
        ("012_month 6.fcs", "012", "M6", 180, "sample"),
        ("P01 Visit 2.fcs", "P01", "V2", 2, "sample"),
        ("HD12.fcs", "HD12", "", None, "sample"),
        ("blood.fcs", "", "", None, "sample"),
        ("D8/P01.fcs", "P01", "D8", 8, "sample"),
        ("CD4 sort.fcs", "CD4", "", None, "sample"),
        ("B1 FMO FoxP3.fcs", "", "", None, "fmo:FoxP3"),
        ("fmo-cd25_D8.fcs", "", "", 8, "fmo:CD25"),
        ("FMO CD45RA.fcs", "", "", None, "fmo:CD45RA"),
        ("FMO.fcs", "", "", None, "fmo:unknown"),
        ("unstained PBMC.fcs", "", "", None, "unstained"),
        ("P01_unst.fcs", "", "", None, "unstained"),
        ("blank 1.fcs", "", "", None, "unstained"),
        ("Compensation Controls_CD4.fcs", "", "", None, "single:unknown"),
        ("single-stain PE.fcs", "", "", None, "single:unknown"),
    ],
)
def test_what_a_name_suggests(tmp_path: Path, name: str, subject: str, visit: str, day: int | None, role: str) -> None:
    found = guess(name, tmp_path / name, MARKERS)
    assert (found.subject, found.visit, found.day, found.role) == (subject, visit, day, role)


def test_date_and_batch_come_from_the_header_or_the_folder(tmp_path: Path) -> None:
    lab(tmp_path, ("P01.fcs", "run 2/P01.fcs"))
    assert guess("P01.fcs", tmp_path / "P01.fcs", ()).batch == "2025-02-03"
    found = guess("run 2/P01.fcs", tmp_path / "run 2" / "P01.fcs", ())
    assert (found.date, found.batch) == ("2025-02-03", "run 2")


def test_a_file_that_cannot_be_read_has_no_date(tmp_path: Path) -> None:
    (tmp_path / "P01.fcs").write_text("hello", encoding="utf-8")
    assert guess("P01.fcs", tmp_path / "P01.fcs", ()) == Guess(subject="P01")


def test_cells_that_hold_a_guess_are_named() -> None:
    assert Guess("P01", "D8", 8, "2025-02-03", "B1").cells == "subject visit date batch"
    assert Guess(date="2025-02-03", role="unstained").cells == "date role"
    assert Guess().cells == ""


# ------------------------------------------------------------------------------------------------------------ files


def test_a_study_is_written_with_its_guesses_marked(tmp_path: Path) -> None:
    assert write_study(lab(tmp_path)) == {"fmo": 1, "sample": 2, "unstained": 1}
    assert [list(row.values()) for row in rows(tmp_path / "samples.csv")] == [
        ["B1 FMO FoxP3", "B1 FMO FoxP3.fcs", "", "", "2025-02-03", "2025-02-03", "fmo:FoxP3", "date batch role"],
        [LAB[0][:-4], LAB[0], "007", "D0", "2025-02-03", "2025-02-03", "sample", "subject visit date batch"],
        [LAB[1][:-4], LAB[1], "007", "D8", "2025-02-03", "2025-02-03", "sample", "subject visit date batch"],
        ["unstained PBMC", "unstained PBMC.fcs", "", "", "2025-02-03", "2025-02-03", "unstained", "date batch role"],
    ]
    study = Study.load(tmp_path)
    assert study.strategy.sha256 == Strategy.load("treg").sha256
    assert study.confirmed is None
    assert {name: visit.day for name, visit in study.visits.items()} == {"D0": 0, "D8": 8}
    assert study.design is not None
    assert (study.design.baseline, [(e.ratio, e.visit) for e in study.design.endpoints]) == (
        "D0",
        [("Treg_of_CD4", "D8")],
    )
    assert all(row.findings() for row in study.rows)


def test_without_visits_the_study_shows_how_to_write_them(tmp_path: Path) -> None:
    write_study(lab(tmp_path, ("one.fcs", "two.fcs")))
    assert Study.load(tmp_path).visits == {}
    assert "# visits: {D0: {day: 0, window: [-7, 0]}" in (tmp_path / "study.yaml").read_text(encoding="utf-8")


def test_one_visit_only_states_no_endpoint(tmp_path: Path) -> None:
    write_study(lab(tmp_path, ("P01_D0.fcs", "P02_D0.fcs")))
    study = Study.load(tmp_path)
    assert (list(study.visits), study.design) == (["D0"], None)


def test_ids_that_a_spreadsheet_would_run_are_guarded(tmp_path: Path) -> None:
    write_study(lab(tmp_path, ("=1+1.fcs", "-P01_D0.fcs")))
    assert (tmp_path / "samples.csv").read_bytes().splitlines()[1].startswith(b"'-P01_D0,'-P01_D0.fcs,")
    assert [row.sample for row in Study.load(tmp_path).rows] == ["-P01_D0", "=1+1"]


@pytest.mark.parametrize("name", ["study.yaml", "samples.csv", "treg.yaml"])
def test_nothing_is_overwritten(tmp_path: Path, name: str) -> None:
    (lab(tmp_path) / name).write_text("mine", encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        write_study(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / name}: is there already, and nothing is overwritten\n  remedy     edit it, or move it away first"
    )
    texts = [path for path in tmp_path.iterdir() if path.suffix != ".fcs"]
    assert [path.read_text(encoding="utf-8") for path in texts] == ["mine"]


def test_a_strategy_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "gates.yaml").write_text(STRATEGY, encoding="utf-8")
    write_study(lab(tmp_path / "lab"), strategy=str(tmp_path / "gates.yaml"))
    assert Study.load(tmp_path / "lab").strategy.spec.name == "tiny"
    assert (tmp_path / "lab" / "gates.yaml").read_text(encoding="utf-8") == STRATEGY


def test_a_strategy_that_is_in_the_folder_already(tmp_path: Path) -> None:
    own = lab(tmp_path) / "gates.yaml"
    own.write_text(STRATEGY, encoding="utf-8")
    write_study(tmp_path, strategy=str(own))
    assert Study.load(tmp_path).strategy.source == "gates.yaml"


def test_the_name_inside_a_strategy_is_no_path(tmp_path: Path) -> None:
    hostile = STRATEGY.replace("name: tiny", "name: ../../escaped")
    (tmp_path / "gates.yaml").write_text(hostile, encoding="utf-8")
    write_study(lab(tmp_path / "a" / "lab"), strategy=str(tmp_path / "gates.yaml"))
    assert sorted(path.name for path in tmp_path.rglob("*.yaml")) == ["gates.yaml", "gates.yaml", "study.yaml"]
    assert not list(tmp_path.rglob("escaped*"))


def test_a_strategy_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StrategyError) as caught:
        write_study(lab(tmp_path), strategy="tregg")
    assert caught.value.code == "E_STRATEGY_FILE"
    assert {path.suffix for path in tmp_path.iterdir()} == {".fcs"}


def test_a_folder_without_files(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="holds no FCS file"):
        write_study(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_overrides_beside_the_strategy_come_along(tmp_path: Path) -> None:
    folder, own = lab(tmp_path / "lab"), tiny_study(tmp_path / "own", overrides=override("sample: S1_D0"))
    write_study(folder, strategy=str(own / "tiny.yaml"))
    assert (folder / "overrides.yaml").read_bytes() == (own / "overrides.yaml").read_bytes()
    with pytest.raises(StudyError, match="names sample 'S1_D0', which the sample sheet does not have"):
        Study.load(folder)
    text = (folder / "study.yaml").read_text(encoding="utf-8")
    assert "simulated data" not in text
    assert "# confirmed: {by:" in text
    for name in ("study.yaml", "samples.csv", "tiny.yaml"):
        (folder / name).unlink()
    with pytest.raises(StudyError) as caught:
        write_study(folder, strategy=str(own / "tiny.yaml"))
    assert (caught.value.code, caught.value.file) == ("E_EXISTS", str(folder / "overrides.yaml"))
