"""Thresholds from FMO controls: the quantile of the right events of the right file, or nothing, and never a guess."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import events, overrides_text, strategy, strategy_text

from tregflow.compensation import Spillover
from tregflow.errors import CompensationError, PanelError, StrategyError
from tregflow.fcs import Sample
from tregflow.findings import Finding
from tregflow.strategy import Control, FmoPlace, FmoThreshold, Strategy, fmo_places, fmo_threshold
from tregflow.strategy.fmo import MIN_PARENT_EVENTS

if TYPE_CHECKING:
    from pathlib import Path

GATES = (
    "P: {above: {x: 100}}",
    "T: {in: P, above: {y: {fmo: Y, quantile: 0.9}}}",
    "below: {in: T, above: {x: 150}}",
)
REPORT = "{T_of_P: T / P, below_of_P: below / P}"
SAMPLE = events("P01.fcs", x=np.arange(400.0), y=np.arange(400.0))
PLACE = FmoPlace("T", "above", "y", "P", "Y", 0.9)


def control(n: int = 500, *, inside: int = 300, file: str = "fmo.fcs", seed: int = 1, **keywords: str) -> Sample:
    """Return a control: `inside` of its n events have x above 100, and those have a smaller y than the others."""
    random = np.random.default_rng(seed)
    x = np.where(np.arange(n) < inside, 200.0, 0.0)
    y = np.where(x > 100, random.normal(0, 50, n), 1e4)
    return events(file, x=x, y=y, keywords={key.replace("_", "$"): value for key, value in keywords.items()})


def loaded_with(tmp_path: Path, *rules: str, gates: tuple[str, ...] = GATES, **sections: str) -> Strategy:
    (tmp_path / "t.yaml").write_text(strategy_text(*gates, **sections))
    (tmp_path / "o.yaml").write_text(overrides_text(*rules))
    return Strategy.load(tmp_path / "t.yaml", overrides=tmp_path / "o.yaml")


def low(strategy_: Strategy, sample: Sample, gate: str = "T", **given: object) -> float | None:
    """Return the threshold that a gate was given."""
    gated = strategy_.gate(sample, **given)  # type: ignore[arg-type]
    return None if gate in gated.missing else gated.gates[gate].bounds[0][1]  # type: ignore[union-attr]


# ---------------------------------------------------------------------------------------------------------- the value


def test_the_threshold_is_the_quantile_of_the_control_in_the_parent() -> None:
    blank = control()
    gated = strategy(*GATES, report=REPORT).gate(SAMPLE, controls={"Y": blank})
    expected = float(np.quantile(blank.values("y")[blank.values("x") >= 100], 0.9))
    assert gated.gates["T"].bounds == (("y", expected, None),)  # type: ignore[union-attr]
    assert gated["T"].tolist() == ((SAMPLE.values("x") >= 100) & (SAMPLE.values("y") >= expected)).tolist()
    assert gated.findings == (
        Finding("fmo-threshold", "info", "T", f"y above {expected:.6g}: quantile 0.9 of 300 events of fmo.fcs"),
    )
    assert gated.missing == {}


@settings(max_examples=25)
@given(
    st.lists(st.floats(-1e5, 1e6), min_size=MIN_PARENT_EVENTS, max_size=260),
    st.floats(0.001, 0.999),
)
def test_any_quantile_of_any_values(values: list[float], quantile: float) -> None:
    loaded = strategy(f"T: {{above: {{y: {{fmo: Y, quantile: {quantile!r}}}}}}}")
    blank = events("fmo.fcs", y=values)
    gated = loaded.gate(events(y=[*values, 2e6]), controls={"Y": blank})
    expected = float(np.quantile(np.array(values), quantile, method="linear"))
    assert gated.gates["T"].bounds[0][1] == expected  # type: ignore[union-attr]  # every digit, through the text too
    assert gated.count("T") == int(np.sum(np.array(values) >= expected)) + 1


def test_the_quantile_is_0995_unless_said() -> None:
    loaded = strategy("T: {above: {y: {fmo: Y}}}")
    assert [place.quantile for place in fmo_places(loaded)] == [0.995]
    values = np.arange(1001.0)
    assert low(loaded, SAMPLE, controls={"Y": events(y=values)}) == 995.0


def test_a_threshold_from_below() -> None:
    gated = strategy("T: {below: {y: {fmo: Y, quantile: 0.5}}, above: {y: -10}}").gate(
        SAMPLE, controls={"Y": events(y=np.arange(201.0))}
    )
    assert gated.gates["T"].bounds == (("y", -10.0, 100.0),)  # type: ignore[union-attr]
    assert gated.count("T") == 100


def test_two_controls_in_one_gate() -> None:
    loaded = strategy("T: {above: {y: {fmo: Y, quantile: 0.5}, x: {fmo: X, quantile: 0.25}}}")
    assert fmo_places(loaded) == (
        FmoPlace("T", "above", "y", "root", "Y", 0.5),
        FmoPlace("T", "above", "x", "root", "X", 0.25),
    )
    one, two = events("y.fcs", y=np.arange(201.0)), events("x.fcs", x=np.arange(401.0))
    gated = loaded.gate(SAMPLE, controls={"Y": one, "X": two})
    assert gated.gates["T"].bounds == (("y", 100.0, None), ("x", 100.0, None))  # type: ignore[union-attr]
    gated = loaded.gate(SAMPLE, controls={"Y": one})
    assert gated.missing == {"T": "there is no FMO control for X (role fmo:X)"}
    assert [finding.code for finding in gated.findings] == ["fmo-threshold", "fmo-missing"]


def test_the_panel_finds_the_channel_in_each_file() -> None:
    loaded = strategy("T: {above: {y: {fmo: Y, quantile: 0.5}}}", panel="{y: {pnn: [B515-A, R660-A]}}")
    sample = events(**{"B515-A": [99.0, 100.0]})  # type: ignore[arg-type]
    blank = events("fmo.fcs", **{"R660-A": np.arange(201.0)})  # type: ignore[arg-type]
    assert loaded.gate(sample, controls={"Y": blank})["T"].tolist() == [False, True]


# --------------------------------------------------------------------------------------------------------- or nothing


@pytest.mark.parametrize("inside", [0, 1, 199])
def test_a_control_with_few_events_in_the_parent_gives_nothing(inside: int) -> None:
    gated = strategy(*GATES, report=REPORT, mfi="{T: [y]}").gate(SAMPLE, controls={"Y": control(inside=inside)})
    reason = f"fmo.fcs has {inside} events in P, and a quantile needs 200"
    assert gated.missing == {"T": reason, "below": "T is missing"}
    assert gated.findings == (Finding("fmo-few-events", "review", "T", f"population missing: {reason}"),)
    assert [(row.population, row.count) for row in gated.populations] == [
        ("root", 400),
        ("P", 300),
        ("T", None),
        ("below", None),
    ]
    assert [(row.k, row.n, row.percent, row.low, row.flags) for row in gated.ratios] == [
        (None, 300, None, None, ("missing",))
    ] * 2
    assert gated.medians[0].mfi is None


def test_two_hundred_events_are_enough() -> None:
    assert low(strategy(*GATES), SAMPLE, controls={"Y": control(inside=200)}) is not None


@pytest.mark.parametrize(
    ("batch", "controls", "reason"),
    [
        (None, None, "there is no FMO control for Y (role fmo:Y)"),
        (None, {}, "there is no FMO control for Y (role fmo:Y)"),
        ("B1", {"X": SAMPLE}, "batch B1 has no FMO control for Y (role fmo:Y)"),
    ],
)
def test_a_control_that_is_not_there_gives_nothing(
    batch: str | None, controls: dict[str, Sample] | None, reason: str
) -> None:
    gated = strategy(*GATES).gate(SAMPLE, batch=batch, controls=controls)
    assert gated.missing == {"T": reason, "below": "T is missing"}
    assert gated.findings == (Finding("fmo-missing", "review", "T", f"population missing: {reason}"),)


def test_a_control_that_lacks_the_channel_gives_nothing() -> None:
    gated = strategy(*GATES).gate(SAMPLE, controls={"Y": events("fmo.fcs", x=np.full(300, 200.0))})
    assert gated.missing["T"] == "fmo.fcs: no channel carries y"
    assert gated.findings == (
        Finding("fmo-unusable", "review", "T", "population missing: fmo.fcs: no channel carries y"),
    )


def test_a_control_with_two_channels_for_the_marker_is_an_error() -> None:
    blank = Sample.from_columns("fmo.fcs", {"x": [1.0], "a": [1.0], "b": [1.0]}, markers={"a": "y", "b": "y"})
    with pytest.raises(PanelError) as caught:
        strategy(*GATES).gate(SAMPLE, controls={"Y": blank})
    assert str(caught.value) == (
        "fmo.fcs: two channels for one marker, y\n"
        "  expected   $PnS or $PnN y\n"
        "  available  y (a), y (b)\n"
        "  remedy     name the one that is meant in panel: y in t.yaml, pnn: [a] or [b]"
    )


def test_events_of_the_control_that_are_no_numbers_do_not_count() -> None:
    y = np.arange(300.0)
    y[:99], y[99] = np.nan, np.inf
    blank = events("fmo.fcs", x=np.full(300, 200.0), y=y)
    assert low(strategy(*GATES), SAMPLE, controls={"Y": blank}) == float(np.quantile(y[100:], 0.9))
    y[100] = np.nan
    blank = events("fmo.fcs", x=np.full(300, 200.0), y=y)
    gated = strategy(*GATES).gate(SAMPLE, controls={"Y": blank})
    assert gated.missing["T"] == "fmo.fcs has 199 events in P, and a quantile needs 200"
    x = np.full(300, 200.0)
    x[:101] = np.nan
    gated = strategy(*GATES).gate(SAMPLE, controls={"Y": events("fmo.fcs", x=x, y=np.arange(300.0))})
    assert gated.missing["T"] == "fmo.fcs has 199 events in P, and a quantile needs 200"


# ----------------------------------------------------------------------------------------------------- compensation


def test_the_control_is_compensated_by_its_own_matrix() -> None:
    blank = control(_SPILLOVER="2,x,y,1,0.5,0,1")
    sample = events("P01.fcs", x=[200.0], y=[1e3], keywords={"$SPILLOVER": "2,x,y,1,0,0,1"})
    found = low(strategy(*GATES, compensation="fcs"), sample, controls={"Y": blank})
    y = (blank.values("y") - 0.5 * blank.values("x"))[blank.values("x") >= 100]
    assert found == pytest.approx(float(np.quantile(y, 0.9)), rel=1e-12)
    assert found != low(strategy(*GATES), sample, controls={"Y": blank})


def test_the_control_is_compensated_by_the_matrix_of_its_batch(tmp_path: Path) -> None:
    (tmp_path / "b1.csv").write_text("x,y\n1,0.5\n0,1\n")
    loaded = loaded_with(tmp_path, compensation="{batch: {B1: b1.csv, B2: none}}")
    values = {batch: low(loaded, SAMPLE, batch=batch, controls={"Y": control()}) for batch in ("B1", "B2")}
    assert loaded.gate(SAMPLE, batch="B1", controls={"Y": control()}).strategy.folder == tmp_path
    assert values["B1"] == pytest.approx(float(values["B2"] or 0) - 100)


def test_a_matrix_that_is_given_compensates_the_control_too() -> None:
    """A threshold read off in other units than the sample's would be a number, and wrong."""
    given = Spillover(("x", "y"), np.array([[1.0, 0.5], [0.0, 1.0]]), "mine")
    with_it = low(strategy(*GATES), SAMPLE, controls={"Y": control()}, spillover=given)
    assert with_it == pytest.approx(float(low(strategy(*GATES), SAMPLE, controls={"Y": control()}) or 0) - 100)


def test_a_control_that_cannot_be_compensated_is_an_error_that_names_it() -> None:
    sample = events("P01.fcs", x=[200.0], y=[1e3], keywords={"$SPILLOVER": "2,x,y,1,0,0,1"})
    with pytest.raises(CompensationError) as caught:
        strategy(*GATES, compensation="fcs").gate(sample, controls={"Y": control()})
    assert caught.value.file == "fmo.fcs"


# --------------------------------------------------------------------------------------------------------- overrides


def rule(number: int, when: str, rest: str) -> str:
    return f"id: r{number}, when: {{{when}}}, {rest}"


def test_a_rule_of_the_batch_moves_the_parent_in_the_control_as_well(tmp_path: Path) -> None:
    blank = events("fmo.fcs", x=np.arange(1000.0), y=np.arange(1000.0))
    loaded = loaded_with(tmp_path, rule(1, "batch: B2", "gate: P, move: {x: {offset: 400}}"))
    assert low(loaded, SAMPLE, batch="B1", controls={"Y": blank}) == np.quantile(np.arange(100.0, 1000), 0.9)
    assert low(loaded, SAMPLE, batch="B2", controls={"Y": blank}) == np.quantile(np.arange(500.0, 1000), 0.9)


def test_a_rule_of_the_sample_does_not_move_the_control(tmp_path: Path) -> None:
    blank = events("fmo.fcs", x=np.arange(1000.0), y=np.arange(1000.0))
    loaded = loaded_with(tmp_path, rule(1, "sample: S1", "gate: P, set: {above: {x: 300}}"))
    gated = loaded.gate(SAMPLE, id="S1", controls={"Y": blank})
    assert gated.gates["P"].bounds == (("x", 300.0, None),)  # type: ignore[union-attr]
    assert gated.gates["T"].bounds[0][1] == np.quantile(np.arange(100.0, 1000), 0.9)  # type: ignore[union-attr]


def test_a_rule_of_the_control_moves_the_control_alone(tmp_path: Path) -> None:
    blank = events("fmo.fcs", x=np.arange(1000.0), y=np.arange(1000.0))
    loaded = loaded_with(
        tmp_path,
        rule(1, "sample: FMO_B1", "gate: P, set: {above: {x: 300}}"),
        rule(2, "sample: fmo.fcs", "gate: P, set: {above: {x: 500}}"),
    )
    gated = loaded.gate(SAMPLE, id="S1", controls={"Y": Control("FMO_B1", blank)})
    assert gated.gates["P"].bounds == (("x", 100.0, None),)  # type: ignore[union-attr]
    assert gated.gates["T"].bounds[0][1] == np.quantile(np.arange(300.0, 1000), 0.9)  # type: ignore[union-attr]
    # without an id, the control goes by the name of its file
    assert low(loaded, SAMPLE, id="S1", controls={"Y": blank}) == np.quantile(np.arange(500.0, 1000), 0.9)


def test_a_sample_may_ask_the_control_for_something_else(tmp_path: Path) -> None:
    blank, other = events("fmo.fcs", y=np.arange(1001.0), x=np.full(1001, 200.0)), control(file="z.fcs")
    loaded = loaded_with(
        tmp_path,
        rule(1, "sample: S1", "gate: T, set: {above: {y: {fmo: Y, quantile: 0.5}}}"),
        rule(2, "sample: S2", "gate: T, set: {above: {y: 123}}"),
        rule(3, "sample: S3", "gate: T, set: {above: {y: {fmo: Z, quantile: 0.9}}}"),
        rule(4, "sample: S4", "gate: T, set: {in: null}"),
        rule(5, "sample: S5", "gate: T, absent: true"),
    )
    found = {
        sample: low(loaded, SAMPLE, id=sample, controls={"Y": blank, "Z": other})
        for sample in ("S0", "S1", "S2", "S3", "S4", "S5")
    }
    y = other.values("y")[:300]
    assert found == {"S0": 900.0, "S1": 500.0, "S2": 123.0, "S3": float(np.quantile(y, 0.9)), "S4": 900.0, "S5": None}
    gated = loaded.gate(SAMPLE, id="S2")  # a number needs no control
    assert [finding.code for finding in gated.findings] == ["override-applied"]


def test_a_rule_of_the_batch_may_hang_the_parent_elsewhere(tmp_path: Path) -> None:
    """The control is gated by the tree with the rule in, also where that needs gates that the template's did not."""
    gates = ("Q: {below: {x: 300}}", *GATES)
    loaded = loaded_with(tmp_path, rule(1, "batch: B1", "gate: P, set: {in: Q}"), gates=gates)
    blank = events("fmo.fcs", x=np.arange(1000.0), y=np.arange(1000.0))
    assert low(loaded, SAMPLE, batch="B1", controls={"Y": blank}) == np.quantile(np.arange(100.0, 300), 0.9)


def test_scales_of_other_gates_do_not_stop_a_control(tmp_path: Path) -> None:
    gates = (*GATES, "other: {above: {z: 1}, optional: true}", "more: {in: T, above: {y: {fmo: Y, quantile: 0.95}}}")
    loaded = loaded_with(
        tmp_path, rule(1, "batch: B1", "gate: P, move: {x: {offset: 1}}"), gates=gates, scales="{z: linear, y: linear}"
    )
    gated = loaded.gate(SAMPLE, batch="B1", controls={"Y": control(inside=400)})
    assert gated.missing == {
        "other": "no channel carries z",
        "more": "fmo.fcs has 40 events in T, and a quantile needs 200",
    }


def test_a_parent_that_is_absent_in_the_control(tmp_path: Path) -> None:
    loaded = loaded_with(tmp_path, rule(1, "sample: FMO", "gate: P, absent: true"))
    gated = loaded.gate(SAMPLE, id="S1", controls={"Y": Control("FMO", control())})
    assert gated.missing["T"] == "fmo.fcs: P is missing: declared absent by an override"
    assert gated.count("P") == 300


def test_a_rule_that_needs_a_context_is_an_error_with_controls_too(tmp_path: Path) -> None:
    loaded = loaded_with(tmp_path, rule(1, "batch: B2", "gate: P, move: {x: {offset: 400}}"))
    with pytest.raises(StrategyError, match="override r1 applies by batch, and the batch was not given"):
        loaded.gate(SAMPLE, controls={"Y": control()})


# ------------------------------------------------------------------------------------------------- controls of controls

NESTED = ("A: {above: {x: {fmo: X, quantile: 0.5}}}", "B: {in: A, above: {y: {fmo: Y, quantile: 0.9}}}")
FIRST = events("x.fcs", x=np.arange(401.0), y=np.zeros(401))
SECOND = events("y.fcs", x=np.arange(1000.0), y=np.arange(1000.0))


def test_a_parent_that_itself_goes_by_a_control() -> None:
    gated = strategy(*NESTED).gate(SAMPLE, controls={"X": FIRST, "Y": SECOND})
    assert gated.gates["A"].bounds == (("x", 200.0, None),)  # type: ignore[union-attr]
    assert gated.gates["B"].bounds == (("y", float(np.quantile(np.arange(200.0, 1000), 0.9)), None),)  # type: ignore[union-attr]


def test_a_parent_whose_own_control_is_missing() -> None:
    gated = strategy(*NESTED).gate(SAMPLE, controls={"Y": SECOND})
    assert gated.missing == {
        "A": "there is no FMO control for X (role fmo:X)",
        "B": "y.fcs: A is missing: there is no FMO control for X (role fmo:X)",
    }


def test_each_control_goes_by_its_own_rules(tmp_path: Path) -> None:
    """The first control gates the parent in the second: by the first one's id, not the second one's."""
    gates = ("P: {above: {x: 0}}", "A: {in: P, above: {x: {fmo: X, quantile: 0.5}}}", NESTED[1])
    loaded = loaded_with(
        tmp_path,
        rule(1, "sample: x.fcs", "gate: P, set: {above: {x: 100}}"),
        rule(2, "sample: y.fcs", "gate: P, set: {above: {x: 350}}"),
        gates=gates,
    )
    gated = loaded.gate(SAMPLE, id="S1", controls={"X": FIRST, "Y": SECOND})
    assert gated.gates["A"].bounds == (("x", 250.0, None),)  # type: ignore[union-attr]
    assert gated.gates["B"].bounds == (("y", float(np.quantile(np.arange(350.0, 1000), 0.9)), None),)  # type: ignore[union-attr]


# ------------------------------------------------------------------------------------------- thresholds made before


def test_thresholds_that_were_computed_before_are_taken() -> None:
    loaded = strategy(*GATES)
    before = fmo_threshold(loaded, PLACE, {"Y": Control("FMO", control())}, batch="B1")
    assert fmo_places(loaded) == (PLACE,)
    assert (before.file, before.n_parent, before.reason) == ("fmo.fcs", 300, "")
    assert low(loaded, SAMPLE, thresholds={PLACE: before}) == before.value
    assert low(loaded, SAMPLE, thresholds={PLACE: replace(before, value=7.0)}, controls={"Y": control()}) == 7.0
    gated = loaded.gate(SAMPLE, thresholds={PLACE: FmoThreshold("", 0, None, "nobody made one")})
    assert gated.missing["T"] == "nobody made one"
    assert gated.findings == (Finding("fmo-unusable", "review", "T", "population missing: nobody made one"),)


def test_a_threshold_for_another_question_is_not_taken() -> None:
    other = replace(PLACE, quantile=0.5)
    gated = strategy(*GATES).gate(SAMPLE, thresholds={other: FmoThreshold("fmo.fcs", 300, 7.0)})
    assert gated.missing["T"] == "there is no FMO control for Y (role fmo:Y)"


def test_the_strategy_as_applied_holds_the_number(tmp_path: Path) -> None:
    loaded = strategy(*GATES, report=REPORT)
    gated = loaded.gate(SAMPLE, controls={"Y": control()})
    again = Strategy.loads(gated.strategy.to_yaml())
    assert fmo_places(again) == ()
    assert again.gate(SAMPLE)["T"].tolist() == gated["T"].tolist()
    assert fmo_places(loaded) == (PLACE,)  # the template is as it was


def test_what_was_noticed_of_a_control_reaches_the_sample() -> None:
    noticed = Finding("offset-conflict", "review", "DATA", "HEADER and TEXT differ")
    repaired = replace(control(), findings=(noticed, Finding("trivial", "info", "TEXT", "nothing")))
    gated = strategy(*GATES).gate(SAMPLE, controls={"Y": repaired})
    assert Finding("offset-conflict", "review", "fmo.fcs: DATA", "HEADER and TEXT differ") in gated.findings
    assert "trivial" not in [finding.code for finding in gated.findings]


def test_a_threshold_beyond_the_other_bound_leaves_the_population_missing() -> None:
    loaded = strategy("T: {above: {y: {fmo: Y, quantile: 0.5}}, below: {y: 1}}", "child: {in: T, above: {x: 0}}")
    gated = loaded.gate(SAMPLE, controls={"Y": control()})
    value = float(np.median(control().values("y")))
    assert gated.missing == {"T": f"above {value:.6g} and below 1 leave nothing on y", "child": "T is missing"}
    assert [(finding.code, finding.severity) for finding in gated.findings] == [
        ("fmo-threshold", "info"),
        ("fmo-unusable", "review"),
    ]
