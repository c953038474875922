"""What we write as Gating-ML: valid by the standard's schema, and read by FlowKit to equal counts.

FlowKit leaves out a polygon's boundary on two sides, so that polygons are compared on values off the edges.
"""

from __future__ import annotations

import warnings
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import flowkit
import numpy as np
import pytest
from lxml import etree  # noqa: TID251 - the schema needs a validator
from tests.test_gatingml_write import NATIVE, SCALES, everything, polygons, rectangles, strategy

from tregflow.fcs import Sample, read_fcs, write_fcs
from tregflow.interop.gatingml import read_gatingml, write_gatingml
from tregflow.strategy import Strategy
from tregflow.transforms import scale_to_spec

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray


@pytest.fixture(scope="module")
def schema() -> Any:
    """Return the schema of Gating-ML 2.0, which FlowKit brings along."""
    with (files("flowkit") / "_resources" / "Gating-ML.v2.0.xsd").open("rb") as file:
        return etree.XMLSchema(etree.parse(file))


def with_flowkit(gates: Path, fcs: Path, names: Iterable[str]) -> dict[str, NDArray[np.bool_]]:
    """Return who is in which gate, by FlowKit, for ids in the file."""
    peer = flowkit.parse_gating_xml(str(gates))
    with (
        fcs.open("rb") as stream,
        warnings.catch_warnings(),
    ):  # ours to close: FlowIO leaves a file open that it refuses at first
        warnings.simplefilter("ignore")
        sample = flowkit.Sample(stream, sample_id=fcs.name, ignore_offset_error=True)
    with np.errstate(all="ignore"):  # it takes logarithms of what has none
        result = peer.gate_sample(sample)
    return {name: result.get_gate_membership(name) for name in names}


def written(given: Strategy, folder: Path) -> tuple[Path, dict[str, str]]:
    """Write a strategy; return the file, and id in the file -> id in the strategy."""
    path = folder / "s.xml"
    write_gatingml(path, given)
    text = path.read_text(encoding="utf-8")
    (folder / "bare.xml").write_text(text[: text.index("<data-type:custom_info>")] + "</gating:Gating-ML>")
    bare = read_gatingml(folder / "bare.xml").strategy
    return path, {name: gate.name or name for name, gate in bare.spec.gates.items()}


@pytest.mark.parametrize("units", ["data", "scale"])
def test_gates_on_every_scale_are_valid_by_the_schema(tmp_path: Path, schema: Any, units: str) -> None:
    gates = rectangles(units) | polygons(tuple(SCALES), units)
    path, _ = written(strategy(gates), tmp_path)
    assert schema.validate(etree.parse(path)), schema.error_log


def test_a_strategy_with_everything_is_valid_by_the_schema(tmp_path: Path, schema: Any) -> None:
    path, _ = written(everything(), tmp_path)
    assert schema.validate(etree.parse(path)), schema.error_log


@pytest.mark.parametrize("letter", ["a", "b"])
def test_flowjo_gates_are_valid_by_the_schema(data_dir: Path, tmp_path: Path, schema: Any, letter: str) -> None:
    from tregflow.interop.flowjo import import_workspace

    folder = data_dir / "flowatlas" / letter
    (workspace,) = folder.glob("*.wsp")
    samples = [each.name for each in folder.glob("*.fcs")]
    path, _ = written(import_workspace(workspace, samples=samples).strategy, tmp_path)
    assert schema.validate(etree.parse(path)), schema.error_log


def test_the_official_set_as_we_write_it_is_read_by_flowkit(data_dir: Path, tmp_path: Path, schema: Any) -> None:
    folder = data_dir / "gatingml2"
    mine = read_gatingml(folder / "gml" / "gml_all_gates.xml").strategy
    path, names = written(mine, tmp_path)
    assert schema.validate(etree.parse(path)), schema.error_log
    expected = mine.gate(read_fcs(folder / "data1.fcs"))
    found = with_flowkit(path, folder / "data1.fcs", names)
    for xml_id, name in names.items():
        assert np.array_equal(found[xml_id], expected[name]), name


@pytest.mark.parametrize("units", ["data", "scale"])
def test_rectangles_on_every_scale_are_the_same_for_flowkit(tmp_path: Path, units: str) -> None:
    on = events(tmp_path)
    mine = strategy(rectangles(units))
    path, names = written(mine, tmp_path)
    expected, found = mine.gate(read_fcs(on)), with_flowkit(path, on, names)
    for xml_id, name in names.items():
        assert np.array_equal(found[xml_id], expected[name]), name


@pytest.mark.parametrize("units", ["data", "scale"])
def test_polygons_on_the_scales_of_the_standard_are_the_same_for_flowkit(tmp_path: Path, units: str) -> None:
    on = events(tmp_path)
    gates = polygons(NATIVE, units)
    opened = {"lin": "high", "logicle": "low"}
    gates["open"] = {"polygon": ["lin", "logicle"], "points": [[3, 3], [3, 900], [900, 900], [900, 3]], "open": opened}
    mine = strategy(gates)
    path, names = written(mine, tmp_path)
    expected, found = mine.gate(read_fcs(on)), with_flowkit(path, on, names)
    for xml_id, name in names.items():
        assert np.array_equal(found[xml_id], expected[name]), name
        assert expected[name].sum() > 10


def events(folder: Path) -> Path:
    """Write values off every edge of `polygons`: none is a whole number."""
    rng = np.random.default_rng(7)
    columns = {}
    for name in SCALES:
        values = np.where(rng.random(3000) < 0.5, rng.normal(0, 800, 3000), rng.lognormal(7, 2, 3000))
        columns[name] = (np.floor(values) + rng.uniform(0.2, 0.8, 3000)).astype(np.float32)
    write_fcs(folder / "events.fcs", Sample.from_columns("events.fcs", columns))
    return folder / "events.fcs"


def test_gates_on_a_compensated_file_are_the_same_for_flowkit(data_dir: Path, tmp_path: Path) -> None:
    on = data_dir / "fcs" / "flowkit" / "test_comp_example.fcs"
    logicle = {"logicle": {"t": 262144.0, "w": 0.5, "m": 4.5, "a": 0.0}}
    mine = Strategy.from_data(
        {
            "tregflow": 1,
            "name": "comp",
            "compensation": "fcs",
            "gains": "fcs",
            "scales": {"PE-Cy7-A": logicle, "PacBlu-A": logicle, "Ax647-A": logicle, "Ax488-A": logicle},
            "gates": {
                "cells": {
                    "polygon": ["FSC-A", "SSC-A"],
                    "points": [[90000.5, 9000.5], [150000.5, 9000.5], [150000.5, 90000.5], [90000.5, 60000.5]],
                    "open": {"FSC-A": "high"},
                },
                "CD3+": {"in": "cells", "above": {"PE-Cy7-A": 600.5}},
                "CD4+": {"in": "CD3+", "rectangle": {"PacBlu-A": [1000.5, None], "PE-Cy7-A": [None, 2500.5]}},
                "pp": {
                    "in": "CD4+",
                    "polygon": ["Ax647-A", "Ax488-A"],
                    "points": [[-50.5, 100.5], [500.5, 80.5], [900.5, 900.5], [20.5, 700.5]],
                },
                "p ellipse": {
                    "in": "CD4+",
                    "ellipsoid": ["Ax647-A", "Ax488-A"],
                    "mean": [0.3, 0.4],
                    "covariance": [[0.01, 0.002], [0.002, 0.01]],
                },
                "CD4+ not pp": {"in": "CD4+", "not": "pp"},
                "either": {"in": "CD3+", "any": ["pp", {"not": "CD4+"}]},
                "low_low": {"quadrant": "Q", "cell": {"Ax647-A": 0, "Ax488-A": 0}},
                "high": {"quadrant": "Q", "cell": {"Ax647-A": 1}},
            },
            "quadrants": {"Q": {"in": "CD3+", "dividers": {"Ax647-A": [150.5], "Ax488-A": [420.5]}}},
        },
        name="comp.yaml",
    )
    path, names = written(mine, tmp_path)
    expected, found = mine.gate(read_fcs(on)), with_flowkit(path, on, names)
    assert set(names.values()) == set(mine.spec.gates)
    for xml_id, name in names.items():
        assert np.array_equal(found[xml_id], expected[name]), name
        assert 100 < expected[name].sum() < 10_000, name


def test_matrices_that_we_write_are_the_same_for_flowkit(tmp_path: Path) -> None:
    on = events(tmp_path)
    mine = strategy(
        # FlowKit does not compensate the axes of one gate by two matrices; one matrix and none it does.
        {"A": {"above": {"PE": 500.5, "one": 100.5}}, "B": {"in": "A", "below": {"logicle": 4000.5}}},
        compensation="m1",
        matrices={
            "m1": {"detectors": ["logicle", "asinh"], "matrix": [[1.0, 0.2], [0.05, 1.0]]},
            "m2": {"detectors": ["lin", "hyper"], "dyes": ["PE", "FITC"], "matrix": [[1, 0.1], [0.3, 1]]},
        },
        dimensions={"PE": {"dye": "PE", "compensation": "m2"}},
        scales={"PE": scale_to_spec(SCALES["logicle"])},
    )
    path, names = written(mine, tmp_path)
    expected, found = mine.gate(read_fcs(on)), with_flowkit(path, on, names)
    for name in mine.spec.gates:
        assert np.array_equal(found[name], expected[name]), name
        assert 100 < expected[name].sum() < 2900
