"""Strategies: from text to populations and back, with channels, matrices and complements as a person means them."""

from __future__ import annotations

import hashlib
import math
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import REPORT, TREE, cells, events, strategy, strategy_text

from tregflow.compensation import Spillover
from tregflow.errors import CompensationError, PanelError, StrategyError
from tregflow.fcs import Sample
from tregflow.findings import Finding
from tregflow.strategy import Strategy, shipped
from tregflow.strategy.evaluate import needed_channels, resolve_axes
from tregflow.strategy.matrix import matrix_files
from tregflow.transforms import Linear, Logicle

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tregflow.populations import Gated

TRUTH = {
    "root": 221,
    "Lymphocytes": 216,
    "CD3+": 204,
    "CD4+": 104,
    "CD25hiCD127lo": 4,
    "Treg": 4,
    "Tconv": 100,
    "Teff": 70,
    "B": 12,
}


def counts(gated: Gated) -> dict[str, int | None]:
    return {name: gated.count(name) for name in ("root", *gated.strategy.spec.gates)}


def inside(gated: Gated, population: str) -> list[int]:
    """Return the numbers of the events in a population."""
    return [int(number) for number in np.flatnonzero(gated[population])]


def panel_error(gates: tuple[str, ...], sample: Sample, **sections: str) -> str:
    with pytest.raises(PanelError) as caught:
        strategy(*gates, **sections).gate(sample)
    return str(caught.value)


# ------------------------------------------------------------------------------------------------------- known truth


def test_every_class_lands_where_it_belongs() -> None:
    sample = cells(Treg=4, naive=30, Teff=70, CD8=100, B=12, debris=5)
    gated = strategy(*TREE).gate(sample)
    assert counts(gated) == TRUTH
    assert inside(gated, "Treg") == [0, 1, 2, 3]
    assert inside(gated, "B") == list(range(204, 216))
    assert gated.findings == ()
    assert gated.missing == {}
    assert (gated.sample, gated.id, gated.batch) == (sample, None, None)
    assert {axis: channel.pnn for axis, channel in gated.channels.items()} == {
        "FSC-A": "FSC-A",
        "SSC-A": "SSC-A",
        "CD3": "R780-A",
        "CD4": "V655-A",
        "CD8": "V710-A",
        "CD25": "B515-A",
        "CD127": "G560-A",
        "FoxP3": "R660-A",
        "CD45RA": "V450-A",
        "CD19": "V605-A",
    }


@given(st.permutations(TREE))
@settings(max_examples=20)
def test_the_order_of_the_file_does_not_matter(gates: list[str]) -> None:
    gated = strategy(*gates).gate(cells(Treg=4, naive=30, Teff=70, CD8=100, B=12, debris=5))
    assert {name: gated.count(name) for name in TRUTH} == TRUTH


def test_order_keeps_to_the_file_where_it_can() -> None:
    loaded = strategy(
        "C: {in: B, above: {x: 1}}",
        "Z: {above: {x: 1}}",
        "N: {in: root, not: C}",
        "B: {in: A, above: {x: 1}}",
        "A: {above: {x: 1}}",
    )
    assert loaded.order == ("Z", "A", "B", "C", "N")
    assert loaded.needs("N") == ("root", "C")
    assert loaded.ancestors("C") == ("B", "A", "root")
    assert loaded.ancestors("A") == ("root",)
    assert loaded.parent("N") == loaded.parent("A") == "root"


def test_membership_is_the_gate_and_all_its_ancestors() -> None:
    gated = strategy("A: {above: {x: 1}}", "B: {in: A, below: {y: 5}}", "C: {in: B, above: {y: 3}}").gate(
        events(x=[0, 1, 2, 0, 2, 2], y=[4, 4, 4, 4, 5, 2])
    )
    assert inside(gated, "root") == [0, 1, 2, 3, 4, 5]
    assert inside(gated, "A") == [1, 2, 4, 5]
    assert inside(gated, "B") == [1, 2, 5]
    assert inside(gated, "C") == [1, 2]


def test_bounds_are_half_open_in_float64() -> None:
    edge, below, above = 100.1, math.nextafter(100.1, 0), math.nextafter(100.1, 200)
    gated = strategy("A: {above: {x: 100.1}}", "B: {below: {x: 100.1}}", "C: {rectangle: {x: [100.1, 100.2]}}").gate(
        events(x=[below, edge, above, 100.2])
    )
    assert inside(gated, "A") == [1, 2, 3]
    assert inside(gated, "B") == [0]
    assert inside(gated, "C") == [1, 2]
    single = Sample.from_columns("a.fcs", {"x": np.array([edge], np.float32)})
    assert float(single.values("x")[0]) != edge
    assert inside(strategy("A: {above: {x: 100.1}}").gate(single), "A") == []  # float32 has rounded it down
    assert inside(strategy("A: {below: {x: 100.1}}").gate(single), "A") == [0]


def test_a_polygon_is_drawn_on_the_scales_of_the_strategy() -> None:
    """The edge from (10, 1) to (1000, 1000) is straight on the axis: on a log scale (100, 31.6) lies on it."""
    gate = "A: {polygon: [x, y], points: [[10, 1], [1000, 1000], [1000, 1]]}"
    sample = events(x=[100, 100, 100], y=[31, 33, 90])
    assert inside(strategy(gate, scales="{x: log, y: log}").gate(sample), "A") == [0]
    assert inside(strategy(gate, scales="{x: linear, y: linear}").gate(sample), "A") == [0, 1, 2]


@pytest.mark.parametrize(
    ("axis", "scale"),
    [("FSC-A", Linear()), ("ssc-h", Linear()), ("Time", Linear()), ("CD25", Logicle()), ("B515-A", Logicle())],
)
def test_a_scale_that_is_not_stated_is_the_default(axis: str, scale: object) -> None:
    gate = strategy(f"A: {{above: {{{axis}: 5}}}}").build("A")
    assert gate.scales == (scale,)  # type: ignore[union-attr]


def test_a_scale_goes_to_the_gate_and_the_file_may_not_be_asked() -> None:
    loaded = strategy("A: {above: {CD25: 5, FSC-A: 1}}", scales="{CD25: {logicle: {w: 0.8}}, FSC-A: {log: {m: 3}}}")
    gate = loaded.build("A")
    assert [str(scale) for scale in gate.scales] == [  # type: ignore[union-attr]
        "Logicle(t=262144.0, w=0.8, m=4.5, a=0.0)",
        "Log(t=262144.0, m=3.0)",
    ]


# ------------------------------------------------------------------------------------------------------- complements


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_cannot_be_judged_is_in_no_complement(bad: float) -> None:
    gates = (
        "P: {above: {x: 1}}",
        "A: {in: P, above: {y: 5}}",
        "notA: {not: A}",
        "notAinP: {in: P, not: A}",
        "all: {all: [P, {not: A}]}",
        "any: {any: [P, {not: A}]}",
        "notnot: {not: notA}",
        "B: {above: {z: 5}}",
        "both: {any: [A, B]}",
        "neither: {all: [{not: A}, {not: B}]}",
    )
    sample = events(x=[2, 2, 0, bad, 2, bad], y=[9, 1, 9, 9, bad, bad], z=[9] * 6)
    gated = strategy(*gates).gate(sample)
    assert inside(gated, "P") == [0, 1, 4]
    assert inside(gated, "A") == [0]
    assert inside(gated, "notA") == [1, 2]  # 3 cannot be judged by A's parent, 4 by A itself, 5 by neither
    assert inside(gated, "notAinP") == [1]
    assert inside(gated, "all") == [1]
    assert inside(gated, "any") == [0, 1, 2, 4]  # P is sure of 4: a union is never smaller than its members
    assert inside(gated, "notnot") == [0]
    assert inside(gated, "both") == inside(gated, "B") == [0, 1, 2, 3, 4, 5]
    assert inside(gated, "neither") == []  # and so no event is surely in neither
    assert gated.findings == (
        Finding(
            "non-finite-values",
            "warning",
            "x",
            "2 of 6 events hold NaN or infinity; they are outside every gate on x",
        ),
        Finding(
            "non-finite-values",
            "warning",
            "y",
            "2 of 6 events hold NaN or infinity; they are outside every gate on y",
        ),
    )


def test_a_log_scale_cannot_judge_zero_and_below_and_says_so() -> None:
    gates = ("low: {below: {x: 10}}", "notlow: {not: low}", "high: {above: {x: 10}}")
    sample = events(x=[-5, 0, 5, 50])
    gated = strategy(*gates, scales="{x: log}").gate(sample)
    assert (inside(gated, "low"), inside(gated, "notlow"), inside(gated, "high")) == ([2], [3], [3])
    assert gated.findings == (
        Finding(
            "off-scale-values",
            "warning",
            "x",
            "2 of 4 events have no position on the log scale; they are outside every gate on x, and outside its "
            "complement",
        ),
    )
    gated = strategy(*gates).gate(sample)
    assert (inside(gated, "low"), inside(gated, "notlow"), inside(gated, "high")) == ([0, 1, 2], [3], [3])
    assert gated.findings == ()
    gated = strategy("A: {above: {y: 1}}", scales="{x: log}", mfi="{A: [x]}").gate(events(x=[-5, 7], y=[2, 2]))
    assert gated.findings == ()  # a median needs no scale
    assert gated.medians[0].mfi == 1.0


def test_nan_in_a_column_that_only_an_mfi_looks_at_is_a_finding_too() -> None:
    gated = strategy("A: {above: {x: 1}}", mfi="{A: [y]}").gate(events(x=[2, 2], y=[math.nan, 4]))
    assert [(each.code, each.where) for each in gated.findings] == [("non-finite-values", "y")]
    assert gated.medians[0].mfi == 4.0


def test_a_parent_restricts_a_combination_and_not_its_operands() -> None:
    gated = strategy(
        "A: {above: {x: 1}}", "B: {above: {y: 1}}", "C: {in: A, any: [A, B]}", "D: {all: [{not: A}, {not: B}]}"
    ).gate(events(x=[2, 0, 2, 0], y=[2, 2, 0, 0]))
    assert inside(gated, "C") == [0, 2]
    assert inside(gated, "D") == [3]


# --------------------------------------------------------------------------------- against an evaluation in plain words

AXES = ("x", "y", "FSC-A")
VALUES = st.sampled_from([-5.0, 0.0, 1.0, 2.0, 3.0, math.nan, math.inf, -math.inf])
IDS = [
    "A",
    "B+",
    "C / D",
    "no",
    "1e5",
    "é µ",
    "- x",
    "#h",
    "a: b",
    "?q",
    "'q'",
    '"',
    "{",
    "<fmo>",
    "in",
    "root2",
    "=1",
    "@",
]


@st.composite
def gate_trees(draw: st.DrawFn, *, polygons: bool = False) -> dict[str, dict[str, Any]]:
    """Draw gates by id, each needing only ids before it."""
    ids = draw(st.lists(st.sampled_from(IDS), min_size=1, max_size=6, unique=True))
    gates: dict[str, dict[str, Any]] = {}
    for gate_id in ids:
        known = list(gates)
        gate: dict[str, Any] = {"in": draw(st.sampled_from(["root", *known]))} if draw(st.booleans()) else {}
        kinds = ["bounds", *(["polygon"] if polygons else []), *(["not"] if known else [])]
        kind = draw(st.sampled_from(kinds + (["all", "any"] if len(known) > 1 else [])))
        if kind == "bounds":
            chosen = draw(st.lists(st.sampled_from(AXES), min_size=1, max_size=2, unique=True))
            low = st.sampled_from([None, 0, 1, 1.5])
            gate["rectangle"] = {axis: [draw(low), 2.5] for axis in chosen}
        elif kind == "polygon":
            gate |= {"polygon": ["x", "y"], "points": [[-1, -1], [-1, 2], [2.5, 2], [2.5, -1]], "open": {"x": "low"}}
        elif kind == "not":
            gate["not"] = draw(st.sampled_from(known))
        else:
            operands = draw(st.lists(st.sampled_from(known), min_size=2, max_size=3))
            gate[kind] = [name if draw(st.booleans()) else {"not": name} for name in operands]
        gates[gate_id] = gate
    return gates


def spec_of(gates: Mapping[str, Any], **sections: Any) -> str:
    from tregflow._yaml import dump

    return dump({"tregflow": 1, "name": "drawn", "compensation": "none", **sections, "gates": dict(gates)})


def judged(gates: Mapping[str, Any], name: str, event: Mapping[str, float]) -> bool | None:
    """Tell of one event whether it is in a population; None where that cannot be judged."""
    if name == "root":
        return True
    gate = gates[name]
    parent = judged(gates, gate.get("in", "root"), event)
    answers: list[bool | None] = []
    if "rectangle" in gate:
        for axis, (low, high) in gate["rectangle"].items():
            value = event[axis]
            answers.append(None if not math.isfinite(value) else (low is None or low <= value) and value < high)
        own = None if None in answers else all(answers)
    else:
        operands = [gate["not"]] if "not" in gate else gate.get("all", gate.get("any"))
        for operand in operands:
            turned = isinstance(operand, dict) or "not" in gate
            answer = judged(gates, operand["not"] if isinstance(operand, dict) else operand, event)
            answers.append(None if answer is None else answer != turned)
        sure = "any" in gate and True in answers
        own = sure or (None if None in answers else any(answers) if "any" in gate else all(answers))
    return None if own is None or parent is None else own and parent


@settings(max_examples=60)
@given(gate_trees(), st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=1, max_size=12))
def test_every_event_is_judged_as_in_plain_words(
    gates: dict[str, dict[str, Any]], rows: list[tuple[float, float, float]]
) -> None:
    columns = {axis: [row[i] for row in rows] for i, axis in enumerate(AXES)}
    gated = Strategy.loads(spec_of(gates)).gate(Sample.from_columns("a.fcs", columns))
    for name in gates:
        expected = [judged(gates, name, dict(zip(AXES, row, strict=True))) for row in rows]
        assert gated[name].tolist() == [answer is True for answer in expected]
        assert gated.masks[name].defined.tolist() == [answer is not None for answer in expected]


@settings(max_examples=60)
@given(gate_trees(polygons=True), st.data())
def test_a_strategy_comes_back_from_its_own_text(gates: dict[str, dict[str, Any]], data: st.DataObject) -> None:
    report = {"a": f"{data.draw(st.sampled_from(list(gates)))} / {data.draw(st.sampled_from(list(gates)))}"}
    panel = {"x": {}, "y": {"pns": ["?y", "*,"], "pnn": ["y"], "signal": "A"}}
    scales = {"x": {"logicle": {"w": 0.1}}}
    loaded = Strategy.loads(spec_of(gates, scales=scales, panel=panel, report=report))
    back = Strategy.loads(loaded.to_yaml())
    assert back.data == loaded.data
    assert back.spec == loaded.spec
    assert back.ratios == loaded.ratios
    assert back.order == loaded.order
    sample = Sample.from_columns("a.fcs", {"x": [-2, 1, 2, 3], "y": [0, 1, 2, 3], "FSC-A": [0, 1, 2, 3]})
    first, second = loaded.gate(sample), back.gate(sample)
    for name in gates:
        assert first[name].tolist() == second[name].tolist()


def test_ids_may_hold_anything() -> None:
    gates = {name: {"in": IDS[i - 1] if i else "root", "above": {"x": i}} for i, name in enumerate(IDS)}
    report = {f"r{i}": f"{IDS[i]} / {IDS[i - 1]}" for i in range(1, len(IDS))}
    loaded = Strategy.loads(spec_of(gates, report=report))
    gated = loaded.gate(events(x=np.arange(len(IDS))))
    assert [gated.count(name) for name in IDS] == list(range(len(IDS), 0, -1))
    assert loaded.ratios == {f"r{i}": (IDS[i], IDS[i - 1]) for i in range(1, len(IDS))}
    assert Strategy.loads(loaded.to_yaml()).data == loaded.data


def test_a_ratio_of_ids_with_slashes_is_split_where_both_sides_are_known() -> None:
    loaded = strategy(
        "A: {above: {x: 1}}",
        "A / B: {above: {x: 1}}",
        "B: {above: {x: 1}}",
        "B / A: {above: {x: 1}}",
        report="{a: A / B / A, b: A / B / B, c: A / B / A / B}",
    )
    # Where two ways are open, the shorter numerator is taken: A of "B / A", not "A / B" of A.
    assert loaded.ratios == {"a": ("A", "B / A"), "b": ("A / B", "B"), "c": ("A / B", "A / B")}


# --------------------------------------------------------------------------------------------------- files and texts


def test_a_file_is_read_with_its_hash_and_folder(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_bytes(strategy_text(*TREE).replace("\n", "\r\n").encode())
    loaded = Strategy.load(path)
    assert loaded.source == "t.yaml"
    assert loaded.folder == tmp_path
    assert loaded.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()  # as sha256sum says
    assert loaded.spec == strategy(*TREE).spec
    assert Strategy.load(str(path)).spec == loaded.spec


def test_saving_and_loading(tmp_path: Path) -> None:
    loaded = strategy(*TREE, report=REPORT, mfi="{Treg: [CD25]}", scales="{CD25: {logicle: {w: 0.8}}}")
    loaded.save(tmp_path / "new" / "t.yaml")
    back = Strategy.load(tmp_path / "new" / "t.yaml")
    assert back.data == loaded.data
    sample = cells(Treg=4, naive=30, Teff=70, CD8=100, B=12, debris=5)
    for name, mask in loaded.gate(sample).masks.items():
        assert back.gate(sample)[name].tolist() == mask.inside.tolist()


@pytest.mark.parametrize("name", ["signed.wsp", "gates.xml", "gates.gatingml"])
def test_a_file_of_another_program_is_to_be_converted(tmp_path: Path, name: str) -> None:
    with pytest.raises(StrategyError) as caught:
        Strategy.load(tmp_path / name)
    assert (caught.value.code, str(caught.value)) == (
        "E_STRATEGY_FILE",
        f"{name}: a file of another program\n"
        "  expected   a strategy in YAML\n"
        f"  remedy     tregflow convert {tmp_path / name} strategy.yaml",
    )


def test_overrides_are_saved_beside_the_strategy(tmp_path: Path) -> None:
    rule = {
        "id": "R1",
        "when": {"sample": "P1"},
        "gate": "A",
        "absent": True,
        "by": "reader",
        "at": "today",
        "why": "x",
    }
    own = Strategy.from_data({**strategy("A: {above: {x: 1}}").data}, name="s", overrides=[rule])
    own.save(tmp_path / "a" / "s.yaml")
    beside = tmp_path / "a" / "overrides.yaml"
    assert Strategy.load(tmp_path / "a" / "s.yaml", overrides=beside).overrides == own.overrides
    beside.write_text("# signed\n" + beside.read_text(encoding="utf-8"), encoding="utf-8")
    own.save(tmp_path / "a" / "t.yaml")  # the same rules: the file is left as somebody wrote it
    assert beside.read_text(encoding="utf-8").startswith("# signed")
    for text in (beside.read_text(encoding="utf-8").replace("today", "yesterday"), "no overrides"):
        beside.write_text(text, encoding="utf-8")
        with pytest.raises(StrategyError) as caught:
            own.save(tmp_path / "a" / "u.yaml")
        assert caught.value.code == "E_EXISTS"
        assert str(caught.value) == (
            f"{beside}: is there already, and holds other overrides than the strategy's\n"
            "  remedy     save the strategy into a folder of its own"
        )
        assert beside.read_text(encoding="utf-8") == text
    assert not (tmp_path / "a" / "u.yaml").exists()


def test_a_text_has_the_hash_of_the_text() -> None:
    text = strategy_text("A: {above: {x: 1e5}}  # µ")
    assert Strategy.loads(text).sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert Strategy.loads(text).source == "strategy"


def test_shipped_strategies_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shipped() == ("treg", "treg-no127", "treg-surface")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "treg").mkdir()  # a folder of that name is no strategy
    assert Strategy.load("treg").source == "treg (shipped)"
    (tmp_path / "treg-surface").write_text(strategy_text("A: {above: {x: 1}}"))  # a file is
    assert Strategy.load("treg-surface").source == "treg-surface"


@pytest.mark.parametrize(
    ("name", "hint"),
    [("Treg", "; did you mean 'treg'?"), ("treg_surface", "; did you mean 'treg-surface'?"), ("xyz", "")],
)
def test_an_unknown_shipped_name(name: str, hint: str) -> None:
    with pytest.raises(StrategyError) as caught:
        Strategy.load(name)
    assert caught.value.code == "E_STRATEGY_FILE"
    assert str(caught.value) == (
        f"no file and no shipped strategy is called '{name}'{hint}\n  available  treg, treg-no127, treg-surface"
    )


def test_a_missing_file(tmp_path: Path) -> None:
    (tmp_path / "treg2.yaml").touch()
    with pytest.raises(StrategyError) as caught:
        Strategy.load(tmp_path / "treg.yaml")
    assert caught.value.code == "E_STRATEGY_FILE"
    assert str(caught.value) == (
        f"{tmp_path / 'treg.yaml'}: no such file\n"
        "  available  treg2.yaml\n"
        "  remedy     a path of a YAML file, or a shipped name: treg, treg-no127, treg-surface"
    )


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_bytes(b"tregflow: 1\nname: \xb5\n")
    with pytest.raises(StrategyError) as caught:
        Strategy.load(path)
    assert str(caught.value) == (
        f"{path}: byte 18 is not UTF-8\n  expected   text in UTF-8\n  remedy     save the file as UTF-8"
    )


def test_strategies_and_gated_samples_cross_processes() -> None:
    loaded = strategy(*TREE, report=REPORT)
    gated = loaded.gate(cells(Treg=4, naive=30, Teff=70, CD8=100, B=12, debris=5))
    assert gated.strategy.nested("Treg", "CD4+")
    back = pickle.loads(pickle.dumps(gated))
    assert back.ratios == gated.ratios
    assert back.populations == gated.populations
    assert pickle.loads(pickle.dumps(loaded)).data == loaded.data


# ------------------------------------------------------------------------------------------------ markers and channels


def test_a_missing_marker_names_its_gates() -> None:
    sample = Sample.from_columns("P01.fcs", {"B515-A": [1.0], "R780-A": [1.0]}, markers={"B515-A": "CD-25"})
    gates = ("T: {above: {CD25: 5}}", "C: {in: T, not: T}", "N: {in: T, below: {CD25: 50}}")
    assert panel_error(gates, sample) == (
        "P01.fcs: T, N: no channel carries CD25\n"
        "  expected   $PnS or $PnN CD25\n"
        "  available  CD-25 (B515-A), R780-A\n"
        "  remedy     near miss 'CD-25': add it to panel: CD25 in t.yaml"
    )
    assert panel_error(gates, sample, panel='{CD25: {pns: ["IL?2RA", "TAC"], signal: A}}') == (
        "P01.fcs: T, N: no channel carries CD25\n"
        "  expected   $PnS matching IL?2RA or TAC, signal A\n"
        "  available  CD-25 (B515-A), R780-A\n"
        "  remedy     near miss 'CD-25': add it to panel: CD25 in t.yaml"
    )


def test_two_channels_for_one_marker() -> None:
    sample = Sample.from_columns(
        "P01.fcs", {"B515-A": [1.0], "R780-A": [1.0]}, markers={"B515-A": "CD25", "R780-A": "cd 25"}
    )
    assert panel_error(("T: {above: {CD25: 5}, optional: true}",), sample) == (
        "P01.fcs: T: two channels for one marker, CD25\n"
        "  expected   $PnS or $PnN CD25\n"
        "  available  CD25 (B515-A), cd 25 (R780-A)\n"
        "  remedy     name the one that is meant in panel: CD25 in t.yaml, pnn: [B515-A] or [R780-A]"
    )
    loaded = strategy("T: {above: {CD25: 5}}", panel="{CD25: {pnn: [R780-A]}}")
    assert loaded.gate(sample).channels["CD25"].pnn == "R780-A"


def test_an_optional_gate_without_its_marker_is_missing_and_so_is_all_that_needs_it() -> None:
    sample = cells(Treg=4, naive=30, Teff=70)
    columns = {channel.pnn: sample.values(channel.pnn) for channel in sample.channels if channel.pns != "CD45RA"}
    markers = {channel.pnn: channel.pns for channel in sample.channels if channel.pns != "CD45RA"}
    bare = Sample.from_columns("P01.fcs", columns, markers=markers)
    gated = strategy(
        *TREE,
        "child: {in: Teff, above: {CD3: 1}}",
        "same: {in: Teff, above: {CD45RA: 1}}",  # not optional itself: it is missing with its parent, and no error
        "other: {in: CD4+, not: Teff}",
        "either: {any: [Teff, Treg]}",
        report="{a: Teff / CD4+, b: Treg / Teff, c: either / CD4+, d: child / CD4+, e: Treg / CD4+}",
        mfi="{Teff: [CD3], Treg: [CD45RA, CD25]}",
    ).gate(bare)
    assert gated.missing == {
        "Teff": "no channel carries CD45RA",
        "same": "no channel carries CD45RA",
        "child": "Teff is missing",
        "other": "Teff is missing",
        "either": "Teff is missing",
    }
    assert gated.findings == (
        Finding("marker-missing", "warning", "CD45RA", "no channel carries CD45RA; missing: Teff, same"),
    )
    assert [(row.name, row.k, row.n, row.percent, row.flags) for row in gated.ratios] == [
        ("a", None, 104, None, ("missing",)),
        ("b", 4, None, None, ("missing",)),
        ("c", None, 104, None, ("missing",)),
        ("d", None, 104, None, ("missing",)),
        ("e", 4, 104, None, ("not-detected", "too-few-cd4")),
    ]
    assert {row.population: row.count for row in gated.populations if row.count is None} == dict.fromkeys(gated.missing)
    assert [(row.population, row.marker, row.mfi) for row in gated.medians] == [
        ("Teff", "CD3", None),
        ("Treg", "CD45RA", None),
        ("Treg", "CD25", 20_000.0),
    ]


def test_a_marker_that_one_gate_can_spare_and_another_cannot() -> None:
    gates = ("A: {above: {CD45RA: 1}, optional: true}", "B: {above: {CD45RA: 1}}")
    assert panel_error(gates, events("P01.fcs", x=[1])) == (
        "P01.fcs: A, B: no channel carries CD45RA\n"
        "  expected   $PnS or $PnN CD45RA\n"
        "  available  x\n"
        "  remedy     add the name that the sample uses to panel: CD45RA in t.yaml, or check the staining"
    )


def test_a_marker_that_only_an_mfi_asks_for() -> None:
    gated = strategy("A: {above: {x: 1}}", mfi="{A: [CD25, x]}").gate(events(x=[2, 4, 6]))
    assert gated.findings == (
        Finding("marker-missing", "warning", "CD25", "no channel carries CD25; missing: its MFI"),
    )
    assert [row.mfi for row in gated.medians] == [None, 4.0]
    assert gated.missing == {}


def test_only_the_channels_that_are_needed_need_be_read() -> None:
    text = strategy_text("A: {above: {CD4: 1}}", "B: {in: A, above: {CD45: 1}, optional: true}", mfi="{A: [FSC-A]}")
    loaded = Strategy.loads(text.replace("none", "fcs"))
    keywords = {"$SPILLOVER": "2,V655-A,B515-A,1,0.1,0,1"}
    sample = cells(Treg=2, keywords=keywords)
    needed = needed_channels(loaded.applied(), sample, batch=None)
    assert needed == ("FSC-A", "V655-A", "B515-A")
    columns = {name: sample.values(name) for name in needed}
    few = Sample.from_columns("a.fcs", columns, markers={"V655-A": "CD4"}, keywords=keywords)
    assert loaded.gate(few).count("A") == loaded.gate(sample).count("A") == 2


def test_channels_of_an_applied_strategy() -> None:
    channels, lost, notes = resolve_axes(strategy("A: {above: {x: 1}}"), events(y=[1]), {"A": "absent"})
    assert (channels, lost, notes) == ({}, {}, ())
    tree = strategy("A: {above: {x: 1}}", mfi="{root: [x]}")
    _, lost, notes = resolve_axes(tree, events(y=[1]), {"A": "absent"})
    assert lost == {}
    assert [note.text for note in notes] == ["no channel carries x; missing: its MFI"]


# ----------------------------------------------------------------------------------------------------- compensation

SPILL = "2,x,y,1,0.5,0,1"  # x spills into y by half
INVERSE = "x,y\n1,0.25\n0,1\n"


def spilled(**more: str) -> Sample:
    return events(x=[100.0, 0.0], y=[70.0, 20.0], keywords={"$SPILLOVER": SPILL, **more})


def test_compensation_by_the_file() -> None:
    gated = strategy("A: {above: {y: 20}}", compensation="fcs").gate(spilled())
    assert gated.values("y").tolist() == [20.0, 20.0]
    assert gated.values("y") is gated.values("y")
    assert gated.values("y").dtype == np.float64
    assert inside(gated, "A") == [0, 1]


def test_no_compensation() -> None:
    gated = strategy("A: {above: {y: 20.5}}").gate(spilled())
    assert gated.values("y").tolist() == [70.0, 20.0]
    assert inside(gated, "A") == [0]


def test_compensation_by_a_table(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "b1.csv").write_text(INVERSE)
    (tmp_path / "t.yaml").write_text(strategy_text("A: {above: {y: 20}}", compensation="m/b1.csv"))
    gated = Strategy.load(tmp_path / "t.yaml").gate(spilled())
    assert gated.values("y").tolist() == [45.0, 20.0]


def test_compensation_by_batch(tmp_path: Path) -> None:
    (tmp_path / "b1.csv").write_text(INVERSE)
    text = strategy_text("A: {above: {y: 20}}", compensation="{batch: {B1: b1.csv, B2: fcs, B3: none}}")
    (tmp_path / "t.yaml").write_text(text)
    loaded = Strategy.load(tmp_path / "t.yaml")
    values = {batch: loaded.gate(spilled(), batch=batch).values("y")[0] for batch in ("B1", "B2", "B3")}
    assert values == {"B1": 45.0, "B2": 20.0, "B3": 70.0}
    with pytest.raises(StrategyError) as caught:
        loaded.gate(spilled(), batch="b 4")
    assert caught.value.code == "E_COMPENSATION_BATCH"
    assert str(caught.value) == (
        "t.yaml: compensation names no matrix for batch 'b 4'\n"
        "  available  B1, B2, B3\n"
        "  remedy     add the batch to compensation, or give batch=..."
    )
    with pytest.raises(StrategyError) as caught:
        loaded.gate(spilled())
    assert str(caught.value) == (
        "t.yaml: compensation is set per batch, and the batch was not given\n"
        "  available  B1, B2, B3\n"
        "  remedy     add the batch to compensation, or give batch=..."
    )


@pytest.mark.parametrize("name", ["../b1.csv", "/etc/passwd", "m/../../b1.csv"])
def test_a_matrix_outside_the_folder_is_not_opened(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    (tmp_path / "b1.csv").write_text(INVERSE)
    (folder / "t.yaml").write_text(strategy_text("A: {above: {y: 20}}", compensation=name))
    with pytest.raises(StrategyError) as caught:
        Strategy.load(folder / "t.yaml").gate(spilled())
    assert caught.value.code == "E_PATH"
    assert str(caught.value) == (
        f"t.yaml: the path '{name}' leads out of the folder of the study\n"
        f"  expected   a file below {folder}\n"
        "  remedy     copy the file into the folder"
    )


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    (tmp_path / "b1.csv").write_text(INVERSE)
    (folder / "b1.csv").symlink_to(tmp_path / "b1.csv")
    (folder / "t.yaml").write_text(strategy_text("A: {above: {y: 20}}", compensation="b1.csv"))
    with pytest.raises(StrategyError, match="leads out of the folder"):
        Strategy.load(folder / "t.yaml").gate(spilled())


def test_a_matrix_that_is_given_wins_and_its_findings_are_kept() -> None:
    identity = Spillover(("x", "y"), np.eye(2), "mine.csv")
    gated = strategy("A: {above: {y: 20}}", compensation="fcs").gate(spilled(), spillover=identity)
    assert gated.values("y").tolist() == [70.0, 20.0]
    assert gated.findings == identity.findings
    assert [finding.code for finding in gated.findings] == ["spillover-identity"]


def test_the_setting_of_a_study_wins(tmp_path: Path) -> None:
    loaded = strategy("A: {above: {y: 20}}", compensation="fcs").with_compensation("none")
    assert loaded.gate(spilled()).values("y")[0] == 70.0
    assert loaded.data["compensation"] == "none"
    per_batch = strategy("A: {above: {y: 20}}", compensation="{batch: {B1: b1.csv, B2: fcs}}").spec.compensation
    loaded = strategy("A: {above: {y: 20}}").with_compensation(per_batch)
    assert loaded.data["compensation"] == {"batch": {"B1": "b1.csv", "B2": "fcs"}}
    assert matrix_files(loaded.spec.compensation) == ("b1.csv",)
    assert Strategy.loads(loaded.to_yaml()).spec == loaded.spec
    loaded = strategy("A: {above: {y: 20}}", compensation="fcs").with_compensation("none")
    assert Strategy.loads(loaded.to_yaml()).spec.compensation == "none"


def test_a_sample_without_a_matrix_is_no_compensated_sample() -> None:
    with pytest.raises(CompensationError) as caught:
        strategy("A: {above: {y: 20}}", compensation="fcs").gate(events("P01.fcs", x=[1], y=[1]))
    assert caught.value.code == "E_NO_SPILL"
    assert str(caught.value) == (
        "P01.fcs: the file carries no spillover matrix\n"
        "  expected   the keyword $SPILLOVER or SPILL\n"
        "  remedy     name a CSV file with the matrix under compensation, or set compensation: none"
    )


# ------------------------------------------------------------------------------------------------------------- nested


def test_what_lies_inside_what_by_construction() -> None:
    loaded = strategy(
        *TREE,
        "both: {all: [Treg, B]}",
        "butB: {all: [Treg, {not: B}]}",
        "either: {any: [Treg, Tconv]}",
        "mixed: {any: [Treg, B]}",
        "turned: {any: [Treg, {not: B}]}",
        "here: {in: CD4+, any: [Treg, B]}",
    )
    nested = {
        ("Treg", "CD4+"): True,
        ("Treg", "Treg"): True,
        ("Treg", "root"): True,
        ("root", "root"): True,
        ("root", "Treg"): False,
        ("CD4+", "Treg"): False,
        ("Tconv", "CD25hiCD127lo"): False,
        ("Tconv", "CD4+"): True,
        ("B", "CD3+"): False,
        ("both", "CD4+"): True,
        ("both", "B"): True,
        ("both", "Lymphocytes"): True,
        ("butB", "CD4+"): True,
        ("butB", "B"): False,
        ("either", "CD4+"): True,
        ("either", "Treg"): False,
        ("mixed", "Lymphocytes"): True,
        ("mixed", "CD4+"): False,
        ("turned", "CD4+"): False,
        ("here", "CD4+"): True,
        ("here", "B"): False,
    }
    assert {pair: loaded.nested(*pair) for pair in nested} == nested


def test_nesting_of_many_combinations_is_quick() -> None:
    """Sixty levels of two operands each would be 2 ** 60 paths."""
    gates = ["A0: {above: {x: 1}}"]
    gates += [f"A{i}: {{in: A{i - 1}, all: [A{i - 1}, A0]}}" for i in range(1, 60)]
    loaded = strategy(*gates, "Z: {above: {x: 1}}")
    assert loaded.nested("A59", "A0")
    assert not loaded.nested("A59", "Z")


@settings(max_examples=60)
@given(gate_trees(), st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=1, max_size=12))
def test_what_is_nested_by_construction_is_nested_in_data(
    gates: dict[str, dict[str, Any]], rows: list[tuple[float, float, float]]
) -> None:
    columns = {axis: [row[i] for row in rows] for i, axis in enumerate(AXES)}
    gated = Strategy.loads(spec_of(gates)).gate(Sample.from_columns("a.fcs", columns))
    for inner in gates:
        for outer in gates:
            if gated.strategy.nested(inner, outer):
                assert not (gated[inner] & ~gated[outer]).any()


def test_the_part_that_a_population_needs() -> None:
    part = strategy(*TREE, report=REPORT, scales="{CD19: linear, CD25: {logicle: {w: 1}}, FoxP3: linear}").only(
        "Tconv", "FoxP3"
    )
    assert tuple(part.spec.gates) == ("Lymphocytes", "CD3+", "CD4+", "CD25hiCD127lo", "Tconv")
    assert part.axes == ("FSC-A", "SSC-A", "CD3", "CD4", "CD8", "CD25", "CD127", "FoxP3")
    assert part.ratios == {}
    assert part.overrides == ()
    again = Strategy.loads(part.to_yaml())  # it stands on its own
    assert again.spec == part.spec
    sample = cells(Treg=4, naive=30, Teff=70)
    assert part.gate(sample).count("Tconv") == 100
    assert part.only("root").spec.gates == {}


# ------------------------------------------------------------------------------------------------------------- values


def test_values_of_an_axis_that_nothing_looks_at() -> None:
    gated = strategy("A: {above: {CD25: 1}}").gate(cells("P01.fcs", Treg=1))
    with pytest.raises(PanelError) as caught:
        gated.values("CD-25")
    assert caught.value.code == "E_NO_CHANNEL"
    assert str(caught.value) == (
        "P01.fcs: no gate and no MFI of the strategy looks at CD-25; did you mean 'CD25'?\n"
        "  available  CD25\n"
        "  remedy     add it to mfi in the strategy, or take sample.values"
    )


def test_what_is_shared_cannot_be_changed() -> None:
    """Counts and medians are taken when asked for: a slip in a notebook must not change them."""
    gated = strategy("A: {above: {x: 1}}").gate(events(x=[0, 2]))
    for array in (gated["root"], gated["A"], gated.masks["A"].defined, gated.values("x")):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = True
    assert gated.count("root") == 2


def test_two_names_for_one_channel_are_said() -> None:
    gated = strategy("A: {above: {x: 0}}", "B: {above: {dump: 0}}", panel="{dump: {pnn: [x]}}").gate(events(x=[1.0]))
    assert gated.findings == (Finding("channel-shared", "warning", "x", "x and dump are the same channel"),)
