"""Where DATA lies: HEADER and TEXT both say, and where they disagree the one that fits is right (fcs.md 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from tregflow.errors import FcsError
from tregflow.fcs.header import HEADER_BYTES, Header, Offsets, Segment, offsets
from tregflow.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tregflow.fcs.layout import Layout

_CHUNK = 1 << 20
_CRC_BYTES = 8
_EVIDENCE = 8
"""Line ends that chance would leave; exp(-8) is the probability that it leaves none."""


@dataclass(frozen=True, slots=True)
class Located:
    """Where DATA lies, how many events it holds, and what was repaired to know it."""

    data: Segment
    n_events: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Candidate:
    source: str
    said: Offsets
    begin: int
    length: int
    computed: bool
    """Whether the end had to be computed from ``$TOT``."""

    @property
    def end(self) -> int:
        return self.begin + self.length - 1


def locate_data(data: memoryview, header: Header, keywords: Mapping[str, str], layout: Layout, *, file: str) -> Located:
    """Find the DATA segment and check that it holds what ``$TOT`` promises.

    Parameters
    ----------
    data : memoryview
        The data set, from its first byte to the end of the file.
    header : Header
    keywords : mapping
        Upper-case keys of primary TEXT.
    layout : Layout
    file : str
        Name for messages.

    Returns
    -------
    Located

    Raises
    ------
    FcsError
        ``E_TOT``, ``E_TOT_MISMATCH``, ``E_OFFSETS``, ``E_TRUNCATED``, ``E_TEXTMODE_DAMAGE``.
    """
    said = {"HEADER": header.data, "TEXT": offsets(keywords.get("$BEGINDATA"), keywords.get("$ENDDATA"))}
    findings: list[Finding] = []
    n_events = layout.n_events
    if n_events is None:
        n_events = _derived_count(said, header.text, layout.event_size, len(data), file, findings)
    size = n_events * layout.event_size
    candidates = list(_candidates(said, size))
    fitting = [each for each in candidates if _fits(each, size, header.text, len(data))]
    if n_events == 0 and not fitting and all(each.length <= 1 for each in candidates):
        return Located(Segment(HEADER_BYTES, HEADER_BYTES - 1), 0, tuple(findings))
    if not fitting:
        _refuse(data, candidates, said, header.text, n_events, layout.event_size, file)
    chosen = _choose(fitting, header.text, findings)
    _explain(chosen, fitting, said, size, header.version, findings)
    found = Segment(chosen.begin, chosen.begin + size - 1)
    _check_trailing(data, found, header, keywords, layout.event_size, file, findings)
    return Located(found, n_events, tuple(findings))


def supplemental(
    keywords: Mapping[str, str], text: Segment, data: Segment, size: int
) -> tuple[Segment | None, tuple[Finding, ...]]:
    """Return where supplemental TEXT lies, or None if there is none that can be trusted.

    Re-exports keep the offsets of the original file, which then point into TEXT and DATA (IntelliCyt iQue3): a range
    that overlaps either, or leaves the file, is ignored with a finding.
    """
    said = offsets(keywords.get("$BEGINSTEXT"), keywords.get("$ENDSTEXT"))
    if said.begin is None or said.end is None or said.end <= said.begin:
        return None, ()
    found = Segment(said.begin, said.end)
    if found == text:
        return None, ()
    if found.begin < HEADER_BYTES or found.end >= size or found.overlaps(text) or found.overlaps(data):
        reason = f"supplemental TEXT is said to lie at {said}, over other segments or past the end: ignored"
        return None, (Finding("stext-overlap", "info", "supplemental TEXT", reason),)
    return found, ()


def _candidates(said: Mapping[str, Offsets], size: int) -> Iterator[_Candidate]:
    for source, pair in said.items():
        if pair.begin is None:
            continue
        # iQue sets $ENDDATA = $BEGINDATA, others leave the end out: $TOT times the event size is the length that fits.
        computed = pair.end is None or pair.end <= pair.begin
        length = size if pair.end is None or computed else pair.end - pair.begin + 1
        yield _Candidate(source, pair, pair.begin, length, computed)


def _fits(candidate: _Candidate, size: int, text: Segment, file_size: int) -> bool:
    return (
        candidate.length in (size, size + 1)
        and _begins_well(candidate, size, text)
        and candidate.begin + size <= file_size
    )


def _begins_well(candidate: _Candidate, size: int, text: Segment) -> bool:
    occupied = Segment(candidate.begin, candidate.begin + size - 1)
    return candidate.begin >= HEADER_BYTES and not occupied.overlaps(text)


def _choose(fitting: list[_Candidate], text: Segment, findings: list[Finding]) -> _Candidate:
    first = fitting[0]
    if all(each.begin == first.begin for each in fitting):
        return min(fitting, key=lambda each: each.computed)
    behind_text = [each for each in fitting if each.begin == text.end + 1]
    chosen = (behind_text or fitting)[0]
    both = " and ".join(f"{each.source} {each.said}" for each in fitting)
    text_ = f"DATA could lie at {both}: {chosen.source} is followed"
    findings.append(Finding("offset-conflict", "review", "DATA", text_))
    return chosen


def _explain(
    chosen: _Candidate,
    fitting: list[_Candidate],
    said: Mapping[str, Offsets],
    size: int,
    version: str,
    findings: list[Finding],
) -> None:
    """Record what had to be repaired to follow `chosen`."""
    if chosen.computed:
        text = f"{chosen.source} gives DATA as {chosen.said}: its end is computed from $TOT"
        findings.append(Finding("data-end-computed", "info", "DATA", text))
    elif chosen.length == size + 1:
        text = f"{chosen.source} gives DATA as {chosen.said}, one byte too long: the last byte is dropped"
        findings.append(Finding("data-end-plus-one", "info", "DATA", text))
    if len(fitting) > 1:
        return
    other = "TEXT" if chosen.source == "HEADER" else "HEADER"
    if said[other].begin is not None:
        text = f"{other} places DATA at {said[other]}, which does not fit: {chosen.source} {chosen.said} does"
        findings.append(Finding("offset-repaired", "warning", "DATA", text))
    elif other == "HEADER" and chosen.end < 99_999_999:
        text = f"HEADER does not say where DATA lies: TEXT does, at {chosen.said}"
        findings.append(Finding("header-data-absent", "info", "DATA", text))
    elif other == "TEXT" and version != "2.0":
        text = f"TEXT does not say where DATA lies: HEADER does, at {chosen.said}"
        findings.append(Finding("begindata-missing", "info", "DATA", text))


def _derived_count(
    said: Mapping[str, Offsets],
    text: Segment,
    event_size: int,
    file_size: int,
    file: str,
    findings: list[Finding],
) -> int:
    counts = set()
    for pair in said.values():
        if pair.begin is None or pair.end is None:
            continue
        segment = Segment(pair.begin, pair.end)
        inside = HEADER_BYTES <= segment.begin <= segment.end < file_size and not segment.overlaps(text)
        if inside and segment.length % event_size == 0:
            counts.add(segment.length // event_size)
    if len(counts) != 1:
        raise FcsError(
            "the number of events, $TOT, is missing, and DATA does not tell it",
            code="E_TOT",
            file=file,
            expected=f"one DATA segment of whole events of {event_size} bytes",
            available=tuple(f"{source} {pair}" for source, pair in said.items()),
            remedy="export the file again from the software that wrote it",
        )
    (count,) = counts
    text_ = f"$TOT is missing: DATA holds {count} whole events"
    findings.append(Finding("tot-missing", "warning", "DATA", text_))
    return count


def _refuse(
    data: memoryview,
    candidates: list[_Candidate],
    said: Mapping[str, Offsets],
    text: Segment,
    n_events: int,
    event_size: int,
    file: str,
) -> NoReturn:
    size = n_events * event_size
    sources = tuple(f"{source} {pair}" for source, pair in said.items())
    expected = f"{size} bytes of DATA: {n_events} events of {event_size} bytes"
    placed = [each for each in candidates if _begins_well(each, size, text)]
    cut = [each for each in placed if each.end >= len(data) and each.begin + size > len(data)]
    if cut:
        _refuse_truncated(data, cut[0], n_events, event_size, expected, file)
    if any(each.end < len(data) and each.length not in (size, size + 1) for each in placed):
        raise FcsError(
            "$TOT and the length of DATA disagree",
            code="E_TOT_MISMATCH",
            file=file,
            expected=expected,
            available=tuple(f"{each.source} {each.said} ({each.length} bytes)" for each in candidates),
            remedy="export the file again, after the software has finished calculating",
        )
    raise FcsError(
        "neither HEADER nor TEXT says where DATA lies",
        code="E_OFFSETS",
        file=file,
        expected=f"{expected}, behind HEADER, outside TEXT, inside the file",
        available=(*sources, f"TEXT itself {text.begin}-{text.end}", f"file {len(data)} bytes"),
        remedy="export the file again from the software that wrote it",
    )


def _refuse_truncated(
    data: memoryview, candidate: _Candidate, n_events: int, event_size: int, expected: str, file: str
) -> NoReturn:
    present = max(0, len(data) - candidate.begin)
    missing = n_events * event_size - present
    chance = present / 65_536
    # Of random bytes one pair in 65,536 is a line end; a transfer in text mode turns each into a single byte.
    few = missing % event_size != 0 and missing < 16 * chance
    if few and chance >= _EVIDENCE and not _count(data, candidate.begin, b"\r\n"):
        raise FcsError(
            f"{missing} bytes of DATA are missing, and every line end (CR LF) is: damaged by a transfer in text mode",
            code="E_TEXTMODE_DAMAGE",
            file=file,
            expected=f"{expected}, among them about {chance:.0f} line ends by chance",
            available=(f"{present} bytes without a line end",),
            remedy="copy the file again in binary mode; in git, mark *.fcs as binary",
        )
    raise FcsError(
        f"the file ends inside DATA: {n_events} events promised, {present // event_size} whole events present",
        code="E_TRUNCATED",
        file=file,
        expected=f"{expected}, from byte {candidate.begin} ({candidate.source})",
        available=(f"{present} bytes of DATA",),
        remedy="copy the file again from its source",
    )


def _check_trailing(
    data: memoryview,
    found: Segment,
    header: Header,
    keywords: Mapping[str, str],
    event_size: int,
    file: str,
    findings: list[Finding],
) -> None:
    """Look at bytes behind everything that the file declares: damage, or events that ``$TOT`` does not count."""
    declared = [found.end, header.text.end]
    for pair in (header.analysis, offsets(keywords.get("$BEGINSTEXT"), keywords.get("$ENDSTEXT"))):
        declared += [pair.end] if pair.end is not None and pair.end < len(data) else []
    trailing = len(data) - max(declared) - 1
    if trailing < event_size or trailing == _CRC_BYTES:
        return
    feeds = _count(data, found.begin, b"\n")
    if feeds >= 8 * _EVIDENCE and feeds == _count(data, found.begin, b"\r\n"):
        raise FcsError(
            f"each of {feeds} line feeds in DATA follows a carriage return: damaged by a transfer in text mode",
            code="E_TEXTMODE_DAMAGE",
            file=file,
            expected=f"{found.length} bytes of DATA and nothing behind them",
            available=(f"{trailing} bytes behind DATA",),
            remedy="copy the file again in binary mode; in git, mark *.fcs as binary",
        )
    text = f"{trailing} bytes lie behind the last segment and are not read"
    findings.append(Finding("trailing-bytes", "warning", "DATA", text))


def _count(data: memoryview, begin: int, pattern: bytes) -> int:
    """Count `pattern`, of one or two bytes, from `begin` to the end of the file, a piece at a time."""
    total = 0
    for start in range(begin, len(data), _CHUNK):
        # A piece and one byte for a pair across the border; for a single byte the piece alone, or it would count twice.
        total += bytes(data[start : start + _CHUNK + len(pattern) - 1]).count(pattern)
    return total
