"""FlowIO and fcsparser as second and third reader of a file: where they differ from ours, and what they refuse.

They are asked only for files that our reader reads: on hostile ones they may hang or allocate without bound.
"""

from __future__ import annotations

import contextlib
import io
import logging
import textwrap
import warnings
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from tregflow.fcs import list_datasets
from tregflow.fcs.names import printable, shown
from tregflow.fcs.numbers import real
from tregflow.fcs.persons import is_personal, without_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tregflow.fcs import Sample

_MOST = 5
"""Differences of a kind that are listed one by one."""
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class PeerReport:
    """What another reader makes of a file, compared with ours.

    Attributes
    ----------
    peer : str
        Name and version.
    refusals : tuple of str
        What it refuses, in its own words, and what it was asked for.
    agrees : tuple of str
        What was compared and is the same.
    differences : tuple of str
        What differs, in words: here and there.
    says : tuple of str
        Its warnings.
    """

    peer: str
    refusals: tuple[str, ...]
    agrees: tuple[str, ...]
    differences: tuple[str, ...]
    says: tuple[str, ...]


@dataclass(slots=True)
class _Asked:
    """What a peer was asked, and what came of it."""

    sample: Sample
    refusals: list[str] = field(default_factory=list)
    agrees: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    says: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def asking(self, for_what: str) -> Iterator[None]:
        """Keep what the peer prints, warns of and raises: whatever it does, the others are asked as well."""
        printed = io.StringIO()
        with (
            warnings.catch_warnings(record=True) as caught,
            contextlib.redirect_stdout(printed),
            _log_into(printed),
        ):
            warnings.simplefilter("always")
            try:
                yield
            except Exception as error:  # noqa: BLE001 - a peer may raise anything
                self.refusals.append(f"{for_what}: {type(error).__name__}: {self.clean(str(error))}")
        self.says += filter(None, [*(self.clean(str(each.message)) for each in caught), self.clean(printed.getvalue())])

    def compare(self, what: str, here: Any, there: Any) -> None:
        """Note whether a fact is the same."""
        if here == there:
            self.agrees.append(what)
        else:
            self.differences.append(f"{what}: {self.clean(str(here))} here, {self.clean(str(there))} there")

    def compare_names(self, what: str, here: Sequence[str], there: Sequence[str]) -> None:
        """Note whether the names of all channels are the same, and which are not."""
        if len(here) != len(there):
            self.compare(f"number of {what}", len(here), len(there))
            return
        pairs = [
            (place, *pair) for place, pair in enumerate(zip(here, there, strict=True), start=1) if pair[0] != pair[1]
        ]
        if pairs:
            shown_pairs = [
                f"channel {place} {self.clean(repr(a))} here, {self.clean(repr(b))} there" for place, a, b in pairs
            ]
            self.differences.append(f"{what}: {_listed(shown_pairs, '; ')}")
        else:
            self.agrees.append(what)

    def clean(self, text: str) -> str:
        """Return one line without control characters, names of persons or the folder of the file."""
        path = self.sample.path
        told = text if path is None else text.replace(str(path), path.name)
        return without_names(printable(" ".join(told.split())), self.sample.keywords)[:300]

    def report(self, peer: str) -> PeerReport:
        """Return what was found, each said once."""
        parts = (self.refusals, self.agrees, self.differences, self.says)
        return PeerReport(peer, *(tuple(dict.fromkeys(part)) for part in parts))


def cross_check(path: Path, sample: Sample) -> tuple[PeerReport, ...]:
    """Read a file with FlowIO and fcsparser, and compare what they find with what our reader found.

    Parameters
    ----------
    path : Path
        The file.
    sample : Sample
        Read from it, with all its channels, or with none: then no values are compared.

    Returns
    -------
    tuple of PeerReport
        Of FlowIO and of fcsparser.
    """
    return _with_flowio(path, sample), _with_fcsparser(path, sample)


def as_lines(reports: Sequence[PeerReport]) -> list[str]:
    """Return reports as lines for a person."""
    lines = ["  cross-check"]
    for report in reports:
        verdict = "differs" if report.differences else "refuses part of it" if report.refusals else "agrees"
        lines.append(f"    {report.peer} {verdict}")
        for label, texts in (
            ("same", [", ".join(report.agrees)] if report.agrees else []),
            ("differs", report.differences),
            ("refuses", report.refusals),
            ("warns", report.says),
        ):
            for text in texts:
                lines += textwrap.wrap(
                    text,
                    _WIDTH,
                    initial_indent=f"      {label:<9}",
                    subsequent_indent=" " * 15,
                    break_long_words=False,
                    break_on_hyphens=False,
                )
    return lines


@contextlib.contextmanager
def _log_into(stream: io.StringIO) -> Iterator[None]:
    """Write what fcsparser logs into `stream`, and nowhere else."""
    logger, handler = logging.getLogger("fcsparser"), logging.StreamHandler(stream)
    propagates = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagates


def _with_flowio(path: Path, sample: Sample) -> PeerReport:
    import flowio

    asked = _Asked(sample)

    def read(**options: bool) -> Any:
        begin = 0 if sample.dataset == 1 else list_datasets(path)[sample.dataset - 1].begin
        with path.open("rb") as stream:  # ours to close: FlowIO leaves a file open that it refuses
            return flowio.FlowData(stream, nextdata_offset=begin, **options)

    found = None
    with asked.asking("the file"):
        found = read()
    if found is None:
        with asked.asking("the file, offsets ignored"):
            found = read(ignore_offset_error=True, ignore_offset_discrepancy=True)
            asked.refusals[-1] += " (told to ignore offsets, it reads the file)"
    if found is not None:
        with asked.asking("TEXT"):
            asked.compare("version", sample.version, found.version)
            asked.compare("number of events", sample.n_events, found.event_count)
            asked.compare_names("names of channels", sample.names, found.pnn_labels)
            markers = [each.strip() for each in found.pns_labels]
            asked.compare_names("markers", [each.pns for each in sample.channels], markers)
            # FlowIO strips every $ and gives keys in lower case.
            plain = {key.replace("$", "").lower(): value for key, value in sample.keywords.items()}
            _compare_keywords(asked, plain, {key.strip(): str(value) for key, value in found.text.items()})
        if sample.columns:
            with asked.asking("values"):
                _compare_values(asked, np.asarray(found.as_array(preprocess=False)))
    return asked.report(f"FlowIO {version('flowio')}")


def _with_fcsparser(path: Path, sample: Sample) -> PeerReport:
    import fcsparser

    asked = _Asked(sample)
    place = sample.dataset - 1
    with asked.asking("TEXT"):
        meta = fcsparser.parse(str(path), meta_data_only=True, data_set=place)
        told = {str(key): str(value) for key, value in meta.items() if not str(key).startswith("__")}
        asked.compare("version", sample.version, meta["__header__"]["FCS format"].decode("latin-1")[3:6])
        asked.compare("number of events", sample.n_events, meta["$TOT"])
        names = [told.get(f"$P{channel.number}N", "").strip() for channel in sample.channels]
        asked.compare_names("names of channels", sample.names, names)
        markers = [told.get(f"$P{channel.number}S", "").strip() for channel in sample.channels]
        asked.compare_names("markers", [channel.pns for channel in sample.channels], markers)
        upper = {key.strip().upper(): value for key, value in told.items()}
        _compare_keywords(asked, dict(sample.keywords), upper)
    if sample.columns:
        with asked.asking("values"):
            _, table = fcsparser.parse(str(path), channel_naming="$PnN", data_set=place, dtype=None)
            _compare_values(asked, table.to_numpy())
    return asked.report(f"fcsparser {version('fcsparser')}")


def _compare_keywords(asked: _Asked, here: Mapping[str, str], there: Mapping[str, str]) -> None:
    """Compare the values of keywords, blanks at the ends and leading zeros aside."""
    missing = [key for key in here if key not in there]
    extra = [key for key in there if key not in here]
    other = [key for key in here if key in there and not _same_text(here[key], there[key])]
    if not (missing or extra or other):
        asked.agrees.append(f"{len(here)} keywords")
    for what, keys in (("keywords that are only here", missing), ("keywords that are only there", extra)):
        if keys:
            asked.differences.append(f"{what}: {_listed([asked.clean(key) for key in keys])}")
    if other:
        asked.differences.append(
            f"keywords with other values: {_listed([_pair(asked, key, here, there) for key in other])}"
        )


def _same_text(one: str, other: str) -> bool:
    if one.strip() == other.strip():
        return True
    number = real(one)
    return number is not None and number == real(other)


def _pair(asked: _Asked, key: str, here: Mapping[str, str], there: Mapping[str, str]) -> str:
    if is_personal(key.upper()) or is_personal(f"${key.upper()}"):
        return asked.clean(key)
    return f"{asked.clean(key)} ({asked.clean(shown(here[key]))} here, {asked.clean(shown(there[key]))} there)"


def _compare_values(asked: _Asked, there: NDArray[Any]) -> None:
    """Compare the values as stored, channel by channel; two NaN are the same."""
    sample = asked.sample
    if there.shape != (sample.n_events, len(sample.channels)):
        here = (sample.n_events, len(sample.channels))
        asked.compare("events and channels of the values", here, tuple(there.shape))
        return
    differing = []
    for place, channel in enumerate(sample.channels):
        ours, theirs = sample.raw(channel.pnn), there[:, place]
        unlike = (ours != theirs) & ~(np.isnan(ours) & np.isnan(theirs))
        if unlike.any():
            first = int(np.flatnonzero(unlike)[0])
            differing.append(
                f"{asked.clean(channel.pnn)} in {int(unlike.sum())} events (event {first}: {ours[first]} here, "
                f"{theirs[first]} there)"
            )
    if differing:
        asked.differences.append(f"values: {_listed(differing)}")
    else:
        asked.agrees.append(f"every value of {sample.n_events} events")


def _listed(texts: Sequence[str], separator: str = ", ") -> str:
    more = f" and {len(texts) - _MOST} more" if len(texts) > _MOST else ""
    return separator.join(texts[:_MOST]) + more
