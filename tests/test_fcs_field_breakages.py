"""What broke other readers in the field: a test per breakage; those that need none say so in docs/fcs.md.

Numbers are those of the table in docs/fcs.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.builders_fcs import fcs_bytes

from tregflow.compensation import Spillover
from tregflow.errors import CompensationError, FcsError
from tregflow.fcs import Sample, list_datasets, read_fcs, write_fcs

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = {"A": np.arange(50.0), "B": -np.arange(50.0) * 1.5}
SIZE = 400


def load(folder: Path, content: bytes, **options: Any) -> Sample:
    (folder / "a.fcs").write_bytes(content)
    return read_fcs(folder / "a.fcs", **options)


def check(folder: Path, *codes: str, truth: dict[str, Any] | None = None, **shape: Any) -> Sample:
    """Read a file of that shape; compare every value with the truth, and the findings with `codes`."""
    columns = truth or COLUMNS
    sample = load(folder, fcs_bytes(columns, **shape))
    for name, values in columns.items():
        np.testing.assert_array_equal(sample.raw(name), values)
    assert tuple(finding.code for finding in sample.findings) == codes
    return sample


def refused(folder: Path, content: bytes) -> str:
    with pytest.raises(FcsError) as caught:
        load(folder, content)
    return caught.value.code


def silent(begin: int, end: int) -> None:
    """Say nothing about DATA."""


def same_begin(begin: int, end: int) -> tuple[int, int]:
    return begin, begin


def one_more(begin: int, end: int) -> tuple[int, int]:
    return begin, end + 1


def test_01_header_and_text_disagree(tmp_path: Path) -> None:
    for shift in (-40, -4, 4):
        check(tmp_path, "offset-repaired", in_header=lambda b, e, s=shift: (b + s, e + s))
        check(tmp_path, "offset-repaired", in_text=lambda b, e, s=shift: (b + s, e + s))


def test_02_end_one_too_large(tmp_path: Path) -> None:
    check(tmp_path, "data-end-plus-one", in_header=one_more, in_text=one_more)
    check(tmp_path, "data-end-plus-one", in_header=one_more, in_text=one_more, tail=b"00000000")


def test_03_end_equals_begin(tmp_path: Path) -> None:
    check(tmp_path, "data-end-computed", in_header=same_begin, in_text=same_begin)
    check(tmp_path, "data-end-differs", in_text=same_begin)


def test_04_only_one_source(tmp_path: Path) -> None:
    check(tmp_path, "begindata-missing", in_text=silent)
    check(tmp_path, "header-data-absent", in_header=lambda *_: (99999999, 99999999))


def test_05_range_missing(tmp_path: Path) -> None:
    check(tmp_path, keywords={"$P2R": None})
    assert refused(tmp_path, fcs_bytes(COLUMNS, keywords={"$P2B": None})) == "E_PAR"
    named = check(tmp_path, "pnn-missing", truth={"A": COLUMNS["A"], "P2": COLUMNS["B"]}, keywords={"$P2N": None})
    assert named.channels[1].range == 262144.0


def test_06_count_is_wrong(tmp_path: Path) -> None:
    content = fcs_bytes(COLUMNS, keywords={"$TOT": "60"})
    assert refused(tmp_path, content) == "E_TOT_MISMATCH"
    assert load(tmp_path, content, mode="lenient").n_events == 50


def test_08_nines_in_header_of_a_large_file(tmp_path: Path) -> None:
    """Below 99,999,999 bytes it is a finding; test_fcs_source.py reads files beyond."""
    check(tmp_path, "header-data-absent", in_header=lambda *_: (0, 99999999))


@pytest.mark.parametrize("length", range(0, 120, 7))
def test_09_offsets_that_change_the_length_of_text(tmp_path: Path, length: int) -> None:
    """A writer whose offsets grow by a digit moves the very segments that they name."""
    sample = Sample.from_columns("a.fcs", COLUMNS, keywords={"PAD": "x" * length})
    write_fcs(tmp_path / "b.fcs", sample)
    back = read_fcs(tmp_path / "b.fcs")
    np.testing.assert_array_equal(back.array(), sample.array())


@pytest.mark.parametrize(
    ("extra", "found", "code"),
    [
        ("$P1S//$INST//$FIL/x/", {"$P1S": "", "$INST": "", "$FIL": "x"}, "text-empty-values"),
        ("$P1L/488//10/$P1S/GFP//FITC-A/", {"$P1L": "488/10", "$P1S": "GFP/FITC-A"}, "text-doubled-delimiters"),
    ],
)
def test_10_doubled_delimiters(tmp_path: Path, extra: str, found: dict[str, str], code: str) -> None:
    sample = check(tmp_path, code, extra=extra.encode())
    assert {key: sample.keywords[key] for key in found} == found


@pytest.mark.parametrize(
    "delimiter", ["*", "|", "\\", "+", "?", "^", "(", "[", "{", "!", "#", "~", "\x0c", "\x1e", "\t"]
)
def test_11_any_delimiter(tmp_path: Path, delimiter: str) -> None:
    check(tmp_path, delimiter=delimiter)


def test_12_no_final_delimiter(tmp_path: Path) -> None:
    sample = check(tmp_path, "text-no-final-delimiter", final_delimiter=False, keywords={"GROUPNAME": "20200722"})
    assert sample.keywords["GROUPNAME"] == "20200722"


def test_13_blanks_before_a_key(tmp_path: Path) -> None:
    check(tmp_path, "text-key-blanks", keywords={"$DATATYPE": None, "   $DATATYPE": "F"})


@pytest.mark.parametrize(("byteord", "code"), [("1,2", "byteord-short"), ("2,1", "byteord-short")])
def test_14_short_byte_order(tmp_path: Path, byteord: str, code: str) -> None:
    check(tmp_path, code, byteord=byteord)


def test_14_one_byte_of_order(tmp_path: Path) -> None:
    assert refused(tmp_path, fcs_bytes(COLUMNS, byteord="1")) == "E_BYTEORD"
    check(tmp_path, truth={"A": np.array([1, 255])}, datatype="I", bits=8, byteord="1")


@pytest.mark.parametrize("bits", [[24, 24], [8, 16], [64, 32], [24, 16]])
@pytest.mark.parametrize("big", [False, True])
def test_15_16_integers_of_any_widths(tmp_path: Path, bits: list[int], big: bool) -> None:
    truth = {"A": np.array([1, 2**8 - 1, 7]), "B": np.array([2**16 - 1, 258, 0])}
    rows = zip(*truth.values(), strict=True)
    data = b"".join(
        int(value).to_bytes(width // 8, "big" if big else "little")
        for row in rows
        for value, width in zip(row, bits, strict=True)
    )
    byteord = "4,3,2,1" if big else "1,2,3,4"
    check(tmp_path, truth=truth, datatype="I", bits=bits, byteord=byteord, data=data)


def test_17_ten_bits_in_sixteen(tmp_path: Path) -> None:
    truth = {"A": np.array([1, 1023])}
    shape = {"version": "2.0", "datatype": "I", "bits": 16, "byteord": "1,2"}
    check(tmp_path, "pnb-from-byteord", truth=truth, keywords={"$P1B": "10", "$P1R": "1024"}, **shape)


@pytest.mark.parametrize(("range_", "bits"), [("1000", 10), ("1024", 10), ("1025", 11), ("262144.0", 18)])
def test_18_masks(tmp_path: Path, range_: str, bits: int) -> None:
    stored = np.array([2**32 - 1, 2**bits - 1])
    sample = load(tmp_path, fcs_bytes({"A": stored}, datatype="I", bits=32, keywords={"$P1R": range_}))
    assert sample.raw("A").tolist() == [2**bits - 1] * 2
    floats = load(tmp_path, fcs_bytes({"A": stored}, keywords={"$P1R": range_}))
    assert floats.raw("A").tolist() == stored.astype(np.float32).tolist()


def test_19_types_per_channel(tmp_path: Path) -> None:
    table = np.zeros(2, dtype=[("A", "<f4"), ("B", "<u4")])
    table["A"], table["B"] = [1.5, -7], [1, 2**20 - 1]
    keywords = {"$P2DATATYPE": "I", "$P2R": "1048576"}
    truth = {"A": table["A"], "B": table["B"]}
    check(tmp_path, truth=truth, version="3.2", keywords=keywords, data=table.tobytes())


def test_20_doubles_and_unsigned_integers(tmp_path: Path) -> None:
    check(tmp_path, truth={"A": np.array([1e300, -0.1])}, datatype="D")
    check(tmp_path, truth={"A": np.array([2**32 - 1, 2**31])}, datatype="I", bits=32)


def chained(*sets: bytes) -> bytes:
    following = [*map(len, sets[:-1]), 0]
    return b"".join(
        each.replace(b"$NEXTDATA/000000", b"$NEXTDATA/%06d" % position)
        for each, position in zip(sets, following, strict=True)
    )


def test_21_a_coulter_pair(tmp_path: Path) -> None:
    shape: dict[str, Any] = {"datatype": "I"}
    low = {"$NEXTDATA": "000000", "$P1R": "1024", "$P1S": "CD3"}
    first = fcs_bytes({"FL1 Log": [1, 2]}, version="2.0", bits=16, keywords=low, **shape)
    second = fcs_bytes({"FL1": [1000, 2000]}, version="3.0", bits=32, keywords={"$P1R": "1048576"}, **shape)
    sample = load(tmp_path, chained(first, second))
    assert (sample.values("FL1").tolist(), sample.channels[0].pns) == ([1000.0, 2000.0], "CD3")
    assert [finding.code for finding in sample.findings] == ["lmd-pair"]


def test_22_thirty_nine_wells(tmp_path: Path) -> None:
    wells = [fcs_bytes({"A": np.arange(number)}, keywords={"$NEXTDATA": "000000"}) for number in range(1, 40)]
    content = chained(*wells)
    assert refused(tmp_path, content) == "E_DATASET"
    assert [each.n_events for each in list_datasets(tmp_path / "a.fcs")] == list(range(1, 40))
    assert load(tmp_path, content, dataset=39).n_events == 39


@pytest.mark.parametrize("range_", ["NA", "0", "1e38", "-1", "", "inf"])
def test_23_ranges_that_say_nothing(tmp_path: Path, range_: str) -> None:
    check(tmp_path, keywords={"$P1R": range_ or " "})


def test_24_a_range_of_zero_on_time(tmp_path: Path) -> None:
    truth = {"Time": np.array([1, 70000])}
    sample = check(tmp_path, "pnr-unusable", truth=truth, datatype="I", bits=32, keywords={"$P1R": "0"})
    assert sample.values("Time").tolist() == [1.0, 70000.0]


def test_25_nothing_is_clipped(tmp_path: Path) -> None:
    check(tmp_path, truth={"A": np.array([1e6, -3e5])}, keywords={"$P1R": "26214"})


def test_26_logarithms_of_floats_stay(tmp_path: Path) -> None:
    sample = check(tmp_path, keywords={"$P1E": "4,1"})
    np.testing.assert_array_equal(sample.values("A"), COLUMNS["A"])


def test_27_gain_is_recorded_and_not_applied(tmp_path: Path) -> None:
    sample = check(tmp_path, keywords={"$P1G": "8", "CytekP01G": "2"})
    np.testing.assert_array_equal(sample.values("A"), COLUMNS["A"])
    assert sample.channels[0].gain == 8.0


def test_28_time(tmp_path: Path) -> None:
    truth = {"TIME_MSW": np.array([0, 0]), "TIME_LSW": np.array([5, 7])}
    keywords = {"$P1G": "0", "$P2G": "0", "$TIMESTEP": "0.1"}
    codes = ("png-unusable", "png-unusable", "time-two-words")
    sample = check(tmp_path, *codes, truth=truth, datatype="I", bits=32, keywords=keywords)
    np.testing.assert_allclose(sample.time(), [0.5, 0.7])
    check(tmp_path, "timestep-unusable", truth={"Time": np.array([5.0])}, keywords={"$TIMESTEP": " "})


def test_29_reading_never_depends_on_the_matrix(tmp_path: Path) -> None:
    """The dialects are in test_compensation_dialects.py; here: whatever the matrix, the events are read."""
    for text in ("nonsense", "2,A,B", "99,A,1", "2,A,X,1,0,0,1"):
        sample = check(tmp_path, keywords={"$SPILLOVER": text})
        with pytest.raises(CompensationError):
            Spillover.from_sample(sample)


def test_30_text_that_is_not_utf8(tmp_path: Path) -> None:
    sample = check(tmp_path, "text-not-utf8", extra=b"CREATOR/CELLQuest\xaa 3.3/")
    assert sample.keywords["CREATOR"] == "CELLQuestª 3.3"


def test_31_names_twice(tmp_path: Path) -> None:
    content = fcs_bytes(COLUMNS, keywords={"$P2N": "A", "$P1S": "CD3", "$P2S": "CD3"})
    sample = load(tmp_path, content)
    assert sample.names == ("A", "A#2")
    np.testing.assert_array_equal(sample.values("A#2"), COLUMNS["B"])
    assert [finding.code for finding in sample.findings] == ["pnn-duplicate"]


@pytest.mark.parametrize("byteord", ["4,3,2,1", "1,2,3,4"])
def test_32_big_endian_on_numpy_2(tmp_path: Path, byteord: str) -> None:
    sample = check(tmp_path, byteord=byteord)
    assert sample.raw("A").dtype.isnative


def test_33_no_file_name_among_the_keywords(tmp_path: Path) -> None:
    sample = check(tmp_path)
    assert ("$FIL" in sample.keywords, sample.file) == (False, "a.fcs")


def test_34_a_header_that_is_garbage(tmp_path: Path) -> None:
    content = bytearray(fcs_bytes(COLUMNS))
    content[10:58] = b"?" * 48
    assert refused(tmp_path, bytes(content)) == "E_OFFSETS"
