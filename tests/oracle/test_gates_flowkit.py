"""Gates against FlowKit on a million events, and against the published Gating-ML 1.5 compliance tests.

FlowKit leaves out a polygon's boundary on two sides, where Gating-ML 2.0 (5.2.1) takes it in: so it is an oracle for
events off the edges only, and the published truth files are the oracle for those on them.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import flowio
import flowkit
import numpy as np
import pandas as pd
import pytest
from flowutils.gating import points_in_polygon

from tregflow._kernels import in_polygon
from tregflow.gates import Boolean, Ellipsoid, Mask, Polygon, Rectangle
from tregflow.interop.xml import parse_xml
from tregflow.transforms import Asinh, FlowJoBiex, Linear, Logicle, Scale

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tregflow.gates import Values

N = 1_000_000
LINEAR = (Linear(), Linear())


# -------------------------------------------------------------------------------------------- a million events


@pytest.mark.parametrize("n_vertices", [3, 5, 20, 128])
def test_polygons_of_a_million_random_events_equal_flowutils(n_vertices: int) -> None:
    rng = np.random.default_rng(n_vertices)
    events = rng.random((N, 2))
    vertices = rng.random((n_vertices, 2))  # crosses itself many times
    ours = in_polygon(*events.T, *vertices.T)
    assert (ours == points_in_polygon(vertices, events)).all()
    assert 0.01 < ours.mean() < 0.99


def test_the_boundary_is_inside_where_flowkit_leaves_it_out() -> None:
    x, y = (axis.ravel().astype(float) for axis in np.meshgrid(np.arange(11), np.arange(11)))
    square = np.array([(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)])
    assert in_polygon(x, y, *square.T).sum() == 121
    assert points_in_polygon(square, np.column_stack([x, y])).sum() == 100


# Lymphocytes by scatter > CD4 by a rectangle > Tregs by a polygon; scales of every kind among them.
NAMES = ["FSC-A", "SSC-A", "CD3", "CD4", "CD25", "CD127"]
SCALES: dict[str, Scale] = {
    "FSC-A": Linear(),
    "SSC-A": Asinh(t=262144, m=4.5, a=0.5),
    "CD3": Logicle(),
    "CD4": FlowJoBiex(width=-10),
    "CD25": Logicle(w=0.8),
    "CD127": Logicle(w=1.0, a=0.5),
}
LYMPHOCYTES = Polygon(
    id="Lymphocytes",
    parent="root",
    channels=("FSC-A", "SSC-A"),
    points=((4e4, 5e2), (1.5e5, 3e2), (1.7e5, 6e4), (9e4, 9.1e4), (3.3e4, 2e4)),
    scales=(SCALES["FSC-A"], SCALES["SSC-A"]),
)
CD4 = Rectangle(id="CD4", parent="Lymphocytes", bounds=(("CD3", 800.0, None), ("CD4", 300.0, 60_000.0)))
TREG = Polygon(
    id="Treg",
    parent="CD4",
    channels=("CD25", "CD127"),
    points=((900.0, -150.0), (2e5, -420.5), (2.4e5, 3e3), (2e4, 1.1e3), (2.5e3, 650.0)),
    scales=(SCALES["CD25"], SCALES["CD127"]),
)


def cells() -> dict[str, NDArray[np.float64]]:
    """Return a million events: float32 values, as a file holds them, in float64."""
    rng = np.random.default_rng(20)
    scatter = {name: rng.uniform(0, 262144, N) for name in NAMES[:2]}
    stains = {
        name: np.where(rng.random(N) < 0.3, rng.normal(0, 300, N), rng.lognormal(8, 1.8, N)) for name in NAMES[2:]
    }
    return {name: column.astype(np.float32).astype(np.float64) for name, column in (scatter | stains).items()}


def ours(columns: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.bool_]]:
    passed: dict[str, NDArray[np.bool_]] = {"root": np.ones(N, bool)}
    for gate in (LYMPHOCYTES, CD4, TREG):
        passed[gate.id] = passed[gate.parent] & gate.evaluate(columns.__getitem__).inside
    return passed


def dimension(name: str, low: float | None = None, high: float | None = None) -> Any:
    """Return FlowKit's dimension: its bounds are positions on the scale, on FlowJo's axis channels 0 to 4096."""
    unit = 4096.0 if SCALES[name].kind == "biex" else 1.0
    ends = (None if end is None else float(SCALES[name].apply(end)) * unit for end in (low, high))
    return flowkit.Dimension(name, "uncompensated", name, *ends)


def theirs(columns: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.bool_]]:
    strategy = flowkit.GatingStrategy()
    transforms = flowkit.transforms
    peers = {
        "FSC-A": transforms.LinearTransform(262144, 0),
        "SSC-A": transforms.AsinhTransform(262144, 4.5, 0.5),
        "CD3": transforms.LogicleTransform(262144, 0.5, 4.5, 0),
        "CD4": transforms.WSPBiexTransform(0, -10, 4.418539922, 262144),
        "CD25": transforms.LogicleTransform(262144, 0.8, 4.5, 0),
        "CD127": transforms.LogicleTransform(262144, 1.0, 4.5, 0.5),
    }
    for name, peer in peers.items():
        strategy.add_transform(name, peer)
    path: tuple[str, ...] = ("root",)
    for gate in (LYMPHOCYTES, CD4, TREG):
        if isinstance(gate, Polygon):
            x_and_y = (
                scale.apply(column) for scale, column in zip(gate.scales, zip(*gate.points, strict=True), strict=True)
            )
            dimensions = [dimension(name) for name in gate.channels]
            peer = flowkit.gates.PolygonGate(gate.id, dimensions, np.column_stack(list(x_and_y)))
        else:
            dimensions = [dimension(name, *ends) for name, *ends in gate.bounds]
            peer = flowkit.gates.RectangleGate(gate.id, dimensions)
        strategy.add_gate(peer, path)
        path = (*path, gate.id)
    table = np.column_stack([columns[name] for name in NAMES])
    result = strategy.gate_sample(flowkit.Sample(table, sample_id="cells", channel_labels=NAMES))
    return {gate.id: result.get_gate_membership(gate.id) for gate in (LYMPHOCYTES, CD4, TREG)}


def test_a_hierarchy_of_a_million_events_equals_flowkit() -> None:
    columns = cells()
    passed, peer = ours(columns), theirs(columns)
    for name, membership in peer.items():
        assert (passed[name] == membership).all(), name
    counts = [int(passed[gate.id].sum()) for gate in (LYMPHOCYTES, CD4, TREG)]
    assert N > counts[0] > counts[1] > counts[2] > 5_000


def test_rectangles_of_a_million_events_equal_flowkit() -> None:
    columns = cells()
    for low, high in ((300.0, None), (None, 9000.0), (-200.0, 5000.0)):
        gate = Rectangle(id="R", parent="root", bounds=(("CD25", low, high), ("CD127", -100.0, None)))
        positions = {name: SCALES[name].apply(columns[name]) for name in gate.axes}
        peer = flowkit.gates.RectangleGate("R", [dimension(name, *ends) for name, *ends in gate.bounds])
        membership = peer.apply(pd.DataFrame(positions))
        assert (gate.evaluate(columns.__getitem__).inside == membership).all()
        assert 0 < membership.sum() < N


@pytest.mark.parametrize("names", [("CD25", "CD127"), ("CD3", "CD25", "CD127"), ("FSC-A", "SSC-A", "CD3", "CD4")])
def test_ellipsoids_of_a_million_events_equal_flowkit(names: tuple[str, ...]) -> None:
    columns = cells()
    scales = [SCALES[name] for name in names]
    table = np.column_stack([scale.apply(columns[name]) for scale, name in zip(scales, names, strict=True)])
    root = np.random.default_rng(len(names)).normal(size=(len(names), len(names) + 1)) * 0.1
    covariance, mean = root @ root.T, table.mean(axis=0)
    gate = Ellipsoid(
        id="E",
        parent="root",
        channels=names,
        mean=mean,  # type: ignore[arg-type]
        covariance=covariance,  # type: ignore[arg-type]
        distance2=2.0,
        scales=tuple(scales),
    )
    dimensions = [flowkit.Dimension(name, "uncompensated", name) for name in names]
    peer = flowkit.gates.EllipsoidGate("E", dimensions, mean, covariance, 2.0)
    membership = peer.apply(pd.DataFrame(table, columns=names))
    assert (gate.evaluate(columns.__getitem__).inside == membership).all()
    assert 10_000 < membership.sum() < N - 10_000


# ------------------------------------------------------------------------ Gating-ML 1.5 compliance tests: geometry

G = "{http://www.isac-net.org/std/Gating-ML/v1.5/gating}"
D = "{http://www.isac-net.org/std/Gating-ML/v1.5/datatypes}"

Evaluated = dict[str, Mask]


@pytest.fixture(scope="module")
def compliance(data_dir: Path) -> Path:
    return data_dir / "gatingml15"


def columns_of(file: Path) -> Values:
    """Return the recorded channel values, as these tests want them: neither linearised nor divided by a gain."""
    data = flowio.FlowData(file)
    table = data.as_array(preprocess=False)
    return dict(zip(data.pnn_labels, table.T, strict=True)).__getitem__


def evaluate_set(compliance: Path, name: str, file: str) -> Evaluated:
    """Return the mask of every gate of a set; a small reader of rectangles, polygons and combinations."""
    values = columns_of(compliance / "events" / file)
    masks: Evaluated = {}
    for element in parse_xml(compliance / "gates" / f"{name}.xml"):
        if isinstance(element.tag, str):  # comments have none
            evaluate_element(element, element.get(f"{G}id"), values, masks)
    return masks


def evaluate_element(element: Any, gate_id: str, values: Values, masks: Evaluated) -> str:
    """Put the mask of a gate, and of the gates within it, into `masks`; return its id."""
    if element.tag == f"{G}PolygonGate":
        masks[gate_id] = polygon(element, gate_id).evaluate(values)
    elif element.tag == f"{G}RectangleGate":
        masks[gate_id] = rectangle(element, gate_id).evaluate(values)
    elif element.tag == f"{G}BooleanGate":
        (node,) = element
        operands = tuple((operand(child, f"{gate_id}/{i}", values, masks), False) for i, child in enumerate(node))
        operator: Any = {"and": "all", "or": "any", "not": "not"}[node.tag.split("}")[1]]
        masks[gate_id] = Boolean(id=gate_id, parent="root", operator=operator, operands=operands).evaluate(masks)
    else:
        pytest.fail(f"{gate_id}: {element.tag} is not read here")
    return gate_id


def operand(element: Any, fallback: str, values: Values, masks: Evaluated) -> str:
    """Return the id of what a combination refers to, or of the gate that it holds in line."""
    if element.tag == f"{G}gateReference":
        return str(element.get(f"{G}ref"))
    return evaluate_element(element, element.get(f"{G}id") or fallback, values, masks)


def axis(element: Any) -> str:
    return str(element.find(f"{D}parameter").get(f"{D}name"))


def polygon(element: Any, gate_id: str) -> Polygon:
    x, y = (axis(entry) for entry in element.findall(f"{G}dimension"))
    vertices = [[float(at.get(f"{D}value")) for at in vertex] for vertex in element.findall(f"{G}vertex")]
    points = tuple((px, py) for px, py in vertices)
    return Polygon(id=gate_id, parent="root", channels=(x, y), points=points, scales=LINEAR)


def rectangle(element: Any, gate_id: str) -> Rectangle:
    ends = [[entry.get(f"{G}{end}") for end in ("min", "max")] for entry in element.findall(f"{G}dimension")]
    names = [axis(entry) for entry in element.findall(f"{G}dimension")]
    bounds = [
        (name, None if low is None else float(low), None if high is None else float(high))
        for name, (low, high) in zip(names, ends, strict=True)
    ]
    return Rectangle(id=gate_id, parent="root", bounds=tuple(bounds))


@pytest.mark.parametrize(
    ("name", "n_gates"),
    [("01Rectangular", 14), ("04PolygonGates", 20), ("05CtSPolygonGates", 11), ("14BooleanGates", 25)],
)
def test_published_gates_hold_exactly_the_published_events(compliance: Path, name: str, n_gates: int) -> None:
    with (compliance / "summary.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["Set"] == name]
    assert len(rows) == n_gates
    masks = {file: evaluate_set(compliance, name, file) for file in {row["Data File"] for row in rows}}
    for row in rows:
        gate_id, *expected = (compliance / "expected" / name / f"{row['Gate ID']}.txt").read_text().split()
        inside = masks[row["Data File"]][gate_id].inside
        assert inside.astype(int).tolist() == [int(flag) for flag in expected], gate_id
        assert inside.sum() == int(row["Events Inside"]), gate_id
