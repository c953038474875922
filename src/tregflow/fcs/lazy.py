"""Columns of a file that are decoded when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tregflow.fcs.data import decode
from tregflow.fcs.source import reopened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from tregflow.fcs.channels import Channel
    from tregflow.fcs.header import Segment
    from tregflow.fcs.layout import Layout
    from tregflow.fcs.sample import Column
    from tregflow.findings import Finding


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the values of a lazy sample lie: all that is needed to read them.

    Attributes
    ----------
    path : Path
        Absolute.
    state : (int, int)
        Size and time of the file when its header was read.
    begin : int
        First byte of the data set.
    segment : Segment
        DATA, counted from there.
    layout : Layout
    channels : tuple of Channel
        Those asked for.
    events : range
        Numbers of the events asked for, in the data set.
    checksum : callable
        Given the bytes of the data set, what is to be said of its checksum.
    hashed : bool
        Whether the hash of the file was asked for.
    """

    path: Path
    state: tuple[int, int]
    begin: int
    segment: Segment
    layout: Layout
    channels: tuple[Channel, ...]
    events: range
    checksum: Callable[[memoryview], tuple[Finding, ...]]
    hashed: bool


class LazyColumns(Mapping[str, "Column"]):
    """``$PnN`` to values as stored, decoded when first asked for and kept from then on.

    The file must be then as it was when its header was read: `FcsError` ``E_CHANGED`` says that it is not. A pickle
    holds no values: they are decoded anew where it is opened.

    Attributes
    ----------
    origin : Origin
    odd : dict of str to int
        For each channel that was decoded how many values were masked, or are not finite.
    """

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.odd: dict[str, int] = {}
        self._known = {channel.pnn: channel for channel in origin.channels}
        self._held: dict[str, Column] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle where the values lie."""
        return LazyColumns, (self.origin,)

    def __contains__(self, name: object) -> bool:
        return name in self._known

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def __getitem__(self, name: str) -> Column:
        if name not in self._known:
            raise KeyError(name)
        self.load([name])
        return self._held[name]

    def load(self, names: Iterable[str]) -> None:
        """Decode in one go what of these channels was asked for and is not there yet."""
        origin, wanted = self.origin, set(names) - self._held.keys()
        # Only reading from the first on tells where a separated number stands: then all are taken.
        some = [channel for channel in origin.channels if wanted and (origin.layout.delimited or channel.pnn in wanted)]
        if not some:
            return
        with reopened(origin.path, origin.state) as source:
            data = source.data[origin.begin :]
            columns, odd = decode(data, origin.segment, origin.layout, some, origin.events, file=source.file)
            source.check_unchanged()
        for column in columns.values():
            column.setflags(write=False)
        self.odd |= dict(zip(columns, odd.tolist(), strict=True))
        self._held |= columns
