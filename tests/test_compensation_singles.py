"""The matrix from single-stained controls: known truth comes back within its error; wrong controls are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders_controls import DYES, STAINED, TRUTH, controls, tube

from tregflow.compensation import Spillover, SpilloverFit, spillover_from_controls
from tregflow.compensation.folder import assign
from tregflow.compensation.modes import MIN_EVENTS, split
from tregflow.compensation.slopes import slope_between
from tregflow.errors import CompensationError, FcsError, InteropError
from tregflow.fcs import Sample, read_fcs, write_fcs

if TYPE_CHECKING:
    from pathlib import Path

OFF = ~np.eye(len(DYES), dtype=bool)
BLANK = tube(None, seed=99, bright=0, dim=3000)


def distance(fit: SpilloverFit) -> np.ndarray:
    """Return how many standard errors the coefficients off the diagonal lie from the truth."""
    return ((fit.spillover.matrix - TRUTH)[OFF]) / fit.errors[OFF]


def codes(fit: SpilloverFit) -> list[tuple[str, str, str]]:
    return [(each.code, each.severity, each.where) for each in fit.findings if each.severity != "info"]


def refused(*args: object, **kwargs: object) -> str:
    with pytest.raises(CompensationError) as caught:
        spillover_from_controls(*args, **kwargs)  # type: ignore[arg-type]
    return f"{caught.value.code}: {caught.value}"


# ------------------------------------------------------------------------------------------------------------ truth


@pytest.mark.parametrize(
    "made",
    [
        {},
        {"bright": 300, "dim": 3700},  # few positive ones
        {"bright": 150, "dim": 8000, "spread": 0.8},  # rarer still, and a smear
        {"dim": 20},  # none negative: those of the unstained control
        {"level": 3000.0},  # dim
        {"bright": 3980, "dim": 300, "spread": 0.1, "level": 2e5},  # beads near the top of the range
    ],
)
def test_the_truth_comes_back_within_the_standard_errors(made: dict[str, float]) -> None:
    blanks = [tube(None, seed=1000 + seed, bright=0, dim=3000) for seed in range(8)]
    fits = [spillover_from_controls(controls(seed=seed, **made), unstained=blanks[seed]) for seed in range(8)]
    z = np.array([distance(fit) for fit in fits])
    assert np.abs(z).max() < 4.5  # 96 coefficients: 4.5 comes by chance once in 1500 times
    assert 0.7 < np.sqrt((z**2).mean()) < 1.35  # the errors are neither too small nor too large
    assert all(fit.errors[OFF].max() < 0.01 for fit in fits)


@settings(max_examples=15)
@given(
    seed=st.integers(0, 2**20),
    shares=st.lists(st.floats(0.0, 0.5), min_size=12, max_size=12),
    level=st.floats(5_000, 60_000),
)
def test_any_matrix_comes_back(seed: int, shares: list[float], level: float) -> None:
    truth = np.eye(len(DYES))
    truth[OFF] = shares
    fit = spillover_from_controls(
        {name: tube(name, seed=seed + place, truth=truth, level=level) for place, name in enumerate(DYES)}
    )
    assert np.abs((fit.spillover.matrix - truth)[OFF] / fit.errors[OFF]).max() < 6
    assert np.abs(fit.spillover.matrix - truth).max() < 0.03


def test_every_control_compensated_by_its_matrix_is_level() -> None:
    made = controls()
    fit = spillover_from_controls(made)
    for name, sample in made.items():
        bright = sample.values(name) > 5000
        for other in set(DYES) - {name}:
            values = fit.spillover.compensated(sample, other)
            assert abs(np.median(values[bright]) - np.median(values[~bright])) < 40  # of 20,000


def test_markers_name_controls_as_detectors_do_and_the_order_is_that_of_the_channels() -> None:
    made = controls()
    by_marker = {STAINED[name]: made[name] for name in reversed(DYES)}
    one, other = spillover_from_controls(made), spillover_from_controls(by_marker)
    assert one.detectors == other.detectors == DYES
    assert one.spillover.sha256 == other.spillover.sha256


def test_what_is_said_of_each_control() -> None:
    fit = spillover_from_controls(controls(), unstained=BLANK)
    first = fit.controls[0]
    assert (first.detector, first.file, first.n_bright, first.negatives) == ("B515-A", "B515-A.fcs", 2000, "control")
    assert 1500 < first.n_dim < 1800  # those whose scatter is like that of the positive ones
    assert [finding.code for finding in fit.findings] == ["spillover-from-controls"]
    assert fit.findings == fit.spillover.findings
    assert fit.findings[0].text == (
        "the matrix was computed from 4 single-stained controls: B515-A 2000 positive events, G560-A 2000 positive "
        "events, R660-A 2000 positive events, V450-A 2000 positive events"
    )


def test_debris_and_bright_other_cells_are_no_negatives_of_lymphocytes() -> None:
    """A third of the events are debris without autofluorescence, a fifth monocytes with five times as much."""
    made = {}
    for place, name in enumerate(DYES):
        cells = tube(name, seed=place, bright=1500, dim=1500)
        debris = tube(None, seed=50 + place, bright=0, dim=1500, autofluorescence=0.0, dim_autofluorescence=0.0)
        others = tube(None, seed=70 + place, bright=0, dim=900, dim_autofluorescence=1500.0)
        columns = {
            channel: np.concatenate(
                [
                    cells.values(channel),
                    debris.values(channel) * (0.2 if channel == "FSC-A" else 1.0),
                    others.values(channel) * (3.0 if channel == "SSC-A" else 1.0),
                ]
            )
            for channel in cells.names
        }
        made[name] = Sample.from_columns(f"{name}.fcs", columns, markers=STAINED)
    fit = spillover_from_controls(made)
    assert {each.n_bright for each in fit.controls} <= {1499, 1500}
    assert np.abs(distance(fit)).max() < 4.5


def test_a_mask_chooses_events() -> None:
    made = controls()
    halves = {name: np.arange(sample.n_events) % 2 == 0 for name, sample in made.items()}
    fit = spillover_from_controls(made, masks=halves)
    assert all(900 < each.n_bright < 1100 for each in fit.controls)
    text = refused(made, masks={"B515-A": np.ones(3, dtype=bool)})
    assert text == (
        "E_SINGLE_MASK: B515-A.fcs: a mask that does not fit the control\n"
        "  expected   (4000,) bool, an entry per event\n"
        "  available  (3,) bool"
    )


# -------------------------------------------------------------------------------------------------------- negatives


def test_without_negatives_the_unstained_control_stands_in() -> None:
    fit = spillover_from_controls(controls(dim=10), unstained=BLANK)
    assert {each.negatives for each in fit.controls} == {"unstained"}
    assert np.abs(distance(fit)).max() < 4.5
    assert codes(fit) == []


def test_without_any_negatives_zero_stands_in_and_that_is_said_with_its_price() -> None:
    fit = spillover_from_controls(controls(dim=10, level=8000.0))
    assert {each.negatives for each in fit.controls} == {"zero"}
    assert codes(fit) == [("single-no-negatives", "review", f"{name} ({name}.fcs)") for name in DYES]
    assert fit.findings[1].text == (
        "no negative events and no unstained control: zero stands for them, which by the dimmest of the other controls "
        f"may move its coefficients by up to {fit.findings[1].text.rpartition(' ')[2]}"
    )
    worst = np.abs(fit.spillover.matrix - TRUTH).max()
    stated = max(float(each.text.rpartition(" ")[2]) for each in fit.findings if each.code == "single-no-negatives")
    assert 0.01 < worst < stated < 0.1


def test_two_controls_without_negatives_tell_no_price() -> None:
    made = {name: sample for name, sample in controls(dim=10).items() if name in DYES[::3]}
    fit = spillover_from_controls(made)
    assert fit.findings[-1].text == (
        "no negative events and no unstained control: zero stands for them, and autofluorescence stays in its "
        "coefficients"
    )


def test_an_unstained_control_of_other_cells_is_said() -> None:
    other = tube(None, seed=7, bright=0, dim=3000, dim_autofluorescence=3000.0)
    fit = spillover_from_controls(controls(level=40_000.0), unstained=other)
    assert {each.negatives for each in fit.controls} == {"control"}
    assert np.abs(distance(fit)).max() < 4.5
    assert {code for code, _, _ in codes(fit)} == {"single-negatives-differ"}
    assert fit.findings[1].text.startswith(
        "the unstained control has another autofluorescence than its negatives; it would move G560-A by -0.0"
    )


# ---------------------------------------------------------------------------------------------------------- remarks


def test_events_at_the_top_are_left_out_and_counted() -> None:
    fit = spillover_from_controls(controls(level=150_000.0))
    assert all(0.02 < each.saturated / 4000 < 0.2 for each in fit.controls)
    assert np.abs(distance(fit)).max() < 4.5
    saturated = fit.controls[0].saturated
    assert fit.findings[1].text == (
        f"{saturated} of 4000 events lie at the top of a detector's range and were left out"
    )
    assert codes(fit) == [("single-saturated", "warning", f"{name} ({name}.fcs)") for name in DYES]
    few = spillover_from_controls(controls(level=70_000.0))
    assert {each.severity for each in few.findings if each.code == "single-saturated"} == {"info"}


def test_values_above_the_stated_range_mean_that_it_is_no_limit() -> None:
    fit = spillover_from_controls(controls(level=200_000.0, top=1e9))
    assert {each.saturated for each in fit.controls} == {0}


def test_other_detectors_without_a_control_are_listed() -> None:
    made = {name: sample for name, sample in controls().items() if name != "R660-A"}
    fit = spillover_from_controls(made)
    assert fit.detectors == ("B515-A", "G560-A", "V450-A")
    assert fit.findings[1].text == (
        "no control for R660-A: a dye there is not compensated, and its light stays in the others"
    )
    assert codes(fit) == [("single-missing", "warning", "spillover")]
    gated = spillover_from_controls(made, gated=("R660-A", "FSC-A", "B515-A"))
    assert codes(gated) == [("single-missing", "review", "spillover")]
    assert gated.findings[1].text == "no control for R660-A, which gates look at: the channel is not compensated"


def test_the_acquisition_matrix_is_compared() -> None:
    stated = TRUTH.copy()
    stated[0, 1] += 0.05
    text = ",".join(["4", *DYES, *map(repr, stated.ravel().tolist())])
    fit = spillover_from_controls(controls(keywords={"$SPILLOVER": text}))
    assert fit.acquisition is not None
    assert fit.acquisition.source == "B515-A.fcs: $SPILLOVER"
    assert codes(fit) == [("spillover-differs", "warning", "B515-A -> G560-A")]
    share, error = fit.spillover.matrix[0, 1], fit.errors[0, 1]
    assert fit.findings[1].text == (f"{share:.4f} ± {error:.2g} from the controls, 0.1700 in the acquisition matrix")
    row = fit.table.query("dye == 'B515-A' and detector == 'G560-A'").iloc[0]
    assert row["difference"] == fit.differences[0, 1] == pytest.approx(share - 0.17)
    assert list(fit.table.columns) == ["dye", "detector", "share", "error", "acquisition", "difference"]
    assert len(fit.table) == 12
    given_matrix = spillover_from_controls(controls(), acquisition=Spillover(DYES[:2], stated[:2, :2], "m"))
    assert np.isnan(given_matrix.differences).sum() == 12
    assert "B515-A" in fit._repr_html_()
    assert repr(fit) == "<SpilloverFit of 4 controls: B515-A, G560-A, R660-A, V450-A, 2 findings>"


def test_an_acquisition_matrix_that_is_the_identity_was_never_set() -> None:
    text = ",".join(["4", *DYES, *map(str, np.eye(4).ravel().tolist())])
    fit = spillover_from_controls(controls(keywords={"$SPILLOVER": text}))
    assert fit.acquisition is None
    assert np.isnan(fit.differences).all()


def test_voltages_that_differ_ask_for_review() -> None:
    made = controls(keywords={"$P3V": "450"})
    made["G560-A"] = tube("G560-A", seed=1, keywords={"$P3V": "500"})
    fit = spillover_from_controls(made)
    assert codes(fit) == [("single-voltages", "review", "B515-A")]
    assert fit.findings[1].text == "the voltage differs between the controls: 450 in B515-A.fcs, 500 in G560-A.fcs"


def test_uncertain_coefficients_are_said() -> None:
    fit = spillover_from_controls(controls(bright=110, dim=150, level=1200.0, spread=0.1))
    assert codes(fit) == [("single-imprecise", "warning", "spillover")]
    assert fit.findings[-1].text.startswith("coefficients are uncertain by more than 0.01: B515-A -> G560-A ± 0.0")
    assert fit.findings[-1].text.endswith(" and 6 more")


def test_a_coefficient_below_zero_is_said() -> None:
    """The positive events are beads without autofluorescence beside cells: no dye takes light away."""
    made = controls(autofluorescence=0.0, dim_autofluorescence=600.0)
    fit = spillover_from_controls(made)
    said = [finding for finding in fit.findings if finding.code == "single-below-zero"]
    assert ("B515-A -> R660-A", "warning") in {(each.where, each.severity) for each in said}
    assert said[0].text.startswith("the coefficient is -0.0")
    assert said[0].text.endswith(", below zero: are the negatives of another kind?")


# --------------------------------------------------------------------------------------------------------- refusals


def test_swapped_tubes_are_refused_with_both_names() -> None:
    made = controls()
    # G560-A sees 12 % of B515-A, so that its tube is not without positive events there.
    made["B515-A"], made["G560-A"] = made["G560-A"], made["B515-A"]
    assert refused(made).startswith(
        "E_SINGLE_SWAPPED: B515-A.fcs: G560-A: the control for G560-A is brightest in B515-A: swapped tubes?\n"
        "  expected   positive events that rise most in G560-A\n"
        "  available  G560-A 2"
    ) or refused(made).startswith(
        "E_SINGLE_SWAPPED: G560-A.fcs: B515-A: the control for B515-A is brightest in G560-A: swapped tubes?\n"
    )


def test_tubes_that_share_no_light_are_refused_with_both_names() -> None:
    made = controls()
    made["G560-A"], made["V450-A"] = made["V450-A"], made["G560-A"]
    text = refused(made)
    assert text.startswith(
        "E_SINGLE_POSITIVE: V450-A.fcs: G560-A: the control has no positive population in its own detector; it is "
        "brightest in V450-A\n"
        "  expected   100 events or more, 3 times as bright as the negative ones\n"
        "  available  median "
    )
    assert text.endswith("\n  remedy     exchange it with the control for V450-A, or correct its role")


@pytest.mark.parametrize("blank", [None, BLANK])
def test_a_control_that_was_not_stained_is_refused(blank: Sample | None) -> None:
    made = controls()
    made["R660-A"] = tube(None, seed=3, bright=0, dim=4000, file="R660.fcs")
    median = float(np.median(made["R660-A"].values("R660-A").astype(float)))
    assert refused(made, unstained=blank) == (
        "E_SINGLE_POSITIVE: R660.fcs: R660-A: the control has no positive population in its own detector\n"
        "  expected   100 events or more, 3 times as bright as the negative ones\n"
        f"  available  median {median:.6g} of 4000 events\n"
        "  remedy     stain it anew"
    )


def test_a_lone_population_needs_something_to_compare_with() -> None:
    assert refused({"B515-A": tube("B515-A", dim=0)}) == (
        "E_SINGLE_POSITIVE: B515-A.fcs: B515-A: the control holds one population, and nothing tells whether it is "
        "bright\n"
        "  expected   100 negative events beside the positive ones, an unstained control, or a second control\n"
        "  remedy     give the unstained control of the same day"
    )


def test_too_few_events_are_refused() -> None:
    made = controls()
    made["G560-A"] = tube("G560-A", bright=50, dim=40)
    assert refused(made) == (
        "E_SINGLE_EVENTS: G560-A.fcs: G560-A: the control has too few events\n"
        "  expected   100 events below the top of every detector's range\n"
        "  available  90, 0 at the top of a range\n"
        "  remedy     acquire more"
    )
    made["G560-A"] = tube("G560-A", bright=500, dim=40, level=2e6, spread=0.01)
    assert refused(made).endswith(
        "  available  40, 500 at the top of a range\n  remedy     lower the voltage and acquire it again"
    )
    few = tube(None, bright=0, dim=9)
    assert refused(controls(), unstained=few).startswith(
        "E_SINGLE_EVENTS: unstained.fcs: unstained: the control has too few events"
    )


def test_two_controls_for_one_detector_are_refused() -> None:
    made = controls() | {"CD25": tube("B515-A", file="again.fcs")}
    assert refused(made) == (
        "E_SINGLE_TWICE: two controls for the detector B515-A\n"
        "  expected   one control per detector, and one that is unstained\n"
        "  available  B515-A (B515-A.fcs), CD25 (again.fcs)\n"
        "  remedy     leave one of them out, or correct its role"
    )


def test_no_controls_are_refused() -> None:
    assert refused({}) == (
        "E_SINGLE_NONE: there are no single-stained controls\n"
        "  expected   a control per dye\n"
        "  remedy     name them: role single:MARKER in the sample sheet"
    )


def test_an_unknown_name_is_refused() -> None:
    channels = "FSC-A, SSC-A, CD25 (B515-A), CD127 (G560-A), FoxP3 (R660-A), CD4 (V450-A)"
    assert refused({"CD-25": tube("B515-A")}) == (
        "E_SINGLE_NAME: B515-A.fcs: no channel carries CD-25\n"
        "  expected   the $PnN of the dye's own detector, or the marker in its $PnS\n"
        f"  available  {channels}\n"
        "  remedy     near miss 'CD25'"
    )
    both = Sample.from_columns("a.fcs", {"A": [1.0], "B": [1.0]}, markers={"A": "X", "B": "X"})
    assert refused({"x": both}) == (
        "E_SINGLE_NAME: a.fcs: 2 channels carry x\n"
        "  expected   the $PnN of the dye's own detector, or the marker in its $PnS\n"
        "  available  X (A), X (B)\n"
        "  remedy     name the control by its $PnN"
    )


def test_compensated_controls_are_refused() -> None:
    sample = Sample.from_columns("a.fcs", {"FJComp-PE-A": np.arange(500.0)})
    assert refused({"FJComp-PE-A": sample}).startswith(
        "E_COMPENSATED_TWICE: a.fcs: the values are compensated already, as the names of the channels say\n"
    )


def test_a_control_that_was_read_in_part_is_refused() -> None:
    lenient = Sample(**{**vars(tube("B515-A")), "lenient": True})
    with pytest.raises(FcsError, match="no frequency may be computed"):
        spillover_from_controls({"B515-A": lenient})


# ------------------------------------------------------------------------------------------------- slopes and modes


def test_two_points_give_their_quotient() -> None:
    own = np.full(5, 1000.0), np.full(5, 0.0)
    other = np.full(5, 130.0), np.full(5, 30.0)
    found = slope_between(own, other)
    assert (found.value, found.error) == (pytest.approx(0.1, abs=1e-12), 0.0)


def test_light_that_differs_between_cells_alike_in_all_detectors_does_not_tilt_a_slope() -> None:
    """Within the positive events both detectors go up and down together: a regression there would find that slope."""
    rng = np.random.default_rng(1)
    common = rng.normal(0, 3000, 4000)
    own = rng.normal(20_000, 10, 4000) + common, rng.normal(0, 10, 4000)
    other = 2000 + common + rng.normal(0, 10, 4000), rng.normal(0, 10, 4000)
    found = slope_between(own, other)
    assert abs(found.value - 0.1) < 4 * found.error
    assert np.polyfit(own[0], other[0], 1)[0] > 0.9


@given(seed=st.integers(0, 2**20), center=st.floats(-200, 500), sd=st.floats(10, 300))
def test_one_population_is_not_parted(seed: int, center: float, sd: float) -> None:
    assert split(np.random.default_rng(seed).normal(center, sd, 3000)) is None


def test_pairs_of_beads_are_no_positive_population() -> None:
    rng = np.random.default_rng(2)
    singles = rng.normal(6000, 300, 5000)
    pairs = rng.normal(6000, 300, (500, 2)).sum(axis=1)
    assert split(np.concatenate([singles, pairs])) is None


@given(seed=st.integers(0, 2**20), share=st.floats(0.05, 0.95), level=st.floats(2_000, 200_000))
def test_two_populations_are_parted_between_them(seed: int, share: float, level: float) -> None:
    rng = np.random.default_rng(seed)
    n = int(share * 4000)
    found = split(np.concatenate([rng.normal(100, 60, 4000 - n), level * np.exp(rng.normal(0, 0.2, n))]))
    assert found is not None
    assert 250 < found.threshold < 0.75 * level
    assert found.dim == pytest.approx(100, abs=20)
    assert found.bright == pytest.approx(level, rel=0.1)


def test_few_values_are_one_population() -> None:
    assert split(np.arange(2.0 * MIN_EVENTS - 1)) is None
    assert split(np.zeros(1000)) is None


# ----------------------------------------------------------------------------------------------------- files, CSV


def test_a_matrix_comes_back_from_csv_to_the_bit(tmp_path: Path) -> None:
    spillover = spillover_from_controls(controls()).spillover
    spillover.to_csv(tmp_path / "m.csv")
    again = Spillover.from_csv(tmp_path / "m.csv")
    assert again.detectors == spillover.detectors
    assert again.matrix.tobytes() == spillover.matrix.tobytes()
    odd = Spillover(("=1+1", 'PE, "green"', "-A"), np.eye(3) + 0.1, "odd")
    odd.to_csv(tmp_path / "odd.csv")
    assert Spillover.from_csv(tmp_path / "odd.csv").detectors == odd.detectors
    assert (tmp_path / "odd.csv").read_text(encoding="utf-8").splitlines()[0] == ',\'=1+1,"PE, ""green""",\'-A'


def test_file_names_say_which_control_is_which(tmp_path: Path) -> None:
    for name, made in {
        "Compensation B515.fcs": tube("B515-A"),
        "ctrl_cd127_002.fcs": tube("G560-A"),
        "R660-A vs V450.fcs": tube("R660-A"),
        "B5150.fcs": tube("B515-A"),
        "Unstained.fcs": BLANK,
        "tube 7.fcs": tube("V450-A", keywords={"TUBE NAME": "V450 only"}),
    }.items():
        write_fcs(tmp_path / name, made)
    found = assign(sorted(tmp_path.glob("*.fcs")))
    assert {detector: path.name for detector, path in found.controls.items()} == {
        "B515-A": "Compensation B515.fcs",
        "G560-A": "ctrl_cd127_002.fcs",
        "V450-A": "tube 7.fcs",
    }
    assert found.unstained == tmp_path / "Unstained.fcs"
    assert [path.name for path in found.others] == ["B5150.fcs", "R660-A vs V450.fcs"]
    write_fcs(tmp_path / "more CD25.fcs", tube("B515-A"))
    with pytest.raises(CompensationError, match=r"two controls for the detector B515-A(.|\n)*more CD25\.fcs"):
        assign(sorted(tmp_path.glob("*.fcs")))
    (tmp_path / "more CD25.fcs").rename(tmp_path / "blank.fcs")
    with pytest.raises(CompensationError, match=r"two unstained controls(.|\n)*Unstained\.fcs, blank\.fcs"):
        assign(sorted(tmp_path.glob("*.fcs")))


# ---------------------------------------------------------------------------------------------------------- beads


def test_the_bead_controls_of_a_cytometer(data_dir: Path) -> None:
    """Four controls of beads, hardly a negative one among them; the file's own matrix is the identity."""
    found = assign(sorted((data_dir / "fcs" / "flowkit").glob("Compensation Controls*.fcs")))
    assert sorted(found.controls) == ["Blue B-A", "Green A-A", "Red A-A", "Red B-A"]
    made = {name: read_fcs(path) for name, path in found.controls.items()}
    fit = spillover_from_controls(made)
    assert fit.detectors == ("Red B-A", "Red A-A", "Blue B-A", "Green A-A")
    largest = np.where(np.eye(4, dtype=bool), 0, fit.spillover.matrix)
    assert np.unravel_index(largest.argmax(), (4, 4)) == (1, 3)  # Red A -> Green A
    assert fit.spillover.matrix[1, 3] == pytest.approx(5581.7 / 6235.7, abs=0.01)  # the quotient of the medians
    assert [round(each.bright) for each in fit.controls] == [5592, 6237, 42942, 139832]
    assert [each.saturated for each in fit.controls] == [0, 2, 15, 422]
    assert {each.negatives for each in fit.controls} == {"zero"}
    assert not any(finding.severity == "review" for finding in fit.findings)  # zero costs less than 0.02 here
    made["Red A-A"], made["Green A-A"] = made["Green A-A"], made["Red A-A"]
    assert refused(made).startswith(
        "E_SINGLE_SWAPPED: Compensation Controls_Green A Stained Control_006.fcs: Red A-A: the control for Red A-A is "
        "brightest in Green A-A: swapped tubes?\n"
    )


def test_the_matrix_of_a_workspace(data_dir: Path) -> None:
    path = data_dir / "flowjo_simple" / "8_color_ICS.wsp"
    with pytest.raises(InteropError, match="no sample is called 'x'") as caught:
        Spillover.from_wsp(path, "x")
    names = caught.value.available
    assert len(names) == 3
    found = Spillover.from_wsp(path, names[0])
    assert found.source.startswith(f"8_color_ICS.wsp: {names[0]}: ")
    assert len(found.detectors) == 8
    assert 0.0 < (found.matrix - np.eye(8)).max() < 1.0
    assert not any(name.startswith("Comp-") for name in found.detectors)
    with pytest.raises(CompensationError) as none:
        Spillover.from_wsp(data_dir / "flowjo_simple" / "single_ellipse_51_events.wsp", "data_set_simple_line_100.fcs")
    assert str(none.value) == (
        "single_ellipse_51_events.wsp: data_set_simple_line_100.fcs: the sample has no matrix\n"
        "  remedy     take the file's own matrix: compensation: fcs"
    )
