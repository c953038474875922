"""Overrides: who departs from the template, in which order, and what is refused instead of skipped."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.builders import KEYS, events, overrides_text, strategy, strategy_text

from tregflow.errors import StrategyError
from tregflow.findings import Finding
from tregflow.strategy import Strategy

if TYPE_CHECKING:
    from pathlib import Path

    from tregflow.populations import Gated

GATES = (
    "P: {above: {x: 10}}",
    "A: {in: P, polygon: [x, y], points: [[10, 10], [10, 20], [20, 20], [20, 10]]}",
    "R: {in: P, rectangle: {x: [10, 20], y: [null, 20]}}",
    "T: {in: P, above: {y: 10}, below: {y: 20, x: 50}}",
    "F: {in: P, above: {y: {fmo: Y, quantile: 0.9}}}",
    "N: {in: P, not: A}",
    "O: {in: P, polygon: [x, y], points: [[10, 10], [10, 20], [20, 20], [20, 10]], open: {x: high}}",
)
SECTIONS = {"scales": "{x: linear, y: linear}", "panel": "{y: {pnn: [y, z]}, w: {pnn: [w]}}"}
GRID = events(x=np.repeat(np.arange(0, 60, 5), 12), y=np.tile(np.arange(0, 60, 5), 12))


@pytest.fixture
def write(tmp_path: Path) -> _Writer:
    return _Writer(tmp_path)


class _Writer:
    """Write a template and its overrides, and load them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *rules: str, gates: tuple[str, ...] = GATES) -> Strategy:
        (self.folder / "t.yaml").write_text(strategy_text(*gates, **SECTIONS))
        (self.folder / "o.yaml").write_text(overrides_text(*rules))
        return Strategy.load(self.folder / "t.yaml", overrides=self.folder / "o.yaml")

    def refusal(self, *rules: str) -> str:
        with pytest.raises(StrategyError) as caught:
            self(*rules)
        assert caught.value.code == "E_OVERRIDES"
        return str(caught.value)


def bounds(gated: Gated, gate: str) -> object:
    return gated.gates[gate].bounds  # type: ignore[union-attr]


def rule(number: int, when: str, rest: str) -> str:
    return f"id: r{number}, when: {{{when}}}, {rest}"


# --------------------------------------------------------------------------------------------------------- precedence


def test_sample_beats_batch_beats_template_and_the_order_of_the_file_counts_within(write: _Writer) -> None:
    loaded = write(
        rule(1, "sample: S1", "gate: P, set: {above: {x: 1}}"),
        rule(2, "batch: B1", "gate: P, set: {above: {x: 2}}"),
        rule(3, "batch: B1", "gate: P, set: {above: {x: 3}}"),
        rule(4, "sample: S2", "gate: P, set: {above: {x: 4}}"),
        rule(5, "sample: S2", "gate: P, set: {above: {x: 5}}"),
    )
    lows = {
        (sample, batch): bounds(loaded.gate(GRID, id=sample, batch=batch), "P")[0][1]  # type: ignore[index]
        for sample in ("S1", "S2", "S3")
        for batch in ("B1", "B2")
    }
    assert lows == {
        ("S1", "B1"): 1.0,
        ("S1", "B2"): 1.0,
        ("S2", "B1"): 5.0,
        ("S2", "B2"): 5.0,
        ("S3", "B1"): 3.0,
        ("S3", "B2"): 10.0,
    }
    assert loaded.spec.gates["P"].above == {"x": 10.0}  # the template stays as it was signed


def test_moves_come_on_top_of_what_was_set_before(write: _Writer) -> None:
    loaded = write(
        rule(1, "sample: S1", "gate: P, move: {x: {gain: 2, offset: 1}}"),
        rule(2, "batch: B1", "gate: P, set: {above: {x: 100}}"),
        rule(3, "batch: B1", "gate: P, move: {x: {offset: 5}}"),
    )
    assert bounds(loaded.gate(GRID, id="S1", batch="B1"), "P") == (("x", 211.0, None),)
    assert bounds(loaded.gate(GRID, id="S1", batch="B2"), "P") == (("x", 21.0, None),)
    assert bounds(loaded.gate(GRID, id="S2", batch="B1"), "P") == (("x", 105.0, None),)


def test_what_was_applied_is_told_with_who_and_why(write: _Writer) -> None:
    loaded = write(
        rule(1, "sample: S1", "gate: P, set: {above: {x: 5}, name: p}"),
        rule(2, "batch: B1", "gate: A, move: {x: {offset: 1}, y: {gain: 2}}"),
        rule(3, "batch: B1", "set: {scales: {y: log}}"),
        rule(4, "batch: B1", "gate: N, absent: true"),
        rule(5, "batch: B2", "gate: P, set: {above: {x: 1}}"),
    )
    gated = loaded.gate(GRID, id="S1", batch="B1")
    by = "by AB at 2026-05-04: seen"
    assert [each for each in gated.findings if each.code == "override-applied"] == [
        Finding("override-applied", "info", "A", f"override r2 (batch B1): x moved, y moved; {by}"),
        Finding("override-applied", "info", "strategy", f"override r3 (batch B1): scales; {by}"),
        Finding("override-applied", "info", "N", f"override r4 (batch B1): absent; {by}"),
        Finding("override-applied", "info", "P", f"override r1 (sample S1): above, name; {by}"),
    ]
    assert gated.strategy.overrides == ()  # they are in, and cannot come in twice
    assert gated.strategy.spec.gates["P"].name == "p"
    assert loaded.gate(GRID, id="S9", batch="B9").strategy.spec == loaded.spec


# -------------------------------------------------------------------------------------------------------- set and move


def test_null_takes_a_key_away(write: _Writer) -> None:
    loaded = write(
        rule(1, "sample: S1", "gate: T, set: {below: null, in: null}"),
        rule(2, "sample: S2", "gate: A, set: {polygon: null, points: null, rectangle: {y: [null, 7]}}"),
        rule(3, "sample: S3", "gate: R, set: {rectangle: null, all: [A, {not: T}]}"),
        rule(4, "sample: S4", "gate: O, set: {open: null, in: null}"),
    )
    first = loaded.gate(GRID, id="S1")
    assert bounds(first, "T") == (("y", 10.0, None),)
    assert first.strategy.parent("T") == "root"
    assert bounds(loaded.gate(GRID, id="S2"), "A") == (("y", None, 7.0),)
    fourth = loaded.gate(GRID, id="S4")
    assert fourth["O"].tolist() == fourth["A"].tolist() != loaded.gate(GRID, id="S1")["O"].tolist()
    third = loaded.gate(GRID, id="S3")
    assert third["R"].tolist() == (third["A"] & ~third["T"]).tolist()


def test_a_set_replaces_a_key_as_a_whole(write: _Writer) -> None:
    loaded = write(rule(1, "sample: S1", "gate: T, set: {below: {x: 30}}"))
    assert bounds(loaded.gate(GRID, id="S1"), "T") == (("y", 10.0, None), ("x", None, 30.0))


def test_moves_of_every_kind_of_gate(write: _Writer) -> None:
    loaded = write(
        *(rule(i, "batch: B1", f"gate: {gate}, move: {{y: {{gain: 2, offset: 1}}}}") for i, gate in enumerate("ART"))
    )
    gated = loaded.gate(GRID, batch="B1")
    assert gated.gates["A"].points == ((10, 21), (10, 41), (20, 41), (20, 21))  # type: ignore[union-attr]
    assert bounds(gated, "R") == (("x", 10.0, 20.0), ("y", None, 41.0))
    assert bounds(gated, "T") == (("y", 21.0, 41.0), ("x", None, 50.0))
    by_hand = Strategy.loads(
        strategy_text(
            GATES[0],
            "A: {in: P, polygon: [x, y], points: [[10, 21], [10, 41], [20, 41], [20, 21]]}",
            "R: {in: P, rectangle: {x: [10, 20], y: [null, 41]}}",
            "T: {in: P, above: {y: 21}, below: {y: 41, x: 50}}",
            "N: {in: P, not: A}",
            **SECTIONS,
        )
    ).gate(GRID)
    for name in ("A", "R", "T", "N"):
        assert gated[name].tolist() == by_hand[name].tolist()
        assert gated[name].tolist() != loaded.gate(GRID, batch="B9")[name].tolist()


def test_an_override_reaches_all_that_hangs_below(write: _Writer) -> None:
    loaded = write(rule(1, "sample: S1", "gate: P, set: {above: {x: 15}}"))
    plain, moved = loaded.gate(GRID, id="S2"), loaded.gate(GRID, id="S1")
    for name in ("P", "A", "R", "T", "N"):
        assert moved[name].tolist() == (plain[name] & (plain.values("x") >= 15)).tolist()


def test_panel_and_scales_are_set_entry_by_entry(write: _Writer) -> None:
    sample = events(x=[15.0, 15.0], y=[15.0, 99.0], z=[99.0, 15.0])
    gates = GATES[:2]
    loaded = write(
        rule(1, "batch: B1", "set: {panel: {y: {pnn: [z]}}}"),
        rule(2, "batch: B2", "set: {scales: {y: {logicle: {w: 0.1}}}, panel: {y: {pnn: [y]}}}"),
        rule(3, "batch: B3", "set: {scales: {x: null}, panel: {y: null}}"),
        gates=gates,
    )
    first = loaded.gate(sample, batch="B1")
    assert first.channels["y"].pnn == "z"
    assert first["A"].tolist() == [False, True]
    assert first.strategy.spec.scales == loaded.spec.scales
    assert set(first.strategy.spec.panel) == {"y", "w"}
    second = loaded.gate(sample, batch="B2")
    assert [scale.kind for scale in second.gates["A"].scales] == ["linear", "logicle"]  # type: ignore[union-attr]
    assert second["A"].tolist() == [True, False]
    third = loaded.gate(sample, batch="B3")
    assert [scale.kind for scale in third.gates["A"].scales] == ["logicle", "linear"]  # type: ignore[union-attr]
    assert set(third.strategy.spec.panel) == {"w"}
    assert third.channels["y"].pnn == "y"


def test_absent_populations_are_missing_with_all_that_needs_them(write: _Writer) -> None:
    loaded = write(rule(1, "sample: S1", "gate: A, absent: true"))
    gated = loaded.gate(GRID, id="S1")
    assert gated.missing["A"] == "declared absent by an override"
    assert gated.missing["N"] == "A is missing"
    assert gated.count("A") is None
    assert gated.count("R") == loaded.gate(GRID, id="S2").count("R")


def test_a_marker_that_only_an_absent_gate_needs_is_not_asked_for(write: _Writer) -> None:
    gates = ("P: {above: {x: 10}}", "Q: {in: P, above: {q: 1}}", "S: {in: Q, above: {s: 1}}")
    loaded = write(rule(1, "sample: S1", "gate: Q, absent: true"), gates=gates)
    gated = loaded.gate(events(x=[15.0]), id="S1")
    assert gated.missing == {"Q": "declared absent by an override", "S": "Q is missing"}


def test_overrides_of_a_shipped_strategy(tmp_path: Path) -> None:
    (tmp_path / "o.yaml").write_text(
        overrides_text(rule(1, "batch: B2", "gate: CD25hiCD127lo, move: {CD127: {gain: 1, offset: 120}}"))
    )
    loaded = Strategy.load("treg", overrides=tmp_path / "o.yaml")
    assert [each.id for each in loaded.overrides] == ["r1"]
    before, after = (loaded.applied(batch=batch).strategy for batch in ("B1", "B2"))
    y = [[point[1] for point in each.spec.gates["CD25hiCD127lo"].points or ()] for each in (before, after)]
    assert y[1] == [value + 120 for value in y[0]]


def test_overrides_are_applied_with_the_folder_and_the_matrices_of_the_template(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("x,y\n1,0.5\n0,1\n")
    (tmp_path / "t.yaml").write_text(strategy_text(GATES[0], compensation="m.csv"))
    (tmp_path / "o.yaml").write_text(overrides_text(rule(1, "sample: S1", "gate: P, set: {above: {y: 5}}")))
    loaded = Strategy.load(tmp_path / "t.yaml", overrides=tmp_path / "o.yaml")
    assert loaded.gate(events(x=[20.0], y=[20.0]), id="S1").values("y").tolist() == [10.0]
    assert loaded.with_compensation("none").gate(events(x=[20.0], y=[20.0]), id="S1").values("y").tolist() == [20.0]


# ------------------------------------------------------------------------------------------------------------ context


@pytest.mark.parametrize(
    ("when", "given", "level", "call"),
    [
        ("sample: S1", {"batch": "B1"}, "sample", "id"),
        ("batch: B1", {"id": "S1"}, "batch", "batch"),
        ("batch: B1", {}, "batch", "batch"),
    ],
)
def test_a_rule_whose_context_is_not_given_is_an_error_and_never_skipped(
    write: _Writer, when: str, given: dict[str, str], level: str, call: str
) -> None:
    loaded = write(rule(1, when, "gate: N, absent: true"))
    with pytest.raises(StrategyError) as caught:
        loaded.gate(GRID, **given)  # type: ignore[arg-type]
    assert caught.value.code == "E_CONTEXT"
    assert str(caught.value) == (
        f"t.yaml: override r1 applies by {level}, and the {level} was not given\n"
        f"  remedy     call gate(sample, {call}=...)"
    )


def test_an_empty_batch_is_a_batch_that_no_rule_names(write: _Writer) -> None:
    assert write(rule(1, "batch: B1", "gate: N, absent: true")).gate(GRID, batch="").count("N") is not None


# ------------------------------------------------------------------------------------------------------------- faults


def test_every_fault_of_the_file_is_told_at_once(write: _Writer) -> None:
    assert write.refusal(
        rule(1, "sample: S1, batch: B1", "gate: P, set: {abov: {x: 5}}"),
        rule(2, "", "gate: Q, absent: true"),
        rule(1, "sample: S1", "gate: A, move: {z: {offset: 1}, X: {gain: 2}}"),
        rule(4, "sample: S1", "gate: A, move: {x: {gain: 0}}, abscent: true"),
        rule(5, "batch: 1", "gate: A, move: {x: {offset: .inf}}"),
        rule(6, "batch: B1", "set: {gates: {}, scale: {x: log}, panel: 5}"),
        rule(7, "batch: B1", "absent: true"),
        rule(8, "batch: B1", "gate: P"),
    ) == (
        "o.yaml: 4 faults\n"
        "  line 6    overrides.3.move.x.gain: input should be greater than 0 (there is 0)\n"
        "  line 6    overrides.3.abscent: unknown key; did you mean 'absent'?; allowed: id, when, gate, "
        "quadrant, set, move, absent, by, at, why\n"
        "  line 7    overrides.4.when.batch: expected a text (there is 1)\n"
        "  line 7    overrides.4.move.x.offset: input should be a finite number (there is inf)\n"
        "  remedy     correct the lines named above"
    )
    assert write.refusal(
        rule(1, "sample: S1, batch: B1", "gate: P, set: {abov: {x: 5}}"),
        rule(2, "", "gate: Q, set: {abov: {x: 5}}"),
        rule(1, "sample: S1", "gate: A, move: {z: {offset: 1}, X: {gain: 2}}"),
        rule(4, "batch: B1", "set: {gates: {}, scale: {x: log}, panel: 5, scales: null}"),
        rule(5, "batch: B1", "absent: true"),
        rule(6, "batch: B1", "gate: P"),
        rule(7, "batch: B1", "gate: P, absent: true, set: {name: p}"),
        rule(8, "batch: B1", "gate: P, set: {}"),
        rule(9, "batch: B1", "gate: N, move: {x: {}}"),
        rule(10, "batch: B1", "move: {x: {gain: 2}}"),
    ) == (
        "o.yaml: 18 faults\n"
        "  line 3    overrides.0.when: names one batch or one sample\n"
        "  line 3    overrides.0.set.abov: unknown key; did you mean 'above'?; allowed: "
        f"{KEYS}\n"
        "  line 4    overrides.1.when: names one batch or one sample\n"
        "  line 4    overrides.1.set.abov: unknown key; did you mean 'above'?; allowed: "
        f"{KEYS}\n"
        "  line 4    overrides.1.gate: no gate 'Q'\n"
        "  line 5    overrides.2.move.z: 'z' is no axis of A\n"
        "  line 5    overrides.2.move.X: 'X' is no axis of A; did you mean 'x'?\n"
        "  line 5    overrides.2.id: the id 'r1' is used twice\n"
        "  line 6    overrides.3.set.gates: unknown key; did you mean 'matrices'?; allowed: "
        "panel, matrices, dimensions, scales, compensation, counts\n"
        "  line 6    overrides.3.set.scale: unknown key; did you mean 'scales'?; allowed: "
        "panel, matrices, dimensions, scales, compensation, counts\n"
        "  line 6    overrides.3.set.panel: expected keys and values (there is 5)\n"
        "  line 6    overrides.3.set.scales: expected keys and values (there is None)\n"
        "  line 7    overrides.4: move and absent need a gate\n"
        "  line 8    overrides.5: states one of set, move, absent\n"
        "  line 9    overrides.6: states one of set, move, absent\n"
        "  line 10   overrides.7: states one of set, move, absent\n"
        "  line 11   overrides.8.move.x: 'x' is no axis of N\n"
        "  line 12   overrides.9: move and absent need a gate\n"
        "  remedy     correct the lines named above"
    )


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("tregflow: 1\n", ["1    overrides: this key is required"]),
        ("tregflow: 2\noverrides: []\n", ["1    tregflow: input should be 1 (there is 2)"]),
        ("tregflow: 1\noverrides: {}\n", ["2    overrides: expected a list (there is {})"]),
        (
            "tregflow: 1\noverrides:\n- {id: a, when: {sample: S}, gate: P, absent: true}\n",
            [f"3    overrides.0.{key}: this key is required" for key in ("by", "at", "why")],
        ),
        (
            "tregflow: 1\noverrides:\n- {id: 7, when: S, gate: P, absent: false, by: '', at: 2026, why: w}\n",
            [
                "3    overrides.0.id: expected a text (there is 7)",
                "3    overrides.0.when: expected keys and values (there is 'S')",
                "3    overrides.0.absent: input should be True (there is False)",
                "3    overrides.0.by: string should have at least 1 character (there is '')",
                "3    overrides.0.at: expected a text (there is 2026)",
            ],
        ),
    ],
)
def test_an_overrides_file_of_another_shape(tmp_path: Path, text: str, faults: list[str]) -> None:
    (tmp_path / "t.yaml").write_text(strategy_text(*GATES, **SECTIONS))
    (tmp_path / "o.yaml").write_text(text)
    with pytest.raises(StrategyError) as caught:
        Strategy.load(tmp_path / "t.yaml", overrides=tmp_path / "o.yaml")
    count = f"{len(faults)} fault{'s' if len(faults) > 1 else ''}"
    lines = "".join(f"  line {fault}\n" for fault in faults)
    assert str(caught.value) == f"o.yaml: {count}\n{lines}  remedy     correct the lines named above"


def test_no_overrides_and_an_empty_list(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(strategy_text(*GATES, **SECTIONS))
    (tmp_path / "o.yaml").write_text("tregflow: 1\noverrides: []\n")
    assert Strategy.load(tmp_path / "t.yaml", overrides=tmp_path / "o.yaml").overrides == ()
    with pytest.raises(StrategyError) as caught:
        Strategy.load(tmp_path / "t.yaml", overrides=tmp_path / "p.yaml")
    assert str(caught.value) == (
        f"{tmp_path / 'p.yaml'}: no such file\n  available  o.yaml, t.yaml\n  remedy     check the path"
    )


def test_a_day_without_quotes_is_a_text(write: _Writer) -> None:
    assert write(rule(1, "sample: S1", "gate: N, absent: true")).overrides[0].at == "2026-05-04"


# --------------------------------------------------------------------------------------------------- wrong when applied


def gate_error(loaded: Strategy, **given: str) -> str:
    with pytest.raises(StrategyError) as caught:
        loaded.gate(GRID, **given)  # type: ignore[arg-type]
    return str(caught.value)


def test_an_override_that_makes_no_gate_is_named(write: _Writer) -> None:
    """The lines are those of the strategy with the overrides in, as `to_yaml` writes it."""
    loaded = write(
        rule(1, "batch: B1", "gate: A, set: {points: [[1, 1], [2, 2]]}"),
        rule(2, "sample: S1", "gate: T, set: {in: Q}"),
        rule(3, "sample: S2", "gate: P, set: {in: A}"),
        rule(4, "sample: S3", "set: {scales: {v: log}}"),
        rule(5, "sample: S4", "gate: R, set: {below: {x: 5}}"),
    )
    assert gate_error(loaded, id="S1", batch="B1") == (
        "t.yaml with overrides r1, r2: 2 faults\n"
        "  gates.A.points: 2 different points make no polygon; expected 3 different points or more\n"
        "  gates.T.in: no population 'Q'\n"
        "  remedy     correct the lines named above"
    )
    assert gate_error(loaded, id="S2", batch="B2") == (
        "t.yaml with overrides r3: 1 fault\n"
        "  gates.P: depends on itself: P -> A -> P\n"
        "  remedy     correct the lines named above"
    )
    assert gate_error(loaded, id="S3", batch="B2") == (
        "t.yaml with overrides r4: 1 fault\n"
        "  scales.v: no gate or panel entry is called 'v'\n"
        "  remedy     correct the lines named above"
    )
    assert "there is rectangle and above/below" in gate_error(loaded, id="S4", batch="B2")
    assert loaded.gate(GRID, id="S9", batch="B9").count("P") == 120


def test_the_threshold_of_a_control_is_not_moved(write: _Writer) -> None:
    loaded = write(rule(1, "sample: S1", "gate: F, move: {y: {offset: 5}}"))
    with pytest.raises(StrategyError) as caught:
        loaded.gate(GRID, id="S1")
    assert caught.value.code == "E_OVERRIDES"
    assert str(caught.value) == (
        "F: override r1 moves y, whose threshold comes from a control\n"
        "  remedy     set a number instead: set: {above: {y: 1200}}"
    )
    numbered = write(rule(2, "batch: B1", "gate: F, set: {above: {y: 7}}")).overrides
    both = replace(loaded, overrides=(*numbered, *loaded.overrides))
    assert bounds(both.gate(GRID, id="S1", batch="B1"), "F") == (("y", 12.0, None),)


def test_a_move_that_has_nothing_to_move_is_an_error(write: _Writer) -> None:
    loaded = write(
        rule(1, "sample: S1", "gate: T, move: {y: {offset: 5}}"),
        rule(2, "batch: B1", "gate: T, set: {above: null, below: {x: 40}}"),
    )
    with pytest.raises(StrategyError) as caught:
        loaded.gate(GRID, id="S1", batch="B1")
    assert caught.value.code == "E_OVERRIDES"
    assert str(caught.value) == (
        "T: override r1 moves y, which another override has taken away\n"
        "  remedy     set the coordinates instead, or drop one of the two"
    )


def test_a_strategy_in_memory_takes_no_overrides_by_itself() -> None:
    assert strategy(*GATES, **SECTIONS).overrides == ()


def test_what_a_batch_declares_absent_its_sample_can_set(write: _Writer) -> None:
    loaded = write(
        rule(1, "batch: B1", "gate: T, absent: true"),
        rule(2, "sample: S1", "gate: T, set: {above: {y: 5}, below: null}"),
    )
    assert loaded.applied(id="S1", batch="B1").missing == {}
    assert loaded.applied(id="S2", batch="B1").missing == {"T": "declared absent by an override"}


def test_a_gate_declared_absent_asks_no_control(write: _Writer) -> None:
    loaded = write(rule(1, "sample: S1", "gate: F, absent: true"))
    gated = loaded.gate(GRID, id="S1")
    assert gated.missing["F"] == "declared absent by an override"
    assert [finding.code for finding in gated.findings] == ["override-applied"]


# --------------------------------------------------------------------------------- dimensions, matrices, quadrants

RICH = """\
tregflow: 1
name: test
compensation: m1
matrices:
  m1: {detectors: [x, y], matrix: [[1, 0.5], [0, 1]]}
  m2: {detectors: [x, y], matrix: [[1, 0.25], [0, 1]]}
dimensions:
  raw: {channel: y, compensation: none}
scales: {x: linear, y: linear, raw: linear}
quadrants:
  Q: {in: P, dividers: {x: [20], y: [5, 25]}}
  S: {dividers: {x: [0.5]}, units: scale}
gates:
  P: {above: {x: 10}}
  C: {quadrant: Q, cell: {x: 1, y: 1}}
  E: {ellipsoid: [x, y], mean: [0.1, 0.1], covariance: [[0.01, 0], [0, 0.01]]}
  R: {rectangle: {x: [0.1, 0.9]}, units: scale}
  W: {in: P, above: {raw: 20}}
"""


def rich(*rules: str) -> Strategy:
    from ruamel.yaml import YAML

    read = YAML(typ="safe", pure=True)
    given = read.load(overrides_text(*rules))["overrides"]
    return Strategy.from_data(read.load(RICH), name="t.yaml", overrides=given)


def rich_refusal(*rules: str) -> list[str]:
    with pytest.raises(StrategyError) as caught:
        rich(*rules)
    assert caught.value.code == "E_OVERRIDES"
    first, *lines, _ = str(caught.value).splitlines()
    assert first.startswith("t.yaml: overrides: ")
    return [line.strip() for line in lines]


def test_quadrants_are_moved_and_set_with_all_their_cells() -> None:
    loaded = rich(
        rule(1, "batch: B1", "quadrant: Q, move: {x: {gain: 2, offset: 1}}"),
        rule(2, "sample: S1", "quadrant: Q, set: {dividers: {x: [30], y: [7, 9]}, in: null}"),
        rule(3, "sample: S2", "quadrant: S, set: {dividers: {x: [0.25]}}"),
    )
    assert bounds(loaded.gate(GRID, id="S9", batch="B1"), "C") == (("x", 41.0, None), ("y", 5.0, 25.0))
    second = loaded.gate(GRID, id="S1", batch="B2")
    assert bounds(second, "C") == (("x", 30.0, None), ("y", 7.0, 9.0))
    assert second.strategy.parent("C") == "root"
    assert second.findings[0] == Finding(
        "override-applied", "info", "Q", "override r2 (sample S1): dividers, in; by AB at 2026-05-04: seen"
    )


def test_matrices_dimensions_compensation_and_counts_are_set() -> None:
    loaded = rich(
        rule(1, "sample: S1", "set: {compensation: m2}"),
        rule(2, "sample: S2", "set: {matrices: {m1: {detectors: [x, y], matrix: [[1, 0], [0.5, 1]]}}}"),
        rule(3, "sample: S3", "set: {dimensions: {raw: {channel: y, gain: 2}}}"),
        rule(4, "sample: S4", "set: {counts: flowjo, compensation: {batch: {B1: none}}}"),
    )
    values = {
        sample: loaded.gate(events(x=[20.0], y=[20.0]), id=sample, batch="B1").values
        for sample in ("S0", "S1", "S2", "S3", "S4")
    }
    assert {sample: (float(of("x")[0]), float(of("raw")[0])) for sample, of in values.items()} == {
        "S0": (20.0, 20.0),
        "S1": (20.0, 20.0),
        "S2": (10.0, 20.0),
        "S3": (20.0, 20.0),
        "S4": (20.0, 20.0),
    }
    assert [float(of("y")[0]) for of in values.values()] == [10.0, 15.0, 20.0, 10.0, 20.0]
    assert loaded.gate(events(x=[20.0], y=[20.0]), id="S4", batch="B1").strategy.spec.counts == "flowjo"


def test_a_matrix_that_an_override_names_is_read_beforehand(tmp_path: Path) -> None:
    (tmp_path / "b1.csv").write_text("x,y\n1,0.5\n0,1\n")
    (tmp_path / "b2.csv").write_text("x,y\n1,0.25\n0,1\n")
    (tmp_path / "t.yaml").write_text(strategy_text(GATES[0], compensation="b1.csv", mfi="{P: [y]}"))
    (tmp_path / "o.yaml").write_text(
        overrides_text(
            rule(1, "sample: S1", "set: {compensation: b2.csv}"),
            rule(2, "sample: S2", "set: {compensation: {batch: {B: b1.csv, C: b3.csv}}}"),
        )
    )
    loaded = Strategy.load(tmp_path / "t.yaml", overrides=tmp_path / "o.yaml")
    assert loaded.matrix_files == ("b1.csv", "b2.csv", "b3.csv")
    read = loaded.with_matrices()
    assert sorted(read.matrices) == ["b1.csv", "b2.csv"]
    (tmp_path / "b2.csv").unlink()
    assert read.gate(events(x=[20.0], y=[20.0]), id="S1").values("y").tolist() == [15.0]


def test_what_is_no_override_of_quadrants_or_of_scales() -> None:
    assert rich_refusal(
        rule(1, "sample: S1", "gate: C, move: {x: {offset: 1}}"),
        rule(2, "sample: S1", "gate: E, move: {x: {offset: 1}}"),
        rule(3, "sample: S1", "gate: R, move: {x: {offset: 1}}"),
        rule(4, "sample: S1", "quadrant: S, move: {x: {offset: 1}}"),
        rule(5, "sample: S1", "quadrant: Q, move: {z: {offset: 1}}"),
        rule(6, "sample: S1", "quadrant: q, absent: true"),
        rule(7, "sample: S1", "quadrant: Q, gate: C, set: {in: P}"),
        rule(8, "sample: S1", "quadrant: Q, set: {divider: {x: [1]}}"),
        rule(9, "sample: S1", "set: {counts: null, dimensions: 5}"),
    ) == [
        "overrides.0.move: C is a cell: move its quadrants, quadrant: Q",
        "overrides.1.move: E is written on its scales: set its coordinates instead; moves are in data units",
        "overrides.2.move: R is written on its scales: set its coordinates instead; moves are in data units",
        "overrides.3.move: S is written on its scales: set its coordinates instead; moves are in data units",
        "overrides.4.move.z: 'z' is no axis of Q",
        "overrides.5.absent: absent needs a gate",
        "overrides.5.quadrant: no quadrants 'q'; did you mean 'Q'?",
        "overrides.6: names a gate or quadrants, not both",
        "overrides.7.set.divider: unknown key; did you mean 'dividers'?; allowed: in, dividers, units",
        "overrides.8.set.counts: expected a value (there is None)",
        "overrides.8.set.dimensions: expected keys and values (there is 5)",
    ]


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        (
            "gate: P, set: {above: null, rectangle: {x: [0.1, null]}, units: scale}",
            "gate: P, move: {x: {offset: 1}}",
            "P: override r2 moves x of a gate that is written on its scales\n  remedy     set its coordinates instead",
        ),
        (
            "quadrant: Q, set: {units: scale}",
            "quadrant: Q, move: {x: {offset: 1}}",
            "Q: override r2 moves x of a gate that is written on its scales\n  remedy     set its coordinates instead",
        ),
        (
            "quadrant: Q, set: {dividers: {y: [5, 25]}}",
            "quadrant: Q, move: {x: {offset: 1}}",
            "Q: override r2 moves x, which another override has taken away\n"
            "  remedy     set the coordinates instead, or drop one of the two",
        ),
    ],
)
def test_a_move_after_another_override_took_its_ground(first: str, second: str, text: str) -> None:
    loaded = rich(rule(1, "batch: B1", first), rule(2, "sample: S1", second))
    with pytest.raises(StrategyError) as caught:
        loaded.gate(GRID, id="S1", batch="B1")
    assert caught.value.code == "E_OVERRIDES"
    assert str(caught.value) == text


def test_overrides_come_back_from_their_own_text(tmp_path: Path) -> None:
    loaded = rich(
        rule(1, "sample: 'S 1'", "gate: P, set: {above: {x: 5}, name: null}"),
        rule(2, "batch: B1", "gate: W, move: {raw: {offset: 1}}"),
        rule(3, "batch: B1", "set: {scales: {y: log}}"),
        rule(4, "batch: B1", "gate: C, absent: true"),
        rule(5, "batch: B1", "quadrant: Q, move: {y: {gain: 2}}"),
    )
    text = loaded.overrides_yaml()
    assert text.splitlines()[:9] == [
        "tregflow: 1",
        "overrides:",
        "  - id: r1",
        "    when:",
        "      sample: S 1",
        "    gate: P",
        "    set:",
        "      above: {x: 5}",
        "      name:",
    ]
    loaded.save(tmp_path / "t.yaml")
    (tmp_path / "o.yaml").write_text(text)
    back = Strategy.load(tmp_path / "t.yaml", overrides=tmp_path / "o.yaml")
    assert back.overrides == loaded.overrides
    assert back.overrides_yaml() == text
    (tmp_path / "o.yaml").write_text(rich().overrides_yaml())
    assert Strategy.load(tmp_path / "t.yaml", overrides=tmp_path / "o.yaml").overrides == ()
