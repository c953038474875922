"""What an FCS file holds, as plain data: instrument, time, channels, compensation, findings."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from tregflow.compensation import Spillover, compensated_channels, matrix_keywords
from tregflow.errors import CompensationError
from tregflow.fcs import CODES
from tregflow.fcs.persons import deidentified, names_remover

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tregflow.fcs import Sample
    from tregflow.findings import Finding

SHOWN = {
    "$CYT": "cytometer",
    "$CYTSN": "serial",
    "$DATE": "date",
    "$BTIM": "begin",
    "$ETIM": "end",
    "$TIMESTEP": "timestep",
}
"""Keywords that are shown, each with its name in the data. All others stay out: many name persons."""

_SERIALS = ("$CYTSN", "CYTNUM", "@CYTOMETERID", "IC$SERIALNUMBER")
"""Where the serial number of the instrument stands: the standard, BD, Beckman Coulter, Sartorius."""

MEANING = {
    "spillover-identity": "the file was unmixed or compensated already, or its matrix was never filled in",
    "spillover-diagonal": "the matrix is not normalised: each row should say 1 for its own detector",
    "spillover-by-number": "the numbers were taken as places of channels in the file",
    "spillover-decimal-commas": "compare a few numbers with the instrument's software",
    "spillover-commas-in-names": "compare the detectors with the instrument's software",
    "spillover-names-only": "take the matrix from the instrument's software as a CSV file",
    "spillover-from-comp": "compare compensated single stains before you rely on it",
    "spillover-from-dfc": "compare compensated single stains before you rely on it",
}
"""What findings on a matrix mean for the person who reads them."""


def describe(sample: Sample) -> dict[str, Any]:
    """Return what a file holds as plain data, ready for JSON.

    Parameters
    ----------
    sample : Sample
        Its header suffices: ``read_fcs(path, channels=())``.

    Returns
    -------
    dict
        ``file``, ``version``, ``dataset``, ``sha256``, ``events``, the keywords of `SHOWN` under their names,
        ``acquired``, ``clock``, ``stored``, ``byte_order``, ``channels``, ``compensated``, ``spillover``, ``findings``.
    """
    keywords = deidentified(sample.keywords)
    told = {name: keywords[key].strip() for key, name in SHOWN.items() if keywords.get(key, "").strip()}
    without = names_remover(sample.keywords)
    serial = next((keywords[key].strip() for key in _SERIALS if keywords.get(key, "").strip()), None)
    return {
        "file": sample.file,
        "version": sample.version,
        "dataset": sample.dataset,
        "sha256": sample.sha256,
        "events": sample.n_events,
        **told,
        **({"serial": serial} if serial else {}),
        "acquired": dict(zip(("begin", "end"), map(_iso, sample.acquired), strict=True)),
        "clock": None if sample.clock is None else asdict(sample.clock),
        "stored": _stored(sample),
        "byte_order": _byte_order(sample),
        "channels": [_channel(sample, number) for number in range(len(sample.channels))],
        "compensated": [channel.pnn for channel in compensated_channels(sample)],
        "spillover": _spillover(sample, without),
        "findings": [_finding(finding, sample.file, without) for finding in sample.findings],
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(sep=" ", timespec="seconds")


def _stored(sample: Sample) -> list[dict[str, Any]]:
    """Return how many channels are stored in each way, the commonest first."""
    kinds = [(channel.datatype, channel.bits) for channel in sample.channels]
    ordered = sorted(dict.fromkeys(kinds), key=lambda kind: -kinds.count(kind))
    return [{"type": kind[0], "bits": kind[1], "channels": kinds.count(kind)} for kind in ordered]


def _byte_order(sample: Sample) -> str | None:
    places = [place.strip() for place in sample.keywords.get("$BYTEORD", "").split(",")]
    if len(places) < 2 or not all(place.isdigit() for place in places):
        return None
    ascending = [str(place) for place in range(1, len(places) + 1)]
    return {tuple(ascending): "little", tuple(ascending[::-1]): "big"}.get(tuple(places), "mixed")


def _channel(sample: Sample, index: int) -> dict[str, Any]:
    channel = sample.channels[index]
    return {
        "number": channel.number,
        "channel": channel.pnn,
        "marker": channel.pns,
        "type": channel.datatype,
        "bits": channel.bits,
        "range": channel.range,
        "decades": channel.amplification[0] if channel.logarithmic else None,
        "gain": channel.gain,
    }


def _finding(finding: Finding, file: str, without: Callable[[str], str]) -> dict[str, Any]:
    code = CODES.get(finding.code)
    means = code.cure.replace("`", "") if code else MEANING.get(finding.code, "")
    said = re.sub(f"^{re.escape(file)}: ", "", finding.where)
    return {**asdict(finding), "where": said, "text": without(finding.text), "means": means}


def _spillover(sample: Sample, without: Callable[[str], str]) -> dict[str, Any]:
    """Return the matrix that ``compensation: fcs`` would apply, or why it would apply none."""
    try:
        matrix = Spillover.from_sample(sample)
    except CompensationError as error:
        return {
            "code": error.code,
            "problem": error.problem,
            "keywords": list(matrix_keywords(sample)),
            "available": list(error.available) if error.code in ("E_NO_SPILL", "E_SPILL_CONFLICT") else [],
            "remedy": error.remedy,
        }
    off = matrix.matrix - np.diag(np.diag(matrix.matrix))
    donor, receiver = np.unravel_index(int(np.argmax(np.abs(off))), off.shape)
    return {
        "keyword": matrix.source.rpartition(": ")[2],
        "detectors": list(matrix.detectors),
        "condition": float(np.linalg.cond(matrix.matrix)),
        "largest": {
            "from": matrix.detectors[donor],
            "into": matrix.detectors[receiver],
            "share": float(off[donor, receiver]),
        },
        "findings": [_finding(finding, sample.file, without) for finding in matrix.findings],
    }
