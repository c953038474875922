"""Whether both engines find the same events, and FlowKit the same off the edges, on random strategies and events.

Each of 200 random strategies gates 50,000 random events, which lie on vertices and edges, are NaN or infinite, 1e-30
or 1e30 (`tests/builders_engines.py`); a seed makes a case again. Membership, counts, frequencies, MFI, findings and
values of the fused engine must be those of the reference, bit for bit, from memory and from a file as it is decoded, on
one thread and on two. On 20 further strategies, of what FlowKit can do, its membership must be ours. There an event at
an edge is left aside: one whose answer changes, in the gate or in what the gate depends on, if it is moved by 1e-6 of
an axis.
"""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from collections import Counter
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common import arguments, head, table, write
from tregflow.gates import Boolean
from tregflow.interop.gatingml import write_gatingml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.builders_engines import differences, gated_by, random_case

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray
    from tests.builders_engines import Case

    from tregflow.gates import Ellipsoid, Polygon, Rectangle
    from tregflow.populations import Gated

    Masks = Mapping[str, NDArray[np.bool_]]

WAYS = ({}, {"threads": 2}, {"lazy": True}, {"lazy": True, "threads": 2})
"""How the fused engine is given a sample; without a file a lazy one is the sample itself."""
AT_EDGE = 1e-6
PEERS = ("flowkit",)


def main() -> None:
    """Compare, print, write; fail where anything differs."""
    given = arguments(__doc__ or "", _more, needs_data=False)
    strategies, events, peers = (25, 20_000, 4) if given.quick else (given.strategies, given.events, given.peers)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        engines = compare_engines(range(given.seed, given.seed + strategies), events, folder)
        flowkit = compare_flowkit(range(given.seed, given.seed + peers), events, folder)
    result = head("equality", PEERS) | {"engines": engines, "flowkit": flowkit}
    report(result)
    print(f"{time.perf_counter() - start:.0f} s")
    write(result, given.json)
    sys.exit(1 if engines["different"] or flowkit["different"] else 0)


def _more(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--strategies", type=int, default=200, help="random strategies for the two engines")
    parser.add_argument("--events", type=int, default=50_000, help="random events for each")
    parser.add_argument("--peers", type=int, default=20, help="random strategies for FlowKit")
    parser.add_argument("--seed", type=int, default=0, help="of the first case")


# --------------------------------------------------------------------------------------------------------- engines


def compare_engines(seeds: Iterable[int], n_events: int, folder: Path) -> dict[str, Any]:
    """Return what was compared, and every difference with the seed of its case."""
    different, done = [], Counter[str]()
    rules, kinds = Counter[str](), Counter[str]()
    for seed in seeds:
        case = random_case(seed, n_events=n_events, folder=folder)
        reference = gated_by(case, "reference")
        for way in WAYS:
            if way.get("lazy") and case.sample.path is None:
                continue
            found = attempt(case, reference, way)
            different += [{"seed": seed, "kind": case.kind, **way, "what": text} for text in found]
            done["passes"] += 1
            done["memberships"] += case.sample.n_events * len(reference.masks)
        done["strategies"] += 1
        done["events"] += case.sample.n_events
        done["populations"] += len(reference.masks) - 1
        rules.update(gate.rules[0] for gate in case.strategy.spec.gates.values())
        kinds[case.kind] += 1
        if case.sample.path is not None:
            case.sample.path.unlink()
    return {**done, "gates": dict(rules), "stored": dict(kinds), "different": different}


def attempt(case: Case, reference: Gated, way: Mapping[str, Any]) -> list[str]:
    """Return in what the fused engine differs; an error is a difference, too."""
    try:
        return differences(gated_by(case, "fused", **way), reference)
    except Exception as error:  # noqa: BLE001 - the seed is what helps
        return [f"{type(error).__name__}: {error}"]


# --------------------------------------------------------------------------------------------------------- FlowKit


def compare_flowkit(seeds: Iterable[int], n_events: int, folder: Path) -> dict[str, Any]:
    """Return how many populations FlowKit finds as we do off the edges, and the others with the seed of their case."""
    different, done = [], Counter[str]()
    for seed in seeds:
        case = random_case(seed, n_events=n_events, folder=folder, peers=True)
        ours = gated_by(case, "fused")
        theirs = with_flowkit(case, folder / f"{seed}.xml")
        edges = at_edges(gated_by(case, "reference"))
        for name, found in theirs.items():
            off = ours.masks[name].defined & ~edges[name]
            wrong = int(np.count_nonzero((found != ours[name]) & off))
            done["populations"] += 1
            done["equal"] += not wrong
            done["compared"] += int(np.count_nonzero(off))
            done["at_edge"] += int(np.count_nonzero(edges[name]))
            if wrong:
                different.append({"seed": seed, "population": name, "events": wrong})
        done["strategies"] += 1
        done["events"] += case.sample.n_events
    return {**done, "different": different}


def with_flowkit(case: Case, gates: Path) -> Masks:
    """Return who is in which population, by FlowKit."""
    import flowkit

    write_gatingml(gates, case.strategy, sample=case.sample)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        result = flowkit.parse_gating_xml(str(gates)).gate_sample(flowkit.Sample(str(case.sample.path)))
        return {name: np.asarray(result.get_gate_membership(name)) for name in case.strategy.spec.gates}


def at_edges(gated: Gated) -> Masks:
    """Return the events of each population whose answer, there or above, changes if they are moved a little."""
    edges = {"root": np.zeros(gated.sample.n_events, dtype=bool)}
    for name, gate in gated.gates.items():
        above = edges[gate.parent]
        if isinstance(gate, Boolean):
            edges[name] = np.logical_or.reduce([above, *(edges[operand] for operand, _ in gate.operands)])
        else:
            edges[name] = above | _moved(gate, gated)
    return edges


def _moved(gate: Polygon | Rectangle | Ellipsoid, gated: Gated) -> NDArray[np.bool_]:
    stays, found = gate.evaluate(gated.values).inside, np.zeros(gated.sample.n_events, dtype=bool)
    at = {axis: scale.apply(gated.values(axis)) for axis, scale in zip(gate.axes, gate.scales, strict=True)}
    moved = {
        (axis, step): scale.inverse(at[axis] + step) if step else gated.values(axis)
        for axis, scale in zip(gate.axes, gate.scales, strict=True)
        for step in (-AT_EDGE, 0.0, AT_EDGE)
    }
    for steps in product((-AT_EDGE, 0.0, AT_EDGE), repeat=len(gate.axes)):
        by_axis = dict(zip(gate.axes, steps, strict=True))
        found |= gate.evaluate(lambda axis, by_axis=by_axis: moved[axis, by_axis[axis]]).inside != stays
    return found


def report(result: Mapping[str, Any]) -> None:
    """Print what was compared and what differs."""
    engines, peer = result["engines"], result["flowkit"]
    print(
        f"fused and reference: {engines['strategies']} strategies, {engines['populations']} populations, "
        f"{engines['events']:,} events, {engines['passes']} passes: {len(engines['different'])} differences"
    )
    print(
        f"fused and FlowKit: {peer['strategies']} strategies, {peer['populations']} populations, of which "
        f"{peer['equal']} are equal off the edges; {peer['compared']:,} memberships compared, {peer['at_edge']:,} on"
    )
    for rows in (engines["different"], peer["different"]):
        if rows:
            columns = tuple(dict.fromkeys(key for row in rows for key in row))
            table(columns, [tuple(row.get(column, "") for column in columns) for row in rows[:50]])


if __name__ == "__main__":
    main()
