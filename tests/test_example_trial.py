"""The example trial, run once from its files to its endpoints, against what is true of it (truth.csv, trial.md)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from tests.builders_study import EXAMPLE, left, part_of_example

from tregflow._files import sha256_file
from tregflow.batch import Run, run
from tregflow.endpoints import Design, Endpoint, analyse
from tregflow.intervals import wilson

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FOLD = [1.1, 1.4, 1.4, 1.5, 1.8, 1.9, 2.1, 2.3, 2.7]
BASELINE = [4.1, 5.0, 6.2, 3.8, 5.5, 4.7, 7.0, 5.2, 3.9]
TRUE_OF = {
    "Treg_of_CD4": ("Treg", "CD4"),
    "Teff_of_Lymphocytes": ("Teff", "lymphocytes"),
    "B_of_Lymphocytes": ("B", "lymphocytes"),
}


@pytest.fixture(scope="session")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run the whole trial once."""
    return run(EXAMPLE, out=tmp_path_factory.mktemp("example"))


@pytest.fixture(scope="session")
def truth() -> pd.DataFrame:
    return pd.read_csv(EXAMPLE / "truth.csv").set_index("sample")


def measured(trial: Run, name: str) -> pd.Series[float]:
    """Return a frequency of every sample, in percent."""
    table = trial.frequencies
    return table[table["name"] == name].set_index("sample")["percent"]


def true_percent(truth: pd.DataFrame, name: str) -> pd.Series[float]:
    numerator, denominator = TRUE_OF[name]
    return 100 * truth[numerator] / truth[denominator]


# -------------------------------------------------------------------------------------------------- measured and true


def test_every_sample_is_gated_and_nothing_needs_a_person(trial: Run) -> None:
    assert (trial.count("ok"), trial.exit_status, len(trial.frequencies)) == (18, 0, 72)
    assert set(trial.findings["severity"]) == {"info"}
    assert set(trial.findings["code"]) == {"fmo-threshold", "override-applied"}
    assert trial.populations["count"].notna().all()


@pytest.mark.parametrize("visit", ["D0", "D8"])
def test_the_bias_of_treg_at_a_visit_is_within_5_percent(trial: Run, truth: pd.DataFrame, visit: str) -> None:
    ratio = measured(trial, "Treg_of_CD4") / true_percent(truth, "Treg_of_CD4")
    at_visit = ratio[ratio.index.str.endswith(visit)]
    assert len(at_visit) == 9
    assert abs(at_visit.mean() - 1) <= 0.05


def test_the_mean_fold_is_within_a_tenth_of_the_true_one(trial: Run) -> None:
    assert trial.endpoints is not None
    changes = trial.endpoints.subjects
    folds = changes.loc[changes["endpoint"] == "primary", "fold"]
    assert len(folds) == 9
    assert abs(folds.mean() - np.mean(FOLD)) <= 0.1


@pytest.mark.parametrize("name", ["Teff_of_Lymphocytes", "B_of_Lymphocytes"])
def test_the_median_error_of_a_share_is_within_3_percent(trial: Run, truth: pd.DataFrame, name: str) -> None:
    error = measured(trial, name) / true_percent(truth, name) - 1
    assert len(error) == 18
    assert abs(error.median()) <= 0.03


def test_the_median_error_of_cd4_is_within_3_percent(trial: Run, truth: pd.DataFrame) -> None:
    counts = trial.populations.pivot_table(index="sample", columns="population", values="count", aggfunc="sum")
    share = counts["CD4+"] / counts["Lymphocytes"]
    error = share / (truth["CD4"] / truth["lymphocytes"]) - 1
    assert len(error) == 18
    assert abs(error.median()) <= 0.03
    assert (counts["CD4+"] >= 5500).all()


def test_the_intervals_are_those_of_their_counts(trial: Run) -> None:
    for row in trial.frequencies.itertuples():
        low, high = wilson(int(row.k), int(row.n), level=0.95)
        assert (row.method, row.low, row.high) == ("wilson", 100 * low, 100 * high)


# ---------------------------------------------------------------------------------------------------------- endpoints


def statistic(table: pd.DataFrame, endpoint: str, method: str) -> Mapping[str, float]:
    [row] = table[(table["endpoint"] == endpoint) & (table["method"] == method)].to_dict("records")
    return {str(key): value for key, value in row.items()}


def test_the_endpoint_says_what_truth_says(trial: Run) -> None:
    assert trial.endpoints is not None
    table = trial.endpoints.table
    primary = statistic(table, "primary", "t_fold")
    assert primary["primary"]
    assert primary["low"] > 1  # Treg rise
    assert primary["p"] < 0.01
    assert statistic(table, "primary", "wilcoxon")["p"] == statistic(table, "primary", "wilcoxon")["p_floor"] == 2**-8
    for endpoint in ("teff", "b_cells"):
        flat = statistic(table, endpoint, "tost")
        assert flat["primary"]
        assert 0.8 < flat["low"] < 1 < flat["high"] < 1.25
        assert str(flat["note"]).startswith("unchanged within 0.80-1.25 shown")
        assert statistic(table, endpoint, "t_log")["p"] > 0.05


def test_the_statistics_are_scipys(trial: Run) -> None:
    assert trial.endpoints is not None
    changes = trial.endpoints.subjects
    folds = changes.loc[changes["endpoint"] == "primary", "fold"].to_numpy(float)
    table = trial.endpoints.table
    assert statistic(table, "primary", "t_fold")["p"] == pytest.approx(stats.ttest_1samp(folds, 1).pvalue, rel=1e-12)
    on_logs = stats.ttest_1samp(np.log(folds), 0)
    assert statistic(table, "primary", "t_log")["p"] == pytest.approx(on_logs.pvalue, rel=1e-12)
    assert statistic(table, "primary", "t_log")["low"] == pytest.approx(np.exp(on_logs.confidence_interval().low))


def true_table(truth: pd.DataFrame) -> pd.DataFrame:
    """Return what frequencies.csv would be if gates made no mistake."""
    parts = []
    for name, (numerator, denominator) in TRUE_OF.items():
        part = truth.reset_index()[["sample", "subject", "visit", "batch"]].copy()
        part["name"], part["numerator"], part["denominator"] = name, numerator, denominator
        part["k"], part["n"] = truth[numerator].to_numpy(), truth[denominator].to_numpy()
        part["percent"] = 100 * part["k"] / part["n"]
        parts.append(part)
    return pd.concat(parts)


def test_the_truth_is_the_fixture(truth: pd.DataFrame) -> None:
    percent = true_percent(truth, "Treg_of_CD4")
    before, after = (percent[percent.index.str.endswith(visit)].to_numpy() for visit in ("D0", "D8"))
    assert before == pytest.approx(BASELINE, rel=1e-12)
    assert after / before == pytest.approx(FOLD, rel=1e-12)


def test_the_rows_of_the_fixture_come_out_of_the_true_counts_to_every_digit(truth: pd.DataFrame) -> None:
    primary = Endpoint(name="primary", ratio="Treg_of_CD4", visit="D8", test="t_fold")
    results = analyse(true_table(truth), Design(baseline="D0", visits=("D0", "D8"), endpoints=(primary,)))
    fold, log, rank = (statistic(results.table, "primary", method) for method in ("t_fold", "t_log", "wilcoxon"))
    shown = {
        "fold": f"{fold['estimate']:.6f} ± {fold['sd']:.6f}",
        "t": f"t = {fold['t']:.6f}, p = {fold['p']:.8f}; {fold['low']:.6f}–{fold['high']:.6f}",
        "log": f"t = {log['t']:.6f}, p = {log['p']:.9f}; {log['estimate']:.6f} ({log['low']:.6f}–{log['high']:.6f})",
        "rank": f"{rank['p']:.8f}",
    }
    assert shown == {  # trial.md, section 2.2
        "fold": "1.800000 ± 0.507445",
        "t": "t = 4.729581, p = 0.00148373; 1.409944–2.190056",
        "log": "t = 5.849856, p = 0.000382840; 1.737391 (1.397431–2.160054)",
        "rank": "0.00390625",
    }
    assert (fold["n"], fold["df"], rank["p_floor"]) == (9, 8, 0.00390625)


def test_teff_and_b_cells_are_truly_unchanged(truth: pd.DataFrame) -> None:
    endpoints = tuple(Endpoint(name=name, ratio=name, visit="D8", claim="unchanged") for name in list(TRUE_OF)[1:])
    table = analyse(true_table(truth), Design(baseline="D0", visits=("D0", "D8"), endpoints=endpoints)).table
    for name in list(TRUE_OF)[1:]:
        assert statistic(table, name, "t_fold")["estimate"] == pytest.approx(1, abs=0.002)


# ------------------------------------------------------------------------------------------------------------- results


def test_the_manifest_knows_every_byte(trial: Run) -> None:
    manifest = json.loads((trial.out / "manifest.json").read_bytes())
    assert manifest["tables"] == {path.name: sha256_file(path) for path in trial.out.glob("*.csv")}
    assert len(manifest["tables"]) == 7
    inputs = ("study.yaml", "samples.csv", "treg.yaml", "overrides.yaml")
    assert manifest["inputs"] == {name: sha256_file(EXAMPLE / name) for name in inputs}
    entries = manifest["samples"] | manifest["controls"]
    files = sorted(path.name for path in EXAMPLE.glob("*.fcs"))
    assert sorted(entry["file"] for entry in entries.values()) == files
    assert all(entry["sha256"] == sha256_file(EXAMPLE / entry["file"]) for entry in entries.values())
    assert len(list((trial.out / "gates").iterdir())) == 18


@pytest.fixture(scope="session")
def part(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two patients, one of each batch."""
    return part_of_example(tmp_path_factory.mktemp("part") / "trial", "P01", "P02")


def test_processes_and_repetition_leave_the_bytes_alone(part: Path, tmp_path: Path) -> None:
    one = left(run(part, out=tmp_path / "one", jobs=1).out)
    assert len(one) == 7 + 4 + 1
    assert left(run(part, out=tmp_path / "one", jobs=1).out) == one  # from what was kept
    assert left(run(part, out=tmp_path / "two", jobs=2).out) == one
    assert left(run(part, out=tmp_path / "three", jobs=1).out) == one


def test_a_sample_does_not_depend_on_its_company(trial: Run, part: Path, tmp_path: Path) -> None:
    few = run(part, out=tmp_path).frequencies
    among_all = trial.frequencies
    company = among_all[among_all["sample"].isin(few["sample"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(few, company, check_exact=True)


def test_without_its_overrides_the_second_batch_reads_otherwise(trial: Run, part: Path, tmp_path: Path) -> None:
    plain = part_of_example(tmp_path / "plain", "P01", "P02")
    text = (plain / "overrides.yaml").read_text(encoding="utf-8").partition("overrides:")[0] + "overrides: []\n"
    (plain / "overrides.yaml").write_text(text, encoding="utf-8")
    percent = measured(run(plain), "Treg_of_CD4")
    assert percent["P01_D0"] == measured(trial, "Treg_of_CD4")["P01_D0"]
    assert percent["P02_D0"] != measured(trial, "Treg_of_CD4")["P02_D0"]
