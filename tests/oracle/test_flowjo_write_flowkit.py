"""Workspaces that we write, read by FlowKit: the same counts.

Kept off what FlowKit does otherwise: it takes a parameter's axis for that of its compensated values and compensates
uncompensated ones, leaves out a polygon's boundary on two sides, and makes 128-cornered polygons of ellipses.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import flowkit
import pytest
from tests.builders_everything import EVERYTHING, samples, strategy

from tregflow.fcs import read_fcs, write_fcs
from tregflow.interop.flowjo import import_workspace, parse_workspace, write_gated, write_workspace
from tregflow.strategy import Strategy

if TYPE_CHECKING:
    from collections.abc import Iterable

EXAMPLE = Path(__file__).parent.parent.parent / "example_fcs"

Counts = dict[tuple[str, tuple[str, ...]], int]


def flowkit_counts(workspace: Path, files: Iterable[Path]) -> Counts:
    """Return FlowKit's counts by sample and path."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = [flowkit.Sample(path, filename_as_id=True) for path in files]
        read = flowkit.Workspace(workspace, fcs_samples=loaded)
        found: Counts = {}
        for sample in loaded:
            read.analyze_samples(sample_id=sample.id, use_mp=False)
            report = read.get_gating_results(sample.id).report
            for above, name, count in zip(report.gate_path, report.gate_name, report["count"], strict=True):
                found[sample.id, (*above[1:], name)] = int(count)
    return found


def stored(workspace: Path) -> Counts:
    """Return the counts that we wrote."""
    samples_ = parse_workspace(workspace).samples
    return {(sample.key, node.path): node.count for sample in samples_ for node in sample.walk()}


def test_every_kind_of_gate(tmp_path):
    # Not on the raw values of a detector, and no ellipse: its corners are tried below.
    text = EVERYTHING.replace("raw CD25, CD4", "FSC-A, CD4")
    text = "\n".join(line for line in text.splitlines() if not line.startswith(("  raw CD25", "  ellipse:")))
    own, files = strategy(text), samples()
    write_workspace(tmp_path / "w.wsp", own, files)
    for sample in files.values():
        write_fcs(tmp_path / sample.file, sample)
    found = flowkit_counts(tmp_path / "w.wsp", [tmp_path / sample.file for sample in files.values()])
    assert found == stored(tmp_path / "w.wsp")
    assert len(found) == 3 * 14 - 2


def test_ellipses(tmp_path):
    text = "\n".join(
        line
        for line in EVERYTHING.splitlines()
        if not line.startswith(("  raw CD25", "  outside:", "            outside"))
    )
    own, files = strategy(text, []), samples()
    write_workspace(tmp_path / "w.wsp", own, files)
    for sample in files.values():
        write_fcs(tmp_path / sample.file, sample)
    found = flowkit_counts(tmp_path / "w.wsp", [tmp_path / sample.file for sample in files.values()])
    ours = stored(tmp_path / "w.wsp")
    for key, count in ours.items():
        slack = 0.005 * count if key[1][-1] == "ellipse" else 0  # of a 128-gon the area is 0.04 % smaller
        assert abs(found[key] - count) <= slack, key
    assert min(count for (_, path), count in ours.items() if path[-1] == "ellipse") > 50


@pytest.mark.parametrize(("folder", "n"), [("a", 186), ("b", 95)])
def test_gates_of_a_lab(data_dir, tmp_path, folder, n):
    place = data_dir / "flowatlas" / folder
    own = import_workspace(place / f"flowatlas_{folder}.wsp").strategy
    paths = sorted(place.glob("*.fcs"))
    assert write_workspace(tmp_path / "w.wsp", own, {path.name: read_fcs(path) for path in paths}) == ()
    found = flowkit_counts(tmp_path / "w.wsp", paths)
    assert found == stored(tmp_path / "w.wsp")
    assert len(found) == n


def test_the_example_trial(tmp_path):
    own = Strategy.load(EXAMPLE / "treg.yaml", overrides=EXAMPLE / "overrides.yaml")
    gated = {}
    for name, batch in (("P01_D0", "B1"), ("P02_D8", "B2"), ("P06_D8", "B2")):
        controls = {"FoxP3": read_fcs(EXAMPLE / f"{batch}_FMO_FoxP3.fcs")}
        gated[name] = own.gate(read_fcs(EXAMPLE / f"{name}.fcs"), id=name, batch=batch, controls=controls)
    assert write_gated(tmp_path / "w.wsp", own, gated) == ()
    found = flowkit_counts(tmp_path / "w.wsp", [EXAMPLE / f"{name}.fcs" for name in gated])
    assert found == stored(tmp_path / "w.wsp")
    assert len(found) == 3 * 11
