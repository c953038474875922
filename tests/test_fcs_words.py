"""Compiled decoding of DATA against the decoders in NumPy, bit for bit; reading into an array that was given."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders_fcs import fcs_bytes

from tregflow.errors import FcsError
from tregflow.fcs import Sample, read_fcs, words

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

KINDS = [("F", 32), ("I", 16), ("I", 32)]


def compiled(path: Path, **options: Any) -> Sample:
    """Read with kernels, however small the file is, and in more threads than there are cores."""
    with mock.patch.multiple(words, COLD=0, WARM=0, _SHARE=1), mock.patch("os.cpu_count", return_value=3):
        return read_fcs(path, **options)


def plain(path: Path, **options: Any) -> Sample:
    """Read with NumPy."""
    with mock.patch.multiple(words, COLD=1 << 62, WARM=1 << 62):
        return read_fcs(path, **options)


def written(
    path: Path, raw: bytes, n_channels: int, kind: tuple[str, int], *, big: bool, ranges: list[str] | None = None
) -> Path:
    """Write a file whose DATA are these bytes."""
    datatype, bits = kind
    n_events = len(raw) // (n_channels * bits // 8)
    said = ranges or ["262144"] * n_channels
    content = fcs_bytes(
        {f"C{index}": [0.0] * n_events for index in range(n_channels)},
        datatype=datatype,
        bits=bits,
        byteord="4,3,2,1" if big else "1,2,3,4",
        keywords={f"$P{number}R": text for number, text in enumerate(said, start=1)},
        data=raw[: n_events * n_channels * bits // 8],
        gap=b" ",  # DATA begins anywhere
    )
    path.write_bytes(content)
    return path


def same(one: Sample, other: Sample) -> None:
    assert one.findings == other.findings
    assert list(one.columns) == list(other.columns)
    for name, column in one.columns.items():
        assert column.dtype == other.columns[name].dtype
        assert column.tobytes() == other.columns[name].tobytes()


def noise(seed: int, n_bytes: int) -> bytes:
    return np.random.default_rng(seed).bytes(n_bytes)


@given(st.data(), st.sampled_from(KINDS), st.booleans())
def test_any_bytes_are_decoded_as_numpy_does(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, kind: tuple[str, int], big: bool
) -> None:
    n_channels, n_events = data.draw(st.integers(1, 7)), data.draw(st.integers(0, 90))
    said = st.sampled_from(["1", "2", "1000", "1024", "65536", "262144", "4294967296", "0"])
    ranges = data.draw(st.lists(said, min_size=n_channels, max_size=n_channels))
    chosen = data.draw(st.permutations([f"C{i}" for i in range(n_channels)]))[: data.draw(st.integers(0, n_channels))]
    start, length = data.draw(st.tuples(st.integers(0, 40), st.integers(0, 60)))
    # Random bytes hold every NaN, infinity and subnormal number, and bits above $PnR.
    raw = noise(data.draw(st.integers(0, 2**32)), n_events * n_channels * kind[1] // 8)
    path = written(tmp_path_factory.getbasetemp() / "w.fcs", raw, n_channels, kind, big=big, ranges=ranges)
    same(compiled(path), plain(path))
    some: dict[str, Any] = {"channels": chosen, "events": (start, start + length)}
    same(compiled(path, **some), plain(path, **some))
    one, other = (np.full((compiled(path, **some).n_events, len(chosen)), 7.0) for _ in range(2))
    same(compiled(path, **some, out=one), plain(path, **some, out=other))
    assert one.tobytes() == other.tobytes()
    narrow, also = one.astype(np.float32), other.astype(np.float32)
    if kind == ("F", 32):
        same(compiled(path, **some, out=narrow), plain(path, **some, out=also))
    assert narrow.tobytes() == also.tobytes()


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("big", [False, True])
def test_many_blocks(tmp_path: Path, kind: tuple[str, int], big: bool) -> None:
    n_channels, n_events = 11, 70_001
    path = written(tmp_path / "w.fcs", noise(1, n_events * n_channels * kind[1] // 8), n_channels, kind, big=big)
    same(compiled(path), plain(path))
    same(compiled(path, channels=["C9", "C2"]), plain(path, channels=["C9", "C2"]))
    for dtype in (np.float32, np.float64)[kind == ("I", 32) :]:
        one, other = (np.empty((n_events, n_channels), dtype) for _ in range(2))
        same(compiled(path, out=one), plain(path, out=other))
        assert one.tobytes() == other.tobytes()


def test_what_the_kernels_are_not_for() -> None:
    from tregflow.fcs.byteorder import LITTLE, ByteOrder
    from tregflow.fcs.channels import LINEAR, Channel
    from tregflow.fcs.layout import ColumnFormat, Layout

    def decodable(*columns: tuple[str, int], order: ByteOrder = LITTLE, wanted: slice = slice(None)) -> bool:
        layout = Layout(1, tuple(ColumnFormat(datatype, width) for datatype, width in columns), order)
        channels = [
            Channel(number, f"C{number}", "", datatype, 8 * width, 1024.0, LINEAR, 1.0)
            for number, (datatype, width) in enumerate(columns, start=1)
        ]
        with mock.patch.multiple(words, COLD=0, WARM=0):
            return words.worthwhile(layout, channels[wanted], 1)

    assert decodable(("F", 4), ("F", 4))
    assert decodable(("F", 4), ("F", 4), order=ByteOrder(">"))
    assert decodable(("I", 2), ("I", 2), ("F", 4), wanted=slice(2))
    assert not decodable(("I", 4), ("F", 4))
    assert not decodable(("I", 2), ("I", 4))
    assert not decodable(("F", 4), ("I", 2), wanted=slice(1))  # an event is no whole number of float32
    assert not decodable(("I", 2), ("F", 4), ("I", 2), wanted=slice(1, 2))  # which begins within one
    assert not decodable(("D", 8))
    assert not decodable(("I", 1))
    assert not decodable(("A", 4))
    assert not decodable(("F", 4), order=ByteOrder("<", (1, 0, 3, 2)))
    assert not decodable(("F", 4), wanted=slice(0))


def test_the_kernels_wait_for_a_large_file() -> None:
    code = """
import sys
from tregflow.fcs import read_fcs, words
words.COLD = int(sys.argv[2])
read_fcs(sys.argv[1])
print("numba" in sys.modules)
"""
    import tregflow

    path = tregflow.__file__.replace("src/tregflow/__init__.py", "example_fcs/P01_D0.fcs")
    for cold, loaded in ((str(words.COLD), "False"), ("1000", "True")):
        done = subprocess.run([sys.executable, "-c", code, path, cold], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == loaded


# --------------------------------------------------------------------------------------------------- into an array


@pytest.fixture
def three(tmp_path: Path) -> Path:
    path = tmp_path / "a.fcs"
    path.write_bytes(fcs_bytes({"A": [1.0, 2.0], "B": [3.0, 4.0], "C": [5.0, np.nan]}))
    return path


def test_reading_into_an_array(three: Path) -> None:
    out = np.zeros((2, 3), np.float32)
    sample = read_fcs(three, out=out)
    np.testing.assert_array_equal(out, [[1, 3, 5], [2, 4, np.nan]])
    np.testing.assert_array_equal(sample.values("B"), [3, 4])
    assert np.shares_memory(sample.values("B"), out)
    assert not sample.values("B").flags.writeable
    assert out.flags.writeable
    assert [finding.code for finding in sample.findings] == ["not-finite"]


def test_chosen_channels_stand_in_the_order_asked_for(three: Path) -> None:
    buffer = np.full((4, 2), 9.0)
    sample = read_fcs(three, channels=["C", "A"], events=(0, 1), out=buffer[:1])
    np.testing.assert_array_equal(buffer, [[5, 1], [9, 9], [9, 9], [9, 9]])
    assert sample.values("A").dtype == np.float64
    np.testing.assert_array_equal(sample.array(["A", "C"]), [[1, 5]])


def test_reading_separated_numbers_into_an_array(tmp_path: Path) -> None:
    path = tmp_path / "a.fcs"
    shape: dict[str, Any] = {"datatype": "A", "bits": [16, 16], "keywords": {"$P1B": "*", "$P2B": "*"}}
    path.write_bytes(fcs_bytes({"A": [1, 2], "B": [3, 4]}, data=b"1 2,3 44", **shape))
    out = np.zeros((2, 2))
    sample = read_fcs(path, out=out)
    np.testing.assert_array_equal(out, [[1, 2], [3, 44]])
    assert np.shares_memory(sample.values("A"), out)
    path.write_bytes(fcs_bytes({"A": [1, 2], "B": [3, 4]}, data=b"1 2,3 9007199254740993", **shape))
    with pytest.raises(FcsError) as caught:
        read_fcs(path, out=out)
    assert str(caught.value) == (
        "a.fcs: float64 does not hold every value of the separated numbers\n"
        "  expected   integers of 53 bits or fewer\n"
        "  remedy     read without out=: the column is uint64 then"
    )


@pytest.mark.parametrize(
    ("out", "said"),
    [
        (np.zeros((3, 2), np.float32), "shape (3, 2), float32"),
        (np.zeros((2, 3), np.int32), "shape (2, 3), int32"),
        (np.zeros((2, 3), ">f4"), "shape (2, 3), >f4"),
        (np.zeros((3, 2), np.float32).T, "shape (2, 3), float32, not row-major"),
        (np.frombuffer(bytes(24), np.float32).reshape(2, 3), "shape (2, 3), float32, not writable"),
        (
            np.frombuffer(bytearray(25), np.float32, offset=1).reshape(2, 3),
            "shape (2, 3), float32, not aligned",
        ),
        ([[0.0] * 3] * 2, "list"),
    ],
)
def test_an_array_that_does_not_fit_is_refused(three: Path, out: NDArray[Any], said: str) -> None:
    with pytest.raises(FcsError) as caught:
        read_fcs(three, out=out)
    assert caught.value.code == "E_OUT"
    assert str(caught.value) == (
        "a.fcs: the array to read into does not fit\n"
        "  expected   a writable row-major array of shape (2, 3), float32 or float64\n"
        f"  available  {said}\n"
        "  remedy     np.empty((n_events, n_channels), np.float32), or a slice of the first events of a longer one"
    )


@pytest.mark.parametrize(
    ("bits", "dtype", "said"),
    [
        (32, np.float32, "float32 does not hold every value of A\n  expected   an array of float64"),
        (
            64,
            np.float64,
            "float64 does not hold every value of A\n  expected   integers of 53 bits or fewer\n"
            "  remedy     read without out=: the column is uint64 then",
        ),
    ],
)
def test_an_array_that_would_round_is_refused(tmp_path: Path, bits: int, dtype: type, said: str) -> None:
    path = tmp_path / "a.fcs"
    path.write_bytes(fcs_bytes({"A": [1, 2]}, datatype="I", bits=bits, keywords={"$P1R": str(2**bits)}))
    with pytest.raises(FcsError) as caught:
        read_fcs(path, out=np.zeros((2, 1), dtype))
    assert caught.value.code == "E_OUT"
    assert str(caught.value) == f"a.fcs: {said}"
