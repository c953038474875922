"""Where DATA lies when HEADER and TEXT disagree, are silent, or lie; each case as a file that is read or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.builders_fcs import fcs_bytes

from tregflow.errors import FcsError
from tregflow.fcs import Sample, read_fcs
from tregflow.fcs.header import Segment
from tregflow.fcs.segments import supplemental

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = {"A": np.arange(50.0), "B": np.arange(50.0, 100.0)}
SIZE = 400


def read(folder: Path, content: bytes) -> Sample:
    path = folder / "a.fcs"
    path.write_bytes(content)
    return read_fcs(path)


def check(folder: Path, codes: list[str], **shape: Any) -> Sample:
    """Read a file of that shape and compare its values with the truth, its findings with `codes`."""
    sample = read(folder, fcs_bytes(COLUMNS, **shape))
    assert [finding.code for finding in sample.findings] == codes
    np.testing.assert_array_equal(sample.values("A"), COLUMNS["A"])
    np.testing.assert_array_equal(sample.values("B"), COLUMNS["B"])
    return sample


def refused(folder: Path, content: bytes) -> FcsError:
    with pytest.raises(FcsError) as caught:
        read(folder, content)
    return caught.value


def silent(begin: int, end: int) -> None:
    """Say nothing about DATA."""


def test_both_agree(tmp_path: Path) -> None:
    check(tmp_path, [])


def test_end_one_too_large_past_the_file(tmp_path: Path) -> None:
    sample = check(tmp_path, ["data-end-plus-one"], in_header=lambda b, e: (b, e + 1), in_text=lambda b, e: (b, e + 1))
    begin = int(sample.keywords["$BEGINDATA"])
    said = f"HEADER gives DATA as {begin}-{begin + SIZE}, one byte too long: the last byte is dropped"
    assert sample.findings[0].text == said


def test_end_equals_begin(tmp_path: Path) -> None:
    check(tmp_path, ["data-end-computed"], in_header=lambda b, _: (b, b), in_text=lambda b, _: (b, b))


def test_end_missing_in_one_place_only(tmp_path: Path) -> None:
    check(tmp_path, ["data-end-differs"], in_text=lambda b, _: (b, b))
    check(tmp_path, ["data-end-differs"], in_header=lambda b, _: (b, 0))


@pytest.mark.parametrize("said", [(0, 0), ("", ""), (99999999, 99999999), (-1, -1)])
def test_header_is_silent(tmp_path: Path, said: tuple[int | str, int | str]) -> None:
    check(tmp_path, ["header-data-absent"], in_header=lambda *_: said)


def test_text_is_silent(tmp_path: Path) -> None:
    check(tmp_path, ["begindata-missing"], in_text=silent)
    check(tmp_path, [], in_text=silent, version="2.0")


def test_header_does_not_fit(tmp_path: Path) -> None:
    sample = check(tmp_path, ["offset-repaired"], in_header=lambda b, e: (b - 9, e))
    begin = int(sample.keywords["$BEGINDATA"])
    end = begin + SIZE - 1
    said = f"HEADER places DATA at {begin - 9}-{end}, which does not fit: TEXT {begin:d}-{end} does"
    assert sample.findings[0].text == said


def test_text_does_not_fit(tmp_path: Path) -> None:
    check(tmp_path, ["offset-repaired"], in_text=lambda b, e: (b, e + 40))


def test_header_begins_inside_text(tmp_path: Path) -> None:
    # The length is right, but the place is taken (Stratedigm S1400EXi).
    check(tmp_path, ["offset-repaired"], in_header=lambda b, e: (b - 40, e - 40))


def test_segment_behind_the_file_loses(tmp_path: Path) -> None:
    check(tmp_path, ["offset-repaired"], in_header=lambda b, e: (b + 40, e + 40))


def test_conflict_goes_to_the_one_behind_text(tmp_path: Path) -> None:
    shape: dict[str, Any] = {"tail": bytes(40)}
    check(tmp_path, ["offset-conflict", "trailing-bytes"], in_header=lambda b, e: (b + 8, e + 8), **shape)
    check(tmp_path, ["offset-conflict", "trailing-bytes"], in_text=lambda b, e: (b + 8, e + 8), **shape)


def test_conflict_else_goes_to_header(tmp_path: Path) -> None:
    shape: dict[str, Any] = {"gap": bytes(16), "tail": bytes(40)}
    sample = check(tmp_path, ["offset-conflict", "trailing-bytes"], in_text=lambda b, e: (b + 8, e + 8), **shape)
    assert sample.findings[0].severity == "review"
    wrong = int(sample.keywords["$BEGINDATA"])
    header = f"{wrong - 8}-{wrong + SIZE - 9}"
    text = f"{wrong}-{wrong + SIZE - 1}"
    assert sample.findings[0].text == f"DATA could lie at HEADER {header} and TEXT {text}: HEADER is followed"


def test_nothing_fits(tmp_path: Path) -> None:
    content = fcs_bytes(COLUMNS, in_header=silent, in_text=silent)
    error = refused(tmp_path, content)
    assert error.code == "E_OFFSETS"
    text_end = len(content) - SIZE - 1
    assert str(error) == (
        "a.fcs: neither HEADER nor TEXT says where DATA lies\n"
        f"  expected   400 bytes of DATA: 50 events of 8 bytes, behind HEADER, outside TEXT, inside the file\n"
        f"  available  HEADER absent, TEXT absent, TEXT itself 58-{text_end}, file {len(content)} bytes\n"
        "  remedy     export the file again from the software that wrote it"
    )


def test_nothing_follows_offsets_into_text_or_header(tmp_path: Path) -> None:
    content = fcs_bytes(COLUMNS, in_header=lambda *_: (20, 419), in_text=lambda *_: (60, 459))
    assert refused(tmp_path, content).code == "E_OFFSETS"


@pytest.mark.parametrize("promised", [40, 60])
def test_tot_disagrees(tmp_path: Path, promised: int) -> None:
    content = fcs_bytes(COLUMNS, keywords={"$TOT": str(promised)})
    begin, end = len(content) - SIZE, len(content) - 1
    error = refused(tmp_path, content)
    assert error.code == "E_TOT_MISMATCH"
    assert str(error) == (
        "a.fcs: $TOT and the length of DATA disagree\n"
        f"  expected   {8 * promised} bytes of DATA: {promised} events of 8 bytes\n"
        f"  available  HEADER {begin}-{end} (400 bytes), TEXT {begin}-{end} (400 bytes)\n"
        "  remedy     export the file again, after the software has finished calculating"
    )


@pytest.mark.parametrize("cut", [1, 8, 399])
def test_truncated(tmp_path: Path, cut: int) -> None:
    content = fcs_bytes(COLUMNS)
    error = refused(tmp_path, content[:-cut])
    assert error.code == "E_TRUNCATED"
    assert str(error) == (
        f"a.fcs: the file ends inside DATA: 50 events promised, {(SIZE - cut) // 8} whole events present\n"
        f"  expected   400 bytes of DATA: 50 events of 8 bytes, from byte {len(content) - SIZE} (HEADER)\n"
        f"  available  {SIZE - cut} bytes of DATA\n"
        "  remedy     copy the file again from its source"
    )


def test_an_absurd_number_of_events_allocates_nothing(tmp_path: Path) -> None:
    assert refused(tmp_path, fcs_bytes(COLUMNS, keywords={"$TOT": "9" * 18})).code == "E_TOT_MISMATCH"
    shape: dict[str, Any] = {"in_header": lambda b, _: (b, 0), "in_text": silent}
    assert refused(tmp_path, fcs_bytes(COLUMNS, keywords={"$TOT": "9" * 18}, **shape)).code == "E_TRUNCATED"


def random_file(n_events: int) -> bytes:
    words = np.random.default_rng(1).integers(0, 2**32, n_events, dtype=np.uint32)
    return fcs_bytes({"A": words}, datatype="I", bits=32)


def test_text_mode_transfer_that_drops_bytes(tmp_path: Path) -> None:
    content = random_file(300_000)
    begin = len(content) - 1_200_000
    data = content[begin:].replace(b"\r\n", b"\n")
    error = refused(tmp_path, content[:begin] + data)
    lost = 1_200_000 - len(data)
    assert (error.code, lost % 4 != 0) == ("E_TEXTMODE_DAMAGE", True)
    assert str(error) == (
        f"a.fcs: {lost} bytes of DATA are missing, and every line end (CR LF) is: damaged by a transfer in text mode\n"
        "  expected   1200000 bytes of DATA: 300000 events of 4 bytes, among them about 18 line ends by chance\n"
        f"  available  {len(data)} bytes without a line end\n"
        "  remedy     copy the file again in binary mode; in git, mark *.fcs as binary"
    )


def test_text_mode_transfer_that_adds_bytes(tmp_path: Path) -> None:
    content = random_file(30_000)
    begin = len(content) - 120_000
    data = content[begin:].replace(b"\n", b"\r\n")
    error = refused(tmp_path, content[:begin] + data)
    feeds = data.count(b"\n")
    assert error.code == "E_TEXTMODE_DAMAGE"
    assert str(error) == (
        f"a.fcs: each of {feeds} line feeds in DATA follows a carriage return: damaged by a transfer in text mode\n"
        "  expected   120000 bytes of DATA and nothing behind them\n"
        f"  available  {len(data) - 120_000} bytes behind DATA\n"
        "  remedy     copy the file again in binary mode; in git, mark *.fcs as binary"
    )


def test_trailing_bytes(tmp_path: Path) -> None:
    sample = check(tmp_path, ["trailing-bytes"], tail=bytes(16))
    assert sample.findings[0].text == "16 bytes lie behind the last segment and are not read"
    check(tmp_path, [], tail=b"00000000")
    # One byte too many in TEXT would leave the last of the values as such a rest, a NUL more often than not.
    for rest in (b"x", b"\0", bytes(7), b" ", b"00", b"\0" + b"00000000"):
        check(tmp_path, ["trailing-bytes"], tail=rest)
    # A segment that is said to be a byte longer than it is tells of a writer that pads.
    longer = {"in_header": lambda b, e: (b, e + 1), "in_text": lambda b, e: (b, e + 1)}
    check(tmp_path, ["data-end-plus-one"], tail=bytes(2) + b"00000000", **longer)
    check(tmp_path, ["data-end-plus-one", "trailing-bytes"], tail=bytes(3) + b"00000000", **longer)


def test_analysis_behind_data_is_no_trailing_rest(tmp_path: Path) -> None:
    content, segment = fcs_bytes(COLUMNS), b"/K/" + b"v" * 46 + b"/"
    sample = check(tmp_path, [], tail=segment, analysis=(len(content), len(content) + 49))
    assert sample.analysis == {"K": "v" * 46}


@pytest.mark.parametrize("said", [(0, 0), (99, 98), (99, 99)])
def test_no_events(tmp_path: Path, said: tuple[int, int]) -> None:
    content = fcs_bytes({"A": [], "B": []}, in_header=lambda *_: said, in_text=lambda *_: said)
    sample = read(tmp_path, content)
    assert (sample.n_events, sample.values("B").shape) == (0, (0,))


def test_events_that_tot_denies(tmp_path: Path) -> None:
    assert refused(tmp_path, fcs_bytes(COLUMNS, keywords={"$TOT": "0"})).code == "E_TOT_MISMATCH"


def test_tot_missing(tmp_path: Path) -> None:
    sample = check(tmp_path, ["tot-missing"], keywords={"$TOT": None})
    assert sample.n_events == 50
    assert sample.findings[0].text == "$TOT is missing: DATA holds 50 whole events"


def test_tot_missing_and_not_to_be_derived(tmp_path: Path) -> None:
    content = fcs_bytes(COLUMNS, keywords={"$TOT": None}, in_header=lambda b, e: (b, e - 1), in_text=silent)
    error = refused(tmp_path, content)
    assert error.code == "E_TOT"
    assert str(error) == (
        "a.fcs: the number of events, $TOT, is missing, and DATA does not tell it\n"
        "  expected   one DATA segment of whole events of 8 bytes\n"
        f"  available  HEADER {len(content) - SIZE}-{len(content) - 2}, TEXT absent\n"
        "  remedy     export the file again from the software that wrote it"
    )


def located(begin: str, end: str) -> tuple[Segment | None, list[str]]:
    keywords = {"$BEGINSTEXT": begin, "$ENDSTEXT": end}
    segment, findings = supplemental(keywords, Segment(58, 999), Segment(2000, 2999), 5000)
    return segment, [finding.text for finding in findings]


def test_supplemental_text() -> None:
    assert located("1000", "1999") == (Segment(1000, 1999), [])
    assert located("3000", "4999") == (Segment(3000, 4999), [])
    assert located("0", "0") == (None, [])
    assert located("58", "999") == (None, [])


@pytest.mark.parametrize(
    ("begin", "end"), [("58", "10680"), ("900", "1100"), ("1500", "2000"), ("3000", "5000"), ("10", "57")]
)
def test_supplemental_text_that_cannot_be_trusted(begin: str, end: str) -> None:
    text = f"supplemental TEXT is said to lie at {begin}-{end}, over other segments or past the end: ignored"
    assert located(begin, end) == (None, [text])
