"""The work on one file, as it is done in a thread or a process of its own."""

from __future__ import annotations

import hashlib
import json
import traceback
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from tregflow._files import sha256_file, without_folders
from tregflow._version import __version__
from tregflow.batch.outcome import Outcome
from tregflow.errors import TregflowError
from tregflow.fcs import read_fcs
from tregflow.findings import Finding
from tregflow.strategy.matrix import SINGLES, matrix_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tregflow.fcs import Sample
    from tregflow.few_events import FewEvents
    from tregflow.populations import Gated
    from tregflow.strategy import FmoPlace, FmoThreshold, Strategy
    from tregflow.strategy.engines import Engine


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
    engine : {"fused", "reference"}
        How to gate; the result does not depend on it.
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
    engine: Engine = "fused"

    def key(self, sha256: str) -> str:
        """Return the hash of all that the result depends on, the file's own hash among it."""
        applied = self.strategy.applied(id=self.sample, batch=self.batch)
        read = applied.strategy.matrices.get(matrix_of(applied.strategy.spec.compensation, self.batch))
        depends = {
            "versions": {"tregflow": __version__, **self.versions},
            "file": [self.path.name, sha256],
            "sample": self.sample,
            "batch": self.batch,
            "strategy": applied.strategy.data,
            "missing": applied.missing,
            "notes": [asdict(note) for note in (*applied.findings, *self.notes)],
            "matrix": read.sha256 if read else "",
            "singles": _singles(applied.strategy, self.batch),
            "few_events": asdict(self.few_events),
            "thresholds": [[asdict(place), asdict(found)] for place, found in sorted(self.thresholds.items())],
        }
        # Keys are not sorted: the order of gates and ratios is the order of the tables.
        return hashlib.sha256(json.dumps(depends).encode()).hexdigest()


def _singles(strategy: Strategy, batch: str) -> list[object]:
    """Return what a result depends on of its batch's single-stained controls: the matrix, and what is said of it."""
    found = strategy.singles.get(batch)
    if matrix_of(strategy.spec.compensation, batch) != SINGLES or found is None or isinstance(found, TregflowError):
        return []
    return [found.sha256, [asdict(finding) for finding in found.findings]]


def gate_file(task: Task) -> Outcome:
    """Gate one file, or take a former outcome that rests on the same bytes and settings; errors are outcomes, too."""
    try:
        return _former(task) or _gate(task)
    except TregflowError as error:
        return _failure(task, error.code, error.population or error.file, str(error))
    except Exception as error:  # noqa: BLE001 - whatever one file brings about, memory included, must not stop a batch
        traceback.print_exc()
        return _failure(task, "E_UNEXPECTED", "", f"{type(error).__name__}: {error}")


def _failure(task: Task, code: str, where: str, text: str) -> Outcome:
    task.page.unlink(missing_ok=True)  # a sample that failed has no numbers, on a page of a former run neither
    where, text = (without_folders(part, task.folder, task.strategy.folder) for part in (where, text))
    try:
        sha256 = sha256_file(task.path)
    except OSError:  # missing, or not ours to read: the error says so
        sha256 = ""
    return Outcome.failure(sample=task.sample, code=code, where=where or task.path.name, text=text, sha256=sha256)


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
    gated = gate_sample(task, read_fcs(task.path, sha256=True, lazy=True), masks=_asks_for_masks(task))
    drawn = _draw(gated, task)
    key = task.key(gated.sample.sha256 or "")
    outcome = Outcome.of(gated, sample=task.sample, key=key, extra=(*task.notes, *drawn))
    outcome.save(task.kept)
    return outcome


def gate_sample(task: Task, sample: Sample, *, masks: bool = True) -> Gated:
    """Gate the sample of a task, read with the channels that it takes or with more, as a run does."""
    return task.strategy.gate(
        sample,
        id=task.sample,
        batch=task.batch,
        thresholds=task.thresholds,
        few_events=task.few_events,
        engine=task.engine,
        masks=masks,
    )


def _asks_for_masks(task: Task) -> bool:
    """Tell whether counts do not suffice: for plots, and for a ratio of which the numerator may lie outside."""
    strategy = task.strategy.applied(id=task.sample, batch=task.batch).strategy
    return task.draw or not all(strategy.nested(*pair) for pair in strategy.ratios.values())


def _draw(gated: Gated, task: Task) -> tuple[Finding, ...]:
    """Write the page that was asked for; without it the page of a former run goes, since it may show other gates."""
    task.page.unlink(missing_ok=True)
    if not task.draw:
        return ()
    from tregflow.plots import save_page

    try:
        save_page(gated, task.page, title=task.sample)
    except Exception as error:  # noqa: BLE001 - a picture that cannot be drawn takes no number away
        return (Finding("plot-failed", "warning", "plots", f"no page of plots: {type(error).__name__}: {error}"),)
    return ()
