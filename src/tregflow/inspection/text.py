"""The page that `tregflow inspect` prints: what a person asks of a file, in the order in which it is asked."""

from __future__ import annotations

import textwrap
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tregflow.fcs.names import printable
from tregflow.inspection.facts import describe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tregflow.fcs import Sample

_WIDTH = 100
_LABEL = 14
# strftime would name them in the language of the machine.
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_NO_BREAK = "\u00a0"
_KINDS = {"F": "{bits}-bit floating point", "D": "{bits}-bit floating point", "I": "{bits}-bit integers"}
_ORDERS = {"little": ", little endian", "big": ", big endian", "mixed": ", bytes in mixed order"}


def page(sample: Sample) -> str:
    """Return what a file holds as text for a person.

    Parameters
    ----------
    sample : Sample
        Its header suffices: ``read_fcs(path, channels=())``.

    Returns
    -------
    str
        Lines with a final line end. Control characters in the file's own texts are shown as ``?``.
    """
    found = describe(sample)
    lines = [
        found["file"],
        *_facts(found),
        "",
        *_table(found["channels"]),
        "",
        *_compensation(found),
        "",
        *_findings(found["findings"]),
    ]
    return "".join(f"{printable(line)}\n" for line in lines)


def _facts(found: dict[str, Any]) -> Iterator[str]:
    instrument = found.get("cytometer", "not named in the file")
    yield from _entry("instrument", f"{instrument}, serial {found['serial']}" if "serial" in found else instrument)
    yield from _entry("acquired", _acquired(found))
    yield from _entry("events", f"{_count(found['events'])} in {_count(len(found['channels']))} channels")
    yield from _entry("clock", _clock(found["clock"]))
    yield from _entry("format", _format(found))


def _acquired(found: dict[str, Any]) -> str:
    begin, end = (
        None if text is None else datetime.fromisoformat(text)
        for text in (found["acquired"][key] for key in ("begin", "end"))
    )
    if begin is None:
        times = " to ".join(found[name] for name in ("begin", "end") if name in found)
        return ", ".join(filter(None, (found.get("date", ""), times))) or "not said in the file"
    text = f"{begin.day} {_MONTHS[begin.month - 1]} {begin.year}, {begin:%H:%M:%S}"
    if end is None:
        return text
    seconds = round((end - begin).total_seconds())
    return f"{text} to {end:%H:%M:%S} ({_duration(seconds)})"


def _duration(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (rest, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 s"


def _clock(clock: dict[str, Any] | None) -> str:
    if clock is None:
        return "no channel of the file is a clock"
    step = "whose steps are of unknown length" if clock["step"] is None else f"in steps of {clock['step']:g} s"
    return f"{' and '.join(clock['channels'])}, {step}"


def _format(found: dict[str, Any]) -> str:
    kinds = [_KINDS.get(each["type"], "numbers as text").format(bits=each["bits"]) for each in found["stored"]]
    if len(kinds) > 1:
        kinds = [f"{each['channels']} x {kind}" for kind, each in zip(kinds, found["stored"], strict=True)]
    several = f", data set {found['dataset']} of the file" if found["dataset"] > 1 else ""
    return f"FCS {found['version']}, {' and '.join(kinds)}{_ORDERS.get(found['byte_order'], '')}{several}"


def _table(channels: Sequence[dict[str, Any]]) -> Iterator[str]:
    rows = [("#", "channel", "marker", "range", "")]
    rows += [(str(each["number"]), each["channel"], _marker(each), _range(each), _remark(each)) for each in channels]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for number, name, marker, limit, remark in rows:
        cells = f"{number:>{widths[0]}}  {name:<{widths[1]}}  {marker:<{widths[2]}}  {limit:>{widths[3]}}  {remark}"
        yield f"  {cells}".rstrip()


def _marker(channel: dict[str, Any]) -> str:
    """Return the marker; what only repeats the channel's name is none."""
    return channel["marker"] if channel["marker"] not in ("", channel["channel"]) else "-"


def _range(channel: dict[str, Any]) -> str:
    limit = channel["range"]
    if limit is None:
        return "-"
    return f"{int(limit):,}" if float(limit).is_integer() else f"{limit:g}"


def _remark(channel: dict[str, Any]) -> str:
    logarithmic = f"logarithmic, {channel['decades']:g} decades" if channel["decades"] else ""
    gain = f"gain {channel['gain']:g}, not applied" if channel["gain"] != 1 else ""
    return ", ".join(filter(None, (logarithmic, gain)))


def _compensation(found: dict[str, Any]) -> Iterator[str]:
    yield "  compensation"
    matrix, marked = found["spillover"], found["compensated"]
    if marked:
        carried = f" The file also carries {', '.join(matrix['keywords'])}." if matrix["keywords"] else ""
        yield from _paragraph(
            f"{_count(len(marked))} of {_count(len(found['channels']))} channels hold compensated values, as their "
            f"names say, such as {_unbroken(marked[0])}.{carried} A matrix is not applied again: set "
            "compensation: none."
        )
    elif "problem" in matrix:
        there = f" In the file: {', '.join(matrix['available'])}." if matrix["available"] else ""
        yield from _paragraph(
            f"{_sentence(matrix['problem'])} ({matrix['code']}).{there} {_sentence(matrix['remedy'])}."
        )
    else:
        yield from _paragraph(_matrix(matrix))
        yield from _notes(matrix["findings"])


def _matrix(matrix: dict[str, Any]) -> str:
    largest, detectors = matrix["largest"], ", ".join(map(_unbroken, matrix["detectors"]))
    if any(finding["code"] == "spillover-identity" for finding in matrix["findings"]):
        return f"{matrix['keyword']} holds the identity, which changes nothing, for the detectors {detectors}."
    pair = f"{_unbroken(largest['into'])} sees {100 * largest['share']:.3g} % of {_unbroken(largest['from'])}"
    return (
        f"{matrix['keyword']} holds a matrix of {_count(len(matrix['detectors']))} detectors: {detectors}. "
        f"Largest spillover: {pair}; condition number {matrix['condition']:.3g}. No channel's name says that the "
        "values are compensated already, so that compensation: fcs applies it."
    )


def _findings(findings: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield "  findings" if findings else "  findings      none: nothing had to be repaired"
    yield from _notes(findings)


def _notes(findings: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield findings, those of one kind together, and once what they mean."""
    kinds: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for finding in findings:
        kinds.setdefault((finding["severity"], finding["code"]), []).append(finding)
    for (severity, code), alike in kinds.items():
        single = f", in {alike[0]['where']}" if len(alike) == 1 else ""
        yield f"    {severity:<8} {code}{single}"
        for each in alike:
            yield from _paragraph(each["text"] if single else f"{each['where']}: {each['text']}", indent=13)
        if _adds(alike[0]["means"], alike[0]["text"]):
            yield from _paragraph(f"so: {alike[0]['means']}", indent=13)


def _adds(means: str, text: str) -> bool:
    """Tell whether a meaning says more than its finding, which may end in "... : ignored"."""
    return bool(means) and not (len(means) < 30 and means.rsplit(maxsplit=1)[-1] in text)


def _entry(label: str, text: str) -> Iterator[str]:
    first, *rest = textwrap.wrap(text, _WIDTH - _LABEL - 2, break_long_words=False) or [""]
    yield f"  {label:<{_LABEL}}{first}"
    yield from (" " * (_LABEL + 2) + line for line in rest)


def _paragraph(text: str, *, indent: int = 4) -> Iterator[str]:
    lines = textwrap.wrap(text, _WIDTH - indent, break_long_words=False, break_on_hyphens=False)
    yield from (" " * indent + line.replace(_NO_BREAK, " ") for line in lines)


def _unbroken(name: str) -> str:
    """Return a name whose blanks end no line."""
    return name.replace(" ", _NO_BREAK)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _count(number: int) -> str:
    return f"{number:,}"
