"""Every FCS file of the test data, by tregflow and by its peers: read with the right values, or refused rightly.

The truth is an independent decoder (`fcs_decoder`): HEADER and TEXT arithmetic, byte order, masks. What it can explain
by no consistent layout must be refused, and by the error that fits. Expectations come from these rules alone; where a
peer reads other values than the decoder, the file is listed, so that a person can look.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common import table
from fcs_decoder import Decoded, Unreadable, data_sets, decode, equal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RIGHT, REFUSED_RIGHT, REFUSED_WRONG, WRONG = "right", "refused_right", "refused_wrong", "wrong"
CODES = {
    "not-fcs": {"E_NOT_FCS"},
    "version": {"E_VERSION"},
    "truncated": {"E_TRUNCATED"},
    "textmode": {"E_TEXTMODE_DAMAGE"},
    "tot": {"E_TOT", "E_TOT_MISMATCH"},
    "offsets": {"E_OFFSETS"},
    "dataset": {"E_DATASET"},
    "par": {"E_PAR"},
    "mode": {"E_MODE"},
    "datatype": {"E_DATATYPE"},
    "width": {"E_WIDTH"},
    "byteord": {"E_BYTEORD"},
    "ascii": {"E_ASCII"},
    "amplification": {"E_PNE"},
}
"""Why no layout explains a file -> the errors that say so."""
LINE_ENDS = 8
"""Line ends that chance would leave in a file, from which their absence tells of a transfer in text mode."""


@dataclass(frozen=True)
class Truth:
    """What a file holds: its data sets, or why it can hold none."""

    sets: tuple[Decoded, ...]
    reason: str = ""


@dataclass(frozen=True)
class Verdict:
    """What a reader made of a file."""

    file: str
    outcome: str
    detail: str = ""


def compare_files(data: Path) -> dict[str, list[Verdict]]:
    """Read every file of a folder by every reader; return the verdicts of each."""
    readers = {name: read for name, read in READERS.items() if _installed(name)}
    verdicts: dict[str, list[Verdict]] = {name: [] for name in readers}
    for path in sorted(each for each in data.rglob("*") if each.suffix.lower() in (".fcs", ".lmd")):
        known, name = truth(path.read_bytes()), path.relative_to(data).as_posix()
        for reader, read in readers.items():
            verdicts[reader].append(Verdict(name, *_judged(read, path, known)))
    return verdicts


def _installed(reader: str) -> bool:
    return importlib.util.find_spec(PACKAGES[reader]) is not None


def truth(blob: bytes) -> Truth:
    """Decode a file by the rules."""
    try:
        return Truth(tuple(decode(each) for each in data_sets(blob)))
    except Unreadable as found:
        return Truth((), "textmode" if found.reason == "truncated" and _textmode(blob) else found.reason)


def _textmode(blob: bytes) -> bool:
    return len(blob) / 65_536 >= LINE_ENDS and b"\r\n" not in blob[4_096:]


def _judged(read: Callable[[Path, Truth], str], path: Path, known: Truth) -> tuple[str, str]:
    try:
        with _quiet():
            problem = read(path, known)
    except Exception as error:  # noqa: BLE001 - a peer may raise anything
        return _refused(error, known)
    if not known.sets:
        return WRONG, f"reads what cannot be read ({known.reason})"
    return (WRONG, problem) if problem else (RIGHT, "")


def _refused(error: Exception, known: Truth) -> tuple[str, str]:
    said = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:100]}"
    if known.sets:
        return REFUSED_WRONG, said
    code = getattr(error, "code", None)
    # Peers have no codes: that they refuse is all that is asked of them.
    if isinstance(code, str) and code.startswith("E_") and code not in CODES[known.reason]:
        return WRONG, f"refused as {code}, and the reason is {known.reason}"
    return REFUSED_RIGHT, said


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


# --------------------------------------------------------------------------------------------------------- readers


def _tregflow(path: Path, known: Truth) -> str:
    from tregflow.fcs import list_datasets, read_fcs

    if not known.sets:
        read_fcs(path)
        return ""
    if len(list_datasets(path)) != len(known.sets):
        return "another number of data sets"
    for number, expected in enumerate(known.sets, start=1):
        sample = read_fcs(path, dataset=number)
        names = [name.partition("#")[0] for name in sample.names]
        if names != [column.name.partition("#")[0] for column in expected.columns]:
            return "other channel names"
        stored = np.column_stack([sample.raw(name) for name in sample.names])
        problem = _difference(stored, expected)
        if not problem and not all(
            equal(sample.values(name), there) for name, there in zip(sample.names, expected.linear, strict=True)
        ):
            problem = "other linear values"
        if problem:
            return f"data set {number}: {problem}"
    return ""


def _flowio(path: Path, known: Truth, **flags: bool) -> str:
    import flowio

    if len(known.sets) > 1:
        found = flowio.read_multiple_data_sets(str(path), **flags)
    else:
        found = [flowio.FlowData(str(path), **flags)]
    return _all_differences([each.as_array(preprocess=False) for each in found], known)


def _flowio_with_flags(path: Path, known: Truth) -> str:
    return _flowio(path, known, ignore_offset_error=True, ignore_offset_discrepancy=True)


def _fcsparser(path: Path, known: Truth) -> str:
    import fcsparser

    count = max(1, len(known.sets))
    tables = [fcsparser.parse(str(path), channel_naming="$PnN", data_set=number, dtype=None) for number in range(count)]
    return _all_differences([each[1].to_numpy() for each in tables], known)


def _flowkit(path: Path, known: Truth) -> str:
    import flowkit

    sample = flowkit.Sample(str(path), preprocess=False)  # by default it takes gain, logarithm and time step off
    return _first_difference(sample.get_events(source="raw"), known)


def _flowcal(path: Path, known: Truth) -> str:
    import FlowCal

    return _first_difference(np.asarray(FlowCal.io.FCSData(str(path))), known)


READERS: dict[str, Callable[[Path, Truth], str]] = {
    "tregflow": _tregflow,
    "flowio": _flowio,
    "flowio_with_flags": _flowio_with_flags,
    "fcsparser": _fcsparser,
    "flowkit": _flowkit,
    "flowcal": _flowcal,
}
PACKAGES = {
    "tregflow": "tregflow",
    "flowio": "flowio",
    "flowio_with_flags": "flowio",
    "fcsparser": "fcsparser",
    "flowkit": "flowkit",
    "flowcal": "FlowCal",
}


def _all_differences(tables: list[np.ndarray], known: Truth) -> str:
    if len(tables) != len(known.sets):
        return f"{len(tables)} of {len(known.sets)} data sets" if known.sets else ""
    return next(filter(None, map(_difference, tables, known.sets)), "")


def _first_difference(values: np.ndarray, known: Truth) -> str:
    """Compare the one data set that a peer reads with each of the file: any of them is right."""
    problems = [_difference(values, each) for each in known.sets]
    return "" if "" in problems or not problems else problems[0]


def _difference(values: np.ndarray, expected: Decoded) -> str:
    """Compare values as stored with the truth, as float32."""
    shape = (expected.n_events, len(expected.columns))
    if values.shape != shape:
        return f"{values.shape} values where {shape} are stored"
    for column, here, there in zip(expected.columns, values.T, expected.stored, strict=True):
        one, other = here.astype(np.float32), np.asarray(there).astype(np.float32)
        unlike = int(np.count_nonzero(~((one == other) | (np.isnan(one) & np.isnan(other)))))
        if unlike:
            return f"{column.name}: {unlike} of {len(one)} values differ"
    return ""


# ---------------------------------------------------------------------------------------------------------- report


def summary(verdicts: list[Verdict]) -> dict[str, Any]:
    """Return the figures of one reader; `wrong_files` says what is wrong with each."""
    count = Counter(each.outcome for each in verdicts)
    return {
        "files": len(verdicts),
        RIGHT: count[RIGHT],
        REFUSED_RIGHT: count[REFUSED_RIGHT],
        WRONG: count[WRONG],
        "wrong_files": [{"file": each.file, "detail": each.detail} for each in verdicts if each.outcome == WRONG],
        REFUSED_WRONG: count[REFUSED_WRONG],
        "refused_files": [
            {"file": each.file, "detail": each.detail} for each in verdicts if each.outcome == REFUSED_WRONG
        ],
    }


def results(verdicts: dict[str, list[Verdict]]) -> dict[str, Any]:
    """Return the parts of the result file: `fcs`, and `fcs_peers` with None for what is not installed.

    `contradicted` are files on which a peer reads other values than the decoder and tregflow, `unconfirmed` those whose
    values no peer reads: there the decoder alone agrees.
    """
    peers = {name: summary(verdicts[name]) if name in verdicts else None for name in READERS if name != "tregflow"}
    others = [name for name in verdicts if name != "tregflow"]
    read = verdicts["tregflow"]
    by_file = {ours.file: (ours, {name: verdicts[name][at] for name in others}) for at, ours in enumerate(read)}
    contradicted = [
        {"file": file, "peers": wrong}
        for file, (_, theirs) in by_file.items()
        if (wrong := [name for name, each in theirs.items() if each.outcome == WRONG])
    ]
    unconfirmed = [
        file
        for file, (ours, theirs) in by_file.items()
        if ours.outcome == RIGHT and not any(each.outcome == RIGHT for each in theirs.values())
    ]
    ours = {**summary(verdicts["tregflow"]), "contradicted": contradicted, "unconfirmed": unconfirmed}
    return {"fcs": ours, "fcs_peers": peers}


def report(verdicts: dict[str, list[Verdict]]) -> None:
    """Print a row per file, then one per reader, then what was wrong, and how often and where first."""
    short = {RIGHT: "right", REFUSED_RIGHT: "refused, right", REFUSED_WRONG: "refused", WRONG: "WRONG"}
    rows = [(row[0].file[-60:], *(short[each.outcome] for each in row)) for row in zip(*verdicts.values(), strict=True)]
    table(("file", *verdicts), rows)
    print()
    figures = [(name, summary(each)) for name, each in verdicts.items()]
    kinds = ("files", RIGHT, REFUSED_RIGHT, REFUSED_WRONG, WRONG)
    table(("reader", *kinds), [(name, *(each[kind] for kind in kinds)) for name, each in figures])
    for name, each in figures:
        for found in each["wrong_files"]:
            print(f"{name}: wrong: {found['file']}: {found['detail']}")
        reasons = Counter(
            found["detail"].replace(Path(found["file"]).name, "…")[:90] for found in each["refused_files"]
        )
        for reason, count in reasons.most_common():
            print(f"{name}: refuses {count}: {reason}")
    summed = results(verdicts)["fcs"]
    print("no peer confirms:", ", ".join(summed["unconfirmed"]) or "none")
    for name in READERS:
        if name not in verdicts:
            print(f"{name} is not installed: left out")
    print()
