"""Which spillover matrix a `compensation` setting names for a sample."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tregflow._yaml import suggest
from tregflow.compensation import Spillover
from tregflow.errors import StrategyError, TregflowError
from tregflow.strategy.spec import BatchCompensation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tregflow.fcs import Sample

CompensationSetting = str | BatchCompensation
"""``fcs``, ``fcs:SPILL`` (one keyword of several), ``none``, the path of a CSV, or one of these per batch."""


def find_spillover(
    setting: CompensationSetting,
    sample: Sample,
    *,
    batch: str | None,
    folder: Path | None,
    source: str,
    read: Mapping[str, Spillover] | None = None,
) -> Spillover | None:
    """Return the matrix for a sample; None where the setting is ``none``. Matrices in `read` are not read again.

    Raises
    ------
    StrategyError
        The batch has no entry or was not given (``E_COMPENSATION_BATCH``), or a path leaves the folder (``E_PATH``).
    CompensationError
        The matrix is missing or broken.
    """
    name = setting if isinstance(setting, str) else _of_batch(setting, batch, source)
    if name == "none":
        return None
    if not is_file(name):
        return Spillover.from_sample(sample, keyword=_keyword(name))
    return (read or {}).get(name) or Spillover.from_csv(inside(name, folder or Path(), source))


def read_matrices(setting: CompensationSetting, folder: Path | None, source: str) -> dict[str, Spillover]:
    """Return the matrices of every CSV that a setting names; one that is missing or broken is left to its samples."""
    found = {}
    for name in matrix_files(setting):
        try:
            found[name] = Spillover.from_csv(inside(name, folder or Path(), source))
        except TregflowError:  # the samples that need it fail with this very error; the others do not
            continue
    return found


def matrix_of(setting: CompensationSetting, batch: str | None) -> str:
    """Return what a setting names for a batch: ``fcs``, ``none`` or a file; an empty text for a batch without entry."""
    return setting if isinstance(setting, str) else setting.batch.get(batch or "", "")


def matrix_files(setting: CompensationSetting) -> tuple[str, ...]:
    """Return the CSV files that a setting names."""
    names = (setting,) if isinstance(setting, str) else tuple(setting.batch.values())
    return tuple(name for name in names if is_file(name))


def is_file(name: str) -> bool:
    """Tell whether a setting names a CSV file."""
    return name not in ("fcs", "none") and not name.startswith("fcs:")


def inside(name: str, folder: Path, source: str) -> Path:
    """Return the path of `name` below `folder`; a name that leads out of it is refused.

    A strategy may come from anyone: it must not make the program open files elsewhere.
    """
    base = folder.resolve()
    if "\0" in name or not (base / name).resolve().is_relative_to(base):
        raise StrategyError(
            f"the path '{name}' leads out of the folder of the study",
            code="E_PATH",
            file=source,
            expected=f"a file below {folder}",
            remedy="copy the file into the folder",
        )
    return (base / name).resolve()


def _keyword(name: str) -> str | None:
    """Return the keyword that ``fcs:SPILL`` chooses; None for ``fcs``."""
    return name.removeprefix("fcs").removeprefix(":").strip().upper() or None


def _of_batch(setting: BatchCompensation, batch: str | None, source: str) -> str:
    if batch in setting.batch:
        return setting.batch[str(batch)]
    problem = (
        "compensation is set per batch, and the batch was not given"
        if batch is None
        else (f"compensation names no matrix for batch '{batch}'{suggest(batch, setting.batch)}")
    )
    raise StrategyError(
        problem,
        code="E_COMPENSATION_BATCH",
        file=source,
        available=list(setting.batch),
        remedy="add the batch to compensation, or give batch=...",
    )
