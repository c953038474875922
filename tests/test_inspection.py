"""What an FCS file holds, for a person and for a program; names of persons stay out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.builders_fcs import fcs_bytes
from tests.builders_study import EXAMPLE, tiny_file

from tregflow.fcs import Sample, read_fcs
from tregflow.inspection import describe, page

if TYPE_CHECKING:
    from pathlib import Path

PERSONAL = (
    "$OP",
    "$SRC",
    "$EXP",
    "$SMNO",
    "$PROJ",
    "$INST",
    "$CELLS",
    "$COM",
    "$SYS",
    "PATIENT ID",
    "EXPORT USER NAME",
)


def header(path: Path) -> Sample:
    return read_fcs(path, channels=())


def made(**keywords: str) -> Sample:
    named = {key.replace("_", "$", 1): value for key, value in keywords.items()}
    columns = {"FSC-A": [1.0], "B515-A": [2.0], "G560-A": [3.0]}
    return Sample.from_columns("a.fcs", columns, markers={"B515-A": "CD25"}, keywords=named)


def test_the_page_of_an_example_file() -> None:
    assert page(header(EXAMPLE / "P01_D8.fcs")) == (
        "P01_D8.fcs  (FCS 3.1)\n"
        "  events     26557\n"
        "  cytometer  tregflow simulator\n"
        "  date       13-MAY-2025\n"
        "  timestep   0.001\n"
        "    #  channel     marker     type range\n"
        "    1  FSC-A       -          F32  262144\n"
        "    2  FSC-H       -          F32  262144\n"
        "    3  SSC-A       -          F32  262144\n"
        "    4  V450-A      CD19       F32  262144\n"
        "    5  V525-A      Viability  F32  262144\n"
        "    6  V610-A      CD8        F32  262144\n"
        "    7  V780-A      CD127      F32  262144\n"
        "    8  FITC-A      CD45RA     F32  262144\n"
        "    9  PE-A        CD25       F32  262144\n"
        "   10  PE-Cy7-A    CD4        F32  262144\n"
        "   11  APC-A       FoxP3      F32  262144\n"
        "   12  APC-A750-A  CD3        F32  262144\n"
        "   13  Time        -          F32  262144\n"
        "  spillover  $SPILLOVER, 9 detectors, condition number 1.31, largest V525-A into V610-A 14 %\n"
        "  no findings\n"
    )


def test_plain_data_of_an_example_file() -> None:
    found = describe(read_fcs(EXAMPLE / "P01_D8.fcs", channels=(), sha256=True))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["file"], found["version"], found["events"]) == ("P01_D8.fcs", "3.1", 26557)
    assert len(found["sha256"]) == 64
    assert found["channels"][3] == {
        "number": 4, "channel": "V450-A", "marker": "CD19", "type": "F", "bits": 32, "range": 262144.0
    }  # fmt: skip
    assert found["spillover"]["keyword"] == "$SPILLOVER"
    assert found["spillover"]["largest"] == {
        "from": "V525-A",
        "into": "V610-A",
        "share": pytest.approx(0.14),
    }
    assert found["findings"] == []


def test_names_of_persons_stay_out(tmp_path: Path) -> None:
    persons = {key: f"Jane Doe {number}" for number, key in enumerate(PERSONAL)}
    content = fcs_bytes({"FSC-A": [1.0]}, keywords={**persons, "$CYT": "Canto"})
    (tmp_path / "a.fcs").write_bytes(content)
    sample = header(tmp_path / "a.fcs")
    assert sample.keywords["$OP"] == "Jane Doe 0"
    for shown in (page(sample), json.dumps(describe(sample))):
        assert "Canto" in shown
        assert "Doe" not in shown


def test_the_tiny_file_names_a_person_and_its_page_does_not(tmp_path: Path) -> None:
    tiny_file(tmp_path / "a.fcs", treg=1)
    assert "Jane" not in page(header(tmp_path / "a.fcs"))
    assert "Roe" not in json.dumps(describe(header(tmp_path / "a.fcs")))


@pytest.mark.parametrize(
    ("keywords", "line"),
    [
        ({}, "the file carries no spillover matrix (E_NO_SPILL)"),
        (
            {"_SPILLOVER": "2,B515-A,G560-A,1,0.5,0.5,1"},
            "$SPILLOVER, 2 detectors, condition number 3, largest B515-A into G560-A 50 %",
        ),
        (
            {"SPILL": "2,B515-A,G560-A,1,0,0.25,1"},
            "SPILL, 2 detectors, condition number 1.28, largest G560-A into B515-A 25 %",
        ),
    ],
)
def test_the_line_on_spillover(keywords: dict[str, str], line: str) -> None:
    assert f"\n  spillover  {line}" in page(made(**keywords))


def test_a_matrix_that_is_broken_is_said_and_not_raised() -> None:
    found = describe(made(_SPILLOVER="2,B515-A,G560-A,1,2,0.5,1"))["spillover"]
    assert found["code"] == "E_SPILL"
    assert found["problem"] in page(made(_SPILLOVER="2,B515-A,G560-A,1,2,0.5,1"))


def test_a_matrix_that_changes_nothing_has_its_finding() -> None:
    found = describe(made(_SPILLOVER="2,B515-A,G560-A,1,0,0,1"))["spillover"]
    assert [finding["code"] for finding in found["findings"]] == ["spillover-identity"]
    assert found["findings"][0]["text"] in page(made(_SPILLOVER="2,B515-A,G560-A,1,0,0,1"))


def test_findings_are_shown(tmp_path: Path) -> None:
    (tmp_path / "a.fcs").write_bytes(fcs_bytes({"FSC-A": [1.0]}, tail=b"x" * 100))
    sample = header(tmp_path / "a.fcs")
    [finding] = sample.findings
    assert f"  {finding.severity:<8} {finding.code}: {finding.where}: {finding.text}\n" in page(sample)
    assert "no findings" not in page(sample)
    assert describe(sample)["findings"][0]["code"] == finding.code


def test_a_file_steers_no_terminal(tmp_path: Path) -> None:
    hostile = {"$CYT": "Canto\x1b[2J", "$P1N": "FSC\x07-A", "$P1S": "CD4\x1b]0;x"}
    (tmp_path / "a.fcs").write_bytes(fcs_bytes({"FSC-A": [1.0]}, keywords=hostile))
    shown = page(header(tmp_path / "a.fcs"))
    assert "Canto?[2J" in shown
    assert all(letter.isprintable() or letter == "\n" for letter in shown)


def test_plain_data_hold_no_infinity(tmp_path: Path) -> None:
    (tmp_path / "a.fcs").write_bytes(fcs_bytes({"FSC-A": [1.0], "B": [1.0]}, keywords={"$P1R": "inf", "$P2R": "1e999"}))
    json.dumps(describe(header(tmp_path / "a.fcs")), allow_nan=False)
