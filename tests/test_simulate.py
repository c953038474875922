"""The simulator: exact truth, the physics that its docstrings claim, and the committed example trial."""

from __future__ import annotations

import csv
import gzip
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tregflow.errors import SimulationError
from tregflow.fcs import read_fcs
from tregflow.simulate import PANEL, Batch, Specimen, example_tubes, simulate_cohort, simulate_sample, simulate_tubes
from tregflow.simulate.cohort import template
from tregflow.simulate.example import BASELINE, FOLD, SEED, write_example
from tregflow.simulate.model import TOP
from tregflow.simulate.populations import CD4, LIVE, TREG
from tregflow.strategy import Strategy
from tregflow.study import Study

EXAMPLE = Path(__file__).parents[1] / "example_fcs"
B1 = Batch(name="B1", date="2025-05-13")
B2 = Batch(name="B2", gains={"CD25": 1.3, "CD45RA": 0.7, "CD4": 1.2})
COUNTS = {"monocyte": 300, "B": 400, "NK": 400, "CD8": 800, "Tconv_naive": 2000, "Tconv_memory": 1500,
          "Tconv_activated": 40, "Tconv_CD127lo": 160, "Treg_naive": 500, "Treg_memory": 1000}  # fmt: skip
STEADY = {"counts": COUNTS, "staining_sd": 0.0, "drift": 0.0}


def simulated(specimen, batch=B1, seed=7):
    """Return (compensated values by marker, raw values by channel, labels, sample)."""
    sample, labels = simulate_sample(specimen, batch=batch, rng=np.random.default_rng(seed))
    fields = sample.keywords["$SPILLOVER"].split(",")
    n = int(fields[0])
    matrix = np.array(fields[n + 1 :], dtype=float).reshape(n, n)
    raw = {name: np.asarray(sample.values(name), dtype=float) for name in sample.names}
    light = np.column_stack([raw[name] for name in fields[1 : n + 1]]) @ np.linalg.inv(matrix)
    return dict(zip(PANEL.markers, light.T, strict=True)), raw, labels, sample


def autofluorescence(marker):
    """Return where a lymphocyte without a stain lies after compensation, which takes its spillover for a dye's."""
    light = PANEL.per_detector("autofluorescence") @ np.linalg.inv(PANEL.spillover)
    return light[PANEL.markers.index(marker)]


# ---------------------------------------------------------------------------------------------------- truth and seed


def test_the_counts_asked_for_are_the_counts_made():
    _, raw, labels, _ = simulated(Specimen(counts=COUNTS, dead=50, debris=70, doublets=30))
    found = dict(zip(*np.unique(labels, return_counts=True), strict=True))
    assert found == {**COUNTS, "dead": 50, "debris": 70, "doublet": 30}
    assert raw["Time"].size == labels.size


def test_a_seed_fixes_every_value_and_another_seed_changes_them():
    specimen = Specimen(counts=COUNTS, dead=20, debris=20, doublets=20)
    first, second, other = (simulated(specimen, seed=seed) for seed in (1, 1, 2))
    assert all(np.array_equal(first[1][name], second[1][name]) for name in first[1])
    assert np.array_equal(first[2], second[2])
    assert not np.array_equal(first[1]["PE-A"], other[1]["PE-A"])


def test_classes_are_mixed_over_time():
    labels = simulated(Specimen(counts=COUNTS))[2]
    half = labels.size // 2
    assert abs(np.mean(labels[:half] == "B") - np.mean(labels[half:] == "B")) < 0.02


# ------------------------------------------------------------------------------------------------------------ physics


@pytest.mark.parametrize("batch", [B1, B2], ids=["gain 1", "other gains"])
def test_the_keyword_holds_the_true_matrix(batch):
    values, raw, labels, _ = simulated(Specimen(**STEADY), batch)
    naive = labels == "Tconv_naive"
    before = np.corrcoef(raw["FITC-A"][naive], raw["PE-A"][naive])[0, 1]
    after = np.corrcoef(values["CD45RA"][naive], values["CD25"][naive])[0, 1]
    assert before > 0.3
    assert abs(after) < 0.07


def test_compensated_values_scale_with_the_gain_of_their_detector():
    one, other = (simulated(Specimen(**STEADY), batch)[0] for batch in (B1, B2))
    for marker in ("CD25", "CD45RA", "CD4", "CD127"):
        ratio = np.median(other[marker]) / np.median(one[marker])
        assert ratio == pytest.approx(B2.gains.get(marker, 1.0), rel=0.05)


def test_negative_populations_lie_at_their_autofluorescence_and_noise_goes_below_zero():
    values, _, labels, _ = simulated(Specimen(**STEADY))
    t_cells = np.isin(labels, CD4)
    assert np.median(values["CD19"][t_cells]) == pytest.approx(autofluorescence("CD19"), rel=0.1)
    assert 0.001 < np.mean(values["CD8"][t_cells] < 0) < 0.4


def test_raw_medians_of_cd25_are_those_of_the_public_plate():
    values, _, labels, _ = simulated(
        Specimen(counts={"Tconv_naive": 9000, "Tconv_memory": 9000}, staining_sd=0, drift=0)
    )
    assert 990 / 1.1 < np.median(values["CD25"][labels == "Tconv_naive"]) < 1140 * 1.1
    assert 1500 / 1.1 < np.median(values["CD25"][labels == "Tconv_memory"]) < 1740 * 1.1


def test_day_8_makes_treg_brighter_and_leaves_naive_tconv_alone():
    before, after = (simulated(Specimen(**STEADY, day8=day8)) for day8 in (False, True))

    def ratio(name, marker):
        medians = [np.median(values[marker][labels == name]) for values, _, labels, _ in (before, after)]
        return (medians[1] - autofluorescence(marker)) / (medians[0] - autofluorescence(marker))

    assert ratio("Treg_memory", "CD25") == pytest.approx(np.exp(0.35), rel=0.07)
    assert ratio("Treg_memory", "FoxP3") == pytest.approx(np.exp(0.15), rel=0.07)
    assert ratio("Tconv_naive", "CD25") == pytest.approx(1.0, rel=0.07)


def test_an_fmo_lacks_one_stain_and_an_unstained_tube_all():
    fmo = simulated(Specimen(**STEADY, stain="fmo:FoxP3"))[0]
    unstained = simulated(Specimen(**STEADY, stain="unstained"))[0]
    assert np.median(fmo["FoxP3"]) == pytest.approx(autofluorescence("FoxP3"), rel=0.1)
    assert np.median(fmo["CD4"]) > 10_000
    for marker in PANEL.markers:
        assert np.median(unstained[marker]) == pytest.approx(autofluorescence(marker), rel=0.1)


def test_doublets_are_too_large_for_their_height_and_dead_cells_take_the_dye():
    values, raw, labels, _ = simulated(Specimen(counts=COUNTS, dead=500, debris=500, doublets=500))
    ratio = raw["FSC-A"] / raw["FSC-H"]
    assert ratio[(labels == "doublet") & (raw["FSC-A"] < TOP)].min() > 1.22
    assert np.quantile(ratio[np.isin(labels, LIVE)], 0.999) < 1.22
    assert np.quantile(values["Viability"][labels == "dead"], 0.02) > 2500
    assert np.quantile(values["Viability"][np.isin(labels, LIVE)], 0.999) < 2500
    assert raw["FSC-A"][labels == "debris"].max() < 42e3


def test_drift_is_a_line_through_one_at_half_time():
    _, raw, _, _ = simulated(Specimen(counts={"Tconv_naive": 20000}, staining_sd=0, drift=0.5), seed=3)
    quarters = [np.median(part) for part in np.array_split(raw["FSC-A"], 4)]
    assert abs(quarters[3] / quarters[0] - 1) > 0.05
    assert quarters[0] + quarters[3] == pytest.approx(quarters[1] + quarters[2], rel=0.01)


def test_values_pile_up_at_the_top_of_the_detector_and_time_counts_ticks():
    _, raw, _, sample = simulated(Specimen(counts=COUNTS, doublets=200, rate=1000.0))
    assert max(raw[name].max() for name in raw if name != "Time") == TOP
    assert np.all(np.diff(raw["Time"]) >= 0)
    seconds = raw["Time"][-1] * float(sample.keywords["$TIMESTEP"])
    assert seconds == pytest.approx(raw["Time"].size / 1000, rel=0.1)


def test_the_file_names_no_person():
    keywords = simulated(Specimen(counts=COUNTS))[3].keywords
    assert keywords["$CYT"] == "tregflow simulator"
    assert keywords["$DATE"] == "13-MAY-2025"
    assert not {"$OP", "$EXP", "$SRC", "$INST", "$PROJ"} & set(keywords)


@pytest.mark.parametrize(
    ("specimen", "message"),
    [
        (Specimen(counts={"Tregs": 3}),
         "no class of live cells is called 'Tregs'\n  available  " + ", ".join(LIVE)),
        (Specimen(counts={"dead": 3}),
         "no class of live cells is called 'dead'\n  available  " + ", ".join(LIVE)),
        (Specimen(counts={"B": 3}, doublets=-1), "-1 events of 'doublets'\n  expected   0 or more"),
        (Specimen(counts={"B": 0}, debris=5), "the specimen holds no live cell\n  expected   counts above 0"),
        (Specimen(counts={"B": 3}, stain="fmo:CD99"),
         "no stain is called 'fmo:CD99'\n  available  full, unstained, fmo:CD19, fmo:Viability, fmo:CD8, fmo:CD127, "
         "fmo:CD45RA, fmo:CD25, fmo:CD4, fmo:FoxP3, fmo:CD3"),
    ],
)  # fmt: skip
def test_an_impossible_specimen_is_refused(specimen, message):
    with pytest.raises(SimulationError) as caught:
        simulate_sample(specimen, batch=B1, rng=np.random.default_rng(1))
    assert str(caught.value) == message


# ------------------------------------------------------------------------ calibration on the three-channel generator


SMALL = {  # CD25 median, SD; CD127 median, SD; their correlation; FoxP3 median, SD
    "naive": (800, 0.60, 13.7e3, 0.41, 0.25, 250, 0.45),
    "memory": (1350, 0.80, 14.5e3, 0.62, 0.50, 300, 0.50),
    "activated": (5000, 0.45, 9.5e3, 0.50, 0.20, 550, 0.55),
    "low": (900, 0.80, 3.2e3, 0.60, 0.20, 350, 0.50),
    "Treg_naive": (7600, 0.42, 6.0e3, 0.36, 0.05, 1300, 0.42),
    "Treg_memory": (9700, 0.55, 3.6e3, 0.52, -0.05, 2300, 0.50),
}


def test_the_panel_holds_the_parameters_of_the_calibration():
    def row(name):
        variant = PANEL.classes[name].variants[0]
        numbers = (*variant.antigens["CD25"], *variant.antigens["CD127"], variant.correlation)
        return (*numbers, *variant.antigens["FoxP3"])

    for small, full in {"naive": "Tconv_naive", "memory": "Tconv_memory", "activated": "Tconv_activated",
                        "low": "Tconv_CD127lo", **{name: name for name in TREG}}.items():  # fmt: skip
        assert row(full) == SMALL[small]


def three_channels(rng, n, treg, *, activated=0.02, day8=False):
    """Return CD25 and CD127 of n CD4 T cells, mean autofluorescence subtracted, and who is a Treg."""
    tconv = np.array([0.47, 0.44, activated, 0.05])
    counts = rng.multinomial(n, [*(tconv / tconv.sum() * (1 - treg)), 0.3 * treg, 0.7 * treg])
    rise = {"Treg_naive": 0.35, "Treg_memory": 0.35, "memory": 0.10} if day8 else {}
    parts = []
    for (name, (cd25, s25, cd127, s127, r, *_)), count in zip(SMALL.items(), counts, strict=True):
        first, second = rng.standard_normal((2, count))
        x = cd25 * np.exp(s25 * first + rise.get(name, 0.0))
        parts.append(np.column_stack([x, cd127 * np.exp(s127 * (r * first + np.sqrt(1 - r * r) * second))]))
    light = np.concatenate(parts) + 300 * np.exp(rng.normal(0, 0.25, (n, 1)))
    observed = rng.poisson(0.02 * light) / 0.02 + rng.normal(0, [300, 200], (n, 2))
    return observed - 300 * np.exp(0.25**2 / 2), np.repeat(list(SMALL), counts)


def in_published_polygon(values, *, cd25=1.0, cd127=1.0):
    """Left edge at asinh(CD25 / 500) = 3.05; corner from (3.05, 2.90) to (3.60, 3.75); edges moved by a factor."""
    x, y = np.arcsinh(values / 500 / [cd25, cd127]).T
    return (x >= 3.05) & (y <= np.minimum(2.90 + (x - 3.05) * 0.85 / 0.55, 3.75))


def test_the_polygon_finds_what_it_was_measured_to_find():
    values, labels = three_channels(np.random.default_rng(1), 60_000, 0.0657)
    treg, gate = np.isin(labels, TREG), in_published_polygon(values)
    assert 100 * gate.mean() == pytest.approx(5.24, abs=0.3)
    assert gate[treg].mean() == pytest.approx(0.754, abs=0.03)
    assert treg[gate].mean() == pytest.approx(0.944, abs=0.03)


@pytest.mark.parametrize(
    ("edge", "factor", "percent"),
    [("cd25", 0.9, 8.5), ("cd25", 1.1, -8.1), ("cd25", 1.2, -15.7), ("cd127", 0.9, -4.7), ("cd127", 1.1, 4.0)],
)
def test_moving_an_edge_changes_treg_as_measured(edge, factor, percent):
    values, _ = three_channels(np.random.default_rng(2), 120_000, 0.0657)
    moved = in_published_polygon(values, **{edge: factor}).mean() / in_published_polygon(values).mean()
    assert 100 * (moved - 1) == pytest.approx(percent, abs=1.5)


def test_brighter_cd25_alone_raises_the_fold_that_a_threshold_reads():
    rng = np.random.default_rng(3)
    read, true = [], []
    for _ in range(24):
        treg, activated = np.clip(rng.normal(0.055, 0.018), 0.02, 0.12), rng.uniform(0.01, 0.04)
        fold = np.clip(rng.normal(1.8, 0.5), 1, 3)
        before, who = three_channels(rng, 10_000, treg, activated=activated)
        after, later = three_channels(rng, 10_000, fold * treg, activated=activated, day8=True)
        read.append(in_published_polygon(after).mean() / in_published_polygon(before).mean())
        true.append(np.isin(later, TREG).mean() / np.isin(who, TREG).mean())
    assert np.mean(read) / np.mean(true) == pytest.approx(2.11 / 1.86, abs=0.08 / 1.86)


# ------------------------------------------------------------------------------------------------- the example trial


TUBES = example_tubes()
TRUTH = {tube.sample: tube.truth() for tube in TUBES if tube.role == "sample"}


def table(name):
    with (EXAMPLE / name).open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("number", range(9))
def test_the_example_has_the_folds_of_the_fixture_exactly(number):
    before, after = (TRUTH[f"P{number + 1:02d}_{visit}"] for visit in ("D0", "D8"))
    baseline, fold = Fraction(str(BASELINE[number])), Fraction(str(FOLD[number]))
    assert Fraction(100 * before["Treg"], before["CD4"]) == baseline
    assert Fraction(after["Treg"], after["CD4"]) == baseline * fold / 100
    assert min(before["CD4"], after["CD4"]) >= 5500


@pytest.mark.parametrize("number", range(9))
@pytest.mark.parametrize("cells", ["Teff", "B"])
def test_teff_and_b_cells_stay_flat_to_a_whole_cell(number, cells):
    before, after = (TRUTH[f"P{number + 1:02d}_{visit}"] for visit in ("D0", "D8"))
    expected = Fraction(before[cells], before["lymphocytes"]) * after["lymphocytes"]
    assert abs(after[cells] - expected) <= Fraction(1, 2)


def test_both_visits_of_a_patient_share_a_batch_and_each_batch_has_its_controls():
    for before, after in zip(TUBES[0:18:2], TUBES[1:18:2], strict=True):
        assert (before.subject, before.visit, after.visit) == (after.subject, "D0", "D8")
        assert before.batch is after.batch
    controls = [(tube.batch.name, tube.role) for tube in TUBES[18:]]
    assert controls == [("B1", "fmo:FoxP3"), ("B1", "unstained"), ("B2", "fmo:FoxP3"), ("B2", "unstained")]


def test_the_committed_truth_says_what_the_tubes_say():
    assert table("truth.csv") == [{name: str(value) for name, value in row.items()} for row in TRUTH.values()]
    assert table("samples.csv") == [{name: str(value) for name, value in tube.row().items()} for tube in TUBES]


def test_the_committed_files_can_be_made_again():
    for tube, sample, _ in simulate_tubes(TUBES, SEED):
        committed = read_fcs(EXAMPLE / tube.file, channels=None if tube.sample == "P06_D8" else ())
        assert (committed.version, committed.n_events, committed.names) == ("3.1", sample.n_events, sample.names)
        assert [channel.pns for channel in committed.channels] == [channel.pns for channel in sample.channels]
        assert sample.keywords.items() <= committed.keywords.items()
        if tube.sample == "P06_D8":
            for name in sample.names:
                np.testing.assert_allclose(committed.values(name), sample.values(name), rtol=1e-5, atol=1e-2)


def test_the_text_files_of_the_example_are_those_written(monkeypatch, tmp_path):
    monkeypatch.setattr("tregflow.simulate.example.write_tubes", lambda *args, **kwargs: None)
    write_example(tmp_path)
    for name in ("study.yaml", "overrides.yaml", "treg.yaml"):
        assert (EXAMPLE / name).read_bytes() == (tmp_path / name).read_bytes()
    assert (EXAMPLE / "treg.yaml").read_bytes() == template()


def test_the_example_is_small_and_holds_nothing_else():
    names = {"README.md", "study.yaml", "samples.csv", "overrides.yaml", "treg.yaml", "truth.csv"}
    found = [path for path in EXAMPLE.rglob("*") if path.is_file()]
    assert {path.name for path in found} == names | {tube.file for tube in TUBES}
    assert sum(path.stat().st_size for path in found) <= 18e6


# --------------------------------------------------------------------------------------- the shipped strategies' gates


def gated_shares(strategy, batches, *, day8):
    """Return measured / true of Treg, Teff and B for a large sample, other seeds than the example's."""
    counts = {"monocyte": 5000, "B": 5000, "NK": 7000, "CD8": 12000, "Tconv_naive": 13500, "Tconv_memory": 10500,
              "Tconv_activated": 550, "Tconv_CD127lo": 1350, "Treg_naive": 450, "Treg_memory": 950}  # fmt: skip
    if day8:
        counts |= {"Treg_naive": 850, "Treg_memory": 1800}
    rng = np.random.default_rng(99)
    sample, labels = simulate_sample(
        Specimen(counts=counts, dead=2000, debris=3000, doublets=1300, day8=day8, staining_sd=0, drift=0),
        batch=batches, rng=rng,
    )  # fmt: skip
    fmo, _ = simulate_sample(Specimen(counts=counts, stain="fmo:FoxP3", staining_sd=0, drift=0), batch=batches, rng=rng)
    gated = strategy.gate(sample, batch="B1", controls={"FoxP3": fmo})
    n = {name: np.count_nonzero(gated[name]) for name in ("Treg", "CD4+", "Teff", "B", "Lymphocytes")}
    true = {name: sum(counts[part] for part in parts) for name, parts in
            {"Treg": TREG, "CD4+": CD4, "Teff": CD4[1:4], "B": ("B",), "Lymphocytes": LIVE[1:]}.items()}  # fmt: skip
    assert labels.size == sample.n_events
    pairs = {"Treg": "CD4+", "CD4+": "Lymphocytes", "Teff": "Lymphocytes", "B": "Lymphocytes"}
    return {top: (n[top] / n[of]) / (true[top] / true[of]) for top, of in pairs.items()}


@pytest.mark.parametrize("name", ["treg", "treg-surface", "treg-no127"])
@pytest.mark.parametrize("day8", [False, True])
def test_the_shipped_gates_read_the_simulator_without_bias(name, day8):
    ratios = gated_shares(Strategy.load(name), B1, day8=day8)
    assert ratios["Treg"] == pytest.approx(1.0, abs=0.05)
    for population in ("CD4+", "Teff", "B"):
        assert ratios[population] == pytest.approx(1.0, abs=0.03)


# ------------------------------------------------------------------------------------------------------------ cohorts


def test_a_cohort_is_a_study_whose_truth_is_known_per_event(tmp_path):
    simulate_cohort(tmp_path, patients=3, seed=5, cd4=400)
    study = Study.load(tmp_path)
    assert [row.sample for row in study.rows][:2] == ["P01_D0", "P01_D8"]
    assert [row.role for row in study.rows][-4:] == ["fmo:FoxP3", "unstained"] * 2
    with (tmp_path / "truth.csv").open(newline="") as file:
        truth = {row["sample"]: row for row in csv.DictReader(file)}
    for name, row in truth.items():
        header, *labels = gzip.decompress((tmp_path / "truth" / f"{name}.csv.gz").read_bytes()).decode().split()
        assert header == "class"
        assert len(labels) == read_fcs(tmp_path / f"{name}.fcs", channels=()).n_events
        assert all(labels.count(kind) == int(row[kind]) for kind in LIVE)
        assert int(row["CD4"]) == 400


def test_a_cohort_is_the_same_twice_and_another_seed_is_another(tmp_path):
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        simulate_cohort(tmp_path / folder, patients=1, seed=seed, cd4=200)
    contents = [{path.name: path.read_bytes() for path in (tmp_path / folder).rglob("*.*")} for folder in "abc"]
    assert contents[0] == contents[1]
    assert contents[0]["P01_D0.fcs"] != contents[2]["P01_D0.fcs"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"patients": 0}, "patients is 0\n  expected   1 to 999\n  remedy     give patients in this range"),
        ({"cd4": 10}, "cd4 is 10\n  expected   200 to 10000000\n  remedy     give cd4 in this range"),
        ({"patients": 2, "batches": 3}, "batches is 3\n  expected   1 to 2\n  remedy     give batches in this range"),
    ],
)
def test_a_cohort_out_of_range_is_refused(tmp_path, asked, message):
    with pytest.raises(SimulationError) as caught:
        simulate_cohort(tmp_path, **asked)
    assert str(caught.value) == message
    assert not list(tmp_path.iterdir())


def test_a_cohort_never_goes_into_a_folder_that_holds_something(tmp_path):
    (tmp_path / "P01_D0.fcs").write_text("a real one")
    with pytest.raises(SimulationError) as caught:
        simulate_cohort(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: there is something already\n  expected   an empty folder, or none yet\n"
        "  remedy     name another folder"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["P01_D0.fcs"]
