"""Scan a folder: HEADER and TEXT of every FCS file in it, no values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tregflow.errors import FcsError, TregflowError
from tregflow.fcs.read import read_fcs

if TYPE_CHECKING:
    from tregflow.fcs.sample import Sample

SUFFIXES = (".fcs", ".lmd")
_SIGNATURE = re.compile(rb"FCS\d\.\d")


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a file of a folder is: a sample without values, or the reason why it cannot be read.

    Attributes
    ----------
    path : Path
    sample : Sample or None
    error : TregflowError or None
        Exactly one of the two is None.
    """

    path: Path
    sample: Sample | None = None
    error: TregflowError | None = None


def scan_fcs(folder: Path | str, *, recursive: bool = False) -> tuple[Scanned, ...]:
    """Read HEADER and TEXT of all FCS files in a folder, in the order of their names.

    FCS files are those that end in .fcs or .lmd, and those that begin as one: older cytometers number them
    (``A1.001``). A file that cannot be read does not stop the scan.

    Parameters
    ----------
    folder : Path or str
    recursive : bool
        Whether to look into the folders below it.

    Returns
    -------
    tuple of Scanned

    Raises
    ------
    FcsError
        ``E_MISSING``: no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FcsError("no such folder", code="E_MISSING", file=str(folder), remedy="check the name")
    found = folder.rglob("*") if recursive else folder.iterdir()
    return tuple(_scanned(path) for path in sorted(found) if path.is_file() and _is_meant(path))


def _is_meant(path: Path) -> bool:
    """Tell whether a file is meant to be FCS, by its name or its first bytes."""
    if path.suffix.lower() in SUFFIXES:
        return True
    try:
        with path.open("rb") as file:
            return _SIGNATURE.match(file.read(6)) is not None
    except OSError:  # not ours to read, and no name that says it should be
        return False


def _scanned(path: Path) -> Scanned:
    try:
        return Scanned(path, sample=read_fcs(path, channels=()))
    except TregflowError as error:
        # Without the frames, which would keep the file mapped.
        return Scanned(path, error=error.with_traceback(None))
