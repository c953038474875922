"""Where bytes come from: a path, a file object, a URL; mapped, or read a piece at a time, never whole into memory."""

from __future__ import annotations

import hashlib
import io
import mmap
import os
import re
import shutil
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tregflow.errors import FcsError

if TYPE_CHECKING:
    from collections.abc import Iterator

Source = Path | str | IO[bytes]
"""A path, a URL that fsspec understands (``s3://…``), or a file object open for reading bytes."""

_HASH_PIECE = 1 << 20
_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)  # two letters or more: C:// is a drive


@dataclass
class Opened:
    """A file that is open for reading.

    Attributes
    ----------
    data : memoryview
        All its bytes.
    file : str
        Name for messages.
    path : Path or None
        Where it lies; None for a URL or a file object.
    """

    data: memoryview
    file: str
    path: Path | None = None
    stream: IO[bytes] | None = None
    state: tuple[int, int] = field(default=(0, 0))

    def check_unchanged(self) -> None:
        """Compare size and time with those at the beginning.

        Raises
        ------
        FcsError
            ``E_CHANGED``.
        """
        if self.stream is not None and _state(self.stream) != self.state:
            raise _changed(self.file)


@contextmanager
def opened(source: Source) -> Iterator[Opened]:
    """Open a source.

    Parameters
    ----------
    source : Path, str or file object
        A file object is read from its beginning to its end; its position is left alone where it can be mapped.

    Raises
    ------
    FcsError
        ``E_MISSING``, ``E_UNREADABLE``; ``E_NO_FSSPEC``: a URL, and fsspec is not installed.
    """
    if not isinstance(source, (str, Path)):
        with _of_stream(source, _stream_name(source)) as found:
            yield found
    elif _URL.match(str(source)):
        with _fetched(str(source)) as found:
            yield found
    else:
        path = Path(source)
        with _path_stream(path) as stream:
            yield _mapped(stream, path.name, path)


def is_path(source: Source) -> bool:
    """Tell whether a source is a path, which can be opened again."""
    return isinstance(source, Path) or (isinstance(source, str) and not _URL.match(source))


@contextmanager
def reopened(path: Path, state: tuple[int, int]) -> Iterator[Opened]:
    """Open a path again that is to be as it was.

    Parameters
    ----------
    path : Path
    state : (int, int)
        `Opened.state` of the first time.

    Raises
    ------
    FcsError
        ``E_CHANGED``, here and where `Opened.check_unchanged` is called; ``E_MISSING``, ``E_UNREADABLE``.
    """
    with _path_stream(path) as stream:
        Opened(memoryview(b""), path.name, path, stream, state).check_unchanged()
        yield _mapped(stream, path.name, path)


@contextmanager
def read_forward(path: Path, state: tuple[int, int], *, hashing: bool) -> Iterator[Forward]:
    """Open a path again that is to be as it was, to read it from front to back.

    Parameters
    ----------
    path : Path
    state : (int, int)
        `Opened.state` of the first time.
    hashing : bool
        Whether to hash all that is passed.

    Raises
    ------
    FcsError
        As `reopened`.
    """
    with _path_stream(path) as stream:
        found = Forward(stream, Opened(memoryview(b""), path.name, path, stream, state), hashing=hashing)
        found.check_unchanged()
        yield found


class Forward:
    """A file that is read from front to back into the caller's memory, as `read_forward` opens it.

    Not mapped: a mapped file that is cut off while it is looked at ends the process.
    """

    def __init__(self, stream: io.FileIO, source: Opened, *, hashing: bool) -> None:
        self._stream, self._source = stream, source
        self._position = 0
        self._hash = hashlib.sha256() if hashing else None
        self.check_unchanged = source.check_unchanged

    def skip_to(self, position: int) -> None:
        """Go on to a byte; what lies before it is hashed."""
        if self._hash is None:
            self._position = self._stream.seek(position)
        memory = memoryview(bytearray(min(position - self._position, _HASH_PIECE)))
        while self._position < position:
            self.fill(memory[: position - self._position])

    def fill(self, memory: memoryview) -> None:
        """Read as many bytes as there is room for.

        Raises
        ------
        FcsError
            ``E_CHANGED``: the file ends before; ``E_UNREADABLE``.
        """
        rest = memory
        while rest:
            try:
                n_read = self._stream.readinto(rest)
            except OSError as error:
                raise _unreadable(str(self._source.path), error) from error
            if not n_read:
                raise _changed(self._source.file)
            rest = rest[n_read:]
        self._position += len(memory)
        if self._hash:
            self._hash.update(memory)  # while it is in the cache

    def finish(self) -> str | None:
        """Return the digest of the whole file, or None without hashing; check that the file is as it was."""
        if self._hash:
            self.skip_to(self._source.state[0])
        self.check_unchanged()
        return self._hash.hexdigest() if self._hash else None


class Hashing:
    """SHA-256 of a file, taken beside the decoder by a thread of its own: hashlib releases the GIL.

    Parameters
    ----------
    data : memoryview
        All bytes of the file.
    active : bool
        Whether to hash at all.
    """

    def __init__(self, data: memoryview, *, active: bool) -> None:
        self._data = data
        self._hash = hashlib.sha256()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True) if active else None

    def __enter__(self) -> Hashing:
        """Begin."""
        if self._thread:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop: an error in the decoder need not wait for the rest of the file."""
        self._stopped.set()
        if self._thread:
            self._thread.join()

    def digest(self) -> str | None:
        """Wait for the end; return the digest, or None if none was asked for."""
        if self._thread is None:
            return None
        self._thread.join()
        return self._hash.hexdigest()

    def _run(self) -> None:
        for start in range(0, len(self._data), _HASH_PIECE):
            if self._stopped.is_set():
                return
            self._hash.update(self._data[start : start + _HASH_PIECE])


@contextmanager
def _path_stream(path: Path) -> Iterator[io.FileIO]:
    try:
        stream = path.open("rb", buffering=0)
    except FileNotFoundError:
        raise _missing(str(path)) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise _unreadable(str(path), error) from error
    with stream:
        yield stream


def _mapped(stream: IO[bytes], file: str, path: Path | None) -> Opened:
    state = _state(stream)
    if state[0] == 0:  # an empty file cannot be mapped
        return Opened(memoryview(b""), file, path, stream, state)
    try:
        # The map is never closed by hand: the frames of an error still look at it.
        data = memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError) as error:
        raise _unreadable(str(path or file), error) from error
    return Opened(data, file, path, stream, state)


@contextmanager
def _of_stream(stream: IO[bytes], file: str) -> Iterator[Opened]:
    if isinstance(stream, io.BytesIO):
        yield Opened(stream.getbuffer(), file)
        return
    # Only what lies on the disk as it is can be mapped: gzip's objects, too, name a file, with other bytes in it.
    raw = getattr(stream, "raw", stream)
    if isinstance(raw, io.FileIO):
        yield _mapped(stream, file, None)
        return
    with tempfile.TemporaryFile() as copy:
        try:
            if stream.seekable():
                stream.seek(0)
            shutil.copyfileobj(stream, copy)
            copy.flush()
        except (OSError, EOFError, ValueError, TypeError, AttributeError) as error:
            raise _unreadable(file, error) from error
        yield _mapped(copy, file, None)


@contextmanager
def _fetched(url: str) -> Iterator[Opened]:
    try:
        import fsspec
    except ImportError:
        raise FcsError(
            "reading a URL needs the package fsspec",
            code="E_NO_FSSPEC",
            file=url,
            remedy="python -m pip install 'tregflow[remote]'",
        ) from None
    name = url.rstrip("/").rpartition("/")[2]
    with tempfile.TemporaryFile() as copy:
        try:
            with fsspec.open(url, "rb") as stream:
                shutil.copyfileobj(stream, copy)
            copy.flush()
        except FileNotFoundError:
            raise _missing(url) from None
        except Exception as error:
            raise _unreadable(url, error) from error
        yield _mapped(copy, name, None)


def _stream_name(stream: Any) -> str:
    name = getattr(stream, "name", None)
    return Path(name).name if isinstance(name, str) and name else "a file object"


def _state(stream: IO[bytes]) -> tuple[int, int]:
    status = os.fstat(stream.fileno())
    return status.st_size, status.st_mtime_ns


def _changed(file: str) -> FcsError:
    return FcsError(
        "the file changed while it was read",
        code="E_CHANGED",
        file=file,
        expected="the same size and time before and after",
        remedy="wait until the file is complete, then read it again",
    )


def _missing(name: str) -> FcsError:
    return FcsError("no such file", code="E_MISSING", file=name, remedy="check the name and the folder")


def _unreadable(name: str, error: Exception) -> FcsError:
    return FcsError(
        f"the file cannot be read: {getattr(error, 'strerror', None) or error}",
        code="E_UNREADABLE",
        file=name,
        remedy="check that it is a file, and that you may read it",
    )
