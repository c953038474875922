"""Reading a table: what is there, what is wrong with it, which record stands for a visit."""

from __future__ import annotations

from typing import Any

import pytest

from tregflow.endpoints import Design, Endpoint
from tregflow.endpoints.visits import Records, read_records
from tregflow.errors import EndpointError

pd = pytest.importorskip("pandas")

DESIGN = Design(
    baseline="D0",
    visits=("D0", "D8"),
    endpoints=(Endpoint(name="primary", ratio="Treg_of_CD4", visit="D8"),),
)


def row(who: str, when: str, k: float | None = 500, n: int | None = 10_000, **changed: Any) -> dict[str, Any]:
    made = {
        "sample": f"{who}_{when}",
        "subject": who,
        "visit": when,
        "batch": "B1",
        "status": "ok",
        "name": "Treg_of_CD4",
        "numerator": "Treg",
        "denominator": "CD4+",
        "k": k,
        "n": n,
        "percent": 100 * k / n if k is not None and n else None,
        "method": "wilson",
        "flags": "",
    }
    return made | changed


def read(*rows: dict[str, Any], design: Design = DESIGN, file: str = "frequencies.csv") -> Records:
    return read_records(pd.DataFrame(rows), design, file=file)


def refusal(*rows: dict[str, Any], design: Design = DESIGN) -> str:
    with pytest.raises(EndpointError) as caught:
        read(*rows, design=design)
    return str(caught.value)


PAIR = (row("P01", "D0"), row("P01", "D8", 900))


# ------------------------------------------------------------------------------------------------------- reading


def test_a_record() -> None:
    record = read(*PAIR).chosen["P01", "D8", "Treg_of_CD4"]
    assert (record.percent, record.k, record.n) == (9.0, 900, 10_000)
    assert (record.nested, record.failed, record.flags, record.denominator) == (True, False, (), "CD4+")


def test_four_columns_are_enough() -> None:
    columns = ("subject", "visit", "name", "percent")
    record = read(*({key: row_[key] for key in columns} for row_ in PAIR)).chosen["P01", "D0", "Treg_of_CD4"]
    assert (record.percent, record.k, record.n, record.sample) == (5.0, None, None, "")


def test_subjects_and_visits_that_look_like_numbers() -> None:
    design = Design(baseline="0", visits=("0", "8"), endpoints=(Endpoint(name="a", ratio="Treg_of_CD4", visit="8"),))
    rows = [row("x", "y", subject=7, visit=visit) for visit in (0.0, 8.0)]
    assert sorted(read(*rows, design=design).chosen) == [("7", "0", "Treg_of_CD4"), ("7", "8", "Treg_of_CD4")]


@pytest.mark.parametrize("method", ["log-delta", "log_delta", "Log delta"])
def test_a_ratio_that_is_not_nested_may_be_over_100(method: str) -> None:
    rows = [row("P01", visit, 15_000, method=method) for visit in ("D0", "D8")]
    assert read(*rows).chosen["P01", "D0", "Treg_of_CD4"].percent == 150.0


@pytest.mark.parametrize("flags", ["few-events gate-moved", "gate-moved;few-events", "few-events, gate-moved"])
def test_flags_and_a_status_other_than_ok_go_along(flags: str) -> None:
    record = read(row("P01", "D0", flags=flags, status="review"), PAIR[1]).chosen["P01", "D0", "Treg_of_CD4"]
    assert record.flags == ("few-events", "gate-moved", "review")


def test_a_failed_sample_has_no_numbers() -> None:
    record = read(row("P01", "D0", status="failed"), PAIR[1]).chosen["P01", "D0", "Treg_of_CD4"]
    assert (record.failed, record.percent, record.k, record.n) == (True, None, None, None)


def test_a_failed_sample_without_ratios_stands_for_all_of_them() -> None:
    failed = row("P01", "D0", None, None, status="failed", name=None)
    assert read(failed, PAIR[1]).chosen["P01", "D0", "Treg_of_CD4"].failed


def test_other_ratios_may_be_wrong_without_stopping_this_one() -> None:
    records = read(*PAIR, row("P01", "D8", percent="n.d.", name="Other"))
    assert [record.ratio for record in records.read] == ["Treg_of_CD4", "Treg_of_CD4"]


def test_rows_that_belong_nowhere_are_named() -> None:
    records = read(
        *PAIR,
        row("P02", "D15"),
        row("P01", "D15"),
        row("P03", "D0", visit=None),
        row("P04", "D0", subject=None, sample="FMO_B1"),
    )
    assert records.subjects == ("P01", "P02", "P03")
    assert records.notes == (
        "left out, since the table names no subject: samples FMO_B1",
        "left out, since the visit is none of D0, D8: D15: P01, P02; no visit: P03",
    )


# ------------------------------------------------------------------------------------------------------ refusals


def test_missing_columns() -> None:
    assert refusal({"subject": "P01", "value": 5.0}) == (
        "frequencies.csv: no column visit, name, percent\n"
        "  expected   columns subject, visit, name, percent\n"
        "  available  subject, value\n"
        "  remedy     one row per sample and ratio, as in frequencies.csv"
    )


def test_a_ratio_that_is_not_there() -> None:
    rows = [row("P01", visit, name=name) for visit in ("D0", "D8") for name in ("Treg_of_CD4T", "B_of_Lymphocytes")]
    assert refusal(*rows) == (
        "frequencies.csv: primary: ratio 'Treg_of_CD4' is not in the table; did you mean 'Treg_of_CD4T'?\n"
        "  available  B_of_Lymphocytes, Treg_of_CD4T\n"
        "  remedy     name a ratio of the table, or run the samples that have it"
    )


def test_a_visit_that_is_not_there() -> None:
    assert refusal(row("P01", "D0"), row("P01", "D08")) == (
        "frequencies.csv: primary: visit 'D8' is not in the table; did you mean 'D08'?\n"
        "  available  D0, D08\n"
        "  remedy     name a visit of the table, or run the samples that have it"
    )


def test_a_baseline_that_is_not_there() -> None:
    assert refusal(row("P01", "screening"), row("P01", "D8")) == (
        "frequencies.csv: baseline: visit 'D0' is not in the table\n"
        "  available  D8, screening\n"
        "  remedy     name a visit of the table, or run the samples that have it"
    )


def test_an_empty_table() -> None:
    with pytest.raises(EndpointError) as caught:
        read_records(pd.DataFrame(columns=["subject", "visit", "name", "percent"]), DESIGN)
    assert str(caught.value) == (
        "primary: ratio 'Treg_of_CD4' is not in the table\n"
        "  available  none\n"
        "  remedy     name a ratio of the table, or run the samples that have it"
    )


def test_two_records_for_a_visit_are_all_listed() -> None:
    rows = (
        *PAIR,
        row("P02", "D8", sample="P02_D8b"),
        row("P02", "D8"),
        row("P01", "D0", sample=None, status="failed", name=""),
    )
    assert refusal(*rows) == (
        "frequencies.csv: more than one record for a subject and visit\n"
        "  expected   one record per subject, visit and ratio\n"
        "  available  Treg_of_CD4 of P01 D0: samples ?, P01_D0, Treg_of_CD4 of P02 D8: samples P02_D8, P02_D8b\n"
        "  remedy     decide which sample counts, and take the others out or give them another visit in the "
        "sample sheet"
    )


def test_values_that_cannot_be_are_all_listed() -> None:
    rows = (
        *PAIR,
        row("P02", "D0", 520, 500, percent=104.0),
        row("P02", "D8", percent=-0.5),
        row("P03", "D0", None, None, percent=100.5),
        row("P03", "D8", percent="5,2"),
        row("P04", "D0", percent=float("inf")),
        row("P04", "D8", 500.5),
        row("P05", "D0", percent=0.05),
        row("P05", "D8", 0, 0, percent=5.0),
        row("P06", "D0", -1, percent=None),
    )
    assert refusal(*rows) == (
        "frequencies.csv: 9 values cannot be\n"
        "  expected   percent = 100 k/n, from 0 to 100 where the numerator is part of the denominator\n"
        "  available  Treg_of_CD4 of P02 D0 (sample P02_D0): 520 of 500 events is over 100 %, "
        "Treg_of_CD4 of P02 D8 (sample P02_D8): -0.5 % is below 0, "
        "Treg_of_CD4 of P03 D0 (sample P03_D0): 100.5 % is over 100, "
        "Treg_of_CD4 of P03 D8 (sample P03_D8): percent '5,2' is no number, "
        "Treg_of_CD4 of P04 D0 (sample P04_D0): percent inf is no percentage, "
        "Treg_of_CD4 of P04 D8 (sample P04_D8): k 500.5 is no count, "
        "Treg_of_CD4 of P05 D0 (sample P05_D0): 0.05 % is not 500 of 10000, "
        "Treg_of_CD4 of P05 D8 (sample P05_D8): 5 % of 0 events, "
        "Treg_of_CD4 of P06 D0 (sample P06_D0): k -1, n 10000 is below 0\n"
        "  remedy     correct the table; set method to log-delta for a numerator that is not part of its denominator"
    )


def test_one_value_that_cannot_be() -> None:
    assert refusal(PAIR[0], row("P01", "D8", percent=-1.0)).startswith("frequencies.csv: 1 value cannot be\n")


def test_a_percentage_rounded_to_one_decimal_is_no_contradiction() -> None:
    assert read(PAIR[0], row("P01", "D8", 946, percent=9.5)).chosen["P01", "D8", "Treg_of_CD4"].percent == 9.5
