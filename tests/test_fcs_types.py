"""Every type and width, with masks; ASCII of both kinds; ranges of events and pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders_fcs import fcs_bytes

from tregflow.errors import FcsError
from tregflow.fcs import Sample, iter_fcs, read_fcs
from tregflow.fcs.data import BLOCK

if TYPE_CHECKING:
    from pathlib import Path

N_WIDE = [0, 1, 2**23 + 5, 2**24 - 1]


def load(folder: Path, content: bytes, **options: Any) -> Sample:
    path = folder / "a.fcs"
    path.write_bytes(content)
    return read_fcs(path, **options)


def packed(rows: list[list[int]], widths: list[int], order: str) -> bytes:
    return b"".join(
        value.to_bytes(width, "little" if order == "<" else "big")
        for row in rows
        for value, width in zip(row, widths, strict=True)
    )


def integers(
    rows: list[list[int]], bits: list[int], *, order: str = "<", ranges: list[str] | None = None, **shape: Any
) -> bytes:
    columns = {f"C{index}": [row[index] for row in rows] for index in range(len(bits))}
    said = ranges or [str(2**width) for width in bits]
    keywords = {f"$P{number}R": text for number, text in enumerate(said, start=1)} | shape.pop("keywords", {})
    return fcs_bytes(
        columns,
        datatype="I",
        bits=bits,
        byteord="1,2,3,4" if order == "<" else "4,3,2,1",
        keywords=keywords,
        data=packed(rows, [width // 8 for width in bits], order),
        **shape,
    )


# ------------------------------------------------------------------------------------------------------- integers


@pytest.mark.parametrize("bits", [8, 16, 24, 32, 40, 48, 56, 64])
@pytest.mark.parametrize("order", ["<", ">"])
def test_every_width(tmp_path: Path, bits: int, order: str) -> None:
    values = [0, 1, 2**bits - 1, 2 ** (bits - 1), int("0102030405060708"[: bits // 4], 16)]
    sample = load(tmp_path, integers([[value] for value in values], [bits], order=order))
    column = sample.values("C0")
    assert [int(value) for value in column.tolist()] == values
    # float32 is exact up to 2^24, float64 up to 2^53; beyond, the integers stay integers.
    assert column.dtype == (np.float32 if bits <= 24 else np.float64 if bits <= 53 else np.uint64)
    assert sample.findings == ()


@given(
    bits=st.lists(st.sampled_from([8, 16, 24, 32, 40, 48, 56, 64]), min_size=1, max_size=5),
    order=st.sampled_from("<>"),
    data=st.data(),
)
def test_mixed_widths(
    tmp_path_factory: pytest.TempPathFactory, bits: list[int], order: str, data: st.DataObject
) -> None:
    row = st.tuples(*(st.integers(0, 2**width - 1) for width in bits)).map(list)
    rows = data.draw(st.lists(row, min_size=1, max_size=4))
    sample = load(tmp_path_factory.getbasetemp(), integers(rows, bits, order=order))
    for index in range(len(bits)):
        assert [int(value) for value in sample.values(f"C{index}").tolist()] == [row[index] for row in rows]


@pytest.mark.parametrize(
    ("bits", "range_", "kept"),
    [
        (24, "65536", 16),
        (32, "262144", 18),
        (64, "4294967296", 32),
        (64, "9007199254740993", 54),
        (64, "9223372036854775808", 63),
        (64, "9223372036854775809", 64),
        (64, "18446744073709551616", 64),
        (40, "1000", 10),
    ],
)
def test_masks(tmp_path: Path, bits: int, range_: str, kept: int) -> None:
    stored = [2**bits - 1, 5, 2 ** (kept - 1)]
    sample = load(tmp_path, integers([[value] for value in stored], [bits], ranges=[range_]))
    assert [int(value) for value in sample.values("C0").tolist()] == [value & (2**kept - 1) for value in stored]
    assert [finding.code for finding in sample.findings] == ["bits-masked"] * (kept < bits)


def test_ten_bits_stored_in_sixteen(tmp_path: Path) -> None:
    shape: dict[str, Any] = {"keywords": {"$P1B": "10", "$P2B": "10", "$BYTEORD": "1,2"}}
    sample = load(tmp_path, integers([[513, 1023], [1024 + 7, 1]], [16, 16], ranges=["1024", "1024"], **shape))
    np.testing.assert_array_equal(sample.array(), [[513, 1023], [7, 1]])
    assert [finding.code for finding in sample.findings] == ["pnb-from-byteord", "bits-masked"]


def test_ten_bits_that_the_length_does_not_confirm(tmp_path: Path) -> None:
    shape: dict[str, Any] = {"keywords": {"$P1B": "10", "$BYTEORD": "1,2,3,4"}}
    content = integers([[513], [7]], [16], ranges=["1024"], **shape)
    begin, end = len(content) - 4, len(content) - 1
    with pytest.raises(FcsError) as caught:
        load(tmp_path, content)
    assert caught.value.code == "E_WIDTH"
    assert str(caught.value) == (
        "a.fcs: $PnB 10 is no whole number of bytes: values are taken to be 4 bytes wide, as $BYTEORD is, "
        "but DATA is not of that length\n"
        "  expected   8 bytes of DATA: 2 events of 4 bytes\n"
        f"  available  HEADER {begin}-{end}, TEXT {begin}-{end}\n"
        "  remedy     export the file as FCS 3.1 with floating point data"
    )


def test_ten_bits_whose_length_nobody_states(tmp_path: Path) -> None:
    """An end computed from the width that was assumed would confirm anything."""
    shape: dict[str, Any] = {"in_header": lambda b, _: (b, b), "in_text": lambda b, _: (b, b)}
    content = integers([[513], [7]], [16], ranges=["1024"], keywords={"$P1B": "10", "$BYTEORD": "1,2"}, **shape)
    with pytest.raises(FcsError) as caught:
        load(tmp_path, content)
    assert caught.value.code == "E_WIDTH"


def test_large_integers_among_floats(tmp_path: Path) -> None:
    sample = load(tmp_path, integers([[2**63 + 1, 7]], [64, 16]))
    assert sample.array().dtype == np.float64
    assert sample.array(["C0"]).dtype == np.uint64
    assert int(sample.values("C0")[0]) == 2**63 + 1


def test_logarithms_in_24_bits(tmp_path: Path) -> None:
    keywords = {"$P1E": "4,1"}
    sample = load(tmp_path, integers([[0], [2**17], [2**17]], [24], ranges=["262144"], keywords=keywords))
    np.testing.assert_allclose(sample.values("C0"), [1.0, 100.0, 100.0], rtol=1e-15)


# ---------------------------------------------------------------------------------------------- types per channel


@pytest.mark.parametrize("order", ["<", ">"])
def test_types_per_channel(tmp_path: Path, order: str) -> None:
    kinds = [("A", f"{order}f4"), ("B", f"{order}f8"), ("C", f"{order}u2"), ("D", f"{order}u4")]
    table = np.zeros(3, dtype=kinds)
    table["A"], table["B"], table["C"], table["D"] = [1.5, -2, 3e9], [0.1, 1e300, -7], [1, 512, 65535], [9, 2**31, 7]
    keywords = {"$P2DATATYPE": "D", "$P2B": "64", "$P3DATATYPE": "I", "$P3B": "16", "$P3R": "65536"}
    keywords |= {"$P4DATATYPE": "I", "$P4R": "4294967296"}
    content = fcs_bytes(
        {name: table[name] for name in "ABCD"},
        version="3.2",
        byteord="1,2,3,4" if order == "<" else "4,3,2,1",
        keywords=keywords,
        data=table.tobytes(),
    )
    sample = load(tmp_path, content)
    for name in "ABCD":
        np.testing.assert_array_equal(sample.values(name), table[name])
    assert [channel.datatype for channel in sample.channels] == ["F", "D", "I", "I"]
    assert sample.findings == ()


@pytest.mark.parametrize("n_channels", [2, 500])
@pytest.mark.parametrize("n_events", [0, 1, 3])
def test_few_events_and_many_channels(tmp_path: Path, n_channels: int, n_events: int) -> None:
    values = np.arange(n_channels * n_events, dtype=np.float32).reshape(n_events, n_channels)
    sample = load(tmp_path, fcs_bytes({f"C{index}": values[:, index] for index in range(n_channels)}))
    np.testing.assert_array_equal(sample.array(), values)
    assert sample.findings == ()


# ----------------------------------------------------------------------------------------------------------- ASCII


def ascii_file(text: bytes, sizes: list[str], n_events: int | None, **keywords: str) -> bytes:
    named = {f"$P{number}B": size for number, size in enumerate(sizes, start=1)}
    columns = {f"C{index}": [0] for index in range(len(sizes))}
    tot = None if n_events is None else str(n_events)
    return fcs_bytes(
        columns, version="3.0", datatype="A", bits=8, keywords={"$TOT": tot, **named, **keywords}, data=text
    )


def test_ascii_of_fixed_width(tmp_path: Path) -> None:
    sample = load(tmp_path, ascii_file(b"  1 1024" + b"20418446744073709551615"[:0] + b"99900000", ["3", "5"], 2))
    np.testing.assert_array_equal(sample.array(), [[1, 1024], [999, 0]])
    assert [sample.values(name).dtype for name in sample.names] == [np.float32, np.float32]
    assert [channel.datatype for channel in sample.channels] == ["A", "A"]


@pytest.mark.parametrize(("width", "kind"), [(7, np.float32), (15, np.float64), (20, np.uint64)])
def test_ascii_keeps_every_digit(tmp_path: Path, width: int, kind: type) -> None:
    largest = min(10**width - 1, 2**64 - 1)
    sample = load(tmp_path, ascii_file(str(largest).rjust(width).encode(), [str(width)], 1))
    assert (int(sample.values("C0")[0]), sample.values("C0").dtype) == (largest, kind)


def test_ascii_between_separators(tmp_path: Path) -> None:
    sample = load(tmp_path, ascii_file(b" 1,2\t\t3\r\n4 5,0006\n", ["*", "*"], 3))
    np.testing.assert_array_equal(sample.array(), [[1, 2], [3, 4], [5, 6]])
    assert sample.findings == ()
    (piece, rest) = iter_fcs(tmp_path / "a.fcs", n_events=2)
    np.testing.assert_array_equal(piece.array(), [[1, 2], [3, 4]])
    assert (rest.first_event, rest.array().tolist()) == (2, [[5.0, 6.0]])
    part = load(tmp_path, ascii_file(b"1 2 3 4 5 6", ["*", "*"], 3), channels=["C1"], events=(1, 2))
    assert {name: column.tolist() for name, column in part.columns.items()} == {"C1": [4.0]}
    assert load(tmp_path, ascii_file(b"1 2", ["*", "*"], 1), channels=()).columns == {}


def test_ascii_of_many_pieces(tmp_path: Path) -> None:
    values = np.random.default_rng(3).integers(0, 10**6, (100_000, 2))
    text = " ".join(map(str, values.ravel().tolist())).encode()
    np.testing.assert_array_equal(load(tmp_path, ascii_file(text, ["*", "*"], 100_000)).array(), values)


def test_ascii_above_float64(tmp_path: Path) -> None:
    sample = load(tmp_path, ascii_file(b"1 18446744073709551615 3", ["*"], 3))
    assert [int(value) for value in sample.values("C0").tolist()] == [1, 2**64 - 1, 3]


def test_ascii_logarithms(tmp_path: Path) -> None:
    sample = load(tmp_path, ascii_file(b"0 512 2048", ["*"], 3, **{"$P1E": "4,1", "$P1R": "1024"}))
    np.testing.assert_allclose(sample.values("C0"), [1.0, 100.0, 1e8], rtol=1e-15)  # also above $PnR


def test_ascii_without_events(tmp_path: Path) -> None:
    assert load(tmp_path, ascii_file(b"", ["*"], 0)).n_events == 0
    named = {"$P1B": "*", "$TOT": "0"}
    content = fcs_bytes({"A": [1]}, datatype="A", bits=8, keywords=named, data=b"", in_header=lambda *_: (0, 0))
    assert load(tmp_path, content.replace(b"$BEGINDATA", b"$XEGINDATA")).n_events == 0


def test_ascii_whose_count_is_missing(tmp_path: Path) -> None:
    sample = load(tmp_path, ascii_file(b"1 2 3 4", ["*", "*"], None))
    np.testing.assert_array_equal(sample.array(), [[1, 2], [3, 4]])
    assert [finding.text for finding in sample.findings] == ["$TOT is missing: DATA holds 2 whole events"]


@pytest.mark.parametrize(
    ("text", "sizes", "where", "shown"),
    [
        (b"  1x 2", ["3", "3"], "event 1", "C1: event 1: 'x 2'"),
        (b"  1  2 -3  4", ["3", "3"], "event 2", "C0: event 2: '-3'"),
        (b"1 21 2", ["3", "3"], "event 1", "C0: event 1: '1 2'"),
        (b"      ", ["3", "3"], "event 1", "C0: event 1: ''"),
        (b"18446744073709551616", ["20"], "event 1", "C0: event 1: '18446744073709551616'"),
        (b"1 2 3 4e2", ["*", "*"], "event 2", "P2: event 2: '4e2'"),
        (b"1 18446744073709551616", ["*", "*"], "event 1", "P2: event 1: '18446744073709551616'"),
        (b"1 " + b"9" * 30, ["*", "*"], "event 1", f"P2: event 1: '{'9' * 30}'"),
    ],
)
def test_ascii_that_is_no_number(tmp_path: Path, text: bytes, sizes: list[str], where: str, shown: str) -> None:
    size = len(text) // 6 if sizes == ["3", "3"] else 1
    n_events = len(text.split()) // 2 if "*" in sizes else size or 1
    with pytest.raises(FcsError) as caught:
        load(tmp_path, ascii_file(text, sizes, n_events))
    assert caught.value.code == "E_ASCII"
    assert str(caught.value) == (
        f"a.fcs: {shown} is no whole number\n"
        "  expected   whole numbers in ASCII digits, up to 64 bits\n"
        "  remedy     export the file as FCS 3.1 with floating point data"
    )


@pytest.mark.parametrize(("n_events", "wanted"), [(2, "2"), (None, "whole")])
def test_ascii_whose_count_is_wrong(tmp_path: Path, n_events: int | None, wanted: str) -> None:
    content = ascii_file(b"1 2 3", ["*", "*"], n_events)
    begin, end = len(content) - 5, len(content) - 1
    with pytest.raises(FcsError) as caught:
        load(tmp_path, content)
    assert caught.value.code == "E_TOT_MISMATCH"
    assert str(caught.value) == (
        "a.fcs: $TOT and the number of values in DATA disagree\n"
        f"  expected   {wanted} events of 2 values\n"
        f"  available  HEADER {begin}-{end} (3 values), TEXT {begin}-{end} (3 values)\n"
        "  remedy     export the file again from the software that wrote it"
    )


def cut_ascii(text: bytes, n_events: int | None, missing: int) -> bytes:
    """Return a file whose DATA of two channels is said to have `missing` bytes more than the file has."""
    named = {"$P1B": "*", "$P2B": "*", "$TOT": None if n_events is None else str(n_events)}
    columns = {"C0": [0], "C1": [0]}
    longer = {"in_header": lambda b, e: (b, e + missing), "in_text": lambda b, e: (b, e + missing)}
    return fcs_bytes(columns, version="3.0", datatype="A", bits=8, keywords=named, data=text, **longer)


def test_ascii_whose_end_is_one_byte_too_far(tmp_path: Path) -> None:
    sample = load(tmp_path, cut_ascii(b"1 2 3 4", 2, 1))
    np.testing.assert_array_equal(sample.array(), [[1, 2], [3, 4]])
    assert [finding.code for finding in sample.findings] == ["data-end-plus-one"]


def test_ascii_that_lacks_only_blanks(tmp_path: Path) -> None:
    """$TOT says how many values there are, and the separator that the last is whole."""
    sample = load(tmp_path, cut_ascii(b"1 2 3 4 ", 2, 5))
    np.testing.assert_array_equal(sample.array(), [[1, 2], [3, 4]])
    assert [finding.code for finding in sample.findings] == ["data-end-computed"]


@pytest.mark.parametrize(
    ("text", "n_events", "present", "values"),
    [(b"1 2 3 4 5", 3, 2, 4), (b"1 2 3 4 5 6", 3, 2, 5), (b"1 2 3 4 5 ", None, 2, 5), (b"1", 3, 0, 0)],
)
def test_ascii_that_is_cut_off(tmp_path: Path, text: bytes, n_events: int | None, present: int, values: int) -> None:
    content = cut_ascii(text, n_events, 4)
    begin, end = len(content) - len(text), len(content) + 3
    promised = "$TOT is missing" if n_events is None else "3 events promised"
    with pytest.raises(FcsError) as caught:
        load(tmp_path, content)
    assert caught.value.code == "E_TRUNCATED"
    assert str(caught.value) == (
        f"a.fcs: the file ends inside DATA: {promised}, {present} whole events present\n"
        f"  expected   DATA at {begin}-{end} (HEADER)\n"
        f"  available  {len(text)} bytes of DATA with {values} whole values\n"
        "  remedy     copy the file again from its source"
    )
    if not present:
        return
    sample = load(tmp_path, content, mode="lenient")
    np.testing.assert_array_equal(sample.array(), [[1, 2], [3, 4]])
    assert (sample.findings[0].code, sample.findings[0].text) == (
        "lenient-truncated",
        f"the file ends inside DATA: {promised}, 2 whole events read, at {begin}-{end} (HEADER)",
    )


def test_ascii_of_another_count_in_lenient_mode(tmp_path: Path) -> None:
    sample = load(tmp_path, ascii_file(b"1 2 3", ["*", "*"], 2), mode="lenient")
    np.testing.assert_array_equal(sample.array(), [[1, 2]])
    assert [finding.code for finding in sample.findings] == ["lenient-tot-mismatch", "read-lenient"]
    assert "2 events promised, 1 whole events read" in sample.findings[0].text


def test_ascii_without_a_place(tmp_path: Path) -> None:
    named: dict[str, str | None] = {"$P1B": "*"}
    shape: dict[str, Any] = {"in_header": lambda *_: None, "in_text": lambda *_: None}
    content = fcs_bytes({"A": [1]}, version="3.0", datatype="A", bits=8, keywords=named, data=b"1", **shape)
    with pytest.raises(FcsError) as caught:
        load(tmp_path, content)
    assert caught.value.code == "E_OFFSETS"
    assert str(caught.value) == (
        "a.fcs: neither HEADER nor TEXT says where DATA lies\n"
        "  expected   DATA of ASCII values, behind HEADER, outside TEXT, inside the file\n"
        f"  available  HEADER absent, TEXT absent, TEXT itself 58-{len(content) - 2}, file {len(content)} bytes\n"
        "  remedy     export the file again from the software that wrote it"
    )


def test_a_value_of_many_megabytes_is_none(tmp_path: Path) -> None:
    with pytest.raises(FcsError) as caught:
        load(tmp_path, ascii_file(b"9" * 3_000_000, ["*"], 1))
    assert caught.value.code == "E_TOT_MISMATCH"


# ---------------------------------------------------------------------------------------------- ranges and pieces

COUNTED = {"A": np.arange(2 * BLOCK + 3), "B": -np.arange(2 * BLOCK + 3)}


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ((0, 2), range(2)),
        ((BLOCK - 1, BLOCK + 2), range(BLOCK - 1, BLOCK + 2)),
        ((5, None), range(5, 2 * BLOCK + 3)),
        ((2 * BLOCK, 10**9), range(2 * BLOCK, 2 * BLOCK + 3)),
        ((7, 7), range(7, 7)),
        ((10**9, None), range(2 * BLOCK + 3, 2 * BLOCK + 3)),
    ],
)
def test_a_range_of_events(tmp_path: Path, events: tuple[int, int | None], expected: range) -> None:
    sample = load(tmp_path, fcs_bytes(COUNTED), events=events)
    np.testing.assert_array_equal(sample.values("B"), [-number for number in expected])
    assert (sample.n_events, sample.first_event, sample.events_in_file) == (
        len(expected), expected.start, 2 * BLOCK + 3,
    )  # fmt: skip


@pytest.mark.parametrize("events", [(-1, 5), (5, 4), (-3, None)])
def test_no_range_of_events(tmp_path: Path, events: tuple[int, int | None]) -> None:
    with pytest.raises(FcsError) as caught:
        load(tmp_path, fcs_bytes(COUNTED), events=events)
    assert caught.value.code == "E_EVENTS"
    assert str(caught.value) == (
        f"a.fcs: events {events[0]} to {events[1]} are no range\n"
        "  expected   events=(first, behind the last), counted from 0"
    )


@pytest.mark.parametrize("n_events", [1000, BLOCK, 10**6])
def test_pieces_make_the_whole(tmp_path: Path, n_events: int) -> None:
    whole = load(tmp_path, fcs_bytes(COUNTED))
    pieces = list(iter_fcs(tmp_path / "a.fcs", n_events=n_events, channels=["B"]))
    np.testing.assert_array_equal(np.concatenate([piece.values("B") for piece in pieces]), whole.values("B"))
    assert [piece.first_event for piece in pieces] == list(range(0, whole.n_events, n_events))
    assert all(piece.events_in_file == whole.n_events for piece in pieces)


def test_pieces_of_nothing(tmp_path: Path) -> None:
    load(tmp_path, fcs_bytes({"A": []}))
    assert [piece.n_events for piece in iter_fcs(tmp_path / "a.fcs")] == [0]
    load(tmp_path, ascii_file(b"", ["*"], 0))
    assert [piece.n_events for piece in iter_fcs(tmp_path / "a.fcs")] == [0]


def test_no_pieces(tmp_path: Path) -> None:
    with pytest.raises(FcsError) as caught:
        next(iter_fcs(tmp_path / "a.fcs", n_events=0))
    assert (caught.value.code, str(caught.value)) == (
        "E_OPTION",
        "a piece needs an event\n  expected   n_events of 1 or more",
    )


def test_findings_on_values_are_those_of_the_piece(tmp_path: Path) -> None:
    load(tmp_path, fcs_bytes({"A": [np.nan, 1, 2, 3]}))
    found = [[finding.text for finding in piece.findings] for piece in iter_fcs(tmp_path / "a.fcs", n_events=2)]
    assert found == [["1 of 2 values are not finite (NaN or infinity): outside every gate"], []]
