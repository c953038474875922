"""FlowJo's counts beside ours: verdicts and reasons, the table, and the command with its exit status."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from tests.builders_everything import EVERYTHING, sample, strategy
from typer.testing import CliRunner

import tregflow as tf
from tregflow._files import read_csv_rows
from tregflow.cli import app
from tregflow.errors import InteropError
from tregflow.fcs import Sample, write_fcs
from tregflow.interop.flowjo import write_workspace
from tregflow.reconciliation import Reconciled, Reconciliation, reconcile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GRID = EVERYTHING.replace("compensation: m\n", "compensation: m\ncounts: flowjo\n")
CURLY = '<gating:CurlyQuad eventsInside="1"><gating:dimension/></gating:CurlyQuad>'


def place(folder: Path, text: str = GRID, *, files: int = 2, edit: Callable[[str], str] = str) -> Path:
    """Write a workspace of two samples, FlowJo's counts being ours, and the first `files` of their FCS files."""
    samples = {f"P{number}": sample(f"tube {number}.fcs", number) for number in (1, 2)}
    path = folder / "w.wsp"
    write_workspace(path, strategy(text, []), samples)
    path.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")
    for each in list(samples.values())[:files]:
        write_fcs(folder / each.file, each)
    return path


def counted(population: str, count: int, *, samples: int = 1) -> Callable[[str], str]:
    """Return an edit: another count for a population of the first sample, or of more."""
    pattern = (
        rf'(name="{re.escape(population)}" annotation="" owningGroup="" expanded="1" sortPriority="10" count=")(-?\d+)'
    )

    def edit(text: str) -> str:
        changed, number = re.subn(pattern, rf"\g<1>{count}", text, count=samples)
        assert number == samples
        return changed

    return edit


def rows(done: Reconciliation) -> dict[tuple[str, str], Reconciled]:
    return {(row.sample, row.population): row for row in done.rows}


# -------------------------------------------------------------------------------------------------------- verdicts


def test_everything_agrees(tmp_path):
    done = reconcile(place(tmp_path), tmp_path)
    assert {row.verdict for row in done.rows} == {"equal", "equal on grid"}
    assert {row.why for row in done.rows} == {""}
    assert (done.off_grid, done.exit_status, done.beyond, done.unlike) == (0, 0, (), ())
    off = sum(abs(row.exact - row.flowjo) for row in done.rows)
    assert done.off_exact == off > 0
    equal = done.count("equal")
    assert done.summary == (
        f"30 populations: {equal} equal, {30 - equal} equal on grid, 0 differ, 0 not imported; "
        f"summed differences 0 on the grid, {off} exact"
    )


def test_counts_by_the_other_rule_differ_and_are_explained(tmp_path):
    done = reconcile(place(tmp_path, EVERYTHING), tmp_path)
    differing = [row for row in done.rows if row.verdict == "differs"]
    assert differing
    assert {row.difference == row.grid - row.flowjo != 0 for row in differing} == {True}
    assert {row.why for row in differing} == {
        "the exact count is FlowJo's",
        "its parent differs already; the exact count is FlowJo's",
    }
    assert done.exit_status == 4


def test_a_difference_and_the_tolerance(tmp_path):
    path = place(tmp_path)
    right = rows(reconcile(path, tmp_path))["tube 1.fcs", "clock/CD4+"]
    path = place(tmp_path, edit=counted("CD4+", right.flowjo + 3))
    done = reconcile(path, tmp_path)
    row = rows(done)["tube 1.fcs", "clock/CD4+"]
    assert (row.verdict, row.difference, row.why) == ("differs", -3, "")
    assert (done.exit_status, len(done.beyond), done.off_grid, done.off_exact > 3) == (4, 1, 3, True)
    assert reconcile(path, tmp_path, tolerance=2).exit_status == 4
    within = reconcile(path, tmp_path, tolerance=3)
    assert (within.exit_status, within.beyond, within.count("differs")) == (0, (), 1)


def test_stale_counts_are_called_so(tmp_path):
    done = reconcile(place(tmp_path, edit=counted("rest", 1)), tmp_path)
    row = rows(done)["tube 1.fcs", "scatter/rest"]
    assert re.fullmatch(r"FlowJo's count is stale: \d+ by the other counts \(open \d+, parent \d+\)", row.why), row.why
    below = rows(done)["tube 1.fcs", "scatter/rest/on the scale"]
    assert (below.verdict, below.why) == ("equal on grid", "")


def test_a_count_that_was_never_computed(tmp_path):
    done = reconcile(place(tmp_path, edit=counted("clock", -1)), tmp_path)
    row = rows(done)["tube 1.fcs", "clock"]
    assert (row.flowjo, row.difference, row.verdict) == (None, None, "not computed")
    assert row.why == "the workspace holds no count of it (-1)"
    assert row.exact == row.grid > 0
    assert (done.exit_status, len(done.compared)) == (0, 29)
    assert "0 not imported, 1 never computed by FlowJo; summed" in done.summary


def curly(text: str, count: int = 1) -> str:
    """Return the workspace with a curly quadrant for `open`, below which other populations hang."""
    return re.sub(
        r'(name="open".*?<Gate[^>]*>).*?(</Gate>)',
        lambda found: found[1] + CURLY + found[2],
        text,
        count=count,
        flags=re.S,
    )


def test_what_cannot_be_taken_over_says_why(tmp_path):
    path = place(tmp_path, edit=curly)
    done = reconcile(path, tmp_path)
    found = {row.population: (row.verdict, row.why) for row in done.rows if row.verdict == "not imported"}
    assert found == {
        "scatter/open": ("not imported", "a curly quadrant (CurlyQuad); how FlowJo bends its borders is not known"),
        "scatter/open/ellipse": ("not imported", "needs scatter/open, which is left out"),
        "scatter/open|CD4-": ("not imported", "needs scatter/open, which is left out"),
        "scatter/any": ("not imported", "needs scatter/open|CD4-, which is left out"),
        "scatter/rest": ("not imported", "needs scatter/open, which is left out"),
        "scatter/rest/on the scale": ("not imported", "needs scatter/rest, which is left out"),
    }
    assert {row.sample for row in done.rows if row.verdict == "not imported"} == {"tube 1.fcs"}
    assert done.exit_status == 0
    with pytest.raises(InteropError, match="cannot be taken over whole") as caught:
        reconcile(path, tmp_path, partial=False)
    assert caught.value.code == "E_LEFT_OUT"


def test_a_workspace_of_which_nothing_can_be_taken_over(tmp_path):
    gates = "{open: {polygon: [CD25, CD4], points: [[1, 1], [900, 1], [500, 900]]}}"
    text = f"tregflow: 1\nname: one\ncompensation: none\ngates: {gates}\n"
    done = reconcile(place(tmp_path, text, edit=lambda text: curly(text, 2)), tmp_path)
    assert [(row.verdict, row.exact, row.grid) for row in done.rows] == [("not imported", None, None)] * 2
    assert {row.why for row in done.rows} == {"a curly quadrant (CurlyQuad); how FlowJo bends its borders is not known"}
    assert done.exit_status == 4
    with pytest.raises(InteropError):
        reconcile(tmp_path / "w.wsp", tmp_path, partial=False)


def test_samples_without_a_file(tmp_path):
    done = reconcile(place(tmp_path, files=1), tmp_path)
    lost = [row for row in done.rows if row.sample == "tube 2.fcs"]
    assert {(row.verdict, row.why) for row in lost} == {("no file", "no file of that name")}
    assert (done.exit_status, done.unlike) == (0, ())
    assert "15 without file" in done.summary


def test_a_file_with_other_events_is_no_match(tmp_path):
    path = place(tmp_path, files=1)
    write_fcs(tmp_path / "tube 2.fcs", sample("tube 2.fcs", 2, n=77))
    done = reconcile(path, tmp_path)
    why = "tube 2.fcs holds 77 events, the workspace says 4000"
    assert {row.why for row in done.rows if row.sample == "tube 2.fcs"} == {why}
    assert done.unlike == (f"tube 2.fcs: {why}",)
    assert done.exit_status == 4


def test_nothing_to_compare(tmp_path):
    done = reconcile(place(tmp_path, files=0), tmp_path)
    assert done.exit_status == 4
    assert done.summary == (
        "30 populations: 0 equal, 0 equal on grid, 0 differ, 0 not imported, 30 without file; "
        "summed differences 0 on the grid, 0 exact; nothing could be compared"
    )


def test_a_file_that_cannot_be_gated_fails_alone(tmp_path):
    path = place(tmp_path, files=1)
    columns = {name: sample("x", 2).values(name) for name in ("FSC-A", "SSC-A", "B515-A", "V450-A", "Time")}
    write_fcs(tmp_path / "tube 2.fcs", Sample.from_columns("tube 2.fcs", columns))
    done = reconcile(path, tmp_path)
    failed = [row for row in done.rows if row.verdict == "failed"]
    assert {row.sample for row in failed} == {"tube 2.fcs"}
    assert {row.why.split()[0] for row in failed} == {"E_NO_CHANNEL"}
    assert done.exit_status == 3
    assert len(done.compared) == 15


def test_a_workspace_without_populations(tmp_path):
    path = place(tmp_path)
    text = re.sub(
        r"<Subpopulations>.*?</Sample>", "</SampleNode></Sample>", path.read_text(encoding="utf-8"), flags=re.S
    )
    path.write_text(text, encoding="utf-8")
    done = reconcile(path, tmp_path)
    assert (done.rows, done.exit_status) == ((), 4)
    assert done.summary.startswith("0 populations: ")


def test_no_such_folder(tmp_path):
    path = place(tmp_path)
    with pytest.raises(InteropError) as caught:
        reconcile(path, tmp_path / "nowhere")
    assert str(caught.value) == f"{tmp_path / 'nowhere'}: no such folder\n  expected   the folder of the FCS files"


# --------------------------------------------------------------------------------------------------------- outputs


def test_table_and_csv(tmp_path):
    done = reconcile(place(tmp_path, edit=counted("clock", -1)), tmp_path)
    assert list(done.table.columns) == [
        "sample", "population", "flowjo", "exact", "grid", "difference", "verdict", "why",
    ]  # fmt: skip
    assert done.table["flowjo"].dtype == "Int64"
    assert done.table["flowjo"].isna().sum() == 1
    done.to_csv(tmp_path / "out" / "counts.csv")
    header, found = read_csv_rows((tmp_path / "out" / "counts.csv").read_text(encoding="utf-8"))
    assert header == list(done.table.columns)
    assert [row["population"] for _, row in found] == [row.population for row in done.rows]
    assert pd.read_csv(tmp_path / "out" / "counts.csv")["verdict"].tolist() == [row.verdict for row in done.rows]


HOSTILE = (
    Reconciled("=cmd|'/C'!A0", ("<script>alert(1)</script>",), 5, 5, 5, 0, "equal", ""),
    Reconciled("=cmd|'/C'!A0", ("a\x85b", "@x"), None, None, None, None, "not imported", "<b>"),
    Reconciled("<i>", ("x",), 3, None, None, None, "no file", "no file & no more"),
)


def test_names_of_the_file_do_no_harm(tmp_path):
    done = Reconciliation("<w>.wsp", HOSTILE)
    html = done._repr_html_()
    assert html == done.section()
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<h2>Reconciliation with &lt;w&gt;.wsp</h2>" in html
    assert "<p>&lt;i&gt;: no file (no file &amp; no more), 1 population</p>" in html
    assert '<tr class="not-imported">' in html
    assert "\x85" not in repr(done)
    done.to_csv(tmp_path / "w.csv")
    assert "\n'=cmd|" in (tmp_path / "w.csv").read_text(encoding="utf-8")


def test_the_shell_shows_a_table_per_sample():
    done = Reconciliation(
        "w.wsp",
        (
            Reconciled("a.fcs", ("T",), 100, 99, 98, -2, "differs", ""),
            Reconciled("a.fcs", ("T", "CD4"), 5, 5, 5, 0, "equal", ""),
            Reconciled("b.fcs", ("T",), 3, None, None, None, "no file", "no file of that name"),
        ),
        tolerance=1,
    )
    assert repr(done).splitlines() == [
        "w.wsp",
        "",
        "a.fcs",
        "  population  FlowJo  exact  grid  difference  verdict  why",
        "  T              100     99    98          -2  differs",
        "    CD4            5      5     5           0  equal",
        "",
        "b.fcs: no file (no file of that name), 1 population",
        "",
        "1 of 2 compared populations disagree by more than 1",
        "",
        "3 populations: 1 equal, 0 equal on grid, 1 differ, 0 not imported, 1 without file; "
        "summed differences 2 on the grid, 1 exact",
    ]


def test_the_public_name_is_the_function():
    import tregflow.reconciliation  # noqa: F401 - the module beside it must not take its place

    assert tf.reconcile is reconcile
    assert tf.Reconciliation is Reconciliation


# ----------------------------------------------------------------------------------------------------- command line


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["reconcile", *(str(each) for each in arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def test_the_command(tmp_path):
    path = place(tmp_path)
    status, out, err = run(path, tmp_path, "--out", tmp_path / "counts.csv")
    assert status == 0
    assert err.splitlines() == ["1/2 tube 1.fcs compared", "2/2 tube 2.fcs compared"]
    done = reconcile(path, tmp_path)
    assert out == f"{done!r}\ntable    {tmp_path / 'counts.csv'}\n"
    done.to_csv(tmp_path / "again.csv")
    assert (tmp_path / "counts.csv").read_bytes() == (tmp_path / "again.csv").read_bytes()


def test_the_command_for_a_program(tmp_path):
    path = place(tmp_path, edit=counted("clock", 7))
    status, out, err = run(path, tmp_path, "--json")
    assert (status, err) == (4, "")
    told = json.loads(out)
    assert told == reconcile(path, tmp_path).to_json()
    assert (told["compared"], told["equal_grid"], told["beyond_tolerance"]) == (30, 29, 1)
    assert told["rows"][0]["path"] == ["scatter"]


def test_the_command_says_nothing_when_told_so(tmp_path):
    path = place(tmp_path, edit=counted("clock", 7))
    assert run(path, tmp_path, "--quiet") == (4, "", "")
    assert run(path, tmp_path, "--quiet", "--tolerance", "100000") == (0, "", "")


def test_the_command_fails(tmp_path):
    (tmp_path / "w.wsp").write_text("<Workspace>", encoding="utf-8")
    status, out, err = run(tmp_path / "w.wsp", tmp_path)
    assert (status, out) == (1, "")
    assert err.startswith("error: w.wsp: line 1: not well-formed XML")


# ------------------------------------------------------------------------------------------------------- real files


@pytest.mark.parametrize(("folder", "n", "exact", "off"), [("a", 186, 80, 647), ("b", 95, 39, 1539)])
def test_flowjos_own_counts(data_dir, folder, n, exact, off):
    place_ = data_dir / "flowatlas" / folder
    done = reconcile(place_ / f"flowatlas_{folder}.wsp", place_)
    assert len(done.compared) == n
    assert (done.count("equal"), done.count("equal on grid"), done.count("differs")) == (exact, n - exact, 0)
    assert (done.off_grid, done.off_exact, done.exit_status) == (0, off, 0)


@pytest.mark.parametrize(
    ("name", "n", "exact", "status"),
    [
        ("simple_diamond_example_quad_gate", 4, 4, 0),
        ("test_data_diamond_asinh_rect", 1, 1, 0),
        ("test_data_diamond_asinh_rect2", 1, 1, 0),
        ("test_data_diamond_biex_rect", 1, 1, 0),
        ("simple_poly_and_rect_v2_poly50", 2, 1, 0),
        ("single_ellipse_51_events", 1, 1, 0),
        ("simple_poly_and_rect", 0, 0, 4),
        ("8_color_ICS_boolean_gate_testing", 0, 0, 4),
    ],
)
def test_small_workspaces(data_dir, name, n, exact, status):
    place_ = data_dir / "flowjo_simple"
    done = reconcile(place_ / f"{name}.wsp", place_)
    assert (len(done.compared), done.off_grid, done.exit_status) == (n, 0, status)
    assert sum(row.exact == row.flowjo for row in done.compared) == exact
