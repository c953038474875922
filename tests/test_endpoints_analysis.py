"""From a table to the endpoint: the nine patients, every way to lose one, and how the result reads."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tregflow.endpoints import Design, Endpoint, EndpointResults, analyse
from tregflow.errors import EndpointError

if TYPE_CHECKING:
    from collections.abc import Sequence

pd = pytest.importorskip("pandas")

FOLDS = [1.1, 1.4, 1.4, 1.5, 1.8, 1.9, 2.1, 2.3, 2.7]
BASELINES = [4.1, 5.0, 6.2, 3.8, 5.5, 4.7, 7.0, 5.2, 3.9]
STABLE = [0.95, 1.02, 1.10, 0.98, 1.05, 0.93, 1.01, 1.08, 0.97]

TREG = Endpoint(name="primary", ratio="Treg_of_CD4", visit="D8", test="t_fold")
B_CELLS = Endpoint(name="b_cells", ratio="B_of_Lymphocytes", visit="D8", claim="unchanged")
DESIGN = Design(baseline="D0", visits=("D0", "D8"), endpoints=(TREG, B_CELLS))


def rows_of(ratio: str, before: Sequence[float], folds: Sequence[float], n: int = 10_000) -> list[dict[str, Any]]:
    numerator, _, denominator = ratio.partition("_of_")
    made = []
    for i, (percent, fold) in enumerate(zip(before, folds, strict=True), 1):
        for visit, k in (("D0", round(n * percent / 100)), ("D8", round(n * percent * fold / 100))):
            made.append(
                {
                    "sample": f"P{i:02}_{visit}",
                    "subject": f"P{i:02}",
                    "visit": visit,
                    "batch": "B1",
                    "status": "ok",
                    "name": ratio,
                    "numerator": numerator,
                    "denominator": denominator,
                    "k": k,
                    "n": n,
                    "percent": 100 * k / n,
                    "low": None,
                    "high": None,
                    "method": "wilson",
                    "flags": "",
                }
            )
    return made


def trial() -> pd.DataFrame:
    return pd.DataFrame(
        rows_of("Treg_of_CD4", BASELINES, FOLDS) + rows_of("B_of_Lymphocytes", [10.0] * 9, STABLE, n=100_000)
    )


def spoilt(sample: str, ratio: str = "Treg_of_CD4", **cells: Any) -> pd.DataFrame:
    table = trial()
    for column, value in cells.items():
        table.loc[(table["sample"] == sample) & (table["name"] == ratio), column] = value
    return table


def statistic(results: EndpointResults, endpoint: str, method: str) -> Any:
    table = results.table
    return table[(table["endpoint"] == endpoint) & (table["method"] == method)].iloc[0]


def subject(results: EndpointResults, endpoint: str, name: str) -> Any:
    table = results.subjects
    return table[(table["endpoint"] == endpoint) & (table["subject"] == name)].iloc[0]


# ------------------------------------------------------------------------------------------------ nine patients


def test_the_fixture_comes_out_of_a_table() -> None:
    results = analyse(trial(), DESIGN)
    fold, log, rank = (statistic(results, "primary", method) for method in ("t_fold", "t_log", "wilcoxon"))
    assert (f"{fold.estimate:.6f}", f"{fold.sd:.6f}") == ("1.800000", "0.507445")
    assert (f"{fold.t:.6f}", f"{fold.p:.8f}", fold.df) == ("4.729581", "0.00148373", 8)
    assert (f"{fold.low:.6f}", f"{fold.high:.6f}") == ("1.409944", "2.190056")
    assert (f"{log.t:.6f}", f"{log.p:.9f}") == ("5.849856", "0.000382840")
    assert (f"{log.estimate:.6f}", f"{log.low:.6f}", f"{log.high:.6f}") == ("1.737391", "1.397431", "2.160054")
    assert (rank.p, rank.p_floor) == (0.00390625, 0.00390625)


def test_equivalence_comes_out_of_a_table() -> None:
    result = statistic(analyse(trial(), DESIGN), "b_cells", "tost")
    assert (f"{result.estimate:.6f}", f"{result.low:.6f}", f"{result.high:.6f}") == ("1.008513", "0.973191", "1.045116")
    assert (f"{result.p:.4e}", result.note) == ("1.8142e-06", "unchanged within 0.80-1.25 shown")


def test_differences_in_percentage_points() -> None:
    found = analyse(trial(), DESIGN).subjects.query("endpoint == 'primary'")["difference"]
    assert (f"{found.mean():.6f}", f"{found.std():.6f}") == ("4.056667", "2.549926")


def test_one_test_per_endpoint_is_the_declared_one() -> None:
    declared = analyse(trial(), DESIGN).table.query("primary")
    assert list(zip(declared["endpoint"], declared["method"], strict=True)) == [
        ("primary", "t_fold"),
        ("b_cells", "tost"),
    ]


def test_the_tables_are_tidy() -> None:
    results = analyse(trial(), DESIGN)
    assert list(results.table.columns) == [
        "endpoint",
        "ratio",
        "visit",
        "claim",
        "statistic",
        "method",
        "n",
        "estimate",
        "sd",
        "low",
        "high",
        "level",
        "t",
        "df",
        "p",
        "p_floor",
        "sides",
        "scale",
        "primary",
        "note",
    ]
    assert list(results.subjects.columns) == [
        "subject",
        "endpoint",
        "ratio",
        "visit",
        "baseline_percent",
        "baseline_k",
        "baseline_n",
        "percent",
        "k",
        "n",
        "fold",
        "log_ratio",
        "difference",
        "se_log_counting",
        "flags",
        "reason",
    ]
    assert (len(results.table), len(results.subjects)) == (3 + 4, 2 * 9)
    assert not results.table["note"].isna().any()
    assert not results.subjects["reason"].isna().any()


@given(st.permutations(range(36)))
def test_the_order_of_rows_does_not_matter(order: list[int]) -> None:
    table = trial()
    shuffled, plain = analyse(table.iloc[order], DESIGN), analyse(table, DESIGN)
    pd.testing.assert_frame_equal(shuffled.table, plain.table, check_exact=True)
    pd.testing.assert_frame_equal(shuffled.subjects, plain.subjects, check_exact=True)
    assert str(shuffled) == str(plain)


def test_a_table_from_a_csv_file_gives_the_same(tmp_path: Any) -> None:
    trial().to_csv(tmp_path / "frequencies.csv", index=False)
    again = analyse(pd.read_csv(tmp_path / "frequencies.csv"), DESIGN)
    pd.testing.assert_frame_equal(again.table, analyse(trial(), DESIGN).table, check_exact=True)


# ------------------------------------------------------------------------------------------------ losing patients


def test_a_baseline_that_cannot_be_quantified_is_left_out_with_the_reason() -> None:
    results = analyse(spoilt("P01_D0", k=34, percent=0.34), DESIGN)
    reason = "D0: 34 events, fewer than the 50 that a baseline needs"
    lost = subject(results, "primary", "P01")
    assert (math.isnan(lost.fold), lost.reason, lost["flags"]) == (True, reason, "D0:not-quantifiable")
    for method in ("t_fold", "t_log", "wilcoxon"):
        result = statistic(results, "primary", method)
        assert (result.n, math.isfinite(result.p)) == (8, True)
        assert result.note.endswith(f"left out: P01 ({reason})")


def test_a_failed_sample_loses_its_subject_in_every_endpoint() -> None:
    table = trial()
    table.loc[table["sample"] == "P05_D8", "status"] = "failed"
    results = analyse(table, DESIGN)
    assert subject(results, "b_cells", "P05").reason == "D8: sample P05_D8 failed"
    assert set(results.table["n"]) == {8}


def test_a_count_of_zero_stays_in_the_fold_and_the_ranks_and_leaves_the_logs() -> None:
    results = analyse(spoilt("P01_D8", k=0, percent=0.0), DESIGN)
    fold, log, rank = (statistic(results, "primary", method) for method in ("t_fold", "t_log", "wilcoxon"))
    assert (fold.n, fold.estimate, fold.note) == (9, pytest.approx(15.1 / 9), "")
    assert (log.n, log.note) == (8, "left out: P01 (D8: a count of 0 has no logarithm: fold 0, no log ratio)")
    assert (rank.n, rank.p) == (9, 2 * 31 / 512)  # 31 of 512 subsets of 1.5, 1.5, 3, 4, … 9 sum to 9 or less
    assert "W+ = 36 of 45" in rank.note


def test_unchanged_is_not_shown_by_leaving_out_who_fell_to_zero() -> None:
    result = statistic(analyse(spoilt("P03_D8", "B_of_Lymphocytes", k=0, percent=0.0), DESIGN), "b_cells", "tost")
    assert (result.n, math.isnan(result.p), math.isnan(result.estimate)) == (9, True, True)
    assert result.note == "unchanged within 0.80-1.25 not shown; outside any margin: P03 fell to 0"


def test_one_patient_is_described_and_not_tested() -> None:
    results = analyse(trial().query("subject == 'P09'"), DESIGN)
    result = statistic(results, "primary", "t_fold")
    assert (result.n, result.estimate, result.note) == (1, pytest.approx(2.7), "one subject: no spread, no test")
    assert math.isnan(result.p)
    assert statistic(results, "b_cells", "tost").note == (
        "unchanged within 0.80-1.25 not shown; one subject: no spread, no test"
    )


def test_no_baseline_at_all_for_anybody_with_a_later_visit() -> None:
    table = trial().query("(subject == 'P01' and visit == 'D0') or (subject != 'P01' and visit == 'D8')")
    results = analyse(table, DESIGN)
    assert list(results.subjects["reason"][:2]) == ["no D8 record", "no D0 record"]
    result = statistic(results, "primary", "t_log")
    assert (result.n, math.isnan(result.estimate)) == (0, True)
    assert result.note.startswith("no subject has a value; left out: P01 (no D8 record), P02 (no D0 record), P03")


def test_all_folds_alike() -> None:
    results = analyse(pd.DataFrame(rows_of("Treg_of_CD4", BASELINES, [1.0] * 9)), Design(
        baseline="D0", visits=("D0", "D8"), endpoints=(TREG,)
    ))  # fmt: skip
    assert list(results.table["note"]) == [
        "all 9 values are equal (SD 0): t is not defined",
        "all 9 values are equal (SD 0): t is not defined",
        "all 9 differences are 0: nothing to rank",
    ]
    assert results.table["p"].isna().all()


def test_every_missing_p_has_a_note() -> None:
    for table in (
        trial().query("subject == 'P01'"),
        trial().query("visit == 'D0' or subject == 'P02'"),
        spoilt("P03_D8", "B_of_Lymphocytes", k=0, percent=0.0),
    ):
        missing = analyse(table, DESIGN).table.query("p.isna()")
        assert (missing["note"] != "").all()


def test_the_effector_trap_is_refused() -> None:
    rows = rows_of("Treg_of_CD4", BASELINES, FOLDS)
    mirror = [
        row | {"name": "Tconv_of_CD4", "numerator": "Tconv", "k": row["n"] - row["k"], "percent": 100 - row["percent"]}
        for row in rows
    ]
    design = Design(
        baseline="D0", visits=("D0", "D8"), endpoints=(TREG, Endpoint(name="teff", ratio="Tconv_of_CD4", visit="D8"))
    )
    with pytest.raises(EndpointError, match=r"^frequencies\.csv: teff: Tconv_of_CD4 is 100 - Treg_of_CD4 in every"):
        analyse(pd.DataFrame(rows + mirror), design, file="frequencies.csv")


# ------------------------------------------------------------------------------------------------ how it reads


def test_the_summary() -> None:
    table = pd.concat(
        [spoilt("P01_D0", k=60, percent=0.6), pd.DataFrame([{"subject": "P10", "visit": "D15", "name": "x"}])]
    )
    table = table[(table["sample"] != "P02_D0") | (table["name"] != "B_of_Lymphocytes")]
    assert str(analyse(table, DESIGN)).splitlines() == [
        "primary: Treg_of_CD4, D8 against D0, claim changed: n = 9 of 10 subjects",
        "  * mean fold 2.513 ± 1.926, 95 % CI 1.033 to 3.993; t against 1 = 2.357, df 8, p = 0.0462",
        "    geometric mean ratio 2.151 (SD of logs 0.521), 95 % CI 1.442 to 3.209; "
        "t against a ratio of 1 = 4.414, df 8, p = 0.002245",
        "    signed rank, Wilcoxon exact: p = 0.003906, smallest attainable 0.003906 "
        "[W+ = 45 of 45, exact over all 2^9 signs; tied sizes share their mean rank]",
        "    P01: D0:few-events",
        "    P10: no D0 record; no D8 record",
        "b_cells: B_of_Lymphocytes, D8 against D0, claim unchanged: n = 8 of 10 subjects",
        "    mean fold 1.009 ± 0.062, 95 % CI 0.957 to 1.061; t against 1 = 0.398, df 7, p = 0.7026",
        "    geometric mean ratio 1.007 (SD of logs 0.061), 95 % CI 0.957 to 1.060; "
        "t against a ratio of 1 = 0.326, df 7, p = 0.7542",
        "    signed rank, Wilcoxon exact: p = 0.8438, smallest attainable 0.007812 "
        "[W+ = 20 of 36, exact over all 2^8 signs]",
        "  * geometric mean ratio 1.007, 90 % CI 0.967 to 1.049; TOST, the larger of two one-sided p: "
        "t = -9.967, df 7, p = 1.093e-05 [unchanged within 0.80-1.25 shown]",
        "    P02: no D0 record",
        "    P10: no D0 record; no D8 record",
        "note: left out, since the visit is none of D0, D8: D15: P10",
        "* the test that the study names, t_log where it names none; all p values two-sided unless said otherwise",
    ]


def test_a_mark_is_on_every_result() -> None:
    plain = analyse(trial(), DESIGN)
    marked = plain.marked("edited by hand")
    assert list(marked.table["note"]) == [f"edited by hand; {note}".removesuffix("; ") for note in plain.table["note"]]
    assert marked.notes == ("edited by hand",)
    assert str(marked).count("edited by hand") == 3 + 4 + 1
    pd.testing.assert_frame_equal(marked.table.drop(columns="note"), plain.table.drop(columns="note"))
    pd.testing.assert_frame_equal(marked.subjects, plain.subjects)


def test_missing_statistics_read_as_missing() -> None:
    lines = analyse(trial().query("subject == 'P09'"), DESIGN).summary_lines()
    assert lines[1:4] == [
        "  * mean fold 2.700 ± missing; t against 1 missing [one subject: no spread, no test]",
        "    geometric mean ratio 2.700 (SD of logs missing); t against a ratio of 1 missing "
        "[one subject: no spread, no test]",
        "    signed rank, Wilcoxon: missing [one subject: no spread, no test]",
    ]
    assert not any("nan" in line for line in lines)


def test_html_escapes_names_and_marks_the_declared_test() -> None:
    table = trial()
    table.loc[table["subject"] == "P01", "subject"] = "<script>"
    table = table[(table["subject"] != "<script>") | (table["visit"] == "D0")]
    page = analyse(table, DESIGN)._repr_html_()
    assert "<script>" not in page
    assert "<li>primary: &lt;script&gt;: no D8 record</li>" in page
    assert page.count('<tr style="font-weight: bold">') == 2
    assert "nan" not in page


def test_repr_is_one_line() -> None:
    assert repr(analyse(trial(), DESIGN)) == "<EndpointResults: 2 endpoints, 9 subjects>"


def test_a_design_without_endpoints_gives_empty_tables() -> None:
    results = analyse(trial(), Design(baseline="D0", visits=("D0", "D8"), endpoints=()))
    assert (len(results.table), len(results.subjects), results.summary_lines()) == (0, 0, [])


def test_the_import_is_light() -> None:
    code = "import sys, tregflow.endpoints; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"pandas", "scipy.stats", "numba", "sklearn", "matplotlib", "flowkit"}.isdisjoint(done.stdout.split())
