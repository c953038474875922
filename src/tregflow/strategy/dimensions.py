"""What an axis name means: in the file, and in one sample.

A name under `dimensions` means what stands there; any other is a marker or a channel, found by the panel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tregflow.errors import PanelError
from tregflow.panel import MarkerRule, resolve

if TYPE_CHECKING:
    from tregflow.fcs import Channel, Sample
    from tregflow.strategy import Strategy
    from tregflow.strategy.spec import DimensionSpec


@dataclass(frozen=True, slots=True)
class Source:
    """Where the values of an axis come from in one sample: a channel, a dye, or a ratio.

    Attributes
    ----------
    channel : Channel or None
        None for a dye and for a ratio.
    dye : str
        A dye of the matrix; empty for others.
    compensation : str or None
        The axis's own setting: ``none``, ``fcs``, a name of `matrices`. None: that of the strategy.
    gain : float
        What values are multiplied by, after compensation.
    ratio : Ratio or None
        None for others.
    """

    channel: Channel | None = None
    dye: str = ""
    compensation: str | None = None
    gain: float = 1.0
    ratio: Ratio | None = None

    @property
    def label(self) -> str:
        """What stands beside the name on an axis: ``B515-A``, ``dye PE``, ``CD25 / FL1-H``."""
        if self.ratio is not None:
            return " / ".join(self.ratio.names)
        return f"dye {self.dye}" if self.channel is None else self.channel.pnn

    @property
    def parts(self) -> tuple[Source, ...]:
        """What is read and compensated: the source itself, or both sides of a ratio."""
        return (self,) if self.ratio is None else (self.ratio.x, self.ratio.y)


@dataclass(frozen=True, slots=True)
class Ratio:
    """a (x - b) / (y - c) of compensated values (Gating-ML 2.0, fratio); `names` are those of x and y in the file."""

    x: Source
    y: Source
    names: tuple[str, str]
    a: float
    b: float
    c: float


def source_of(strategy: Strategy, axis: str, sample: Sample, *, population: str = "") -> Source:
    """Return what an axis means in a sample.

    Parameters
    ----------
    strategy : Strategy
        With its panel and its dimensions.
    axis : str
        As gates call it.
    sample : Sample
        Its header suffices.
    population : str
        The gates that ask, for messages.

    Raises
    ------
    PanelError
        ``E_NO_CHANNEL``: no channel carries the marker, or has the name. ``E_PANEL``: more than one does.
    """
    entry = strategy.spec.dimensions.get(axis)
    if entry is None:
        return Source(_marker(strategy, axis, sample, population))
    if entry.ratio is not None:
        x, y = (source_of(strategy, name, sample, population=population) for name in entry.ratio)
        return Source(ratio=Ratio(x, y, entry.ratio, entry.a, entry.b, entry.c))
    return Source(_channel(strategy, entry, sample, population), entry.dye or "", entry.compensation, entry.gain)


def _channel(strategy: Strategy, entry: DimensionSpec, sample: Sample, population: str) -> Channel | None:
    if entry.marker is not None:
        return _marker(strategy, entry.marker, sample, population)
    try:
        return None if entry.channel is None else sample.channel(entry.channel)
    except PanelError as error:
        raise PanelError(
            error.problem,
            code=error.code,
            file=error.file,
            population=population,
            available=error.available,
            remedy=error.remedy,
        ) from None


def _marker(strategy: Strategy, marker: str, sample: Sample, population: str) -> Channel:
    return resolve(marker, marker_rule(strategy, marker), sample, population=population, panel=strategy.source)


def marker_rule(strategy: Strategy, marker: str) -> MarkerRule | None:
    """Return how the panel finds the channel of a marker; None where the marker names itself."""
    entry = strategy.spec.panel.get(marker)
    return None if entry is None else MarkerRule(entry.pns, entry.pnn, entry.signal)
