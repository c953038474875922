"""Running again does only what changed, and ends with the bytes of a fresh run, whatever stopped the one before."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.builders_study import SHEET, STUDY, TREG, left, override, rows, tiny_file, tiny_study

from tregflow._files import slug
from tregflow.batch import Run, run, work

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tregflow.batch.outcome import Outcome

ALL = set(TREG)


@pytest.fixture
def gated(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of samples that are gated, rather than taken from a former run."""
    names: list[str] = []
    plain = work._gate

    def counting(task: work.Task) -> Outcome:
        names.append(task.sample)
        return plain(task)

    monkeypatch.setattr(work, "_gate", counting)
    return names


def again(folder: Path, **options: Any) -> Run:
    return run(folder, out=folder / "out", **options)


def fresh(folder: Path, **options: Any) -> dict[str, bytes]:
    return left(run(folder, out=folder / "fresh", **options).out)


def kept(folder: Path, sample: str) -> Path:
    return folder / "out" / ".kept" / f"{slug(sample)}.json"


def rewrite(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")

    return change


def add(name: str, text: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).write_text(text, encoding="utf-8")

    return change


def new_file(name: str, **options: Any) -> Callable[[Path], None]:
    return lambda folder: tiny_file(folder / name, **options)


def rename(folder: Path) -> None:
    (folder / "S1_D0.fcs").rename(folder / "new.fcs")
    rewrite("samples.csv", "S1_D0.fcs", "new.fcs")(folder)


MATRIX = "B515-A,G560-A\n1,0.01\n0.02,1\n"


def nothing(folder: Path) -> None:
    """Change nothing."""


# -------------------------------------------------------------------------------------------------- what is done again


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(nothing, set(), id="nothing"),
        pytest.param(new_file("S1_D8.fcs", treg=77), {"S1_D8"}, id="a file"),
        pytest.param(rename, {"S1_D0"}, id="a file's name"),
        pytest.param(new_file("FMO_B.fcs", treg=50, foxp3=False, seed=99), {"S2_D0", "S2_D8"}, id="a control"),
        pytest.param(rewrite("tiny.yaml", "CD25: 2000", "CD25: 9000"), ALL, id="a gate"),
        pytest.param(rewrite("tiny.yaml", "Treg / CD4+", "Treg / Cells"), ALL, id="a ratio"),
        pytest.param(rewrite("tiny.yaml", "0.99", "0.5"), ALL, id="a quantile"),
        pytest.param(rewrite("tiny.yaml", "compensation:", "# said\ncompensation:"), set(), id="a comment"),
        pytest.param(add("overrides.yaml", override("sample: S2_D0")), {"S2_D0"}, id="an override of a sample"),
        pytest.param(add("overrides.yaml", override("batch: A")), {"S1_D0", "S1_D8"}, id="an override of a batch"),
        pytest.param(
            add("overrides.yaml", override("sample: FMO_A", change="set: {above: {CD4: 8000}}")),
            {"S1_D0", "S1_D8"},
            id="an override of a control",
        ),
        pytest.param(rewrite("study.yaml", "cd4_finding: 500", "cd4_finding: 1500"), ALL, id="a limit"),
        pytest.param(rewrite("study.yaml", "confirmed:", "# confirmed:"), ALL, id="a confirmation"),
        pytest.param(rewrite("study.yaml", "confirmed:", "compensation: fcs\nconfirmed:"), ALL, id="the compensation"),
        pytest.param(rewrite("samples.csv", "B,sample", "C,sample"), {"S2_D0", "S2_D8"}, id="a batch"),
        pytest.param(rewrite("samples.csv", ",S1,", ",P1,"), set(), id="a subject"),
        pytest.param(rewrite("study.yaml", "[7, 10]", "[6, 10]"), set(), id="a window"),
        pytest.param(
            rewrite("study.yaml", "claim: unchanged, margin: [0.80, 1.25]", "test: wilcoxon"), set(), id="an endpoint"
        ),
    ],
)
def test_only_what_depends_on_a_change_is_done_again(
    tmp_path: Path, gated: list[str], change: Callable[[Path], None], expected: set[str]
) -> None:
    again(tiny_study(tmp_path))
    assert gated == list(TREG)
    gated.clear()
    change(tmp_path)
    found = left(again(tmp_path).out)
    assert set(gated) == expected
    assert len(gated) == len(expected)
    assert found == fresh(tmp_path)


def test_a_matrix_concerns_its_batch(tmp_path: Path, gated: list[str]) -> None:
    study = STUDY + "compensation: {batch: {A: a.csv, B: b.csv}}\n"
    tiny_study(tmp_path, study=study)
    add("a.csv", MATRIX)(tmp_path)
    add("b.csv", MATRIX)(tmp_path)
    again(tmp_path)
    gated.clear()
    add("b.csv", MATRIX.replace("0.02", "0.03"))(tmp_path)
    found = left(again(tmp_path).out)
    assert set(gated) == {"S2_D0", "S2_D8"}
    assert found == fresh(tmp_path)


def test_a_guess_that_was_checked(tmp_path: Path, gated: list[str]) -> None:
    lines = SHEET.splitlines()
    guessed = "\n".join([lines[0] + ",guessed", *(f"{line},visit" for line in lines[1:]), ""])
    again(tiny_study(tmp_path, sheet=guessed))
    gated.clear()
    add("samples.csv", guessed.replace("2025-02-11,A,sample,visit", "2025-02-11,A,sample,"))(tmp_path)
    found = left(again(tmp_path).out)
    assert gated == ["S1_D8"]
    assert found == fresh(tmp_path)


@pytest.mark.parametrize("changed", ["tregflow.batch.work.__version__", "tregflow.batch.manifest._PACKAGES"])
def test_other_versions_do_everything_again(
    tmp_path: Path, gated: list[str], monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    again(tiny_study(tmp_path))
    gated.clear()
    monkeypatch.setattr(changed, ("numpy", "typer") if changed.endswith("_PACKAGES") else "99.0")
    again(tmp_path)
    assert gated == list(TREG)


def test_there_and_back_is_the_first_again(tmp_path: Path) -> None:
    first = left(again(tiny_study(tmp_path)).out)
    rewrite("tiny.yaml", "CD25: 2000", "CD25: 9000")(tmp_path)
    assert left(again(tmp_path).out) != first
    rewrite("tiny.yaml", "CD25: 9000", "CD25: 2000")(tmp_path)
    assert left(again(tmp_path).out) == first


# ----------------------------------------------------------------------------------------------------- what stopped it


@pytest.mark.parametrize("after", [1, 2, 3, 4])
def test_a_run_that_was_interrupted_goes_on(tmp_path: Path, gated: list[str], after: int) -> None:
    heard: list[str] = []

    def stop(outcome: Outcome) -> None:
        heard.append(outcome.sample)
        if len(heard) == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        again(tiny_study(tmp_path), progress=stop)
    assert not (tmp_path / "out" / "manifest.json").exists()
    assert gated == list(TREG)[:after]
    gated.clear()
    found = left(again(tmp_path).out)
    assert gated == list(TREG)[after:]
    assert found == fresh(tmp_path)


def test_a_pool_that_was_interrupted_goes_on(tmp_path: Path) -> None:
    def stop(outcome: Outcome) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        again(tiny_study(tmp_path), jobs=2, progress=stop)
    assert left(again(tmp_path).out) == fresh(tmp_path)


def test_a_process_that_was_killed_is_followed_by_one_that_goes_on(tmp_path: Path, gated: list[str]) -> None:
    script = "import os, sys, tregflow\ntregflow.run(sys.argv[1], out=sys.argv[2], progress=lambda _: os._exit(9))"
    arguments = [sys.executable, "-c", script, str(tiny_study(tmp_path)), str(tmp_path / "out")]
    assert subprocess.run(arguments, check=False).returncode == 9
    found = left(again(tmp_path).out)
    assert gated == list(TREG)[1:]
    assert found == fresh(tmp_path)


@pytest.mark.parametrize("lost", [("S1_D8",), ("S1_D0", "S2_D8"), tuple(TREG)])
def test_outcomes_that_were_lost_are_computed_again(tmp_path: Path, gated: list[str], lost: tuple[str, ...]) -> None:
    first = left(again(tiny_study(tmp_path)).out)
    gated.clear()
    for sample in lost:
        kept(tmp_path, sample).unlink()
    assert left(again(tmp_path).out) == first
    assert gated == list(lost)


@pytest.mark.parametrize("content", [b"", b'{"sample": "S1_D8", "key"', b"{}"])
def test_an_outcome_that_is_damaged_is_computed_again(tmp_path: Path, gated: list[str], content: bytes) -> None:
    first = left(again(tiny_study(tmp_path)).out)
    gated.clear()
    kept(tmp_path, "S1_D8").write_bytes(content)
    assert left(again(tmp_path).out) == first
    assert gated == ["S1_D8"]


def test_tables_that_were_lost_or_edited_are_written_again(tmp_path: Path, gated: list[str]) -> None:
    first = left(again(tiny_study(tmp_path)).out)
    gated.clear()
    (tmp_path / "out" / "frequencies.csv").write_text("edited", encoding="utf-8")
    (tmp_path / "out" / "populations.csv").unlink()
    next((tmp_path / "out" / "gates").iterdir()).unlink()
    assert left(again(tmp_path).out) == first
    assert gated == []


def test_a_failed_sample_is_tried_again(tmp_path: Path, gated: list[str]) -> None:
    (tiny_study(tmp_path) / "S1_D8.fcs").rename(tmp_path / "away")
    assert again(tmp_path).exit_status == 3
    gated.clear()
    assert again(tmp_path).exit_status == 3
    (tmp_path / "away").rename(tmp_path / "S1_D8.fcs")
    result = again(tmp_path)
    assert set(gated) == {"S1_D8"}
    assert result.exit_status == 0
    assert left(result.out) == fresh(tmp_path)


def test_a_sample_that_fails_after_a_success_has_no_numbers(tmp_path: Path) -> None:
    again(tiny_study(tmp_path))
    (tmp_path / "S1_D8.fcs").write_text("spoiled", encoding="utf-8")
    result = again(tmp_path)
    assert result.exit_status == 3
    assert "S1_D8" not in {row["sample"] for row in rows(result.out / "populations.csv")}
    assert left(result.out) == fresh(tmp_path)


# --------------------------------------------------------------------------------------------------------------- plots


def pages(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "out" / "plots").glob("*.png")}


def test_a_page_belongs_to_the_numbers_beside_it(tmp_path: Path, gated: list[str]) -> None:
    one_patient = "\n".join(line for line in SHEET.splitlines() if not line.startswith(("S2", "FMO_B")))
    study = "tregflow: 1\nname: X\nstrategy: tiny.yaml\n"
    again(tiny_study(tmp_path, sheet=one_patient, study=study), plots=True)
    before = pages(tmp_path)
    assert set(before) == {f"{slug(sample)}.png" for sample in ("S1_D0", "S1_D8")}
    gated.clear()
    again(tmp_path, plots=True)
    again(tmp_path)
    assert (gated, pages(tmp_path)) == ([], before)  # nothing changed: the pages are right and stay
    rewrite("tiny.yaml", "CD25: 2000", "CD25: 9000")(tmp_path)
    again(tmp_path)
    assert pages(tmp_path) == {}  # they showed other gates
    again(tmp_path, plots=True)
    after = pages(tmp_path)
    assert set(after) == set(before)
    assert all(after[name] != before[name] for name in before)
    (tmp_path / "S1_D8.fcs").unlink()
    again(tmp_path)
    assert set(pages(tmp_path)) == {f"{slug('S1_D0')}.png"}
    (tmp_path / "samples.csv").write_text(one_patient.replace("S1_D0,", "renamed,"), encoding="utf-8")
    again(tmp_path)
    assert pages(tmp_path) == {}
