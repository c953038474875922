"""Gate a whole study: every file, one after the other or several at a time, into one folder of results.

Running again does only what changed; killed at any point, a run resumes and ends with the same bytes.
"""

from __future__ import annotations

import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from tregflow._files import sha256_bytes, slug, write_whole
from tregflow.batch import tables
from tregflow.batch.controls import batch_thresholds
from tregflow.batch.manifest import build_manifest, manifest_bytes, versions
from tregflow.batch.outcome import FAILED, OK, REVIEW, Outcome
from tregflow.batch.pool import run_tasks
from tregflow.batch.singles import matrix_tables, remove_former
from tregflow.batch.work import Task
from tregflow.errors import EndpointError, StudyError
from tregflow.findings import Finding
from tregflow.strategy import Strategy, shipped, shipped_text
from tregflow.strategy.build import is_placed
from tregflow.strategy.overrides import OVERRIDES_FILE
from tregflow.study import NOT_CONFIRMED, Study

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence
    from os import PathLike

    import pandas as pd

    from tregflow.endpoints import Design, EndpointResults
    from tregflow.strategy.engines import Engine
    from tregflow.strategy.spec import GateSpec
    from tregflow.study import Row

_WRITERS = 8
"""Files written at a time: what takes time is waiting for the disk."""
KEPT = ".kept"
"""Folder of the outcomes that let a run resume."""
GATES = "gates"
PLOTS = "plots"
ENDPOINT_TABLES = ("endpoints.csv", "changes.csv")


@dataclass(frozen=True, eq=False)
class Run:
    """A finished run.

    Attributes
    ----------
    out : Path
        Folder of the results.
    study : Study
        What was run.
    rows : tuple of Row
        The samples that were gated; controls are not among them.
    outcomes : tuple of Outcome
        One per row.
    endpoints : EndpointResults or None
        None where the study states no endpoints.
    """

    out: Path
    study: Study
    rows: tuple[Row, ...]
    outcomes: tuple[Outcome, ...]
    endpoints: EndpointResults | None = None

    @property
    def frequencies(self) -> pd.DataFrame:
        """The table frequencies.csv."""
        return read_table(self.out / "frequencies.csv")

    @property
    def populations(self) -> pd.DataFrame:
        """The table populations.csv."""
        return read_table(self.out / "populations.csv")

    @property
    def findings(self) -> pd.DataFrame:
        """The table findings.csv."""
        return read_table(self.out / "findings.csv")

    @property
    def mfi(self) -> pd.DataFrame:
        """The table mfi.csv."""
        return read_table(self.out / "mfi.csv")

    def count(self, status: str) -> int:
        """Return the number of samples of a status: ``ok``, ``review`` or ``failed``."""
        return sum(outcome.status == status for outcome in self.outcomes)

    @property
    def exit_status(self) -> int:
        """0 all right, 3 some samples failed, 4 some need review; 3 outranks 4."""
        return 3 if self.count(FAILED) else 4 if self.count(REVIEW) else 0

    def __repr__(self) -> str:
        """Return what was done and where it lies."""
        counts = ", ".join(f"{self.count(status)} {status}" for status in (OK, REVIEW, FAILED))
        return f"<Run {self.study.name}: {len(self.rows)} samples ({counts}) in {self.out}>"

    def _repr_html_(self) -> str:
        from html import escape

        endpoints = self.endpoints._repr_html_() if self.endpoints else ""
        return f"<p>{escape(repr(self))}</p>{endpoints}"


def run(
    source: str | PathLike[str] | Study,
    *,
    out: str | PathLike[str] | None = None,
    strategy: str | PathLike[str] | None = None,
    jobs: int = 1,
    plots: bool = False,
    engine: Engine = "fused",
    progress: Callable[[Outcome], None] | None = None,
) -> Run:
    """Gate every sample of a study and compute its endpoints.

    Parameters
    ----------
    source : path or Study
        study.yaml or its folder; or a folder of FCS files without a study, with `strategy`.
    out : path, optional
        Folder of the results; ``tregflow-results`` beside the study by default.
    strategy : path or name, optional
        For a folder without a study.
    jobs : int
        Files at a time, each in a thread; in processes where plots are asked for. The results do not depend on it.
    plots : bool
        Write a page of plots per sample.
    engine : {"fused", "reference"}
        How samples are gated; the results do not depend on it (see `Strategy.gate`).
    progress : callable, optional
        Called with each sample's outcome as it comes.

    Raises
    ------
    StudyError, StrategyError
        The study or its strategy is wrong. A bad FCS file does not raise: its sample fails.
    EndpointError
        The endpoints cannot be computed as asked; all other tables and the manifest are written all the same.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    study = open_study(source, strategy).with_singles()
    folder = (Path(out) if out is not None else study.folder / "tregflow-results").resolve()
    if jobs < 1:
        raise StudyError(f"jobs is {jobs}", code="E_JOBS", expected="1 or more")
    folder.mkdir(parents=True, exist_ok=True)
    rows = tuple(row for row in study.rows if row.role == "sample")
    tasks = [replace(task, engine=engine) for task in tasks_of(study, rows, folder, plots=plots)]
    outcomes = _with_twins(run_tasks(tasks, jobs=jobs, progress=progress or _silent))
    return _finish(study, folder, rows, outcomes, started=started, clock=clock, jobs=jobs)


def open_study(source: str | PathLike[str] | Study, strategy: str | PathLike[str] | None) -> Study:
    """Return a study, or the one at a path: study.yaml, its folder, or a folder of FCS files with a strategy."""
    path = source.folder if isinstance(source, Study) else Path(source)
    named = path.is_file() or (path / "study.yaml").exists() or isinstance(source, Study)
    if named and strategy is not None:
        raise StudyError(
            "a study names its own strategy",
            code="E_TWO_STRATEGIES",
            file=str(path),
            remedy="change 'strategy:' in study.yaml, or move study.yaml away",
        )
    if isinstance(source, Study):
        return source
    if strategy is not None:
        _refuse_overrides(strategy)
        return Study.from_folder(path, Strategy.load(strategy))
    if path.is_dir() and not named:
        raise StudyError(
            "the folder holds no study.yaml",
            code="E_STUDY_FILE",
            file=str(path),
            remedy=f"tregflow init {path}, or --strategy {' | '.join(shipped())}",
        )
    return Study.load(path)


def _refuse_overrides(strategy: str | PathLike[str]) -> None:
    """Refuse a strategy with overrides beside it: they go by samples and batches, and only a study names those."""
    beside = Path(strategy).with_name(OVERRIDES_FILE)
    if Path(strategy).suffix and beside.is_file():
        raise StudyError(
            "the strategy has overrides, and a folder does not say which sample is which",
            code="E_OVERRIDES_BESIDE",
            file=str(beside),
            expected="a study, whose samples.csv names samples and batches",
            remedy=f"tregflow init FOLDER --strategy {strategy}, or copy the strategy to where no overrides lie",
        )


def is_confirmed(study: Study) -> bool:
    """Tell whether somebody stands for the gates on these data.

    A study says so by name and date. A folder without a study cannot: there, a strategy of the user's own is taken at
    its word, and one that still has a gate where a shipped template has it is not.
    """
    if study.confirmed is not None or study.settings:
        return study.confirmed is not None
    return not any(_is_as_shipped(study.strategy, name) for name in shipped())


def _is_as_shipped(strategy: Strategy, name: str) -> bool:
    """Tell whether a strategy has a gate where a template has it; a template is parsed only if that may be."""
    text = shipped_text(name)
    if strategy.sha256 == sha256_bytes(text.encode()):
        return True
    own, written = strategy.spec.gates, {float(number) for number in _NUMBER.findall(text)}
    if not any(written.issuperset(_coordinates(gate)) for gate in own.values()):
        return False
    return any(
        gate_id in own and is_placed(gate) and gate.axes and own[gate_id].model_copy(update={"name": gate.name}) == gate
        for gate_id, gate in Strategy.load(name).spec.gates.items()
    )


_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e\d+)?")
"""A number as the templates write it."""


def _coordinates(gate: GateSpec) -> set[float]:
    """Return the numbers that say where a gate lies."""
    ranges = (gate.rectangle or {}).values()
    limits = [*(gate.above or {}).values(), *(gate.below or {}).values()]
    listed = (*(gate.points or ()), *ranges, gate.mean or (), *(gate.covariance or ()), limits)
    return {number for number in chain.from_iterable(listed) if isinstance(number, float)}


def read_table(path: Path) -> pd.DataFrame:
    """Read a table of a run; apostrophes that guard text against spreadsheets are taken off.

    Raises
    ------
    StudyError
        A cell that holds a number in our tables holds something else (``E_RESULTS``): somebody edited it.
    """
    import pandas as pd

    from tregflow._files import unguard

    missing = {name: [""] for name in _NUMBERS}
    try:
        # round_trip: pandas' own parser of numbers is quick, and at times wrong in the last bit
        frame = pd.read_csv(path, keep_default_na=False, na_values=missing, dtype=_TYPES, float_precision="round_trip")
    except ValueError as error:
        raise StudyError(
            "is not readable as a table of a run",
            code="E_RESULTS",
            file=str(path),
            available=[str(error)],
            remedy="restore it: run the study again",
        ) from None
    texts = frame.select_dtypes("object").columns
    return frame.assign(**{name: frame[name].map(unguard) for name in texts})


_COUNTS = ("count", "parent_count", "k", "n")
_NUMBERS = (*_COUNTS, "percent_of_parent", "percent", "low", "high", "mfi")
_TEXTS = (
    *("sample", "subject", "visit", "batch", "status", "name", "numerator", "denominator", "method", "flags"),
    *("population", "parent", "marker", "code", "severity", "where", "text"),
)
_TYPES = dict.fromkeys(_NUMBERS, "float64") | dict.fromkeys(_COUNTS, "Int64") | dict.fromkeys(_TEXTS, "object")


def _silent(_: Outcome) -> None:
    """Say nothing."""


def tasks_of(study: Study, rows: Sequence[Row], out: Path, *, plots: bool = False) -> list[Task]:
    """Return what there is to do, a task a row; what batches' controls give is computed here, once each."""
    study = study.with_singles()
    thresholds = batch_thresholds(study, rows)
    general = () if is_confirmed(study) else (NOT_CONFIRMED,)
    known = versions()
    return [
        Task(
            sample=row.sample,
            batch=row.batch,
            folder=study.folder,
            path=study.path(row),
            strategy=study.strategy,
            thresholds=thresholds[row.sample],
            few_events=study.few_events,
            versions=known,
            notes=(*study.notes(row), *general),
            kept=out / KEPT / f"{slug(row.sample)}.json",
            page=out / PLOTS / f"{slug(row.sample)}.png",
            draw=plots,
        )
        for row in rows
    ]


def _with_twins(outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """Return the outcomes with a finding on each sample whose file holds the very bytes of another sample's."""
    samples: dict[str, list[str]] = {}
    for outcome in outcomes:
        samples.setdefault(outcome.sha256, []).append(outcome.sample)

    def twins(outcome: Outcome) -> tuple[Finding, ...]:
        others = [name for name in samples[outcome.sha256] if name != outcome.sample] if outcome.sha256 else []
        text = f"the file holds the very bytes of another sample's: {', '.join(others)}"
        return (Finding("duplicate-file", "review", outcome.sample, text),) if others else ()

    return tuple(replace(outcome, findings=(*outcome.findings, *twins(outcome))) for outcome in outcomes)


def _finish(
    study: Study,
    out: Path,
    rows: tuple[Row, ...],
    outcomes: tuple[Outcome, ...],
    *,
    started: datetime,
    clock: float,
    jobs: int,
) -> Run:
    """Write every table, the gates and the manifest; the manifest last, since it holds the hashes of the others."""
    pairs = list(zip(rows, outcomes, strict=True))
    strategy = study.strategy
    written = {
        "populations.csv": tables.populations_csv(pairs),
        "frequencies.csv": tables.frequencies_csv(pairs, strategy.ratios),
        "wide.csv": tables.wide_csv(pairs, strategy.ratios, strategy.spec.mfi),
        "mfi.csv": tables.mfi_csv(pairs),
        "findings.csv": tables.findings_csv(pairs),
        **matrix_tables(study),
    }
    remove_former(out, written)
    (out / "manifest.json").unlink(missing_ok=True)  # until all is written, nothing vouches for the folder
    for name, content in written.items():
        write_whole(out / name, content)
    _write_gates(out, outcomes)
    _remove_others(out, PLOTS, {f"{slug(row.sample)}.png" for row in rows})
    for name in ENDPOINT_TABLES:
        (out / name).unlink(missing_ok=True)
    results = None
    try:
        results = _endpoints(study, out)
    except EndpointError as error:
        error.add_note(f"all other tables are written: {out}")
        raise
    finally:  # endpoints that cannot be computed as asked are an error, and the frequencies are there all the same
        written |= write_endpoints(out, results) if results else {}
        seconds = round(time.perf_counter() - clock, 3)
        run_part = {"started": started.isoformat(timespec="seconds"), "seconds": seconds, "jobs": jobs}
        run_part |= way_to(study.folder, out)
        write_whole(out / "manifest.json", manifest_bytes(build_manifest(study, pairs, written), run_part))
    return Run(out, study, rows, outcomes, results)


def way_to(folder: Path, out: Path) -> dict[str, str]:
    """Return how the study's folder is found from the results: relative, so that both may be moved together."""
    try:
        return {"study": Path(os.path.relpath(folder, out)).as_posix()}
    except ValueError:  # another drive on Windows
        return {}


def write_endpoints(out: Path, results: EndpointResults) -> dict[str, bytes]:
    """Write endpoints.csv and changes.csv; return their content by name."""
    frames = (results.table, results.subjects)
    written = {name: tables.frame_csv(frame) for name, frame in zip(ENDPOINT_TABLES, frames, strict=True)}
    for name, content in written.items():
        write_whole(out / name, content)
    return written


def _write_gates(out: Path, outcomes: Sequence[Outcome]) -> None:
    """Write the gates as applied, one file per sample; what a former run left for other samples goes."""
    wanted = {f"{slug(outcome.sample)}.yaml": outcome.gates for outcome in outcomes if outcome.gates}
    with ThreadPoolExecutor(_WRITERS) as pool:
        list(pool.map(lambda name: write_whole(out / GATES / name, wanted[name].encode()), wanted))
    _remove_others(out, GATES, wanted)


def _remove_others(out: Path, folder: str, wanted: Container[str]) -> None:
    """Remove what former runs left for samples that are gone; a file that no run made is somebody's own, and stays."""
    former = {path.stem for path in (out / KEPT).glob("*.json")}
    for path in (out / folder).glob("*"):
        if path.stem in former and path.name not in wanted:
            path.unlink()


def _endpoints(study: Study, out: Path) -> EndpointResults | None:
    if study.design is None:
        return None
    return compute_endpoints(out, study.design, confirmed=study.confirmed is not None)


def compute_endpoints(out: Path, design: Design, *, confirmed: bool) -> EndpointResults:
    """Return the endpoints from frequencies.csv of a folder of results, marked where nobody stands for the gates."""
    from tregflow.endpoints import analyse

    results = analyse(read_table(out / "frequencies.csv"), design, file="frequencies.csv")
    return results if confirmed else results.marked(NOT_CONFIRMED.code)
