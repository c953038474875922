"""The command `tregflow inspect`: what it passes on, what it prints, what it leaves with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.builders_fcs import fcs_bytes
from typer.testing import CliRunner, Result

from tregflow.cli import app
from tregflow.fcs import read_fcs
from tregflow.inspection import page

if TYPE_CHECKING:
    from pathlib import Path


def inspect(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["inspect", *map(str, arguments)])


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    (tmp_path / "a.fcs").write_bytes(fcs_bytes({"A": [1.0]}))
    return tmp_path / "a.fcs"


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """Return a file of two data sets."""
    first = fcs_bytes({"A": [1.0]}, keywords={"$NEXTDATA": "0000"})
    linked = fcs_bytes({"A": [1.0]}, keywords={"$NEXTDATA": f"{len(first):04d}"})
    (tmp_path / "two.fcs").write_bytes(linked + fcs_bytes({"B": [1.0, 2.0]}))
    return tmp_path / "two.fcs"


def test_a_page_per_file(sound: Path) -> None:
    done = inspect(sound, sound)
    assert (done.exit_code, done.output) == (0, 2 * f"{page(read_fcs(sound, channels=()))}\n")


def test_a_bad_file_does_not_stop_the_others(sound: Path) -> None:
    done = inspect(sound.parent / "gone.fcs", sound)
    assert done.exit_code == 1
    assert "gone.fcs: no such file" in done.stderr
    assert "a.fcs\n  instrument" in done.stdout


def test_json(sound: Path) -> None:
    done = inspect("--json", sound.parent / "gone.fcs", sound)
    missing, found = json.loads(done.stdout)
    assert done.exit_code == 1
    assert missing["error"]["code"] == "E_MISSING"
    assert (found["file"], len(found["sha256"])) == ("a.fcs", 64)
    assert "cross_check" not in found


def test_a_data_set_is_named(two: Path) -> None:
    done = inspect(two)
    assert done.exit_code == 1
    assert "the file holds 2 data sets" in done.stderr
    assert "--dataset 1" in done.stderr
    assert "events        2 in 1 channels" in inspect("--dataset", 2, two).stdout
    assert inspect("--dataset", 0, two).exit_code == 2


def test_the_mode_is_passed_on(tmp_path: Path) -> None:
    cut = fcs_bytes({"A": [1.0, 2.0, 3.0]})[:-6]
    (tmp_path / "cut.fcs").write_bytes(cut)
    assert inspect(tmp_path / "cut.fcs").exit_code == 1
    lenient = inspect("--mode", "lenient", tmp_path / "cut.fcs")
    assert lenient.exit_code == 0
    assert "events        1 in 1 channels" in lenient.stdout
    assert "no frequency" in lenient.stdout
    assert inspect("--mode", "guess", tmp_path / "cut.fcs").exit_code == 2
    (tmp_path / "odd.fcs").write_bytes(fcs_bytes({"A": [1.0]}, keywords={" $DATATYPE": "F", "$DATATYPE": None}))
    assert inspect(tmp_path / "odd.fcs").exit_code == 0
    assert "E_" in inspect("--json", "--mode", "strict", tmp_path / "odd.fcs").stdout
