"""What mutated files have shown: values that changed in silence, and keywords that took minutes.

Each test builds the file that the benchmark ``robustness.py`` came across, in its smallest form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.builders_fcs import fcs_bytes

from tregflow.fcs import Sample, read_fcs
from tregflow.fcs.persons import REMOVED, deidentified
from tregflow.fcs.sample import linearised
from tregflow.findings import Finding
from tregflow.inspection import describe

if TYPE_CHECKING:
    from pathlib import Path

FLOATS = {"A": [1.5, -2.25, 300.0], "B": [10.0, 20.0, 30.0]}
WHOLE = {"A": [1, 2, 1023], "B": [10, 20, 30]}


def read(folder: Path, content: bytes) -> Sample:
    path = folder / "a.fcs"
    path.write_bytes(content)
    return read_fcs(path)


def said(sample: Sample) -> list[Finding]:
    return [finding for finding in sample.findings if finding.code != "bits-masked"]


# ------------------------------------------------------------------------------------------- where the segments lie


def test_bytes_taken_out_of_text_leave_values_before_data(tmp_path: Path) -> None:
    # Blanks between TEXT and DATA swallow the shift, and a checksum behind DATA fills its end.
    whole = fcs_bytes(FLOATS, keywords={"$COM": "sixteen"}, gap=b" " * 40, tail=b"00000000")
    assert said(read(tmp_path, whole)) == []
    shorter = read(tmp_path, whole.replace(b"$COM/sixteen", b"$COM/six", 1))
    assert shorter.values("A")[0] != 1.5
    text = "4 bytes or more lie before the last segment and in none of them: they are not read"
    assert Finding("undeclared-bytes", "warning", "file", text) in shorter.findings


def test_a_byte_put_behind_text_moves_values_that_end_in_nul(tmp_path: Path) -> None:
    # The last byte of 2.0 in little endian is no NUL, in big endian it is.
    whole = fcs_bytes({"A": [1.0, 2.0]}, byteord="4,3,2,1")
    begin = int(whole[26:34])
    sample = read(tmp_path, whole[:begin] + b"/" + whole[begin:])
    assert sample.values("A")[1] != 2.0
    assert [finding.code for finding in said(sample)] == ["trailing-bytes"]


def test_a_first_value_of_zero_left_before_data(tmp_path: Path) -> None:
    whole = fcs_bytes({"A": [0.0, 2.0]}, keywords={"$COM": "sixteen"}, gap=b" " * 8, tail=b"00000000")
    sample = read(tmp_path, whole.replace(b"sixteen", b"six", 1))
    assert [finding.code for finding in said(sample)] == ["trailing-bytes", "undeclared-bytes"]


@pytest.mark.parametrize("gap", [b"", b"    ", b"\0\0\0", b"\r\n"])
def test_padding_before_data_is_nothing_to_mention(tmp_path: Path, gap: bytes) -> None:
    assert said(read(tmp_path, fcs_bytes(FLOATS, gap=gap))) == []


def test_text_that_ends_too_early_leaves_its_keywords_behind(tmp_path: Path) -> None:
    whole = fcs_bytes(WHOLE, datatype="I", keywords={"$P2D": "x", "$P2S": "CD25"})
    cut = whole.index(b"$P2D/") - 1
    shorter = whole[:18] + f"{cut:>8d}".encode() + whole[26:]
    sample = read(tmp_path, shorter)
    assert sample.channels[1].pns == ""
    assert [finding.code for finding in said(sample)] == ["undeclared-bytes"]


def test_a_wide_gap_is_looked_at_where_segments_would_have_moved(tmp_path: Path) -> None:
    sample = read(tmp_path, fcs_bytes(FLOATS, gap=b" " * 300_000 + b"\x01"))
    assert [finding.code for finding in said(sample)] == ["undeclared-bytes"]


def test_other_segments_are_listed_in_digits_behind_header(tmp_path: Path) -> None:
    whole = fcs_bytes(FLOATS)
    moved = fcs_bytes(FLOATS, in_header=lambda b, e: (b + 16, e + 16), in_text=lambda b, e: (b + 16, e + 16))
    head = moved[:10] + f"{74:>8d}{int(whole[18:26]) + 16:>8d}".encode() + moved[26:58]
    assert said(read(tmp_path, head + b"       0       0" + moved[58:])) == []


def test_two_ends_of_data(tmp_path: Path) -> None:
    def one_more(begin: int, end: int) -> tuple[int, int]:
        return begin, end + 1

    sample = read(tmp_path, fcs_bytes(FLOATS, in_text=one_more, tail=b"00000000"))
    header, text = f"{sample.keywords['$BEGINDATA']}", f"{sample.keywords['$ENDDATA']}"
    begin, end = int(header), int(text)
    stated = f"two ends are given for DATA, HEADER {begin}-{end - 1} and TEXT {begin}-{end}: HEADER is followed"
    assert said(sample) == [Finding("data-end-differs", "info", "DATA", stated)]


def test_an_end_in_text_that_is_no_number(tmp_path: Path) -> None:
    sample = read(tmp_path, fcs_bytes(FLOATS, in_text=lambda b, e: (b, f"0-{e:06d}")))
    assert [finding.code for finding in said(sample)] == ["data-end-differs"]


def test_data_without_events_inside_header(tmp_path: Path) -> None:
    sample = read(tmp_path, fcs_bytes({"A": []}, in_header=lambda *_: (57, 56), in_text=lambda *_: (57, 56)))
    text = "DATA is empty, and is said to lie where it cannot: HEADER 57-56 and TEXT 57-56"
    assert said(sample) == [Finding("data-empty-misplaced", "info", "DATA", text)]
    assert sample.n_events == 0


# ------------------------------------------------------------------------------------------------- numbers in ASCII

DIGITS = b"11 12 21 22 31 330"


def ascii_file(**shape: Any) -> bytes:
    keywords = {"$P1B": "*", "$P2B": "*"}
    return fcs_bytes(FLOATS, datatype="A", bits=8, keywords=keywords, data=DIGITS, **shape)


def test_ascii_whole(tmp_path: Path) -> None:
    sample = read(tmp_path, ascii_file())
    np.testing.assert_array_equal(sample.values("B"), [12, 22, 330])
    assert said(sample) == []


def test_ascii_with_a_digit_cut_off_by_one_source(tmp_path: Path) -> None:
    sample = read(tmp_path, ascii_file(in_header=lambda b, e: (b, e - 1)))
    assert [finding.code for finding in said(sample)] == ["data-end-differs", "trailing-bytes"]


@pytest.mark.parametrize("version", ["2.0", "3.1"])
def test_ascii_with_a_last_zero_cut_off(tmp_path: Path, version: str) -> None:
    def short(begin: int, end: int) -> tuple[int, int]:
        return begin, end - 1

    sample = read(tmp_path, ascii_file(in_header=short, in_text=short, version=version))
    assert sample.values("B")[-1] == 33
    assert [finding.code for finding in said(sample)] == ["trailing-bytes"]


def test_ascii_with_a_first_digit_cut_off(tmp_path: Path) -> None:
    def late(begin: int, end: int) -> tuple[int, int]:
        return begin + 1, end

    sample = read(tmp_path, ascii_file(in_header=late, in_text=late))
    assert sample.values("A")[0] == 1
    assert [finding.code for finding in said(sample)] == ["undeclared-bytes"]


def test_ascii_followed_in_one_place_only(tmp_path: Path) -> None:
    sample = read(tmp_path, ascii_file(in_text=lambda b, e: (b + 3, e)))
    assert [finding.code for finding in said(sample)] == ["offset-repaired"]


# --------------------------------------------------------------------------------------------------------- channels


def test_a_range_that_is_no_whole_number_masks_nothing(tmp_path: Path) -> None:
    sample = read(tmp_path, fcs_bytes(WHOLE, datatype="I", keywords={"$P1R": "1000.5"}))
    np.testing.assert_array_equal(sample.values("A"), WHOLE["A"])
    assert sample.channels[0].range == 1000.5
    text = "$PnR is '1000.5', no whole number: no bits are masked"
    assert said(sample) == [Finding("pnr-unusable", "warning", "A", text)]


def test_an_amplification_of_floats_that_is_none(tmp_path: Path) -> None:
    sample = read(tmp_path, fcs_bytes(FLOATS, keywords={"$P2E": "FSC-A"}))
    text = "$PnE is 'FSC-A', which cannot be read: values of this type are linear in any case"
    assert said(sample) == [Finding("pne-ignored", "info", "B", text)]


def test_amplifications_of_floats_that_are_missing(tmp_path: Path) -> None:
    columns = {f"C{number}": [1.0] for number in range(1, 8)}
    keywords: dict[str, str | None] = {f"$P{number}E": None for number in range(1, 8)}
    text = "$P1E, $P2E, $P3E, $P4E, $P5E and 2 more missing: floating point values are linear in any case"
    sample = read(tmp_path, fcs_bytes(columns, keywords=keywords))
    assert said(sample) == [Finding("keywords-missing", "info", "TEXT", text)]


@pytest.mark.parametrize(("written", "code"), [("308,1", "pne-absurd"), ("4,1e300", "pne-absurd"), ("5,10", None)])
def test_decades_beyond_any_number(tmp_path: Path, written: str, code: str | None) -> None:
    sample = read(tmp_path, fcs_bytes(WHOLE, datatype="I", keywords={"$P1E": written, "$P1R": "1024"}))
    assert [finding.code for finding in said(sample)] == ([code] if code else [])


def test_decades_beyond_any_number_in_words(tmp_path: Path) -> None:
    sample = read(tmp_path, fcs_bytes(WHOLE, datatype="I", keywords={"$P1E": "308,1", "$P1R": "1024"}))
    text = "$PnE is '308,1', more decades than a number can hold: large values are read as infinite"
    assert said(sample) == [Finding("pne-absurd", "warning", "A", text)]


def test_a_name_with_control_characters(tmp_path: Path) -> None:
    sample = read(tmp_path, fcs_bytes({"A\x1b[2J": [1.0]}))
    text = r"the name of channel 1, 'A\x1b[2J', holds control characters: it is kept as it is"
    assert said(sample) == [Finding("pnn-control-characters", "warning", "P1", text)]
    assert sample.names == ("A\x1b[2J",)


@pytest.mark.parametrize("bits", [10, 16])
def test_few_events_are_linearised_as_many_are(tmp_path: Path, bits: int) -> None:
    values = np.arange(5) * 3
    keywords = {"$P1E": "4,1", "$P1R": str(2**bits)}
    channel = read(tmp_path, fcs_bytes({"A": values}, datatype="I", keywords=keywords)).channels[0]
    many = np.resize(values, 2**bits + 5).astype(np.float32)
    np.testing.assert_array_equal(linearised(values.astype(np.float32), channel), linearised(many, channel)[:5])


# ---------------------------------------------------------------------------------------------------------- persons


def test_names_are_looked_for_once_per_file() -> None:
    class Counted(dict[str, str]):
        passes = 0

        def items(self) -> Any:
            self.passes += 1
            return super().items()

    keywords = Counted({"$OP": "J. Roe", **{f"K{number}": "by J. Roe" for number in range(100)}})
    assert set(deidentified(keywords).values()) == {f"by {REMOVED}"}
    assert keywords.passes == 2


def test_of_more_persons_than_can_be_looked_for_nothing_is_left() -> None:
    many = {f"OPERATOR {number}": f"name {number}" for number in range(60)}
    assert deidentified({**many, "$CYT": "Canto of name 7", "$P1N": "FSC-A"}) == {"$CYT": REMOVED, "$P1N": "FSC-A"}


def test_a_page_of_many_findings(tmp_path: Path) -> None:
    columns = {f"C{number}": [1] for number in range(300)}
    keywords: dict[str, str | None] = {f"$P{number}E": None for number in range(1, 301)}
    sample = read(tmp_path, fcs_bytes(columns, datatype="I", keywords={**keywords, "$OP": "J. Roe"}))
    assert len(describe(sample)["findings"]) == 300
