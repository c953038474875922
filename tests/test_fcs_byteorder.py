"""Byte order: any permutation, and texts that are none."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.builders_fcs import fcs_bytes

from tregflow.errors import FcsError
from tregflow.fcs import read_fcs
from tregflow.fcs.byteorder import BIG, LITTLE, ByteOrder, byte_order, byteord_length
from tregflow.findings import Finding

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("1,2,3,4", LITTLE),
        ("4,3,2,1", BIG),
        ("2,1", BIG),
        (" 1, 2,3,4", LITTLE),
        ("8,7,6,5,4,3,2,1", BIG),
        ("3,4,1,2", ByteOrder("<", (2, 3, 0, 1))),
    ],
)
def test_orders(text: str, order: ByteOrder) -> None:
    assert byte_order(text, {1, 4}, file="a.fcs")[0] == order


def test_a_short_order_is_a_finding() -> None:
    text = "$BYTEORD '1,2' is shorter than the 4 bytes of a value: its direction counts"
    assert byte_order("1,2", {2, 4}, file="a.fcs") == (LITTLE, (Finding("byteord-short", "info", "TEXT", text),))


def test_a_mixed_order_is_a_finding() -> None:
    text = "$BYTEORD is the mixed order '2,1,4,3': each number is the significance of its byte"
    assert byte_order("2,1,4,3", {4}, file="a.fcs")[1] == (Finding("byteord-mixed", "info", "TEXT", text),)


@pytest.mark.parametrize("text", ["1", "", None, "nonsense"])
def test_bytes_have_no_order(text: str | None) -> None:
    assert byte_order(text, {1}, file="a.fcs") == (LITTLE, ())


@pytest.mark.parametrize(
    ("text", "widths", "problem", "found", "fits"),
    [
        ("3,4,1,2", {2}, "is a mixed order that does not fit the values", "'3,4,1,2'", "2"),
        ("3,4,1,2", {4, 8}, "is a mixed order that does not fit the values", "'3,4,1,2'", "4 or 8"),
        ("1", {2}, "gives no order of bytes", "'1'", "2"),
        ("little", {4}, "gives no order of bytes", "'little'", "4"),
        ("1,2,2,1", {4}, "gives no order of bytes", "'1,2,2,1'", "4"),
        ("1,2,3,4,5,6,7,9,8", {4}, "gives no order of bytes", "'1,2,3,4,5,6,7,9,8'", "4"),
        (None, {4}, "gives no order of bytes", "is missing", "4"),
    ],
)
def test_no_order(text: str | None, widths: set[int], problem: str, found: str, fits: str) -> None:
    with pytest.raises(FcsError) as caught:
        byte_order(text, widths, file="a.fcs")
    assert caught.value.code == "E_BYTEORD"
    assert str(caught.value) == (
        f"a.fcs: $BYTEORD {problem}\n"
        f"  expected   1,2,3,4 (little endian), 4,3,2,1 (big endian), or another order of {fits} bytes\n"
        f"  available  $BYTEORD {found}\n"
        "  remedy     export the file again from the software that wrote it, as FCS 3.1"
    )


@pytest.mark.parametrize(("text", "length"), [("1,2", 2), ("2,1,4,3", 4), ("1", 1), ("little", 0), ("", 0), (None, 0)])
def test_lengths(text: str | None, length: int) -> None:
    assert byteord_length(text) == length


@pytest.mark.parametrize("places", list(itertools.permutations(range(4))))
@pytest.mark.parametrize("datatype", ["I", "F"])
def test_every_permutation_of_four(tmp_path: Path, places: tuple[int, ...], datatype: str) -> None:
    values = np.array([1, 258, 2**24 - 1, 65536]) if datatype == "I" else np.array([1.5, -3e7, 0.0, 262143.0])
    little = values.astype("<u4" if datatype == "I" else "<f4").view(np.uint8).reshape(-1, 4)
    stored = little[:, places].tobytes()
    content = fcs_bytes(
        {"A": values},
        version="3.0",
        datatype=datatype,
        bits=32,
        byteord=",".join(str(p + 1) for p in places),
        data=stored,
    )
    (tmp_path / "a.fcs").write_bytes(content)
    sample = read_fcs(tmp_path / "a.fcs")
    np.testing.assert_array_equal(sample.values("A"), values)
    mixed = places not in ((0, 1, 2, 3), (3, 2, 1, 0))
    assert [finding.code for finding in sample.findings] == ["byteord-mixed"] * mixed
