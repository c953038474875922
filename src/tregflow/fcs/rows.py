"""The events of a file of float32 as they stand there, all channels of an event together: nothing is moved."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from tregflow.fcs.lazy import LazyColumns
from tregflow.fcs.source import read_forward
from tregflow.fcs.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from tregflow.fcs.lazy import Origin
    from tregflow.fcs.sample import Sample

_WIDTH = 4


class Rows(Stream):
    """A pass that gives every channel of the file, though only some are wanted: cutting them out costs more.

    Attributes
    ----------
    odd : (n_channels,) ndarray of int64
        Of the channels that are wanted; whoever takes the rows counts, and adds to it.
    """

    @staticmethod
    def fit(sample: Sample) -> bool:
        """Tell whether a sample's events can be taken as they stand."""
        columns = sample.columns
        if not isinstance(columns, LazyColumns) or columns.origin.layout.order.places:
            return False
        single = all(channel.datatype == "F" and channel.bits == 8 * _WIDTH for channel in sample.channels)
        return single and columns.origin.layout.event_size == _WIDTH * len(sample.channels)

    @property
    def rows(self) -> tuple[str, ...]:
        """``$PnN`` of what is given."""
        return self.sample.names

    def _decoded(self, origin: Origin) -> Iterator[tuple[int, NDArray[Any]]]:
        """Yield a row per channel of the file; in memory the values of an event stand together."""
        n_channels, order = len(self.sample.channels), origin.layout.order.direction
        events = origin.events[self.events.start : self.events.stop]
        memory = np.empty((self._size, n_channels), np.uint32)
        hashing = origin.hashed and len(events) == len(origin.events)
        with read_forward(origin.path, origin.state, hashing=hashing) as file:
            file.skip_to(origin.begin + origin.segment.begin + events.start * _WIDTH * n_channels)
            for part in self._parts(events):
                words = memory[: len(part)]
                file.fill(words.data.cast("B"))
                if (order == ">") != (sys.byteorder == "big"):
                    words.byteswap(inplace=True)
                yield part.start - origin.events.start, words.view(np.float32).T
                self.passed += len(part)
            self.sha256 = file.finish()


def rows_or_columns(sample: Sample, channels: Sequence[str], events: range) -> Stream:
    """Return a pass over the events in the form that costs least."""
    return (Rows if Rows.fit(sample) else Stream)(sample, channels, events=events)
