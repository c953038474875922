"""Which channel of a sample carries a marker; never guessed.

A marker is looked for in ``$PnS`` and, only if nothing there matches, in ``$PnN``. Names are compared whole, case and
blanks aside. A panel rule gives patterns in the place of the marker's own name; patterns are globs (``*``, ``?``,
``[ab]``), not regular expressions.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tregflow.errors import PanelError
from tregflow.fcs.names import near_misses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tregflow.fcs import Channel, Sample

Signal = Literal["A", "H", "W"]
"""Area, height or width of the pulse, as the last letter of ``$PnN`` says: ``FL1-A``."""

DEFAULT_SIGNAL: Signal = "A"

_SIGNAL = re.compile(r"(?P<stem>.+)-(?P<signal>[AHW])", re.IGNORECASE)
_Test = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class MarkerRule:
    """How a panel finds the channel of a marker.

    Attributes
    ----------
    pns : tuple of str
        Globs for ``$PnS``.
    pnn : tuple of str
        Globs for ``$PnN``, looked at only if no ``$PnS`` matches. With neither, the marker's own name serves for both.
    signal : {"A", "H", "W"} or None
        Which signal of a detector is meant. None: the area, where a detector has several.
    """

    pns: tuple[str, ...] = ()
    pnn: tuple[str, ...] = ()
    signal: Signal | None = None


def resolve(
    name: str, rule: MarkerRule | None, sample: Sample, *, population: str = "", file: str = "", panel: str = ""
) -> Channel:
    """Return the channel of a sample that carries a marker.

    Parameters
    ----------
    name : str
        The marker as gates call it: ``CD25``; or a channel's own name: ``FSC-A``.
    rule : MarkerRule or None
        The panel's entry for it. None: `name` itself is compared, as it stands, with ``$PnS``, then ``$PnN``.
    sample : Sample
    population : str
        Gate that asks, for messages.
    file : str
        Name of the sample in messages; default: ``sample.file``.
    panel : str
        File that the panel stands in, for messages: ``treg.yaml``.

    Returns
    -------
    Channel

    Raises
    ------
    PanelError
        ``E_NO_CHANNEL``: no channel carries the marker; the message offers near misses.
        ``E_PANEL``: more than one does, or the one that does is not of the signal asked for.

    Examples
    --------
    >>> from tregflow.fcs import Sample
    >>> sample = Sample.from_columns("a.fcs", {"B515-A": [1.0], "B515-H": [1.0]}, markers={"B515-A": "CD25"})
    >>> resolve("cd25", None, sample).pnn
    'B515-A'
    """
    where = _Where(name, rule, sample, population, file or sample.file, panel)
    matches = _matches(name, rule, sample.channels)
    if not matches:
        raise where.none()
    stated = rule.signal if rule else None
    chosen = [channel for channel in matches if _signal(channel) == (stated or DEFAULT_SIGNAL)]
    if len(matches) > 1:
        # Several signals of one detector are one marker; several detectors are not.
        if len({_stem(channel) for channel in matches}) > 1 or len(chosen) != 1:
            raise where.several(matches)
        return chosen[0]
    if stated and _signal(matches[0]) not in (stated, None):
        raise where.other_signal(matches[0], stated)
    named = plain(name) == plain(matches[0].pnn) or (rule is not None and rule.pnn)
    area = [] if stated or named else _areas(matches[0], sample.channels)
    if area:
        # The marker stands at the height alone, not at the area: which of the two is meant is not ours to guess.
        raise where.several([*matches, *area])
    return matches[0]


def _areas(channel: Channel, channels: Sequence[Channel]) -> list[Channel]:
    """Return the area of the detector whose height or width is `channel`; nothing where there is none."""
    if _signal(channel) in (None, DEFAULT_SIGNAL):
        return []
    return [other for other in channels if _stem(other) == _stem(channel) and _signal(other) == DEFAULT_SIGNAL]


def plain(name: str) -> str:
    """Return `name` without case and blanks, as names are compared.

    Examples
    --------
    >>> plain(" CD 25")
    'cd25'
    """
    return "".join(name.casefold().split())


def _matches(name: str, rule: MarkerRule | None, channels: Sequence[Channel]) -> list[Channel]:
    if rule is None or not (rule.pns or rule.pnn):
        by_pns = by_pnn = _equals(name)
    else:
        by_pns, by_pnn = _globs(rule.pns), _globs(rule.pnn)
    return [channel for channel in channels if channel.pns and by_pns(channel.pns)] or [
        channel for channel in channels if by_pnn(channel.pnn)
    ]


def _equals(name: str) -> _Test:
    wanted = plain(name)
    return lambda text: plain(text) == wanted


def _globs(patterns: Sequence[str]) -> _Test:
    compiled = [re.compile(fnmatch.translate(plain(pattern))) for pattern in patterns]
    return lambda text: any(pattern.match(plain(text)) for pattern in compiled)


def _signal(channel: Channel) -> str | None:
    match = _SIGNAL.fullmatch(channel.pnn)
    return match["signal"].upper() if match else None


def _stem(channel: Channel) -> str:
    match = _SIGNAL.fullmatch(channel.pnn)
    return plain(match["stem"]) if match else f"{channel.pnn} as a whole"


@dataclass(frozen=True, slots=True)
class _Where:
    """Who asked for what, for the messages."""

    name: str
    rule: MarkerRule | None
    sample: Sample
    population: str
    file: str
    panel: str

    def none(self) -> PanelError:
        near = self._near()
        if near:
            remedy = f"near miss {', '.join(map(repr, near))}: add it to {self._entry()}"
        else:
            remedy = f"add the name that the sample uses to {self._entry()}, or check the staining"
        return self._error(f"no channel carries {self.name}", "E_NO_CHANNEL", self.sample.channels, remedy)

    def several(self, matches: Sequence[Channel]) -> PanelError:
        number = "two" if len(matches) == 2 else str(len(matches))
        names = " or ".join(f"[{channel.pnn}]" for channel in matches)
        remedy = f"name the one that is meant in {self._entry()}, pnn: {names}"
        if len({_stem(channel) for channel in matches}) == 1:
            remedy = f"say which signal is meant in {self._entry()}, signal: {_signal(matches[0])}"
        return self._error(f"{number} channels for one marker, {self.name}", "E_PANEL", matches, remedy)

    def other_signal(self, match: Channel, stated: Signal) -> PanelError:
        problem = f"no channel with the signal {stated} carries {self.name}"
        remedy = f"correct or drop signal: {stated} in {self._entry()}"
        return self._error(problem, "E_PANEL", [match], remedy)

    def _error(self, problem: str, code: str, channels: Sequence[Channel], remedy: str) -> PanelError:
        return PanelError(
            problem,
            code=code,
            file=self.file,
            population=self.population,
            expected=self._expected(),
            available=tuple(channel.label for channel in channels) or ("no channels",),
            remedy=remedy,
        )

    def _entry(self) -> str:
        return f"panel: {self.name}" + (f" in {self.panel}" if self.panel else "")

    def _expected(self) -> str:
        pns, pnn = (self.rule.pns, self.rule.pnn) if self.rule else ((), ())
        if not (pns or pnn):
            return f"$PnS or $PnN {self.name}"
        parts = [f"{key} matching {' or '.join(globs)}" for key, globs in (("$PnS", pns), ("$PnN", pnn)) if globs]
        signal = f", signal {self.rule.signal}" if self.rule and self.rule.signal else ""
        return ", else ".join(parts) + signal

    def _near(self) -> list[str]:
        """Return names in the sample that may be meant: like the marker, or like a pattern without its wildcards."""
        wanted = [self.name, *(self.rule.pns + self.rule.pnn if self.rule else ())]
        names = [name for channel in self.sample.channels for name in (channel.pns, channel.pnn)]
        found = [near for name in wanted for near in near_misses(re.sub(r"[*?\[\]]", "", name), names)]
        return list(dict.fromkeys(found))
