"""What an FCS file holds, for a person and for a program; names of persons stay out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.builders_fcs import fcs_bytes

from tregflow.fcs import CODES, Sample, read_fcs
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
WHEN = {"$DATE": "22-NOV-2025", "$BTIM": "21:12:48", "$ETIM": "21:37:15"}
NO_MATRIX = (
    "  compensation\n"
    "    The file carries no spillover matrix (E_NO_SPILL). Name a CSV file with the matrix under\n"
    "    compensation, or set compensation: none.\n"
)


def header(path: Path) -> Sample:
    return read_fcs(path, channels=())


def made(**keywords: str) -> Sample:
    named = {key.replace("_", "$", 1): value for key, value in keywords.items()}
    columns = {"FSC-A": [1.0], "B515-A": [2.0], "G560-A": [3.0]}
    return Sample.from_columns("a.fcs", columns, markers={"B515-A": "CD25"}, keywords=named)


def written(folder: Path, **options: object) -> Sample:
    (folder / "a.fcs").write_bytes(fcs_bytes(**options))  # type: ignore[arg-type]
    return header(folder / "a.fcs")


def test_the_page_of_a_sound_file(tmp_path: Path) -> None:
    keywords = {"$P2S": "CD25", "$P3S": "Time", "$CYT": "Canto", "$CYTSN": "V77", "$TIMESTEP": "0.01", **WHEN}
    matrix = {"$SPILLOVER": "2,FSC-A,FL 1-A,1,0,0.14,1"}
    sample = written(tmp_path, columns={"FSC-A": [1.0], "FL 1-A": [2.0], "Time": [0.0]}, keywords=keywords | matrix)
    assert page(sample) == (
        "a.fcs\n"
        "  instrument    Canto, serial V77\n"
        "  acquired      22 November 2025, 21:12:48 to 21:37:15 (24 min 27 s)\n"
        "  events        1 in 3 channels\n"
        "  clock         Time, in steps of 0.01 s\n"
        "  format        FCS 3.1, 32-bit floating point, little endian\n"
        "\n"
        "  #  channel  marker    range\n"
        "  1  FSC-A    -       262,144\n"
        "  2  FL 1-A   CD25    262,144\n"
        "  3  Time     -       262,144\n"
        "\n"
        "  compensation\n"
        "    $SPILLOVER holds a matrix of 2 detectors: FSC-A, FL 1-A. Largest spillover: FSC-A sees 14 % of\n"
        "    FL 1-A; condition number 1.15. No channel's name says that the values are compensated already,\n"
        "    so that compensation: fcs applies it.\n"
        "\n"
        "  findings      none: nothing had to be repaired\n"
    )


def test_the_page_of_an_older_file(tmp_path: Path) -> None:
    keywords = {
        "$P1E": "4,1",
        "$P1R": "1024",
        "$P2G": "3.67",
        "$P2R": "NA",
        "$DATE": "24-Apr-12",
        "$BTIM": "12:49:28",
        "$SPILLOVER": "2,FL1,FL2",
    }
    sample = written(
        tmp_path, columns={"FL1": [1], "FL2": [2]}, datatype="I", bits=[16, 32], byteord="4,3,2,1", keywords=keywords
    )
    assert page(sample) == (
        "a.fcs\n"
        "  instrument    not named in the file\n"
        "  acquired      24-Apr-12, 12:49:28\n"
        "  events        1 in 2 channels\n"
        "  clock         no channel of the file is a clock\n"
        "  format        FCS 3.1, 1 x 16-bit integers and 1 x 32-bit integers, big endian\n"
        "\n"
        "  #  channel  marker  range\n"
        "  1  FL1      -       1,024  logarithmic, 4 decades\n"
        "  2  FL2      -           -  gain 3.67, not applied\n"
        "\n"
        "  compensation\n"
        "    The file carries no spillover matrix (E_NO_SPILL). In the file: $SPILLOVER: the keyword names\n"
        "    channels and holds no numbers: there is no matrix. Name a CSV file with the matrix under\n"
        "    compensation, or set compensation: none.\n"
        "\n"
        "  findings\n"
        "    warning  pnr-unusable, in FL2\n"
        "             $PnR is 'NA': no bits are masked\n"
    )


def test_findings_of_one_kind_stand_together(tmp_path: Path) -> None:
    keywords = {"$P1G": "0", "$P2G": "0"}
    sample = written(tmp_path, columns={"A": [1.0], "B": [2.0]}, keywords=keywords)
    assert page(sample).endswith(
        "  findings\n"
        "    info     png-unusable\n"
        "             A: $PnG is '0': it counts as 1\n"
        "             B: $PnG is '0': it counts as 1\n"
    )


def test_what_a_finding_means(tmp_path: Path) -> None:
    sample = written(tmp_path, columns={"FSC-A": [1.0]}, tail=b"x" * 100)
    [found] = describe(sample)["findings"]
    assert (found["code"], found["means"]) == ("trailing-bytes", CODES["trailing-bytes"].cure.replace("`", ""))
    shown = page(sample)
    assert "  findings\n    warning  trailing-bytes, in DATA\n             100 bytes lie behind" in shown
    assert f"so: {found['means']}" in " ".join(shown.split())


@pytest.mark.parametrize(
    ("keywords", "lines"),
    [
        ({}, NO_MATRIX),
        (
            {"_SPILLOVER": "2,B515-A,G560-A,1,0,0,1"},
            "  compensation\n"
            "    $SPILLOVER holds the identity, which changes nothing, for the detectors B515-A, G560-A.\n"
            "    warning  spillover-identity, in $SPILLOVER\n"
            "             the matrix is the identity: compensation changes nothing\n"
            "             so: the file was unmixed or compensated already, or its matrix was never filled in\n",
        ),
        (
            {"_SPILLOVER": "1,B515-A,1", "SPILL": "2,B515-A,G560-A,1,0,0.25,1"},
            "  compensation\n"
            "    $SPILLOVER and SPILL hold different matrices (E_SPILL_CONFLICT). In the file: $SPILLOVER (1\n"
            "    detectors), SPILL (2 detectors). Choose one, as in compensation: fcs:$SPILLOVER, or name a CSV\n"
            "    file with the right one.\n",
        ),
        (
            {"SPILL": "2,B515-A,G560-A,1,2,0.5,1"},
            "  compensation\n"
            "    The matrix is singular, so that it cannot be inverted (E_SPILL). Correct the matrix, or name a\n"
            "    CSV file with the right one under compensation.\n",
        ),
    ],
)
def test_compensation(keywords: dict[str, str], lines: str) -> None:
    assert lines in page(made(**keywords))


@pytest.mark.parametrize("carried", ["", "1,Comp-B515-A,1"])
def test_values_that_are_compensated(carried: str) -> None:
    names = {"FSC-A": [1.0], "Comp-B515-A": [2.0]}
    sample = Sample.from_columns("a.fcs", names, keywords={"SPILL": carried} if carried else {})
    also = " The file also carries SPILL." if carried else ""
    flat = " ".join(page(sample).split())
    assert (
        f"compensation 1 of 2 channels hold compensated values, as their names say, such as Comp-B515-A.{also} "
        "A matrix is not applied again: set compensation: none."
    ) in flat
    assert describe(sample)["compensated"] == ["Comp-B515-A"]


def test_plain_data(tmp_path: Path) -> None:
    keywords = {"$P2S": "CD25", "$CYT": "Canto", "CYTNUM": "V77", **WHEN, "$SPILLOVER": "2,A,B,1,0.25,0,1"}
    (tmp_path / "a.fcs").write_bytes(fcs_bytes({"A": [1.0], "B": [2.0]}, keywords=keywords))
    found = describe(read_fcs(tmp_path / "a.fcs", channels=(), sha256=True))
    assert json.loads(json.dumps(found, allow_nan=False)) == json.loads(json.dumps(found))
    assert len(found.pop("sha256")) == 64
    assert found.pop("spillover") == {
        "keyword": "$SPILLOVER",
        "detectors": ["A", "B"],
        "condition": pytest.approx(1.2832, abs=1e-4),
        "largest": {"from": "A", "into": "B", "share": 0.25},
        "findings": [],
    }
    channel = {"type": "F", "bits": 32, "range": 262144.0, "decades": None, "gain": 1.0}
    assert found == {
        "file": "a.fcs",
        "version": "3.1",
        "dataset": 1,
        "events": 1,
        "cytometer": "Canto",
        "date": "22-NOV-2025",
        "begin": "21:12:48",
        "end": "21:37:15",
        "serial": "V77",
        "acquired": {"begin": "2025-11-22 21:12:48", "end": "2025-11-22 21:37:15"},
        "clock": None,
        "stored": [{"type": "F", "bits": 32, "channels": 2}],
        "byte_order": "little",
        "channels": [
            {"number": 1, "channel": "A", "marker": "", **channel},
            {"number": 2, "channel": "B", "marker": "CD25", **channel},
        ],
        "compensated": [],
        "findings": [],
    }


@pytest.mark.parametrize(
    ("said", "order"),
    [("1,2,3,4", "little"), ("2,1", "big"), ("3,4,1,2", "mixed"), ("1", None), ("x,y", None), ("", None)],
)
def test_byte_orders(said: str, order: str | None) -> None:
    assert describe(made(_BYTEORD=said))["byte_order"] == order


@pytest.mark.parametrize(
    ("end", "text"),
    [("", "21:12:48"), ("21:12:48", "21:12:48 to 21:12:48 (0 s)"), ("23:13:48", "to 23:13:48 (2 h 1 min)")],
)
def test_how_long_it_took(end: str, text: str) -> None:
    assert f"{text}\n" in page(made(_DATE="22-NOV-2025", _BTIM="21:12:48", **({"_ETIM": end} if end else {})))
    assert "acquired      not said in the file" in page(made())


def test_a_clock_without_a_step() -> None:
    sample = Sample.from_columns("a.fcs", {"Time": [1.0]})
    assert "  clock         Time, whose steps are of unknown length\n" in page(sample)


def test_names_of_persons_stay_out(tmp_path: Path) -> None:
    persons = {key: f"Jane Doe {number}" for number, key in enumerate(PERSONAL)}
    keywords = {**persons, "$CYT": "Canto of Jane Doe 0"}
    content = fcs_bytes({"FSC-A": [1.0]}, keywords=keywords, extra=b"Jane Doe 0/")
    (tmp_path / "a.fcs").write_bytes(content)
    sample = header(tmp_path / "a.fcs")
    assert sample.keywords["$OP"] == "Jane Doe 0"
    assert any("Jane" in finding.text.title() for finding in sample.findings)
    for shown in (page(sample), json.dumps(describe(sample))):
        assert "Canto of [removed]" in shown
        assert "doe" not in shown.lower()


def test_a_file_steers_no_terminal(tmp_path: Path) -> None:
    hostile = {"$CYT": "Canto\x1b[2J", "$P1N": "FSC\x07-A", "$P1S": "CD4\x1b]0;x"}
    shown = page(written(tmp_path, columns={"FSC-A": [1.0]}, keywords=hostile))
    assert "Canto?[2J" in shown
    assert all(letter.isprintable() or letter == "\n" for letter in shown)


def test_plain_data_hold_no_infinity(tmp_path: Path) -> None:
    sample = written(tmp_path, columns={"A": [1.0], "B": [1.0]}, keywords={"$P1R": "inf", "$P2R": "1e999"})
    json.dumps(describe(sample), allow_nan=False)
    assert "  1  A        -           -\n" in page(sample)


def test_a_range_that_is_no_whole_number(tmp_path: Path) -> None:
    assert "  1  A        -       1023.5\n" in page(
        written(tmp_path, columns={"A": [1.0]}, keywords={"$P1R": "1023.5"})
    )


def test_pages_of_real_files(data_dir: Path) -> None:
    pair = page(header(data_dir / "fcs" / "flowio" / "coulter.lmd"))
    assert "FCS 3.0, 32-bit integers, little endian, data set 2 of the file" in pair
    for path in sorted(data_dir.rglob("*.fcs")):
        try:
            sample = header(path)
        except ValueError:
            continue
        lines = page(sample).splitlines()
        assert lines[0] == sample.file
        assert [line.strip() for line in lines if line.strip() == "compensation"] == ["compensation"]
        json.dumps(describe(sample), allow_nan=False)
