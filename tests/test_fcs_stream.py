"""One pass over a file against reading it at once: values bit for bit, findings, hash; files that change on the way."""

from __future__ import annotations

import binascii
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders_fcs import fcs_bytes

from tregflow.errors import FcsError, PanelError
from tregflow.fcs import Sample, list_datasets, read_fcs, words
from tregflow.fcs.source import Forward, Opened
from tregflow.fcs.stream import Stream, finished

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

N_EVENTS = 1500
CHANGED = (
    "a.fcs: the file changed while it was read\n"
    "  expected   the same size and time before and after\n"
    "  remedy     wait until the file is complete, then read it again"
)


def shaped(datatype: str, bits: Sequence[int], *, big: bool = False, seed: int = 1, **shape: Any) -> bytes:
    """Return a file of random bytes: NaN, infinity, subnormal numbers and bits above ``$PnR`` among its values."""
    n_bytes = N_EVENTS * sum(width // 8 for width in bits)
    columns = {f"C{index}": np.zeros(N_EVENTS) for index in range(len(bits))}
    order = {"byteord": "4,3,2,1" if big else "1,2,3,4"}
    raw = np.random.default_rng(seed).bytes(n_bytes)
    return fcs_bytes(columns, datatype=datatype, bits=list(bits), **{**order, "gap": b" ", "data": raw, **shape})


def digits(width: int, n_channels: int) -> bytes:
    numbers = np.random.default_rng(2).integers(0, 10 ** min(width, 18), N_EVENTS * n_channels)
    return b"".join(b"%*d" % (width, number) for number in numbers.tolist())


def masked(*ranges: int | str, **more: str) -> dict[str, str]:
    return {f"$P{number}R": str(value) for number, value in enumerate(ranges, start=1)} | more


SEPARATED = {"$P1B": "*", "$P2B": "*"}
MIXED = {"$P1DATATYPE": "I", "$P2DATATYPE": "D", "$P1R": "100"}
FILES = {
    "float32": shaped("F", [32] * 5),
    "float32 big": shaped("F", [32] * 3, big=True),
    "float32, mixed order": shaped("F", [32] * 2, byteord="3,4,1,2"),
    "float64": shaped("D", [64] * 2),
    "float64 big": shaped("D", [64] * 2, big=True),
    **{
        f"{bits} bits{' big' * big}": shaped("I", [bits] * 3, big=big, keywords=masked(2**bits, 200, 2 ** (bits - 2)))
        for bits in (8, 16, 24, 32, 40, 48, 64)
        for big in (False, True)
    },
    "several widths": shaped("I", [8, 32, 16, 64, 24], keywords=masked(256, 1024, 1000, 2**60, 5)),
    "logarithms": shaped("I", [16] * 3, keywords=masked(1024, 65536, 1024, **{"$P1E": "4,1", "$P2E": "4,0.1"})),
    "logarithms, wide": shaped("I", [32] * 2, big=True, keywords=masked(2**20, 2**31, **{"$P2E": "4,1"})),
    "types per channel": shaped("F", [16, 64, 32], version="3.2", keywords=MIXED),
    "ASCII": shaped("A", [7, 18], data=b"".join([b"%7d%18d" % (i, i**4) for i in range(N_EVENTS)])),
    "ASCII, logarithms": shaped("A", [5, 5], data=digits(5, 2), keywords={"$P1E": "5,1"}),
    "ASCII, separated": shaped(
        "A", [16, 16], data=b",".join([b"%d" % i for i in range(2 * N_EVENTS)]), keywords=SEPARATED
    ),
    "ASCII, separated, wide": shaped("A", [16, 16], data=b"18446744073709551615 7\n" * N_EVENTS, keywords=SEPARATED),
    "no events": fcs_bytes({"A": [], "B": []}),
    "no events, separated": fcs_bytes({"A": [], "B": []}, datatype="A", bits=16, keywords=SEPARATED),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.fcs"


@pytest.fixture(params=[False, True], ids=["plain", "compiled"])
def kernels(request: pytest.FixtureRequest) -> Iterator[None]:
    """Decode with NumPy, or with kernels, however small the file is."""
    with mock.patch.multiple(words, COLD=0 if request.param else 1 << 62, WARM=0 if request.param else 1 << 62):
        yield


def passed(sample: Sample, channels: Sequence[str], **options: Any) -> tuple[NDArray[Any], Stream]:
    """Return all chunks of a pass, side by side."""
    stream = Stream(sample, channels, **options)
    at, chunks = stream.events.start, [np.empty((len(channels), 0), np.float32)]
    for first, chunk in stream:
        assert first == at
        assert chunk.flags.c_contiguous
        assert chunk.dtype.isnative
        at += chunk.shape[1]
        chunks.append(chunk.copy())
    assert at == stream.events.stop
    return np.concatenate(chunks[-len(chunks) + 1 :] if len(chunks) > 1 else chunks, axis=1), stream


def expected(sample: Sample, channels: Sequence[str], events: slice = slice(None)) -> NDArray[Any]:
    columns = [sample.values(name)[events] for name in channels]
    single = all(column.dtype == np.float32 for column in columns)
    with np.errstate(invalid="ignore"):
        return np.array([column.astype(np.float32 if single else np.float64) for column in columns])


def check(path: Path, sizes: Sequence[int | None], channels: Sequence[str] | None = None, **options: Any) -> None:
    """Compare passes over a lazy sample with reading the same at once."""
    at_once = read_fcs(path, channels=channels, sha256=True, **options)
    names = channels or at_once.names
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    for size in sizes:
        lazy = read_fcs(path, channels=channels, sha256=True, lazy=True, **options)
        assert lazy.sha256 is None
        values, stream = passed(lazy, names, size=size)
        wanted = expected(at_once, names)
        if wanted.size:  # nothing has no type
            assert values.dtype == wanted.dtype
        assert values.tobytes() == wanted.tobytes()
        done = finished(lazy, [stream])
        assert done.findings == at_once.findings
        assert done.sha256 == at_once.sha256 == digest
        assert finished(done, [stream]).findings == at_once.findings


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("kind", FILES)
def test_every_kind_of_data(path: Path, kind: str) -> None:
    path.write_bytes(FILES[kind])
    check(path, [7, 1000, N_EVENTS, None, 10**6])
    names = read_fcs(path, channels=()).names
    check(path, [7, None], names[::-1][:2])
    check(path, [1, 7, None], names[:1], events=(N_EVENTS - 20, None))
    check(path, [None], names[1:2], events=(1, 1))


def test_several_data_sets(path: Path) -> None:
    first = fcs_bytes({"A": [1.0, 2.0, np.nan]}, keywords={"$NEXTDATA": f"{0:06d}"})
    second = shaped("I", [16, 16], keywords=masked(1000, 2))
    path.write_bytes(first.replace(b"/000000/", f"/{len(first):06d}/".encode()) + second)
    check(path, [2, None], dataset=1)
    check(path, [100, None], dataset=2)


@pytest.mark.parametrize("stated", [True, False])
@pytest.mark.parametrize("events", [None, (0, 2)])
def test_the_checksum(path: Path, stated: bool, events: tuple[int, int] | None) -> None:
    content = fcs_bytes({"A": [1.0, np.inf, 3.0]})
    path.write_bytes(content + b"%08d" % (binascii.crc_hqx(content, 0) + (not stated)))
    check(path, [None, 1], events=events)
    lazy = read_fcs(path, lazy=True, events=events)
    assert finished(lazy, [passed(lazy, [])[1]]).findings == read_fcs(path, channels=(), events=events).findings


def test_a_wrong_checksum_read_strictly(path: Path) -> None:
    path.write_bytes(
        fcs_bytes(
            {"A": [1.0]}, keywords={"$BEGINANALYSIS": "0", "$ENDANALYSIS": "0", "$BEGINSTEXT": "0", "$ENDSTEXT": "0"}
        )
        + b"00012345"
    )
    with pytest.raises(FcsError) as at_once:
        read_fcs(path, mode="strict")
    lazy = read_fcs(path, mode="strict", lazy=True)
    with pytest.raises(FcsError) as later:
        finished(lazy, [passed(lazy, ["A"])[1]])
    assert str(later.value) == str(at_once.value)
    assert later.value.code == "E_STRICT"


def test_values_that_are_no_numbers(path: Path) -> None:
    data = b"".join(b"%5d" % i for i in range(N_EVENTS - 1)) + b"  1.5"
    path.write_bytes(shaped("A", [5], data=data))
    with pytest.raises(FcsError) as at_once:
        read_fcs(path)
    with pytest.raises(FcsError) as later:
        passed(read_fcs(path, lazy=True), ["C0"], size=100)
    assert str(later.value) == str(at_once.value)


@given(st.data())
def test_ranges_of_events(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.getbasetemp() / "ranges.fcs"
    if not path.exists():
        path.write_bytes(FILES["several widths"])
    start, stop = sorted(data.draw(st.tuples(*[st.integers(0, N_EVENTS)] * 2)))
    sample = read_fcs(path, events=(start, stop), lazy=data.draw(st.booleans()))
    names = data.draw(st.permutations(sample.names))[: data.draw(st.integers(1, 5))]
    first, behind = sorted(data.draw(st.tuples(*[st.integers(0, stop - start)] * 2)))
    values, _ = passed(sample, names, events=range(first, behind), size=data.draw(st.integers(1, N_EVENTS)))
    assert values.tobytes() == expected(read_fcs(path), names, slice(start + first, start + behind)).tobytes()


def test_passes_that_share_the_events(path: Path) -> None:
    path.write_bytes(FILES["float32"])
    sample, at_once = read_fcs(path, lazy=True, sha256=True), read_fcs(path, sha256=True)
    parts = [range(700), range(700, 1100), range(1100, N_EVENTS)]
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda part: passed(sample, sample.names, events=part, size=50), parts))
    values = np.concatenate([values for values, _ in done], axis=1)
    assert values.tobytes() == expected(at_once, sample.names).tobytes()
    complete = finished(sample, [stream for _, stream in done])
    assert (complete.findings, complete.sha256) == (at_once.findings, at_once.sha256)
    with pytest.raises(FcsError) as caught:
        finished(sample, [stream for _, stream in done[:2]])
    assert str(caught.value) == (
        "a.fcs: C0: the passes over a lazy sample saw 1100 events\n  expected   each of its 1500 events once"
    )
    assert caught.value.code == "E_OPTION"


def test_a_pass_that_was_broken_off(path: Path) -> None:
    path.write_bytes(FILES["float32"])
    sample = read_fcs(path, lazy=True, sha256=True)
    stream = Stream(sample, ["C1"], size=1000)
    next(iter(stream))
    assert stream.sha256 is None
    with pytest.raises(FcsError, match="saw 0 events"):
        finished(sample, [stream])
    assert sum(chunk.shape[1] for _, chunk in stream) == N_EVENTS  # once more, from the beginning
    assert finished(sample, [stream]).findings == read_fcs(path, channels=["C1"]).findings


def test_without_a_pass(path: Path) -> None:
    """What was decoded by name has its findings, too."""
    path.write_bytes(FILES["16 bits"])
    sample = read_fcs(path, lazy=True, sha256=True)
    assert finished(sample, []).findings == ()
    sample.values("C1")
    done = finished(sample, [])
    assert done.findings == read_fcs(path, channels=["C1"]).findings != ()
    assert done.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert finished(read_fcs(path, lazy=True), []).sha256 is None


def test_a_sample_in_memory(path: Path) -> None:
    made = Sample.from_columns("m", {"A": np.arange(9, dtype=np.float32), "B": np.full(9, np.nan)})
    for names in (["A"], ["B", "A"]):
        for size in (1, 4, None):
            values, stream = passed(made, names, size=size)
            assert values.tobytes() == expected(made, names).tobytes()
            assert not stream.odd.any()
    assert finished(made, [stream]) is made
    for kind in ("logarithms", "types per channel", "64 bits", "float32"):
        path.write_bytes(FILES[kind])
        sample = read_fcs(path)
        assert passed(sample, sample.names, size=100)[0].tobytes() == expected(sample, sample.names).tobytes()


def test_memory_is_used_again(path: Path) -> None:
    path.write_bytes(FILES["float32"])
    chunks = [chunk for _, chunk in Stream(read_fcs(path, lazy=True), ["C0", "C1"], size=400)]
    assert [chunk.shape for chunk in chunks] == [(2, 400)] * 3 + [(2, 300)]
    assert all(np.shares_memory(chunks[0], chunk) for chunk in chunks)


def test_channels_that_were_not_read(path: Path) -> None:
    path.write_bytes(FILES["float32"])
    sample = read_fcs(path, channels=["C1"], lazy=True)
    for name, code in (("C2", "E_NOT_READ"), ("CD3", "E_NO_CHANNEL")):
        with pytest.raises(PanelError) as caught:
            Stream(sample, ["C1", name])
        assert caught.value.code == code


# -------------------------------------------------------------------------------------------- files that change


def fails(stream: Stream, sample: Sample) -> None:
    for act in (lambda: list(stream), lambda: finished(sample, [stream])):
        with pytest.raises(FcsError) as caught:
            act()
        assert str(caught.value) == CHANGED
        assert caught.value.code == "E_CHANGED"


def test_a_file_that_is_cut_off_before_the_pass(path: Path) -> None:
    path.write_bytes(FILES["float32"])
    sample = read_fcs(path, lazy=True)
    stream = Stream(sample, sample.names)
    os.truncate(path, 4000)
    fails(stream, sample)


def test_a_file_that_is_cut_off_in_the_pass(path: Path) -> None:
    """Were it mapped, the process would end here."""
    path.write_bytes(FILES["float32"] * 20)
    sample = read_fcs(path, lazy=True, dataset=1)
    stream = Stream(sample, sample.names, size=10)
    chunks = iter(stream)
    next(chunks)
    os.truncate(path, 4000)
    with pytest.raises(FcsError) as caught:
        list(chunks)
    assert str(caught.value) == CHANGED


def test_a_file_that_is_written_in_the_pass(path: Path) -> None:
    path.write_bytes(FILES["float32"])
    sample = read_fcs(path, lazy=True, sha256=True)
    stream = Stream(sample, sample.names, size=100)
    chunks = iter(stream)
    next(chunks)
    os.utime(path, ns=(0, 0))
    with pytest.raises(FcsError) as caught:
        list(chunks)
    assert str(caught.value) == CHANGED
    assert stream.sha256 is None


def test_a_file_that_is_written_after_the_pass(path: Path) -> None:
    path.write_bytes(FILES["float32"])
    sample = read_fcs(path, lazy=True)
    stream = passed(sample, sample.names)[1]
    os.utime(path, ns=(0, 0))
    with pytest.raises(FcsError) as caught:
        finished(sample, [stream])
    assert str(caught.value) == CHANGED


def test_a_file_that_is_gone(path: Path) -> None:
    path.write_bytes(FILES["float32"])
    sample = read_fcs(path, lazy=True)
    path.unlink()
    with pytest.raises(FcsError) as caught:
        list(Stream(sample, sample.names))
    assert str(caught.value) == f"{path}: no such file\n  remedy     check the name and the folder"


def test_a_disk_that_fails(path: Path) -> None:
    stream = mock.Mock()
    stream.readinto.side_effect = OSError(5, "Input/output error")
    file = Forward(stream, Opened(memoryview(b""), "a.fcs", path), hashing=False)
    with pytest.raises(FcsError) as caught:
        file.fill(memoryview(bytearray(3)))
    assert str(caught.value) == (
        f"{path}: the file cannot be read: Input/output error\n"
        "  remedy     check that it is a file, and that you may read it"
    )


def test_a_system_that_gives_less_than_asked_for(path: Path) -> None:
    stream = mock.Mock()
    given = iter([b"ab", b"c", b"defg"])

    def readinto(memory: memoryview) -> int:
        piece = next(given)
        memory[: len(piece)] = piece
        return len(piece)

    stream.readinto.side_effect = readinto
    memory = memoryview(bytearray(7))
    Forward(stream, Opened(memoryview(b""), "a.fcs", path), hashing=False).fill(memory)
    assert bytes(memory) == b"abcdefg"


# ------------------------------------------------------------------------------------------------------ real files


def test_real_files(data_dir: Path) -> None:
    files = [file for file in sorted(data_dir.rglob("*")) if file.suffix.lower() in (".fcs", ".lmd")]
    n_read = 0
    for file in files:
        try:
            numbers = [each.number for each in list_datasets(file)]
            read_fcs(file, dataset=numbers[0])
        except FcsError:
            continue
        for number in numbers:
            check(file, [None], dataset=number)
            n_read += 1
    assert n_read > 20
