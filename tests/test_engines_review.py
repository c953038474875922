"""Places where a screen, or what follows it, could part from the reference: each was found by looking for it."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.builders_engines import differences, gated_by, random_case

from tregflow.errors import StrategyError
from tregflow.fcs import Sample, read_fcs, write_fcs
from tregflow.strategy import Strategy

if TYPE_CHECKING:
    from pathlib import Path

    from tregflow.populations import Gated


def strategy_of(gates: dict[str, Any], **more: Any) -> Strategy:
    data = {"tregflow": 1, "name": "t", "compensation": "none", "gates": gates, "report": {}, **more}
    return Strategy.from_data(data, name="t")


def both(strategy: Strategy, sample: Sample, **way: Any) -> list[str]:
    return differences(strategy.gate(sample, **way), strategy.gate(sample, engine="reference"))


def test_an_event_one_step_beside_a_vertex_is_outside() -> None:
    x, y = (
        (86451.1469080441, 242063.2113425235, 207482.75257930584, 164257.1791252838),
        (114688.0, 24576.0, 24576.0, 9e4),
    )
    strategy = strategy_of({"G": {"polygon": ["A", "B"], "points": [list(point) for point in zip(x, y, strict=True)]}},
                           scales={"A": "linear", "B": "linear"})  # fmt: skip
    ex = np.array([value for vertex in x for value in (np.nextafter(vertex, 0), vertex, np.nextafter(vertex, np.inf))])
    sample = Sample.from_columns("a.fcs", {"A": np.tile(ex, 4), "B": np.repeat(np.array(y), 12)})
    assert both(strategy, sample) == []


def test_a_seed_that_held_such_an_event(tmp_path: Path) -> None:
    case = random_case(500456, n_events=1500, folder=tmp_path)
    assert differences(gated_by(case, "fused"), gated_by(case, "reference")) == []


def test_an_ellipsoid_that_is_nearly_flat() -> None:
    covariance = [
        [1.0, -0.7993956009467201, -0.11624067652500489],
        [-0.7993956009467201, 1.0, -0.5038099141795958],
        [-0.11624067652500489, -0.5038099141795958, 1.0000000000000002],
    ]
    gate = {"ellipsoid": ["A", "B", "C"], "mean": [-1.0, -1.0, -1.0], "covariance": covariance, "distance2": 1.0}
    strategy = strategy_of({"E": gate}, scales={name: {"linear": {"t": 1.0}} for name in "ABC"})
    beyond = 1 + 10 ** np.random.default_rng(1).uniform(-9.5, -7, 4000)  # of the box, along the first axis
    columns = {name: -1 + row[0] * beyond for name, row in zip("ABC", covariance, strict=True)}
    columns["A"] = columns["A"].astype(np.float32).astype(np.float64)
    assert both(strategy, Sample.from_columns("a.fcs", columns)) == []


@pytest.mark.parametrize("gain", [1e-44, 1e-38, 1e44, 1e250])
def test_gains_that_float32_has_no_room_for(gain: float) -> None:
    rng = np.random.default_rng(2)
    values = rng.uniform(-2e30, 2e30, 4000)
    strategy = strategy_of(
        {"G": {"above": {"x": float(gain * 1e30)}}},
        dimensions={"x": {"channel": "A", "gain": gain}}, scales={"x": {"linear": {"t": 1.0, "a": 0.0}}},
    )  # fmt: skip
    assert both(strategy, Sample.from_columns("a.fcs", {"A": values})) == []


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    rng = np.random.default_rng(3)
    columns = {name: rng.uniform(0, 1000, 5000).astype(np.float32) for name in "ABCDE"}
    write_fcs(tmp_path / "a.fcs", Sample.from_columns("a.fcs", columns))
    return tmp_path / "a.fcs"


TWO = {"G": {"above": {"B": 500.0}}, "H": {"in": "G", "below": {"D": 300.0}}}


def moved_as_gated_anew(gated: Gated) -> list[str]:
    moved = gated.update(gate="G", above={"B": 450.0})
    return differences(moved, moved.strategy.gate(gated.sample, engine="reference"))


def test_a_gate_is_moved_on_columns_of_an_array_that_was_given(stored: Path) -> None:
    sample = read_fcs(stored, out=np.empty((5000, 5), np.float32))
    assert moved_as_gated_anew(strategy_of(TWO).gate(sample)) == []


@pytest.mark.parametrize(
    "cut",
    [
        lambda block: {name: block[place, ::2] for place, name in enumerate("ABCD")},
        lambda block: {name: np.asfortranarray(block)[place, :500] for place, name in enumerate("ABCD")},
        lambda block: {
            name: np.frombuffer(block[place].tobytes(), np.float32)[:500] for place, name in enumerate("ABCD")
        },
    ],
)
def test_a_gate_is_moved_on_columns_that_are_views(cut: Any) -> None:
    block = np.random.default_rng(4).uniform(0, 1000, (4, 1000)).astype(np.float32)
    template = Sample.from_columns("a.fcs", {name: np.zeros(500, np.float32) for name in "ABCD"})
    sample = Sample(template.file, None, "3.1", template.keywords, template.channels, 500, columns=cut(block))
    assert moved_as_gated_anew(strategy_of(TWO).gate(sample)) == []


def test_a_gate_that_is_moved_decodes_what_it_looks_at(stored: Path) -> None:
    sample = read_fcs(stored, lazy=True)
    gated = strategy_of(TWO).gate(sample)
    gated.update(gate="G", above={"B": 450.0})
    assert set(gated.sample.columns.odd) <= {"B", "D"}


def test_more_threads_than_events() -> None:
    sample = Sample.from_columns("a.fcs", {"B": [1.0, 600.0], "D": [1.0, 2.0]})
    assert both(strategy_of(TWO), sample, threads=9) == []


def test_a_median_that_leaves_the_window_of_the_first_events() -> None:
    drifting = np.concatenate([np.full(40_000, 10.0), np.full(200_000, 1000.0)]).astype(np.float32)
    drifting += np.random.default_rng(5).uniform(0, 1, drifting.size).astype(np.float32)
    strategy = strategy_of({"G": {"above": {"B": 0.0}}}, mfi={"G": ["B"], "root": ["B"]})
    for threads in (1, 2):
        assert both(strategy, Sample.from_columns("a.fcs", {"B": drifting}), threads=threads) == []


def test_errors_of_engine_and_update(stored: Path) -> None:
    strategy = strategy_of(TWO)
    gated = strategy.gate(read_fcs(stored))
    with pytest.raises(StrategyError) as caught:
        strategy.gate(gated.sample, engine="quick")  # type: ignore[arg-type]
    assert str(caught.value) == "there is no engine 'quick'\n  available  fused, reference"
    for call in (lambda: strategy.gate(gated.sample, threads=0), lambda: gated.update(gate="G", threads=0)):
        with pytest.raises(StrategyError) as caught:
            call()
        assert str(caught.value) == "threads is 0\n  expected   1 thread or more"
    with pytest.raises(StrategyError) as caught:
        gated.update(gate="X", above={"B": 1.0})
    assert str(caught.value) == "t: there is no gate 'X'\n  available  G, H"
    with pytest.raises(StrategyError) as caught:
        gated.update(gate="G", above={"D": 1.0})
    assert str(caught.value) == (
        "t: the gate 'G' would hang elsewhere, or look at other axes\n"
        "  expected   other numbers for the same axes, parent and operands\n"
        "  remedy     change the strategy, and gate the sample by it"
    )


def test_a_gate_without_its_control_cannot_be_moved(stored: Path) -> None:
    gates = {**TWO, "F": {"above": {"A": {"fmo": "A", "quantile": 0.99}}}}
    gated = strategy_of(gates).gate(read_fcs(stored))
    with pytest.raises(StrategyError) as caught:
        gated.update(gate="F", above={"A": 1.0})
    assert str(caught.value) == (
        "t: the gate 'F' is missing in this sample: there is no FMO control for A (role fmo:A)\n"
        "  remedy     change the strategy, and gate the sample by it"
    )
    with pytest.raises(StrategyError) as caught:
        gated.update(gate="G", above={"B": {"fmo": "A", "quantile": 0.99}})
    assert str(caught.value) == (
        "t: the gate 'G' would be placed by a control\n  expected   numbers\n"
        "  remedy     change the strategy, and gate the sample with its controls"
    )


def test_what_was_gated_crosses_processes(stored: Path) -> None:
    gated = strategy_of(TWO).gate(read_fcs(stored, lazy=True), masks=False)
    again = pickle.loads(pickle.dumps(gated.masks))
    assert {name: mask.inside.sum() for name, mask in again.items()} == dict(gated.counts)


def test_a_sample_that_was_pickled_can_be_moved(stored: Path) -> None:
    sample = pickle.loads(pickle.dumps(read_fcs(stored), protocol=4))
    assert moved_as_gated_anew(strategy_of(TWO).gate(sample)) == []


def test_the_reference_gives_a_lazy_sample_its_hash(stored: Path) -> None:
    sample = read_fcs(stored, lazy=True, sha256=True)
    assert strategy_of(TWO).gate(sample, engine="reference").sample.sha256 == read_fcs(stored, sha256=True).sha256
