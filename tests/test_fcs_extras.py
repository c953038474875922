"""ANALYSIS, OTHER segments and the checksum: read where they can be trusted, reported where not."""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.builders_fcs import fcs_bytes

from tregflow.fcs import Sample, iter_fcs, read_fcs
from tregflow.fcs.text import TEXT_LIMIT

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = {"A": np.arange(5.0)}
CLEAN = fcs_bytes(COLUMNS)


def load(folder: Path, content: bytes, **options: Any) -> Sample:
    (folder / "a.fcs").write_bytes(content)
    return read_fcs(folder / "a.fcs", **options)


def said(sample: Sample) -> list[tuple[str, str]]:
    return [(each.code, each.text) for each in sample.findings]


def with_analysis(segment: bytes, *, in_text: bool = False) -> bytes:
    if not in_text:
        return fcs_bytes(COLUMNS, analysis=(len(CLEAN), len(CLEAN) + len(segment) - 1), tail=segment)
    zeros = {"$BEGINANALYSIS": "000000", "$ENDANALYSIS": "000000"}
    begin = len(fcs_bytes(COLUMNS, keywords=zeros))
    placed = {"$BEGINANALYSIS": f"{begin:06}", "$ENDANALYSIS": f"{begin + len(segment) - 1:06}"}
    return fcs_bytes(COLUMNS, keywords=placed, tail=segment)


@pytest.mark.parametrize("in_text", [False, True])
def test_analysis(tmp_path: Path, in_text: bool) -> None:
    sample = load(tmp_path, with_analysis(b"#GATE1#1,2#count#17#", in_text=in_text))
    assert (sample.analysis, sample.findings) == ({"GATE1": "1,2", "COUNT": "17"}, ())
    assert "GATE1" not in sample.keywords


def test_analysis_with_faults_of_its_own(tmp_path: Path) -> None:
    sample = load(tmp_path, with_analysis(b"#GATE1#1,2#LAST#"))
    assert said(sample) == [
        ("text-odd-tokens", "ANALYSIS has an odd number of tokens: the last key, 'LAST', gets an empty value")
    ]


def test_analysis_that_is_none(tmp_path: Path) -> None:
    sample = load(tmp_path, with_analysis(b"PK\x03\x04" + bytes(20)))
    assert sample.analysis == {}
    place = f"{len(CLEAN)}-{len(CLEAN) + 23}"
    assert said(sample) == [("analysis-ignored", f"ANALYSIS at {place} holds no keywords: ignored")]


@pytest.mark.parametrize("place", [(58, 200), (40, 57), (len(CLEAN) - 10, len(CLEAN) - 1)])
def test_analysis_over_another_segment(tmp_path: Path, place: tuple[int, int]) -> None:
    sample = load(tmp_path, fcs_bytes(COLUMNS, analysis=place))
    text = f"ANALYSIS is said to lie at {place[0]}-{place[1]}, over another segment: ignored"
    assert said(sample) == [("analysis-ignored", text)]


def test_analysis_past_the_end(tmp_path: Path) -> None:
    sample = load(tmp_path, fcs_bytes(COLUMNS, analysis=(58, 99999)))
    assert said(sample) == [
        ("analysis-past-end", "ANALYSIS is said to lie at 58-99999, past the end of the file: ignored")
    ]


@pytest.mark.parametrize("place", [(0, 0), (0, -1), ("", ""), (300, 300), (500, 300)])
def test_no_analysis(tmp_path: Path, place: tuple[int | str, int | str]) -> None:
    assert load(tmp_path, fcs_bytes(COLUMNS, analysis=place)).findings == ()


def test_analysis_too_large_to_be_one(tmp_path: Path) -> None:
    sample = load(tmp_path, with_analysis(b"/K/" + bytes(TEXT_LIMIT) + b"/"))
    assert [code for code, _ in said(sample)] == ["analysis-ignored"]


# ---------------------------------------------------------------------------------------------------- the checksum


@pytest.mark.parametrize("start", [0, 0xFFFF])
@pytest.mark.parametrize("notation", ["{:08d}", "{:8d}", "{:08x}", "{:08X}", "{:>8X}"])
def test_a_checksum_that_is_right(tmp_path: Path, start: int, notation: str) -> None:
    crc = notation.format(binascii.crc_hqx(CLEAN, start)).encode()
    assert load(tmp_path, CLEAN + crc).findings == ()


def test_a_checksum_that_is_wrong(tmp_path: Path) -> None:
    crc = f"{binascii.crc_hqx(CLEAN, 0) ^ 1:08d}"
    sample = load(tmp_path, CLEAN + crc.encode())
    assert said(sample) == [
        ("crc-mismatch", f"the checksum '{crc}' behind the last segment is not that of the data set")
    ]
    damaged = bytearray(CLEAN + f"{binascii.crc_hqx(CLEAN, 0):08d}".encode())
    damaged[len(CLEAN) - 2] ^= 1
    assert [code for code, _ in said(load(tmp_path, bytes(damaged)))] == ["crc-mismatch"]


@pytest.mark.parametrize("tail", [b"", b"00000000", b"        ", bytes(8), b"       0", b"00000000\r\n"])
def test_no_checksum(tmp_path: Path, tail: bytes) -> None:
    assert load(tmp_path, CLEAN + tail).findings == ()


def test_what_is_no_checksum_is_a_rest(tmp_path: Path) -> None:
    assert said(load(tmp_path, CLEAN + b"no crc!!")) == [
        ("trailing-bytes", "8 bytes lie behind the last segment and are not read")
    ]


def test_a_checksum_needs_every_byte(tmp_path: Path) -> None:
    """It is not looked at where only part of the file is asked for: scanning folders must stay quick."""
    assert load(tmp_path, CLEAN + b"00012345", channels=()).findings == ()
    assert said(load(tmp_path, CLEAN + b"00012345", events=(0, 2))) == [
        ("crc-not-checked", "the checksum '00012345' was not compared: only part of the events was read")
    ]
    assert load(tmp_path, CLEAN + b"00000000", events=(0, 2)).findings == ()


def test_a_checksum_of_pieces_is_compared_with_the_last(tmp_path: Path) -> None:
    path = tmp_path / "a.fcs"
    path.write_bytes(CLEAN + b"00012345")
    pieces = list(iter_fcs(path, n_events=2))
    assert len(pieces) > 1
    assert [[code for code, _ in said(piece)] for piece in pieces[:-1]] == [[]] * (len(pieces) - 1)
    assert [code for code, _ in said(pieces[-1])] == ["crc-mismatch"]
    path.write_bytes(CLEAN + f"{binascii.crc_hqx(CLEAN, 0):08d}".encode())
    assert [piece.findings for piece in iter_fcs(path, n_events=2)] == [()] * len(pieces)


def test_a_checksum_of_the_first_of_two_data_sets(tmp_path: Path) -> None:
    first = fcs_bytes(COLUMNS, keywords={"$NEXTDATA": "000000"})
    placed = first.replace(b"$NEXTDATA/000000", b"$NEXTDATA/%06d" % (len(first) + 8))
    crc = f"{binascii.crc_hqx(placed, 0):08d}".encode()
    assert load(tmp_path, placed + crc + CLEAN, dataset=1).findings == ()


def test_spelling_and_other_segments_are_kept(tmp_path: Path) -> None:
    sample = load(tmp_path, fcs_bytes(COLUMNS, keywords={"myKey": "v"}))
    assert (sample.keywords["MYKEY"], sample.spelling["MYKEY"], sample.other) == ("v", "myKey", ())
