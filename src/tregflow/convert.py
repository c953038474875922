"""Strategies from one format into another: YAML, Gating-ML 2.0, FlowJo workspaces. The suffix says which."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tregflow._files import read_csv_rows, write_whole
from tregflow._yaml import read_text
from tregflow.errors import InteropError, StudyError
from tregflow.fcs import read_fcs
from tregflow.fcs.names import printable
from tregflow.fcs.scan import SUFFIXES
from tregflow.interop.left_out import LeftOut
from tregflow.strategy import Strategy
from tregflow.strategy.overrides import OVERRIDES_FILE

if TYPE_CHECKING:
    from os import PathLike

    from tregflow.interop.imported import Imported
    from tregflow.populations import Gated

Format = Literal["yaml", "gatingml", "flowjo"]

FORMATS: dict[str, Format] = {
    ".yaml": "yaml",
    ".yml": "yaml",
    ".xml": "gatingml",
    ".gatingml": "gatingml",
    ".wsp": "flowjo",
}


def convert(
    source: str | PathLike[str],
    target: str | PathLike[str],
    *,
    partial: bool = False,
    force: bool = False,
    fcs: str | PathLike[str] | None = None,
) -> tuple[LeftOut, ...]:
    """Write the gates of one file as another; what a file is, its suffix says.

    Parameters
    ----------
    source : str or path
        Strategy in YAML (.yaml, .yml), with the overrides.yaml beside it; Gating-ML 2.0 (.xml, .gatingml); FlowJo
        workspace (.wsp).
    target : str or path
        As `source`. The overrides of a strategy in YAML are written as overrides.yaml beside it.
    partial : bool
        Take over what can be taken over, and list the rest; otherwise anything that cannot be is an error.
    force : bool
        Write over files that are there.
    fcs : str or path, optional
        FCS file or folder of FCS files, or study with its sample sheet. A workspace is written for these samples; those
        of a study are gated as its run gates them, with its compensation, batches and controls.
        Gating-ML is written with the channels of the first. Of a workspace that is read the overrides of these samples
        are kept, under the ids of the study's samples.csv where it has one; which samples have no partner is listed.

    Returns
    -------
    tuple of LeftOut
        What did not come over from `source`, then what other programs do not find in `target`.

    Raises
    ------
    InteropError
        ``E_EXPORT``: an unknown suffix, a file that is there, samples missing for a workspace; or as the readers and
        writers say.
    StrategyError
        The strategy in YAML has faults.
    """
    source, target = Path(source), Path(target)
    read, written = _format(source), _format(target)
    _check_free(target, force=force)
    if written == "flowjo" and fcs is None:
        raise InteropError(
            "a workspace holds the gates of samples, and none is given",
            code="E_EXPORT",
            file=target.name,
            expected="a folder of FCS files",
            remedy="give fcs=DIR, on the command line --fcs DIR",
        )
    strategy, left_out = _read(source, read, None if fcs is None else Path(fcs), partial=partial)
    if written == "yaml":
        # Also for a strategy without overrides: those of another one beside it would be taken for its own.
        _check_free(target.parent / OVERRIDES_FILE, force=force)
    return (*left_out, *_write(strategy, target, written, None if fcs is None else Path(fcs)))


def as_line(left_out: LeftOut) -> str:
    """Return one thing that did not cross, as a line for a person.

    Examples
    --------
    >>> from tregflow.interop.left_out import LeftOut
    >>> as_line(LeftOut("P01", "CD4/Treg", "a curly quadrant", 12))
    'P01: CD4/Treg: a curly quadrant (line 12)'
    """
    where = f" (line {left_out.line})" if left_out.line else ""
    return printable(": ".join(filter(None, (left_out.sample, left_out.population, left_out.reason)))) + where


def _format(path: Path) -> Format:
    known = FORMATS.get(path.suffix.casefold())
    if known is None:
        problem = f"the suffix '{path.suffix}' says no format" if path.suffix else "no suffix says the format"
        raise InteropError(problem, code="E_EXPORT", file=path.name, available=tuple(FORMATS))
    return known


def _check_free(path: Path, *, force: bool) -> None:
    if path.exists() and not force:
        raise InteropError(
            "the file is there already",
            code="E_EXPORT",
            file=str(path),
            remedy="choose another name or folder, or write over it with force=True, on the command line --force",
        )


def _read(source: Path, read: Format, fcs: Path | None, *, partial: bool) -> tuple[Strategy, tuple[LeftOut, ...]]:
    if read == "yaml":
        beside = source.parent / OVERRIDES_FILE
        return Strategy.load(source, overrides=beside if beside.is_file() else None), ()
    if read == "gatingml":
        from tregflow.interop.gatingml import read_gatingml

        imported = read_gatingml(source, partial=partial)
    else:
        from tregflow.interop.flowjo import import_workspace

        imported = import_workspace(source, partial=partial)
        if fcs is not None:
            return _for_files(imported, fcs)
    return imported.strategy, imported.left_out


def _for_files(imported: Imported, fcs: Path) -> tuple[Strategy, tuple[LeftOut, ...]]:
    """Return the strategy with the overrides of the samples whose files are there, under the ids that they go by."""
    known = {sample for sample, _ in imported.ids}
    ids = _ids_of_files(fcs)
    rules = []
    for rule in imported.strategy.overrides:
        if rule.level == "batch":
            rules.append(rule)
        elif rule.target in ids:
            own = ids[rule.target]
            rules.append(replace(rule, target=own))
    unused = [LeftOut(sample, "", "no such file: its gates are not kept") for sample in sorted(known - set(ids))]
    new = [
        LeftOut(own, "", "no sample of the workspace has its file: the gates of the template hold for it")
        for file, own in ids.items()
        if file not in known
    ]
    return replace(imported.strategy, overrides=tuple(rules)), (*imported.left_out, *unused, *new)


def _ids_of_files(fcs: Path) -> dict[str, str]:
    """Return the name of each FCS file -> the id of its sample: by the sample sheet, else the name itself."""
    folder = fcs.parent if fcs.name == "study.yaml" else fcs
    sheet = folder / "samples.csv"
    if sheet.is_file():
        _, rows = read_csv_rows(read_text(sheet, StudyError, "E_STUDY_FILE"))
        return {Path(row.get("file", "")).name: row.get("sample", "") for _, row in rows}
    return {path.name: path.name for path in _fcs_files(fcs)}


def _write(strategy: Strategy, target: Path, written: Format, fcs: Path | None) -> tuple[LeftOut, ...]:
    if written == "yaml":
        beside = target.parent / OVERRIDES_FILE
        if strategy.overrides or beside.exists():
            write_whole(beside, strategy.overrides_yaml().encode())
        write_whole(target, strategy.to_yaml().encode())
        return ()
    if written == "gatingml":
        from tregflow.interop.gatingml import write_gatingml

        return write_gatingml(target, strategy, sample=None if fcs is None else read_fcs(_first(fcs), channels=()))
    return () if fcs is None else _write_workspace(strategy, target, fcs)


def _write_workspace(strategy: Strategy, target: Path, fcs: Path) -> tuple[LeftOut, ...]:
    from tregflow.interop.flowjo import write_gated

    whole, gated = _gated_study(strategy, fcs) if _is_study(fcs) else (strategy, _gated_files(strategy, fcs))
    targets = dict.fromkeys(rule.target for rule in strategy.overrides if rule.level == "sample")
    unwritten = [LeftOut(name, "", "no such file: nothing is written of it") for name in targets if name not in gated]
    return (*write_gated(target, whole, gated), *unwritten)


def _gated_study(strategy: Strategy, fcs: Path) -> tuple[Strategy, dict[str, Gated]]:
    """Gate the samples of a study as a run of it would: by its own compensation, with its batches and its controls."""
    from tregflow.batch import tasks_of
    from tregflow.batch.work import gate_sample
    from tregflow.study import Study

    study = Study.load(fcs)
    if study.settings.get("compensation") is not None:
        own = strategy.with_compensation(study.strategy.spec.compensation)
        strategy = replace(own, folder=study.folder).with_matrices()
    rows = [row for row in study.rows if row.role == "sample"]
    tasks = tasks_of(replace(study, strategy=strategy), rows, study.folder)
    return strategy, {task.sample: gate_sample(task, read_fcs(task.path)) for task in tasks}


def _gated_files(strategy: Strategy, fcs: Path) -> dict[str, Gated]:
    """Gate files, each under the id that overrides know: the file's name, else its stem."""
    known = {rule.target for rule in strategy.overrides if rule.level == "sample"}
    gated = {}
    for path in _fcs_files(fcs):
        name = path.stem if path.name not in known and path.stem in known else path.name
        gated[name] = strategy.gate(read_fcs(path), id=name)
    return gated


def _first(fcs: Path) -> Path:
    if not _is_study(fcs):
        return _fcs_files(fcs)[0]
    from tregflow.study import Study

    study = Study.load(fcs)
    return next((study.path(row) for row in study.rows if row.role == "sample"), fcs)


def _is_study(fcs: Path) -> bool:
    return fcs.name == "study.yaml" or (fcs / "study.yaml").is_file()


def _fcs_files(fcs: Path) -> list[Path]:
    if not fcs.is_dir():
        return [fcs]
    found = sorted(path for path in fcs.iterdir() if path.suffix.casefold() in SUFFIXES)
    if not found:
        raise InteropError("holds no FCS file", code="E_EXPORT", file=str(fcs), expected="FCS files, or a study")
    return found
