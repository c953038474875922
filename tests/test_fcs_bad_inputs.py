"""The catalogue of bad inputs: what becomes of each, and every word of the message.

A case is bytes and an outcome: the message of an error, or the findings of a sample whose values are right. Numbers are
those of the table in docs/fcs.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.builders_fcs import fcs_bytes

from tregflow.compensation import Spillover
from tregflow.errors import CompensationError, FcsError, PanelError, TregflowError
from tregflow.fcs import Sample, read_fcs
from tregflow.panel import resolve

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = {"A": np.arange(50.0), "B": -np.arange(50.0) * 1.5}
SIZE = 400
GOOD = fcs_bytes(COLUMNS)
BEGIN, END = len(GOOD) - SIZE, len(GOOD) - 1
TEXT_END = BEGIN - 1
NOT_FCS = "a file that begins with FCS2.0, FCS3.0, FCS3.1 or FCS3.2 and has 58 bytes or more"
EXPORT = "export the file again from the software that wrote it"
CORRUPT = "the file is damaged or was written by faulty software: export it again"
FLOATS = "export the file as FCS 3.1 with floating point data"
AGAIN = "export the file again, after the software has finished calculating"
COPY = "copy the file again from its source"


def message(problem: str, expected: str = "", available: str = "", remedy: str = "") -> str:
    lines = [f"a.fcs: {problem}"]
    details = {"expected": expected, "available": available, "remedy": remedy}
    return "\n".join(lines + [f"  {label:<10} {text}" for label, text in details.items() if text])


def silent(begin: int, end: int) -> None:
    """Say nothing about DATA."""


def made(**shape: Any) -> bytes:
    return fcs_bytes(COLUMNS, **shape)


def sized(content: bytes) -> tuple[int, int]:
    """Return first and last byte of the DATA of a file that ends with it."""
    return len(content) - SIZE, len(content) - 1


# ------------------------------------------------------------------------------------------------------- refused


@dataclass(frozen=True)
class Refused:
    """Bytes that are refused with this code and these words."""

    number: str
    content: bytes
    code: str
    text: str
    options: dict[str, Any] = field(default_factory=dict)


def not_fcs(number: str, content: bytes, problem: str, found: str, remedy: str) -> Refused:
    return Refused(number, content, "E_NOT_FCS", message(problem, NOT_FCS, found, remedy))


def par(number: str, problem: str, widths: int, **keywords: str | None) -> Refused:
    expected = "the number of channels in $PAR, and $P1B, $P2B … for each of them"
    text = message(problem, expected, f"{widths} keywords $PnB", CORRUPT)
    return Refused(number, made(keywords={f"${key}": value for key, value in keywords.items()}), "E_PAR", text)


def no_mode(letter: str, kind: str) -> Refused:
    return Refused(
        "16",
        made(keywords={"$MODE": letter}),
        "E_MODE",
        message(
            f"$MODE is '{letter}', {kind}: there are no events to read",
            "$MODE L, a list of events",
            "",
            "export the events themselves (list mode) from the software that wrote the file",
        ),
    )


def tot_mismatch(promised: int) -> Refused:
    text = message(
        "$TOT and the length of DATA disagree",
        f"{8 * promised} bytes of DATA: {promised} events of 8 bytes",
        f"HEADER {BEGIN}-{END} (400 bytes), TEXT {BEGIN}-{END} (400 bytes)",
        AGAIN,
    )
    return Refused("6", made(keywords={"$TOT": str(promised)}), "E_TOT_MISMATCH", text)


def bad_byteord(number: str, byteord: str, problem: str, bits: int) -> Refused:
    content = fcs_bytes({"A": [1, 2]}, datatype="I", bits=bits, byteord=byteord)
    expected = f"1,2,3,4 (little endian), 4,3,2,1 (big endian), or another order of {bits // 8} bytes"
    text = message(f"$BYTEORD {problem}", expected, f"$BYTEORD '{byteord}'", f"{EXPORT}, as FCS 3.1")
    return Refused(number, content, "E_BYTEORD", text)


def bad_pointer(text: str) -> Refused:
    content = made(keywords={"$NEXTDATA": text})
    return Refused(
        "25",
        content,
        "E_DATASET",
        message(
            "$NEXTDATA does not point into the file",
            f"0, or the position of another data set below {len(content)}",
            f"$NEXTDATA '{text}'",
            CORRUPT,
        ),
    )


def textmode() -> Refused:
    words = np.random.default_rng(1).integers(0, 2**32, 300_000, dtype=np.uint32)
    content = fcs_bytes({"A": words}, datatype="I", bits=32)
    begin = len(content) - 1_200_000
    data = content[begin:].replace(b"\r\n", b"\n")
    lost = 1_200_000 - len(data)
    text = message(
        f"{lost} bytes of DATA are missing, and every line end (CR LF) is: damaged by a transfer in text mode",
        "1200000 bytes of DATA: 300000 events of 4 bytes, among them about 18 line ends by chance",
        f"{len(data)} bytes without a line end",
        "copy the file again in binary mode; in git, mark *.fcs as binary",
    )
    return Refused("5", content[:begin] + data, "E_TEXTMODE_DAMAGE", text)


def truncated(cut: int) -> Refused:
    text = message(
        f"the file ends inside DATA: 50 events promised, {(SIZE - cut) // 8} whole events present",
        f"400 bytes of DATA: 50 events of 8 bytes, from byte {BEGIN} (HEADER)",
        f"{SIZE - cut} bytes of DATA",
        COPY,
    )
    return Refused("4", GOOD[:-cut], "E_TRUNCATED", text)


def no_tot() -> Refused:
    content = made(keywords={"$TOT": None}, in_header=lambda b, e: (b, e - 1), in_text=silent)
    begin, end = sized(content)
    text = message(
        "the number of events, $TOT, is missing, and DATA does not tell it",
        "one DATA segment of whole events of 8 bytes",
        f"HEADER {begin}-{end - 1}, TEXT absent",
        EXPORT,
    )
    return Refused("7", content, "E_TOT", text)


def unconfirmed_width() -> Refused:
    content = fcs_bytes({"A": [1, 2]}, datatype="I", bits=16, keywords={"$P1B": "10"})
    begin, end = len(content) - 4, len(content) - 1
    text = message(
        "$PnB 10 is no whole number of bytes: values are taken to be 4 bytes wide, as $BYTEORD is, but DATA is not of "
        "that length",
        "8 bytes of DATA: 2 events of 4 bytes",
        f"HEADER {begin}-{end}, TEXT {begin}-{end}",
        FLOATS,
    )
    return Refused("15", content, "E_WIDTH", text)


def several() -> Refused:
    first = made(keywords={"$NEXTDATA": "000000"})
    content = first.replace(b"$NEXTDATA/000000", b"$NEXTDATA/%06d" % len(first)) + GOOD
    text = message(
        "the file holds 2 data sets, and none was named",
        "the number of a data set",
        "1: FCS 3.1, 50 events, 2 channels, 2: FCS 3.1, 50 events, 2 channels",
        "read_fcs(…, dataset=1), or tregflow inspect --dataset 1",
    )
    return Refused("25", content, "E_DATASET", text)


def loop() -> Refused:
    """The second data set points back at itself, and so would any number that is not behind it."""
    second = made(keywords={"$NEXTDATA": "000058"})
    first = made(keywords={"$NEXTDATA": "000000"})
    content = first.replace(b"$NEXTDATA/000000", b"$NEXTDATA/%06d" % len(first)) + second
    text = message(
        "$NEXTDATA points at no data set",
        "$NEXTDATA 0, or the position of another data set",
        "$NEXTDATA 58",
        "read the first with dataset=1, or export the file again",
    )
    return Refused("25", content, "E_DATASET", text)


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"
REFUSED = [
    not_fcs("1", b"", "the file is empty", "0 bytes", "copy or export the file again"),
    not_fcs(
        "2",
        b"<!DOCTYPE html><html>",
        "not an FCS file but an HTML page",
        "21 bytes beginning b'<!DOCTYPE html><'",
        "download the file itself, not the page about it",
    ),
    not_fcs(
        "2",
        LFS,
        "not an FCS file but a git-LFS pointer",
        "65 bytes beginning b'version https://'",
        "fetch the real file: git lfs pull",
    ),
    not_fcs(
        "2",
        b"PK\x03\x04" + b"x" * 60,
        "not an FCS file but a ZIP archive",
        "64 bytes beginning b'PK\\x03\\x04xxxxxxxxxxxx'",
        "unpack it and read the FCS files inside",
    ),
    not_fcs(
        "2",
        b"%PDF-1.7 and more",
        "not an FCS file but a PDF document",
        "17 bytes beginning b'%PDF-1.7 and mor'",
        "export the events as FCS",
    ),
    not_fcs(
        "2",
        b"<?xml version=",
        "not an FCS file but an XML document",
        "14 bytes beginning b'<?xml version='",
        "export the events as FCS",
    ),
    not_fcs(
        "3",
        GOOD[:57],
        "too short for an FCS file",
        "57 bytes beginning b'FCS3.1          '",
        "copy or export the file again",
    ),
    not_fcs("3", b"\x00" + GOOD[1:], "not an FCS file", f"{len(GOOD)} bytes beginning b'\\x00CS3.1          '", EXPORT),
    truncated(8),
    truncated(395),
    textmode(),
    tot_mismatch(40),
    tot_mismatch(60),
    no_tot(),
    bad_byteord("14", "1", "gives no order of bytes", 16),
    bad_byteord("14", "3,4,1,2", "is a mixed order that does not fit the values", 16),
    unconfirmed_width(),
    no_mode("C", "one correlated histogram"),
    no_mode("U", "histograms"),
    par("17", "$PAR promises 999999999 channels", 2, PAR="999999999"),
    par("17", "$PAR is '0'", 2, PAR="0"),
    par("17", "$PAR is '-2'", 2, PAR="-2"),
    par("17", "$PAR is missing", 2, PAR=None),
    par("17", "$P2B is missing", 2, P2B=None, P3B="32"),
    par("17", "$PAR promises 2 channels", 1, P2B=None),
    several(),
    loop(),
    bad_pointer("-1"),
    bad_pointer("99999999"),
]


def refusal(folder: Path, content: bytes, **options: Any) -> TregflowError:
    (folder / "a.fcs").write_bytes(content)
    with pytest.raises(TregflowError) as caught:
        read_fcs(folder / "a.fcs", **options)
    return caught.value


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: f"{case.number}-{case.code}")
def test_refused(tmp_path: Path, case: Refused) -> None:
    error = refusal(tmp_path, case.content, **case.options)
    assert (type(error), error.code, str(error)) == (FcsError, case.code, case.text)
    strict = refusal(tmp_path, case.content, mode="strict")
    assert str(strict) == case.text


# ------------------------------------------------------------------------------------------- read, with a finding


@dataclass(frozen=True)
class Read:
    """Bytes that are read right, with these findings; strict reading refuses them for the same reason."""

    number: str
    content: bytes
    findings: list[tuple[str, str, str]]
    columns: dict[str, Any] = field(default_factory=lambda: dict(COLUMNS))
    strict: bool = False
    """Whether strict reading accepts it."""


def trailing() -> Read:
    text = "16 bytes lie behind the last segment and are not read"
    return Read("6", made(tail=bytes(16)), [("trailing-bytes", "warning", text)])


def conflict(in_header: Any, in_text: Any, followed: str) -> Read:
    content = made(in_header=in_header, in_text=in_text, tail=bytes(8))
    # Without a gap the true place is the one directly behind TEXT.
    begin, end = len(content) - SIZE - 8, len(content) - 9
    right, wrong = f"{begin}-{end}", f"{begin + 8}-{end + 8}"
    header, text = (right, wrong) if followed == "HEADER" else (wrong, right)
    said = f"DATA could lie at HEADER {header} and TEXT {text}: {followed} is followed"
    return Read("8", content, [("offset-conflict", "review", said)])


def moved(begin: int, end: int) -> tuple[int, int]:
    return begin + 8, end + 8


def truly(begin: int, end: int) -> tuple[int, int]:
    return begin, end


def header_said(begin: int | str, end: int | str) -> Read:
    content = made(in_header=lambda *_: (begin, end))
    place = "{}-{}".format(*sized(content))
    said = f"HEADER does not say where DATA lies: TEXT does, at {place}"
    return Read("11", content, [("header-data-absent", "info", said)])


def no_begindata() -> Read:
    content = made(in_text=silent)
    said = "TEXT does not say where DATA lies: HEADER does, at {}-{}".format(*sized(content))
    return Read("12", content, [("begindata-missing", "info", said)])


def plus_one() -> Read:
    content = made(in_header=lambda b, e: (b, e + 1), in_text=lambda b, e: (b, e + 1))
    begin, end = sized(content)
    said = f"HEADER gives DATA as {begin}-{end + 1}, one byte too long: the last byte is dropped"
    return Read("9", content, [("data-end-plus-one", "info", said)])


def end_is_begin() -> Read:
    content = made(in_header=lambda b, _: (b, b), in_text=lambda b, _: (b, b))
    begin, _ = sized(content)
    said = f"HEADER gives DATA as {begin}-{begin}: its end is computed from $TOT"
    return Read("10", content, [("data-end-computed", "info", said)])


def mixed_types() -> Read:
    columns = {"A": np.array([1.5, 3e9], np.float32), "B": np.array([1, 65535])}
    table = np.zeros(2, dtype=[("A", "<f4"), ("B", "<u2")])
    table["A"], table["B"] = columns["A"], columns["B"]
    keywords = {"$P2DATATYPE": "I", "$P2B": "16", "$P2R": "65536"}
    content = fcs_bytes(columns, version="3.2", keywords=keywords, data=table.tobytes())
    return Read("13", content, [], columns, strict=True)


def mixed_order() -> Read:
    columns = {"A": np.array([1, 65536, 258])}
    stored = columns["A"].astype("<u4").view(np.uint8).reshape(-1, 4)[:, [2, 3, 0, 1]].tobytes()
    content = fcs_bytes(columns, version="3.0", datatype="I", bits=32, byteord="3,4,1,2", data=stored)
    said = "$BYTEORD is the mixed order '3,4,1,2': each number is the significance of its byte"
    return Read("14", content, [("byteord-mixed", "info", said)], columns)


def ten_bits() -> Read:
    columns = {"A": np.array([1, 1023])}
    keywords = {"$P1B": "10", "$P1R": "1024"}
    content = fcs_bytes(columns, version="2.0", datatype="I", bits=16, byteord="1,2", keywords=keywords)
    said = "$PnB 10 is no whole number of bytes: values are taken to be 2 bytes wide, as $BYTEORD is"
    return Read("15", content, [("pnb-from-byteord", "warning", said)], columns)


REQUIRED_MISSING = "required-missing"
TWICE = "doubled delimiters in TEXT "
READ = [
    trailing(),
    Read(
        "7", made(keywords={"$TOT": None}), [("tot-missing", "warning", "$TOT is missing: DATA holds 50 whole events")]
    ),
    conflict(moved, truly, "TEXT"),
    conflict(truly, moved, "HEADER"),
    plus_one(),
    end_is_begin(),
    header_said("", ""),
    header_said(0, 0),
    header_said(99999999, 99999999),
    no_begindata(),
    mixed_types(),
    mixed_order(),
    ten_bits(),
    Read(
        "18",
        made(keywords={"$DATATYPE": None, "   $DataType": "F", "$tot": "50", "$TOT": None}),
        [("text-key-blanks", "info", "$DATATYPE: blanks around the key were dropped")],
    ),
    Read(
        "19",
        made(final_delimiter=False),
        [
            (
                "text-no-final-delimiter",
                "info",
                "TEXT does not end with its delimiter: the last value is taken whole",
            )
        ],
    ),
    Read(
        "19",
        made(extra=b"LAST/"),
        [("text-odd-tokens", "warning", "TEXT has an odd number of tokens: the last key, 'LAST', gets an empty value")],
    ),
    Read("20", made(keywords={"$SYS": ""}), [("text-empty-values", "info", TWICE + "are read as empty values")]),
    Read(
        "20",
        made(keywords={"$P1S": "GFP//FITC"}),
        [("text-doubled-delimiters", "info", TWICE + "are read as literal delimiters")],
    ),
    Read(
        "20",
        made(extra=b"$P1S//K/v/A/x//y/"),
        [
            ("text-doubled-delimiters", "info", TWICE + "are read as literal delimiters"),
            (
                "text-delimiters-ambiguous",
                "review",
                TWICE + "can be read in two ways, which differ in a required key",
            ),
        ],
    ),
    Read(
        "21",
        made(extra=b"$P1S/CD3\xaa/"),
        [("text-not-utf8", "info", "$P1S: the value is not UTF-8 and is read as Latin-1")],
    ),
]


@pytest.mark.parametrize("case", READ, ids=lambda case: f"{case.number}-{'-'.join(f[0] for f in case.findings)}")
def test_read_right(tmp_path: Path, case: Read) -> None:
    (tmp_path / "a.fcs").write_bytes(case.content)
    sample = read_fcs(tmp_path / "a.fcs")
    for name, truth in case.columns.items():
        np.testing.assert_array_equal(sample.values(name), truth)
    assert [(each.code, each.severity, each.text) for each in sample.findings] == case.findings


@pytest.mark.parametrize("case", READ, ids=lambda case: f"{case.number}-{'-'.join(f[0] for f in case.findings)}")
def test_strict_reading_names_the_same(tmp_path: Path, case: Read) -> None:
    if case.strict:
        (tmp_path / "a.fcs").write_bytes(case.content)
        assert read_fcs(tmp_path / "a.fcs", mode="strict").findings == ()
        return
    error = refusal(tmp_path, case.content, mode="strict")
    named = {text.partition(":")[0] for text in error.available}
    allowed = {"text-doubled-delimiters"}
    assert {code for code, _, _ in case.findings} - allowed <= named
    assert error.code == ("E_DELIM" if "text-delimiters-ambiguous" in named else "E_STRICT")


def test_a_marker_name_byte_for_byte(tmp_path: Path) -> None:
    (tmp_path / "a.fcs").write_bytes(made(extra=b"$P1S/CD3\xaa/"))
    assert read_fcs(tmp_path / "a.fcs").channels[0].pns.encode("latin-1") == b"CD3\xaa"


# ------------------------------------------------------------------------------ 22 to 24: matrices and marker names


def spilled(text: str, **more: str) -> Sample:
    return Sample.from_columns("a.fcs", {"A": [1.0], "B": [2.0]}, keywords={"$SPILLOVER": text, **more})


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (
            "2,A,B,1,0,0,1,0,1,1,0",
            "spillover-decimal-commas",
            "the numbers are written with decimal commas: each was put together from two",
        ),
        ("2,1,2,1,0.1,0.1,1", "spillover-by-number", "the matrix names channels by their number: 1 A, 2 B"),
    ],
)
def test_22_matrices_that_are_repaired(text: str, code: str, said: str) -> None:
    matrix = Spillover.from_sample(spilled(text))
    assert matrix.detectors == ("A", "B")
    np.testing.assert_allclose(matrix.matrix, [[1, 0.1], [0.1, 1]])
    assert [(each.code, each.where, each.text) for each in matrix.findings] == [(code, "a.fcs: $SPILLOVER", said)]


_CORRECT = "  remedy     correct the matrix, or name a CSV file with the right one under compensation"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "2,A,X,1,0.1,0.1,1",
            "the matrix names 'X', which is no channel of the sample\n"
            "  expected   $PnN of the sample\n"
            "  available  A, B\n"
            "  remedy     use a matrix of this panel",
        ),
        (
            "2,A,B,1,0.1,0.1",
            "the matrix is too short\n"
            "  expected   2 names and 4 numbers\n"
            "  available  2 names and 3 numbers\n" + _CORRECT,
        ),
        (
            "2,A,B,1,0.1",
            "the matrix is too short\n"
            "  expected   2 names and 4 numbers\n"
            "  available  2 names and 2 numbers\n" + _CORRECT,
        ),
        (
            "2,A,B,1,1,1,1",
            "the matrix is singular, so that it cannot be inverted\n"
            "  expected   a condition number below 1e+06\n" + _CORRECT,
        ),
    ],
)
def test_22_matrices_that_are_refused(text: str, message: str) -> None:
    with pytest.raises(CompensationError) as caught:
        Spillover.from_sample(spilled(text))
    assert (caught.value.code, str(caught.value)) == ("E_SPILL", f"a.fcs: $SPILLOVER: {message}")


def test_23_two_matrices() -> None:
    with pytest.raises(CompensationError) as caught:
        Spillover.from_sample(spilled("2,A,B,1,0.1,0.1,1", SPILL="2,A,B,1,0.2,0.1,1"))
    assert caught.value.code == "E_SPILL_CONFLICT"
    assert str(caught.value) == (
        "a.fcs: $SPILLOVER and SPILL hold different matrices\n"
        "  expected   one matrix, or the same twice\n"
        "  available  $SPILLOVER (2 detectors), SPILL (2 detectors)\n"
        "  remedy     choose one, as in compensation: fcs:$SPILLOVER, or name a CSV file with the right one"
    )


@pytest.mark.parametrize(
    ("markers", "wanted", "code", "message"),
    [
        (
            {"A": "CD3"},
            "FoxP3",
            "E_NO_CHANNEL",
            "no channel carries FoxP3\n"
            "  expected   $PnS or $PnN FoxP3\n"
            "  available  CD3 (A), B\n"
            "  remedy     add the name that the sample uses to panel: FoxP3, or check the staining",
        ),
        (
            {"A": "Foxp3-IgM"},
            "FoxP3",
            "E_NO_CHANNEL",
            "no channel carries FoxP3\n"
            "  expected   $PnS or $PnN FoxP3\n"
            "  available  Foxp3-IgM (A), B\n"
            "  remedy     near miss 'Foxp3-IgM': add it to panel: FoxP3",
        ),
        (
            {"A": "CD25", "B": "CD25"},
            "CD25",
            "E_PANEL",
            "two channels for one marker, CD25\n"
            "  expected   $PnS or $PnN CD25\n"
            "  available  CD25 (A), CD25 (B)\n"
            "  remedy     name the one that is meant in panel: CD25, pnn: [A] or [B]",
        ),
    ],
)
def test_24_markers_are_never_guessed(markers: dict[str, str], wanted: str, code: str, message: str) -> None:
    sample = Sample.from_columns("a.fcs", {"A": [1.0], "B": [2.0]}, markers=markers)
    with pytest.raises(PanelError) as caught:
        resolve(wanted, None, sample)
    assert (caught.value.code, str(caught.value)) == (code, f"a.fcs: {message}")


# --------------------------------------------------------------------------------------------- without a number


EXTRA = {
    "0 events": (fcs_bytes({"A": [], "B": []}, in_header=lambda *_: (0, 0), in_text=lambda *_: (0, 0)), []),
    "NaN and infinity": (fcs_bytes({"A": [np.nan, np.inf]}), ["not-finite"]),
    "$PnR of floats": (made(keywords={"$P1R": "NA", "$P2R": "1e38"}), []),
    "$PnR with a point": (made(keywords={"$P1R": "262144.0", "$P2R": "0"}), []),
    "$PnG 0": (made(keywords={"$P1G": "0"}), ["png-unusable"]),
    "$PnE 4,0": (fcs_bytes({"A": [0]}, datatype="I", keywords={"$P1E": "4,0", "$P1R": "1024"}), []),
    "$PnE with blanks": (fcs_bytes({"A": [0]}, datatype="I", keywords={"$P1E": " 4.0,0.1024", "$P1R": "1024"}), []),
    "STEXT over DATA": (made(keywords={"$BEGINSTEXT": "58", "$ENDSTEXT": "700"}), ["stext-overlap"]),
    "a checksum of zeros": (made(tail=b"00000000"), []),
    "$NEXTDATA missing": (made(keywords={"$NEXTDATA": None}), []),
    "names of persons": (made(keywords={"$OP": "somebody"}), []),
}


@pytest.mark.parametrize("name", EXTRA)
def test_the_rest(tmp_path: Path, name: str) -> None:
    content, codes = EXTRA[name]
    (tmp_path / "a.fcs").write_bytes(content)
    sample = read_fcs(tmp_path / "a.fcs")
    assert [each.code for each in sample.findings] == codes
    assert name != "$PnE 4,0" or sample.values("A").tolist() == [1.0]
    assert name != "$PnE with blanks" or sample.values("A").tolist() == [0.1024]
    assert name != "names of persons" or sample.keywords["$OP"] == "somebody"


def test_markers_in_supplemental_text_only(tmp_path: Path) -> None:
    stext = b"*$P1S*CD25*"
    content = made(keywords={"$BEGINSTEXT": "0000", "$ENDSTEXT": "0000"}, tail=stext)
    content = content.replace(b"$BEGINSTEXT/0000", b"$BEGINSTEXT/%04d" % (len(content) - len(stext)))
    content = content.replace(b"$ENDSTEXT/0000", b"$ENDSTEXT/%04d" % (len(content) - 1))
    (tmp_path / "a.fcs").write_bytes(content)
    sample = read_fcs(tmp_path / "a.fcs")
    assert (sample.channels[0].label, sample.findings) == ("CD25 (A)", ())


def test_a_matrix_for_compensated_values() -> None:
    sample = Sample.from_columns("a.fcs", {"FJComp-A": [1.0]}, keywords={"$SPILLOVER": "1,FJComp-A,1"})
    with pytest.raises(CompensationError) as caught:
        Spillover.from_sample(sample)
    assert caught.value.code == "E_COMPENSATED_TWICE"
