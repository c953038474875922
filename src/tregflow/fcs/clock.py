"""Time: which channel is the clock, how long a step is, and when the file was acquired."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tregflow.fcs.names import shown
from tregflow.fcs.numbers import real
from tregflow.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tregflow.fcs.channels import Channel

_CLOCK = re.compile(r"(hdr-)?t(ime)?", re.IGNORECASE)  # the whole name: TNFa is no clock
_WORD = re.compile(r"time[ _-]?([ml])sw", re.IGNORECASE)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DATE = re.compile(r"(\d{1,2})-([A-Za-z]{3})-(\d{4})")
_YEAR_FIRST = re.compile(r"(\d{4})-([A-Za-z]{3})-(\d{1,2})")  # MACSQuant: 2013-Jul-19
_ISO_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_TIME = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?:([.:])(\d{1,6}))?")
_TICKS = 60
"""FCS 3.0 counts fractions of a second in sixtieths behind a colon, FCS 3.1 in decimals behind a point."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock of a file.

    Attributes
    ----------
    channels : tuple of str
        ``$PnN`` of the clock; of two words the more significant first.
    step : float or None
        Seconds per step, ``$TIMESTEP``; None if it is missing or unusable.
    """

    channels: tuple[str, ...]
    step: float | None


def clock_of(channels: Sequence[Channel], keywords: Mapping[str, str]) -> Clock | None:
    """Return the clock of a file, or None if no channel, or more than one, is a clock by its name."""
    step = real(keywords.get("$TIMESTEP"))
    usable = step if step is not None and step > 0 else None
    single = _named_as_clocks(channels)
    if single:
        return Clock((single[0],), usable) if len(single) == 1 else None
    words = {match[1].lower(): channel.pnn for channel in channels if (match := _WORD.fullmatch(channel.pnn))}
    return Clock((words["m"], words["l"]), usable) if set(words) == {"m", "l"} else None


def _named_as_clocks(channels: Sequence[Channel]) -> list[str]:
    return [channel.pnn for channel in channels if _CLOCK.fullmatch(channel.pnn)]


def clock_findings(channels: Sequence[Channel], keywords: Mapping[str, str]) -> tuple[Finding, ...]:
    """Return what is odd about the clock."""
    several = _named_as_clocks(channels)
    if len(several) > 1:
        text = f"{' and '.join(several)} are named as clocks: none counts as one"
        return (Finding("clock-ambiguous", "warning", several[0], text),)
    clock = clock_of(channels, keywords)
    if clock is None:
        return ()
    findings = []
    if clock.step is None and "$TIMESTEP" in keywords:
        said = f"$TIMESTEP is {shown(keywords['$TIMESTEP'])}: time stays in steps of unknown length"
        findings.append(Finding("timestep-unusable", "warning", clock.channels[0], said))
    if len(clock.channels) == 2:
        high, low = clock.channels
        said = f"the clock is in two words, joined as {high} · 2^32 + {low}, which no document confirms"
        findings.append(Finding("time-two-words", "info", high, said))
    return tuple(findings)


def acquired(keywords: Mapping[str, str]) -> tuple[datetime | None, datetime | None]:
    """Return when acquisition began and ended, each None where the file does not say or cannot be read.

    FCS 3.2 has ``$BEGINDATETIME`` and ``$ENDDATETIME``; before, ``$DATE`` with ``$BTIM`` and ``$ETIM``. An end of the
    clock before its begin lies on the next day. Dates in figures alone are read only where the year comes first:
    03-04-05 has three readings.

    Examples
    --------
    >>> begin, end = acquired({"$DATE": "11-Nov-2009", "$BTIM": "23:59:58", "$ETIM": "00:01:00"})
    >>> print(begin, end)
    2009-11-11 23:59:58 2009-11-12 00:01:00
    """
    begin, end = (_iso(keywords.get(key, "")) for key in ("$BEGINDATETIME", "$ENDDATETIME"))
    if begin or end:
        # One with its zone and one without leave no duration: the begin is what a file is known by.
        return begin, None if begin and end and (begin.tzinfo is None) != (end.tzinfo is None) else end
    day = _date(keywords.get("$DATE", ""))
    if day is None:
        return None, None
    since, until = (_time(keywords.get(key, "")) for key in ("$BTIM", "$ETIM"))
    overnight = since is not None and until is not None and until < since
    return _after(day, since), _after(day, None if until is None else until + timedelta(days=int(overnight)))


def _after(day: datetime, since: timedelta | None) -> datetime | None:
    try:
        return None if since is None else day + since
    except OverflowError:  # the day after 31 December 9999
        return None


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        return None


def _date(text: str) -> datetime | None:
    named, iso = _DATE.fullmatch(text.strip()), _ISO_DATE.fullmatch(text.strip())
    macsquant = _YEAR_FIRST.fullmatch(text.strip())
    try:
        if named:
            return datetime(int(named[3]), _MONTHS.index(named[2].lower()) + 1, int(named[1]))
        if macsquant:
            return datetime(int(macsquant[1]), _MONTHS.index(macsquant[2].lower()) + 1, int(macsquant[3]))
        return datetime(int(iso[1]), int(iso[2]), int(iso[3])) if iso else None
    except ValueError:
        return None


def _time(text: str) -> timedelta | None:
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    hours, minutes, seconds = (int(match[index]) for index in (1, 2, 3))
    fraction = 0.0
    if match[5]:
        fraction = int(match[5]) / _TICKS if match[4] == ":" else float(f"0.{match[5]}")
    if hours > 23 or minutes > 59 or seconds > 59 or fraction >= 1:
        return None
    return timedelta(hours=hours, minutes=minutes, seconds=seconds + fraction)
