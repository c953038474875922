"""Events as FCS: every channel, and one more with the number of each event in the file that it comes from."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tregflow.fcs import Channel, write_fcs
from tregflow.fcs.channels import LINEAR
from tregflow.fcs.persons import deidentified

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tregflow.export.events import Column, Events
    from tregflow.fcs import Sample

PREFIX = "Comp-"
"""Before the name of a compensated channel, as other software writes it: readers then refuse to compensate again."""
NUMBER = "tregflow_event"
"""Channel that holds the number of an event in the file that it comes from, from 0."""
KEYWORD = "TREGFLOW_"

_FLOAT32_EXACT = 2**24
"""Whole numbers up to here are exact in float32."""
_STALE = ("$LAST_MODIFIED", "$LAST_MODIFIER")
"""They tell of a change before this one."""
_PARAMETER = re.compile(r"(\$?P)(\d+)([A-Z]+)")


def write(path: Path, events: Events, *, keep_persons: bool) -> None:
    """Write events as FCS 3.1, or 3.2 where the source is: its channels may differ in their types.

    Raises
    ------
    FcsError
        ``E_WRITE``: FCS cannot hold the values or keywords.
    """
    version = "3.2" if events.sample.version == "3.2" else "3.1"
    # Compensated values are float64, and so are the file's: gated again, they fall on the same side of every gate.
    made = sample_of(events, keep_persons=keep_persons)
    if events.compensated:
        write_fcs(path, made, version=version, datatype="D", spillover="")
    else:
        write_fcs(path, made, version=version)


def sample_of(events: Events, *, keep_persons: bool) -> Sample:
    """Return the sample to write: channels in the order of the source, dyes behind them, the event's number last."""
    source = events.sample
    kept = [_kept(number, column, events) for number, column in enumerate(events.columns, start=1)]
    number, numbers = _number_channel(events, [channel for channel, _ in kept])
    columns = {channel.pnn: values for channel, values in kept} | {number.pnn: numbers}
    return replace(
        source,
        channels=(*(channel for channel, _ in kept), number),
        columns=columns,
        keywords=_keywords(events, number.pnn, keep_persons=keep_persons),
        analysis={},  # results of an analysis of all events
    )


def _kept(number: int, column: Column, events: Events) -> tuple[Channel, NDArray[Any]]:
    """Return a channel of the file to write with its values: as stored, or computed and then float64."""
    if column.channel is not None and not events.compensated:
        return column.channel, events.sample.raw(column.pnn)
    values = events.values(column)
    if column.channel is not None and values is events.sample.columns[column.pnn]:
        return replace(column.channel, number=number), values
    source = column.channel or Channel(number, column.pnn, "", "D", 64, None, LINEAR, 1.0)
    name = f"{PREFIX}{column.pnn}" if column.compensated else column.pnn
    linear = replace(source, number=number, pnn=name, datatype="D", bits=64, amplification=LINEAR)
    return linear, values.astype(np.float64)


def _number_channel(events: Events, others: Sequence[Channel]) -> tuple[Channel, NDArray[Any]]:
    """Return the channel of event numbers: of a type that holds each of them, and the type of the others if it can."""
    taken = {channel.pnn for channel in others}
    name, copy = NUMBER, 1
    while name in taken:  # an export of an export: the numbers of the first source stay, too
        copy += 1
        name = f"{NUMBER}#{copy}"
    total = int(events.provenance["source_events"])
    channel = Channel(len(others) + 1, name, "", "D", 64, float(max(total, 2)), LINEAR, 1.0)
    if all(other.datatype == "I" for other in others):
        return replace(channel, datatype="I", bits=32, range=2.0**32), events.numbers.astype(np.float64)
    if total <= _FLOAT32_EXACT:
        return replace(channel, datatype="F", bits=32), events.numbers.astype(np.float32)
    return channel, events.numbers.astype(np.float64)


def _keywords(events: Events, number: str, *, keep_persons: bool) -> dict[str, str]:
    source = events.sample.keywords
    # First the persons, then what is ours: an operator's name may be a word of the strategy.
    kept = dict(source) if keep_persons else deidentified(source, events.sample.analysis)
    kept = {key: value for key, value in kept.items() if key not in _STALE and not key.startswith(KEYWORD)}
    if events.compensated:
        kept = _renumbered(kept, events)
    kept["$ORIGINALITY"] = "DataModified"  # FCS 3.1, section 3.2: part of the events, or other values
    stated = {**events.provenance, "event_channel": number}
    return kept | {f"{KEYWORD}{name.upper()}": value for name, value in stated.items()}


def _renumbered(keywords: Mapping[str, str], events: Events) -> dict[str, str]:
    """Return the keywords with those of channels under their new numbers, and without those of channels that are gone.

    So is the gain of computed values: readers that divide by it would show others than the gates saw. The trigger keeps
    its channel, under its new name.
    """
    moved = {
        str(column.channel.number): str(number)
        for number, column in enumerate(events.columns, start=1)
        if column.channel is not None
    }
    computed = {str(column.channel.number) for column in events.columns if column.channel and column.compensated}
    found: dict[str, str] = {}
    for key, value in keywords.items():
        match = _PARAMETER.fullmatch(key)
        if match is None:
            found[key] = value
        elif match[2] in moved and not (match[3] == "G" and (events.divided or match[2] in computed)):
            found[f"{match[1]}{moved[match[2]]}{match[3]}"] = value
    compensated = {column.pnn for column in events.columns if column.compensated}
    trigger, comma, threshold = found.get("$TR", "").rpartition(",")
    if trigger in compensated:
        found["$TR"] = f"{PREFIX}{trigger}{comma}{threshold}"
    return found
