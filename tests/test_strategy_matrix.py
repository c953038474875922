"""Which matrix a `compensation` setting names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.builders import events

from tregflow.errors import CompensationError
from tregflow.strategy.matrix import Known, find_matrix, matrix_files
from tregflow.strategy.spec import BatchCompensation

if TYPE_CHECKING:
    from pathlib import Path

KEYWORDS = {"$SPILLOVER": "1,CD4,1", "SPILL": "2,CD4,CD8,1,0.5,0,1"}


def found(setting: str | BatchCompensation, *, batch: str | None = None, folder: Path | None = None) -> tuple[str, ...]:
    sample = events(keywords=KEYWORDS, CD4=[1.0], CD8=[2.0])
    spillover = find_matrix(setting, sample, batch=batch, known=Known("t.yaml", folder=folder))
    return spillover.detectors if spillover else ()


def test_a_keyword_can_be_chosen() -> None:
    with pytest.raises(CompensationError, match=r"\$SPILLOVER and SPILL hold different matrices"):
        found("fcs")
    assert found("fcs:SPILL") == ("CD4", "CD8")
    assert found("fcs: $Spillover") == ("CD4",)
    with pytest.raises(CompensationError, match=r"the file carries no spillover matrix \$COMP"):
        found("fcs:$COMP")


def test_a_keyword_can_be_chosen_per_batch() -> None:
    setting = BatchCompensation(batch={"A": "fcs:SPILL", "B": "none"})
    assert (found(setting, batch="A"), found(setting, batch="B")) == (("CD4", "CD8"), ())


def test_only_files_are_files(tmp_path: Path) -> None:
    assert matrix_files("fcs:SPILL") == matrix_files("fcs") == matrix_files("none") == ()
    assert matrix_files(BatchCompensation(batch={"A": "a.csv", "B": "fcs:SPILL"})) == ("a.csv",)
    (tmp_path / "a.csv").write_text("CD4\n1\n")
    assert found("a.csv", folder=tmp_path) == ("CD4",)
