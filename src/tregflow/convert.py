"""Strategies from one format into another: YAML, Gating-ML 2.0, FlowJo workspaces. The suffix says which."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tregflow._files import write_whole
from tregflow.errors import InteropError
from tregflow.fcs.names import printable
from tregflow.strategy import Strategy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

    from tregflow.interop.left_out import LeftOut

Format = Literal["yaml", "gatingml", "flowjo"]

FORMATS: dict[str, Format] = {
    ".yaml": "yaml",
    ".yml": "yaml",
    ".xml": "gatingml",
    ".gatingml": "gatingml",
    ".wsp": "flowjo",
}
OVERRIDES = "overrides.yaml"
"""Beside a strategy in YAML: the departures of single samples and batches."""


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
        FCS file or folder of FCS files, or study with its sample sheet. A workspace is written for these samples;
        Gating-ML is written with the channels of the first.

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
    strategy, left_out = _read(source, read, partial=partial)
    if written == "yaml" and strategy.overrides:
        _check_free(target.parent / OVERRIDES, force=force)
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
            remedy="choose another name, or write over it with force=True, on the command line --force",
        )


def _read(source: Path, read: Format, *, partial: bool) -> tuple[Strategy, tuple[LeftOut, ...]]:
    if read == "yaml":
        beside = source.parent / OVERRIDES
        return Strategy.load(source, overrides=beside if beside.is_file() else None), ()
    if read == "gatingml":
        from tregflow.interop.gatingml import read_gatingml

        imported = read_gatingml(source, partial=partial)
    else:
        from tregflow.interop.flowjo import import_workspace

        imported = import_workspace(source, partial=partial)
    return imported.strategy, imported.left_out


def _write(strategy: Strategy, target: Path, written: Format, fcs: Path | None) -> tuple[LeftOut, ...]:
    if written == "yaml":
        strategy.save(target)
        if strategy.overrides:
            write_whole(target.parent / OVERRIDES, strategy.overrides_yaml().encode())
        return ()
    from tregflow.fcs import read_fcs

    files = {} if fcs is None else _files(strategy, fcs)
    if written == "gatingml":
        from tregflow.interop.gatingml import write_gatingml

        first = next(iter(files.values()), None)
        return write_gatingml(target, strategy, sample=None if first is None else read_fcs(first, channels=()))
    from tregflow.interop.flowjo import write_workspace

    samples = {name: read_fcs(path) for name, path in files.items()}
    return write_workspace(target, strategy, samples, batches=_batches(fcs))


def _files(strategy: Strategy, fcs: Path) -> dict[str, Path]:
    """Return FCS files by the ids that overrides know: of the sample sheet, else the file's name or its stem."""
    found = dict(_in_study(fcs) if _is_study(fcs) else _in_folder(strategy, fcs))
    if not found:
        raise InteropError("holds no FCS file", code="E_EXPORT", file=str(fcs), expected="FCS files, or a study")
    return found


def _is_study(fcs: Path) -> bool:
    return fcs.name == "study.yaml" or (fcs / "study.yaml").is_file()


def _in_study(fcs: Path) -> Iterator[tuple[str, Path]]:
    from tregflow.study import Study

    study = Study.load(fcs)
    for row in study.rows:
        if row.role == "sample":
            yield row.sample, study.folder / row.file


def _in_folder(strategy: Strategy, fcs: Path) -> Iterator[tuple[str, Path]]:
    known = {rule.target for rule in strategy.overrides if rule.level == "sample"}
    files = sorted(path for path in fcs.iterdir() if path.suffix.casefold() == ".fcs") if fcs.is_dir() else [fcs]
    for path in files:
        yield (path.stem if path.name not in known and path.stem in known else path.name), path


def _batches(fcs: Path | None) -> dict[str, str]:
    if fcs is None or not _is_study(fcs):
        return {}
    from tregflow.study import Study

    return {row.sample: row.batch for row in Study.load(fcs).rows if row.batch}
