"""Where bytes come from: paths, file objects, URLs, folders; how much memory reading takes; very large files."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.builders_fcs import fcs_bytes

from tregflow.errors import FcsError
from tregflow.fcs import iter_fcs, list_datasets, read, read_fcs, scan_fcs
from tregflow.fcs.source import Hashing

if TYPE_CHECKING:
    from collections.abc import Callable

COLUMNS = {"A": np.array([1.5, -2.0, 3e9]), "B": np.array([0.0, 7.0, 1e-3])}
CONTENT = fcs_bytes(COLUMNS)


def check(source: Any, file: str) -> None:
    sample = read_fcs(source, sha256=True)
    np.testing.assert_array_equal(sample.values("B"), COLUMNS["B"].astype(np.float32))
    assert (sample.file, sample.path, sample.sha256) == (file, None, hashlib.sha256(CONTENT).hexdigest())


class Pipe(io.RawIOBase):
    """A stream that can only be read forward."""

    def __init__(self, content: bytes) -> None:
        self._rest = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._rest.readinto(buffer)


def test_bytes_in_memory() -> None:
    stream = io.BytesIO(CONTENT)
    check(stream, "a file object")
    assert stream.tell() == 0
    stream.write(b"the object can still grow" * 100)


def test_an_open_file(tmp_path: Path) -> None:
    (tmp_path / "a.fcs").write_bytes(CONTENT)
    with (tmp_path / "a.fcs").open("rb") as stream:
        stream.seek(10)
        check(stream, "a.fcs")
        assert stream.tell() == 10
        assert [piece.n_events for piece in iter_fcs(stream, n_events=2)] == [2, 1]
        assert len(list_datasets(stream)) == 1
    with (tmp_path / "a.fcs").open("rb", buffering=0) as raw:
        check(raw, "a.fcs")


def test_a_stream_that_cannot_be_mapped(tmp_path: Path) -> None:
    check(Pipe(CONTENT), "a file object")
    with gzip.open(tmp_path / "a.fcs.gz", "wb") as packed:
        packed.write(CONTENT)
    with gzip.open(tmp_path / "a.fcs.gz", "rb") as stream:
        stream.read(10)
        check(stream, "a.fcs.gz")


def test_a_stream_that_breaks(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "a.fcs.gz", "wb") as packed:
        packed.write(CONTENT)
    (tmp_path / "a.fcs.gz").write_bytes((tmp_path / "a.fcs.gz").read_bytes()[:-20])
    with gzip.open(tmp_path / "a.fcs.gz", "rb") as stream, pytest.raises(FcsError) as caught:
        read_fcs(stream)
    assert caught.value.code == "E_UNREADABLE"
    assert str(caught.value) == (
        "a.fcs.gz: the file cannot be read: Compressed file ended before the end-of-stream marker was reached\n"
        "  remedy     check that it is a file, and that you may read it"
    )


def test_an_empty_stream() -> None:
    with pytest.raises(FcsError) as caught:
        read_fcs(io.BytesIO())
    assert (caught.value.code, caught.value.problem) == ("E_NOT_FCS", "the file is empty")


def test_a_name_that_is_none() -> None:
    with pytest.raises(FcsError) as caught:
        read_fcs("a\0b.fcs")
    assert (caught.value.code, str(caught.value)) == (
        "E_UNREADABLE",
        "a\0b.fcs: the file cannot be read: embedded null byte\n"
        "  remedy     check that it is a file, and that you may read it",
    )


def test_a_file_that_the_system_does_not_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.fcs").write_bytes(CONTENT)

    def broken(*_: Any, **__: Any) -> Any:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr("mmap.mmap", broken)
    with pytest.raises(FcsError) as caught:
        read_fcs(tmp_path / "a.fcs")
    assert (caught.value.code, str(caught.value)) == (
        "E_UNREADABLE",
        f"{tmp_path / 'a.fcs'}: the file cannot be read: Cannot allocate memory\n"
        "  remedy     check that it is a file, and that you may read it",
    )


# ------------------------------------------------------------------------------------------------------------ URLs


def test_a_url() -> None:
    fsspec = pytest.importorskip("fsspec")
    with fsspec.open("memory://folder/a.fcs", "wb") as stream:
        stream.write(CONTENT)
    check("memory://folder/a.fcs", "a.fcs")


def test_a_url_that_leads_nowhere() -> None:
    pytest.importorskip("fsspec")
    with pytest.raises(FcsError) as caught:
        read_fcs("memory://folder/gone.fcs")
    assert (caught.value.code, str(caught.value)) == (
        "E_MISSING",
        "memory://folder/gone.fcs: no such file\n  remedy     check the name and the folder",
    )


def test_an_unknown_protocol() -> None:
    pytest.importorskip("fsspec")
    with pytest.raises(FcsError) as caught:
        read_fcs("nosuch://folder/a.fcs")
    assert caught.value.code == "E_UNREADABLE"
    assert str(caught.value) == (
        "nosuch://folder/a.fcs: the file cannot be read: Protocol not known: nosuch\n"
        "  remedy     check that it is a file, and that you may read it"
    )


def test_a_url_without_fsspec(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(FcsError) as caught:
        read_fcs("s3://bucket/a.fcs")
    assert (caught.value.code, str(caught.value)) == (
        "E_NO_FSSPEC",
        "s3://bucket/a.fcs: reading a URL needs the package fsspec\n"
        "  remedy     python -m pip install 'tregflow[remote]'",
    )


class FakeFilesystem:
    """As much of fsspec as is used, so that the way through it is tested where fsspec is not installed."""

    def __init__(self, content: bytes | Exception) -> None:
        self.content = content

    def open(self, url: str, mode: str) -> IO[bytes]:
        if isinstance(self.content, Exception):
            raise self.content
        return io.BytesIO(self.content)


@pytest.mark.parametrize(
    ("content", "code"), [(FileNotFoundError("x"), "E_MISSING"), (RuntimeError("no key"), "E_UNREADABLE")]
)
def test_what_fsspec_raises(monkeypatch: pytest.MonkeyPatch, content: Exception, code: str) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", FakeFilesystem(content))
    with pytest.raises(FcsError) as caught:
        read_fcs("s3://bucket/a.fcs")
    assert caught.value.code == code


def test_what_fsspec_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", FakeFilesystem(CONTENT))
    check("s3://bucket/a.fcs", "a.fcs")


# --------------------------------------------------------------------------------------------------------- folders


def test_scan(tmp_path: Path) -> None:
    (tmp_path / "b.FCS").write_bytes(CONTENT)
    (tmp_path / "a.lmd").write_bytes(b"no FCS file")
    (tmp_path / "A1.001").write_bytes(CONTENT)
    (tmp_path / "c.txt").write_bytes(b"a note")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "d.fcs").write_bytes(CONTENT)
    (tmp_path / "e.fcs").mkdir()
    numbered, first, second = scan_fcs(tmp_path)
    assert (numbered.path.name, numbered.error) == ("A1.001", None)
    assert (first.path.name, first.sample) == ("a.lmd", None)
    assert first.error is not None
    assert (first.error.code, first.error.__traceback__) == ("E_NOT_FCS", None)
    assert second.sample is not None
    assert (second.sample.n_events, dict(second.sample.columns), second.error) == (3, {}, None)
    assert [found.path.name for found in scan_fcs(tmp_path, recursive=True)] == ["A1.001", "a.lmd", "b.FCS", "d.fcs"]


def test_scan_nothing(tmp_path: Path) -> None:
    with pytest.raises(FcsError) as caught:
        scan_fcs(tmp_path / "gone")
    assert (caught.value.code, str(caught.value)) == (
        "E_MISSING",
        f"{tmp_path / 'gone'}: no such folder\n  remedy     check the name",
    )


# ----------------------------------------------------------------------------------------------------- the SHA-256


def test_hashing_stops_when_the_decoder_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a.fcs").write_bytes(CONTENT)

    def broken(*_: Any, **__: Any) -> Any:
        problem = "broken"
        raise FcsError(problem, code="E_OPTION")

    monkeypatch.setattr(read, "decode", broken)
    before = threading.active_count()
    with pytest.raises(FcsError):
        read_fcs(tmp_path / "a.fcs", sha256=True)
    assert threading.active_count() == before


def test_hashing_that_is_stopped_reads_no_further() -> None:
    hashing = Hashing(memoryview(bytes(10)), active=True)
    hashing._stopped.set()
    with hashing:
        pass
    assert hashing._hash.hexdigest() == hashlib.sha256().hexdigest()


# ---------------------------------------------------------------------------------------------- very large files


def sparse(folder: Path, n_events: int, event_size: int, tail: bytes, *, lying: int = 0) -> Path:
    """Make a file whose DATA is a hole in the disk, but for the last events."""
    keywords = {"$TOT": str(n_events)}
    widths = [16] * (event_size // 2)
    columns: dict[str, Any] = {f"C{index}": [0] for index in range(len(widths))}
    size = n_events * event_size
    silent: Callable[[int, int], tuple[int, int]] = lambda *_: (lying, lying)  # noqa: E731
    said: Callable[[int, int], tuple[int, int]] = lambda begin, _: (begin, begin + size - 1)  # noqa: E731
    head = fcs_bytes(columns, datatype="I", bits=widths, keywords=keywords, data=b"", in_header=silent, in_text=said)
    path = folder / "sparse.fcs"
    with path.open("wb") as stream:
        stream.write(head)
        stream.seek(len(head) + size - len(tail))
        stream.write(tail)
    return path


@pytest.mark.parametrize("size", [100_000_000, 2**31 + 2**20, 5 * 10**9])
@pytest.mark.parametrize("lying", [0, 99_999_999])
def test_beyond_eight_digits_and_31_bits(size: int, lying: int) -> None:
    """HEADER cannot name such offsets: it says 0, or nines."""
    with tempfile.TemporaryDirectory() as folder:
        n_events = size // 4
        path = sparse(Path(folder), n_events, 4, b"\x01\x00\x02\x00\x03\x00\x04\x00", lying=lying)
        if path.stat().st_blocks * 512 > 10**7:
            pytest.skip("this file system keeps no holes")
        sample = read_fcs(path, events=(n_events - 3, None))
        np.testing.assert_array_equal(sample.array(), [[0, 0], [1, 2], [3, 4]])
        assert (sample.events_in_file, sample.findings) == (n_events, ())
        os.truncate(path, path.stat().st_size - 5)
        with pytest.raises(FcsError) as caught:
            read_fcs(path, channels=())
        assert caught.value.code == "E_TRUNCATED"


# ---------------------------------------------------------------------------------------------------------- memory

MEASURE = """
import gc, sys, threading, time
sys.path.insert(0, {root!r})
from tregflow.errors import TregflowError
from tregflow.fcs import iter_fcs, read_fcs
import numpy

def anonymous():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon"))

def counted():
    # status sums counters that each core keeps and hands in by the batch; this walks the pages, slowly, and is exact.
    with open("/proc/self/smaps_rollup") as pages:
        return next(int(line.split()[1]) * 1024 for line in pages if line.startswith("Anonymous"))

gc.collect()
before = counted()
peak, stopped = anonymous(), threading.Event()
def watch():
    global peak
    while not stopped.is_set():
        peak = max(peak, anonymous())
        time.sleep(0.0005)
thread = threading.Thread(target=watch)
thread.start()
try:
    result = {action}
except TregflowError as error:
    print(error.code)
peak = max(peak, counted())
stopped.set()
thread.join()
print(peak - before)
"""

MEBIBYTE = 1 << 20


def measured(action: str) -> tuple[int, str]:
    """Return how much anonymous memory an action takes in a process of its own, and what it says beside."""
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux says how much memory is anonymous")
    source = Path(read.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE.format(root=str(source), action=action)],
        capture_output=True,
        text=True,
        check=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("COV")},
    )
    *said, size = done.stdout.split()
    return int(size), " ".join(said)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "large.fcs"
    column = np.arange(400_000, dtype=np.float32)
    path.write_bytes(fcs_bytes({f"C{index}": column for index in range(60)}, byteord="4,3,2,1"))
    return path


def test_memory_is_the_decoded_channels(large: Path) -> None:
    size, _ = measured(f"read_fcs({str(large)!r}, channels=['C1', 'C7'], sha256=True)")
    assert size <= 2 * 4 * 400_000 + 32 * MEBIBYTE
    size, _ = measured(f"read_fcs({str(large)!r})")
    decoded = 4 * 60 * 400_000
    assert decoded <= size <= decoded + 32 * MEBIBYTE


def test_memory_of_pieces_is_one_piece(large: Path) -> None:
    size, _ = measured(f"[piece.n_events for piece in iter_fcs({str(large)!r}, n_events=10_000)]")
    assert size <= 32 * MEBIBYTE


BOMBS = {
    "one value after another": lambda: b"/a" * (16 * MEBIBYTE),
    "one long value": lambda: b"/$PAR/" + "😀".encode() * (4 * MEBIBYTE) + b"/",
    "delimiters": lambda: b"/" * (32 * MEBIBYTE),
    "channels": lambda: (
        b"/$PAR/30000/$TOT/0/$MODE/L/$DATATYPE/I/$BYTEORD/1,2"
        + b"".join(b"/$P%dB/8" % number for number in range(1, 30_001))
        + b"/"
    ),
    "many channels": lambda: (
        b"/$PAR/9999/$TOT/0/$MODE/L/$DATATYPE/I/$BYTEORD/1,2/$P1N/X"
        + b"".join(b"/$P%dB/8/$P%dN/X" % (number, number) for number in range(1, 10_000))
        + b"/"
    ),
    "$PAR": lambda: b"/$PAR/999999999/$P1B/8/",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_take_no_memory(tmp_path: Path, bomb: str) -> None:
    text = BOMBS[bomb]()
    content = f"FCS3.1    {58:>8}{57 + len(text):>8}".encode().ljust(58) + text
    path = tmp_path / "bomb.fcs"
    path.write_bytes(content)
    size, said = measured(f"read_fcs({str(path)!r})")
    assert size <= 4 * len(content) + 64 * MEBIBYTE
    assert said in ("E_TEXT", "E_PAR", "")


def test_memory_of_ascii(tmp_path: Path) -> None:
    """Two bytes in the file are eight in memory, and no more while they are read."""
    text = b"1 " * (10 * MEBIBYTE) + b"18446744073709551615 "
    named = {"$P1B": "*", "$TOT": str(10 * MEBIBYTE + 1)}
    path = tmp_path / "a.fcs"
    path.write_bytes(fcs_bytes({"A": [0]}, datatype="A", bits=8, keywords=named, data=text))
    size, _ = measured(f"read_fcs({str(path)!r})")
    assert size <= 4 * path.stat().st_size + 64 * MEBIBYTE


def test_text_too_large(tmp_path: Path) -> None:
    text = b"/ab" * 300_000 + b"/"
    path = tmp_path / "a.fcs"
    path.write_bytes(f"FCS3.1    {58:>8}{57 + len(text):>8}".encode().ljust(58) + text)
    with pytest.raises(FcsError) as caught:
        read_fcs(path)
    assert caught.value.code == "E_TEXT"
    assert str(caught.value) == (
        "a.fcs: TEXT is too large\n"
        "  expected   up to 8388608 bytes and 131072 keywords\n"
        "  available  at least 900001 bytes and 150000 keywords\n"
        "  remedy     the file is damaged or was made to do harm: export it again"
    )
