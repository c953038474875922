"""What an FCS file holds, in memory: keywords, channels, values, findings."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tregflow.errors import FcsError, PanelError
from tregflow.fcs.channels import LINEAR, Channel, label_list
from tregflow.fcs.clock import Clock, acquired, clock_of
from tregflow.fcs.lazy import LazyColumns
from tregflow.fcs.logarithms import linearised
from tregflow.fcs.names import near_misses, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from numpy.typing import ArrayLike

    from tregflow.fcs.header import Segment
    from tregflow.findings import Finding

Column = NDArray[np.floating[Any] | np.unsignedinteger[Any]]
"""(n_events,) values of a channel: float32 or float64, uint64 where float64 would not be exact."""


@dataclass(frozen=True, eq=False, repr=False)
class Sample:
    """What an FCS file holds.

    Attributes
    ----------
    file : str
        Name for messages, ``P01_D8.fcs``.
    path : Path or None
        Where it was read from; None for a sample made in memory.
    version : str
        Of the standard, ``3.1``.
    keywords : mapping of str to str
        Upper-case keys, values as in the file. They may name persons (``$OP``): keep them out of outputs.
    channels : tuple of Channel
        Every channel of the file, also those that were not read.
    n_events : int
        Events in this sample: those of the file, or of the range that was asked for.
    findings : tuple of Finding
        What was noticed or repaired on reading; of a lazy sample what `tregflow.fcs.stream.finished` adds is missing.
    sha256 : str or None
        Of the bytes of the file; None if it was not asked for, and for a lazy sample until it is `finished`.
    columns : mapping of str to (n_events,) ndarray
        ``$PnN`` to values as stored, of the channels that were read; of a lazy sample a `LazyColumns`.
    spelling : mapping of str to str
        Upper-case key to the key as the file spells it.
    analysis : mapping of str to str
        Keywords of ANALYSIS; empty where there are none.
    other : tuple of Segment
        OTHER segments: first and last byte, counted from the start of the data set.
    dataset : int
        Number of the data set in its file, from 1.
    first_event : int
        Number, in the file, of the first event of this sample, from 0.
    events_in_file : int or None
        Events of the whole data set; None for a sample made in memory.
    lenient : bool
        Whether it was read in lenient mode. No frequency may be computed from it.

    Examples
    --------
    >>> sample = Sample.from_columns("a.fcs", {"B515-A": [1.0, 2.0]}, markers={"B515-A": "CD25"})
    >>> sample.values("B515-A")
    array([1., 2.])
    """

    file: str
    path: Path | None
    version: str
    keywords: Mapping[str, str]
    channels: tuple[Channel, ...]
    n_events: int
    findings: tuple[Finding, ...] = ()
    sha256: str | None = None
    columns: Mapping[str, Column] = field(default_factory=dict)
    spelling: Mapping[str, str] = field(default_factory=dict)
    analysis: Mapping[str, str] = field(default_factory=dict)
    other: tuple[Segment, ...] = ()
    dataset: int = 1
    first_event: int = 0
    events_in_file: int | None = None
    lenient: bool = False

    def __post_init__(self) -> None:
        """Guard the columns: every reader of a sample shares them."""
        if isinstance(self.columns, LazyColumns):
            return  # guarded as they are decoded
        for column in self.columns.values():
            column.setflags(write=False)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Come back from a pickle: NumPy forgets there that an array is read-only."""
        self.__dict__.update(state)
        self.__post_init__()

    @property
    def names(self) -> tuple[str, ...]:
        """``$PnN`` of every channel, in the order of the file."""
        return tuple(channel.pnn for channel in self.channels)

    def channel(self, name: str) -> Channel:
        """Return the channel whose ``$PnN`` is `name`.

        Raises
        ------
        PanelError
            ``E_NO_CHANNEL``: there is none.
        """
        found = self._by_name.get(name)
        if found is None:
            raise self._unknown(name)
        return found

    def channel_read(self, name: str) -> Channel:
        """Return the channel whose ``$PnN`` is `name`, provided that its values are there.

        Raises
        ------
        PanelError
            ``E_NO_CHANNEL``: there is none; ``E_NOT_READ``: it was not among those asked for.
        """
        found = self.channel(name)
        if name not in self.columns:
            read = [known for known in self.channels if known.pnn in self.columns]
            raise PanelError(
                f"the channel {found.label} was not read",
                code="E_NOT_READ",
                file=self.file,
                expected="a channel among those asked for",
                available=label_list(read) or ("none: only the header was read",),
                remedy=f"read the file with {name!r} among its channels, or with all of them",
            )
        return found

    @cached_property
    def _by_name(self) -> dict[str, Channel]:
        return {channel.pnn: channel for channel in self.channels}

    @property
    def clock(self) -> Clock | None:
        """The channel, or the two words, that hold the time of each event; None if no name says so."""
        return clock_of(self.channels, self.keywords)

    @property
    def acquired(self) -> tuple[datetime | None, datetime | None]:
        """Begin and end of acquisition, each None where the file does not say (``$DATE``, ``$BTIM``, ``$ETIM``)."""
        return acquired(self.keywords)

    def time(self, *, unscaled: bool = False) -> NDArray[np.float64]:
        """Return when each event was seen.

        Parameters
        ----------
        unscaled : bool
            Whether to return the clock's own steps, which needs no ``$TIMESTEP``.

        Returns
        -------
        (n_events,) ndarray of float64
            Seconds on the clock of the cytometer: value times ``$TIMESTEP``; two words as MSW * 2^32 + LSW.

        Raises
        ------
        PanelError
            ``E_NO_CLOCK``: no channel is a clock by its name; ``E_NOT_READ``: it was not among those asked for.
        FcsError
            ``E_TIMESTEP``: the length of a step is not known.
        """
        clock = self.clock
        if clock is None:
            raise PanelError(
                "no channel is the clock",
                code="E_NO_CLOCK",
                file=self.file,
                expected="one channel called Time, T or HDR-T, or TIME_MSW with TIME_LSW",
                available=label_list(self.channels),
            )
        if clock.step is None and not unscaled:
            raise FcsError(
                "the length of a time step is not known",
                code="E_TIMESTEP",
                file=self.file,
                population=clock.channels[0],
                expected="$TIMESTEP in seconds, above 0",
                available=(f"$TIMESTEP {shown(self.keywords.get('$TIMESTEP', ''))}",),
                remedy="time(unscaled=True) gives steps",
            )
        words = [self.raw(name).astype(np.float64) for name in clock.channels]
        steps = words[0] if len(words) == 1 else words[0] * 2.0**32 + words[1]
        return steps if unscaled or clock.step is None else steps * clock.step

    def raw(self, channel: str) -> Column:
        """Return the values of `channel` as the file stores them.

        Parameters
        ----------
        channel : str
            ``$PnN``.

        Returns
        -------
        (n_events,) ndarray of float32, float64 or uint64, read-only
            float64 where float32 would not be exact, uint64 for integers above 53 bits; unused high bits of integers
            masked, nothing else done.

        Raises
        ------
        PanelError
            ``E_NO_CHANNEL``: there is none; ``E_NOT_READ``: it was not among those asked for.
        """
        self.channel_read(channel)
        return self.columns[channel]

    def values(self, channel: str) -> Column:
        """Return the values of `channel`, linear: ``$PnE`` undone where the file stores logarithms as integers.

        Not compensated, not divided by ``$PnG``, not scaled, never clipped at ``$PnR``.

        Parameters
        ----------
        channel : str
            ``$PnN``.

        Returns
        -------
        (n_events,) ndarray of float32, float64 or uint64

        Raises
        ------
        PanelError
            ``E_NO_CHANNEL``: there is none; ``E_NOT_READ``: it was not among those asked for.
        """
        stored = self.raw(channel)
        described = self.channel(channel)
        return linearised(stored, described) if described.logarithmic else stored

    def array(self, channels: Sequence[str] | None = None) -> Column:
        """Return the values of several channels as columns.

        Parameters
        ----------
        channels : sequence of str, optional
            ``$PnN``; default: all channels that were read, in the order of the file.

        Returns
        -------
        (n_events, n_channels) ndarray of float32 or float64
            Column-major: each channel is contiguous. uint64 if every one of them is; beside floats it becomes float64.
        """
        wanted = [name for name in self.names if name in self.columns] if channels is None else list(channels)
        if isinstance(self.columns, LazyColumns):
            self.columns.load(wanted)
        columns = [self.values(name) for name in wanted]
        kinds = {column.dtype for column in columns} or {np.dtype(np.float32)}
        rows = np.empty((len(wanted), self.n_events), dtype=np.result_type(*kinds))
        for row, column in zip(rows, columns, strict=True):
            row[:] = column
        return rows.T

    def refuse_lenient(self) -> None:
        """Raise if the sample was read in lenient mode: part of its events may be missing.

        Raises
        ------
        FcsError
            ``E_LENIENT``.
        """
        if self.lenient:
            raise FcsError(
                "read in lenient mode: no frequency may be computed from it",
                code="E_LENIENT",
                file=self.file,
                expected="a sample read in standard or strict mode",
                remedy="get an undamaged copy of the file, and read it in standard mode",
            )

    @classmethod
    def from_columns(
        cls,
        file: str,
        columns: Mapping[str, ArrayLike],
        *,
        markers: Mapping[str, str] | None = None,
        keywords: Mapping[str, str] | None = None,
    ) -> Sample:
        """Build a sample in memory.

        Parameters
        ----------
        file : str
            Name for messages.
        columns : mapping of str to (n_events,) array_like
            ``$PnN`` to values, copied. float32 stays float32, everything else becomes float64.
        markers : mapping of str to str, optional
            ``$PnN`` to ``$PnS``.
        keywords : mapping of str to str, optional
            Further keywords, such as ``$SPILLOVER``.

        Returns
        -------
        Sample

        Raises
        ------
        FcsError
            ``E_COLUMNS``: columns of different lengths, a marker for no column, a nameless column.
        """
        markers = dict(markers or {})
        arrays = {name: _column(values) for name, values in columns.items()}
        n_events = _check_columns(file, arrays, markers)
        channels = tuple(
            _made(number, name, markers.get(name, "").strip(), array)
            for number, (name, array) in enumerate(arrays.items(), start=1)
        )
        given = {key.strip().upper(): str(value) for key, value in (keywords or {}).items()}
        return cls(
            file=file,
            path=None,
            version="3.1",
            keywords={**given, **_structure(channels, n_events)},
            channels=channels,
            n_events=n_events,
            columns=arrays,
        )

    def __repr__(self) -> str:
        """Return what a person asks first, on a line."""
        noticed = f", {len(self.findings)} finding(s)" if self.findings else ""
        unread = len(self.channels) - len(self.columns)
        left = f", {unread} not read" if unread else ""
        labels = ", ".join(label_list(self.channels))
        return (
            f"<Sample {self.file}: FCS {self.version}, {self.n_events:,} events, "
            f"{len(self.channels)} channels{left}{noticed}: {labels}>"
        )

    def _repr_html_(self) -> str:
        rows = "".join(_html_row(channel, read=channel.pnn in self.columns) for channel in self.channels)
        findings = "".join(
            f"<li>{html.escape(f'{each.code}: {each.where}: {each.text}')}</li>" for each in self.findings
        )
        return (
            f"<p><strong>{html.escape(self.file)}</strong> FCS {html.escape(self.version)}, "
            f"{self.n_events:,} events</p>"
            "<table><thead><tr><th>n</th><th>channel</th><th>marker</th><th>type</th><th>range</th><th>read</th></tr>"
            f"</thead><tbody>{rows}</tbody></table>" + (f"<ul>{findings}</ul>" if findings else "")
        )

    def _unknown(self, name: str) -> PanelError:
        near = near_misses(name, self.names)
        return PanelError(
            f"the sample has no channel {name}",
            code="E_NO_CHANNEL",
            file=self.file,
            available=label_list(self.channels),
            remedy=f"near miss {', '.join(map(repr, near))}" if near else "name a channel by its $PnN",
        )


def _column(values: ArrayLike) -> Column:
    array = np.asarray(values)
    return np.array(array, dtype=np.float32 if array.dtype == np.float32 else np.float64)


def _check_columns(file: str, arrays: Mapping[str, Column], markers: Mapping[str, str]) -> int:
    shapes = {name: array.shape for name, array in arrays.items()}
    stray = [name for name in markers if name not in arrays]
    problem = ""
    if any(len(shape) != 1 for shape in shapes.values()) or len(set(shapes.values())) > 1:
        problem = "columns must be one-dimensional and of one length"
    elif stray:
        problem = f"a marker is given for {', '.join(stray)}, which is no column"
    elif any(not name.strip() for name in arrays):
        problem = "a column has no name"
    if problem:
        shown = tuple(f"{name} {shape}" for name, shape in shapes.items())
        raise FcsError(problem, code="E_COLUMNS", file=file, available=shown)
    return next(iter(shapes.values()))[0] if shapes else 0


def _made(number: int, name: str, marker: str, array: Column) -> Channel:
    datatype, bits = ("F", 32) if array.dtype == np.float32 else ("D", 64)
    return Channel(number, name, marker, datatype, bits, 262144.0, LINEAR, 1.0)


def _structure(channels: Sequence[Channel], n_events: int) -> dict[str, str]:
    keywords = {"$PAR": str(len(channels)), "$TOT": str(n_events)}
    for channel in channels:
        keywords[f"$P{channel.number}N"] = channel.pnn
        if channel.pns:
            keywords[f"$P{channel.number}S"] = channel.pns
    return keywords


def _html_row(channel: Channel, *, read: bool) -> str:
    width = f"{channel.datatype}{channel.bits}"
    limit = "" if channel.range is None else f"{channel.range:g}"
    cells = (str(channel.number), channel.pnn, channel.pns, width, limit, "yes" if read else "no")
    return "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>"
