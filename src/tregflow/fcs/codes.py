"""Every repair and remark that reading an FCS file can record: what it means, what to do, how grave it is.

The codes are part of the interface: a code that is there stays, with its meaning. ``docs/fcs.md`` shows this table, and
a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tregflow.findings import Severity

REVIEW_ONLY = "lenient reading only: no frequency is computed from it"


@dataclass(frozen=True, slots=True)
class Code:
    """What a finding of the reader stands for.

    Attributes
    ----------
    severity : {"info", "warning", "review"}
    cause : str
        What is in the file.
    cure : str
        What was done, and what a person can do.
    deviation : bool
        Whether the file departs from the standard, so that strict reading refuses it.
    """

    severity: Severity
    cause: str
    cure: str
    deviation: bool = True


CODES: dict[str, Code] = {
    # HEADER and where segments lie
    "version-assumed": Code(
        "review", "an unknown version, and the caller said which one to assume", "export the file again as FCS 3.1"
    ),
    "header-not-a-number": Code("info", "an offset in HEADER is no number", "it counts as absent"),
    "offset-repaired": Code(
        "warning",
        "HEADER and TEXT disagree on where DATA lies, and one of them cannot be right",
        "the one that fits is followed",
    ),
    "offset-conflict": Code(
        "review",
        "HEADER and TEXT disagree on where DATA lies, and both could be right",
        "the one directly behind TEXT is followed, else HEADER: look at the values",
    ),
    "data-end-computed": Code("info", "DATA has a begin and no usable end", "the end is computed from `$TOT`"),
    "data-end-plus-one": Code("info", "the end of DATA is given one byte too far", "the byte is dropped"),
    "data-end-differs": Code(
        "info",
        "HEADER and TEXT give different ends of DATA, and both fit",
        "`$TOT` events are read from its begin",
        deviation=False,  # strict reading compares all offsets by itself
    ),
    "data-empty-misplaced": Code(
        "info", "DATA without events is said to lie where no segment can", "nothing: there are no values"
    ),
    "header-data-absent": Code("info", "only TEXT says where DATA lies", "TEXT is followed"),
    "begindata-missing": Code("info", "only HEADER says where DATA lies", "HEADER is followed"),
    "trailing-bytes": Code(
        "warning",
        "more than a checksum lies behind the last segment",
        "`$TOT` events are read where the offsets say: compare numbers and values with the cytometer's",
    ),
    "undeclared-bytes": Code(
        "warning",
        "more than padding lies before DATA, in no segment",
        "`$TOT` events are read where the offsets say: compare keywords and values with the cytometer's",
    ),
    "tot-missing": Code("warning", "`$TOT` is missing", "the events are counted from the length of DATA"),
    "analysis-past-end": Code("info", "ANALYSIS is said to lie past the end of the file", "it is ignored"),
    "analysis-ignored": Code(
        "info", "ANALYSIS lies over another segment, or holds no keywords", "it is ignored; the bytes stay in the file"
    ),
    "stext-overlap": Code(
        "info", "supplemental TEXT is said to lie over other segments, or past the end", "it is ignored"
    ),
    "stext-half-given": Code(
        "warning",
        "only one end of supplemental TEXT is given",
        "it is not read: compare channels and markers with the cytometer's",
    ),
    "stext-not-text": Code("info", "supplemental TEXT holds no keywords", "it is ignored"),
    "stext-conflict": Code(
        "warning", "supplemental TEXT has other values than primary TEXT", "those of primary TEXT are taken"
    ),
    "crc-mismatch": Code(
        "warning",
        "the checksum at the end of the data set is not that of its bytes",
        "the values are read: compare the file with its source",
    ),
    "crc-not-checked": Code(
        "info",
        "a checksum is there, and only part of the events was read",
        "the values are read; read the file whole to have it compared",
        deviation=False,
    ),
    # Data sets
    "lmd-pair": Code(
        "info",
        "the file holds the same events twice: in 10 bits (FCS 2.0) and in 20 bits (FCS 3.0)",
        "the second is read, marker names come from the first; name a data set to choose",
        deviation=False,
    ),
    "nextdata-unusable": Code(
        "warning", "`$NEXTDATA` points at no data set", "the data set that was asked for by number is read"
    ),
    # TEXT
    "text-no-final-delimiter": Code("info", "TEXT does not end with its delimiter", "the last value is taken whole"),
    "text-doubled-delimiters": Code(
        "info", "doubled delimiters", "they are literal delimiters, as the standard has it", deviation=False
    ),
    "text-empty-values": Code(
        "info", "doubled delimiters that make sense only as empty values", "they are read as empty values"
    ),
    "text-delimiters-ambiguous": Code(
        "review",
        "doubled delimiters can be read in two ways that differ in a required key",
        "the standard's reading is taken: look at names and ranges of the channels",
    ),
    "text-odd-tokens": Code("warning", "the last key has no value", "it gets an empty one"),
    "text-empty-key": Code("warning", "values have no key", "they are dropped: look at the names of the channels"),
    "text-key-blanks": Code("info", "blanks around a key", "they are dropped"),
    "text-not-utf8": Code("info", "a value is not UTF-8", "it is read as Latin-1, byte for character"),
    "text-duplicate-key": Code("warning", "a key is there twice with different values", "the first is taken"),
    # Layout
    "mode-missing": Code("info", "`$MODE` is missing", "list mode is assumed"),
    "par-below-channels": Code(
        "info", "there are keywords of channels beyond `$PAR`", "the first `$PAR` channels are read"
    ),
    "zero-based-parameters": Code(
        "warning", "channels are numbered from 0, and the caller asked for that repair", "they are numbered from 1"
    ),
    "byteord-short": Code(
        "info", "`$BYTEORD` is not of the length of a value", "its direction counts: ascending is little endian"
    ),
    "byteord-mixed": Code(
        "info",
        "`$BYTEORD` is neither ascending nor descending",
        "each byte counts as the standard has it: its number is its significance",
    ),
    "pnb-contradicts-datatype": Code("warning", "`$PnB` does not fit the data type", "the data type counts"),
    "pnb-from-byteord": Code(
        "warning",
        "`$PnB` is no whole number of bytes",
        "values are as wide as `$BYTEORD` is long: the length of DATA confirms it",
    ),
    "pndatatype-early": Code("info", "`$PnDATATYPE` before FCS 3.2, which defines it", "it counts"),
    # Channels and values
    "keywords-missing": Code(
        "info",
        "`$PnE` of floating point data is missing",
        "it is not needed: such data are linear in any case",
        deviation=False,  # strict reading looks for all required keywords by itself
    ),
    "pnn-missing": Code("warning", "a channel has no name", "it is called P and its number"),
    "pnn-duplicate": Code("warning", "a channel has the name of another", "it gets a suffix, `#2`"),
    "pnn-control-characters": Code(
        "warning", "the name of a channel holds control characters", "it is kept: compare it with the cytometer's"
    ),
    "pnr-unusable": Code("warning", "`$PnR` of integer data is no range", "no bits are masked"),
    "pne-missing": Code("warning", "`$PnE` of integer data is missing", "the channel is read as linear"),
    "pne-offset-of-linear": Code(
        "info", "`$PnE` of integer data has an offset and no decades", "the channel is read as linear"
    ),
    "pne-absurd": Code(
        "warning", "`$PnE` has more decades than a number can hold", "infinite values are outside every gate"
    ),
    "pne-ignored": Code(
        "info",
        "`$PnE` of floating point data cannot be read",
        "it is not needed: such data are linear in any case",
    ),
    "png-unusable": Code("info", "`$PnG` is no gain", "it counts as 1"),
    "bits-masked": Code(
        "info", "values have bits above `$PnR`", "they are masked, as the standard has it", deviation=False
    ),
    "not-finite": Code(
        "warning", "a channel holds NaN or infinity", "those events are outside every gate", deviation=False
    ),
    # Time
    "timestep-unusable": Code(
        "warning", "`$TIMESTEP` is no length of time", "`time()` refuses seconds; the values stay as they are"
    ),
    "clock-ambiguous": Code(
        "warning",
        "more than one channel has the name of a clock",
        "none counts as the clock, and `time()` refuses; the values stay as they are",
        deviation=False,
    ),
    "time-two-words": Code(
        "info",
        "the clock is in two words, TIME_MSW and TIME_LSW",
        "`time()` joins them as MSW · 2³² + LSW, which no document confirms",
        deviation=False,
    ),
    # Lenient reading
    "read-lenient": Code("review", "the file was read in lenient mode", REVIEW_ONLY, deviation=False),
    "lenient-truncated": Code("review", "the file ends inside DATA", "its whole events are read; " + REVIEW_ONLY),
    "lenient-tot-mismatch": Code(
        "review", "`$TOT` and the length of DATA disagree", "the smaller number of events is read; " + REVIEW_ONLY
    ),
    "lenient-tot-missing": Code(
        "review",
        "`$TOT` is missing, and DATA is no whole number of events",
        "its whole events are read; " + REVIEW_ONLY,
    ),
}
"""Code of a finding -> what it stands for."""

STRICT_CODES: dict[str, Code] = {
    "required-missing": Code(
        "error", "keywords that the version requires are missing", "they are not needed to read the values"
    ),
    "offsets-differ": Code(
        "error", "HEADER and TEXT give different offsets for a segment", "the values do not depend on it"
    ),
}
"""What only strict reading looks at: reading goes well without, so that no finding is made of it."""


def as_table(codes: dict[str, Code]) -> str:
    """Return the rows of a Markdown table of `codes`, as the documentation shows it."""
    rows = [
        f"| `{name}` | {code.severity} | {code.cause} | {code.cure} | {'yes' if code.deviation else ''} |"
        for name, code in codes.items()
    ]
    return "\n".join(
        ["| code | severity | cause | what is done, what to do | strict refuses |", "|---|---|---|---|---|", *rows]
    )
