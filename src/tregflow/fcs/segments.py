"""Where DATA lies: HEADER and TEXT both say, and where they disagree the one that fits is right (fcs.md 3.2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

from tregflow.errors import FcsError
from tregflow.fcs.header import HEADER_BYTES, OFFSET_LIMIT, Header, Offsets, Segment, offsets
from tregflow.fcs.truncated import promised, refuse_added_line_ends, refuse_textmode, refuse_truncated
from tregflow.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tregflow.fcs.layout import Layout

CRC_BYTES = 8
_CHECKSUM = b"0123456789abcdefABCDEF \0"
_LINE_ENDS = b"\r\n"
_PADDINGS = (b" ", b"\0", b"\r", b"\n")
_BLANKS = b" \0\r\n"
"""What writers leave between segments. Anything else may be values that the offsets miss: one byte put into TEXT moves
DATA by one, and each value becomes another."""
_SLACK = 2
_NUMBERS = b"0123456789"
_LOOK = 1 << 16


@dataclass(frozen=True, slots=True)
class Located:
    """Where DATA lies, how many events it holds, and what was repaired to know it.

    `partial`: read in lenient mode, and not all that is there.
    """

    data: Segment
    n_events: int
    findings: tuple[Finding, ...]
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """Where one of the two sources places DATA."""

    source: str
    said: Offsets
    begin: int
    length: int
    computed: bool
    """Whether the end had to be computed from ``$TOT``."""

    @property
    def end(self) -> int:
        """Last byte."""
        return self.begin + self.length - 1


def said_of_data(header: Header, keywords: Mapping[str, str]) -> dict[str, Offsets]:
    """Return what HEADER and TEXT say about DATA."""
    return {"HEADER": header.data, "TEXT": offsets(keywords.get("$BEGINDATA"), keywords.get("$ENDDATA"))}


def locate_data(
    data: memoryview, header: Header, keywords: Mapping[str, str], layout: Layout, *, file: str, lenient: bool = False
) -> Located:
    """Find the DATA segment and check that it holds what ``$TOT`` promises.

    Parameters
    ----------
    data : memoryview
        The data set, from its first byte to the end of the file.
    header : Header
    keywords : mapping
        Upper-case keys of primary TEXT.
    layout : Layout
        With events of a fixed size.
    file : str
        Name for messages.
    lenient : bool
        Whether to take the whole events of DATA that is cut off or of another length.

    Returns
    -------
    Located

    Raises
    ------
    FcsError
        ``E_TOT``, ``E_TOT_MISMATCH``, ``E_OFFSETS``, ``E_TRUNCATED``, ``E_TEXTMODE_DAMAGE``, ``E_WIDTH``.
    """
    said = said_of_data(header, keywords)
    findings: list[Finding] = []
    n_events = layout.n_events
    if n_events is None and layout.widths_assumed:
        # A count taken from the length of DATA with these very widths would confirm nothing.
        sources = tuple(f"{source} {pair}" for source, pair in said.items())
        _refuse_widths(layout, "there is no $TOT to confirm it by", "a file that states $TOT", sources, file)
    if n_events is None:
        n_events = _derived_count(said, header.text, layout.event_size, len(data), file, findings, lenient=lenient)
    size = n_events * layout.event_size
    candidates = list(candidates_of(said, size))
    fitting = [each for each in candidates if _fits(each, size, header.text, len(data), layout)]
    if n_events == 0 and not fitting and all(each.length <= 1 for each in candidates):
        return without_events(candidates, findings)
    if not fitting and lenient and not layout.widths_assumed:
        taken = _whole_events(data, candidates, header.text, n_events, layout.event_size, file)
        if taken is not None:
            return replace(taken, findings=(*findings, *taken.findings))
    if not fitting:
        _refuse(data, candidates, said, header.text, n_events, layout, file)
    chosen = choose(fitting, header.text, findings)
    explain(chosen, fitting, said, size, header.version, findings)
    return Located(Segment(chosen.begin, chosen.begin + size - 1), n_events, tuple(findings))


def without_events(candidates: Iterable[Candidate], findings: Iterable[Finding] = ()) -> Located:
    """Return an empty DATA segment where no place that is given for it can be right."""
    places = " and ".join(f"{each.source} {each.said}" for each in candidates)
    text = f"DATA is empty, and is said to lie where it cannot: {places}"
    misplaced = (Finding("data-empty-misplaced", "info", "DATA", text),) if places else ()
    return Located(Segment(HEADER_BYTES, HEADER_BYTES - 1), 0, (*findings, *misplaced))


def check_trailing(
    data: memoryview, located: Located, declared: Iterable[Segment], *, limit: int, file: str
) -> tuple[Finding, ...]:
    """Look at bytes behind everything that the file declares: damage, or values that the offsets or ``$TOT`` miss.

    Parameters
    ----------
    data : memoryview
        The data set, from its first byte to the end of the file.
    located : Located
    declared : iterable of Segment
        The other segments.
    limit : int
        Where this data set ends at the latest.
    file : str
        Name for messages.

    Raises
    ------
    FcsError
        ``E_TEXTMODE_DAMAGE``.
    """
    begin = max([located.data.end, *(segment.end for segment in declared)]) + 1
    trailing = limit - begin
    # A segment that is said to be longer than it is has let blanks before the checksum in.
    slack = _SLACK if any(each.code == "data-end-plus-one" for each in located.findings) else 0
    rest = bytes(data[begin : min(limit, begin + 4 * CRC_BYTES)])
    if trailing <= 0 or located.partial or _is_checksum(rest, trailing, slack):
        return ()
    refuse_added_line_ends(data[:limit], located.data.begin, located.data.length, trailing, file=file)
    text = f"{trailing} bytes lie behind the last segment and are not read"
    return (Finding("trailing-bytes", "warning", "DATA", text),)


def check_gaps(data: memoryview, located: Located, declared: Iterable[Segment]) -> tuple[Finding, ...]:
    """Look at bytes between the segments: keywords that TEXT does not reach, or values that DATA does not.

    A byte taken out of TEXT moves DATA ahead of where the offsets say, and each value becomes another; TEXT that ends
    too early loses keywords. Either leaves bytes behind that are no padding.

    Parameters
    ----------
    data : memoryview
        The data set, from its first byte to the end of the file.
    located : Located
    declared : iterable of Segment
        The other segments, primary TEXT among them.
    """
    segments = sorted((each for each in (located.data, *declared) if each.length > 0), key=lambda each: each.begin)
    begin, undeclared = HEADER_BYTES, 0
    for segment in segments:
        undeclared += _undeclared(data, begin, segment.begin)
        begin = max(begin, segment.end + 1)
    if not undeclared:
        return ()
    text = f"{undeclared} bytes or more lie before the last segment and in none of them: they are not read"
    return (Finding("undeclared-bytes", "warning", "file", text),)


def _undeclared(data: memoryview, begin: int, end: int) -> int:
    """Count what is no padding in a gap; of a wide one both ends are looked at, where segments would have moved."""
    spans = [(begin, end)] if end - begin <= 2 * _LOOK else [(begin, begin + _LOOK), (end - _LOOK, end)]
    rests = [bytes(data[first:last]) for first, last in spans if first < last]
    if begin == HEADER_BYTES:  # OTHER segments are listed there: pairs of numbers
        return sum(len(rest.strip(_BLANKS + _NUMBERS)) for rest in rests)
    # Writers pad with one byte: NUL behind blanks is the beginning of a value, 0.0 as a rule.
    padding = rests[0][:1] if rests and rests[0][:1] in _PADDINGS else b""
    return sum(len(rest.strip(padding + _LINE_ENDS)) for rest in rests)


def _is_checksum(rest: bytes, trailing: int, slack: int) -> bool:
    """Tell whether nothing but a checksum lies behind the last segment, and the end of a line.

    A blank or NUL alone may be the last byte of a value: of one byte too many in TEXT no other trace is left.
    """
    field = rest.rstrip(b"\r\n")
    before = len(field) - CRC_BYTES
    return (
        trailing <= len(rest)
        and 0 <= before <= slack
        and not field[before:].strip(_CHECKSUM)
        and not any(field[:before])
    )


def supplemental(
    keywords: Mapping[str, str], text: Segment, data: Segment, size: int
) -> tuple[Segment | None, tuple[Finding, ...]]:
    """Return where supplemental TEXT lies, or None if there is none that can be trusted.

    Re-exports keep the offsets of the original file, which then point into TEXT and DATA (IntelliCyt iQue3): a range
    that overlaps either, or leaves the file, is ignored with a finding.
    """
    said = offsets(keywords.get("$BEGINSTEXT"), keywords.get("$ENDSTEXT"))
    if (said.begin is None) != (said.end is None):
        reason = f"supplemental TEXT is said to lie at {said}: one end alone is no place, and what it holds is not read"
        return None, (Finding("stext-half-given", "warning", "supplemental TEXT", reason),)
    if said.begin is None or said.end is None or said.end <= said.begin:
        return None, ()
    found = Segment(said.begin, said.end)
    if found == text:
        return None, ()
    if found.begin < HEADER_BYTES or found.end >= size or found.overlaps(text) or found.overlaps(data):
        reason = f"supplemental TEXT is said to lie at {said}, over other segments or past the end: ignored"
        return None, (Finding("stext-overlap", "info", "supplemental TEXT", reason),)
    return found, ()


def candidates_of(said: Mapping[str, Offsets], size: int) -> Iterator[Candidate]:
    """Return what each source says, its end computed from `size` where it is absent or not behind its begin."""
    for source, pair in said.items():
        if pair.begin is None:
            continue
        # iQue sets $ENDDATA = $BEGINDATA, others leave the end out: $TOT times the event size is the length that fits.
        empty = size == 0 and pair.end == pair.begin - 1
        computed = not empty and (pair.end is None or pair.end <= pair.begin)
        length = size if pair.end is None or computed else pair.end - pair.begin + 1
        yield Candidate(source, pair, pair.begin, length, computed)


def _fits(candidate: Candidate, size: int, text: Segment, file_size: int, layout: Layout) -> bool:
    # Widths that were taken from $BYTEORD need a length that somebody stated, not one computed from them.
    confirmed = not (layout.widths_assumed and candidate.computed)
    return (
        confirmed
        and candidate.length in (size, size + 1)
        and _begins_well(candidate, size, text)
        and candidate.begin + size <= file_size
    )


def _begins_well(candidate: Candidate, size: int, text: Segment) -> bool:
    occupied = Segment(candidate.begin, candidate.begin + size - 1)
    return candidate.begin >= HEADER_BYTES and not occupied.overlaps(text)


def choose(fitting: list[Candidate], text: Segment, findings: list[Finding]) -> Candidate:
    """Return the candidate to follow; where two places are possible, the one directly behind TEXT, else HEADER's."""
    first = fitting[0]
    if all(each.begin == first.begin for each in fitting):
        return min(fitting, key=lambda each: each.computed)
    behind_text = [each for each in fitting if each.begin == text.end + 1]
    chosen = (behind_text or fitting)[0]
    both = " and ".join(f"{each.source} {each.said}" for each in fitting)
    text_ = f"DATA could lie at {both}: {chosen.source} is followed"
    findings.append(Finding("offset-conflict", "review", "DATA", text_))
    return chosen


def explain(
    chosen: Candidate,
    fitting: list[Candidate],
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
        if len({(each.begin, each.said.end) for each in fitting}) > len({each.begin for each in fitting}):
            both = " and ".join(f"{each.source} {each.said}" for each in fitting)
            text = f"two ends are given for DATA, {both}: {chosen.source} is followed"
            findings.append(Finding("data-end-differs", "info", "DATA", text))
        return
    other = "TEXT" if chosen.source == "HEADER" else "HEADER"
    if said[other].begin is not None:
        text = f"{other} places DATA at {said[other]}, which does not fit: {chosen.source} {chosen.said} does"
        findings.append(Finding("offset-repaired", "warning", "DATA", text))
    elif other == "HEADER" and chosen.end < OFFSET_LIMIT:
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
    *,
    lenient: bool,
) -> int:
    stated = [(pair.begin, pair.end) for pair in said.values()]
    segments = [Segment(begin, end) for begin, end in stated if begin is not None and end is not None]
    inside = [
        each for each in segments if HEADER_BYTES <= each.begin <= each.end < file_size and not each.overlaps(text)
    ]
    counts = {each.length // event_size for each in inside if each.length % event_size == 0}
    if len(counts) != 1 and lenient and inside:
        count = inside[0].length // event_size
        text_ = f"$TOT is missing: DATA holds {count} whole events and {inside[0].length % event_size} bytes"
        findings.append(Finding("lenient-tot-missing", "review", "DATA", text_))
        return count
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


def _whole_events(
    data: memoryview,
    candidates: list[Candidate],
    text: Segment,
    n_events: int,
    event_size: int,
    file: str,
) -> Located | None:
    """Take the whole events that are there, and no more than ``$TOT``; for lenient reading only."""
    for each in candidates:
        size = n_events * event_size
        if each.begin + size > len(data) and _begins_well(each, size, text):
            refuse_textmode(data, each.begin, n_events=n_events, event_size=event_size, file=file)
        present = min(each.length, len(data) - each.begin)
        count = min(n_events, present // event_size)
        if count > 0 and _begins_well(each, count * event_size, text):
            cut = each.end >= len(data)
            code, reason = (
                ("lenient-truncated", "the file ends inside DATA")
                if cut
                else ("lenient-tot-mismatch", "$TOT and the length of DATA disagree")
            )
            said = f"{reason}: {n_events} events promised, {count} whole events read, at {each.said} ({each.source})"
            found = Segment(each.begin, each.begin + count * event_size - 1)
            return Located(found, count, (Finding(code, "review", "DATA", said),), partial=True)
    return None


def _refuse_widths(layout: Layout, why: str, expected: str, sources: tuple[str, ...], file: str) -> NoReturn:
    raise FcsError(
        f"{layout.widths_assumed}, but {why}",
        code="E_WIDTH",
        file=file,
        expected=expected,
        available=sources,
        remedy="export the file as FCS 3.1 with floating point data",
    )


def _refuse(
    data: memoryview,
    candidates: list[Candidate],
    said: Mapping[str, Offsets],
    text: Segment,
    n_events: int,
    layout: Layout,
    file: str,
) -> NoReturn:
    size = n_events * layout.event_size
    sources = tuple(f"{source} {pair}" for source, pair in said.items())
    expected = promised(n_events, layout.event_size)
    if layout.widths_assumed:
        _refuse_widths(layout, "DATA is not of that length", expected, sources, file)
    placed = [each for each in candidates if _begins_well(each, size, text)]
    cut = [each for each in placed if each.end >= len(data) and each.begin + size > len(data)]
    if cut:
        sizes = {"n_events": n_events, "event_size": layout.event_size}
        refuse_textmode(data, cut[0].begin, **sizes, file=file)
        refuse_truncated(data, cut[0].begin, cut[0].source, **sizes, file=file)
    if any(each.end < len(data) and each.length not in (size, size + 1) for each in placed):
        raise FcsError(
            "$TOT and the length of DATA disagree",
            code="E_TOT_MISMATCH",
            file=file,
            expected=expected,
            available=tuple(f"{each.source} {each.said} ({each.length} bytes)" for each in candidates),
            remedy="export the file again, after the software has finished calculating",
        )
    refuse_place(data, said, text, expected, file=file)


def refuse_place(data: memoryview, said: Mapping[str, Offsets], text: Segment, expected: str, *, file: str) -> NoReturn:
    """Refuse a file in which neither source places DATA where it could lie."""
    raise FcsError(
        "neither HEADER nor TEXT says where DATA lies",
        code="E_OFFSETS",
        file=file,
        expected=f"{expected}, behind HEADER, outside TEXT, inside the file",
        available=(
            *(f"{source} {pair}" for source, pair in said.items()),
            f"TEXT itself {text.begin}-{text.end}",
            f"file {len(data)} bytes",
        ),
        remedy="export the file again from the software that wrote it",
    )
