"""Write a sample as FCS: what was read is written back, whole or not at all."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from tregflow._files import write_whole
from tregflow.errors import FcsError
from tregflow.fcs.channels import label_list
from tregflow.fcs.encode import DATATYPES, encoded, formats_of
from tregflow.fcs.names import shown
from tregflow.fcs.persons import deidentified
from tregflow.fcs.text import parse_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tregflow.fcs.channels import Channel
    from tregflow.fcs.encode import Format
    from tregflow.fcs.sample import Sample

VERSIONS = {"3.0": "SPILL", "3.1": "$SPILLOVER", "3.2": "$SPILLOVER"}
"""Versions that are written, each with its key for a spillover matrix."""

_ORDERS = {"little": ("<", "1,2,3,4"), "big": (">", "4,3,2,1")}
"""Byte orders as NumPy and as ``$BYTEORD`` write them (FCS 3.1, section 3.2: four places whatever the width)."""

_PUNCTUATION = "/|\\#!~\x1e\x1f\x0c*%&,;:=@<>\"'`_-"
_DELIMITERS = _PUNCTUATION + "".join(letter for letter in map(chr, range(1, 127)) if not letter.isalnum())
"""Characters that may separate keywords, the usual ones first; those that FlowIO takes for a pattern come last. Digits
and letters would be doubled within offsets and keys."""
_HEADER = 58
_LIMIT = 99_999_999
"""What fits into eight digits; beyond it HEADER says 0 and TEXT alone holds the offsets."""
_ENDS = ("BEGIN", "END")
_CRC = b"00000000"
"""No checksum was computed (FCS 3.1, section 3.6)."""
_OWN = re.compile(
    r"\$(BEGIN|END)(STEXT|DATA|ANALYSIS)|\$(PAR|TOT|BYTEORD|DATATYPE|MODE|NEXTDATA)|\$P\d+([BENRS]|DATATYPE)"
)
"""Keywords that describe how the file is laid out: the writer's, not the sample's."""
_MATRIX = re.compile(r"\$SPILLOVER|SPILL|SPILLOVER|\$COMP|\$DFC\d+TO\d+")


class SpilloverLike(Protocol):
    """A spillover matrix, as far as the writer needs to know one."""

    @property
    def detectors(self) -> tuple[str, ...]:
        """``$PnN`` of the n detectors."""

    @property
    def matrix(self) -> NDArray[np.float64]:
        """(n, n) matrix; rows are dyes."""


def write_fcs(  # noqa: PLR0913 - each option is a choice of its own
    path: Path | str,
    sample: Sample,
    *,
    version: str = "3.1",
    datatype: Literal["F", "D", "I", "I8", "I16", "I32", "I64"] | None = None,
    byteorder: Literal["little", "big"] = "little",
    delimiter: str | None = None,
    spillover: SpilloverLike | str | None = None,
    deidentify: bool = False,
) -> None:
    """Write all channels of a sample to an FCS file.

    By default every channel is written as it is stored, so that reading the file gives the same values, channels and
    keywords, those of ANALYSIS among them. The same sample gives the same bytes. Keywords without a value are left out,
    which the standard asks for; so are OTHER segments, whose bytes only their vendor can read and may hold offsets.

    Parameters
    ----------
    path : Path or str
        File to make; one that is there is replaced, after the new one is complete.
    sample : Sample
        With all its channels read.
    version : {"3.1", "3.2", "3.0"}
        Of the standard. Before 3.2 all channels are of one type: where they differ, of the one that holds them all.
    datatype : {"F", "D", "I", "I8", "I16", "I32", "I64"}, optional
        Write all channels as float32 (a float64 value is rounded), float64 or integers. Integers that become floating
        point numbers are written linear; those that stay integers keep their width and ``$PnE``. Channels that become
        integers have the width given, or the smallest that holds their values.
    byteorder : {"little", "big"}
    delimiter : str, optional
        Character between keywords, ASCII and no letter or digit; default: one that occurs in none of them.
    spillover : SpilloverLike or str, optional
        Matrix to declare in place of the sample's own; a str is the keyword's value as it stands.
    deidentify : bool
        Leave out keywords that name persons or may lead to one: `tregflow.fcs.persons` lists them.

    Raises
    ------
    FcsError
        ``E_VERSION``: another version; ``E_WRITE``: channels that were not read, a sample read in lenient mode, a value
        that the type cannot hold, keywords that no delimiter separates so that they read back, or too many of them;
        options that are none.
    """
    _check_options(sample, version, datatype, byteorder)
    _check_complete(sample)
    formats = formats_of(sample, datatype=datatype, mixed=version == "3.2")
    order, byteord = _ORDERS[byteorder]
    kept, results = dict(sample.keywords), dict(sample.analysis)
    if deidentify:
        kept, results = deidentified(kept, results), deidentified(results, kept)
    keywords = {**_layout(sample, formats, byteord), **_spelled(_kept(kept, version, spillover), sample)}
    n_bytes = sample.n_events * sum(each.width for each in formats)
    analysis = _analysis(results, sample.file)
    head = _head(keywords, version, n_bytes, len(analysis), sample.file, delimiter)
    write_whole(Path(path), chain([head], encoded(sample, formats, order=order), [analysis, _CRC]))


def spillover_text(spillover: SpilloverLike) -> str:
    """Return the value of ``$SPILLOVER``: n, the n detectors, the n * n numbers row by row (FCS 3.1, section 3.2).

    Numbers are written so that reading gives back the same float64.
    """
    numbers = [repr(float(value)) for value in np.asarray(spillover.matrix, dtype=np.float64).ravel()]
    return ",".join([str(len(spillover.detectors)), *spillover.detectors, *numbers])


def _check_options(sample: Sample, version: str, datatype: str | None, byteorder: str) -> None:
    if version not in VERSIONS:
        raise FcsError(
            f"cannot write FCS {version}", code="E_VERSION", file=sample.file, available=tuple(sorted(VERSIONS))
        )
    for name, value, choices in (("datatype", datatype, (*DATATYPES, None)), ("byteorder", byteorder, (*_ORDERS,))):
        if value not in choices:
            listed = tuple(str(choice) for choice in choices)
            raise FcsError(f"{name} is {value!r}", code="E_WRITE", file=sample.file, available=listed)


def _check_complete(sample: Sample) -> None:
    if sample.lenient:
        raise FcsError(
            "the sample was read in lenient mode, and a written copy would look sound",
            code="E_WRITE",
            file=sample.file,
            expected="a sample read in standard or strict mode",
        )
    if not sample.channels:
        raise FcsError("a sample without channels makes no file", code="E_WRITE", file=sample.file)
    unread = [channel for channel in sample.channels if channel.pnn not in sample.columns]
    if unread:
        raise FcsError(
            "only part of the channels was read, so that the file would be incomplete",
            code="E_WRITE",
            file=sample.file,
            expected="values for every channel",
            available=label_list([channel for channel in sample.channels if channel not in unread]),
            remedy="read the file with all its channels before writing it",
        )


def _layout(sample: Sample, formats: Sequence[Format], byteord: str) -> dict[str, str]:
    """Return the keywords that describe the file, in a fixed order; the offsets of DATA come last of all."""
    types = [each.datatype for each in formats]
    common = max(("F", "D", "I"), key=types.count)
    keywords = {
        "$BEGINANALYSIS": "0",
        "$ENDANALYSIS": "0",
        "$BEGINSTEXT": "0",
        "$ENDSTEXT": "0",
        "$BYTEORD": byteord,
        "$DATATYPE": common,
        "$MODE": "L",
        "$NEXTDATA": "0",
        "$PAR": str(len(sample.channels)),
        "$TOT": str(sample.n_events),
    }
    for channel, each in zip(sample.channels, formats, strict=True):
        described = {
            "B": str(each.bits),
            "DATATYPE": "" if each.datatype == common else each.datatype,
            "E": _amplification(channel, each),
            "N": channel.pnn,
            "R": _range(channel, each),
            "S": channel.pns,
        }
        keywords |= {f"$P{channel.number}{letter}": value for letter, value in described.items()}
    return keywords


def _kept(keywords: dict[str, str], version: str, spillover: SpilloverLike | str | None) -> dict[str, str]:
    """Return the sample's keywords, apart from those that describe the file it was read from."""
    kept = {key: value for key, value in keywords.items() if key and not _OWN.fullmatch(key)}
    if spillover is not None:
        kept = {key: value for key, value in kept.items() if not _MATRIX.fullmatch(key)}
        kept[VERSIONS[version]] = spillover if isinstance(spillover, str) else spillover_text(spillover)
    if version == "3.2" and not kept.get("$CYT"):
        kept["$CYT"] = "unknown"  # required from 3.2 on
    return kept


def _spelled(keywords: dict[str, str], sample: Sample) -> dict[str, str]:
    """Return a vendor's keywords as the file spells them: other software may look for them letter by letter."""
    spelling = {key: sample.spelling.get(key, key).strip() for key in keywords if not key.startswith("$")}
    return {spelling.get(key, key): value for key, value in keywords.items()}


def _amplification(channel: Channel, form: Format) -> str:
    decades, offset = channel.amplification if channel.logarithmic and form.datatype == "I" else (0.0, 0.0)
    return f"{_number(decades)},{_number(offset)}"


def _range(channel: Channel, form: Format) -> str:
    """Return ``$PnR``: of integers it masks bits on reading, so that one that holds the values must stand there."""
    if form.datatype == "I" and (channel.datatype != "I" or channel.range is None):
        return str(2**form.bits)
    return "262144" if channel.range is None else _number(channel.range)


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)


def _analysis(keywords: dict[str, str], file: str) -> bytes:
    """Return the ANALYSIS segment; nothing where it would hold nothing."""
    stated = {key: value for key, value in keywords.items() if key and value}
    return _joined(stated, _delimiter(stated, file, None)) if stated else b""


def _head(
    keywords: dict[str, str], version: str, n_data: int, n_analysis: int, file: str, delimiter: str | None
) -> bytes:
    """Return HEADER and TEXT; DATA follows at once, ANALYSIS behind it."""
    # An empty value would put two delimiters in a row, which readers take for one literal delimiter.
    stated = _placed({key: value for key, value in keywords.items() if value}, (0, 0), (0, 0) if n_analysis else None)
    chosen = _delimiter(stated, file, delimiter)
    begin = _HEADER + len(_joined(stated, chosen))
    if begin - 1 > _LIMIT:
        raise FcsError(
            "the keywords are too long: TEXT must end before byte 100,000,000",
            code="E_WRITE",
            file=file,
            available=(f"{begin - _HEADER} bytes of keywords",),
            remedy="shorten or drop keywords",
        )
    data = (begin, begin + n_data - 1)
    analysis = (begin + n_data, begin + n_data + n_analysis - 1) if n_analysis else None
    in_header = [place if place and place[1] <= _LIMIT else (0, 0) for place in (data, analysis)]
    offsets = "".join(f"{value:>8d}" for value in (_HEADER, begin - 1, *in_header[0], *in_header[1]))
    return f"FCS{version}    {offsets}".encode() + _joined(_placed(stated, data, analysis), chosen)


def _placed(keywords: dict[str, str], data: tuple[int, int], analysis: tuple[int, int] | None) -> dict[str, str]:
    """Return the keywords with the places of DATA and ANALYSIS, the former first of all."""
    # Twenty digits each, so that the length of TEXT does not depend on the numbers.
    places = {"DATA": data} | ({} if analysis is None else {"ANALYSIS": analysis})
    stated = {
        f"${end}{name}": f"{value:020d}"
        for name, place in places.items()
        for end, value in zip(_ENDS, place, strict=True)
    }
    first = {key: stated[key] for key in ("$BEGINDATA", "$ENDDATA")}
    return first | keywords | stated


def _joined(keywords: dict[str, str], delimiter: str) -> bytes:
    tokens = [token.replace(delimiter, 2 * delimiter) for pair in keywords.items() for token in pair]
    return (delimiter + delimiter.join(tokens) + delimiter).encode()


def _delimiter(keywords: dict[str, str], file: str, asked: str | None) -> str:
    """Return a character with which the keywords read back as they are, if possible one that none of them holds."""
    everything = "".join([*keywords, *keywords.values()])
    if not _encodes(everything):
        raise FcsError("a keyword holds half a character, which has no bytes", code="E_WRITE", file=file)
    candidates = [each for each in dict.fromkeys(_DELIMITERS) if asked in (None, each)]
    for candidate in sorted(candidates, key=everything.count):
        if _reads_back(keywords, candidate):
            return candidate
    raise FcsError(
        "no ASCII character separates the keywords so that they read back"
        if asked is None
        else f"{shown(asked)} does not separate the keywords so that they read back",
        code="E_WRITE",
        file=file,
        expected="no letter or digit, and nothing with which a value begins or a key ends",
        remedy="shorten or drop keywords" if asked is None else "leave delimiter out: one is chosen",
    )


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _reads_back(keywords: dict[str, str], delimiter: str) -> bool:
    return parse_text(_joined(keywords, delimiter)).keywords == {key.upper(): value for key, value in keywords.items()}
