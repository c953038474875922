"""Markers to channels: whole names, globs, signals; two for one and none for one are errors that help."""

from __future__ import annotations

import pytest
from tests.builders_fcs import stained

from tregflow.errors import PanelError
from tregflow.fcs import Sample
from tregflow.panel import MarkerRule, resolve

SAMPLE = Sample.from_columns(
    "P07_D8.fcs",
    {name: [1.0] for name in ("FSC-A", "FSC-H", "R780-A", "V655-A", "V655-H", "V655-W", "G560-A", "B515-A", "Time")},
    markers={
        "R780-A": "CD3", "V655-A": "CD4 FITC", "V655-H": "CD4 FITC", "V655-W": "CD4 FITC", "G560-A": "CD127",
        "B515-A": "CD-25",
    },
)  # fmt: skip


def found(name: str, rule: MarkerRule | None = None, sample: Sample = SAMPLE) -> str:
    return resolve(name, rule, sample).pnn


def error(name: str, rule: MarkerRule | None = None, sample: Sample = SAMPLE, **where: str) -> PanelError:
    with pytest.raises(PanelError) as caught:
        resolve(name, rule, sample, **where)
    return caught.value


@pytest.mark.parametrize(
    ("name", "pnn"),
    [
        ("CD3", "R780-A"),
        ("cd 3", "R780-A"),
        (" CD3 ", "R780-A"),
        ("CD4 FITC", "V655-A"),
        ("cd4fitc", "V655-A"),
        ("FSC-A", "FSC-A"),
        ("FSC-H", "FSC-H"),
        ("v655-h", "V655-H"),
        ("time", "Time"),
    ],
)
def test_without_a_rule_the_name_itself(name: str, pnn: str) -> None:
    assert found(name) == pnn


def test_without_a_rule_the_name_is_no_glob() -> None:
    assert error("CD*").code == "E_NO_CHANNEL"


@pytest.mark.parametrize(
    ("rule", "pnn"),
    [
        (MarkerRule(pns=("CD25", "CD?25")), "B515-A"),
        (MarkerRule(pns=("cd[-_]25",)), "B515-A"),
        (MarkerRule(pns=("*25",)), "B515-A"),
        (MarkerRule(pns=("CD4*",)), "V655-A"),
        (MarkerRule(pns=("CD4*",), signal="H"), "V655-H"),
        (MarkerRule(pns=("IL2RA",), pnn=("B515-*",)), "B515-A"),
        (MarkerRule(pnn=("b515*",)), "B515-A"),
        (MarkerRule(pns=("CD3",), pnn=("G560-A",)), "R780-A"),
    ],
)
def test_rules(rule: MarkerRule, pnn: str) -> None:
    assert found("X", rule) == pnn


def test_a_rule_with_a_signal_only_keeps_the_name() -> None:
    assert found("CD4 FITC", MarkerRule(signal="W")) == "V655-W"


def test_pns_hides_pnn() -> None:
    sample = stained(R780="G560-A", G560="CD127")
    assert found("G560-A", None, sample) == "R780-A"


def test_globs_are_no_regular_expressions() -> None:
    sample = stained(A="CD3+", B="CDD3")
    assert found("X", MarkerRule(pns=("CD3+",)), sample) == "A-A"
    assert error("X", MarkerRule(pns=("CD+3",)), sample).code == "E_NO_CHANNEL"


def test_another_signal_alone_is_fine_unless_one_was_stated() -> None:
    sample = Sample.from_columns("a.fcs", {"VL1-H": [1.0]}, markers={"VL1-H": "CD25"})
    assert found("CD25", None, sample) == "VL1-H"
    assert found("CD25", MarkerRule(pns=("CD25",), signal="H"), sample) == "VL1-H"
    caught = error("CD25", MarkerRule(pns=("CD25",), signal="A"), sample, panel="treg.yaml")
    assert caught.code == "E_PANEL"
    assert str(caught) == (
        "a.fcs: no channel with the signal A carries CD25\n"
        "  expected   $PnS matching CD25, signal A\n"
        "  available  CD25 (VL1-H)\n"
        "  remedy     correct or drop signal: A in panel: CD25 in treg.yaml"
    )


def test_a_channel_without_signal_meets_any() -> None:
    sample = Sample.from_columns("a.fcs", {"FL1": [1.0]}, markers={"FL1": "CD25"})
    assert found("CD25", MarkerRule(pns=("CD25",), signal="A"), sample) == "FL1"


def test_unknown_marker() -> None:
    caught = error("CD19", population="B", panel="treg.yaml")
    assert caught.code == "E_NO_CHANNEL"
    assert str(caught) == (
        "P07_D8.fcs: B: no channel carries CD19\n"
        "  expected   $PnS or $PnN CD19\n"
        "  available  FSC-A, FSC-H, CD3 (R780-A), CD4 FITC (V655-A), CD4 FITC (V655-H), CD4 FITC (V655-W), "
        "CD127 (G560-A), CD-25 (B515-A), Time\n"
        "  remedy     add the name that the sample uses to panel: CD19 in treg.yaml, or check the staining"
    )


def test_unknown_marker_with_a_near_miss() -> None:
    sample = stained("P07_D8.fcs", R780="CD3", B515="CD-25")
    rule = MarkerRule(pns=("CD25", "IL?2RA"), pnn=("PE-A",))
    caught = error("CD25", rule, sample, population="CD25hiCD127lo", panel="treg.yaml")
    assert caught.code == "E_NO_CHANNEL"
    assert str(caught) == (
        "P07_D8.fcs: CD25hiCD127lo: no channel carries CD25\n"
        "  expected   $PnS matching CD25 or IL?2RA, else $PnN matching PE-A\n"
        "  available  CD3 (R780-A), CD-25 (B515-A)\n"
        "  remedy     near miss 'CD-25': add it to panel: CD25 in treg.yaml"
    )


@pytest.mark.parametrize(
    ("marker", "near"), [("Foxp3-IgM", "'Foxp3-IgM'"), ("FOX P3 PE", "'FOX P3 PE'"), ("FopX3", "'FopX3'")]
)
def test_near_misses(marker: str, near: str) -> None:
    caught = error("FoxP3", None, stained(B515=marker, R780="CD3"))
    assert caught.remedy == f"near miss {near}: add it to panel: FoxP3"


def test_blanks_around_a_marker_are_no_miss() -> None:
    assert found("CD25", None, stained(B515="CD25 ")) == "B515-A"


def test_a_near_miss_of_a_pattern() -> None:
    caught = error("Regulator", MarkerRule(pns=("foxp3*",)), stained(B515="Fox-P3"))
    assert caught.remedy == "near miss 'Fox-P3': add it to panel: Regulator"


def test_two_channels_for_one_marker() -> None:
    sample = stained("P07_D8.fcs", B515="CD25", G560="CD25", R780="CD3")
    caught = error("CD25", None, sample, population="Treg", panel="treg.yaml")
    assert caught.code == "E_PANEL"
    assert str(caught) == (
        "P07_D8.fcs: Treg: two channels for one marker, CD25\n"
        "  expected   $PnS or $PnN CD25\n"
        "  available  CD25 (B515-A), CD25 (G560-A)\n"
        "  remedy     name the one that is meant in panel: CD25 in treg.yaml, pnn: [B515-A] or [G560-A]"
    )


def test_three_channels_for_one_marker() -> None:
    sample = stained("P07_D8.fcs", B515="CD25", G560="CD25", R780="CD25b")
    caught = error("CD25", MarkerRule(pns=("CD25*",)), sample)
    assert caught.problem == "3 channels for one marker, CD25"
    assert caught.expected == "$PnS matching CD25*"


def test_two_detectors_are_two_even_with_signals() -> None:
    sample = Sample.from_columns(
        "a.fcs",
        {name: [1.0] for name in ("A-A", "A-H", "B-A", "B-H")},
        markers=dict.fromkeys(("A-A", "A-H", "B-A", "B-H"), "CD4"),
    )
    assert error("CD4", MarkerRule(pns=("CD4",), signal="A"), sample).problem == "4 channels for one marker, CD4"


def test_signals_of_one_detector_without_the_one_meant() -> None:
    sample = Sample.from_columns("a.fcs", {"X-H": [1.0], "X-W": [1.0]}, markers={"X-H": "CD4", "X-W": "CD4"})
    caught = error("CD4", None, sample)
    assert caught.code == "E_PANEL"
    assert str(caught) == (
        "a.fcs: two channels for one marker, CD4\n"
        "  expected   $PnS or $PnN CD4\n"
        "  available  CD4 (X-H), CD4 (X-W)\n"
        "  remedy     say which signal is meant in panel: CD4, signal: H"
    )


def test_a_sample_without_channels() -> None:
    assert error("CD4", None, Sample.from_columns("a.fcs", {}), file="P01").available == ("no channels",)


def test_a_marker_at_the_height_alone_is_no_guess() -> None:
    sample = Sample.from_columns("a.fcs", {"B515-A": [1.0], "B515-H": [1.0]}, markers={"B515-H": "CD25"})
    caught = error("CD25", sample=sample)
    assert caught.code == "E_PANEL"
    assert str(caught) == (
        "a.fcs: two channels for one marker, CD25\n"
        "  expected   $PnS or $PnN CD25\n"
        "  available  CD25 (B515-H), B515-A\n"
        "  remedy     say which signal is meant in panel: CD25, signal: H"
    )
    assert found("CD25", MarkerRule(pns=("CD25",), signal="H"), sample) == "B515-H"
    assert found("B515-H", sample=sample) == "B515-H"
    alone = Sample.from_columns("b.fcs", {"B515-H": [1.0]}, markers={"B515-H": "CD25"})
    assert found("CD25", sample=alone) == "B515-H"
