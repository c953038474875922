"""The command line as a person and a program use it: what is printed where, and the exit status."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from tests.builders_study import EXAMPLE, HIDDEN_COMPLEMENT, SHEET, STUDY, left, rows, spoiled, tiny_file, tiny_study
from typer.testing import CliRunner

from tregflow import __version__, cli
from tregflow._files import sha256_file
from tregflow.batch.outcome import Outcome
from tregflow.batch.warm import warm_up
from tregflow.cli import app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

COMMANDS = (
    *("demo", "inspect", "init", "check", "compensation", "run", "endpoints", "export", "reconcile", "simulate"),
    "warm-up",
)
LAB = {
    "Patient 007 day 0.fcs": "P01_D0.fcs",
    "Patient 007 day 8.fcs": "P01_D8.fcs",
    "B1 FMO FoxP3.fcs": "B1_FMO_FoxP3.fcs",
    "unstained PBMC.fcs": "B1_unstained.fcs",
}
UNCONFIRMED = STUDY.replace("confirmed:", "# confirmed:")


@pytest.fixture(autouse=True, scope="module")
def compiled() -> None:
    """Compile before the first test: a run that must do so says it, and its words are compared."""
    warm_up()


class Done:
    """What a command printed and returned."""

    def __init__(self, *arguments: object) -> None:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        self.status: int = result.exit_code
        self.out: str = result.stdout
        self.err: str = result.stderr


def plain(text: str) -> str:
    """Return a text of rich without colours and boxes, in one line."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m|[│╭╮╰╯─]", " ", text).split())


# ---------------------------------------------------------------------------------------------------------------- help


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
def test_help_at_every_level(command: tuple[str, ...], flag: str) -> None:
    done = Done(*command, flag)
    assert (done.status, done.err) == (0, "")
    assert "Usage:" in done.out


def test_help_lists_every_command() -> None:
    listed = plain(Done("--help").out)
    assert all(f" {name} " in listed for name in COMMANDS)


def test_no_command_shows_the_help() -> None:
    done = Done()
    assert done.status == 2
    assert "Usage:" in done.out + done.err


def test_the_version() -> None:
    assert (Done("--version").status, Done("--version").out) == (0, f"{__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("runn",), "No such command 'runn'. Did you mean 'run'?"),
        (("inspekt", "x"), "No such command 'inspekt'. Did you mean 'inspect'?"),
        (("run",), "Missing argument"),
        (("run", "x", "--jobs", "0"), "Invalid value for '--jobs'"),
        (("run", "x", "--job", "1"), "No such option"),
        (("simulate", "x", "--patients", "0"), "Invalid value for '--patients'"),
        (("inspect",), "Missing argument"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], said: str) -> None:
    done = Done(*arguments)
    assert (done.status, done.out) == (2, "")
    assert said in plain(done.err)


def test_python_m_is_the_command_line() -> None:
    done = subprocess.run([sys.executable, "-m", "tregflow", "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"{__version__}\n")


# ------------------------------------------------------------------------------------------------------------- kernels


def test_the_kernels_are_compiled_beforehand() -> None:
    done = Done("warm-up")
    assert done.status == 0
    assert re.fullmatch(r"the kernels are ready, after \d+\.\d s\n", done.out)
    done = Done("warm-up")  # nothing is compiled again
    assert (done.status, done.err) == (0, "")
    done = Done("warm-up", "--quiet")
    assert (done.status, done.out, done.err) == (0, "", "")


@pytest.mark.parametrize("options", [(), ("--quiet",), ("--json",)])
def test_a_run_that_compiles_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    @contextmanager
    def telling(listener: Callable[[], None]) -> Iterator[None]:
        listener()
        listener()
        yield

    monkeypatch.setattr("tregflow._kernels.telling", telling)
    done = Done("run", tiny_study(tmp_path), "--out", tmp_path / "out", "--jobs", 1, *options)
    assert done.err.count("compiling kernels, once per installation: about 20 s\n") == (not options)


# ------------------------------------------------------------------------------------------------------------- inspect


def test_inspect_shows_each_file() -> None:
    done = Done("inspect", EXAMPLE / "P01_D0.fcs", EXAMPLE / "B1_unstained.fcs")
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("P01_D0.fcs\n")
    assert "\nB1_unstained.fcs\n" in done.out


def test_inspect_goes_on_after_a_bad_file(tmp_path: Path) -> None:
    spoiled(tmp_path / "bad.fcs")
    done = Done("inspect", tmp_path / "gone.fcs", tmp_path / "bad.fcs", EXAMPLE / "P01_D0.fcs")
    assert done.status == 1
    assert "P01_D0.fcs\n" in done.out
    assert f"{tmp_path / 'gone.fcs'}: no such file\n  remedy     check the name and the folder" in done.err
    assert "not an FCS file but text" in done.err


def test_inspect_as_json(tmp_path: Path) -> None:
    tiny_file(tmp_path / "a.fcs", treg=5)
    done = Done("inspect", "--json", tmp_path / "a.fcs", tmp_path / "gone.fcs")
    first, second = json.loads(done.out)
    assert (done.status, done.err) == (1, "")
    assert (first["events"], first["sha256"]) == (1800, sha256_file(tmp_path / "a.fcs"))
    assert second["error"]["code"] == "E_MISSING"
    assert "Jane" not in done.out


# ----------------------------------------------------------------------------------------------------------------- run


def test_a_sound_run(tmp_path: Path) -> None:
    done = Done("run", tiny_study(tmp_path), "--out", tmp_path / "out", "--jobs", 1)
    assert done.status == 0
    assert done.err.splitlines() == [
        f"{number}/4 {sample} ok" for number, sample in enumerate(("S1_D0", "S1_D8", "S2_D0", "S2_D8"), start=1)
    ]
    lines = done.out.splitlines()
    assert lines[1] == "primary: Treg_of_CD4, D8 against D0, claim changed: n = 2 of 2 subjects"
    assert lines[-2:] == ["samples  4 ok, 0 to review, 0 failed", f"results  {tmp_path / 'out'}"]


def test_a_quiet_run_is_silent_and_says_its_status(tmp_path: Path) -> None:
    done = Done("run", tiny_study(tmp_path), "--quiet")
    assert (done.status, done.out, done.err) == (0, "", "")
    (tmp_path / "S1_D0.fcs").unlink()
    done = Done("run", tmp_path, "-q")
    assert (done.status, done.out, done.err) == (3, "", "")


def test_a_run_as_json(tmp_path: Path) -> None:
    spoiled(tiny_study(tmp_path) / "S1_D0.fcs")
    done = Done("run", tmp_path, "--json")
    data = json.loads(done.out)
    assert (done.status, done.err) == (3, "")
    assert data["samples"] == {"ok": 3, "review": 0, "failed": 1}
    assert (data["exit_status"], data["out"]) == (3, str(tmp_path / "tregflow-results"))
    methods = [(row["endpoint"], row["method"]) for row in data["endpoints"]]
    assert methods == [("primary", m) for m in ("t_fold", "t_log", "wilcoxon")] + [
        ("b_cells", m) for m in ("t_fold", "t_log", "wilcoxon", "tost")
    ]
    assert data["endpoints"][0]["sd"] is None  # one subject is left: missing is null, not NaN


def test_a_run_without_endpoints_as_json(tmp_path: Path) -> None:
    study = "tregflow: 1\nname: X\nstrategy: tiny.yaml\nconfirmed: {by: a, at: b}\nfew_events: {cd4_fail: 0}\n"
    done = Done("run", tiny_study(tmp_path, study=study), "--json")
    assert (done.status, json.loads(done.out)["endpoints"]) == (0, None)


def test_a_run_with_a_bad_file(tmp_path: Path) -> None:
    (tiny_study(tmp_path) / "S1_D0.fcs").unlink()
    done = Done("run", tmp_path)
    assert done.status == 3
    assert done.out.splitlines()[-3:-1] == [
        "samples  3 ok, 0 to review, 1 failed",
        "         S1_D0: S1_D0.fcs: E_MISSING S1_D0.fcs: no such file; remedy check the name and the folder",
    ]


def test_a_run_for_review(tmp_path: Path) -> None:
    done = Done("run", tiny_study(tmp_path, study=UNCONFIRMED))
    assert done.status == 4
    assert done.out.splitlines()[-3:-1] == [
        "samples  0 ok, 4 to review, 0 failed",
        "         S1_D0, S1_D8, S2_D0, S2_D8: strategy: nobody has confirmed that the gates fit these data: adjust the "
        "strategy, then name who and when in study.yaml (confirmed: {by: ..., at: ...})",
    ]


def test_a_failure_outranks_a_review(tmp_path: Path) -> None:
    (tiny_study(tmp_path, study=UNCONFIRMED) / "S1_D0.fcs").unlink()
    assert Done("run", tmp_path, "-q").status == 3


def test_a_long_list_of_samples_is_cut() -> None:
    assert cli._listed(["a", "b", "c", "d"]) == "a, b, c, d"
    assert cli._listed(["a", "b", "c", "d", "e", "f"]) == "a, b, c, d and 2 more"


def test_a_wrong_study_is_wrong_usage(tmp_path: Path) -> None:
    done = Done("run", tiny_study(tmp_path, study=STUDY.replace("visit: D8", "visit: D80", 1)))
    assert (done.status, done.out) == (2, "")
    assert done.err == (
        "error: study.yaml: 1 fault\n"
        "  line 9    endpoints.primary.visit: no visit 'D80'; did you mean 'D8'?\n"
        "  remedy     correct the lines named above\n"
    )


def test_a_wrong_strategy_is_wrong_usage(tmp_path: Path) -> None:
    tiny_file(tmp_path / "a.fcs", treg=5)
    done = Done("run", tmp_path, "--strategy", "tregg")
    assert (done.status, done.out) == (2, "")
    assert done.err == (
        "error: no file and no shipped strategy is called 'tregg'; did you mean 'treg'?\n"
        "  available  treg, treg-no127, treg-surface\n"
    )


def test_a_folder_without_a_study(tmp_path: Path) -> None:
    done = Done("run", tmp_path)
    assert (done.status, done.err) == (
        2,
        f"error: {tmp_path}: the folder holds no study.yaml\n"
        f"  remedy     tregflow init {tmp_path}, or --strategy treg | treg-no127 | treg-surface\n",
    )


def test_a_folder_with_a_shipped_strategy_is_for_review(tmp_path: Path) -> None:
    shutil.copy(EXAMPLE / "P01_D0.fcs", tmp_path)
    done = Done("run", tmp_path, "--strategy", "treg-surface")
    assert done.status == 4
    assert "nobody has confirmed that the gates fit these data" in done.out
    table = rows(tmp_path / "tregflow-results" / "frequencies.csv")
    assert {(row["status"], row["flags"], row["subject"]) for row in table} == {("review", "gates-not-confirmed", "")}


def test_a_folder_with_ones_own_strategy_is_all_right(tmp_path: Path) -> None:
    shutil.copy(EXAMPLE / "P01_D0.fcs", tmp_path)
    Done("init", tmp_path, "--strategy", "treg-surface")
    shipped = (tmp_path / "treg-surface.yaml").read_text(encoding="utf-8")
    own = re.sub(r"\b[1-9][\d.]*e\d\b|\b[1-9]\d{2,}\b", lambda number: f"{1.001 * float(number[0]):.0f}", shipped)
    (tmp_path / "own.yaml").write_text(own, encoding="utf-8")
    (tmp_path / "study.yaml").unlink()
    done = Done("run", tmp_path, "--strategy", tmp_path / "own.yaml")
    assert done.status == 0
    assert done.out.splitlines()[1:] == [
        "samples  1 ok, 0 to review, 0 failed",
        f"results  {tmp_path / 'tregflow-results'}",
    ]


def test_endpoints_that_cannot_be_computed_fail_the_command_and_say_where_the_rest_is(tmp_path: Path) -> None:
    study = STUDY.replace("ratio: B_of_Cells", "ratio: Tconv_of_CD4")
    done = Done("run", tiny_study(tmp_path, study=study, strategy=HIDDEN_COMPLEMENT), "--out", tmp_path / "out")
    assert (done.status, done.out) == (1, "")
    lines = done.err.splitlines()[4:]
    assert (
        lines[0]
        == "error: frequencies.csv: b_cells: Tconv_of_CD4 is 100 - Treg_of_CD4 in every sample: no endpoint of its own"
    )
    assert lines[-1] == f"all other tables are written: {tmp_path / 'out'}"
    assert (tmp_path / "out" / "frequencies.csv").is_file()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    done = Done("run", tiny_study(tmp_path), "--out", tmp_path / "tiny.yaml")
    assert (done.status, done.out, done.err) == (1, "", f"error: {tmp_path / 'tiny.yaml'}: File exists\n")


def test_plots_are_written_where_they_are_asked_for(tmp_path: Path) -> None:
    one = "\n".join(line for line in SHEET.splitlines() if not line.startswith(("S1_D8", "S2", "FMO_B")))
    study = "tregflow: 1\nname: X\nstrategy: tiny.yaml\nconfirmed: {by: a, at: b}\nfew_events: {cd4_fail: 0}\n"
    assert Done("run", tiny_study(tmp_path, sheet=one, study=study), "-q", "--plots").status == 0
    [page] = (tmp_path / "tregflow-results" / "plots").iterdir()
    assert page.read_bytes().startswith(b"\x89PNG")


# ------------------------------------------------------------------------------------------------------------- progress


def test_a_bar_takes_an_id_as_it_is(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # else rich draws no bar where there is no terminal
    with cli._bar(2) as advance:
        for sample in ("[/red]", "P01 [bold]"):
            advance(Outcome(sample, ""))
    assert "P01 [bold]" in capsys.readouterr().err


def test_a_bar_on_a_terminal_and_lines_elsewhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with cli._progress(2) as say:
        assert say is not None
        say(Outcome("S1", ""))
    assert capsys.readouterr().err == "1/2 S1 ok\n"
    with cli._progress(2, silent=True) as say:
        assert say is None
    used: list[int] = []
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(cli, "_bar", lambda total: _Noted(used, total))
    with cli._progress(3):
        assert used == [3]


class _Noted:
    def __init__(self, used: list[int], total: int) -> None:
        used.append(total)

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


# -------------------------------------------------------------------------------------------------------------- check


def test_check_says_what_it_found_and_counts_it(tmp_path: Path) -> None:
    (tiny_study(tmp_path, study=UNCONFIRMED) / "S1_D0.fcs").unlink()
    done = Done("check", tmp_path)
    assert (done.status, done.err) == (3, "")
    assert done.out == (
        "S1_D0\n"
        "  error    E_MISSING: S1_D0.fcs: S1_D0.fcs: no such file\n"
        "               remedy     check the name and the folder\n"
        "S1_D8: 1800 events\nS2_D0: 1800 events\nS2_D8: 1800 events\nFMO_A: 1800 events\nFMO_B: 1800 events\n"
        "the study\n"
        "  review   gates-not-confirmed: strategy: nobody has confirmed that the gates fit these data: adjust the "
        "strategy, then name who and when in study.yaml (confirmed: {by: ..., at: ...})\n"
        "1 error, 1 to review, 0 warnings\n"
    )


@pytest.mark.parametrize(("study", "status"), [(STUDY, 0), (UNCONFIRMED, 4)])
def test_the_status_of_check(tmp_path: Path, study: str, status: int) -> None:
    done = Done("check", tiny_study(tmp_path, study=study), "--quiet")
    assert (done.status, done.out, done.err) == (status, "", "")


def test_check_as_json(tmp_path: Path) -> None:
    done = Done("check", tiny_study(tmp_path, study=UNCONFIRMED), "--json")
    data = json.loads(done.out)
    assert (done.status, len(data)) == (4, 7)
    assert data[0] == {"sample": "S1_D0", "events": 1800, "findings": []}
    assert data[-1]["findings"][0]["code"] == "gates-not-confirmed"


def test_check_without_a_study(tmp_path: Path) -> None:
    done = Done("check", tmp_path)
    assert (done.status, done.err) == (
        2,
        f"error: {tmp_path / 'study.yaml'}: no such file\n  remedy     make one with: tregflow init FOLDER\n",
    )


# ----------------------------------------------------------------------------------------------------------- endpoints


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Return the results of the tiny study."""
    assert Done("run", tiny_study(tmp_path), "-q", "--out", tmp_path / "out").status == 0
    return tmp_path / "out"


def test_endpoints_again_change_nothing(out: Path) -> None:
    before = left(out)
    manifest = (out / "manifest.json").read_bytes()
    done = Done("endpoints", out)
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("primary: Treg_of_CD4, D8 against D0")
    assert done.out.endswith(f"\nresults  {out / 'endpoints.csv'}\n")
    assert left(out) == before
    assert (out / "manifest.json").read_bytes() == manifest


def test_endpoints_again_of_gates_that_nobody_confirmed(tmp_path: Path) -> None:
    Done("run", tiny_study(tmp_path, study=UNCONFIRMED), "-q", "--out", tmp_path / "out")
    before = left(tmp_path / "out")
    done = Done("endpoints", tmp_path / "out")
    assert "note: gates-not-confirmed" in done.out
    assert left(tmp_path / "out") == before


def test_endpoints_that_were_lost_come_back(out: Path) -> None:
    before = left(out)
    for name in ("endpoints.csv", "changes.csv"):
        (out / name).unlink()
    assert Done("endpoints", out).status == 0
    assert left(out) == before


def edited(out: Path, old: str = ",240,1200,20.0,", new: str = ",120,1200,10.0,") -> Path:
    path = out / "frequencies.csv"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def test_an_edited_table_is_refused(out: Path) -> None:
    before, was = (out / "endpoints.csv").read_bytes(), sha256_file(out / "frequencies.csv")
    path = edited(out)
    done = Done("endpoints", out)
    assert (done.status, done.out) == (2, "")
    assert done.err == (
        f"error: {path}: is not the table that the run wrote\n"
        f"  expected   SHA-256 {was}\n"
        f"  available  {sha256_file(path)}\n"
        "  remedy     run the study again, or use --accept-edited, which marks every result\n"
    )
    assert (out / "endpoints.csv").read_bytes() == before


def test_an_edited_table_that_is_accepted_marks_every_result(out: Path) -> None:
    edited(out)
    done = Done("endpoints", out, "--accept-edited")
    assert done.status == 0
    assert "note: frequencies.csv was edited after the run" in done.out
    table = rows(out / "endpoints.csv")
    assert len(table) == 7
    assert all(row["note"].startswith("frequencies.csv was edited after the run") for row in table)
    changes = rows(out / "changes.csv")
    assert len(changes) == 4
    assert all(row["flags"].split(";")[-1] == "edited" for row in changes)
    assert [row["fold"] for row in changes if row["endpoint"] == "primary"] == ["1.0", "1.5"]
    manifest = json.loads((out / "manifest.json").read_bytes())
    assert manifest["tables"]["endpoints.csv"] == sha256_file(out / "endpoints.csv")
    assert manifest["tables"]["frequencies.csv"] != sha256_file(out / "frequencies.csv")
    assert Done("endpoints", out).status == 2  # accepted once is not accepted for good


def test_an_edited_table_that_contradicts_itself(out: Path) -> None:
    edited(out, new=",240,1200,10.0,")
    done = Done("endpoints", out, "--accept-edited")
    assert (done.status, done.out) == (1, "")
    assert "Treg_of_CD4 of S1 D8 (sample S1_D8): 10 % is not 240 of 1200" in done.err


def test_an_edited_table_with_a_text_for_a_number(out: Path) -> None:
    path = edited(out, new=",240,1200,about 20,")
    done = Done("endpoints", out, "--accept-edited")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith(f"error: {path}: is not readable as a table of a run\n")


def test_endpoints_of_a_study_that_states_none(tmp_path: Path) -> None:
    study = "tregflow: 1\nname: X\nstrategy: tiny.yaml\n"
    Done("run", tiny_study(tmp_path, study=study), "-q", "--out", tmp_path / "out")
    done = Done("endpoints", tmp_path / "out")
    assert (done.status, done.out, done.err) == (
        2,
        "",
        f"error: {tmp_path / 'out'}: the study states no endpoints\n"
        "  remedy     add baseline and endpoints to study.yaml and run it again\n",
    )


def no_folder(out: Path) -> None:
    shutil.rmtree(out)


def no_manifest(out: Path) -> None:
    (out / "manifest.json").unlink()


def half_a_manifest(out: Path) -> None:
    (out / "manifest.json").write_bytes((out / "manifest.json").read_bytes()[:100])


@pytest.mark.parametrize("spoil", [no_folder, no_manifest, half_a_manifest])
def test_endpoints_of_a_run_that_was_not_finished(out: Path, spoil: Any) -> None:
    spoil(out)
    done = Done("endpoints", out)
    assert (done.status, done.out, done.err) == (
        2,
        "",
        f"error: {out}: holds no finished run\n"
        "  expected   a readable manifest.json\n"
        "  remedy     run the study to its end: tregflow run STUDY --out FOLDER\n",
    )


def test_endpoints_of_a_manifest_that_somebody_edited(out: Path) -> None:
    manifest = json.loads((out / "manifest.json").read_bytes())
    manifest["settings"]["baseline"] = 7
    (out / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    done = Done("endpoints", out)
    assert (done.status, done.err) == (
        2,
        f"error: {out}: the settings in manifest.json are none of a study\n  remedy     run the study again\n",
    )


def test_endpoints_without_the_table(out: Path) -> None:
    (out / "frequencies.csv").unlink()
    done = Done("endpoints", out)
    assert (done.status, done.err) == (
        2,
        f"error: {out / 'frequencies.csv'}: no such file\n  remedy     run the study again\n",
    )


# ---------------------------------------------------------------------------------------------- a lab's own files, demo


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """Return a folder of example files under names as a lab gives them."""
    folder = tmp_path / "my lab"
    folder.mkdir()
    for name, file in LAB.items():
        shutil.copy(EXAMPLE / file, folder / name)
    return folder


def test_from_a_folder_of_files_to_frequencies(lab: Path) -> None:
    made = Done("init", lab)
    assert (made.status, made.err) == (0, "")
    assert made.out == (
        f"{lab}: study.yaml, samples.csv, treg.yaml are there now, for 4 FCS files (1 fmo, 2 sample, 1 unstained)\n"
        "Next: correct the guesses in samples.csv, adjust the strategy's gates to your data, then run:\n"
        f'  tregflow check "{lab}"\n'
        f'  tregflow run "{lab}"\n'
    )
    first = Done("check", lab)
    assert first.status == 4
    assert first.out.count("guessed-cells") == 4
    assert first.out.count("gates-not-confirmed") == 1
    assert Done("run", lab, "-q").status == 4

    sheet = lab / "samples.csv"  # edit: the guesses are right, and somebody stands for the gates
    lines = sheet.read_text(encoding="utf-8").splitlines()
    sheet.write_text(
        "\n".join([lines[0], *(line.rpartition(",")[0] + "," for line in lines[1:]), ""]), encoding="utf-8"
    )
    study = lab / "study.yaml"
    text = study.read_text(encoding="utf-8").replace("# confirmed: {by:", "confirmed: {by:")
    study.write_text(text, encoding="utf-8")

    assert Done("check", lab).status == 0
    done = Done("run", lab)
    assert done.status == 0
    table = rows(lab / "tregflow-results" / "frequencies.csv")
    treg = {row["visit"]: float(row["percent"]) for row in table if row["name"] == "Treg_of_CD4"}
    assert treg == {"D0": pytest.approx(4.1, rel=0.15), "D8": pytest.approx(4.5, rel=0.15)}
    assert {row["subject"] for row in table} == {"007"}
    assert {row["status"] for row in table} == {"ok"}


def test_init_overwrites_nothing(lab: Path) -> None:
    Done("init", lab)
    before = {path.name: path.read_bytes() for path in lab.iterdir()}
    done = Done("init", lab)
    assert (done.status, done.out, done.err) == (
        2,
        "",
        f"error: {lab / 'samples.csv'}: is there already, and nothing is overwritten\n"
        "  remedy     edit it, or move it away first\n",
    )
    assert {path.name: path.read_bytes() for path in lab.iterdir()} == before


def test_init_of_no_folder(tmp_path: Path) -> None:
    done = Done("init", tmp_path / "nope")
    assert (done.status, done.err) == (
        2,
        f"error: {tmp_path / 'nope'}: no such folder\n  remedy     check the path of the folder\n",
    )


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Let the demo copy the example trial instead of simulating it; list where to."""
    written: list[Path] = []

    def copy(directory: Path) -> None:
        written.append(directory)
        shutil.copytree(EXAMPLE, directory)

    monkeypatch.setattr("tregflow.simulate.write_example", copy)
    return written


def test_the_demo_from_end_to_end(tmp_path: Path, quick: list[Path]) -> None:
    done = Done("demo", "--out", tmp_path / "demo")
    assert done.status == 0
    # Several files are gated at a time, and said as they come: every sample once, whatever their order.
    numbers, samples, statuses = zip(*(line.split() for line in done.err.splitlines()[-18:]), strict=True)
    assert numbers == tuple(f"{number}/18" for number in range(1, 19))
    assert sorted(samples) == [f"P{patient:02}_{visit}" for patient in range(1, 10) for visit in ("D0", "D8")]
    assert set(statuses) == {"ok"}
    lines = done.out.splitlines()
    assert lines[0] == f"Simulating the example trial in {tmp_path / 'demo' / 'trial'} ..."
    assert lines[2] == "primary: Treg_of_CD4, D8 against D0, claim changed: n = 9 of 9 subjects"
    assert lines[3].startswith("  * mean fold 1.")
    assert lines[-2:] == ["samples  18 ok, 0 to review, 0 failed", f"results  {tmp_path / 'demo' / 'results'}"]
    assert quick == [tmp_path / "demo" / "trial"]

    tried = tmp_path / "demo" / "trial" / "treg.yaml"
    tried.write_text(tried.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    again = Done("demo", "--out", tmp_path / "demo")
    assert again.out.splitlines()[0] == f"Taking the example trial in {tmp_path / 'demo' / 'trial'} as it is."
    assert again.out.splitlines()[1:] == lines[1:]
    assert tried.read_text(encoding="utf-8").endswith("# mine\n")


def test_simulate_refuses_a_folder_that_is_not_empty(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    done = Done("simulate", tmp_path)
    assert (done.status, done.out, done.err) == (
        1,
        "",
        f"error: {tmp_path}: there is something already\n"
        "  expected   an empty folder, or none yet\n"
        "  remedy     name another folder\n",
    )
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_simulated_cohort_runs(tmp_path: Path) -> None:
    made = Done("simulate", tmp_path / "cohort", "--patients", "1", "--seed", "3")
    assert (made.status, made.err) == (0, "")
    assert made.out == (
        f"{tmp_path / 'cohort'}: 1 patient simulated; truth in truth.csv. Next: tregflow run {tmp_path / 'cohort'}\n"
    )
    assert Done("run", tmp_path / "cohort", "-q").status in (0, 4)
