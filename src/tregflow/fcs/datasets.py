"""Data sets: the chain of ``$NEXTDATA``, and which of several is meant."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

from tregflow.errors import FcsError
from tregflow.fcs.header import Header, read_header
from tregflow.fcs.layout import next_data_set
from tregflow.fcs.numbers import real, whole
from tregflow.fcs.text import Text, parse_text, taken
from tregflow.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_MOST_SETS = 1_000
"""Data sets that are followed: plates have up to 384 wells, a hostile file a million."""
_LOW_RANGE, _HIGH_RANGE = 2.0**10, 2.0**20
_SCALE_WORD = re.compile(r"[ _-]+(lin|log)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DataSet:
    """One of the data sets of a file, as `list_datasets` shows it.

    Attributes
    ----------
    number : int
        From 1, as ``dataset=`` takes it.
    begin : int
        First byte in the file.
    version : str
        Of the standard.
    n_events : int or None
        ``$TOT``; None if it is missing or no number.
    channels : tuple of str
        ``$PnN``, "" where it is missing.
    """

    number: int
    begin: int
    version: str
    n_events: int | None
    channels: tuple[str, ...]

    def __str__(self) -> str:
        """Return ``2: FCS 3.0, 18110 events, 8 channels``."""
        events = "an unknown number of" if self.n_events is None else self.n_events
        return f"{self.number}: FCS {self.version}, {events} events, {len(self.channels)} channels"


@dataclass(frozen=True, slots=True)
class Part:
    """A data set with its HEADER and TEXT.

    Attributes
    ----------
    number, begin : int
        As in `DataSet`.
    data : memoryview
        From its first byte to the end of the file; all its offsets count from there.
    header : Header
    text : Text
    following : int or None
        Where the next data set begins, counted from the start of this one.
    findings : tuple of Finding
        On the choice of this data set.
    """

    number: int
    begin: int
    data: memoryview
    header: Header
    text: Text
    following: int | None
    findings: tuple[Finding, ...] = ()

    def described(self) -> DataSet:
        """Return what a person asks of it."""
        keywords = self.text.keywords
        n_channels = sum(re.fullmatch(r"\$P[1-9]\d*B", key) is not None for key in keywords)
        channels = tuple(keywords.get(f"$P{number}N", "").strip() for number in range(1, n_channels + 1))
        return DataSet(self.number, self.begin, self.header.version, whole(keywords.get("$TOT")), channels)


def parts(data: memoryview, *, file: str, assumed: str = "") -> Iterator[Part]:
    """Follow the chain of data sets; each begins behind the TEXT of the former, so that the chain ends.

    Parameters
    ----------
    data : memoryview
        The whole file.
    file : str
        Name for messages.
    assumed : str
        Version to assume where a HEADER names an unknown one.

    Raises
    ------
    FcsError
        ``E_DATASET``: ``$NEXTDATA`` points at no data set; and what HEADER and TEXT raise.
    """
    begin = 0
    for number in range(1, _MOST_SETS + 1):
        part = _part(data[begin:], number, begin, file, assumed)
        # A data set that is asked for by number is read even if the chain breaks behind it: the next step raises.
        yield replace(part, following=_position(part))
        following = next_data_set(part.text.keywords, size=len(part.data), file=file)
        if following is None:
            return
        if following <= part.header.text.end or bytes(part.data[following : following + 3]) != b"FCS":
            _refuse_chain("$NEXTDATA points at no data set", f"$NEXTDATA {following}", file)
        begin += following
    _refuse_chain(f"more than {_MOST_SETS} data sets", "", file)


def choose_part(data: memoryview, dataset: int | None, *, file: str, assumed: str = "") -> Part:
    """Return the data set to read.

    Of a Beckman LMD file, which holds the same events in 10 and in 20 bits, that is the second, with marker names from
    the first. Any other file of several data sets needs to be told.

    Parameters
    ----------
    data : memoryview
        The whole file.
    dataset : int or None
        Its number, from 1; None: the only one.
    file : str
        Name for messages.
    assumed : str
        Version to assume where a HEADER names an unknown one.

    Raises
    ------
    FcsError
        ``E_DATASET``: several, and none was named; or no data set of that number.
    """
    chain = parts(data, file=file, assumed=assumed)
    if dataset is not None:
        return _numbered(chain, dataset, file)
    first = next(chain)
    others = list(chain)
    if not others:
        return first
    if len(others) == 1 and _is_lmd_pair(first, others[0]):
        return _with_markers_of(first, others[0])
    found = [first, *others]
    raise FcsError(
        f"the file holds {len(found)} data sets, and none was named",
        code="E_DATASET",
        file=file,
        expected="the number of a data set",
        available=tuple(str(each.described()) for each in found),
        remedy="read_fcs(…, dataset=1), or tregflow inspect --dataset 1",
    )


def _part(data: memoryview, number: int, begin: int, file: str, assumed: str) -> Part:
    header = read_header(data, file=file, assumed=assumed)
    return Part(number, begin, data, header, parse_text(taken(data, header.text), file=file), None)


def _position(part: Part) -> int | None:
    """Return where the next data set begins, or None if there is none that could."""
    position = whole(part.text.keywords.get("$NEXTDATA"))
    if position is None or not part.header.text.end < position < len(part.data):
        return None
    return position if bytes(part.data[position : position + 3]) == b"FCS" else None


def _numbered(chain: Iterator[Part], dataset: int, file: str) -> Part:
    number = 0
    for part in chain:
        number = part.number
        if number == dataset:
            return replace(part, findings=_broken_chain(part))
    raise FcsError(
        f"there is no data set {dataset}",
        code="E_DATASET",
        file=file,
        expected=f"a number from 1 to {number}",
        remedy="list_datasets(…) lists them",
    )


def _broken_chain(part: Part) -> tuple[Finding, ...]:
    text = part.text.keywords.get("$NEXTDATA", "").strip()
    if part.following is not None or text.strip("0") == "":
        return ()
    said = f"$NEXTDATA {text[:20]!r} points at no data set: data set {part.number} is read, as asked for"
    return (Finding("nextdata-unusable", "warning", "TEXT", said),)


def _refuse_chain(problem: str, found: str, file: str) -> NoReturn:
    raise FcsError(
        problem,
        code="E_DATASET",
        file=file,
        expected="$NEXTDATA 0, or the position of another data set",
        available=(found,) if found else (),
        remedy="read the first with dataset=1, or export the file again",
    )


def _is_lmd_pair(first: Part, second: Part) -> bool:
    """Tell whether both hold the same events, in 10 bits and in 20 (Beckman LMD)."""
    same_events = whole(first.text.keywords.get("$TOT")) == whole(second.text.keywords.get("$TOT"))
    return (
        same_events
        and (first.header.version, second.header.version) == ("2.0", "3.0")
        and _highest_range(first.text.keywords) <= _LOW_RANGE
        and _highest_range(second.text.keywords) == _HIGH_RANGE
    )


def _highest_range(keywords: Mapping[str, str]) -> float:
    return max((real(value) or 0.0 for key, value in keywords.items() if re.fullmatch(r"\$P\d+R", key)), default=0.0)


def _with_markers_of(first: Part, second: Part) -> Part:
    """Give the channels of the second data set the markers that the first has for the same detectors."""
    keywords = dict(second.text.keywords)
    markers = _markers(first.text.keywords)
    named = []
    for key, name in second.text.keywords.items():
        number = re.fullmatch(r"\$P(\d+)N", key)
        found = markers.get(_detector(name), set())
        if number and len(found) == 1 and not keywords.get(f"$P{number[1]}S", "").strip():
            (keywords[f"$P{number[1]}S"],) = found
            named.append(name.strip())
    source = f"marker names of {', '.join(named)} come from the first" if named else "the first has no marker names"
    said = f"the same events in 10 bits and in 20 bits (LMD): the second data set is read, {source}"
    finding = Finding("lmd-pair", "info", "file", said)
    return replace(second, text=replace(second.text, keywords=keywords), findings=(finding,))


def _markers(keywords: Mapping[str, str]) -> dict[str, set[str]]:
    """Return the markers of each detector: linear and logarithmic channels of one detector are one here."""
    markers: dict[str, set[str]] = {}
    for key, name in keywords.items():
        number = re.fullmatch(r"\$P(\d+)N", key)
        marker = keywords.get(f"$P{number[1]}S", "").strip() if number else ""
        if marker and _detector(marker) != _detector(name):
            markers.setdefault(_detector(name), set()).add(_SCALE_WORD.sub("", marker))
    return markers


def _detector(name: str) -> str:
    return _SCALE_WORD.sub("", name.strip()).casefold()


def described(data: memoryview, *, file: str) -> Sequence[DataSet]:
    """Return all data sets of a file."""
    return tuple(part.described() for part in parts(data, file=file))
