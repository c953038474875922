"""Both engines, the fused one and the reference, put the same events into the same populations, bit for bit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from tests.builders import events, strategy
from tests.builders_engines import differences, gated_by, odd_only, random_case, strategy_for, with_gate
from tests.builders_study import EXAMPLE

from tregflow.errors import FcsError
from tregflow.fcs import read_fcs
from tregflow.interop.flowjo import import_workspace, match_files, parse_workspace
from tregflow.interop.gatingml import read_gatingml
from tregflow.strategy import Strategy, shipped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.builders_engines import Case

    from tregflow.fcs import Sample

# A seed has nothing to shrink to; the long check, over millions of events, is benchmarks/equality.py.
seeds = settings(max_examples=40, phases=(Phase.explicit, Phase.reuse, Phase.generate))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("engines")


def unlike(case: Case, **way: Any) -> list[str]:
    return differences(gated_by(case, "fused", **way), gated_by(case, "reference"))


# ------------------------------------------------------------------------------------------------- random strategies


@seeds
@given(seed=st.integers(0, 2**32 - 1))
@example(seed=0)
def test_random_strategies(folder: Path, seed: int) -> None:
    case = random_case(seed, folder=folder)
    reference = gated_by(case, "reference")
    assert differences(gated_by(case, "fused"), reference) == []
    assert differences(gated_by(case, "fused", lazy=True, threads=2), reference) == []


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n_events", [0, 1, 2])
def test_samples_of_few_events(folder: Path, seed: int, n_events: int) -> None:
    case = random_case(100 + seed, n_events=n_events, folder=folder)
    assert unlike(case) == []
    assert unlike(case, lazy=True, threads=2) == []


@pytest.mark.parametrize("n_events", [1023, 1024, 1025, 4096, 8193])
def test_samples_that_end_where_a_block_does(folder: Path, n_events: int) -> None:
    case = random_case(n_events, n_events=n_events, folder=folder)
    assert unlike(case) == []
    assert unlike(case, lazy=True) == []


@pytest.mark.parametrize("seed", range(6))
def test_samples_of_nothing_but_odd_values(seed: int) -> None:
    assert unlike(odd_only(random_case(200 + seed), seed)) == []


@pytest.mark.parametrize(("seed", "n_gates"), [(1, 65), (2, 64), (3, 150)])
def test_more_gates_than_a_word_has_bits(seed: int, n_gates: int) -> None:
    case = random_case(300 + seed, n_gates=n_gates, n_events=3000)
    assert len(case.strategy.spec.gates) >= n_gates
    assert unlike(case) == []
    assert unlike(case, threads=2) == []


@pytest.mark.parametrize("seed", [400, 401, 402])
def test_the_number_of_threads_changes_nothing(folder: Path, seed: int) -> None:
    case = random_case(seed, n_events=70_000, folder=folder)
    reference = gated_by(case, "reference")
    for threads in (1, 2, 3):
        for lazy in (False, True):
            assert differences(gated_by(case, "fused", threads=threads, lazy=lazy), reference) == [], (threads, lazy)


def test_a_file_is_hashed_as_it_is_gated(folder: Path) -> None:
    case = next(case for case in (random_case(n, folder=folder) for n in range(99)) if case.sample.path)
    path = case.sample.path
    whole = case.strategy.gate(read_fcs(path, sha256=True), engine="reference", **case.kwargs)
    for threads in (1, 2):
        lazy = case.strategy.gate(read_fcs(path, lazy=True, sha256=True), threads=threads, **case.kwargs)
        assert lazy.sample.sha256 == whole.sample.sha256
        assert differences(lazy, whole) == []


def test_fused_is_what_a_strategy_uses_unless_told_otherwise() -> None:
    case = random_case(7)
    assert differences(case.strategy.gate(case.sample, **case.kwargs), gated_by(case, "reference")) == []


def test_what_has_no_place_is_counted_also_where_the_only_gate_that_looks_is_missing() -> None:
    gates = ("lost: {above: {nowhere: 1}, optional: true}", "A: {in: lost, above: {CD4: 1}}", "B: {above: {CD8: 1}}")
    log = strategy(*gates, scales="{CD4: log}", mfi="{root: [CD4]}")
    sample = events(CD4=[-1, 0, 5, 7], CD8=[1, 2, np.nan, 4])
    assert differences(log.gate(sample), log.gate(sample, engine="reference")) == []


# ------------------------------------------------------------------------------------------------------ moved gates


@seeds
@given(seed=st.integers(0, 2**32 - 1))
def test_a_moved_gate_moves_what_hangs_below_it(folder: Path, seed: int) -> None:
    case = random_case(seed, folder=folder)
    first = gated_by(case, "fused", lazy=True)
    overridden = {rule.gate for rule in case.strategy.overrides}
    written = {name: gate for name, gate in case.strategy.data["gates"].items() if name in first.gates}
    moved = {name: moved_keys(gate) for name, gate in written.items() if moved_keys(gate) and name not in overridden}
    if not moved:
        return
    name = str(np.random.default_rng(seed).choice(list(moved)))
    again = first.update(gate=name, **moved[name])
    whole = replace(case, strategy=with_gate(case.strategy, name, **moved[name]))
    assert differences(again, gated_by(whole, "reference")) == []
    assert differences(first, gated_by(case, "reference")) == []
    back = again.update(gate=name, **{key: written[name][key] for key in moved[name]})
    assert differences(back, first) == []


def moved_keys(gate: dict[str, Any]) -> dict[str, Any]:
    """Return other numbers for a gate, under the keys of a strategy; nothing for a cell or a combination."""
    if "polygon" in gate:
        (x, _), second, *others = gate["points"]
        turned = [[x, second[1]], second, *others]
        return {"points": turned} if len({tuple(point) for point in turned}) > 2 and not gate.get("open") else {}
    if "rectangle" in gate:
        pairs = gate["rectangle"].items()
        return {"rectangle": {axis: [high, low] if None in (low, high) else [low, None] for axis, (low, high) in pairs}}
    if "ellipsoid" in gate:
        return {"distance2": gate["distance2"] / 2}
    return {"above": {axis: 1.5 * abs(value) + 1 for axis, value in gate["above"].items()}} if "above" in gate else {}


# ------------------------------------------------------------------------------------------------------- real files


def check(strategy: Strategy, sample: Sample, **context: Any) -> list[str]:
    """Return what the engines disagree on for a file; it is decoded beforehand, and as it is gated."""
    reference = strategy.gate(sample, engine="reference", **context)
    found = differences(strategy.gate(sample, engine="fused", **context), reference)
    return found + differences(strategy.gate(read_fcs(sample.path, lazy=True), threads=2, **context), reference)


def workspaces(data_dir: Path) -> Iterator[tuple[Strategy, Path, str]]:
    """Yield strategy, file and sample of every FlowJo sample whose file is there."""
    for path in sorted([*data_dir.glob("flowatlas/*/*.wsp"), *data_dir.glob("flowjo_simple/*.wsp")]):
        strategy = import_workspace(path, partial=True).strategy
        for sample, file in match_files(parse_workspace(path), path.parent).pairs:
            yield strategy, file, sample.key


@pytest.mark.parametrize("counts", ["exact", "flowjo"])
def test_flowjo_workspaces(data_dir: Path, counts: Any) -> None:
    found = {}
    for of, file, key in workspaces(data_dir):
        found[file.name, key] = check(of.with_counts(counts), read_fcs(file), id=key)
    assert len(found) > 13
    assert {name: what for name, what in found.items() if what} == {}


def test_the_official_set_of_gatingml(data_dir: Path) -> None:
    sample = read_fcs(data_dir / "gatingml2" / "data1.fcs")
    found = {}
    for path in sorted((data_dir / "gatingml2" / "gml").glob("*.xml")):
        if path.stem != "gml_range_gate_attr_testing":  # against the standard
            found[path.stem] = check(read_gatingml(path).strategy, sample)
    assert len(found) == 46
    assert {name: what for name, what in found.items() if what} == {}


def test_every_other_file(data_dir: Path) -> None:
    found = {}
    for path in sorted(file for file in data_dir.rglob("*") if file.suffix in (".fcs", ".lmd", ".001")):
        try:
            sample = read_fcs(path)
        except FcsError:
            continue
        found[path.name] = check(strategy_for(sample), sample)
    assert len(found) > 30
    assert {name: what for name, what in found.items() if what} == {}


@pytest.mark.parametrize("name", shipped())
def test_shipped_strategies_on_the_example(name: str) -> None:
    controls = {"FoxP3": read_fcs(EXAMPLE / "B1_FMO_FoxP3.fcs")}
    sample = read_fcs(EXAMPLE / "P01_D8.fcs")
    assert check(Strategy.load(name), sample, controls=controls, batch="B1", id="P01_D8") == []


def test_the_strategy_of_the_example_with_its_overrides() -> None:
    strategy = Strategy.load(EXAMPLE / "treg.yaml", overrides=EXAMPLE / "overrides.yaml")
    for batch, subject in (("B1", "P01"), ("B2", "P09")):
        controls = {"FoxP3": read_fcs(EXAMPLE / f"{batch}_FMO_FoxP3.fcs")}
        for visit in ("D0", "D8"):
            sample = read_fcs(EXAMPLE / f"{subject}_{visit}.fcs")
            found = check(strategy, sample, controls=controls, batch=batch, id=f"{subject}_{visit}")
            assert found == [], sample.file
