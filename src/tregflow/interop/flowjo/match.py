"""Which file of a folder belongs to which sample of a workspace: by name and number of events."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tregflow.errors import FcsError
from tregflow.fcs import read_fcs
from tregflow.fcs.scan import SUFFIXES
from tregflow.interop.flowjo.read import NEVER
from tregflow.interop.left_out import LeftOut

if TYPE_CHECKING:
    from os import PathLike

    from tregflow.interop.flowjo.model import Workspace, WspSample


@dataclass(frozen=True, slots=True)
class MatchedFiles:
    """Samples of a workspace and their files.

    Attributes
    ----------
    pairs : tuple of (WspSample, pathlib.Path)
        In the order of the workspace.
    unmatched : tuple of LeftOut
        Samples without a file, with the reason.
    unused : tuple of pathlib.Path
        Files of the folder that belong to no sample.
    """

    pairs: tuple[tuple[WspSample, Path], ...]
    unmatched: tuple[LeftOut, ...]
    unused: tuple[Path, ...]


def match_files(workspace: Workspace, folder: str | PathLike[str]) -> MatchedFiles:
    """Match the samples of a workspace to the FCS files of a folder and the folders in it.

    A file is a sample's where its name is that of the sample, the sample's ``$FIL`` or the last part of its former
    path, in this order, and its number of events is the sample's. Several files that fit are no match: none is chosen.
    The only file of that name is the sample's also where it cannot be read.

    Parameters
    ----------
    workspace : Workspace
    folder : path

    Returns
    -------
    MatchedFiles
    """
    files: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(Path(folder).rglob("*")):
        if path.suffix.casefold() in SUFFIXES and path.is_file():
            files[path.name].append(path)
    counts: dict[Path, int | str] = {}
    pairs, unmatched = [], []
    for sample in workspace.samples:
        found = _file_of(sample, files, counts)
        if isinstance(found, Path):
            pairs.append((sample, found))
        else:
            unmatched.append(LeftOut(sample.key, "", found, sample.line))
    used = {path for _, path in pairs}
    unused = [path for paths in files.values() for path in paths if path not in used]
    return MatchedFiles(tuple(pairs), tuple(unmatched), tuple(unused))


def _file_of(sample: WspSample, files: dict[str, list[Path]], counts: dict[Path, int | str]) -> Path | str:
    """Return the file of a sample, or why there is none."""
    said = []
    for name in dict.fromkeys((sample.name, sample.keywords.get("$FIL", "").strip(), sample.file_name)):
        candidates = files.get(name, [])
        for path in candidates:
            if path not in counts:
                counts[path] = _events_of(path)
        fitting = [path for path in candidates if counts[path] == sample.n_events or _never(sample, counts[path])]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            return f"{len(fitting)} files are called {name} and hold {sample.n_events} events"
        said += [(path, counts[path]) for path in candidates]
    if not said:
        return "no file of that name"
    path, count = said[0]
    if isinstance(count, str):
        # Its name says whose it is; whoever reads it gets the whole error.
        return path if len(said) == 1 else f"{path.name} cannot be read ({count})"
    return f"{path.name} holds {count} events, the workspace says {sample.n_events}"


def _never(sample: WspSample, count: int | str) -> bool:
    return sample.n_events == NEVER and isinstance(count, int)


def _events_of(path: Path) -> int | str:
    """Return a file's number of events, or what is wrong with it."""
    try:
        return read_fcs(path, channels=()).n_events
    except FcsError as error:
        return error.problem
