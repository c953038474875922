"""Populations: counts, shares, intervals, medians, flags at each border, tables and what a person sees of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import REPORT, TREE, cells, events, strategy

from tregflow.errors import GateError
from tregflow.few_events import FewEvents
from tregflow.findings import Finding
from tregflow.intervals import log_delta, wilson
from tregflow.populations import Frequency, Mfi, Population

if TYPE_CHECKING:
    from tregflow.populations import Gated

GATES = (
    "CD4+: {above: {CD4: 1}}",
    "Treg: {in: CD4+, above: {T: 1}}",
    "B: {above: {B: 1}}",
    "BinCD4: {all: [B, CD4+]}",
)


def counted(treg: int, cd4: int, b: int = 0, both: int = 0, *, report: str, limits: FewEvents | None = None) -> Gated:
    """Gate a sample with so many Treg among the CD4+, and so many B, some of them CD4+ too."""
    n = cd4 + b - both + 1
    number = np.arange(n)
    sample = events(CD4=number < cd4, T=number < treg, B=(number >= cd4 - both) & (number < n - 1))
    return strategy(*GATES, report=report).gate(sample, few_events=limits)


def only(gated: Gated) -> Frequency:
    (row,) = gated.ratios
    return row


# ------------------------------------------------------------------------------------------------------------- counts


def test_counts_and_percent_of_parent() -> None:
    gated = strategy(*TREE).gate(cells(Treg=4, naive=30, Teff=70, CD8=100, B=12, debris=5))
    assert gated.populations == (
        Population("root", "", 221, None, None),
        Population("Lymphocytes", "root", 216, 221, 100 * 216 / 221),
        Population("CD3+", "Lymphocytes", 204, 216, 100 * 204 / 216),
        Population("CD4+", "CD3+", 104, 204, 100 * 104 / 204),
        Population("CD25hiCD127lo", "CD4+", 4, 104, 100 * 4 / 104),
        Population("Treg", "CD25hiCD127lo", 4, 4, 100.0),
        Population("Tconv", "CD4+", 100, 104, 100 * 100 / 104),
        Population("Teff", "Tconv", 70, 100, 70.0),
        Population("B", "Lymphocytes", 12, 216, 100 * 12 / 216),
    )


def test_nothing_of_nothing_is_missing_and_nothing_of_something_is_zero() -> None:
    gated = strategy("A: {above: {x: 9}}", "B: {in: A, above: {x: 9}}").gate(events(x=[1, 2]))
    assert gated.populations[1:] == (Population("A", "root", 0, 2, 0.0), Population("B", "A", 0, 0, None))


def test_a_sample_without_events() -> None:
    gated = strategy(*TREE, report=REPORT, mfi="{root: [CD3], Treg: [CD25]}").gate(cells())
    assert [row.count for row in gated.populations] == [0] * 9
    assert {row.percent_of_parent for row in gated.populations} == {None}
    assert {row.flags for row in gated.ratios} == {("zero-denominator",)}
    assert {row.percent for row in gated.ratios} == {None}
    assert [row.mfi for row in gated.medians] == [None, None]
    assert gated.findings == ()


def test_rows_stand_in_the_order_of_the_file() -> None:
    gated = strategy("B: {in: A, above: {x: 1}}", "A: {above: {x: 1}}").gate(events(x=[1]))
    assert [row.population for row in gated.populations] == ["root", "B", "A"]
    assert list(gated.gates) == ["A", "B"]


# -------------------------------------------------------------------------------------------------------- frequencies


def test_a_nested_ratio_has_wilsons_interval() -> None:
    row = only(counted(500, 10_000, report="{a: Treg / CD4+}"))
    assert (row.name, row.numerator, row.denominator) == ("a", "Treg", "CD4+")
    assert (row.k, row.n, row.percent, row.method, row.flags) == (500, 10_000, 5.0, "wilson", ())
    # Wilson 1927, z = 1.959964, p = 0.05, n = 10,000, by hand
    assert (round(row.low or 0, 5), round(row.high or 0, 5)) == (4.58985, 5.44471)


@pytest.mark.parametrize(
    ("ratio", "k", "n", "method"),
    [
        ("Treg / CD4+", 300, 9000, "wilson"),
        ("Treg / root", 300, 9301, "wilson"),
        ("CD4+ / CD4+", 9000, 9000, "wilson"),
        ("BinCD4 / CD4+", 100, 9000, "wilson"),  # `all` lies in each of its operands
        ("BinCD4 / B", 100, 400, "wilson"),
        ("B / CD4+", 400, 9000, "log-delta"),
        ("CD4+ / B", 9000, 400, "log-delta"),
        ("CD4+ / Treg", 9000, 300, "log-delta"),
        ("root / CD4+", 9301, 9000, "log-delta"),
    ],
)
def test_the_interval_goes_by_what_is_nested(ratio: str, k: int, n: int, method: str) -> None:
    gated = counted(300, 9000, 400, 100, report=f"{{a: {ratio}}}")
    row = only(gated)
    assert (row.k, row.n, row.method) == (k, n, method)
    assert row.percent == 100 * k / n
    shared = int(np.sum(gated[row.numerator] & gated[row.denominator]))
    low, high = wilson(k, n) if method == "wilson" else log_delta(k, n, shared)
    assert (row.low, row.high) == (100 * low, 100 * high)


def test_the_overlap_of_a_ratio_that_is_not_nested_counts() -> None:
    apart = only(counted(0, 9000, 400, 0, report="{a: B / CD4+}"))
    shared = only(counted(0, 9000, 400, 400, report="{a: B / CD4+}"))
    assert apart.percent == shared.percent
    # Var(log k/n) = 1/k + 1/n - 2 overlap/(k n), by hand
    for row, overlap in ((apart, 0), (shared, 400)):
        half = 1.959963984540054 * math.sqrt(1 / 400 + 1 / 9000 - 2 * overlap / (400 * 9000))
        assert row.low == pytest.approx(100 * 400 / 9000 * math.exp(-half), rel=1e-12)
        assert row.high == pytest.approx(100 * 400 / 9000 * math.exp(half), rel=1e-12)


def test_no_event_of_a_nested_ratio() -> None:
    row = only(counted(0, 9000, report="{a: Treg / CD4+}"))
    assert (row.percent, row.low, row.method, row.flags) == (0.0, 0.0, "wilson", ("not-detected",))
    assert row.high == pytest.approx(100 * 1.959964**2 / (9000 + 1.959964**2), rel=1e-6)


def test_no_event_of_a_ratio_that_is_not_nested_has_no_interval() -> None:
    row = only(counted(0, 9000, 0, report="{a: B / CD4+}"))
    assert (row.k, row.n, row.percent, row.low, row.high) == (0, 9000, 0.0, None, None)
    assert (row.method, row.flags) == ("log-delta", ("not-detected",))


@pytest.mark.parametrize(("ratio", "method"), [("Treg / CD4+", "wilson"), ("B / CD4+", "log-delta")])
def test_a_denominator_of_zero_is_missing_and_never_zero(ratio: str, method: str) -> None:
    """The method stays: it tells a reader of the table that k of B may well exceed n."""
    row = only(counted(0, 0, 5, report=f"{{a: {ratio}}}"))
    assert (row.n, row.percent, row.low, row.high) == (0, None, None, None)
    assert (row.method, row.flags) == (method, ("zero-denominator",))


@settings(max_examples=40)
@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 300), st.data())
def test_a_frequency_lies_within_its_interval(treg: int, more: int, b: int, data: st.DataObject) -> None:
    both = data.draw(st.integers(0, min(treg + more, b)))
    limits = FewEvents(cd4_fail=0, cd4_finding=0)
    gated = counted(treg, treg + more, b, both, report="{a: Treg / CD4+, b: B / CD4+, c: BinCD4 / B}", limits=limits)
    for row in gated.ratios:
        assert (row.percent is None) == (row.n == 0)
        if row.percent is not None and row.low is not None and row.high is not None:
            assert row.low <= row.percent <= row.high
            assert row.method == "log-delta" or 0 <= row.low <= row.high <= 100


# --------------------------------------------------------------------------------------------------------------- flags


@pytest.mark.parametrize(
    ("k", "flags"),
    [
        (0, ("not-detected",)),
        (19, ("not-detected",)),
        (20, ("not-quantifiable",)),
        (49, ("not-quantifiable",)),
        (50, ("few-events",)),
        (99, ("few-events",)),
        (100, ()),
    ],
)
def test_few_events_are_flagged(k: int, flags: tuple[str, ...]) -> None:
    row = only(counted(k, 9000, report="{a: Treg / CD4+}"))
    assert row.flags == flags
    assert row.percent == 100 * k / 9000  # the number stands; the flag goes with it


@pytest.mark.parametrize(
    ("n", "flags", "given"),
    [
        (1, ("too-few-cd4",), False),
        (1999, ("too-few-cd4",), False),
        (2000, ("few-cd4",), True),
        (4999, ("few-cd4",), True),
        (5000, (), True),
    ],
)
def test_few_cd4_are_flagged_and_too_few_give_no_frequency(n: int, flags: tuple[str, ...], given: bool) -> None:
    limits = FewEvents(not_detected=0, not_quantifiable=0, finding=0)
    row = only(counted(min(n, 500), n, report="{a: Treg / CD4+}", limits=limits))
    assert (row.k, row.n, row.flags) == (min(n, 500), n, flags)
    assert (row.percent is not None, row.low is not None, row.high is not None) == (given, given, given)
    assert row.method == "wilson"


def test_the_limits_on_cd4_are_for_frequencies_of_cd4() -> None:
    gated = counted(30, 60, 500, report="{a: Treg / CD4+, b: B / CD4+, c: Treg / root, d: CD4+ / root}")
    assert [(row.name, row.percent is None, row.flags) for row in gated.ratios] == [
        ("a", True, ("not-quantifiable", "too-few-cd4")),
        ("b", True, ("too-few-cd4",)),
        ("c", False, ("not-quantifiable",)),
        ("d", False, ("few-events",)),
    ]
    assert [row.method for row in gated.ratios] == ["wilson", "log-delta", "wilson", "wilson"]


def test_limits_are_settings() -> None:
    limits = FewEvents(not_detected=1, not_quantifiable=2, finding=3, cd4_finding=20, cd4_fail=10, cd4="B")
    gated = counted(2, 5, 15, report="{a: Treg / CD4+, b: Treg / B}", limits=limits)
    assert [(row.percent is None, row.flags) for row in gated.ratios] == [
        (False, ("few-events",)),
        (False, ("few-events", "few-cd4")),
    ]


def test_each_flag_is_a_finding_with_its_numbers() -> None:
    gated = counted(19, 4999, 49, report="{a: Treg / CD4+, b: B / root, c: B / B}")
    assert gated.few_event_findings() == (
        Finding("not-detected", "warning", "a", "19 events: below the limit of detection"),
        Finding("few-cd4", "warning", "a", "4999 events in CD4+: few"),
        Finding("not-quantifiable", "warning", "b", "49 events: detected, not quantifiable"),
        Finding("not-quantifiable", "warning", "c", "49 events: detected, not quantifiable"),
    )
    gated = counted(99, 1999, report="{a: Treg / CD4+, b: CD4+ / B}")
    assert gated.few_event_findings() == (
        Finding("few-events", "warning", "a", "99 events: the count alone is uncertain"),
        Finding("too-few-cd4", "review", "a", "1999 events in CD4+: too few, no frequency is given"),
        Finding("zero-denominator", "review", "b", "no event in B: no frequency"),
    )


# ----------------------------------------------------------------------------------------------------------------- MFI


def test_an_mfi_is_the_median_of_compensated_values_on_no_scale() -> None:
    sample = events(x=[10.0, 20.0, 30.0, 1000.0], y=[100.0, 0.0, 7.0, 0.0], keywords={"$SPILLOVER": "2,x,y,1,0.5,0,1"})
    gated = strategy("A: {below: {x: 100}}", compensation="fcs", mfi="{A: [y, x], root: [y]}").gate(sample)
    assert gated.medians == (Mfi("A", "y", -8.0), Mfi("A", "x", 20.0), Mfi("root", "y", -9.0))


def test_the_median_of_an_even_number_lies_in_between() -> None:
    gated = strategy("A: {above: {x: 0}}", mfi="{A: [x]}").gate(events(x=[-1, 1, 2, 5, 100]))
    assert gated.medians == (Mfi("A", "x", 3.5),)


def test_the_mfi_of_nobody_is_missing() -> None:
    gated = strategy("A: {above: {x: 1e6}}", mfi="{A: [x], root: [y]}").gate(
        events(x=[1.0, 2.0], y=[math.nan, math.inf])
    )
    assert gated.medians == (Mfi("A", "x", None), Mfi("root", "y", None))
    assert gated.mfi["mfi"].isna().all()


# --------------------------------------------------------------------------------------------------------------- masks


def test_a_mask_covers_the_events_of_the_file() -> None:
    gated = strategy("A: {above: {x: 1}}").gate(events(x=[0, 1, 2]))
    assert gated["A"].dtype == np.bool_
    assert gated["A"].tolist() == [False, True, True]
    assert gated["root"].tolist() == [True, True, True]


def test_an_unknown_population() -> None:
    gated = strategy(*TREE).gate(cells("P01_D8.fcs", Treg=1))
    with pytest.raises(GateError) as caught:
        gated["treg"]
    assert caught.value.code == "E_NO_POPULATION"
    assert str(caught.value) == (
        "P01_D8.fcs: treg: no such population; did you mean 'Treg'?\n"
        "  available  root, Lymphocytes, CD3+, CD4+, CD25hiCD127lo, Treg, Tconv, Teff, B"
    )
    with pytest.raises(GateError, match="no such population"):
        gated.count("NK")


def test_a_missing_population() -> None:
    gated = strategy("A: {above: {q: 1}, optional: true}", "B: {in: A, not: C}", "C: {above: {x: 1}}").gate(
        events("P01.fcs", x=[1])
    )
    with pytest.raises(GateError) as caught:
        gated["A"]
    assert caught.value.code == "E_MISSING_POPULATION"
    assert str(caught.value) == "P01.fcs: A: missing in this sample: no channel carries q"
    with pytest.raises(GateError) as caught:
        gated["B"]
    assert str(caught.value) == "P01.fcs: B: missing in this sample: A is missing"
    assert (gated.count("A"), gated.count("B"), gated.count("C")) == (None, None, 1)


# -------------------------------------------------------------------------------------------------------------- tables


def test_tables_keep_their_types_where_numbers_are_missing() -> None:
    gated = strategy(
        "A: {above: {q: 1}, optional: true}",
        "B: {above: {x: 1}}",
        "C: {above: {x: 9}}",
        report="{a: A / B, b: B / root, c: B / C}",
        mfi="{A: [x], B: [x]}",
    ).gate(events(x=[0, 1]))
    types = {column: str(kind) for column, kind in gated.table.dtypes.items()}
    assert types == {
        "population": "object",
        "parent": "object",
        "count": "Int64",
        "parent_count": "Int64",
        "percent_of_parent": "float64",
    }
    assert gated.table["count"].tolist() == [2, pd.NA, 1, 0]
    assert gated.table["parent"].tolist() == ["", "root", "root", "root"]
    types = {column: str(kind) for column, kind in gated.frequencies.dtypes.items()}
    assert types == {
        "name": "object",
        "numerator": "object",
        "denominator": "object",
        "k": "Int64",
        "n": "Int64",
        "percent": "float64",
        "low": "float64",
        "high": "float64",
        "method": "object",
        "flags": "object",
    }
    assert gated.frequencies["flags"].tolist() == ["missing", "not-detected", "zero-denominator"]
    assert gated.frequencies["percent"].isna().tolist() == [True, False, True]
    assert {column: str(kind) for column, kind in gated.mfi.dtypes.items()} == {
        "population": "object",
        "marker": "object",
        "mfi": "float64",
    }


def test_tables_of_a_strategy_that_reports_nothing_are_empty_and_typed() -> None:
    gated = strategy("A: {above: {x: 1}}").gate(events(x=[1]))
    assert gated.frequencies.empty
    assert gated.mfi.empty
    assert str(gated.frequencies["k"].dtype) == "Int64"
    assert str(gated.mfi["mfi"].dtype) == "float64"


# ------------------------------------------------------------------------------------------------------ what one sees


def test_a_gated_sample_prints_its_tree() -> None:
    gated = strategy(
        "A: {above: {x: 1}}",
        "A1: {in: A, above: {x: 2}}",
        "Q: {above: {q: 1}, optional: true}",
        "Z: {below: {x: -1}}",
        "Z1: {in: Z, below: {x: -1}}",
    ).gate(events("P01.fcs", x=[0, 1, 2]))
    assert repr(gated) == (
        "<Gated P01.fcs: test, 3 events>\n"
        "  root                                   3\n"
        "    A                                    2   66.67 % of root\n"
        "      A1                                 1   50.00 % of A\n"
        "    Q                              missing\n"
        "    Z                                    0    0.00 % of root\n"
        "      Z1                                 0"
    )


def test_a_deep_tree_prints_too() -> None:
    gates = ["G0: {above: {x: 1}}", *(f"G{i}: {{in: G{i - 1}, above: {{x: 1}}}}" for i in range(1, 30))]
    lines = repr(strategy(*gates).gate(events(x=[1]))).splitlines()
    assert lines[-1] == "  " + "  " * 30 + "G29" + "         1  100.00 % of G28"


def test_a_notebook_shows_a_table_and_runs_nothing() -> None:
    gated = strategy("'<b>A</b>': {above: {x: 1}}", "Q: {above: {q: 1}, optional: true}").gate(
        events("<script>alert(1)</script>.fcs", x=[0, 1, 2])
    )
    shown = gated._repr_html_()
    assert "<script>" not in shown
    assert "<b>" not in shown
    assert shown.startswith("<p>&lt;script&gt;alert(1)&lt;/script&gt;.fcs</p><table")
    assert "&lt;b&gt;A&lt;/b&gt;" in shown
    assert "66.667" in shown
    assert "NaN" not in shown
    assert "<NA>" not in shown


def test_limits_on_cd4_that_look_at_nothing_are_said() -> None:
    gated = strategy("CD4: {above: {x: 0}}", report="{a: CD4 / root}").gate(events(x=np.ones(500)))
    assert gated.few_event_findings() == (
        Finding(
            "no-cd4-limit",
            "warning",
            "few_events",
            "the strategy has no population 'CD4+': no limit on CD4+ events holds (few_events: {cd4: ...})",
        ),
    )
