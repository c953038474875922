"""Names that all samples of a workspace share: an axis' marker where that is safe, a population's own name."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

from tregflow.panel import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tregflow.interop.flowjo.drawn import Drawn
    from tregflow.interop.flowjo.model import Path

_Key = TypeVar("_Key")
_SIGNAL = re.compile(r"(.+)-[AHW]", re.IGNORECASE)
_ROOT = "root"


def axis_names(drawn: Sequence[Drawn]) -> dict[str, str]:
    """Return the name of each of FlowJo's axes in the strategy.

    It is the marker where every sample says the same of the channel, and no sample has the marker on another detector;
    else FlowJo's own name of the axis.
    """
    axes = dict.fromkeys(name for each in drawn for name in each.axes)
    markers = {name: _marker(name, drawn) for name in axes}
    often = Counter(plain(marker) for marker in markers.values() if marker)
    channels = {plain(channel) for each in drawn for channel in each.sample.channels} | set(map(plain, axes))
    wanted = {}
    for name, marker in markers.items():
        safe = marker and often[plain(marker)] == 1 and plain(marker) not in channels
        wanted[name] = marker if safe else name
    return _distinct(wanted, alike=plain)


def _marker(name: str, drawn: Sequence[Drawn]) -> str:
    """Return the marker of an axis; an empty text where samples differ, are silent, or have it elsewhere as well."""
    markers = set()
    for each in drawn:
        axis = each.axes.get(name)
        channels = each.sample.channels
        detectors = getattr(each.sample.matrix, "detectors", ())
        if axis is not None and not axis.compensated and axis.channel in detectors:
            return ""  # the marker means the compensated values
        channel = axis.channel if axis is not None else _channel(name, drawn)
        if axis is None and channel not in channels:
            continue
        markers.add(channels.get(channel, ""))
    if len(markers) != 1:
        return ""
    marker = markers.pop()
    channel = _channel(name, drawn)
    named = (pair for each in drawn for pair in each.sample.channels.items())
    return "" if any(_elsewhere(marker, channel, other, pns) for other, pns in named) else marker


def _channel(name: str, drawn: Sequence[Drawn]) -> str:
    return next(each.axes[name].channel for each in drawn if name in each.axes)


def _elsewhere(marker: str, channel: str, other: str, pns: str) -> bool:
    """Tell whether `other` is another detector that carries the marker; height and width of a pulse are no other."""
    return plain(pns) == plain(marker) and _stem(other) != _stem(channel)


def _stem(channel: str) -> str:
    found = _SIGNAL.fullmatch(channel)
    return found[1] if found else channel


def population_ids(names: Mapping[Path, str]) -> dict[Path, str]:
    """Return an id for each population: its name where no other has it, else as much of its path as tells it apart.

    Parameters
    ----------
    names : mapping
        Path of every population of all samples -> its name as written.
    """
    shown = {path: tuple(part.strip() for part in (*path[:-1], name)) for path, name in names.items()}
    often = Counter(parts[-depth:] for parts in shown.values() for depth in range(1, len(parts) + 1))
    return _distinct({path: _shortest(parts, often) for path, parts in shown.items()}, alike=str)


def _shortest(parts: Path, often: Counter[Path]) -> str:
    """Return the shortest end of a path that no other path has; the whole path where there is none."""
    depth = next((depth for depth in range(1, len(parts)) if often[parts[-depth:]] == 1), len(parts))
    name = " / ".join(parts[-depth:])
    return f"{name} (population)".lstrip() if name in ("", _ROOT) else name


def _distinct(wanted: dict[_Key, str], *, alike: Callable[[str], str]) -> dict[_Key, str]:
    """Return the names, those that are `alike` an earlier one numbered."""
    taken: set[str] = set()
    names = {}
    for key, name in wanted.items():
        step, number = name, 1
        while alike(step) in taken:
            number += 1
            step = f"{name} ({number})"
        taken.add(alike(step))
        names[key] = step
    return names
