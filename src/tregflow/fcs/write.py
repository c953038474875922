"""Write a sample as FCS: float32, little endian, whole or not at all."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tregflow._files import write_whole
from tregflow.errors import FcsError
from tregflow.fcs.channels import label_list

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tregflow.fcs.sample import Sample

VERSIONS = {"3.0": "SPILL", "3.1": "$SPILLOVER"}
"""Versions that are written, each with its key for a spillover matrix."""

_DELIMITERS = "/|\\#!~^\x1e\x1f*%&$" + "".join(map(chr, range(33, 127)))
"""Characters that may separate keywords, the usual ones first; the first that occurs in none of them does."""
_HEADER = 58
_LIMIT = 99_999_999
"""What fits into eight digits; beyond it HEADER says 0 and TEXT alone holds the offsets."""
_BLOCK = 8_192
"""Events transposed at a time: with 20 channels 655 kB, which stay in the processor's cache."""
_CRC = b"00000000"
"""No checksum was computed (FCS 3.1, section 3.6)."""
_OWN = re.compile(
    r"\$(BEGIN|END)(STEXT|DATA|ANALYSIS)|\$(PAR|TOT|BYTEORD|DATATYPE|MODE|NEXTDATA)|\$P\d+([BENRS]|DATATYPE)"
)
"""Keywords that describe how the file is laid out: the writer's, not the sample's."""


class SpilloverLike(Protocol):
    """A spillover matrix, as far as the writer needs to know one."""

    @property
    def detectors(self) -> tuple[str, ...]:
        """``$PnN`` of the n detectors."""

    @property
    def matrix(self) -> NDArray[np.float64]:
        """(n, n) matrix; rows are dyes."""


def write_fcs(
    path: Path | str, sample: Sample, *, version: str = "3.1", spillover: SpilloverLike | str | None = None
) -> None:
    """Write all channels of a sample to an FCS file.

    Values are written as float32; a float64 value is rounded to the nearest float32. Integers are written linear.
    The same sample gives the same bytes.

    Parameters
    ----------
    path : Path or str
        File to make; one that is there is replaced, after the new one is complete.
    sample : Sample
        With all its channels read.
    version : {"3.1", "3.0"}
        Of the standard.
    spillover : SpilloverLike or str, optional
        Matrix to declare in place of the sample's own; a str is the keyword's value as it stands.

    Raises
    ------
    FcsError
        ``E_VERSION``: another version; ``E_WRITE``: channels that were not read, a value beyond float32's range, no
        character left to serve as delimiter.
    """
    if version not in VERSIONS:
        raise FcsError(
            f"cannot write FCS {version}", code="E_VERSION", file=sample.file, available=tuple(sorted(VERSIONS))
        )
    _check_complete(sample)
    events = _events(sample)
    head = _head(_keywords(sample, version, spillover), version, events.nbytes, sample.file)
    write_whole(Path(path), b"".join([head, events.data.cast("B") if events.size else b"", _CRC]))


def spillover_text(spillover: SpilloverLike) -> str:
    """Return the value of ``$SPILLOVER``: n, the n detectors, the n * n numbers row by row (FCS 3.1, section 3.2).

    Numbers are written so that reading gives back the same float64.
    """
    numbers = [repr(float(value)) for value in np.asarray(spillover.matrix, dtype=np.float64).ravel()]
    return ",".join([str(len(spillover.detectors)), *spillover.detectors, *numbers])


def _check_complete(sample: Sample) -> None:
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


def _keywords(sample: Sample, version: str, spillover: SpilloverLike | str | None) -> dict[str, str]:
    """Return all keywords but the offsets, in a fixed order: the writer's own, then the sample's."""
    kept = {key: value for key, value in sample.keywords.items() if not _OWN.fullmatch(key)}
    keywords = {
        "$BEGINANALYSIS": "0",
        "$ENDANALYSIS": "0",
        "$BEGINSTEXT": "0",
        "$ENDSTEXT": "0",
        "$BYTEORD": "1,2,3,4",
        "$DATATYPE": "F",
        "$MODE": "L",
        "$NEXTDATA": "0",
        "$PAR": str(len(sample.channels)),
        "$TOT": str(sample.n_events),
    }
    for channel in sample.channels:
        described = {"B": "32", "E": "0,0", "N": channel.pnn, "R": _number(channel.range), "S": channel.pns}
        keywords |= {f"$P{channel.number}{letter}": value for letter, value in described.items()}
    if spillover is not None:
        for key in VERSIONS.values():
            kept.pop(key, None)
        kept[VERSIONS[version]] = spillover if isinstance(spillover, str) else spillover_text(spillover)
    # An empty value would put two delimiters in a row, which readers take for one literal delimiter.
    return {key: value for key, value in {**keywords, **kept}.items() if value}


def _number(value: float | None) -> str:
    if value is None:
        return "262144"
    return str(int(value)) if value.is_integer() else repr(value)


def _head(keywords: dict[str, str], version: str, n_bytes: int, file: str) -> bytes:
    """Return HEADER and TEXT; DATA follows at once."""
    delimiter = _delimiter(keywords, file)

    def text(begin: int, end: int) -> bytes:
        # Twenty digits each, so that the length of TEXT does not depend on the numbers.
        offsets = {"$BEGINDATA": f"{begin:020d}", "$ENDDATA": f"{end:020d}"}
        tokens = [token for pair in (offsets | keywords).items() for token in pair]
        return (delimiter + delimiter.join(tokens) + delimiter).encode()

    begin = _HEADER + len(text(0, 0))
    # Without events there is no DATA segment, and 0 says so.
    data = (begin, begin + n_bytes - 1) if n_bytes else (0, 0)
    in_header = data if data[1] <= _LIMIT else (0, 0)
    offsets = "".join(f"{value:>8d}" for value in (_HEADER, begin - 1, *in_header, 0, 0))
    return f"FCS{version}    {offsets}".encode() + text(*data)


def _delimiter(keywords: dict[str, str], file: str) -> str:
    used = set("".join([*keywords, *keywords.values()]))
    for candidate in _DELIMITERS:
        if candidate not in used:
            return candidate
    raise FcsError(
        "every printable ASCII character occurs in the keywords, so that none can separate them",
        code="E_WRITE",
        file=file,
        remedy="shorten or drop keywords",
    )


def _events(sample: Sample) -> NDArray[np.float32]:
    columns = [sample.values(channel.pnn) for channel in sample.channels]
    events = np.empty((sample.n_events, len(columns)), dtype="<f4")
    for start in range(0, sample.n_events, _BLOCK):
        block = events[start : start + _BLOCK]
        for index, column in enumerate(columns):
            block[:, index] = _as_float32(column[start : start + _BLOCK], sample, index)
    return events


def _as_float32(values: NDArray[Any], sample: Sample, index: int) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    if np.any(np.isinf(single) & np.isfinite(values)):
        raise FcsError(
            "a value is beyond the range of float32",
            code="E_WRITE",
            file=sample.file,
            population=sample.channels[index].label,
            expected="absolute values below 3.4e38",
            remedy="scale the channel before writing it",
        )
    return single
