"""The events of a sample from front to back, a chunk at a time: one pass over the file, and little memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tregflow.errors import FcsError
from tregflow.fcs.data import decode_into, value_findings
from tregflow.fcs.header import Segment
from tregflow.fcs.lazy import LazyColumns
from tregflow.fcs.logarithms import linearising
from tregflow.fcs.source import read_forward, reopened
from tregflow.fcs.target import Target, kind_of
from tregflow.fcs.words import worthwhile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from tregflow.fcs.channels import Channel
    from tregflow.fcs.lazy import Origin
    from tregflow.fcs.sample import Sample

_CHUNK = 3 << 19
"""Bytes of the file in a chunk, about. Measured with 16 of 20 channels: a third of it makes a pass a fifth longer, by
the calls; so does five times as much, since what was read has left the cache by then; between it is flat."""


class Stream:
    """One pass over the events of a sample, or a range of them.

    A lazy sample is read from its file as the pass goes, hashed on the way if that was asked for, and never mapped: a
    file that shrinks is an error (``E_CHANGED``). Of a sample in memory the columns are copied. Each pass has a file
    and memory of its own, so that threads can take a range each.

    Parameters
    ----------
    sample : Sample
    channels : sequence of str
        ``$PnN`` of those that are wanted.
    events : range, optional
        Numbers of events in the sample, without gaps; default: all.
    size : int, optional
        Events per chunk; default: what fits into the cache.

    Attributes
    ----------
    odd : (n_channels,) ndarray of int64
        How many values of each channel are masked, or are not finite, once the pass is at its end. Zero for a sample in
        memory, which has its findings.
    sha256 : str or None
        Of the file, once a pass over all events of a lazy sample is at its end, if it was asked for.

    Raises
    ------
    PanelError
        ``E_NO_CHANNEL``, ``E_NOT_READ``.
    FcsError
        When a chunk is taken: ``E_CHANGED``, ``E_MISSING``, ``E_UNREADABLE``, ``E_ASCII``.
    """

    def __init__(
        self, sample: Sample, channels: Sequence[str], *, events: range | None = None, size: int | None = None
    ) -> None:
        self.sample = sample
        self.channels = tuple(sample.channel_read(name) for name in channels)
        self.events = range(sample.n_events)[slice(None) if events is None else slice(events.start, events.stop)]
        self.odd = np.zeros(len(self.channels), np.int64)
        self.sha256: str | None = None
        self.passed = 0
        self._origin = _streamable(sample)
        self._columns = [] if self._origin else [sample.values(name) for name in channels]
        kinds = map(_kind, self.channels) if self._origin else (column.dtype for column in self._columns)
        self._dtype = np.dtype(np.float32 if all(kind == np.float32 for kind in kinds) else np.float64)
        width = self._origin.layout.event_size if self._origin else self._dtype.itemsize * len(self.channels)
        self._size = min(size or _fitting(width), max(len(self.events), 1))
        self._memory = np.empty(len(self.channels) * self._size, self._dtype)

    @property
    def rows(self) -> tuple[str, ...]:
        """``$PnN`` of what is given."""
        return tuple(channel.pnn for channel in self.channels)

    def __iter__(self) -> Iterator[tuple[int, NDArray[Any]]]:
        """Pass over the events.

        Yields
        ------
        int, (n_channels, n) ndarray of float32 or float64
            Number in the sample of the first event of the chunk, and its values, a row per channel, as `Sample.values`
            gives them; float64 unless all channels are float32. The next chunk comes into the same memory.
        """
        self.odd[:], self.sha256, self.passed = 0, None, 0
        return self._copied() if self._origin is None else self._decoded(self._origin)

    def _copied(self) -> Iterator[tuple[int, NDArray[Any]]]:
        for part in self._parts(self.events):
            chunk = self._chunk(len(part))
            with np.errstate(invalid="ignore"):  # a signalling NaN becomes a quiet one where float32 becomes float64
                for row, column in zip(chunk, self._columns, strict=True):
                    row[:] = column[part.start : part.stop]
            yield part.start, chunk
            self.passed += len(part)

    def _decoded(self, origin: Origin) -> Iterator[tuple[int, NDArray[Any]]]:
        layout, width = origin.layout, origin.layout.event_size
        events = origin.events[self.events.start : self.events.stop]
        compiled = worthwhile(layout, self.channels, len(events))
        logarithms = [
            (row, linearising(channel, len(events))) for row, channel in enumerate(self.channels) if channel.logarithmic
        ]
        memory = np.empty(self._size * width, np.uint8).data
        hashing = origin.hashed and len(events) == len(origin.events)
        with read_forward(origin.path, origin.state, hashing=hashing) as file:
            file.skip_to(origin.begin + origin.segment.begin + events.start * width)
            for part in self._parts(events):
                stored, chunk = memory[: len(part) * width], self._chunk(len(part))
                file.fill(stored)
                # DATA, counted from what was just read: it began so many events ahead.
                segment = Segment(-part.start * width, part.stop * width - 1)
                target = Target(list(chunk), block=chunk if self._dtype == np.float32 else None)
                self.odd += decode_into(
                    stored, segment, layout, self.channels, part, target, compiled=compiled, file=origin.path.name
                )
                for row, linearise in logarithms:
                    chunk[row] = linearise(chunk[row])
                yield part.start - origin.events.start, chunk
                self.passed += len(part)
            self.sha256 = file.finish()

    def _parts(self, events: range) -> Iterator[range]:
        return (events[start : start + self._size] for start in range(0, len(events), self._size))

    def _chunk(self, n_events: int) -> NDArray[Any]:
        return self._memory[: len(self.channels) * n_events].reshape(len(self.channels), n_events)


def finished(sample: Sample, streams: Sequence[Stream]) -> Sample:
    """Return a lazy sample with what reading it at once would have said of its values, and with the hash of its file.

    Parameters
    ----------
    sample : Sample
        One that is not lazy is returned as it is.
    streams : sequence of Stream
        Passes that came to their end: for each channel one over all events, or several that share them. Without any,
        the channels are those whose columns were decoded.

    Returns
    -------
    Sample
        With the findings on the values of these channels and on the checksum, and with `Sample.sha256`, if it was asked
        for.

    Raises
    ------
    FcsError
        ``E_CHANGED``: size or time of the file are not what they were; ``E_OPTION``: passes over other events than
        those of the sample; ``E_STRICT``: a checksum that does not fit, read strictly.
    """
    columns = sample.columns
    if not isinstance(columns, LazyColumns):
        return sample
    origin = columns.origin
    with reopened(origin.path, origin.state) as source:
        odd = _odd(streams, sample) if streams else columns.odd
        channels = [channel for channel in sample.channels if channel.pnn in odd]
        noticed = value_findings(channels, [odd[channel.pnn] for channel in channels], sample.n_events)
        if channels:
            noticed += origin.checksum(source.data[origin.begin :])
        source.check_unchanged()
    news = [finding for finding in noticed if finding not in sample.findings]
    return replace(sample, findings=(*sample.findings, *news), sha256=_digest(sample, origin, streams))


def _odd(streams: Sequence[Stream], sample: Sample) -> dict[str, int]:
    passed: dict[str, int] = {}
    odd: dict[str, int] = {}
    for stream in streams:
        for channel, count in zip(stream.channels, stream.odd.tolist(), strict=True):
            odd[channel.pnn] = odd.get(channel.pnn, 0) + count
            passed[channel.pnn] = passed.get(channel.pnn, 0) + stream.passed
    for name, n_events in passed.items():
        if n_events != sample.n_events:
            raise FcsError(
                f"the passes over a lazy sample saw {n_events} events",
                code="E_OPTION",
                file=sample.file,
                population=name,
                expected=f"each of its {sample.n_events} events once",
            )
    return odd


def _digest(sample: Sample, origin: Origin, streams: Sequence[Stream]) -> str | None:
    if not origin.hashed or sample.sha256:
        return sample.sha256
    known = [stream.sha256 for stream in streams if stream.sha256]
    if known:
        return known[0]
    with read_forward(origin.path, origin.state, hashing=True) as file:
        return file.finish()


def _streamable(sample: Sample) -> Origin | None:
    """Return where the file has the events in an order that can be read as it stands; separated numbers cannot."""
    lazy = sample.columns
    return lazy.origin if isinstance(lazy, LazyColumns) and not lazy.origin.layout.delimited else None


def _kind(channel: Channel) -> type:
    """Return the type of `Sample.values`."""
    return np.float64 if channel.logarithmic else kind_of(channel)


def _fitting(event_size: int) -> int:
    """Return how many events of this size make a chunk."""
    # An odd number of cache lines of float32: columns that lie whole pages apart drive one another out of the cache.
    return _CHUNK // max(event_size, 1) // 32 * 32 + 16
