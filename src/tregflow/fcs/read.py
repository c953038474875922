"""Read an FCS file: HEADER, TEXT, the place of DATA, then the values asked for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from tregflow.errors import FcsError, PanelError
from tregflow.fcs.ascii_data import locate_delimited
from tregflow.fcs.channels import Channel, channels_of, label_list
from tregflow.fcs.clock import clock_findings
from tregflow.fcs.data import decode, value_findings
from tregflow.fcs.datasets import DataSet, Part, choose_part, described
from tregflow.fcs.extras import analysis_offsets, check_crc, crc_unchecked, read_analysis
from tregflow.fcs.header import VERSIONS
from tregflow.fcs.layout import Layout, layout_of
from tregflow.fcs.lazy import LazyColumns, Origin
from tregflow.fcs.names import near_misses
from tregflow.fcs.sample import Sample
from tregflow.fcs.segments import Located, check_gaps, check_trailing, locate_data, supplemental
from tregflow.fcs.source import Hashing, Opened, Source, is_path, opened
from tregflow.fcs.strict import refuse_deviations
from tregflow.fcs.target import check_rows
from tregflow.fcs.text import Text, is_text, merge, parse_text, taken
from tregflow.fcs.zero_based import from_one, renumbered
from tregflow.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from tregflow.fcs.header import Header
    from tregflow.fcs.sample import Column

Mode = Literal["strict", "standard", "lenient"]

REPAIRS = ("zero-based-parameters", *(f"assume-fcs-{version}" for version in VERSIONS))
"""Repairs that are made only where the caller names them: each has more than one reading."""

_CHUNK = 65_536


def read_fcs(  # noqa: PLR0913 - all by name
    path: Source,
    *,
    channels: Sequence[str] | None = None,
    events: tuple[int, int | None] | None = None,
    dataset: int | None = None,
    mode: Mode = "standard",
    repairs: Sequence[str] = (),
    sha256: bool = False,
    out: NDArray[Any] | None = None,
    lazy: bool = False,
) -> Sample:
    """Read an FCS file of version 2.0, 3.0, 3.1 or 3.2.

    The file is memory-mapped, and only the columns and events asked for are decoded. Its size and time are compared
    before and after. What deviates from the standard is repaired where only one reading is left, and recorded as a
    finding; everything else is an error that says what is wrong. Values are the file's own and never clipped.

    Parameters
    ----------
    path : Path, str or file object
        A path, a URL (``s3://…``, which needs fsspec), or a file object open for reading bytes.
    channels : sequence of str, optional
        ``$PnN`` of the channels to decode; default: all; ``()``: none, for the keywords alone.
    events : (int, int or None), optional
        First event, from 0, and the one behind the last, as in a slice; None: to the end.
    dataset : int, optional
        Number of the data set, from 1. Needed where the file holds several, except for the pair of a Beckman LMD file,
        of which the second is read.
    mode : {"standard", "strict", "lenient"}
        strict: every deviation is an error. lenient: also the whole events of a file that is cut off, or whose ``$TOT``
        is wrong; such a sample can be looked at and is refused where frequencies are computed.
    repairs : sequence of str
        Repairs to make that the file alone does not justify: ``zero-based-parameters``, ``assume-fcs-3.1``.
    sha256 : bool
        Whether to hash the bytes of the file, beside the decoding.
    out : (n_events, n_channels) ndarray of float32 or float64, optional
        Row-major array to decode into, such as one that is used for file after file: values as stored (`Sample.raw`),
        channels in the order asked for, else in that of the file. The columns of the sample are views of it, so they
        hold what it holds. How many events there are ``read_fcs(path, channels=()).n_events`` tells.
    lazy : bool
        Whether to decode a channel only when it is asked for, from the path, which must still be as it was then
        (``E_CHANGED``). What is to be said of values, the checksum and the hash comes with `Strategy.gate`, which reads
        such a sample once from front to back, a piece at a time.

    Returns
    -------
    Sample

    Raises
    ------
    FcsError
        The file is missing (``E_MISSING``), no FCS file (``E_NOT_FCS``), damaged (``E_TRUNCATED``,
        ``E_TEXTMODE_DAMAGE``), contradicts itself (``E_OFFSETS``, ``E_TOT_MISMATCH``, ``E_PAR`` …), is of a kind that
        cannot be read (``E_DATATYPE``, ``E_WIDTH``, ``E_BYTEORD``, ``E_MODE``, ``E_VERSION``), holds several data sets
        (``E_DATASET``), is not as strict reading wants it (``E_STRICT``, ``E_DELIM``), or changed while it was read
        (``E_CHANGED``). Also for events (``E_EVENTS``) or options (``E_OPTION``) that cannot be, and for an `out` that
        the values do not fit into (``E_OUT``).
    PanelError
        ``E_NO_CHANNEL``: a channel asked for is not in the file.

    Examples
    --------
    One buffer for many files::

        n_events = read_fcs(path, channels=()).n_events
        sample = read_fcs(path, channels=names, out=buffer[:n_events])
    """
    options = _options(mode, repairs)
    if lazy:
        _check_lazy(path, out)
    with opened(path) as source:
        plan = _plan(source, dataset, options)
        wanted = _selected(plan.channels, channels, plan.file)
        span = _span(events, plan.located.n_events, plan.file)
        if out is not None:
            wanted = _as_asked(wanted, channels)
            check_rows(out, wanted, len(span), file=plan.file)
        if lazy:
            sample = plan.sample(LazyColumns(_origin(plan, source, wanted, span, options, hashed=sha256)), span, ())
        else:
            with Hashing(source.data, active=sha256) as hashing:
                columns, odd = decode(plan.data, plan.located.data, plan.layout, wanted, span, file=plan.file, rows=out)
                noticed = value_findings(wanted, odd, len(span))
                if wanted:
                    noticed += _checksum(plan, span, options)(plan.data)
                sample = plan.sample(columns, span, noticed, sha256=hashing.digest())
        source.check_unchanged()
    return sample


def iter_fcs(
    path: Source,
    *,
    n_events: int = _CHUNK,
    channels: Sequence[str] | None = None,
    dataset: int | None = None,
    mode: Mode = "standard",
    repairs: Sequence[str] = (),
) -> Iterator[Sample]:
    """Read an FCS file in pieces: a sample per `n_events` events, in their order.

    Memory holds one piece at a time, whatever the size of the file. Findings on values (masked bits, NaN) are those of
    the piece; a checksum that does not fit is a finding of the last. A file without events gives one sample without
    events.

    Parameters
    ----------
    path, channels, dataset, mode, repairs
        As for `read_fcs`.
    n_events : int
        Events per piece; the last may have fewer.

    Yields
    ------
    Sample
        Its `first_event` says where in the file it begins.

    Raises
    ------
    FcsError, PanelError
        As `read_fcs`; ``E_OPTION``: fewer than one event per piece.
    """
    if n_events < 1:
        raise FcsError("a piece needs an event", code="E_OPTION", expected="n_events of 1 or more")
    with opened(path) as source:
        options = _options(mode, repairs)
        plan = _plan(source, dataset, options)
        wanted = _selected(plan.channels, channels, plan.file)
        total = plan.located.n_events
        # Only reading tells where a separated value stands: those files are decoded once, and cut afterwards.
        step = total if plan.layout.delimited else n_events
        for start in range(0, max(total, 1), max(step, 1)):
            span = range(start, min(start + step, total))
            columns, odd = decode(plan.data, plan.located.data, plan.layout, wanted, span, file=plan.file)
            noticed = value_findings(wanted, odd, len(span))
            if wanted and span.stop == total:
                noticed += _checksum(plan, range(total), options)(plan.data)
            source.check_unchanged()
            yield from _pieces(plan, columns, span, n_events, noticed)


def list_datasets(path: Source) -> tuple[DataSet, ...]:
    """List the data sets of an FCS file.

    Parameters
    ----------
    path : Path, str or file object

    Returns
    -------
    tuple of DataSet

    Raises
    ------
    FcsError
        ``E_DATASET``: ``$NEXTDATA`` leads nowhere; and what HEADER and TEXT raise.
    """
    with opened(path) as source:
        found = tuple(described(source.data, file=source.file))
        source.check_unchanged()
    return found


@dataclass(frozen=True, slots=True)
class _Options:
    mode: Mode
    zero_based: bool
    assumed: str


@dataclass(frozen=True, slots=True)
class _Plan:
    """Everything that is known of a data set before a value is decoded."""

    file: str
    path: Path | None
    part: Part
    text: Text
    layout: Layout
    located: Located
    channels: tuple[Channel, ...]
    analysis: dict[str, str]
    last: int
    findings: tuple[Finding, ...]
    lenient: bool
    data: memoryview = field(repr=False)

    @property
    def limit(self) -> int:
        """Where the data set ends at the latest."""
        return len(self.data) if self.part.following is None else self.part.following

    def sample(
        self, columns: Mapping[str, Column], span: range, noticed: tuple[Finding, ...], *, sha256: str | None = None
    ) -> Sample:
        return Sample(
            file=self.file,
            path=self.path,
            version=self.part.header.version,
            keywords=self.text.keywords,
            channels=self.channels,
            n_events=len(span),
            findings=(*self.findings, *noticed),
            sha256=sha256,
            columns=columns,
            spelling=self.text.spelling,
            analysis=self.analysis,
            other=self.part.header.other,
            dataset=self.part.number,
            first_event=span.start,
            events_in_file=self.located.n_events,
            lenient=self.lenient,
        )


def _options(mode: Mode, repairs: Sequence[str]) -> _Options:
    unknown = [repair for repair in repairs if repair not in REPAIRS]
    if mode not in get_args(Mode) or unknown:
        problem = f"unknown repair {unknown[0]!r}" if unknown else f"unknown mode {mode!r}"
        raise FcsError(problem, code="E_OPTION", available=REPAIRS if unknown else get_args(Mode))
    versions = [repair.removeprefix("assume-fcs-") for repair in repairs if repair.startswith("assume-fcs-")]
    return _Options(mode, "zero-based-parameters" in repairs, versions[0] if versions else "")


def _check_lazy(path: Source, out: object) -> None:
    problem = ""
    if not is_path(path):
        problem = "lazy reading needs a path, which can be opened again"
    elif out is not None:
        problem = "lazy reading fills no array: it leaves the values in the file"
    if problem:
        file = Path(path).name if isinstance(path, str | Path) else "a file object"
        raise FcsError(problem, code="E_OPTION", file=file, remedy="leave out lazy=True")


def _plan(source: Opened, dataset: int | None, options: _Options) -> _Plan:
    file, lenient = source.file, options.mode == "lenient"
    part = choose_part(source.data, dataset, file=file, assumed=options.assumed)
    text = from_one(part.text) if options.zero_based else part.text
    layout = layout_of(text.keywords, file=file, version=part.header.version)
    located = _located(part, text, layout, file, lenient=lenient)
    stext, stext_findings = supplemental(text.keywords, part.header.text, located.data, len(part.data))
    shifted = text is not part.text
    whole_text = text if stext is None else _with_supplemental(text, taken(part.data, stext), file, shifted=shifted)
    occupied = [part.header.text, located.data, *([stext] if stext else [])]
    said = analysis_offsets(part.header, text.keywords)
    analysis, analysis_segment, analysis_findings = read_analysis(part.data, said, occupied)
    declared = [*occupied, *part.header.other, *([analysis_segment] if analysis_segment else [])]
    channels, channel_findings = channels_of(whole_text.keywords, layout, file=file)
    plan = _Plan(
        file=file,
        path=source.path,
        part=part,
        text=whole_text,
        layout=layout,
        located=located,
        channels=channels,
        analysis=analysis,
        last=max(segment.end for segment in declared),
        findings=(),
        lenient=lenient,
        data=part.data,
    )
    trailing = check_trailing(part.data, located, declared, limit=plan.limit, file=file)
    findings = (
        *part.findings,
        *part.header.findings,
        *whole_text.findings,
        *layout.findings,
        *located.findings,
        *trailing,
        *check_gaps(part.data, located, declared),
        *stext_findings,
        *analysis_findings,
        *channel_findings,
        *clock_findings(channels, whole_text.keywords),
        *([_LENIENT] if lenient else []),
    )
    if options.mode == "strict":
        refuse_deviations(findings, part.header, text.keywords, len(channels), file=file)
    return replace(plan, findings=findings)


_LENIENT = Finding("read-lenient", "review", "file", "read in lenient mode: no frequency may be computed from it")


def _located(part: Part, text: Text, layout: Layout, file: str, *, lenient: bool) -> Located:
    if layout.delimited:
        located = locate_delimited(part.data, part.header, text.keywords, layout, file=file, lenient=lenient)
    else:
        located = locate_data(part.data, part.header, text.keywords, layout, file=file, lenient=lenient)
    if part.following is not None and located.data.end >= part.following:
        raise FcsError(
            "the next data set begins inside DATA",
            code="E_DATASET",
            file=file,
            expected=f"$NEXTDATA behind byte {located.data.end}",
            available=(f"$NEXTDATA {part.following}",),
            remedy="export the file again from the software that wrote it",
        )
    return located


def _checksum(plan: _Plan, span: range, options: _Options) -> Callable[[memoryview], tuple[Finding, ...]]:
    """Return what says about the checksum of a data set what there is to say, given its bytes; it can be pickled."""
    if len(span) < plan.located.n_events:
        return partial(crc_unchecked, last=plan.last, limit=plan.limit)
    compared = partial(check_crc, last=plan.last, limit=plan.limit)
    if options.mode != "strict":
        return compared
    return partial(_strictly, compared, header=plan.part.header, keywords=plan.text.keywords, file=plan.file)


def _strictly(
    compared: Callable[[memoryview], tuple[Finding, ...]],
    data: memoryview,
    *,
    header: Header,
    keywords: Mapping[str, str],
    file: str,
) -> tuple[Finding, ...]:
    findings = compared(data)
    refuse_deviations(findings, header, keywords, 0, file=file)
    return findings


def _origin(
    plan: _Plan, source: Opened, channels: Sequence[Channel], span: range, options: _Options, *, hashed: bool
) -> Origin:
    return Origin(
        path=Path(plan.path or "").absolute(),
        state=source.state,
        begin=plan.part.begin,
        segment=plan.located.data,
        layout=plan.layout,
        channels=tuple(channels),
        events=span,
        checksum=_checksum(plan, span, options),
        hashed=hashed,
    )


def _pieces(
    plan: _Plan, columns: dict[str, Column], span: range, n_events: int, noticed: tuple[Finding, ...]
) -> Iterator[Sample]:
    for start in range(0, max(len(span), 1), n_events):
        piece = span[start : start + n_events]
        cut = {name: column[start : start + n_events] for name, column in columns.items()}
        yield plan.sample(cut, piece, noticed)


def _with_supplemental(text: Text, segment: bytes, file: str, *, shifted: bool) -> Text:
    if is_text(segment):
        more = parse_text(segment, where="supplemental TEXT", file=file)
        return merge(text, renumbered(more) if shifted else more)
    finding = Finding("stext-not-text", "info", "supplemental TEXT", "supplemental TEXT holds no keywords: ignored")
    return replace(text, findings=(*text.findings, finding))


def _span(events: tuple[int, int | None] | None, n_events: int, file: str) -> range:
    start, stop = (0, None) if events is None else events
    if start < 0 or (stop is not None and stop < start):
        raise FcsError(
            f"events {start} to {stop} are no range",
            code="E_EVENTS",
            file=file,
            expected="events=(first, behind the last), counted from 0",
        )
    return range(n_events)[start:stop]


def _selected(channels: tuple[Channel, ...], wanted: Sequence[str] | None, file: str) -> list[Channel]:
    if wanted is None:
        return list(channels)
    chosen = {wanted} if isinstance(wanted, str) else set(wanted)
    names = {channel.pnn for channel in channels}
    for name in wanted if not isinstance(wanted, str) else (wanted,):
        if name not in names:
            near = near_misses(name, names)
            raise PanelError(
                f"the file has no channel {name}",
                code="E_NO_CHANNEL",
                file=file,
                available=label_list(channels),
                remedy=f"near miss {', '.join(map(repr, near))}" if near else "name a channel by its $PnN",
            )
    return [channel for channel in channels if channel.pnn in chosen]


def _as_asked(channels: list[Channel], names: Sequence[str] | None) -> list[Channel]:
    """Return channels in the order of `names`, where there are some."""
    if names is None or isinstance(names, str):
        return channels
    by_name = {channel.pnn: channel for channel in channels}
    return [by_name[name] for name in dict.fromkeys(names)]
