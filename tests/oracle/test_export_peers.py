"""Exported events, read by FlowIO and fcsparser: values, names and numbers of events as our reader has them."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import TYPE_CHECKING

import flowio
import numpy as np
import pytest
from tests.builders_study import EXAMPLE

import tregflow as tf
from tregflow.fcs import read_fcs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

fcsparser = pytest.importorskip("fcsparser")
CELLS = "Cells: {above: {FSC-A: 60000}}"


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def compare(path: Path) -> None:
    ours = read_fcs(path)
    expected = np.stack([ours.raw(name).astype(np.float64) for name in ours.names], axis=1)
    with quiet():
        peer = flowio.FlowData(str(path))
        np.testing.assert_array_equal(peer.as_array(preprocess=False), expected)
        _, frame = fcsparser.parse(str(path), channel_naming="$PnN")
    assert (peer.pnn_labels, peer.event_count) == (list(ours.names), ours.n_events)
    assert list(frame.columns) == list(ours.names)
    np.testing.assert_array_equal(np.asarray(frame, np.float32), expected.astype(np.float32))


@pytest.mark.parametrize("compensated", [False, True])
def test_the_example(tmp_path: Path, compensated: bool) -> None:
    control = read_fcs(EXAMPLE / "B1_FMO_FoxP3.fcs")
    gated = tf.Strategy.load(EXAMPLE / "treg.yaml").gate(read_fcs(EXAMPLE / "P01_D8.fcs"), controls={"FoxP3": control})
    assert tf.export_events(gated, "Treg", tmp_path / "a.fcs", compensated=compensated) > 100
    compare(tmp_path / "a.fcs")


REAL = (
    "flowio/coulter.lmd",
    "flowio/variable_int_example.fcs",
    "flowio/G11.fcs",
    "fcsparser/cyflow_cube_8.fcs",
    "fcsparser/SG_2014-09-26_Duplicate_Names.fcs",
    "flowkit/test_comp_example.fcs",
    "others/morganconrad_partec.fcs",
)
"""Integers of one width and of several, floats, FCS 2.0 to 3.1, names that stand twice."""


@pytest.mark.parametrize("name", REAL)
def test_real_files(tmp_path: Path, data_dir: Path, name: str) -> None:
    source = read_fcs(data_dir / "fcs" / name)
    first = source.names[0]
    middle = float(np.median(source.values(first)))
    text = f"tregflow: 1\nname: half\ncompensation: none\npanel: {{X: {{pnn: ['{first}']}}}}\ngates:\n  Half: "
    gated = tf.Strategy.loads(text + f"{{above: {{X: {middle}}}}}\n").gate(source)
    assert tf.export_events(gated, "Half", tmp_path / "a.fcs") == gated.count("Half")
    compare(tmp_path / "a.fcs")
    made = read_fcs(tmp_path / "a.fcs")
    for channel in source.names:
        np.testing.assert_array_equal(made.values(channel), source.values(channel)[gated["Half"]])


def test_a_population_without_events(tmp_path: Path) -> None:
    text = "tregflow: 1\nname: none\ncompensation: fcs\ngates:\n  None: {above: {FSC-A: 1e9}}\n"
    gated = tf.Strategy.loads(text).gate(read_fcs(EXAMPLE / "P01_D8.fcs"))
    assert tf.export_events(gated, "None", tmp_path / "a.fcs") == 0
    with quiet():
        peer = flowio.FlowData(str(tmp_path / "a.fcs"))
    assert peer.event_count == 0
