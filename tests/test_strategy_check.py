"""Faults of a strategy file: each on its line, all at once, in whole sentences, with the near miss."""

from __future__ import annotations

import re

import pytest
from tests.builders import KEYS, strategy, strategy_text

from tregflow.errors import StrategyError
from tregflow.strategy import Strategy

DESIGN = """\
tregflow: 1
name: treg
panel:                       # channel of a marker: $PnS, then $PnN; whole name, case and blanks aside
  CD25:  {pns: ["CD25", "IL?2RA"]}
  FoxP3: {pns: ["foxp3*"], signal: A}     # -A of -A/-H/-W unless said otherwise
compensation: fcs            # fcs | none | file | {batch: {B1: b1.csv}}
scales:                      # FSC, SSC and Time are linear; the others logicle unless said here
  CD25: {logicle: {w: 0.8}}  # also asinh {t, m, a}, log {t, m}, linear, biex {neg, width, pos, max}
gates:
  Singlets:      {auto: singlets, on: [FSC-A, FSC-H]}
  Lymphocytes:   {in: Singlets, polygon: [FSC-A, SSC-A], points: [[5e4, 1e4], [1.6e5, 1e4], [1.6e5, 9e4], [5e4, 9e4]]}
  CD3+:          {in: Lymphocytes, above: {CD3: {auto: valley, range: [300, 9000]}}}
  CD4+:          {in: CD3+, above: {CD4: 1200}, below: {CD8: 700}}
  CD25hiCD127lo: {in: CD4+, polygon: [CD25, CD127], points: [[900, 0], [900, 2e3], [9e3, 2e3], [9e3, 0]],
                  open: {CD25: high, CD127: low}, adapt: registration}
  Treg:          {in: CD25hiCD127lo, above: {FoxP3: {fmo: FoxP3, quantile: 0.995}}}
  Tconv:         {in: CD4+, not: CD25hiCD127lo}
  Teff:          {in: Tconv, below: {CD45RA: 2500}, optional: true}   # optional: no such marker -> population missing
  B:             {in: Lymphocytes, above: {CD19: 900}, below: {CD3: 700}}
  # combinations: not: X | all: [A, {not: B}] | any: [A, B]; open: edges there run to infinity
report:                      # name: numerator / denominator, by id; need not be nested
  Treg_of_CD4: Treg / CD4+
  Tconv_of_CD4: Tconv / CD4+
  Teff_of_Lymphocytes: Teff / Lymphocytes
  B_of_Lymphocytes: B / Lymphocytes
mfi: {Treg: [CD25, FoxP3]}   # medians asked for, on compensated values
"""
A = "A: {above: {CD4: 5}}"
SECTIONS = (
    "tregflow, name, panel, compensation, gains, matrices, dimensions, scales, counts, quadrants, gates, report, mfi"
)
RULES = "polygon, rectangle, ellipsoid, quadrant, above/below, not, all, any"
TRIANGLE = "points: [[1, 1], [1, 2], [3, 1]]"


def refusal(text: str) -> str:
    with pytest.raises(StrategyError) as caught:
        Strategy.loads(text, name="t.yaml")
    assert caught.value.code == "E_STRATEGY"
    return str(caught.value)


def faults(*gates: str, **sections: str) -> list[str]:
    """Return the faults of a strategy, a line each; gates start on the line after the sections and ``gates:``."""
    first, *lines, remedy = refusal(strategy_text(*gates, **sections)).splitlines()
    assert first == f"t.yaml: {len(lines)} fault{'s' if len(lines) > 1 else ''}"
    assert remedy == "  remedy     correct the lines named above"
    return [re.sub("^  line ([0-9]+) +", r"\1 ", line) for line in lines]


# ---------------------------------------------------------------------------------------------- the design's example


def test_what_the_example_of_the_design_asks_too_much_is_refused_by_name() -> None:
    assert refusal(DESIGN) == (
        "t.yaml: 4 faults\n"
        "  line 10   gates.Singlets.auto: auto: singlets is not supported by this version; set the gate by hand\n"
        "  line 10   gates.Singlets.on: on: ['FSC-A', 'FSC-H'] is not supported by this version; set the gate by hand\n"
        "  line 12   gates.CD3+.above.CD3: auto: valley is not supported by this version; give a number or an fmo\n"
        "  line 15   gates.CD25hiCD127lo.adapt: adapt: registration is not supported by this version; "
        "set the gate by hand\n"
        "  remedy     correct the lines named above"
    )


def test_the_example_of_the_design_loads_with_these_replaced() -> None:
    text = DESIGN.replace("{auto: singlets, on: [FSC-A, FSC-H]}", "{above: {FSC-A: 1}}")
    text = text.replace("{auto: valley, range: [300, 9000]}", "1500").replace(", adapt: registration", "")
    loaded = Strategy.loads(text, name="treg.yaml")
    assert loaded.order == (
        "Singlets",
        "Lymphocytes",
        "CD3+",
        "CD4+",
        "CD25hiCD127lo",
        "Treg",
        "Tconv",
        "Teff",
        "B",
    )
    assert loaded.ratios == {
        "Treg_of_CD4": ("Treg", "CD4+"),
        "Tconv_of_CD4": ("Tconv", "CD4+"),
        "Teff_of_Lymphocytes": ("Teff", "Lymphocytes"),
        "B_of_Lymphocytes": ("B", "Lymphocytes"),
    }
    assert loaded.ancestors("Treg") == ("CD25hiCD127lo", "CD4+", "CD3+", "Lymphocytes", "Singlets", "root")
    assert loaded.axes == ("FSC-A", "SSC-A", "CD3", "CD4", "CD8", "CD25", "CD127", "FoxP3", "CD45RA", "CD19")


@pytest.mark.parametrize("name", ["treg", "treg-no127", "treg-surface"])
def test_every_shipped_strategy_is_sound(name: str) -> None:
    loaded = Strategy.load(name)
    assert loaded.source == f"{name} (shipped)"
    assert Strategy.loads(loaded.to_yaml()).data == loaded.data


# -------------------------------------------------------------------------------------------------- all at once


def test_every_fault_of_a_file_is_told_at_once() -> None:
    """What the types refuse does not hide what the names get wrong, nor does either make up faults of the other."""
    text = """\
tregflow: 2
nmae: treg
panel:
  CD25: {pns: CD25}
compensation: fcs
scales:
  CD25: {logicle: {width: 0.8}}
  CD127: {logical: {}}
gates:
  Lymphocytes: {polygn: [FSC-A, SSC-A], points: [[1, 1], [2, 1], [2, 2]]}
  CD3+: {in: Lymphocites, above: {CD3: high}}
  CD4+: {in: CD3+, polygon: [CD25, CD127], points: [[1, 1], [2, 2]]}
  root: {in: CD4+, below: {CD8: 5}}
report:
  a: Treg / CD4+
  b: CD3+ / Lymphocytes
mfi: {CD4: [CD25]}
"""
    assert refusal(text) == (
        "t.yaml: 13 faults\n"
        "  line 1    tregflow: input should be 1 (there is 2)\n"
        "  line 1    name: this key is required\n"
        f"  line 2    nmae: unknown key; did you mean 'name'?; allowed: {SECTIONS}\n"
        "  line 4    panel.CD25.pns: expected a list (there is 'CD25')\n"
        "  line 7    scales.CD25: logicle has no parameter 'width'\n"
        "  line 8    scales.CD127: there is no scale 'logical'; did you mean 'logicle'?\n"
        f"  line 10   gates.Lymphocytes.polygn: unknown key; did you mean 'polygon'?; allowed: {KEYS}\n"
        "  line 11   gates.CD3+.above.CD3: expected a number in data units, or {fmo: MARKER, quantile: 0.995} "
        "(there is 'high')\n"
        "  line 11   gates.CD3+.in: no population 'Lymphocites'; did you mean 'Lymphocytes'?\n"
        "  line 12   gates.CD4+.points: 2 different points make no polygon; expected 3 different points or more\n"
        "  line 13   gates.root: 'root' means all events and cannot be the id of a gate\n"
        "  line 15   report.a: no population 'Treg'\n"
        "  line 17   mfi.CD4: no population 'CD4'; did you mean 'CD4+'?\n"
        "  remedy     correct the lines named above"
    )


@pytest.mark.parametrize(
    ("section", "fault"),
    [
        ("gates: {}", "holds no gate"),
        ("gates:", "expected keys and values (there is None)"),
        ("gates: [A]", "expected keys and values (there is ['A'])"),
    ],
)
def test_where_no_gate_can_be_read_nothing_is_said_of_those_that_use_them(section: str, fault: str) -> None:
    head = "tregflow: 1\nname: x\ncompensation: none\n"
    rest = "\nreport: {a: A / B}\nmfi: {A: [CD4]}\nscales: {CD4: linear}\n"
    assert refusal(head + section + rest) == (
        f"t.yaml: 1 fault\n  line 4    gates: {fault}\n  remedy     correct the lines named above"
    )
    missing = refusal(head + rest)
    assert missing == (
        "t.yaml: 1 fault\n  line 1    gates: this key is required\n  remedy     correct the lines named above"
    )


# -------------------------------------------------------------------------------------------------- single faults


@pytest.mark.parametrize(
    ("gates", "expected"),
    [
        # parents and operands
        (["B: {in: AA, above: {CD4: 5}}"], ["6 gates.B.in: no population 'AA'; did you mean 'A'?"]),
        (["CD3 +: {in: CD3, above: {CD4: 5}}"], ["6 gates.CD3 +.in: no population 'CD3'"]),
        (["B: {in: '', above: {CD4: 5}}"], ["6 gates.B.in: string should have at least 1 character (there is '')"]),
        (["B: {not: AA}"], ["6 gates.B.not: no population 'AA'; did you mean 'A'?"]),
        (["B: {not: root}"], ["6 gates.B.not: no population 'root'"]),
        (["B: {not: [A]}"], ["6 gates.B.not: expected a text (there is ['A'])"]),
        (["B: {all: [A, {not: C}]}"], ["6 gates.B.all: no population 'C'"]),
        (["B: {any: [C, A, D]}"], ["6 gates.B.any: no population 'C'", "6 gates.B.any: no population 'D'"]),
        (["B: {all: [A]}"], ["6 gates.B.all: 'all' of 1 populations; expected 2 populations or more"]),
        (["B: {any: []}"], ["6 gates.B.any: 'any' of 0 populations; expected 2 populations or more"]),
        (["B: {all: [B, A]}"], ["6 gates.B.all: the gate refers to itself; expected other populations"]),
        (
            ["B: {any: [A, {nott: A}]}", "C: {all: [A, 5]}"],
            [
                "6 gates.B.any.1.not: this key is required",
                "6 gates.B.any.1.nott: unknown key; did you mean 'not'?; allowed: not",
                "7 gates.C.all.1: expected the id of a population, or {not: ID} (there is 5)",
            ],
        ),
        # cycles
        (["B: {in: B, above: {CD4: 5}}"], ["6 gates.B: depends on itself: B -> B"]),
        (
            ["B: {in: D, above: {CD4: 5}}", "C: {in: B, above: {CD4: 5}}", "D: {in: A, not: C}"],
            ["8 gates.D: depends on itself: D -> B -> C -> D"],
        ),
        # the number of rules
        (
            ["B: {in: A}", "C: {}", "D: {name: d, optional: true}"],
            [
                f"{line} gates.{gate}: a gate has one rule ({RULES}); there is none"
                for line, gate in ((6, "B"), (7, "C"), (8, "D"))
            ],
        ),
        (
            [f"B: {{above: {{CD4: 5}}, polygon: [CD4, CD8], {TRIANGLE}, not: A}}"],
            [f"6 gates.B: a gate has one rule ({RULES}); there is polygon and above/below and not"],
        ),
        (
            [f"B: {{polygon: [CD4, CD8], {TRIANGLE}, any: [A, C]}}"],
            [
                "6 gates.B.any: no population 'C'",
                f"6 gates.B: a gate has one rule ({RULES}); there is polygon and any",
            ],
        ),
        (
            ["B: 5", "C:"],
            ["6 gates.B: expected keys and values (there is 5)", "7 gates.C: expected keys and values (there is None)"],
        ),
        # polygons
        (
            ["B: {polygon: [CD4, CD8], points: [[1, 1], [2, 2]]}"],
            ["6 gates.B.points: 2 different points make no polygon; expected 3 different points or more"],
        ),
        (
            ["B: {polygon: [CD4, CD8], points: [[1, 1], [2, 2], [1, 1]]}"],
            ["6 gates.B.points: 2 different points make no polygon; expected 3 different points or more"],
        ),
        (
            ["B: {polygon: [CD4, CD8]}"],
            ["6 gates.B.polygon: 0 different points make no polygon; expected 3 different points or more"],
        ),
        ([f"B: {{polygon: [CD4], {TRIANGLE}}}"], ["6 gates.B.polygon.1: one more value is required"]),
        (
            [f"B: {{polygon: [CD4, CD4], {TRIANGLE}}}"],
            ["6 gates.B.polygon: polygon on CD4 and CD4; expected two different channels"],
        ),
        (
            ["B: {polygon: [CD4, CD8], points: [[1, 1, 1], [2, 2], [3, 1]]}"],
            ["6 gates.B.points.0: list should have at most 2 items, not 3 (there is [1, 1, 1])"],
        ),
        (
            ["B: {polygon: [CD4, CD8], points: [[1, x], [2, .nan], [3, .inf]]}"],
            [
                "6 gates.B.points.0.1: input should be a valid number (there is 'x')",
                "6 gates.B.points.1.1: input should be a finite number (there is nan)",
                "6 gates.B.points.2.1: input should be a finite number (there is inf)",
            ],
        ),
        (
            [f"B: {{{TRIANGLE}, open: {{CD4: high}}, above: {{CD4: 5}}}}"],
            [
                "6 gates.B.points: 'points' belongs to a polygon, and the gate has none",
                "6 gates.B.open: 'open' belongs to a polygon, and the gate has none",
            ],
        ),
        (
            [f"B: {{polygon: [CD4, CD8], {TRIANGLE},", "    open: {CD 4: low, CD25: low}}"],
            [
                "7 gates.B.open.CD 4: 'CD 4' is no axis of the polygon; did you mean 'CD4'?",
                "7 gates.B.open.CD25: 'CD25' is no axis of the polygon",
            ],
        ),
        (
            [f"B: {{polygon: [CD4, CD8], {TRIANGLE}, open: {{CD4: up}}}}"],
            ["6 gates.B.open.CD4: input should be 'high' or 'low' (there is 'up')"],
        ),
        (
            [f"B: {{polygon: [CD4, CD8], {TRIANGLE}, open: {{CD4: high}}}}"],
            [
                "6 gates.B.points: open: CD4 high: the polygon ends there in the corner (3.0, 1.0), not in an edge; "
                "expected an edge at one value of CD4"
            ],
        ),
        # rectangles and thresholds
        (
            ["B: {rectangle: {CD4: [2, 1]}}"],
            ["6 gates.B.rectangle: CD4: no value is at least 2.0 and below 1.0; expected min < max"],
        ),
        (
            ["B: {rectangle: {CD4: [null, null]}}"],
            ["6 gates.B.rectangle: CD4 has neither min nor max; expected min, max, or both"],
        ),
        (["B: {rectangle: {CD4: 5}}"], ["6 gates.B.rectangle.CD4: expected a list (there is 5)"]),
        (["B: {rectangle: {CD4: [5]}}"], ["6 gates.B.rectangle.CD4.1: one more value is required"]),
        (
            ["B: {rectangle: {}}"],
            ["6 gates.B.rectangle: rectangle without bounds; expected a channel with min, max, or both"],
        ),
        (
            ["B: {below: {}}"],
            ["6 gates.B.below: rectangle without bounds; expected a channel with min, max, or both"],
        ),
        (["B: {below: 5}"], ["6 gates.B.below: expected keys and values (there is 5)"]),
        (
            ["B: {above: {CD4: 5}, below: {CD4: 5}}"],
            ["6 gates.B.above: CD4: no value is at least 5.0 and below 5.0; expected min < max"],
        ),
        (
            ["B: {above: {CD4: .nan, CD8: .inf, CD3: -.inf, CD2: 1e400}}"],
            [
                f"6 gates.B.above.{marker}: input should be a finite number (there is {value})"
                for marker, value in (("CD4", "nan"), ("CD8", "inf"), ("CD3", "-inf"), ("CD2", "inf"))
            ],
        ),
        (
            [
                "B: {above: {CD4: {fmo: X, quantile: 1}}}",
                "C: {above: {CD4: {fmo: X, quantile: 0}}}",
                "D: {above: {CD4: {fmo: X, quantil: 0.9}}}",
                "E: {above: {CD4: {fmo: 5}}}",
                "F: {above: {CD4: {fmo: X, quantile: '0.9'}}}",
            ],
            [
                "6 gates.B.above.CD4.quantile: input should be less than 1 (there is 1)",
                "7 gates.C.above.CD4.quantile: input should be greater than 0 (there is 0)",
                "8 gates.D.above.CD4.quantil: unknown key; did you mean 'quantile'?; allowed: fmo, quantile",
                "9 gates.E.above.CD4.fmo: expected a text (there is 5)",
                "10 gates.F.above.CD4.quantile: input should be a valid number (there is '0.9')",
            ],
        ),
        # ids and keys
        (["root: {above: {CD4: 5}}"], ["6 gates.root: 'root' means all events and cannot be the id of a gate"]),
        (["' ': {above: {CD4: 5}}"], ["6 gates. .above: a gate's id is ' '; expected a text that is not blank"]),
        (["12: {above: {CD4: 5}}"], ["6 gates.12: a key is no text: put it in quotes"]),
        (
            ["B: {parent: A, above: {CD4: 5}}"],
            [f"6 gates.B.parent: unknown key; did you mean 'open'?; allowed: {KEYS}"],
        ),
        (
            ["B: {above: {CD4: 5}, optional: maybe}"],
            ["6 gates.B.optional: input should be a valid boolean, unable to interpret input (there is 'maybe')"],
        ),
    ],
)
def test_a_fault_of_a_gate(gates: list[str], expected: list[str]) -> None:
    assert faults(A, *gates) == expected


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        (
            {"report": "{a: A / B, b: A, c: A/root, d: A / root / A, e: 5, f: ' / A'}"},
            [
                "4 report.e: expected a text (there is 5)",
                "4 report.a: no population 'B'",
                "4 report.b: expected 'NUMERATOR / DENOMINATOR', there is 'A'",
                "4 report.c: expected 'NUMERATOR / DENOMINATOR', there is 'A/root'",
                "4 report.d: no population 'root / A'; did you mean 'root'?",
                "4 report.f: no population ''",
            ],
        ),
        (
            {"report": "{a: AA / roots}"},
            ["4 report.a: no population 'AA'; did you mean 'A'?, no population 'roots'; did you mean 'root'?"],
        ),
        (
            {"mfi": "{AA: [CD4], A: CD4}"},
            ["4 mfi.A: expected a list (there is 'CD4')", "4 mfi.AA: no population 'AA'; did you mean 'A'?"],
        ),
        ({"scales": "{CD44: linear}"}, ["4 scales.CD44: no gate or panel entry is called 'CD44'; did you mean 'CD4'?"]),
        ({"scales": "{CD4: logical}"}, ["4 scales.CD4: there is no scale 'logical'; did you mean 'logicle'?"]),
        ({"scales": "{CD4: {logicle: {width: 1}}}"}, ["4 scales.CD4: logicle has no parameter 'width'"]),
        ({"scales": "{CD4: {logicle: {w: 9}}}"}, ["4 scales.CD4: logicle: w is 9; expected w from 0 to m / 2 = 2.25"]),
        ({"scales": "{CD4: {logicle: {w: .nan}}}"}, ["4 scales.CD4: logicle: w is nan; expected a finite number"]),
        (
            {"scales": "{CD4: {logicle: 1}}"},
            ["4 scales.CD4: logicle: 1 is no mapping of parameters; expected {logicle: {t: 1000}}"],
        ),
        (
            {"scales": "{CD4: {log: {}, asinh: {}}}"},
            [
                "4 scales.CD4: {log: {}, asinh: {}} is no scale; expected one kind: linear, or with parameters: "
                "{logicle: {w: 0.8}}"
            ],
        ),
        ({"counts": "exac"}, ["4 counts: input should be 'exact' or 'flowjo' (there is 'exac')"]),
        ({"tregflow": "'1'"}, ["1 tregflow: input should be 1 (there is '1')"]),
        ({"name": "5"}, ["2 name: expected a text (there is 5)"]),
        ({"compensation": "''"}, ["3 compensation: string should have at least 1 character (there is '')"]),
        (
            {"compensation": "5"},
            [
                "3 compensation: expected fcs, none, a name of matrices, a CSV file, or {batch: {B1: b1.csv}} "
                "(there is 5)"
            ],
        ),
        (
            {"compensation": "{bath: {B1: a.csv}}"},
            [
                "3 compensation.batch: this key is required",
                "3 compensation.bath: unknown key; did you mean 'batch'?; allowed: batch",
            ],
        ),
        ({"compensation": "{batch: 5}"}, ["3 compensation.batch: expected keys and values (there is 5)"]),
        (
            {"panel": "{CD4: {pn: [x]}, CD8: {pns: x}, CD3: {signal: a}, CD2: 5, CD1: {pns: ['']}}"},
            [
                "4 panel.CD4.pn: unknown key; did you mean 'pns'?; allowed: pns, pnn, signal",
                "4 panel.CD8.pns: expected a list (there is 'x')",
                "4 panel.CD3.signal: input should be 'A', 'H' or 'W' (there is 'a')",
                "4 panel.CD2: expected keys and values (there is 5)",
                "4 panel.CD1.pns.0: string should have at least 1 character (there is '')",
            ],
        ),
        (
            {"panell": "{}"},
            [f"4 panell: unknown key; did you mean 'panel'?; allowed: {SECTIONS}"],
        ),
    ],
)
def test_a_fault_of_another_section(sections: dict[str, str], expected: list[str]) -> None:
    assert faults(A, **sections) == expected


def test_a_threshold_is_a_number_or_an_fmo() -> None:
    values = {
        "'5'": "'5'",
        "true": "True",
        "": "None",
        "[5]": "[5]",
        "{}": "{}",
        "{quantile: 0.9}": "{'quantile': 0.9}",
    }
    gates = [f"G{i}: {{above: {{CD4: {value}}}}}" for i, value in enumerate(values)]
    assert faults(*gates) == [
        f"{5 + i} gates.G{i}.above.CD4: expected a number in data units, or {{fmo: MARKER, quantile: 0.995}} "
        f"(there is {shown})"
        for i, shown in enumerate(values.values())
    ]


def test_a_marker_has_one_spelling() -> None:
    """Its channel would be found whatever the case; its panel entry and its scale would not, in silence."""
    assert faults(
        "A: {below: {Foxp3: 5}}",
        "B: {polygon: [FoxP3, cd 25], points: [[1, 1], [2, 1], [2, 2]]}",
        "C: {above: {CD25: 5}}",
        panel="{FoxP3: {pns: ['foxp3*']}}",
        scales="{FoxP3: {logicle: {w: 1}}}",
        mfi="{A: [FOXP3, FoxP3]}",
    ) == [
        "6 mfi.A: 'FOXP3' is spelt 'FoxP3' elsewhere; write it alike",
        "8 gates.A: 'Foxp3' is spelt 'FoxP3' elsewhere; write it alike",
        "10 gates.C: 'CD25' is spelt 'cd 25' elsewhere; write it alike",
    ]


def test_a_refused_gate_makes_no_further_faults() -> None:
    """The axes of a gate that could not be read are not known: nothing is said of their scales."""
    assert faults(
        "A: {polygonn: [CD25, CD127], points: [[1, 1], [2, 1], [2, 2]]}",
        "B: {in: A, above: {cd25: 5, fsc-a: 1}}",
        scales="{CD25: {logicle: {w: 1}}}",
        report="{a: A / root}",
        mfi="{A: [CD127]}",
    ) == [f"8 gates.A.polygonn: unknown key; did you mean 'polygon'?; allowed: {KEYS}"]


def test_a_point_that_the_scale_cannot_show() -> None:
    assert faults("A: {polygon: [CD4, CD8], points: [[1, 1], [2, 2], [-3, 1]]}", scales="{CD4: log}") == [
        "6 gates.A.points: a point at CD4 = -3.0 has no position on a log scale; expected a value above 0"
    ]


def test_duplicate_keys_are_refused() -> None:
    assert refusal(strategy_text(A, A.replace("5", "6"))) == (
        "t.yaml: line 6: found duplicate key \"A\" with value \"{'above': {'CD4': 6}}\" "
        "(original value: \"{'above': {'CD4': 5}}\")\n"
        "  expected   YAML 1.2\n"
        "  remedy     correct the line; text with : or # in it needs quotes"
    )


def test_lines_of_a_file_in_block_style() -> None:
    text = """\
tregflow: 1
name: x
compensation: none
gates:
  A:
    above:
      CD4: 5
  B:
    in: A
    polygon:
      - CD4
      - CD8
    points:
      - [1, 1]
      - [2, y]
    open:
      CD3: low
    not: A
"""
    assert refusal(text) == (
        "t.yaml: 1 fault\n"
        "  line 15   gates.B.points.1.1: input should be a valid number (there is 'y')\n"
        "  remedy     correct the lines named above"
    )
    assert refusal(text.replace("[2, y]", "[2, 2]")) == (
        "t.yaml: 2 faults\n"
        f"  line 8    gates.B: a gate has one rule ({RULES}); "
        "there is polygon and not\n"
        "  line 17   gates.B.open.CD3: 'CD3' is no axis of the polygon; did you mean 'CD8'?\n"
        "  remedy     correct the lines named above"
    )


# ------------------------------------------------------------------------------------------------------- no faults


def test_what_is_no_fault() -> None:
    loaded = strategy(
        "B: {in: A, name: shown, above: {CD4: 5}, below: {CD4: 6}}",
        "A: {rectangle: {CD8: [null, 5], FSC-A: [-1e-5, null]}}",
        "'A / B': {all: [A, {not: B}]}",
        "P: {in: root, polygon: [CD4, CD8], points: [[1, 1], [1, 2], [3, 1]], open: {CD4: low}}",
        scales="{CD4: linear, CD8: {biex: {width: -10}}, CD3: log}",
        panel="{CD3: {}}",
        report="{a: A / root, b: A / B / A, c: A / A / B}",
        mfi="{root: [CD4, Time]}",
    )
    assert loaded.order == ("A", "B", "A / B", "P")
    assert loaded.ratios == {"a": ("A", "root"), "b": ("A / B", "A"), "c": ("A", "A / B")}


def test_a_numeral_is_no_word() -> None:
    """YAML 1.2: 1e5 is a number and no is a text, also as an id."""
    loaded = strategy("no: {above: {CD4: 1e5}}", "on: {in: no, below: {CD4: 012}}")
    assert loaded.order == ("no", "on")
    assert loaded.spec.gates["no"].above == {"CD4": 100_000.0}
    assert loaded.spec.gates["on"].below == {"CD4": 12.0}


def test_a_deep_tree_is_checked_and_ordered() -> None:
    """Two thousand gates, each in the one after it: nothing recurses."""
    gates = [f"G{i}: {{in: G{i + 1}, above: {{CD4: {i}}}}}" for i in range(2000)]
    loaded = strategy(*gates, "G2000: {above: {CD4: 1}}", report="{a: G0 / G2000}")
    assert loaded.order == tuple(f"G{i}" for i in range(2000, -1, -1))
    assert loaded.nested("G0", "G2000")
    assert not loaded.nested("G2000", "G0")


@pytest.mark.parametrize("name", ["Treg_k", "batch", "mfi_A_x"])
def test_a_ratio_takes_no_other_column_of_wide_csv(name: str) -> None:
    found = faults("A: {above: {x: 0}}", report=f"{{Treg: A / root, {name}: A / root}}")
    assert [fault.split(maxsplit=2)[2] for fault in found] == [
        "is the name of another column of wide.csv; choose another name"
    ]
