"""What an FCS file holds, as a page for a person and as plain data for a program. Names of persons stay out."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from tregflow.compensation import Spillover
from tregflow.errors import CompensationError
from tregflow.fcs.names import printable

if TYPE_CHECKING:
    from tregflow.fcs import Sample

_FACTS = {
    "$CYT": "cytometer",
    "$CYTSN": "serial",
    "$DATE": "date",
    "$BTIM": "begin",
    "$ETIM": "end",
    "$TIMESTEP": "timestep",
}
"""Keywords that are shown; $OP, $SRC and the like name persons and are not."""


def describe(sample: Sample) -> dict[str, Any]:
    """Return what a file holds as plain data: facts, channels, spillover, findings."""
    return {
        "file": sample.file,
        "version": sample.version,
        "sha256": sample.sha256,
        "events": sample.n_events,
        **{name: sample.keywords[key] for key, name in _FACTS.items() if sample.keywords.get(key, "").strip()},
        "channels": [
            {
                "number": channel.number,
                "channel": channel.pnn,
                "marker": channel.pns,
                "type": channel.datatype,
                "bits": channel.bits,
                "range": channel.range,
            }
            for channel in sample.channels
        ],
        "spillover": _spillover(sample),
        "findings": [asdict(finding) for finding in sample.findings],
    }


def page(sample: Sample) -> str:
    """Return what a file holds as text for a person."""
    found = describe(sample)
    facts = [f"  {name:<10} {printable(str(found[name]))}" for name in ("events", *_FACTS.values()) if name in found]
    width = max([len("channel"), *(len(channel["channel"]) for channel in found["channels"])])
    markers = max([len("marker"), *(len(channel["marker"]) for channel in found["channels"])])
    table = [
        f"  {channel['number']:>3}  {channel['channel']:<{width}}  {channel['marker'] or '-':<{markers}}  "
        f"{channel['type']}{channel['bits']:<4}{'' if channel['range'] is None else format(channel['range'], '.12g')}"
        for channel in found["channels"]
    ]
    notes = [
        f"  {finding['severity']:<8} {finding['code']}: {finding['where']}: {finding['text']}"
        for finding in found["findings"]
    ]
    return "\n".join(
        [
            f"{found['file']}  (FCS {found['version']})",
            *facts,
            f"    #  {'channel':<{width}}  {'marker':<{markers}}  type range",
            *table,
            f"  spillover  {_spillover_line(found['spillover'])}",
            *(notes or ["  no findings"]),
            "",
        ]
    )


def _spillover(sample: Sample) -> dict[str, Any]:
    try:
        matrix = Spillover.from_sample(sample)
    except CompensationError as error:
        return {"code": error.code, "problem": error.problem}
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
        "findings": [asdict(finding) for finding in matrix.findings],
    }


def _spillover_line(found: dict[str, Any]) -> str:
    if "problem" in found:
        return f"{found['problem']} ({found['code']})"
    largest = found["largest"]
    line = f"{found['keyword']}, {len(found['detectors'])} detectors, condition number {found['condition']:.3g}"
    if largest["share"]:
        line += f", largest {largest['from']} into {largest['into']} {100 * largest['share']:.3g} %"
    return "; ".join([line, *(finding["text"] for finding in found["findings"])])
