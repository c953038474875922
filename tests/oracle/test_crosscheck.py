"""FlowIO and fcsparser beside our reader: what agrees, what differs in words, what a peer refuses in its own."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.builders_fcs import fcs_bytes
from typer.testing import CliRunner

from tregflow.cli import app
from tregflow.fcs import Sample, read_fcs
from tregflow.interop.crosscheck import PeerReport, as_lines, cross_check

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("fcsparser")
SAME = ("version", "number of events", "names of channels", "markers")
KEYWORDS = {"$P1S": "CD25", "$CYT": "Canto", "#NOTE": "x"}


def check(path: Path, **options: object) -> tuple[PeerReport, PeerReport]:
    flowio, fcsparser = cross_check(path, read_fcs(path, **options))  # type: ignore[arg-type]
    assert flowio.peer.startswith("FlowIO 1.")
    assert fcsparser.peer == "fcsparser 0.2.4"
    return flowio, fcsparser


def written(folder: Path, **options: object) -> Path:
    columns = {"A": [1.0, np.nan], "B": [3.0, np.inf]}
    given = {"columns": columns, "keywords": KEYWORDS} | options
    (folder / "a.fcs").write_bytes(fcs_bytes(**given))  # type: ignore[arg-type]
    return folder / "a.fcs"


def test_a_sound_file(tmp_path: Path) -> None:
    path = written(tmp_path)
    count = f"{len(read_fcs(path).keywords)} keywords"
    for report in check(path):
        assert report.agrees == (*SAME, count, "every value of 2 events")
        assert (report.differences, report.refusals, report.says) == ((), (), ())


def test_the_header_alone(tmp_path: Path) -> None:
    for report in check(written(tmp_path), channels=()):
        assert report.agrees[:4] == SAME
        assert not any("value" in text for text in report.agrees)


def test_big_endian_is_what_fcsparser_refuses(tmp_path: Path) -> None:
    flowio, fcsparser = check(written(tmp_path, byteord="4,3,2,1"))
    assert "every value of 2 events" in flowio.agrees
    [refusal] = fcsparser.refusals
    assert refusal == "values: AttributeError: 'numpy.ndarray' object has no attribute 'newbyteorder'"
    assert fcsparser.agrees[:4] == SAME
    assert fcsparser.differences == ()


def test_offsets_that_flowio_does_not_take(tmp_path: Path) -> None:
    flowio, fcsparser = check(written(tmp_path, in_header=lambda begin, end: (begin, end + 1), tail=b"0" * 9))
    [refusal] = flowio.refusals
    assert refusal.startswith("the file: DataOffsetDiscrepancyError: a.fcs has a discrepancy")
    assert refusal.endswith("(told to ignore offsets, it reads the file)")
    assert "every value of 2 events" in flowio.agrees
    assert fcsparser.refusals == ()


def test_values_that_differ(tmp_path: Path) -> None:
    path = written(tmp_path, columns={"A": [1, 2, 515], "B": [3, 4, 5]}, datatype="I", byteord="2,1", big=True)
    sample = read_fcs(path)
    assert cross_check(path, sample)[0].differences == ()
    other = dataclasses.replace(sample, columns={**sample.columns, "A": np.array([1, 2, 3], np.float32)})
    differing, _ = cross_check(path, other)
    assert differing.differences == ("values: A in 1 events (event 2: 3.0 here, 515.0 there)",)


def test_names_markers_and_keywords_that_differ(tmp_path: Path) -> None:
    path = written(tmp_path)
    sample = read_fcs(path)
    channels = (dataclasses.replace(sample.channels[0], pns="CD127"), sample.channels[1])
    keywords = {key: value for key, value in sample.keywords.items() if key != "#NOTE"}
    keywords |= {"$CYT": "Aria", "$OP": "Jane Roe", "#MORE": "y", "$TOT": "02"}
    other = dataclasses.replace(sample, channels=channels, keywords=keywords, version="3.0", columns={})
    flowio, fcsparser = cross_check(path, other)
    assert fcsparser.differences == (
        "version: 3.0 here, 3.1 there",
        "markers: channel 1 'CD127' here, 'CD25' there",
        "keywords that are only here: $OP, #MORE",
        "keywords that are only there: #NOTE",
        "keywords with other values: $CYT ('Aria' here, 'Canto' there)",
    )
    assert [text.lower().replace("$", "") for text in fcsparser.differences] == [
        text.lower().replace("$", "") for text in flowio.differences
    ]
    fewer = dataclasses.replace(sample, channels=channels[:1], columns={})
    assert "number of markers: 1 here, 2 there" in cross_check(path, fewer)[0].differences


def test_a_person_is_not_named(tmp_path: Path) -> None:
    path = written(tmp_path, keywords={"$OP": "Jane Roe", "#BY": "Jane Roe"})
    sample = read_fcs(path)
    other = dataclasses.replace(sample, keywords={**sample.keywords, "$OP": "John Doe", "#BY": "John Doe, Canto"})
    for report in cross_check(path, other):
        [text] = report.differences
        assert text.upper().replace("$", "").startswith("KEYWORDS WITH OTHER VALUES: OP, #BY (")
        assert "John" not in text


def test_more_differences_than_are_listed(tmp_path: Path) -> None:
    path = written(tmp_path)
    sample = read_fcs(path, channels=())
    more = {f"#{number}": "x" for number in range(7)}
    other = dataclasses.replace(sample, keywords={**sample.keywords, **more})
    assert cross_check(path, other)[1].differences == ("keywords that are only here: #0, #1, #2, #3, #4 and 2 more",)


def test_a_peer_that_finds_another_number_of_events(tmp_path: Path) -> None:
    path = written(tmp_path)
    sample = read_fcs(path)
    half = dataclasses.replace(sample, n_events=1, columns={name: sample.raw(name)[:1] for name in sample.names})
    assert cross_check(path, half)[0].differences == (
        "number of events: 1 here, 2 there",
        "events and channels of the values: (1, 2) here, (2, 2) there",
    )


def test_what_a_peer_logs_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, keywords={"#NOTE": "x"}, extra=b"#MAC/CELLQuest\xaa/")
    _, fcsparser = check(path)
    assert any("illegal utf-8" in text.lower() for text in fcsparser.says)
    assert capsys.readouterr() == ("", "")


def test_lines() -> None:
    peers = (
        PeerReport("P 1", (), ("version", "markers"), (), ()),
        PeerReport("Q 2", ("values: OSError: no " + "x " * 60,), (), (), ("oh",)),
        PeerReport("R 3", (), (), ("version: 3.0 here, 3.1 there",), ()),
    )
    assert as_lines(peers) == [
        "  cross-check",
        "    P 1 agrees",
        "      same     version, markers",
        "    Q 2 refuses part of it",
        "      refuses  values: OSError: no " + ("x " * 33).strip(),
        " " * 15 + ("x " * 27).strip(),
        "      warns    oh",
        "    R 3 differs",
        "      differs  version: 3.0 here, 3.1 there",
    ]


def test_the_command(tmp_path: Path) -> None:
    path = written(tmp_path)
    done = CliRunner().invoke(app, ["inspect", "--cross-check", str(path)])
    assert done.exit_code == 0
    assert "\n  cross-check\n    FlowIO" in done.output
    assert "every value of 2 events" in " ".join(done.output.split())
    done = CliRunner().invoke(app, ["inspect", "--cross-check", "--json", str(path)])
    [found] = json.loads(done.stdout)
    assert [each["differences"] for each in found["cross_check"]] == [[], []]


@pytest.mark.parametrize(
    ("name", "verdicts"),
    [
        ("flowatlas/a/390C_Liver_026.fcs", ("agrees", "refuses")),
        ("flowjo_simple/data_set_simple_line_100.fcs", ("agrees", "agrees")),
        ("fcs/flowio/coulter.lmd", ("agrees", "differs")),
        ("fcs/flowio/data_start_offset_discrepancy_example.fcs", ("refuses", "differs")),
        ("fcs/fcsparser/EY_2013-07-19_PBS_FCS_3.1_Well_A1.001.fcs", ("differs", "differs")),
    ],
)
def test_real_files(data_dir: Path, name: str, verdicts: tuple[str, str]) -> None:
    reports = check(data_dir / name)
    told = [line.split()[2] for line in as_lines(reports) if line.startswith("    ") and line[4] != " "]
    assert tuple(told) == verdicts
    assert all("names of channels" in report.agrees for report in reports)
    here: Sample = read_fcs(data_dir / name, channels=())
    assert here.keywords.get("$OP", "-" * 9) not in "\n".join(as_lines(reports))


def test_a_file_that_a_peer_does_not_read_at_all(tmp_path: Path) -> None:
    said = {"$DATATYPE": "A", "$P1B": "2", "$P2B": "2"}
    path = written(tmp_path, keywords=said, columns={"A": [1.0, 3.0], "B": [2.0, 4.0]}, data=b" 1 2 3 4")
    assert read_fcs(path).array().tolist() == [[1.0, 2.0], [3.0, 4.0]]
    flowio, fcsparser = check(path)
    assert flowio.agrees == flowio.differences == ()
    assert [text.split(":")[0] for text in flowio.refusals] == ["the file", "the file, offsets ignored"]
    assert any("ParserFeatureNotImplementedError" in text for text in fcsparser.refusals)
