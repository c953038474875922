"""The events of a population, ready for any format: columns with their names and values, numbers, provenance."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tregflow.compensation import Unmixing
from tregflow.errors import PanelError
from tregflow.export.provenance import provenance
from tregflow.fcs.channels import label_list

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from tregflow.compensation import Spillover
    from tregflow.fcs import Channel, Sample
    from tregflow.populations import Gated

EVENT = "event"
"""Name, in tables, of the column with the number of an event in its file, from 0."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of exported values.

    Attributes
    ----------
    label : str
        Name in tables, of which there is one: the marker, else the channel.
    pnn : str
        ``$PnN`` of the channel in the source; the name of a dye after unmixing.
    pns : str
        ``$PnS``, "" if there is none.
    marker : str
        Name that the strategy gives the channel, else ``$PnS``; "" if there is neither.
    channel : Channel or None
        Of the source; None for a dye after unmixing.
    compensated : bool
        Whether the matrix was applied to the values.
    """

    label: str
    pnn: str
    pns: str
    marker: str
    channel: Channel | None
    compensated: bool


@dataclass(frozen=True, eq=False, slots=True)
class Events:
    """The events of a population.

    Attributes
    ----------
    sample : Sample
        The source with these events only.
    numbers : (n,) ndarray of int64
        Of the events in the file, from 0.
    columns : tuple of Column
    compensated : bool
        Whether values are as the gates saw them, or as the file stores them.
    provenance : mapping of str to str
    masks : mapping of str to (n,) ndarray of bool
        Membership of these events in every population of the sample that is not missing.
    """

    sample: Sample
    numbers: NDArray[np.int64]
    columns: tuple[Column, ...]
    compensated: bool
    provenance: Mapping[str, str]
    masks: Mapping[str, NDArray[np.bool_]]
    divided: bool
    spillover: Spillover | Unmixing | None

    def values(self, column: Column) -> NDArray[Any]:
        """Return the (n,) linear values of a column: float64 where they were computed, else of the type stored."""
        if self.spillover is None or not column.compensated:
            return self._recorded(column.pnn)
        return self.spillover.compensated(self.sample, column.pnn, recorded=self._recorded)

    def _recorded(self, pnn: str) -> NDArray[Any]:
        values, gain = self.sample.values(pnn), self.sample.channel(pnn).gain
        return values.astype(np.float64) / gain if self.divided and gain != 1.0 else values


def events_of(gated: Gated, population: str, *, compensated: bool, keep_persons: bool) -> Events:
    """Return the events of a population.

    Raises
    ------
    GateError
        No such population, or it is missing.
    PanelError
        Only part of the channels was read (``E_NOT_READ``).
    """
    mask = gated[population]
    _check_read(gated.sample)
    taken = {name: column[mask] for name, column in gated.sample.columns.items()}
    places = np.flatnonzero(mask)
    sample = replace(gated.sample, columns=taken, n_events=places.size)
    matrix = gated.spillover if compensated else None
    if matrix is not None:
        matrix.check(sample)
    return Events(
        sample=sample,
        numbers=places.astype(np.int64) + gated.sample.first_event,
        columns=_columns(sample, matrix, markers_of(gated)),
        compensated=compensated,
        provenance={
            **provenance(gated, keep_persons=keep_persons),
            "population": population,
            "values": "compensated" if compensated else "stored",
        },
        masks={name: gated[name][mask] for name in gated.strategy.spec.gates if name not in gated.missing},
        divided=compensated and gated.strategy.spec.gains == "fcs",
        spillover=matrix,
    )


def _check_read(sample: Sample) -> None:
    read = [channel for channel in sample.channels if channel.pnn in sample.columns]
    if len(read) < len(sample.channels):
        raise PanelError(
            "only part of the channels was read",
            code="E_NOT_READ",
            file=sample.file,
            expected="values of every channel",
            available=label_list(read),
            remedy="read the file with all its channels before gating it",
        )


def markers_of(gated: Gated) -> dict[str, str]:
    """Return ``$PnN`` -> the name by which the strategy calls a channel: the first one of several.

    A name that the strategy explains under `dimensions` may mean more than the channel (another matrix, a gain).
    """
    plain = {axis: channel for axis, channel in gated.channels.items() if axis not in gated.strategy.spec.dimensions}
    return {channel.pnn: axis for axis, channel in reversed(plain.items()) if axis != channel.pnn}


def _columns(sample: Sample, matrix: Spillover | Unmixing | None, markers: Mapping[str, str]) -> tuple[Column, ...]:
    """Return a column per channel, and after unmixing a column per dye in place of the detectors."""
    detectors = () if matrix is None else matrix.detectors
    dyes = matrix.dyes if isinstance(matrix, Unmixing) else ()
    plain = [
        Column("", channel.pnn, channel.pns, markers.get(channel.pnn, channel.pns), channel, channel.pnn in detectors)
        for channel in sample.channels
        if not (dyes and channel.pnn in detectors)
    ]
    columns = [*plain, *(Column("", dye, "", "", None, compensated=True) for dye in dyes)]
    labels = unique_labels(((each.marker, each.pnn) for each in columns), taken=(EVENT,))
    return tuple(replace(column, label=label) for column, label in zip(columns, labels, strict=True))


def unique_labels(names: Iterable[tuple[str, str]], *, taken: Collection[str] = ()) -> Iterator[str]:
    """Yield a name per (marker, channel): the marker; with its channel where another has the same; never one twice.

    Examples
    --------
    >>> list(unique_labels([("CD3", "A-A"), ("CD3", "A-H"), ("", "Time"), ("event", "E")], taken=("event",)))
    ['CD3 (A-A)', 'CD3 (A-H)', 'Time', 'event (E)']
    """
    pairs = list(names)
    wanted = Counter([*taken, *(marker or channel for marker, channel in pairs)])
    used = set(taken)
    for marker, channel in pairs:
        name = marker or channel
        if wanted[name] > 1 and marker:
            name = f"{marker} ({channel})"
        copy, label = 1, name
        while label in used:
            copy += 1
            label = f"{name}#{copy}"
        used.add(label)
        yield label
