"""Is what lies in a study's folder still what a run was made from? Only then may its populations be exported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tregflow._files import hash_or_none, read_csv_rows, sha256_file
from tregflow.batch import open_study
from tregflow.batch.manifest import load_manifest
from tregflow.errors import StudyError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tregflow.populations import Gated
    from tregflow.study import Row, Study

_SHIPPED = " (shipped)"
_AGAIN = "run the study again: what has not changed is not done twice"
_MOST = 5
"""Populations that a message names."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished run with the study that it was made from.

    Attributes
    ----------
    out : Path
        Folder of the results.
    manifest : mapping
    study : Study
        Checked: its text files are those of the run.
    counts : mapping of (str, str) to str
        (sample, population) -> count as it stands in populations.csv, "" where the population is missing.
    errors : mapping of str to str
        Sample that failed -> why.
    changed_controls : mapping of str to list of str
        Batch -> files of its controls that are not those of the run.
    """

    out: Path
    manifest: Mapping[str, Any]
    study: Study
    counts: Mapping[tuple[str, str], str]
    errors: Mapping[str, str]
    changed_controls: Mapping[str, list[str]]

    def check(self, row: Row, gated: Gated) -> None:
        """Make sure that a sample was gated as in the run: the same bytes, the same count in every population.

        Raises
        ------
        StudyError
            ``E_EXPORT_CHANGED``: another file, or another control of its batch. ``E_EXPORT_COUNTS``: other counts.
        """
        controls = self.changed_controls.get(row.batch)
        if controls:
            raise StudyError(
                "controls of its batch are not those of the run",
                code="E_EXPORT_CHANGED",
                file=row.file,
                available=controls,
                remedy=_AGAIN,
            )
        known = self.manifest["samples"][row.sample].get("sha256")
        if gated.sample.sha256 != known:
            raise StudyError(
                "the file is not the one of the run",
                code="E_EXPORT_CHANGED",
                file=row.file,
                expected=f"SHA-256 {known}",
                available=[str(gated.sample.sha256)],
                remedy=_AGAIN,
            )
        self._check_counts(row, gated)

    def _check_counts(self, row: Row, gated: Gated) -> None:
        now = {line.population.strip(): "" if line.count is None else str(line.count) for line in gated.populations}
        then = {population: count for (sample, population), count in self.counts.items() if sample == row.sample}
        other = [name for name in {**then, **now} if now.get(name) != then.get(name)]
        if other:
            shown = [f"{name} {then.get(name) or 'missing'}, now {now.get(name) or 'missing'}" for name in other]
            raise StudyError(
                "gated again, it has other counts than in populations.csv",
                code="E_EXPORT_COUNTS",
                file=row.file,
                available=[*shown[:_MOST], *([f"and {len(shown) - _MOST} more"] if len(shown) > _MOST else [])],
                remedy="run the study again with this version of tregflow, and compare the tables",
            )


def open_run(out: Path, *, study: Path | None = None, strategy: str | None = None) -> Finished:
    """Open the results of a run, and the study that they were made from.

    Parameters
    ----------
    out : Path
        Folder of the results; or the study's folder, with the results in ``tregflow-results``.
    study : Path, optional
        study.yaml, its folder, or the folder of FCS files; default: where the manifest says that it lies.
    strategy : str, optional
        Of a folder without a study, where the run took a file of one's own.

    Raises
    ------
    StudyError
        ``E_RESULTS``: no finished run. ``E_EDITED``: populations.csv is not the run's. ``E_EXPORT_STUDY``: the study
        is not found. ``E_EXPORT_CHANGED``: it is not what the run was made from. All errors of `Study.load`.
    """
    folder = out / "tregflow-results" if not _is_run(out) and _is_run(out / "tregflow-results") else out
    manifest = load_manifest(folder)
    opened = _study(folder, manifest, study, strategy)
    _check_inputs(opened, manifest)
    counts = {(row["sample"], row["population"]): row["count"] for row in _table(folder, manifest, "populations.csv")}
    findings = [row for row in _table(folder, manifest, "findings.csv") if row["severity"] == "error"]
    errors = {row["sample"]: f"{row['code']}: {row['text']}" for row in findings}
    return Finished(folder, manifest, opened, counts, errors, _changed_controls(opened, manifest))


def _is_run(folder: Path) -> bool:
    return (folder / "manifest.json").is_file()


def _study(out: Path, manifest: Mapping[str, Any], study: Path | None, strategy: str | None) -> Study:
    said = manifest.get("run", {}).get("study")
    path = study or (out / said if said else None)
    if path is None or not path.exists():
        raise StudyError(
            "the study is not where it was when it was run",
            code="E_EXPORT_STUDY",
            file=str(out),
            available=[] if path is None else [str(path)],
            remedy="name it: --study FOLDER",
        )
    if strategy is None and not manifest.get("settings"):  # a folder without study.yaml
        strategy = _strategy(out, manifest)
    return open_study(path, strategy)


def _strategy(out: Path, manifest: Mapping[str, Any]) -> str:
    source = str(manifest["strategy"]["source"])
    if not source.endswith(_SHIPPED):
        raise StudyError(
            f"the run took the strategy {source}, and results do not say where it lies",
            code="E_EXPORT_STUDY",
            file=str(out),
            remedy=f"name it: --strategy {source}",
        )
    return source.removesuffix(_SHIPPED)


def _check_inputs(study: Study, manifest: Mapping[str, Any]) -> None:
    then, now = dict(manifest["inputs"]), dict(study.inputs)
    gone = [name for name, known in then.items() if known and not now.get(name)]
    other = [name for name, found in now.items() if found != then.get(name) and name not in gone]
    source = study.strategy.source
    if study.strategy.sha256 != manifest["strategy"]["sha256"] and source not in (*gone, *other):
        other.append(source)
    if gone or other:
        raise StudyError(
            "the study is not what the run was made from",
            code="E_EXPORT_CHANGED",
            file=str(study.folder),
            expected="the files of the run: study, sample sheet, strategy, overrides, matrices",
            available=[*(f"{name} is another" for name in other), *(f"{name} is gone" for name in gone)],
            remedy=_AGAIN,
        )


def _changed_controls(study: Study, manifest: Mapping[str, Any]) -> dict[str, list[str]]:
    then = manifest.get("controls", {})
    changed: dict[str, list[str]] = {}
    for row in study.rows:
        known = then.get(row.sample, {}).get("sha256")
        if row.role != "sample" and hash_or_none(study.path(row)) != known:
            changed.setdefault(row.batch, []).append(row.file)
    return changed


def _table(out: Path, manifest: Mapping[str, Any], name: str) -> list[dict[str, str]]:
    path = out / name
    if not path.is_file() or sha256_file(path) != manifest["tables"].get(name):
        raise StudyError(
            "is not the table that the run wrote",
            code="E_EDITED",
            file=str(path),
            expected=f"SHA-256 {manifest['tables'].get(name)}",
            available=[hash_or_none(path) or "no such file"],
            remedy="run the study again",
        )
    return [row for _, row in read_csv_rows(path.read_text(encoding="utf-8"))[1]]
