"""Read an FCS file: HEADER, TEXT, the place of DATA, then the values asked for."""

from __future__ import annotations

import hashlib
import mmap
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from tregflow.errors import FcsError, PanelError
from tregflow.fcs.channels import Channel, channels_of, label_list
from tregflow.fcs.data import decode
from tregflow.fcs.header import read_header
from tregflow.fcs.layout import layout_of, next_data_set
from tregflow.fcs.names import near_misses
from tregflow.fcs.sample import Sample
from tregflow.fcs.segments import locate_data, supplemental
from tregflow.fcs.text import Text, is_text, merge, parse_text
from tregflow.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

_HASH_CHUNK = 1 << 20


def read_fcs(path: Path | str, *, channels: Sequence[str] | None = None, sha256: bool = False) -> Sample:
    """Read an FCS file of version 2.0, 3.0, 3.1 or 3.2.

    The file is memory-mapped, and only the columns asked for are decoded. Its size and time are compared before and
    after. What deviates from the standard is repaired where only one reading is left, and recorded as a finding;
    everything else is an error that says what is wrong. Values are the file's own and never clipped.

    Parameters
    ----------
    path : Path or str
    channels : sequence of str, optional
        ``$PnN`` of the channels to decode; default: all; ``()``: none, for the keywords alone.
    sha256 : bool
        Whether to hash the bytes of the file on the way.

    Returns
    -------
    Sample

    Raises
    ------
    FcsError
        The file is missing (``E_MISSING``), no FCS file (``E_NOT_FCS``), damaged (``E_TRUNCATED``,
        ``E_TEXTMODE_DAMAGE``), contradicts itself (``E_OFFSETS``, ``E_TOT_MISMATCH``, ``E_PAR`` …), is of a kind not
        read yet (``E_DATATYPE``, ``E_WIDTH``, ``E_BYTEORD``, ``E_MODE``, ``E_DATASET``, ``E_VERSION``), or changed
        while it was read (``E_CHANGED``).
    PanelError
        ``E_NO_CHANNEL``: a channel asked for is not in the file.
    """
    path = Path(path)
    wanted = (channels,) if isinstance(channels, str) else channels
    try:
        with path.open("rb") as stream:
            before = _state(stream)
            sample = _read(_mapped(stream), path, wanted, _Hash(active=sha256))
            _check_unchanged(before, stream, path)
    except FileNotFoundError:
        raise FcsError(
            "no such file", code="E_MISSING", file=str(path), remedy="check the name and the folder"
        ) from None
    except OSError as error:
        raise FcsError(
            f"the file cannot be read: {error.strerror or error}",
            code="E_UNREADABLE",
            file=str(path),
            remedy="check that it is a file, and that you may read it",
        ) from error
    return sample


@dataclass
class _Hash:
    """SHA-256 of the data set's bytes in their order, fed as far as the decoder has come."""

    active: bool
    position: int = 0

    def __post_init__(self) -> None:
        self._hash = hashlib.sha256()

    def advance(self, data: memoryview, stop: int) -> None:
        """Hash the bytes up to `stop`."""
        while self.active and self.position < stop:
            end = min(self.position + _HASH_CHUNK, stop)
            self._hash.update(data[self.position : end])
            self.position = end

    def digest(self, data: memoryview) -> str | None:
        """Hash the rest; return the digest, or None if none was asked for."""
        self.advance(data, len(data))
        return self._hash.hexdigest() if self.active else None


def _state(stream: BinaryIO) -> tuple[int, int]:
    status = os.fstat(stream.fileno())
    return status.st_size, status.st_mtime_ns


def _mapped(stream: BinaryIO) -> memoryview:
    # An empty file cannot be mapped. The map is never closed by hand: the frames of an error still look at it.
    if _state(stream)[0] == 0:
        return memoryview(b"")
    return memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))


def _check_unchanged(before: tuple[int, int], stream: BinaryIO, path: Path) -> None:
    if _state(stream) != before:
        raise FcsError(
            "the file changed while it was read",
            code="E_CHANGED",
            file=path.name,
            expected="the same size and time before and after",
            remedy="wait until the file is complete, then read it again",
        )


def _read(data: memoryview, path: Path, wanted: Sequence[str] | None, digest: _Hash) -> Sample:
    file = path.name
    header = read_header(data, file=file)
    text = parse_text(bytes(data[header.text.begin : header.text.end + 1]))
    _check_single(data, text.keywords, file)
    layout = layout_of(text.keywords, file=file)
    located = locate_data(data, header, text.keywords, layout, file=file)
    stext, stext_findings = supplemental(text.keywords, header.text, located.data, len(data))
    if stext is not None:
        text = _with_supplemental(text, bytes(data[stext.begin : stext.end + 1]))
    channels, channel_findings = channels_of(text.keywords, layout, file=file)
    columns, value_findings = decode(
        data,
        located.data,
        layout,
        _selected(channels, wanted, file),
        located.n_events,
        passed=lambda stop: digest.advance(data, stop),
    )
    return Sample(
        file=file,
        path=path,
        version=header.version,
        keywords=text.keywords,
        channels=channels,
        n_events=located.n_events,
        findings=(
            *header.findings,
            *text.findings,
            *layout.findings,
            *located.findings,
            *stext_findings,
            *channel_findings,
            *value_findings,
        ),
        sha256=digest.digest(data),
        columns=columns,
    )


def _with_supplemental(text: Text, segment: bytes) -> Text:
    if is_text(segment):
        return merge(text, parse_text(segment, where="supplemental TEXT"))
    finding = Finding("stext-not-text", "info", "supplemental TEXT", "supplemental TEXT holds no keywords: ignored")
    return replace(text, findings=(*text.findings, finding))


def _check_single(data: memoryview, keywords: dict[str, str], file: str) -> None:
    following = next_data_set(keywords, size=len(data), file=file)
    if following is None:
        return
    named = bytes(data[following : following + 3]) == b"FCS"
    raise FcsError(
        "the file holds more than one data set, which is not read yet" if named else "$NEXTDATA points at no data set",
        code="E_DATASET",
        file=file,
        expected="one data set: $NEXTDATA 0",
        available=(f"$NEXTDATA {following}",),
        remedy="split the file into one file per data set" if named else "export the file again",
    )


def _selected(channels: tuple[Channel, ...], wanted: Sequence[str] | None, file: str) -> list[Channel]:
    if wanted is None:
        return list(channels)
    names = {channel.pnn for channel in channels}
    for name in wanted:
        if name not in names:
            near = near_misses(name, names)
            raise PanelError(
                f"the file has no channel {name}",
                code="E_NO_CHANNEL",
                file=file,
                available=label_list(channels),
                remedy=f"near miss {', '.join(map(repr, near))}" if near else "name a channel by its $PnN",
            )
    chosen = set(wanted)
    return [channel for channel in channels if channel.pnn in chosen]
