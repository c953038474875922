"""Compensation against FlowKit's, on random and on real matrices."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tregflow.compensation import Spillover
from tregflow.errors import CompensationError
from tregflow.fcs import Sample, read_fcs

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def by_flowkit(sample: Sample, spillover: Spillover) -> NDArray[np.float64]:
    """Compensate all detectors by FlowKit."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        import flowkit

        events = sample.array(spillover.detectors).astype(np.float64)
        peer = flowkit.Sample(events, sample_id="a", channel_labels=list(spillover.detectors))
        matrix = flowkit.Matrix(spillover.matrix, list(spillover.detectors))
        return np.asarray(matrix.apply(peer))


def compare(sample: Sample, spillover: Spillover) -> None:
    theirs = by_flowkit(sample, spillover)
    ours = np.stack([spillover.compensated(sample, name) for name in spillover.detectors], axis=1)
    scale = np.abs(sample.array(spillover.detectors)).max(axis=1, keepdims=True) + 1.0
    assert np.max(np.abs(ours - theirs) / scale) < 1e-12


def test_random_matrices() -> None:
    generator = np.random.default_rng(3)
    for n in (2, 7, 14):
        names = [f"D{index}-A" for index in range(n)]
        matrix = np.where(np.eye(n) == 1, 1.0, generator.uniform(0, 0.5 / n, (n, n)))
        events = generator.normal(1e3, 1e4, (5000, n)).astype(np.float32)
        compare(
            Sample.from_columns("a.fcs", dict(zip(names, events.T, strict=True))), Spillover(names, matrix, "m.csv")
        )


@pytest.mark.parametrize(
    ("name", "n"),
    [
        ("fcs/flowkit/test_comp_example.fcs", 14),
        ("fcs/flowkit/index_sorted_example.fcs", 6),
        ("fcs/flowio/G11.fcs", 5),
        ("fcs/fcsparser/fake_large_fcs.fcs", 4),
        ("fcs/others/fcsfilesjl_accuri_c6.fcs", 8),
        ("meyerlab/Well_A01_CD3+CD4+.fcs", 6),
    ],
)
def test_real_matrices(data_dir: Path, name: str, n: int) -> None:
    sample = read_fcs(data_dir / name)
    spillover = Spillover.from_sample(sample)
    assert spillover.matrix.shape == (n, n)
    compare(sample, spillover)


def test_channels_named_by_number(data_dir: Path) -> None:
    spillover = Spillover.from_sample(read_fcs(data_dir / "meyerlab" / "Well_A01_CD3+CD4+.fcs", channels=()))
    assert spillover.detectors == ("VL4-H", "VL1-H", "VL6-H", "BL3-H", "BL5-H", "RL1-H")
    assert {finding.code for finding in spillover.findings} == {"spillover-by-number"}
    # BL3 seen by VL4, BL5 seen by VL6.
    largest = np.where(np.eye(6) == 1, 0.0, spillover.matrix)
    assert round(largest[3, 0], 3) == 0.161
    assert round(largest[4, 2], 3) == 0.143


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("flowatlas/a/390C_Liver_026.fcs", "E_COMPENSATED_TWICE"),
        ("fcs/fcsparser/EY_2013-07-19_PBS_FCS_3.1_Well_A1.001.fcs", "E_NO_SPILL"),
        ("gatingml2/data1.fcs", "E_NO_SPILL"),
    ],
)
def test_refused(data_dir: Path, name: str, code: str) -> None:
    with pytest.raises(CompensationError) as caught:
        Spillover.from_sample(read_fcs(data_dir / name, channels=()))
    assert caught.value.code == code


def test_identity(data_dir: Path) -> None:
    path = data_dir / "fcs" / "flowkit" / "Compensation Controls_Blue B Stained Control_005.fcs"
    assert [finding.code for finding in Spillover.from_sample(read_fcs(path)).findings] == ["spillover-identity"]
