"""Populations of a finished run as files: each sample gated again, compared with the run, and written."""

from __future__ import annotations

import csv
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from tregflow._files import csv_bytes, read_csv_rows, sha256_file, slug, without_folders, write_whole
from tregflow.batch import tasks_of
from tregflow.batch.outcome import one_line
from tregflow.batch.work import gate_sample
from tregflow.errors import InteropError, StudyError, TregflowError
from tregflow.export import export_events, export_masks
from tregflow.export.check import open_run
from tregflow.export.packages import require
from tregflow.fcs import read_fcs
from tregflow.populations import ROOT
from tregflow.study import EXPORT_INDEX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from os import PathLike

    from tregflow.batch.work import Task
    from tregflow.export.check import Finished
    from tregflow.populations import Gated
    from tregflow.study import Row

FAILED, MISSING, WRITTEN = _GRAVEST = "failed", "missing", "written"
Kind = Literal["fcs", "parquet", "h5ad", "masks", "masks-csv"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_MASKS = {"masks": ".masks.parquet", "masks-csv": ".masks.csv"}
"""Kinds that hold all populations of a sample in one file, with the ends of their names."""


@dataclass(frozen=True, slots=True)
class Exported:
    """One row of the index.

    Attributes
    ----------
    sample, population : str
        Whose events; for masks the population is empty.
    format : str
        One of `KINDS`.
    status : str
        ``written``; ``missing``: the sample has no such population; ``failed``.
    events : int or None
        Events in the file.
    file, sha256 : str
        The file beside the index; empty where there is none.
    reason : str
        Why there is none.
    """

    sample: str
    population: str
    format: str
    status: str
    events: int | None = None
    file: str = ""
    sha256: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Exports:
    """What an export left.

    Attributes
    ----------
    folder : Path
        Where the files and their index lie.
    rows : tuple of Exported
        A row per sample and population.
    """

    folder: Path
    rows: tuple[Exported, ...]

    def count(self, status: str) -> int:
        """Return the number of rows of a status."""
        return sum(row.status == status for row in self.rows)

    @property
    def exit_status(self) -> int:
        """0 all written, 3 some failed, 4 some samples lack a population; 3 outranks 4."""
        return 3 if self.count(FAILED) else 4 if self.count(MISSING) else 0

    def to_json(self) -> dict[str, Any]:
        """Return folder, rows and exit status as plain data."""
        rows = [asdict(row) for row in self.rows]
        return {"folder": str(self.folder), "rows": rows, "exit_status": self.exit_status}

    def __repr__(self) -> str:
        """Return what was written and what was not, with the reason."""
        names = [": ".join(filter(None, (row.sample, row.population))) for row in self.rows]
        left = [f"         {name}: {row.reason}" for name, row in zip(names, self.rows, strict=True) if row.reason]
        counts = ", ".join(f"{self.count(status)} {status}" for status in (WRITTEN, MISSING, FAILED))
        return "\n".join([f"files    {counts}", *left, f"index    {self.folder / EXPORT_INDEX}"])


def export_run(  # noqa: PLR0913 - each option is a choice of its own
    source: str | PathLike[str],
    *,
    format: Kind,  # noqa: A002 - the word of the command line
    populations: Sequence[str] = (),
    samples: Sequence[str] = (),
    to: str | PathLike[str] | None = None,
    compensated: bool | None = None,
    keep_persons: bool = False,
    study: str | PathLike[str] | None = None,
    strategy: str | None = None,
    progress: Callable[[str, str, int], None] | None = None,
) -> Exports:
    """Export populations of a finished run, a file per sample and population, with an index.

    Every sample is read and gated again as the run did it, one at a time; what has not the hash and the counts of the
    run is refused. A file of a former export that cannot be made again is removed.

    Parameters
    ----------
    source : path
        Folder of the results, or the study's folder.
    format : {"fcs", "parquet", "h5ad", "masks", "masks-csv"}
        See `export_events` and `export_masks`; masks hold all populations of a sample in one file.
    populations : sequence of str
        Ids of gates; for masks none means all.
    samples : sequence of str
        Ids; none means all samples of the run.
    to : path, optional
        Default: a folder ``export`` in that of the results.
    compensated, keep_persons
        See `export_events`.
    study, strategy
        Where the study lies, and the strategy of a folder without one, if the manifest does not lead there.
    progress : callable, optional
        Called after each sample with its id, the gravest status of its rows, and the number of samples.

    Returns
    -------
    Exports

    Raises
    ------
    StudyError
        ``E_NO_POPULATION``, ``E_NO_SAMPLE``: the run has no such population, no such sample. ``E_EXPORT_INDEX``: the
        folder holds files of the study, or another table under the name of the index. All errors of
        `tregflow.export.check.open_run`.
    InteropError
        ``E_EXPORT_FORMAT``, ``E_NO_PYARROW``, ``E_NO_ANNDATA``.
    """
    if format not in KINDS:
        raise InteropError(f"{format!r} is no format that is written here", code="E_EXPORT_FORMAT", available=KINDS)
    require("parquet" if format == "masks" else format)
    finished = open_run(Path(source), study=None if study is None else Path(study), strategy=strategy)
    wanted = _populations(finished, populations, format)
    rows = _rows(finished, samples)
    folder = (finished.out / "export" if to is None else Path(to)).resolve()
    _check_apart(folder, finished)
    former = _former(folder)
    _write_index(folder, former.values())  # from now on the folder's FCS files are known to be no samples
    exporter = _Exporter(finished, folder, format, wanted, {"compensated": compensated, "keep_persons": keep_persons})
    made: list[Exported] = []
    try:
        for row, task in zip(rows, tasks_of(finished.study, rows, finished.out), strict=True):
            lines = exporter.export(row, task)
            made += lines
            if progress is not None:
                progress(row.sample, min((line.status for line in lines), key=_GRAVEST.index), len(rows))
    finally:
        _write_index(folder, (former | {_key(line): asdict(line) for line in made}).values())
    return Exports(folder, tuple(made))


@dataclass(frozen=True)
class _Exporter:
    finished: Finished
    folder: Path
    format: Kind
    populations: tuple[str, ...]
    options: dict[str, Any]

    def export(self, row: Row, task: Task) -> list[Exported]:
        """Return the rows of one sample; whatever goes wrong with it stops no other."""
        try:
            return list(self._written(row, self._gated(row, task)))
        except TregflowError as error:
            return self._failed(row, f"{error.code}: {one_line(str(error))}")
        except OSError:  # the disk is full, the folder cannot be written: that is nobody's file's fault
            raise
        except Exception as error:  # noqa: BLE001 - memory included
            traceback.print_exc()
            return self._failed(row, f"E_UNEXPECTED: {type(error).__name__}: {error}")

    def _gated(self, row: Row, task: Task) -> Gated:
        if row.sample in self.finished.errors:
            reason = self.finished.errors[row.sample]
            raise StudyError(f"failed in the run: {reason}", code="E_EXPORT_FAILED", file=row.file)
        gated = gate_sample(task, read_fcs(task.path, sha256=True))
        self.finished.check(row, gated)
        return gated

    def _written(self, row: Row, gated: Gated) -> Iterator[Exported]:
        if self.format in _MASKS:
            path = self._path(row, "")
            export_masks(gated, path, self.populations or None)
            yield self._row(row, "", gated.sample.n_events)
            return
        for population in self.populations:
            path = self._path(row, population)
            if population in gated.missing:
                path.unlink(missing_ok=True)
                reason = gated.missing[population]
                yield Exported(row.sample, population, self.format, MISSING, reason=reason)
            else:
                events = export_events(gated, population, path, **self.options)
                yield self._row(row, population, events)

    def _row(self, row: Row, population: str, events: int) -> Exported:
        path = self._path(row, population)
        return Exported(row.sample, population, self.format, WRITTEN, events, path.name, sha256_file(path))

    def _failed(self, row: Row, reason: str) -> list[Exported]:
        strategy = self.finished.study.strategy
        reason = without_folders(reason, self.finished.study.folder, strategy.folder, self.folder)
        populations = ("",) if self.format in _MASKS else self.populations
        for population in populations:
            self._path(row, population).unlink(missing_ok=True)
        return [Exported(row.sample, name, self.format, FAILED, reason=reason) for name in populations]

    def _path(self, row: Row, population: str) -> Path:
        """Return where a file lies: names of samples and populations may hold anything, and never lead elsewhere."""
        if self.format in _MASKS:
            return self.folder / f"{slug(row.sample)}{_MASKS[self.format]}"
        return self.folder / f"{slug(row.sample)}_{slug(population)}.{self.format}"


def _populations(finished: Finished, asked: Sequence[str], kind: Kind) -> tuple[str, ...]:
    known = (ROOT, *finished.study.strategy.spec.gates)
    unknown = [name for name in asked if name not in known]
    if unknown or (not asked and kind not in _MASKS):
        raise StudyError(
            f"the strategy has no population {', '.join(map(repr, unknown))}" if unknown else "no population is named",
            code="E_NO_POPULATION",
            file=str(finished.out),
            available=known,
        )
    return tuple(dict.fromkeys(asked))


def _rows(finished: Finished, asked: Sequence[str]) -> list[Row]:
    """Return the rows of the samples, in the order of the run."""
    rows = {row.sample: row for row in finished.study.rows}
    known = [name for name in finished.manifest["samples"] if name in rows]
    unknown = [name for name in asked if name not in known]
    if unknown:
        raise StudyError(
            f"the run has no sample {', '.join(map(repr, unknown))}",
            code="E_NO_SAMPLE",
            file=str(finished.out),
            available=known,
        )
    return [rows[name] for name in known if not asked or name in asked]


def _check_apart(folder: Path, finished: Finished) -> None:
    """Refuse a folder that holds files of the study: beside an index no run would take them for samples any more."""
    study = finished.study
    inside = next((row.file for row in study.rows if study.path(row).parent.resolve() == folder), None)
    if inside is not None:
        raise StudyError(
            "files of the study lie in this folder, and exports beside them would be taken for samples",
            code="E_EXPORT_INDEX",
            file=str(folder),
            available=[inside],
            remedy="export to another folder: --to FOLDER",
        )


def _key(line: Exported) -> tuple[str, str, str]:
    return line.sample, line.population, line.format


_COLUMNS = tuple(Exported.__dataclass_fields__)


def _former(folder: Path) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Return the rows of the index that lies in the folder already, by what they are about."""
    path = folder / EXPORT_INDEX
    if not path.is_file():
        return {}
    try:
        header, lines = read_csv_rows(path.read_text(encoding="utf-8"))
    except (csv.Error, ValueError):
        header, lines = [], []
    if tuple(header) != _COLUMNS:
        raise StudyError(
            "is no index of an export",
            code="E_EXPORT_INDEX",
            file=str(path),
            expected=f"the columns {', '.join(_COLUMNS)}",
            remedy="export to another folder: --to FOLDER",
        )
    rows = [{**row, "events": int(row["events"]) if row["events"].isdecimal() else None} for _, row in lines]
    return {(row["sample"], row["population"], row["format"]): row for row in rows}  # type: ignore[misc]


def _write_index(folder: Path, rows: Iterable[dict[str, Any]]) -> None:
    write_whole(folder / EXPORT_INDEX, csv_bytes(_COLUMNS, rows))
