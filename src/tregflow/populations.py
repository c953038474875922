"""Which events are in which population, and the counts, frequencies and MFI that follow."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tregflow._yaml import suggest
from tregflow.errors import GateError
from tregflow.few_events import FewEvents, classify
from tregflow.findings import Finding
from tregflow.intervals import LOG_DELTA, WILSON, log_delta, wilson

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from tregflow.compensation import Spillover, Unmixing
    from tregflow.fcs import Channel, Sample
    from tregflow.gates import Gate, Mask, Values
    from tregflow.strategy import Strategy
    from tregflow.strategy.dimensions import Source

ROOT = "root"
"""All events of the file; the parent of a gate that names none."""
LEVEL = 0.95
"""Confidence level of every interval of a frequency."""


@dataclass(frozen=True, slots=True)
class Population:
    """One row of the table of populations; counts are None where the population is missing."""

    population: str
    parent: str
    count: int | None
    parent_count: int | None
    percent_of_parent: float | None


@dataclass(frozen=True, slots=True)
class Frequency:
    """One ratio of the report: k of n, in percent, with its interval; a missing value is None, and a flag says why.

    Attributes
    ----------
    name, numerator, denominator : str
        The ratio's name and its two populations.
    k, n : int or None
        Events in the numerator and the denominator.
    percent, low, high : float or None
        100 k/n and its 95 % interval.
    method : str
        ``wilson`` where the numerator lies inside the denominator by construction, else ``log-delta``; empty where a
        population is missing. It also tells whether k may exceed n.
    flags : tuple of str
        ``missing``, ``zero-denominator``, ``not-detected``, ``not-quantifiable``, ``few-events``, ``few-cd4``,
        ``too-few-cd4``.
    """

    name: str
    numerator: str
    denominator: str
    k: int | None
    n: int | None
    percent: float | None
    low: float | None
    high: float | None
    method: str
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mfi:
    """Median of compensated, untransformed values of a marker in a population; None where there is no event."""

    population: str
    marker: str
    mfi: float | None


@dataclass(frozen=True, eq=False)
class Gated:
    """A sample after gating: membership of every event in every population.

    Attributes
    ----------
    sample : Sample
        What was gated.
    id, batch : str or None
        As given to `Strategy.gate`.
    strategy : Strategy
        The strategy as applied to this sample: overrides in, thresholds of controls as numbers.
    gates : mapping of str to Gate
        The gates that were evaluated, in order of evaluation.
    masks : mapping of str to Mask
        Membership per population, ancestors included; `root` is every event.
    counts : mapping of str to int
        Events of each population.
    found : mapping of (str, str) to float or None
        Population and marker -> MFI.
    missing : mapping of str to str
        Populations that could not be evaluated, and why.
    sources : mapping of str to Source
        Name of an axis -> where its values come from in the file.
    values : callable
        Name of an axis -> (n_events,) compensated values in data units.
    findings : tuple of Finding
        Of the file, of the panel, of the controls and of the gates.
    few_events : FewEvents
        Limits for few events.
    spillover : Spillover, Unmixing or None
        The matrix of the strategy's `compensation` that was applied; None for values taken as they are stored.
    """

    sample: Sample
    id: str | None
    batch: str | None
    strategy: Strategy
    gates: Mapping[str, Gate]
    masks: Mapping[str, Mask]
    counts: Mapping[str, int]
    found: Mapping[tuple[str, str], float | None]
    missing: Mapping[str, str]
    sources: Mapping[str, Source]
    values: Values
    findings: tuple[Finding, ...]
    few_events: FewEvents = field(default_factory=FewEvents)
    spillover: Spillover | Unmixing | None = None

    @property
    def channels(self) -> dict[str, Channel]:
        """Name of an axis -> channel of the file; dyes and ratios, which are made of several, are left out."""
        return {axis: source.channel for axis, source in self.sources.items() if source.channel is not None}

    def __getitem__(self, population: str) -> NDArray[np.bool_]:
        """Return the (n_events,) mask of a population over the file's events.

        Raises
        ------
        GateError
            No such population, or it is missing in this sample (the message says why).
        """
        if population in self.missing:
            raise GateError(
                f"missing in this sample: {self.missing[population]}",
                code="E_MISSING_POPULATION",
                file=self.sample.file,
                population=population,
            )
        if population not in self.masks:
            raise GateError(
                f"no such population{suggest(population, self.masks)}",
                code="E_NO_POPULATION",
                file=self.sample.file,
                population=population,
                available=list(self.masks),
            )
        return self.masks[population].inside

    def count(self, population: str) -> int | None:
        """Return the number of events in a population; None where it is missing."""
        if population in self.missing:
            return None
        return self.counts[population] if population in self.counts else int(np.count_nonzero(self[population]))

    @property
    def populations(self) -> tuple[Population, ...]:
        """Counts and percent of parent, root first, then in order of the strategy file."""
        return tuple(_population(self, name) for name in (ROOT, *self.strategy.spec.gates))

    @property
    def ratios(self) -> tuple[Frequency, ...]:
        """The report's frequencies, in order of the strategy file."""
        return tuple(_frequency(self, name, *pair) for name, pair in self.strategy.ratios.items())

    @property
    def medians(self) -> tuple[Mfi, ...]:
        """The MFI that the strategy asks for."""
        wanted = self.strategy.spec.mfi.items()
        return tuple(_mfi(self, population, marker) for population, markers in wanted for marker in markers)

    @property
    def table(self) -> pd.DataFrame:
        """Counts and percent of parent as a tidy table, a row per population."""
        frame = _frame(Population, self.populations)
        return frame.astype({"count": "Int64", "parent_count": "Int64", "percent_of_parent": float})

    @property
    def frequencies(self) -> pd.DataFrame:
        """The report's ratios with intervals as a tidy table."""
        frame = _frame(Frequency, self.ratios).assign(flags=[" ".join(row.flags) for row in self.ratios])
        return frame.astype({"k": "Int64", "n": "Int64", "percent": float, "low": float, "high": float})

    @property
    def mfi(self) -> pd.DataFrame:
        """Medians of compensated, untransformed values as a tidy table."""
        return _frame(Mfi, self.medians).astype({"mfi": float})

    def update(self, *, gate: str, threads: int | None = None, **keys: Any) -> Gated:
        """Return the sample gated again with one gate changed; what does not hang below it is taken over.

        Parameters
        ----------
        gate : str
            Its id.
        threads : int, optional
            Each for a range of the events; default: one per core.
        **keys
            Keys of the gate as in a strategy file, of the kind that it has: ``points`` of a polygon, ``above`` of a
            threshold …; those that are not given stay as they are.

        Returns
        -------
        Gated
            The same as `Strategy.gate` gives by the strategy as it was applied here, with this gate changed: thresholds
            that came from controls stay the numbers that they were. Findings are those of this one.

        Raises
        ------
        StrategyError
            ``E_UPDATE``: there is no such gate, it is missing in this sample, a control is to place it, or it would
            hang elsewhere or look at other axes. ``E_STRATEGY``: the outcome is no right strategy. ``E_ENGINE``: fewer
            than one thread.
        FcsError
            A sample that was read lazily is read again, and its file has changed.

        Examples
        --------
        >>> gated.update(gate="CD4+", above={"CD4": 900.0})  # doctest: +SKIP
        """
        return self.strategy.regated(self, gate, keys, threads=(os.cpu_count() or 1) if threads is None else threads)

    def few_event_findings(self) -> tuple[Finding, ...]:
        """Return a finding for each flag on a frequency; one that leaves no frequency asks for review."""
        flagged = tuple(
            Finding(flag, "review" if flag in _REVIEW else "warning", row.name, _flag_text(row, flag))
            for row in self.ratios
            for flag in row.flags
            if flag in _TEXTS
        )
        return (*flagged, *no_cd4_limit(self.few_events, self.strategy))

    def __repr__(self) -> str:
        """Return the tree with counts, one population a line."""
        head = f"<Gated {self.sample.file}: {self.strategy.spec.name}, {self.sample.n_events} events>"
        return "\n".join([head, *(_line(row, self) for row in self.populations)])

    def _repr_html_(self) -> str:
        from html import escape

        table = self.table.to_html(index=False, na_rep="", float_format="{:.3f}".format)
        return f"<p>{escape(self.sample.file)}</p>{table}"


def _frame(kind: type, rows: tuple[object, ...]) -> pd.DataFrame:
    import pandas as pd

    columns = list(kind.__dataclass_fields__)  # type: ignore[attr-defined]
    return pd.DataFrame([[getattr(row, column) for column in columns] for row in rows], columns=columns)


def _line(row: Population, gated: Gated) -> str:
    depth = len(gated.strategy.ancestors(row.population)) if row.population != ROOT else 0
    count = "missing" if row.count is None else str(row.count)
    share = "" if row.percent_of_parent is None else f"{row.percent_of_parent:8.2f} % of {row.parent}"
    return f"  {'  ' * depth + row.population:<30}{count:>10}{share}"


def _population(gated: Gated, name: str) -> Population:
    parent = "" if name == ROOT else gated.strategy.parent(name)
    count = gated.count(name)
    parent_count = gated.count(parent) if parent else None
    percent = 100.0 * count / parent_count if count is not None and parent_count else None
    return Population(name, parent, count, parent_count, percent)


def _mfi(gated: Gated, population: str, marker: str) -> Mfi:
    return Mfi(population, marker, gated.found.get((population, marker)))


def _frequency(gated: Gated, name: str, numerator: str, denominator: str) -> Frequency:
    k, n = gated.count(numerator), gated.count(denominator)
    if k is None or n is None:
        return Frequency(name, numerator, denominator, k, n, None, None, None, "", ("missing",))
    method = WILSON if gated.strategy.nested(numerator, denominator) else LOG_DELTA
    flags = _flags(gated, k, n, denominator) if n else ("zero-denominator",)
    if n == 0 or "too-few-cd4" in flags:
        return Frequency(name, numerator, denominator, k, n, None, None, None, method, flags)
    if method == WILSON:
        interval = wilson(k, n, level=LEVEL)
    else:
        overlap = int(np.count_nonzero(gated[numerator] & gated[denominator]))
        interval = log_delta(k, n, overlap, level=LEVEL)
    # A count of 0 has no logarithm: there the frequency is 0, and its log-delta interval is missing.
    low, high = (None if math.isnan(limit) else 100.0 * limit for limit in interval)
    return Frequency(name, numerator, denominator, k, n, 100.0 * k / n, low, high, method, flags)


def _flags(gated: Gated, k: int, n: int, denominator: str) -> tuple[str, ...]:
    limits = gated.few_events
    cd4 = ""
    if denominator == limits.cd4:
        cd4 = "too-few-cd4" if n < limits.cd4_fail else "few-cd4" if n < limits.cd4_finding else ""
    return tuple(filter(None, (classify(k, limits), cd4)))


def no_cd4_limit(limits: FewEvents, strategy: Strategy) -> tuple[Finding, ...]:
    """Return a finding where the limits on CD4+ events look at a population that the strategy does not have."""
    if limits.cd4 in strategy.spec.gates:
        return ()
    text = f"the strategy has no population '{limits.cd4}': no limit on CD4+ events holds (few_events: {{cd4: ...}})"
    return (Finding("no-cd4-limit", "warning", "few_events", text),)


_REVIEW = ("too-few-cd4", "zero-denominator")
_TEXTS = {
    "not-detected": "{k} events: below the limit of detection",
    "not-quantifiable": "{k} events: detected, not quantifiable",
    "few-events": "{k} events: the count alone is uncertain",
    "zero-denominator": "no event in {denominator}: no frequency",
    "few-cd4": "{n} events in {denominator}: few",
    "too-few-cd4": "{n} events in {denominator}: too few, no frequency is given",
}


def _flag_text(row: Frequency, flag: str) -> str:
    return _TEXTS[flag].format(k=row.k, n=row.n, denominator=row.denominator)
