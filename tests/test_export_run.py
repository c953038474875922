"""Populations of a finished run as files: every sample gated as the run did it, or refused; and the command line."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.builders_study import SHEET, STRATEGY, TREG, override, rows, spoiled, tiny_file, tiny_study
from tests.test_study_singles import study as paired_study
from typer.testing import CliRunner

import tregflow as tf
from tregflow._files import sha256_file, slug
from tregflow.cli import app
from tregflow.export.run import Exports, export_run
from tregflow.fcs import read_fcs
from tregflow.strategy import Strategy
from tregflow.study import EXPORT_INDEX, Study, fcs_files

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("pyarrow")
pytest.importorskip("anndata")


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Return the tiny study, run."""
    return run(tiny_study(tmp_path / "study"))


def run(folder: Path, **options: Any) -> Path:
    tf.run(folder, **options)
    return folder


def export(folder: Path, *, format: Any = "fcs", populations: Any = ("Treg",), **options: Any) -> Exports:  # noqa: A002
    return export_run(folder, format=format, populations=populations, **options)


def refused(folder: Path, **options: Any) -> tf.StudyError:
    with pytest.raises(tf.StudyError) as error:
        export(folder, **options)
    assert not (folder / "tregflow-results" / "export").exists()
    return error.value


def test_a_file_per_sample_with_the_counts_of_the_run(study: Path) -> None:
    done = export(study)
    assert done.folder == study / "tregflow-results" / "export"
    assert (done.exit_status, [row.sample for row in done.rows]) == (0, list(TREG))
    counts = {
        row["sample"]: row["count"]
        for row in rows(done.folder.parent / "populations.csv")
        if row["population"] == "Treg"
    }
    for line in rows(done.folder / EXPORT_INDEX):
        path = done.folder / line["file"]
        assert line["file"] == f"{slug(line['sample'])}_{slug('Treg')}.fcs"
        assert line["sha256"] == sha256_file(path)
        assert (line["status"], line["reason"], line["events"]) == ("written", "", counts[line["sample"]])
        made, source = read_fcs(path), read_fcs(study / f"{line['sample']}.fcs", sha256=True)
        places = made.values("tregflow_event").astype(int)
        assert (made.n_events, made.keywords["TREGFLOW_SOURCE_SHA256"]) == (int(line["events"]), source.sha256)
        np.testing.assert_array_equal(made.values("B515-A"), source.values("B515-A")[places])
        assert not any(name in path.read_bytes() for name in (b"Jane", b"John"))


def test_the_gates_that_are_stated_are_those_that_the_run_left(study: Path) -> None:
    done = export(study, samples=["S1_D0"])
    keywords = read_fcs(done.folder / done.rows[0].file).keywords
    assert keywords["TREGFLOW_GATES_SHA256"] == sha256_file(done.folder.parent / "gates" / f"{slug('S1_D0')}.yaml")
    assert keywords["TREGFLOW_STRATEGY_SHA256"] == sha256_file(study / "tiny.yaml")


@pytest.mark.parametrize("form", ["parquet", "h5ad", "masks", "masks-csv"])
def test_the_other_formats(study: Path, form: Any) -> None:
    done = export(study, format=form, samples=["S2_D8", "S1_D8"])
    masks = form.startswith("masks")
    assert [(row.sample, row.population, row.events) for row in done.rows] == [
        (name, "" if masks else "Treg", 1800 if masks else TREG[name]) for name in ("S1_D8", "S2_D8")
    ]
    ending = {"masks": ".masks.parquet", "masks-csv": ".masks.csv"}.get(form, f"_{slug('Treg')}.{form}")
    assert [row.file for row in done.rows] == [f"{slug(name)}{ending}" for name in ("S1_D8", "S2_D8")]
    if form == "masks-csv":
        head, *lines = (done.folder / done.rows[0].file).read_text(encoding="utf-8").splitlines()
        assert (head, sum(line.endswith(",1") for line in lines)) == ("event,Treg", TREG["S1_D8"])


def test_masks_hold_every_population_unless_some_are_named(study: Path) -> None:
    done = export(study, format="masks-csv", populations=(), samples=["S1_D0"])
    header = (done.folder / done.rows[0].file).read_text(encoding="utf-8").partition("\n")[0]
    assert header.split(",") == ["event", *Strategy.load(study / "tiny.yaml").spec.gates]


def test_overrides_and_controls_count_as_in_the_run(tmp_path: Path) -> None:
    folder = run(tiny_study(tmp_path, overrides=override("sample: S1_D0", change="set: {above: {CD4: 1e9}}")))
    done = export(folder, populations=["CD4+", "FoxP3+"])
    events = {(row.sample, row.population): row.events for row in done.rows}
    assert (events["S1_D0", "CD4+"], events["S1_D8", "CD4+"]) == (0, 1200)
    assert events["S1_D8", "FoxP3+"] >= TREG["S1_D8"]  # type: ignore[operator]
    assert done.count("failed") == 0


def test_matrices_from_controls_are_those_of_the_run(tmp_path: Path) -> None:
    folder = run(paired_study(tmp_path))
    done = export(folder, populations=["CD25+"], compensated=True)
    assert [(row.sample, row.status) for row in done.rows] == [("A_sample", "written"), ("B_sample", "written")]
    matrices = json.loads((done.folder.parent / "manifest.json").read_bytes())["matrices"]
    for batch, row in zip("AB", done.rows, strict=True):
        keywords = read_fcs(done.folder / row.file).keywords
        assert keywords["TREGFLOW_COMPENSATION_SHA256"] == matrices[batch]["matrix_sha256"]
    (folder / "B_single_CD4.fcs").write_bytes((folder / "A_single_CD4.fcs").read_bytes())
    assert [row.status for row in export(folder, populations=["CD25+"]).rows] == ["written", "failed"]


def test_a_population_that_a_sample_lacks_is_a_row_with_its_reason(tmp_path: Path) -> None:
    folder = run(tiny_study(tmp_path, sheet=SHEET.replace("FMO_B,FMO_B.fcs,,,2025-06-17,B,fmo:FoxP3\n", "")))
    done = export(folder)
    assert (done.exit_status, done.count("written"), done.count("missing")) == (4, 2, 2)
    line = rows(done.folder / EXPORT_INDEX)[2]
    assert (line["sample"], line["status"], line["events"], line["file"]) == ("S2_D0", "missing", "", "")
    assert line["reason"] == "FoxP3+ is missing"
    assert f"S2_D0: Treg: {line['reason']}\n" in repr(done)


def test_a_sample_that_failed_in_the_run_has_no_file(tmp_path: Path) -> None:
    folder = tiny_study(tmp_path)
    spoiled(folder / "S1_D8.fcs")
    done = export(run(folder))
    assert (done.exit_status, done.count("written"), done.count("failed")) == (3, 3, 1)
    assert done.rows[1].reason.startswith(
        "E_EXPORT_FAILED: S1_D8.fcs: failed in the run: E_NOT_FCS: S1_D8.fcs: not an "
    )


def test_a_file_that_is_another_now(study: Path) -> None:
    before = export(study)
    tiny_file(study / "S1_D8.fcs", treg=240, seed=99)
    done = export(study)
    row = done.rows[1]
    assert (done.exit_status, row.status, row.file) == (3, "failed", "")
    known = json.loads((study / "tregflow-results" / "manifest.json").read_bytes())["samples"]["S1_D8"]["sha256"]
    assert row.reason == (
        f"E_EXPORT_CHANGED: S1_D8.fcs: the file is not the one of the run; expected SHA-256 {known}; "
        f"available {sha256_file(study / 'S1_D8.fcs')}; "
        "remedy run the study again: what has not changed is not done twice"
    )
    assert not (done.folder / before.rows[1].file).exists()  # of a sample that is refused nothing stays


def test_a_file_that_is_gone(study: Path) -> None:
    (study / "S1_D8.fcs").unlink()
    done = export(study)
    assert done.rows[1].reason == "E_MISSING: S1_D8.fcs: no such file; remedy check the name and the folder"


def test_a_control_that_is_another_now(study: Path) -> None:
    tiny_file(study / "FMO_A.fcs", treg=100, foxp3=False, seed=99)
    done = export(study)
    assert [row.status for row in done.rows] == ["failed", "failed", "written", "written"]
    assert done.rows[0].reason == (
        "E_EXPORT_CHANGED: S1_D0.fcs: controls of its batch are not those of the run; available FMO_A.fcs; "
        "remedy run the study again: what has not changed is not done twice"
    )


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("tiny.yaml", "{CD25: 2000}", "{CD25: 2001}"),
        ("samples.csv", "S1_D0,S1_D0.fcs,S1,", "S1_D0,S1_D0.fcs,S9,"),
        ("study.yaml", "name: TINY", "name: OTHER"),
    ],
)
def test_a_study_that_is_another_now(study: Path, name: str, old: str, new: str) -> None:
    text = (study / name).read_text(encoding="utf-8")
    (study / name).write_text(text.replace(old, new), encoding="utf-8")
    error = refused(study)
    assert error.code == "E_EXPORT_CHANGED"
    assert str(error) == (
        f"{study}: the study is not what the run was made from\n"
        "  expected   the files of the run: study, sample sheet, strategy, overrides, matrices\n"
        f"  available  {name} is another\n"
        "  remedy     run the study again: what has not changed is not done twice"
    )


def test_overrides_that_came_or_went(study: Path) -> None:
    (study / "overrides.yaml").write_text(override("sample: S1_D0"), encoding="utf-8")
    assert "available  overrides.yaml is another\n" in str(refused(study))
    run(study)
    (study / "overrides.yaml").unlink()
    assert "available  overrides.yaml is gone\n" in str(refused(study))


def test_counts_that_come_out_otherwise(study: Path) -> None:
    out = study / "tregflow-results"
    manifest = json.loads((out / "manifest.json").read_bytes())
    text = (out / "populations.csv").read_text(encoding="utf-8")
    (out / "populations.csv").write_text(text.replace("S1_D0,Treg,CD4+,120,", "S1_D0,Treg,CD4+,121,"), encoding="utf-8")
    manifest["tables"]["populations.csv"] = sha256_file(out / "populations.csv")
    (out / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    done = export(study)
    assert [row.status for row in done.rows] == ["failed", "written", "written", "written"]
    assert done.rows[0].reason == (
        "E_EXPORT_COUNTS: S1_D0.fcs: gated again, it has other counts than in populations.csv; "
        "available Treg 121, now 120; "
        "remedy run the study again with this version of tregflow, and compare the tables"
    )


def test_a_table_that_was_edited(study: Path) -> None:
    path = study / "tregflow-results" / "populations.csv"
    known = sha256_file(path)
    path.write_text(path.read_text(encoding="utf-8").replace(",120,", ",121,"), encoding="utf-8")
    error = refused(study)
    assert error.code == "E_EDITED"
    assert str(error) == (
        f"{path}: is not the table that the run wrote\n"
        f"  expected   SHA-256 {known}\n"
        f"  available  {sha256_file(path)}\n"
        "  remedy     run the study again"
    )
    path.unlink()
    assert "available  no such file\n" in str(refused(study))


def test_no_run(tmp_path: Path) -> None:
    error = refused(tiny_study(tmp_path))
    assert (error.code, error.problem) == ("E_RESULTS", "holds no finished run")


def test_names_that_the_run_does_not_have(study: Path) -> None:
    error = refused(study, populations=["Trag"])
    gates = ", ".join(Strategy.load(study / "tiny.yaml").spec.gates)
    out = study / "tregflow-results"
    assert error.code == "E_NO_POPULATION"
    assert str(error) == f"{out}: the strategy has no population 'Trag'\n  available  root, {gates}"
    assert refused(study, populations=[]).problem == "no population is named"
    error = refused(study, samples=["S1_D0", "S9", "FMO_A"])
    assert error.code == "E_NO_SAMPLE"
    assert str(error) == f"{out}: the run has no sample 'S9', 'FMO_A'\n  available  S1_D0, S1_D8, S2_D0, S2_D8"
    with pytest.raises(tf.InteropError) as interop:
        export(study, format="txt")
    assert interop.value.code == "E_EXPORT_FORMAT"


# ------------------------------------------------------------------------------------------------- where things lie


def test_results_elsewhere_lead_to_the_study(tmp_path: Path) -> None:
    run(tiny_study(tmp_path / "a" / "study"), out=tmp_path / "a" / "out")
    assert export(tmp_path / "a" / "out").count("written") == 4
    shutil.move(tmp_path / "a", tmp_path / "b")  # moved together
    assert export(tmp_path / "b" / "out", to=tmp_path / "to").count("written") == 4
    shutil.move(tmp_path / "b" / "study", tmp_path / "elsewhere")
    with pytest.raises(tf.StudyError) as error:
        export(tmp_path / "b" / "out")
    assert error.value.code == "E_EXPORT_STUDY"
    assert str(error.value) == (
        f"{tmp_path / 'b' / 'out'}: the study is not where it was when it was run\n"
        f"  available  {tmp_path / 'b' / 'out' / '..' / 'study'}\n"
        "  remedy     name it: --study FOLDER"
    )
    assert export(tmp_path / "b" / "out", study=tmp_path / "elsewhere").count("written") == 4


def test_a_folder_without_a_study(tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    folder.mkdir()
    for name in ("P01", "P02"):
        tiny_file(folder / f"{name}.fcs", treg=100)
    own = tmp_path / "own.yaml"
    own.write_text(STRATEGY.replace("{fmo: FoxP3, quantile: 0.99}", "1000"), encoding="utf-8")
    run(folder, strategy=own)
    with pytest.raises(tf.StudyError) as error:
        export(folder)
    assert str(error.value) == (
        f"{folder / 'tregflow-results'}: the run took the strategy own.yaml, and results do not say where it lies\n"
        "  remedy     name it: --strategy own.yaml"
    )
    done = export(folder, strategy=str(own))
    assert [(row.sample, row.events) for row in done.rows] == [("P01", 100), ("P02", 100)]
    # Exports are no samples of the next run, wherever below the folder they lie.
    assert len(fcs_files(folder)) == 2
    assert len(Study.from_folder(folder, Strategy.load(own)).rows) == 2
    own.write_text(own.read_text(encoding="utf-8").replace("2000", "2001"), encoding="utf-8")
    with pytest.raises(tf.StudyError, match=r"own[.]yaml is another"):
        export(folder, strategy=str(own))


def test_a_shipped_strategy_is_found_by_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    folder.mkdir()
    (folder / "P01.fcs").write_bytes(b"no FCS file")
    run(folder, strategy="treg-surface")
    assert [row.status for row in export(folder, populations=["Treg"]).rows] == ["failed"]


# ----------------------------------------------------------------------------------------------------------- the index


def test_the_index_keeps_what_other_exports_left(study: Path) -> None:
    export(study, samples=["S1_D0"])
    export(study, format="masks-csv", populations=(), samples=["S1_D0"])
    export(study, populations=["B"], samples=["S1_D0", "S1_D8"])
    done = export(study, samples=["S1_D0"])
    lines = rows(done.folder / EXPORT_INDEX)
    found = [(line["sample"], line["population"], line["format"], line["events"]) for line in lines]
    assert found == [
        ("S1_D0", "Treg", "fcs", "120"),
        ("S1_D0", "", "masks-csv", "1800"),
        ("S1_D0", "B", "fcs", "300"),
        ("S1_D8", "B", "fcs", "300"),
    ]
    files = {line["file"]: line["sha256"] for line in lines}
    assert {path.name: sha256_file(path) for path in done.folder.iterdir() if path.name != EXPORT_INDEX} == files


def test_exports_come_out_the_same(study: Path) -> None:
    def left(done: Exports) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in done.folder.iterdir()}

    first = left(export(study, format="h5ad", to=study.parent / "a"))
    assert left(export(study, format="h5ad", to=study.parent / "b")) == first
    assert left(export(study, format="h5ad", to=study.parent / "a")) == first
    assert len(first) == 5


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"\xff\xfe", b'sample,"x\n'])
def test_a_folder_with_another_table_under_that_name(study: Path, content: bytes) -> None:
    to = study.parent / "to"
    to.mkdir()
    (to / EXPORT_INDEX).write_bytes(content)
    error = refused(study, to=to)
    assert error.code == "E_EXPORT_INDEX"
    assert str(error) == (
        f"{to / EXPORT_INDEX}: is no index of an export\n"
        "  expected   the columns sample, population, format, status, events, file, sha256, reason\n"
        "  remedy     export to another folder: --to FOLDER"
    )
    assert [path.read_bytes() for path in to.iterdir()] == [content]


def test_ids_that_are_paths_write_nothing_elsewhere(tmp_path: Path) -> None:
    folder = tiny_study(tmp_path / "study", sheet=SHEET.replace("S1_D0,S1", "../../S1,S1"))
    done = export(run(folder), samples=["../../S1"])
    assert [path.parent for path in tmp_path.rglob("*_Treg-*.fcs")] == [done.folder]


def test_an_error_that_nobody_foresaw_fails_its_sample(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("tregflow.export.run.gate_sample", full)
    assert [row.reason for row in export(study, samples=["S1_D0"]).rows] == ["E_UNEXPECTED: MemoryError: "]


def test_a_full_disk_stops_the_export_and_leaves_an_index(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tregflow.export.run.export_events", full)
    with pytest.raises(OSError, match="No space"):
        export(study)
    assert [path.name for path in (study / "tregflow-results" / "export").iterdir()] == [EXPORT_INDEX]


# ---------------------------------------------------------------------------------------------------- the command line


def command(*arguments: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["export", *(str(argument) for argument in arguments)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr


def test_the_command(study: Path) -> None:
    to = study.parent / "to"
    status, out, err = command(
        study, "--population", "Treg", "-p", "B", "--format", "fcs", "--to", to, "--sample", "S1_D0"
    )
    assert (status, err) == (0, "1/1 S1_D0 written\n")
    assert out == f"files    2 written, 0 missing, 0 failed\nindex    {to / EXPORT_INDEX}\n"
    assert len(fcs_files(study)) == 6


def test_the_command_says_what_is_not_written(study: Path) -> None:
    (study / "S1_D8.fcs").unlink()
    status, out, _ = command(study, "-p", "Treg", "--format", "parquet")
    assert (status, out.splitlines()[:2]) == (
        3,
        [
            "files    3 written, 0 missing, 1 failed",
            "         S1_D8: Treg: E_MISSING: S1_D8.fcs: no such file; remedy check the name and the folder",
        ],
    )
    assert command(study, "-p", "Treg", "--format", "parquet", "-q")[0::2] == (3, "")


def test_the_command_as_json(study: Path) -> None:
    status, out, err = command(study / "tregflow-results", "-p", "Treg", "--format", "fcs", "--compensated", "--json")
    done = json.loads(out)
    assert (status, err, done["exit_status"], len(done["rows"])) == (0, "", 0, 4)
    assert done["rows"][0] == rows(study / "tregflow-results" / "export" / EXPORT_INDEX)[0] | {"events": 120}


def test_the_command_keeps_persons_where_it_is_told(study: Path) -> None:
    command(study, "-p", "B", "--format", "fcs", "--sample", "S1_D0", "--keep-persons", "--raw")
    [path] = (study / "tregflow-results" / "export").glob("*.fcs")
    made = read_fcs(path).keywords
    assert (made["$OP"], made["TREGFLOW_SAMPLE"], made["TREGFLOW_SOURCE_FILE"]) == ("Jane Doe", "S1_D0", "S1_D0.fcs")


def test_the_command_with_a_name_that_is_none_is_wrong_usage(study: Path) -> None:
    status, out, err = command(study, "-p", "Trag", "--format", "fcs")
    assert (status, out) == (2, "")
    assert err.startswith(f"error: {study / 'tregflow-results'}: the strategy has no population 'Trag'\n")
