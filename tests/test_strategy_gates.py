"""Ellipsoids, quadrants, gates on their scales, gates that hold what is outside, and counts on FlowJo's grid."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import KEYS, events, strategy
from tests.test_strategy import inside
from tests.test_strategy_check import RULES, faults

from tregflow.errors import StrategyError
from tregflow.gates import Ellipsoid, Polygon, Rectangle
from tregflow.strategy import Strategy

ELLIPSE = "ellipsoid: [x, y], mean: [0, 0], covariance: [[4, 0], [0, 1]]"
UNIT = "{x: {linear: {t: 1}}, y: {linear: {t: 1}}}"

# ------------------------------------------------------------------------------------------------------ kinds of gates


def test_an_ellipse_lies_on_its_scales() -> None:
    sample = events(x=[2, 0, 1.5, 2.1, math.nan], y=[0, 1, 0.8, 0, 0])
    gated = strategy(f"E: {{{ELLIPSE}}}", f"O: {{{ELLIPSE}, outside: true}}", "N: {not: E}", scales=UNIT).gate(sample)
    assert (inside(gated, "E"), inside(gated, "O"), inside(gated, "N")) == ([0, 1], [2, 3], [2, 3])
    wider = strategy(f"E: {{{ELLIPSE}, distance2: 4}}", scales=UNIT).gate(sample)
    assert inside(wider, "E") == [0, 1, 2, 3]
    log = strategy(
        "E: {ellipsoid: [x, y], mean: [0.5, 0.5], covariance: [[0.01, 0], [0, 0.01]]}",
        scales="{x: {log: {t: 100, m: 2}}, y: {log: {t: 100, m: 2}}}",
    ).gate(events(x=[10, 10, 16, 0], y=[10, 15, 16, 10]))
    assert inside(log, "E") == [0, 1]  # 16 on both is 0.102 off on both
    assert [(finding.code, finding.where) for finding in log.findings] == [("off-scale-values", "x")]


def test_an_ellipsoid_on_three_axes() -> None:
    gate = "E: {ellipsoid: [x, y, z], mean: [0, 0, 0], covariance: [[1, 0, 0], [0, 1, 0], [0, 0, 1]], distance2: 3}"
    gated = strategy(gate, scales=UNIT.replace("}}}", "}}, z: {linear: {t: 1}}}")).gate(
        events(x=[1, 1, 0], y=[1, 1, 0], z=[1, 1.1, -1.7])
    )
    assert inside(gated, "E") == [0, 2]


def test_coordinates_may_be_positions_on_the_scales() -> None:
    gates = (
        "P: {polygon: [x, y], points: [[0.5, 0], [1, 0], [1, 1], [0.5, 1]], units: scale}",
        "R: {rectangle: {x: [0.5, 1]}, units: scale}",
        "D: {rectangle: {x: [10, 100]}}",
    )
    gated = strategy(*gates, scales="{x: {log: {t: 100, m: 2}}, y: {linear: {t: 1}}}").gate(
        events(x=[9, 10, 99, 100, 0], y=[0.5] * 5)
    )
    assert inside(gated, "P") == [1, 2, 3]
    assert inside(gated, "R") == inside(gated, "D") == [1, 2]
    assert gated.gates["R"].bounds == (("x", 0.5, 1.0),)  # type: ignore[union-attr]


def test_a_gate_may_hold_what_is_outside_of_it_and_in_its_parent() -> None:
    gates = (
        "P: {above: {x: 1}}",
        "R: {in: P, rectangle: {x: [2, 3]}, outside: true}",
        "T: {in: P, polygon: [x, y], points: [[2, 0], [3, 0], [3, 9], [2, 9]], outside: true}",
    )
    gated = strategy(*gates).gate(events(x=[0, 1, 2, 3, 4, 2], y=[1, 1, 1, 1, 1, math.nan]))
    assert inside(gated, "R") == [1, 3, 4]
    assert inside(gated, "T") == [1, 4]
    assert gated.strategy.nested("R", "P")


# ---------------------------------------------------------------------------------------------------------- quadrants

QUADRANTS = "{Q: {in: P, dividers: {x: [10], y: [5, 20]}}}"
P = "P: {above: {x: 0}}"


def test_a_cell_is_a_rectangle_in_the_population_that_is_cut() -> None:
    loaded = strategy(
        "A: {quadrant: Q, cell: {x: 0, y: 0}}",
        "B: {quadrant: Q, cell: {x: 1, y: 1}, name: both}",
        "C: {quadrant: Q, cell: {y: 2}}",
        "D: {quadrant: Q, cell: {x: 0, y: 0}, outside: true}",
        "E: {in: B, above: {y: 8}}",
        P,
        quadrants=QUADRANTS,
    )
    assert loaded.order == ("P", "A", "B", "C", "D", "E")
    assert loaded.ancestors("E") == ("B", "P", "root")
    assert loaded.needs("C") == ("P",)
    assert loaded.axes == ("x", "y")
    assert [loaded.build(name).bounds for name in "ABC"] == [  # type: ignore[union-attr]
        (("x", None, 10.0), ("y", None, 5.0)),
        (("x", 10.0, None), ("y", 5.0, 20.0)),
        (("y", 20.0, None),),
    ]
    gated = loaded.gate(events(x=[-1, 1, 10, 10, 9, 1], y=[1, 1, 5, 8, 20, math.nan]))
    assert {name: inside(gated, name) for name in "ABCDE"} == {
        "A": [1],
        "B": [2, 3],
        "C": [4],
        "D": [2, 3, 4],
        "E": [3],
    }
    assert Strategy.loads(loaded.to_yaml()).spec == loaded.spec


@given(
    st.lists(st.floats(-100, 100), min_size=1, max_size=3, unique=True),
    st.lists(st.floats(-100, 100), min_size=1, max_size=2, unique=True),
    st.lists(st.tuples(st.floats(-120, 120), st.floats(-120, 120)), min_size=1, max_size=20),
)
def test_cells_share_out_every_event_once(xs: list[float], ys: list[float], rows: list[tuple[float, float]]) -> None:
    xs, ys = sorted(xs), sorted(ys)
    columns = dict(zip("xy", np.array([*rows, *((x, y) for x in xs for y in ys)]).T, strict=True))
    loaded = strategy(
        *(
            f"G{i}{j}: {{quadrant: Q, cell: {{x: {i}, y: {j}}}}}"
            for i in range(len(xs) + 1)
            for j in range(len(ys) + 1)
        ),
        quadrants=f"{{Q: {{dividers: {{x: {xs}, y: {ys}}}}}}}",
    )
    gated = loaded.gate(events(**columns))
    assert (sum(gated[name].astype(int) for name in loaded.order) == 1).all()


def test_quadrants_may_be_cut_on_the_scales() -> None:
    loaded = strategy(
        "A: {quadrant: Q, cell: {x: 1}}",
        quadrants="{Q: {dividers: {x: [0.5]}, units: scale}}",
        scales="{x: {log: {t: 100, m: 2}}}",
    )
    assert loaded.build("A").units == "scale"  # type: ignore[union-attr]
    assert inside(loaded.gate(events(x=[9, 10, 11, -1])), "A") == [1, 2]


@pytest.mark.parametrize(
    ("gates", "quadrants", "expected"),
    [
        (
            ["A: {quadrant: q, cell: {x: 0}}"],
            QUADRANTS,
            ["7 gates.A.quadrant: no quadrants 'q'; did you mean 'Q'?"],
        ),
        (
            ["A: {quadrant: Q, cell: {x: 2, z: 0}}"],
            QUADRANTS,
            [
                "7 gates.A.cell.x: there is no cell 2: the dividers of x make cells 0 to 1",
                "7 gates.A.cell.z: 'z' has no dividers there",
            ],
        ),
        (
            ["A: {quadrant: Q}", "B: {quadrant: Q, cell: {}}"],
            QUADRANTS,
            [
                "7 gates.A.quadrant: expected cell: {MARKER: NUMBER}",
                "8 gates.B.cell: expected cell: {MARKER: NUMBER}",
            ],
        ),
        (
            ["A: {in: P, quadrant: Q, cell: {x: 0}, units: scale, rectangle: {x: [0, 1]}}"],
            QUADRANTS,
            [
                "7 gates.A.in: a cell has its 'in' from its quadrants; leave it out",
                "7 gates.A.units: a cell has its 'units' from its quadrants; leave it out",
                "7 gates.A.rectangle: a cell has its 'rectangle' from its quadrants; leave it out",
            ],
        ),
        (
            ["A: {quadrant: Q, cell: {x: 0}, above: {x: 3}}"],
            QUADRANTS,
            [f"7 gates.A: a gate has one rule ({RULES}); there is quadrant and above/below"],
        ),
        (
            ["A: {quadrant: Q, cell: {x: -1}}"],
            QUADRANTS,
            ["7 gates.A.cell.x: input should be greater than or equal to 0 (there is -1)"],
        ),
        (
            ["A: {above: {x: 3}, cell: {x: 0}}"],
            QUADRANTS,
            ["7 gates.A.cell: 'cell' belongs to a quadrant, and the gate has none"],
        ),
        (
            ["A: {above: {x: 3}}"],
            "{Q: {in: p, dividers: {x: [1]}}}",
            ["4 quadrants.Q.in: no population 'p'; did you mean 'P'?"],
        ),
        (["A: {above: {x: 3}}"], "{Q: {dividers: {}}}", ["4 quadrants.Q.dividers: holds no divider"]),
        (
            ["A: {above: {x: 3}}"],
            "{Q: {dividers: {x: [], y: [1, 1], z: [2, 1]}}}",
            [f"4 quadrants.Q.dividers.{axis}: expected numbers that rise" for axis in "xyz"],
        ),
        (
            ["A: {quadrant: Q, cell: {x: 0}}"],
            "{Q: {in: A, dividers: {x: [1]}}}",
            ["7 gates.A: depends on itself: A -> A"],
        ),
    ],
)
def test_a_fault_of_quadrants(gates: list[str], quadrants: str, expected: list[str]) -> None:
    assert faults(P, *gates, quadrants=quadrants) == expected


# ------------------------------------------------------------------------------------------------- faults of new keys


@pytest.mark.parametrize(
    ("gate", "expected"),
    [
        (
            "{above: {x: 1}, units: scale}",
            [".units: 'units' belongs to a polygon, a rectangle or a quadrant, and the gate has none"],
        ),
        (
            "{rectangle: {x: [1, 2]}, bins: 256}",
            [".bins: 'bins' belongs to a polygon or an ellipsoid, and the gate has none"],
        ),
        (
            "{above: {x: 1}, outside: true}",
            [
                ".outside: 'outside' belongs to a polygon, a rectangle, an ellipsoid or a quadrant, and the gate has "
                "none"
            ],
        ),
        (
            "{above: {x: 1}, mean: [1], covariance: [[1]], distance2: 2, indefinite: true}",
            [
                f".{key}: '{key}' belongs to an ellipsoid, and the gate has none"
                for key in ("mean", "covariance", "distance2", "indefinite")
            ],
        ),
        (f"{{{ELLIPSE}, units: data, bins: 0}}", [".bins: input should be greater than or equal to 1 (there is 0)"]),
        (f"{{{ELLIPSE}, outside: 1}}", [".outside: input should be a valid boolean (there is 1)"]),
        (
            f"{{{ELLIPSE}, units: bins}}",
            [".units: input should be 'data' or 'scale' (there is 'bins')"],
        ),
        (
            "{ellipsoid: [x, y], mean: [0], covariance: [[1, 0], [0, 1]]}",
            [".ellipsoid: a mean of 1 numbers; expected 2, one per channel"],
        ),
        ("{ellipsoid: [x, y]}", [".ellipsoid: a mean of 0 numbers; expected 2, one per channel"]),
        ("{elipsoid: [x, y]}", [f".elipsoid: unknown key; did you mean 'ellipsoid'?; allowed: {KEYS}"]),
    ],
)
def test_a_fault_of_a_new_key(gate: str, expected: list[str]) -> None:
    assert faults(f"A: {gate}") == [f"5 gates.A{each}" for each in expected]


# -------------------------------------------------------------------------------------------------------------- counts

GRID_GATES = (
    "P: {polygon: [x, y], points: [[1000, 1000], [100000, 1000], [100000, 100000]], bins: 32}",
    "Q: {polygon: [x, y], points: [[1000, 1000], [100000, 1000], [100000, 100000]]}",
    "E: {ellipsoid: [x, y], mean: [0.5, 0.5], covariance: [[0.02, 0], [0, 0.02]]}",
    "R: {rectangle: {x: [1000, 100000]}}",
)


def test_flowjos_counts_are_taken_on_its_grid() -> None:
    loaded = strategy(*GRID_GATES, scales="{x: biex, y: biex}")
    grid = loaded.with_counts("flowjo")
    assert [loaded.build(name).bins for name in "PQE"] == [None] * 3  # type: ignore[union-attr]
    assert [grid.build(name).bins for name in "PQE"] == [32, 256, 256]  # type: ignore[union-attr]
    assert (loaded.build("R").flowjo, grid.build("R").flowjo) == (False, True)  # type: ignore[union-attr]
    assert [type(grid.build(name)) for name in "PER"] == [Polygon, Ellipsoid, Rectangle]
    sample = events(**{axis: 10 ** np.random.default_rng(i).normal(4, 0.7, 5000) for i, axis in enumerate("xy")})
    exact, binned = loaded.gate(sample), grid.gate(sample)
    for name in "PQE":
        assert 0 < (exact[name] ^ binned[name]).sum() < 1000
    assert exact["R"].tolist() == binned["R"].tolist()


def test_the_setting_is_written_and_read() -> None:
    loaded = strategy(*GRID_GATES, counts="flowjo")
    assert loaded.spec.counts == "flowjo"
    assert loaded.build("Q").bins == 256  # type: ignore[union-attr]
    back = loaded.with_counts("exact")
    assert (back.data["counts"], back.build("Q").bins) == ("exact", None)  # type: ignore[union-attr]
    assert Strategy.loads(back.with_counts("flowjo").to_yaml()).spec == loaded.spec


def test_a_rectangle_at_the_end_of_a_clamped_axis_is_open_there() -> None:
    loaded = strategy("R: {rectangle: {x: [1000, 270000]}}", scales="{x: biex}")
    sample = events(x=[2000, 269_999, 270_000, 1e6])
    assert inside(loaded.gate(sample), "R") == [0, 1]
    assert inside(loaded.with_counts("flowjo").gate(sample), "R") == [0, 1, 2, 3]


# -------------------------------------------------------------------------------------------------------- plain data


def test_a_strategy_from_plain_data() -> None:
    data = {
        "tregflow": 1,
        "name": "made",
        "compensation": "none",
        "gates": {
            "A": {"rectangle": {"x": (1.0, None)}},
            "P": {"polygon": ("x", "y"), "points": [(0, 0), (9, 0), (9, 9)]},
        },
    }
    rules = [
        {"id": "r", "when": {"sample": "S"}, "gate": "P", "move": {"x": {"offset": 1.0}}, "by": "FlowJo", "at": "2026",
         "why": "imported"},
    ]  # fmt: skip
    loaded = Strategy.from_data(data, name="made.wsp", overrides=rules)
    assert loaded.source == "made.wsp"
    assert loaded.gate(events(x=[1, 0.5], y=[0, 0]), id="S").gates["P"].points[0] == (1.0, 0.0)  # type: ignore[union-attr]
    assert data["gates"]["P"]["points"][0] == (0, 0)  # type: ignore[index] - what was given stays
    assert Strategy.loads(loaded.to_yaml()).data == loaded.data
    assert loaded.sha256 == Strategy.loads(loaded.to_yaml()).sha256
    with pytest.raises(StrategyError) as caught:
        Strategy.from_data(data | {"gates": {"A": {"above": {"x": "1"}}}}, name="made.wsp")
    assert str(caught.value) == (
        "made.wsp: 1 fault\n"
        "  gates.A.above.x: expected a number in data units, or {fmo: MARKER, quantile: 0.995} (there is '1')\n"
        "  remedy     correct the lines named above"
    )
    with pytest.raises(StrategyError) as caught:
        Strategy.from_data(data, name="made.wsp", overrides=[rules[0] | {"gate": "B"}])
    assert str(caught.value) == (
        "made.wsp: overrides: 1 fault\n  overrides.0.gate: no gate 'B'\n  remedy     correct the lines named above"
    )
