"""What is timed: ours and the peers' way to the same result. A group is a function that returns cases."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from speed_data import CHOSEN, FLUORESCENT
from tregflow import Logicle, Spillover, Strategy
from tregflow.fcs import read_fcs
from tregflow.fcs.words import threads_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from speed_data import Prepared


@dataclass(frozen=True)
class Case:
    """A thing to do, in several ways.

    Attributes
    ----------
    name : str
        As in the JSON.
    ours : callable
        Does it with tregflow; what it returns is compared with what the peers return.
    peers : mapping of str to callable
        Name of the peer -> the same with the peer.
    equal : callable
        Tells whether the two results agree; ``equal_counts`` in the JSON.
    threads : int
        Threads of ours.
    apart : bool
        Whether it runs in processes of its own, whose memory counts.
    """

    name: str
    ours: Callable[[], Any]
    peers: Mapping[str, Callable[[], Any]]
    equal: Callable[[Any, Any], bool]
    threads: int = 1
    apart: bool = False


def reading(data: Prepared) -> list[Case]:
    """Return the cases of reading: all channels, into memory that is there already, and eight channels."""
    path = str(data.fcs)
    out = np.zeros_like(data.table)
    chosen = [data.sample.names.index(name) for name in CHOSEN]
    threads = threads_for(data.table.nbytes)
    whole = {**_peers_read(path), **_flowcal_read(path)}
    some = {name: lambda read=read: read()[:, chosen] for name, read in whole.items()}

    def into() -> Any:
        read_fcs(path, out=out)
        return out

    def columns(names: tuple[str, ...] | None = None) -> Any:
        return read_fcs(path, channels=names).columns

    return [
        Case("read_all", columns, whole, _same_columns, threads),
        Case("read_all_into", into, whole, np.array_equal, threads),
        Case("read_8_channels", lambda: columns(CHOSEN), some, _same_columns, threads_for(data.table.nbytes * 8 // 20)),
    ]


def computing(data: Prepared) -> list[Case]:
    """Return the cases of arithmetic on whole columns: compensation, logicle, polygons."""
    import flowutils
    from matplotlib.path import Path as Outline

    from tregflow._kernels import in_polygon

    table = data.table.astype(np.float64)
    matrix = Spillover.from_sample(data.sample)
    x, y = np.ascontiguousarray(table[:, data.fluorescent[:2]].T)
    both, one = np.column_stack([x, y]), np.ascontiguousarray(x[:, None])
    cases = [
        Case(
            "compensate",
            lambda: [matrix.compensated(data.sample, name) for name in FLUORESCENT],
            {"FlowUtils": lambda: flowutils.compensate.compensate(table, data.spill, data.fluorescent)},
            lambda ours, peer: np.allclose(np.array(ours).T, peer[:, data.fluorescent], rtol=1e-9, atol=1e-6),
        ),
        Case(
            "logicle",
            lambda: Logicle().apply(x),
            {"FlowUtils": lambda: flowutils.transforms.logicle(one, [0])},
            lambda ours, peer: np.allclose(ours, np.ravel(peer), rtol=0, atol=1e-14),
        ),
    ]
    at = Logicle().apply(both)
    columns = np.ascontiguousarray(at.T)
    for n_vertices in (5, 200):
        points = _outline(n_vertices, np.median(at, axis=0))
        cases.append(
            Case(
                f"polygon_{n_vertices}",
                lambda points=points: in_polygon(*columns, *points.T),
                {
                    "FlowUtils": lambda points=points: flowutils.gating.points_in_polygon(points, at),
                    "matplotlib": lambda points=points: Outline(points, closed=False).contains_points(at),
                },
                np.array_equal,
            )
        )
    return cases


def gating(data: Prepared) -> list[Case]:
    """Return the case of ten polygon gates on a sample in memory, compensation and scales included."""
    import flowkit

    strategy = Strategy.load(data.strategy)
    peer_sample = flowkit.Sample(str(data.fcs), sample_id="speed")
    peer = flowkit.parse_gating_xml(str(data.gatingml))

    def ours() -> dict[str, int]:
        gated = strategy.gate(data.sample)
        return {name: int(np.count_nonzero(mask.inside)) for name, mask in gated.masks.items() if name != "root"}

    def theirs() -> dict[str, int]:
        report = peer.gate_sample(peer_sample).report
        return {name: int(count) for name, count in zip(report.gate_name, report["count"], strict=True)}

    return [Case("hierarchy", ours, {"FlowKit": theirs}, dict.__eq__)]


def _peers_read(path: str) -> dict[str, Callable[[], Any]]:
    import flowio
    import flowkit

    return {
        "FlowIO": lambda: flowio.FlowData(path).as_array(),
        "FlowKit": lambda: _quietly(lambda: flowkit.Sample(path).get_events(source="raw")),
    }


def _flowcal_read(path: str) -> dict[str, Callable[[], Any]]:
    if find_spec("FlowCal") is None:
        return {}
    import FlowCal

    return {"FlowCal": lambda: np.asarray(FlowCal.io.FCSData(path))}


def _quietly(action: Callable[[], Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return action()


def _same_columns(ours: Mapping[str, Any], peer: Any) -> bool:
    return all(np.array_equal(column, peer[:, index]) for index, column in enumerate(ours.values()))


def _outline(n_vertices: int, centre: Any) -> Any:
    """Return a polygon on the logicle scale whose edges run through the largest cloud of events."""
    turn = np.linspace(0, 2 * np.pi, n_vertices, endpoint=False)
    radius = 0.1 + 0.01 * np.cos(7 * turn)
    return centre + np.column_stack([radius * np.cos(turn), radius * np.sin(turn)])
