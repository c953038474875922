"""Dimensions: what an axis name means, with which matrix and gain; and the faults of saying so."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import events, strategy
from tests.test_strategy import inside, panel_error
from tests.test_strategy_check import faults

from tregflow.errors import CompensationError
from tregflow.fcs import Sample
from tregflow.findings import Finding
from tregflow.strategy import Strategy
from tregflow.strategy.evaluate import needed_channels
from tregflow.transforms import Linear, Logicle

MATRICES = (
    "{m1: {detectors: [A, B], matrix: [[1, 0.5], [0, 1]]}, "
    "m2: {detectors: [A, B, C], dyes: [FITC, PE], matrix: [[1, 0, 1], [0, 1, 0]]}}"
)
FILE = {"$SPILLOVER": "2,A,B,1,0.25,0,1"}


def values(dimension: str, axis: str = "d", *, sample: Sample | None = None, **sections: str) -> list[float]:
    """Return the values of an axis that is written as `dimension`; columns A, B and C are 8, 16 and 24."""
    loaded = strategy(
        f"G: {{above: {{{axis}: 0}}}}", dimensions=f"{{{axis}: {dimension}}}", matrices=MATRICES, **sections
    )
    given = sample or events(keywords=FILE, A=[8.0], B=[16.0], C=[24.0], Time=[100.0])
    return [float(value) for value in loaded.gate(given).values(axis)]


# ----------------------------------------------------------------------------------------------- what a name may mean


def test_a_channel_has_the_compensation_of_the_strategy_unless_it_says_otherwise() -> None:
    assert values("{channel: B}") == [16.0]
    assert values("{channel: B}", compensation="m1") == [12.0]
    assert values("{channel: B}", compensation="fcs") == [14.0]
    assert values("{channel: B, compensation: none}", compensation="m1") == [16.0]
    assert values("{channel: B, compensation: fcs}", compensation="m1") == [14.0]
    assert values("{channel: B, compensation: 'fcs:$SPILLOVER'}", compensation="m1") == [14.0]
    assert values("{channel: B, compensation: m1}") == [12.0]
    assert values("{channel: C, compensation: m1}") == [24.0]  # no detector of the matrix


def test_a_channel_is_named_to_the_letter() -> None:
    sample = Sample.from_columns("P01.fcs", {"a": [1.0], "A": [2.0]}, markers={"a": "A"})
    assert values("{channel: A}", sample=sample) == [2.0]
    assert values("{marker: A}", sample=sample) == [1.0]  # $PnS first, case aside
    assert panel_error(("G: {above: {d: 0}}",), sample, dimensions="{d: {channel: Alpha}}") == (
        "P01.fcs: G: the sample has no channel Alpha\n  available  A (a), A\n  remedy     name a channel by its $PnN"
    )


def test_a_marker_is_found_by_the_panel() -> None:
    sample = Sample.from_columns("P01.fcs", {"B515-A": [1.0], "B515-H": [2.0]}, markers={"B515-A": "IL2RA"})
    found = values("{marker: CD25}", "CD25 raw", sample=sample, panel="{CD25: {pns: [IL2RA]}}")
    assert found == [1.0]


def test_a_dye_is_unmixed_from_all_its_detectors() -> None:
    assert values("{dye: FITC, compensation: m2}") == pytest.approx([16.0])  # (8 + 24) / 2
    assert values("{dye: PE}", compensation="m2") == [16.0]
    assert values("{dye: PE, compensation: m2, gain: 0.5}", compensation="m1") == [8.0]


def test_a_gain_comes_after_compensation() -> None:
    assert values("{channel: Time, gain: 0.0100853}", "Time s") == [100.0 * 0.0100853]
    assert values("{channel: B, compensation: m1, gain: 2}") == [24.0]


def test_a_ratio_is_taken_of_compensated_values() -> None:
    assert values("{ratio: [B, A]}") == [2.0]
    assert values("{ratio: [B, A]}", compensation="m1") == [1.5]
    assert values("{ratio: [B, A], a: 3, b: 1, c: 3}") == [9.0]
    assert values("{ratio: [B, A], a: -1}") == [-2.0]
    loaded = strategy(
        "G: {above: {r: 0}}",
        dimensions="{r: {ratio: [raw, dye]}, raw: {channel: A, compensation: none}, "
        "dye: {dye: FITC, compensation: m2}}",
        matrices=MATRICES,
        compensation="m1",
    )
    assert loaded.gate(events(A=[8.0], B=[16.0], C=[24.0])).values("r").tolist() == pytest.approx([0.5])


def test_a_ratio_without_a_value_is_outside_gate_and_complement_and_said() -> None:
    loaded = strategy(
        "G: {above: {r: 0}}",
        "N: {not: G}",
        "O: {rectangle: {r: [0, null]}, outside: true}",
        dimensions="{r: {ratio: [x, y], c: 2}}",
    )
    gated = loaded.gate(events(x=[1, -1, 1, math.nan, 1, 1e308], y=[3, 3, 2, 3, math.inf, 2 + 1e-10]))
    assert (inside(gated, "G"), inside(gated, "N"), inside(gated, "O")) == ([0], [1], [1])
    outside = "they are outside every gate on r"
    assert gated.findings == (
        Finding("non-finite-values", "warning", "r", f"2 of 6 events hold NaN or infinity; {outside}"),
        Finding(
            "off-scale-values",
            "warning",
            "r",
            f"2 of 6 events have no finite ratio x / y; {outside}, and outside its complement",
        ),
    )


def test_a_ratio_may_be_put_on_a_scale() -> None:
    gates = ("G: {rectangle: {r: [0.5, null]}, units: scale}", "N: {not: G}")
    gated = strategy(*gates, dimensions="{r: {ratio: [x, y]}}", scales="{r: {log: {t: 100, m: 2}}}").gate(
        events(x=[1, 10, 100, -1], y=[1, 1, 1, 1])
    )
    assert (inside(gated, "G"), inside(gated, "N")) == ([1, 2], [0])
    assert [(each.code, each.where) for each in gated.findings] == [("off-scale-values", "r")]


def test_gains_of_the_file_are_divided_out_before_compensation() -> None:
    sample = events(keywords=FILE, A=[8.0, 1.0], B=[16.0, 1.0], C=[24.0, 1.0])
    channels = [replace(channel, gain=4.0 if channel.pnn == "A" else 1.0) for channel in sample.channels]
    amplified = replace(sample, channels=tuple(channels))
    gates = ("G: {above: {A: 0, B: 0, C: 0}}",)
    for compensation, expected in {
        "none": [2.0, 16.0, 24.0],
        "m1": [2.0, 15.0, 24.0],
        "fcs": [2.0, 15.5, 24.0],
    }.items():
        gated = strategy(*gates, compensation=compensation, matrices=MATRICES, gains="fcs").gate(amplified)
        assert [float(gated.values(axis)[0]) for axis in "ABC"] == expected
        plain = strategy(*gates, compensation=compensation, matrices=MATRICES).gate(amplified)
        assert float(plain.values("A")[0]) == 8.0


def test_medians_and_labels_of_every_kind() -> None:
    gated = strategy(
        "G: {above: {A: 0}}",
        dimensions="{r: {ratio: [B, A]}, d: {dye: PE, compensation: m2}, raw: {channel: B, compensation: none}}",
        matrices=MATRICES,
        mfi="{G: [r, d, raw, A]}",
    ).gate(events(A=[8.0, 8.0], B=[16.0, 32.0], C=[1.0, 2.0]))
    assert {row.marker: row.mfi for row in gated.medians} == {"r": 3.0, "d": 24.0, "raw": 24.0, "A": 8.0}
    assert {axis: source.label for axis, source in gated.sources.items()} == {
        "A": "A",
        "r": "B / A",
        "d": "dye PE",
        "raw": "B",
    }
    assert {axis: channel.pnn for axis, channel in gated.channels.items()} == {"A": "A", "raw": "B"}


def test_the_default_scale_is_that_of_what_a_name_means() -> None:
    loaded = strategy(
        "G: {above: {size: 0, t: 0, CD25 raw: 0, r: 0, d: 0, Time s: 0}}",
        dimensions="{size: {channel: FSC-A}, t: {marker: time}, CD25 raw: {marker: CD25}, r: {ratio: [A, B]}, "
        "d: {dye: PE, compensation: m2}, Time s: {channel: X}}",
        matrices=MATRICES,
    )
    assert loaded.build("G").scales == (Linear(), Linear(), Logicle(), Linear(t=1), Logicle(), Logicle())  # type: ignore[union-attr]


# ------------------------------------------------------------------------------------- what must be read, what is said

KINDS = {
    "A": "{channel: A}",
    "raw": "{channel: B, compensation: none}",
    "own": "{channel: B, compensation: fcs}",
    "dye": "{dye: FITC, compensation: m2}",
    "slow": "{channel: Time, gain: 0.01}",
    "r": "{ratio: [own, D]}",
    "q": "{ratio: [dye, Time]}",
}
SAMPLE = events(
    keywords={"$SPILLOVER": "3,A,B,E,1,0.25,0,0,1,0.1,0,0.2,1"},
    **{
        name: np.random.default_rng(i).normal(50, 40, 60)
        for i, name in enumerate(("A", "B", "C", "D", "E", "F", "Time"))
    },
)


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from(list(KINDS)), min_size=1, max_size=4, unique=True),
    st.sampled_from(["none", "m1", "fcs"]),
    st.sampled_from(["none", "fcs"]),
)
def test_the_channels_that_are_needed_give_the_same_masks(axes: list[str], compensation: str, gains: str) -> None:
    """A batch reads no others."""
    gates = [
        f"G{i}: {{rectangle: {{{axis}: [0.5, 60]}}, outside: {str(i % 2 == 0).lower()}}}" for i, axis in enumerate(axes)
    ]
    known = ", ".join(f"{name}: {entry}" for name, entry in KINDS.items())
    loaded = strategy(*gates, dimensions=f"{{{known}}}", matrices=MATRICES, compensation=compensation, gains=gains)
    needed = needed_channels(loaded.applied(), SAMPLE, batch=None)
    columns = {name: column for name, column in SAMPLE.columns.items() if name in needed}
    whole, part = loaded.gate(SAMPLE), loaded.gate(replace(SAMPLE, columns=columns))
    for name in loaded.order:
        assert part[name].tolist() == whole[name].tolist()
    assert part.findings == whole.findings
    for name in needed if compensation == "none" else ():  # the strategy's own matrix is asked for whole
        fewer = replace(SAMPLE, columns={other: column for other, column in columns.items() if other != name})
        with pytest.raises(LookupError, match="was not read"):
            loaded.gate(fewer)


def test_channels_that_are_needed() -> None:
    def needed(axis: str, compensation: str = "none") -> tuple[str, ...]:
        known = ", ".join(f"{name}: {entry}" for name, entry in KINDS.items())
        loaded = strategy(
            f"G: {{above: {{{axis}: 0}}}}", dimensions=f"{{{known}}}", matrices=MATRICES, compensation=compensation
        )
        return needed_channels(loaded.applied(), SAMPLE, batch=None)

    assert needed("raw") == ("B",)
    assert needed("own") == ("A", "B", "E")
    assert needed("dye") == ("A", "B", "C")
    assert needed("r") == ("A", "B", "D", "E")
    assert needed("q") == ("A", "B", "C", "Time")
    assert needed("slow", "m1") == ("A", "B", "Time")


def test_two_dimensions_of_one_channel_are_meant() -> None:
    gates = ("A: {above: {x: 0, x raw: 0}}", "B: {above: {dump: 0}}")
    sections = {"panel": "{dump: {pnn: [x]}}", "dimensions": "{x raw: {channel: x, compensation: none}}"}
    assert strategy(gates[0], **sections).gate(events(x=[1.0])).findings == ()
    assert strategy(*gates, **sections).gate(events(x=[1.0])).findings == (
        Finding("channel-shared", "warning", "x", "x and dump are the same channel"),
    )


def test_what_is_noticed_of_a_matrix_of_its_own_is_said_once() -> None:
    loaded = strategy(
        "G: {above: {a: 0, b: 0}}",
        matrices="{one: {detectors: [x, y], matrix: [[1, 0], [0, 1]]}}",
        dimensions="{a: {channel: x, compensation: one}, b: {channel: y, compensation: one}}",
    )
    assert loaded.gate(events(x=[1.0], y=[1.0])).findings == (
        Finding(
            "spillover-identity",
            "warning",
            "t.yaml: matrix one",
            "the matrix is the identity: compensation changes nothing",
        ),
    )


def test_values_that_are_compensated_already_are_compensated_by_nobody() -> None:
    sample = events("P01.fcs", **{"FJComp-A": [1.0], "A": [1.0], "B": [1.0], "C": [1.0]})
    assert values("{channel: FJComp-A, compensation: none}", sample=sample) == [1.0]
    for dimension in (
        "{channel: A, compensation: m1}",
        "{dye: PE, compensation: m2}",
        "{channel: A, compensation: fcs}",
    ):
        with pytest.raises(CompensationError) as caught:
            values(dimension, sample=sample)
        assert caught.value.code == "E_COMPENSATED_TWICE"


def test_a_detector_is_not_gated_on_where_its_matrix_gives_dyes() -> None:
    with pytest.raises(CompensationError) as caught:
        strategy("G: {above: {B: 0}}", matrices=MATRICES, compensation="m2").gate(
            events("P01.fcs", A=[1.0], B=[1.0], C=[1.0])
        )
    assert caught.value.code == "E_DETECTOR"
    assert values("{channel: B, compensation: none}", compensation="m2") == [16.0]


def test_an_optional_gate_without_its_dimension_is_missing() -> None:
    gated = strategy(
        "G: {above: {r: 0}, optional: true}",
        "H: {above: {d: 0}, optional: true}",
        "K: {above: {x: 0}}",
        dimensions="{r: {ratio: [x, CD25]}, d: {channel: Y}}",
        mfi="{K: [r]}",
    ).gate(events(x=[1.0]))
    assert gated.missing == {"G": "no channel carries CD25", "H": "the sample has no channel Y"}
    assert gated.findings == (
        Finding("marker-missing", "warning", "r", "no channel carries CD25; missing: G"),
        Finding("marker-missing", "warning", "d", "the sample has no channel Y; missing: H"),
    )
    assert gated.medians[0].mfi is None


def test_an_fmo_threshold_on_a_dimension() -> None:
    loaded = strategy("G: {above: {d: {fmo: A, quantile: 0.5}}}", dimensions="{d: {channel: A, gain: 2}}")
    control = events("fmo.fcs", A=np.arange(1001.0))
    gated = loaded.gate(events(A=[499.0, 500.0, 501.0]), controls={"A": control})
    assert inside(gated, "G") == [1, 2]


def test_the_part_that_a_population_needs_keeps_what_its_axes_mean() -> None:
    loaded = strategy(
        "P: {above: {x: 0}}",
        "C: {quadrant: Q, cell: {r: 1}}",
        "D2: {above: {z: 1}}",
        "D: {quadrant: S, cell: {x: 0}}",
        dimensions="{r: {ratio: [x, y]}}",
        quadrants="{Q: {in: P, dividers: {r: [2]}}, S: {in: D2, dividers: {x: [1]}}}",
        scales="{r: {log: {t: 100, m: 2}}}",
    )
    part = loaded.only("C", "r")
    assert tuple(part.spec.gates) == ("P", "C")
    assert tuple(part.spec.quadrants) == ("Q",)
    assert Strategy.loads(part.to_yaml()).spec == part.spec
    assert part.gate(events(x=[8.0, 1.0], y=[1.0, 1.0])).count("C") == 1


# -------------------------------------------------------------------------------------------------------------- faults

A = "A: {above: {x: 0}}"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("{}", ["d: a dimension names one of channel, marker, dye, ratio; there is none"]),
        (
            "{channel: x, ratio: [x, y]}",
            ["d: a dimension names one of channel, marker, dye, ratio; there is channel and ratio"],
        ),
        ("{channel: x, a: 2, c: 1}", ["d.a: 'a' belongs to a ratio", "d.c: 'c' belongs to a ratio"]),
        (
            "{ratio: [x, y], gain: 2, compensation: m1}",
            [
                "d.compensation: 'compensation' belongs to the axes of a ratio, not to the ratio",
                "d.gain: 'gain' belongs to the axes of a ratio, not to the ratio",
            ],
        ),
        ("{ratio: [x, e]}", ["d.ratio: 'e' is a ratio itself"]),
        ("{ratio: [x, d]}", ["d.ratio: 'd' is a ratio itself"]),
        ("{ratio: [x]}", ["d.ratio.1: one more value is required"]),
        ("{channel: x, gain: 0}", ["d.gain: input should be greater than 0 (there is 0)"]),
        ("{channel: x, compensation: M1}", ["d.compensation: no matrix 'M1'; did you mean 'm1'?"]),
        ("{channel: x, compensation: b1.csv}", ["d.compensation: no matrix 'b1.csv'"]),
        ("{marker: x, compensation: m2}", ["d.compensation: the matrix m2 gives dyes: dye: FITC | PE"]),
        ("{dye: PE}", ["d.dye: a dye needs compensation: NAME, of a matrix with dyes"]),
        ("{dye: PE, compensation: fcs}", ["d.compensation: a dye needs compensation: NAME, of a matrix with dyes"]),
        ("{dye: PE, compensation: m1}", ["d.compensation: the matrix m1 has no dyes"]),
        ("{dye: pe, compensation: m2}", ["d.dye: no dye 'pe' in m2; did you mean 'PE'?"]),
        (
            "{chanel: x}",
            [
                "d.chanel: unknown key; did you mean 'channel'?; allowed: channel, marker, dye, ratio, a, b, c, "
                "compensation, gain"
            ],
        ),
    ],
)
def test_a_fault_of_a_dimension(entry: str, expected: list[str]) -> None:
    dimensions = f"{{d: {entry}, e: {{ratio: [x, y]}}}}"
    found = faults(A, matrices=MATRICES, dimensions=dimensions)
    assert found == [f"5 dimensions.{each}" for each in expected]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (
            "m: {detectors: [A, B], matrix: [[1, 0]]}",
            "m.matrix: the matrix is not square; expected 2 x 2 numbers for 2 detectors; 1 x 2",
        ),
        (
            "m: {detectors: [A, B], matrix: [[1, 0], [1]]}",
            "m.matrix: the rows of the matrix differ in length; expected rows of one length; rows of 1 and 2 numbers",
        ),
        (
            "m: {detectors: [A, B], matrix: [[1, 1], [1, 1]]}",
            "m.matrix: the matrix is singular, so that it cannot be inverted; expected a condition number below 1e+06",
        ),
        (
            "m: {detectors: [A, B], dyes: [a, b, c], matrix: [[1, 1], [1, 0], [0, 1]]}",
            "m.matrix: 3 dyes for 2 detectors; expected as many detectors as dyes, or more",
        ),
        (
            "m: {detectors: [A], dyes: [a], matrix: [[x]]}",
            "m.matrix.0.0: input should be a valid number (there is 'x')",
        ),
        ("m: {detectors: [A], matrix: [[1]], inverted: true}", "m.inverted: belongs to a matrix with dyes"),
        (
            "fcs: {detectors: [A], matrix: [[1]]}",
            "fcs: 'fcs' has a meaning under compensation; choose another name",
        ),
        (
            "none: {detectors: [A], matrix: [[1]]}",
            "none: 'none' has a meaning under compensation; choose another name",
        ),
    ],
)
def test_a_fault_of_a_matrix(entry: str, expected: str) -> None:
    assert faults(A, matrices=f"{{{entry}}}") == [f"4 matrices.{expected}"]


def test_a_compensation_that_names_no_matrix() -> None:
    assert faults(A, compensation="M1", matrices=MATRICES) == ["3 compensation: no matrix 'M1'; did you mean 'm1'?"]
    assert faults(A, compensation="{batch: {B1: m1, B2: m3}}", matrices=MATRICES) == [
        "3 compensation: no matrix 'm3'"
    ]
    assert strategy(A, compensation="m1.csv", matrices=MATRICES).matrix_files == ("m1.csv",)
    assert strategy(A, compensation="m1", matrices=MATRICES).matrix_files == ()


def test_names_of_dimensions_are_told_apart_to_the_letter_and_others_are_not() -> None:
    dimensions = "{x raw: {channel: x}, X RAW: {channel: X}}"
    assert strategy("A: {above: {x raw: 0, X RAW: 0}}", dimensions=dimensions).axes == ("x raw", "X RAW")
    assert faults("A: {above: {xraw: 0}}", dimensions=dimensions) == [
        "6 gates.A: 'xraw' is spelt 'x raw' elsewhere; write it alike"
    ]


def test_what_is_refused_in_one_section_makes_no_faults_in_another() -> None:
    assert faults(
        "A: {above: {d: 0}}",
        "B: {quadrant: Q, cell: {x: 1}}",
        matrices="{m1: {detectors: [x], matrix: 5}}",
        dimensions="{d: {channel: x, compensation: m1}}",
        quadrants="{Q: {dividers: 5}}",
    ) == [
        "4 matrices.m1.matrix: expected a list (there is 5)",
        "6 quadrants.Q.dividers: expected keys and values (there is 5)",
    ]
