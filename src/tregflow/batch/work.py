"""The work on one file, as it is done in a process of its own."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tregflow._files import sha256_file, without_folders
from tregflow._version import __version__
from tregflow.batch.outcome import Outcome
from tregflow.errors import TregflowError
from tregflow.fcs import read_fcs
from tregflow.strategy.evaluate import needed_channels
from tregflow.strategy.matrix import inside, is_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tregflow.few_events import FewEvents
    from tregflow.findings import Finding
    from tregflow.populations import Gated
    from tregflow.strategy import FmoPlace, FmoThreshold, Strategy


@dataclass(frozen=True, slots=True)
class Task:
    """One file to gate, with everything that its result depends on.

    Attributes
    ----------
    sample, batch : str
        Id and batch in the sample sheet.
    folder, path : Path
        The study's folder, and the FCS file below it.
    strategy : Strategy
        With its overrides.
    thresholds : mapping of FmoPlace to FmoThreshold
        Of the batch's controls.
    few_events : FewEvents
        Limits.
    versions : mapping of str to str
        Of Python and the packages that numbers depend on: the manifest vouches for them.
    notes : tuple of Finding
        What the study itself has to say of the sample: gates that nobody confirmed, cells that were guessed.
    kept : Path
        Where the outcome of a former run lies, and this one is kept.
    page : Path
        Where the page of plots lies; one that is there belongs to the outcome that is kept.
    draw : bool
        Whether a page is asked for.
    """

    sample: str
    batch: str
    folder: Path
    path: Path
    strategy: Strategy
    thresholds: Mapping[FmoPlace, FmoThreshold]
    few_events: FewEvents
    versions: Mapping[str, str]
    notes: tuple[Finding, ...]
    kept: Path
    page: Path
    draw: bool = False

    def key(self, sha256: str) -> str:
        """Return the hash of all that the result depends on, the file's own hash among it."""
        applied = self.strategy.applied(id=self.sample, batch=self.batch)
        depends = {
            "versions": {"tregflow": __version__, **self.versions},
            "file": [self.path.name, sha256],
            "sample": self.sample,
            "batch": self.batch,
            "strategy": applied.strategy.data,
            "missing": applied.missing,
            "notes": [asdict(note) for note in (*applied.findings, *self.notes)],
            "matrix": _matrix_hash(self.strategy, self.batch),
            "few_events": asdict(self.few_events),
            "thresholds": [[asdict(place), asdict(found)] for place, found in sorted(self.thresholds.items())],
        }
        return hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()


def gate_file(task: Task) -> Outcome:
    """Gate one file, or take a former outcome that rests on the same bytes and settings.

    Every error that tregflow raises on purpose becomes an outcome; nothing else is caught.
    """
    try:
        return _former(task) or _gate(task)
    except TregflowError as error:
        task.page.unlink(missing_ok=True)  # a sample that failed has no numbers, on a page of a former run neither
        folders = (task.folder, task.strategy.folder)
        where, text = (without_folders(part, *folders) for part in (error.population or error.file, str(error)))
        return Outcome.failure(sample=task.sample, code=error.code, where=where or task.path.name, text=text)


def _former(task: Task) -> Outcome | None:
    """Return the kept outcome if it still holds; asked before the file is read, so that a resumed run costs a hash."""
    kept = Outcome.load(task.kept)
    if kept is None or (task.draw and not task.page.exists()):
        return None
    try:
        return kept if kept.key == task.key(sha256_file(task.path)) else None
    except OSError:  # missing, or not ours to read: the reader says which
        return None


def _gate(task: Task) -> Outcome:
    header = read_fcs(task.path, channels=())
    channels = needed_channels(task.strategy.applied(id=task.sample, batch=task.batch), header, batch=task.batch)
    sample = read_fcs(task.path, channels=channels, sha256=True)
    gated = task.strategy.gate(
        sample, id=task.sample, batch=task.batch, thresholds=task.thresholds, few_events=task.few_events
    )
    outcome = Outcome.of(gated, sample=task.sample, key=task.key(sample.sha256 or ""), extra=task.notes)
    _draw(gated, task)
    outcome.save(task.kept)
    return outcome


def _draw(gated: Gated, task: Task) -> None:
    """Write the page that was asked for; without it the page of a former run goes, since it may show other gates."""
    task.page.unlink(missing_ok=True)
    if task.draw:
        from tregflow.plots import save_page

        save_page(gated, task.page, title=task.sample)


def _matrix_hash(strategy: Strategy, batch: str) -> str:
    """Return the hash of the matrix file that the sample is compensated with; a missing one is reported when needed."""
    setting = strategy.spec.compensation
    name = setting if isinstance(setting, str) else setting.batch.get(batch, "none")
    path = inside(name, strategy.folder or Path(), strategy.source) if is_file(name) else None
    return sha256_file(path) if path is not None and path.is_file() else ""
