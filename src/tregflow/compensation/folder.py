"""Which file of a folder is the control of which detector, by its name; a name that says two things says nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tregflow.compensation.remarks import dye_detectors
from tregflow.compensation.singles import given_twice
from tregflow.fcs import read_fcs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tregflow.fcs import Sample

_UNSTAINED = re.compile(r"(?<![a-z])(unstained|unst|blank)(?![a-z])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Assigned:
    """The files of a folder by what their names say.

    Attributes
    ----------
    controls : mapping of str to Path
        ``$PnN`` of the dye's own detector -> the control.
    unstained : Path or None
    others : tuple of Path
        Files whose names say nothing, or two things.
    """

    controls: Mapping[str, Path]
    unstained: Path | None
    others: tuple[Path, ...]


def assign(files: Sequence[Path]) -> Assigned:
    """Tell controls apart by their file names, else by the name of the tube (``TUBE NAME``) in the file.

    A name holds a detector (``$PnN``, with or without ``-A``) or a marker (``$PnS``) as whole words; of names inside
    one another the longer counts. Whether the control is bright in that detector, the fit looks at itself.

    Raises
    ------
    CompensationError
        ``E_SINGLE_TWICE``: two files for one detector, or two that are unstained.
    FcsError
        A file cannot be read.
    """
    controls: dict[str, Path] = {}
    unstained: Path | None = None
    others = []
    for file in files:
        sample = read_fcs(file, channels=())
        texts = (file.stem, sample.keywords.get("TUBE NAME", ""))
        if any(map(_UNSTAINED.search, texts)):
            if unstained is not None:
                raise given_twice("unstained controls", unstained.name, file.name)
            unstained = file
            continue
        found = next(filter(None, (_named(text, sample) for text in texts)), set())
        if len(found) != 1:
            others.append(file)
            continue
        [detector] = found
        if detector in controls:
            raise given_twice(f"controls for the detector {detector}", controls[detector].name, file.name)
        controls[detector] = file
    return Assigned(controls, unstained, tuple(others))


def _named(text: str, sample: Sample) -> set[str]:
    """Return the detectors that a text names."""
    spans = []
    areas = [channel.pnn for channel in sample.channels if channel.pnn.upper().endswith("-A")]
    for detector in dye_detectors(sample.channels, areas[:1]):
        channel = sample.channel(detector)
        for name in {detector, re.sub(r"-[AHW]$", "", detector, flags=re.IGNORECASE), channel.pns} - {""}:
            spans += [(match.span(), detector) for match in _words(name).finditer(text)]
    longest = [
        (span, detector)
        for span, detector in spans
        if not any(a <= span[0] and span[1] <= b and (a, b) != span for (a, b), _ in spans)
    ]
    return {detector for _, detector in longest}


def _words(name: str) -> re.Pattern[str]:
    parts = [re.escape(part) for part in re.split(r"[\W_]+", name) if part]
    joined = r"[\W_]*".join(parts) or "(?!)"
    return re.compile(rf"(?<![A-Za-z0-9]){joined}(?![A-Za-z0-9])", re.IGNORECASE)
