"""What diagnostics see: nothing under the true matrix, the right pair under a wrong one, negatives off zero."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders_controls import DYES, TRUTH, controls, tube

from tregflow.compensation import Spillover, diagnose
from tregflow.errors import CompensationError
from tregflow.fcs import Sample
from tregflow.findings import Finding
from tregflow.simulate import Batch, Specimen, simulate_sample

TRUE = Spillover(DYES, TRUTH, "truth")


def changed(donor: int, receiver: int, by: float) -> Spillover:
    matrix = TRUTH.copy()
    matrix[donor, receiver] += by
    return Spillover(DYES, matrix, "changed")


def mixed(seed: int = 0, **settings: float) -> Sample:
    """Return a sample of four kinds of cells, each with one of the dyes."""
    parts = [tube(name, seed=seed + place, bright=1500, dim=500, **settings) for place, name in enumerate(DYES)]  # type: ignore[arg-type]
    columns = {name: np.concatenate([part.values(name) for part in parts]) for name in DYES}
    return Sample.from_columns("mixed.fcs", columns)


# ---------------------------------------------------------------------------------------------------------- slopes


@pytest.mark.parametrize("place", range(4))
def test_the_true_matrix_leaves_nothing_in_single_stains(place: int) -> None:
    found = diagnose(tube(DYES[place], seed=place), TRUE, stained=[DYES[place]])
    assert found.findings == ()
    assert [each.dye for each in found.residuals] == [DYES[place]] * 3
    assert all(abs(each.slope) < 4.5 * each.error < 0.01 for each in found.residuals)
    assert all(each.alone and each.n == 2000 for each in found.residuals)


@settings(max_examples=20)
@given(
    donor=st.integers(0, 3),
    step=st.integers(1, 3),
    size=st.floats(0.015, 0.2),
    too_much=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_a_wrong_coefficient_is_found_in_single_stains(
    donor: int, step: int, size: float, too_much: bool, seed: int
) -> None:
    receiver = (donor + step) % 4
    wrong = changed(donor, receiver, size if too_much else -size)
    found = diagnose(tube(DYES[donor], seed=seed), wrong, stained=[DYES[donor]])
    flagged = [each for each in found.residuals if each.flagged]
    assert DYES[receiver] in {each.detector for each in flagged}
    [worst] = [each for each in flagged if each.detector == DYES[receiver]]
    assert np.sign(worst.slope) == (-1 if too_much else 1)
    assert abs(worst.slope) == pytest.approx(size, rel=0.1, abs=0.004)


def test_findings_name_the_pair_the_slope_and_the_events() -> None:
    sample = tube("B515-A")
    over = diagnose(sample, changed(0, 1, 0.05), stained=["B515-A"])
    slope = over.residuals[0].slope
    assert over.findings == (
        Finding(
            "over-compensated",
            "warning",
            "B515-A -> G560-A",
            f"G560-A falls by {-slope:.3g} ± {over.residuals[0].error:.1g} of B515-A along its 2000 bright events: "
            "over-compensated",
        ),
    )
    under = diagnose(sample, changed(0, 1, -0.05), stained=["B515-A"])
    [finding] = under.findings
    assert (finding.code, finding.severity, finding.where) == ("under-compensated", "warning", "B515-A -> G560-A")
    assert finding.text.startswith("G560-A rises by 0.0")
    assert finding.text.endswith("bright events: under-compensated")


def test_in_a_full_stain_the_true_matrix_is_not_blamed() -> None:
    found = diagnose(mixed(), TRUE)
    assert found.findings == ()
    assert len(found.residuals) == 12
    assert all(not each.alone and abs(each.slope) < 0.01 for each in found.residuals)


@pytest.mark.parametrize(("donor", "receiver"), [(0, 1), (1, 2), (3, 0), (2, 3)])
def test_in_a_full_stain_a_wrong_coefficient_is_found(donor: int, receiver: int) -> None:
    where = f"{DYES[donor]} -> {DYES[receiver]}"
    over = diagnose(mixed(), changed(donor, receiver, 0.06))
    assert (where, "over-compensated", "warning") in {(each.where, each.code, each.severity) for each in over.findings}
    under = diagnose(mixed(), changed(donor, receiver, -0.03))
    said = {(each.where, each.code, each.severity): each.text for each in under.findings}
    assert said[where, "under-compensated", "info"].endswith("under-compensated, or these cells carry a little of both")


def test_cells_that_carry_both_dyes_are_no_fault_of_the_matrix() -> None:
    rng = np.random.default_rng(3)
    true = np.zeros((6000, 2))
    true[:2000] = 20_000 * np.exp(rng.normal(0, 0.3, (2000, 2)))
    true[2000:4000, 0] = 20_000 * np.exp(rng.normal(0, 0.3, 2000))
    seen = true @ np.array([[1, 0.2], [0.1, 1]]) + rng.normal(100, 60, true.shape)
    matrix = Spillover(("A", "B"), np.array([[1, 0.2], [0.1, 1]]), "m")
    found = diagnose({"A": seen[:, 0], "B": seen[:, 1]}, matrix)
    assert found.file == "columns"
    assert found.findings == ()
    by_pair = {(each.dye, each.detector): each for each in found.residuals}
    assert by_pair["A", "B"].n == pytest.approx(2000, abs=5)
    assert np.isnan(by_pair["B", "A"].slope)  # every cell with B carries A: nothing can be said
    assert by_pair["B", "A"].n == 0


def test_a_simulated_panel_is_not_blamed_under_its_matrix_and_is_under_one_of_a_third_more() -> None:
    counts = {"Tconv_naive": 5000, "Tconv_memory": 3000, "CD8": 3000, "B": 1500, "Treg_memory": 300}
    specimen = Specimen(counts=counts, dead=800, drift=0.0)
    sample, _ = simulate_sample(specimen, batch=Batch(name="B1"), rng=np.random.default_rng(4))
    matrix = Spillover.from_sample(sample)
    right = diagnose(sample, matrix)
    assert {each.severity for each in right.findings} <= {"info"}
    more = matrix.matrix * np.where(np.eye(len(matrix.matrix), dtype=bool), 1, 1.5)
    wrong = diagnose(sample, Spillover(matrix.detectors, more, "more"))
    assert "over-compensated" in {each.code for each in wrong.findings}


def test_few_events_allow_no_slope() -> None:
    found = diagnose(tube("B515-A", bright=150, dim=4000), changed(0, 1, 0.3), stained=["B515-A"])
    assert all(np.isnan(each.slope) and not each.flagged for each in found.residuals)
    assert found.findings == ()


def test_beads_without_negatives_have_zero_for_them() -> None:
    beads = tube("B515-A", dim=0, level=50_000.0)
    assert diagnose(beads, TRUE, stained=["B515-A"]).findings == ()
    wrong = diagnose(beads, changed(0, 1, 0.05), stained=["B515-A"])
    assert [(each.code, each.where) for each in wrong.findings] == [
        ("negatives-off-zero", "G560-A"),  # every bead lies below zero there
        ("over-compensated", "B515-A -> G560-A"),
    ]


def test_a_mask_and_events_at_the_top_are_minded() -> None:
    sample = tube("B515-A", level=150_000.0)
    found = diagnose(sample, TRUE, stained=["B515-A"])
    assert found.residuals[0].n < 2000
    assert found.findings == ()
    half = np.arange(sample.n_events) % 2 == 0
    assert diagnose(sample, TRUE, stained=["B515-A"], mask=half).residuals[0].n < 0.6 * found.residuals[0].n


# ------------------------------------------------------------------------------------------------ negatives, matrix


def test_negatives_are_told_against_zero() -> None:
    rng = np.random.default_rng(1)
    matrix = Spillover(("A", "B", "C"), np.eye(3) + 0.05, "m")
    true = np.column_stack([rng.normal(-300, 100, 4000), rng.normal(20, 100, 4000), rng.normal(900, 100, 4000)])
    true[:1500, 2] += 30_000
    seen = true @ matrix.matrix
    found = diagnose(dict(zip("ABC", seen.T, strict=True)), matrix)
    assert [each.off for each in found.negatives] == pytest.approx([-3, 0.2, 9], abs=0.4)
    assert [each.parted for each in found.negatives] == [False, False, True]
    a, _, c = found.negatives
    assert found.findings[:2] == (
        Finding(
            "negatives-off-zero",
            "warning",
            "A",
            f"the negative events lie {-a.off:.2g} of their robust SD below zero (median {a.median:.4g}, 4000 events): "
            "over-compensated",
        ),
        Finding(
            "negatives-off-zero",
            "info",
            "C",
            f"the negative events lie {c.off:.2g} of their robust SD above zero (median {c.median:.4g}, 2500 events): "
            "autofluorescence, or under-compensated",
        ),
    )
    assert list(found.negatives_table.columns) == ["detector", "n", "median", "spread", "off", "parted"]


def test_entries_beyond_their_limits_and_the_condition_are_said() -> None:
    matrix = Spillover(("A", "B"), np.array([[1.0, 0.95], [0.96, 1.0]]), "m.csv")
    events = {"A": np.zeros(10), "B": np.zeros(10)}
    found = diagnose(events, matrix)
    assert found.condition == pytest.approx(np.linalg.cond(matrix.matrix))
    assert [(each.code, each.severity, each.where) for each in found.findings] == [
        ("spillover-condition", "warning", "m.csv"),
        ("spillover-high", "warning", "A -> B"),
        ("spillover-high", "warning", "B -> A"),
    ]
    assert found.findings[0].text == "the condition number is 43.4: above 20 compensation multiplies the noise"
    assert found.findings[1].text == "the coefficient is 0.95: cells bright in A cannot be told dim in B"
    below = diagnose(events, Spillover(("A", "B"), np.array([[1.0, -0.04], [0.0, 1.0]]), "m.csv"))
    assert below.findings == (
        Finding("spillover-below-zero", "warning", "A -> B", "the coefficient is -0.04, below zero"),
    )


def test_tables_and_reprs() -> None:
    found = diagnose(tube("B515-A"), changed(0, 1, 0.05), stained=["B515-A"])
    assert list(found.table.columns) == ["dye", "detector", "slope", "error", "level", "n", "alone", "flagged"]
    assert found.table["flagged"].tolist() == [True, False, False]
    assert repr(found) == "<Diagnostics of B515-A.fcs: condition number 1.26, 1 of 3 pairs flagged, 1 findings>"
    assert "over-compensated" in found._repr_html_()


def test_no_events_are_no_fault() -> None:
    empty = Sample.from_columns("empty.fcs", dict.fromkeys(DYES, np.zeros(0)))
    found = diagnose(empty, TRUE)
    assert found.findings == ()
    assert {each.n for each in found.negatives} == {0}


def test_a_matrix_that_does_not_fit_is_refused() -> None:
    with pytest.raises(CompensationError) as caught:
        diagnose(Sample.from_columns("a.fcs", {"B515-A": np.zeros(5)}), TRUE)
    assert caught.value.code == "E_SPILL"


def test_controls_under_their_acquisition_matrix() -> None:
    """What the lab wants to know: does the matrix that was set at the cytometer still hold?"""
    stale = changed(3, 0, -0.05)
    said = [
        finding.where
        for name, sample in controls().items()
        for finding in diagnose(sample, stale, stained=[name]).findings
    ]
    assert said == ["V450-A -> B515-A"]
