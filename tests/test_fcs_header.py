"""HEADER: positions, versions, and files that are none of ours."""

from __future__ import annotations

import pytest
from tests.builders_fcs import fcs_bytes

from tregflow.errors import FcsError
from tregflow.fcs.header import Offsets, Segment, offsets, read_header
from tregflow.findings import Finding

EXPECTED = "a file that begins with FCS2.0, FCS3.0, FCS3.1 or FCS3.2 and has 58 bytes or more"
EXPORT = "export the file again from the software that wrote it"


def header_error(content: bytes) -> FcsError:
    with pytest.raises(FcsError) as caught:
        read_header(memoryview(content), file="a.fcs")
    return caught.value


def test_positions() -> None:
    content = b"FCS3.0         256    2319    2560  216431       0      -1".ljust(3000)
    header = read_header(memoryview(content), file="a.fcs")
    assert (header.version, header.text, header.data) == ("3.0", Segment(256, 2319), Offsets(2560, 216431))
    assert header.analysis == Offsets(None, None)
    assert header.findings == ()


@pytest.mark.parametrize(("begin", "end"), [("", ""), ("0", "0"), ("0", "-1"), ("99999999", "99999999"), ("x", "y")])
def test_absent_positions(begin: str, end: str) -> None:
    assert offsets(begin, end) == Offsets(None, None)


@pytest.mark.parametrize(
    ("pair", "text"), [(("5", "9"), "5-9"), (("5", ""), "5-?"), (("", "9"), "?-9"), (("", ""), "absent")]
)
def test_positions_in_messages(pair: tuple[str, str], text: str) -> None:
    assert str(offsets(*pair)) == text


@pytest.mark.parametrize("version", ["2.0", "3.0", "3.1", "3.2"])
def test_versions(version: str) -> None:
    assert read_header(memoryview(fcs_bytes({"A": [1]}, version=version)), file="a.fcs").version == version


def test_unknown_version() -> None:
    error = header_error(fcs_bytes({"A": [1]}, version="4.0"))
    assert error.code == "E_VERSION"
    assert str(error) == (
        "a.fcs: unknown version 'FCS4.0'\n"
        "  expected   FCS 2.0, 3.0, 3.1 or 3.2\n"
        "  remedy     export the file again from the software that wrote it, as FCS 3.1"
    )


@pytest.mark.parametrize(
    ("content", "problem", "found", "remedy"),
    [
        (b"", "the file is empty", "0 bytes", "copy or export the file again"),
        (
            b"FCS3.0    ",
            "too short for an FCS file",
            "10 bytes beginning b'FCS3.0    '",
            "copy or export the file again",
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n",
            "not an FCS file but a git-LFS pointer",
            "65 bytes beginning b'version https://'",
            "fetch the real file: git lfs pull",
        ),
        (
            b"\n<!DOCTYPE html><html>",
            "not an FCS file but an HTML page",
            "22 bytes beginning b'\\n<!DOCTYPE html>'",
            "download the file itself, not the page about it",
        ),
        (
            b"PK\x03\x04" + bytes(99),
            "not an FCS file but a ZIP archive",
            "103 bytes beginning b'PK\\x03\\x04" + "\\x00" * 12 + "'",
            "unpack it and read the FCS files inside",
        ),
        (
            b"%PDF-1.7",
            "not an FCS file but a PDF document",
            "8 bytes beginning b'%PDF-1.7'",
            "export the events as FCS",
        ),
        (
            b"<?xml version='1.0'?>",
            "not an FCS file but an XML document",
            '21 bytes beginning b"<?xml version=\'1"',
            "export the events as FCS",
        ),
        (b"event,CD3\n1,2\n", "not an FCS file but text", "14 bytes beginning b'event,CD3\\n1,2\\n'", EXPORT),
        (
            "Zelle,Größe".encode(),
            "not an FCS file but text",
            "13 bytes beginning b'Zelle,Gr\\xc3\\xb6\\xc3\\x9fe'",
            EXPORT,
        ),
        (bytes(range(99)), "not an FCS file", f"99 bytes beginning {bytes(range(16))!r}", EXPORT),
        (b"\xff\xfe\x00", "not an FCS file", "3 bytes beginning b'\\xff\\xfe\\x00'", EXPORT),
    ],
)
def test_what_is_no_fcs_file(content: bytes, problem: str, found: str, remedy: str) -> None:
    error = header_error(content)
    assert error.code == "E_NOT_FCS"
    assert str(error) == f"a.fcs: {problem}\n  expected   {EXPECTED}\n  available  {found}\n  remedy     {remedy}"


@pytest.mark.parametrize(
    ("said", "shown"), [("              ", "absent"), ("     256     256", "256-256"), ("      20     100", "20-100")]
)
def test_text_without_a_place(said: str, shown: str) -> None:
    error = header_error(f"FCS3.0    {said:<16}".encode().ljust(999))
    assert error.code == "E_OFFSETS"
    assert str(error) == (
        "a.fcs: HEADER does not say where TEXT lies\n"
        "  expected   two byte positions behind the 58 bytes of HEADER\n"
        f"  available  TEXT {shown}\n"
        f"  remedy     {EXPORT}"
    )


def test_text_cut_off() -> None:
    error = header_error(b"FCS3.0          58    2319".ljust(999))
    assert error.code == "E_TRUNCATED"
    assert str(error) == (
        "a.fcs: the file ends inside TEXT\n"
        "  expected   2320 bytes or more, since TEXT lies at 58-2319\n"
        "  available  999 bytes\n"
        "  remedy     copy the file again from its source"
    )


def test_odd_positions_are_findings() -> None:
    content = fcs_bytes({"A": [1]}, in_header=lambda *_: ("abc", ""))
    findings = read_header(memoryview(content), file="a.fcs").findings
    assert [(finding.code, finding.severity, finding.text) for finding in findings] == [
        ("header-not-a-number", "info", "HEADER gives 'abc' as a position of DATA: it counts as absent"),
    ]


def with_other(pairs: str) -> bytes:
    return f"FCS3.0    {58 + len(pairs):>8}{199:>8}".encode().ljust(58) + pairs.encode().ljust(999)


@pytest.mark.parametrize(
    ("pairs", "found"),
    [
        ("     600     699     700     799", (Segment(600, 699), Segment(700, 799))),
        ("       0       0     700     799", (Segment(700, 799),)),
        ("     600    9999", ()),
        ("      20     799", ()),
        ("     600     x99     700     799", ()),
        (" " * 40, ()),
    ],
)
def test_other_segments(pairs: str, found: tuple[Segment, ...]) -> None:
    assert read_header(memoryview(with_other(pairs)), file="a.fcs").other == found


def test_a_version_that_the_caller_assumes() -> None:
    header = read_header(memoryview(fcs_bytes({"A": [1]}, version="4.0")), file="a.fcs", assumed="3.1")
    assert header.version == "3.1"
    text = "unknown version 'FCS4.0': read as FCS 3.1, as asked for"
    assert header.findings == (Finding("version-assumed", "review", "HEADER", text),)
    # A version that is known needs no assumption.
    assert read_header(memoryview(fcs_bytes({"A": [1]})), file="a.fcs", assumed="2.0").version == "3.1"


def test_segments_overlap() -> None:
    assert Segment(10, 19).overlaps(Segment(19, 30))
    assert not Segment(10, 19).overlaps(Segment(20, 30))
    assert not Segment(10, 9).overlaps(Segment(0, 30))
