"""Which matrix a `compensation` setting names for a sample."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tregflow._yaml import suggest
from tregflow.compensation import Spillover, Unmixing, matrix_keywords
from tregflow.compensation.refusals import refuse
from tregflow.errors import CompensationError, StrategyError, TregflowError
from tregflow.strategy.spec import BatchCompensation

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from numpy.typing import NDArray

    from tregflow.fcs import Sample
    from tregflow.strategy.spec import MatrixSpec

Matrix = Spillover | Unmixing
"""What takes recorded values to dyes: square, or with a name for each dye."""

SINGLES = "singles"
"""The setting that asks for a matrix from the single-stained controls of the sample's batch."""

FCS_OR_NONE = "fcs-or-none"
"""Gating-ML's ``FCS``: the file's own matrix; no compensation where the file carries none."""

CompensationSetting = str | BatchCompensation
"""``fcs``, ``fcs:SPILL`` (one keyword of several), ``fcs-or-none``, ``none``, ``singles``, a name of the strategy's
`matrices`, the path of a CSV, or one of these per batch."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a setting can name, and where its files lie.

    Attributes
    ----------
    written : mapping of str to MatrixSpec
        Matrices written out in the strategy.
    read : mapping of str to Spillover
        CSV files that were read beforehand, by the name that the setting gives them.
    folder : Path or None
        Where relative paths start.
    source : str
        The strategy's file, for messages.
    singles : mapping of str to (Spillover or TregflowError)
        Batch -> the matrix of its single-stained controls, or why there is none.
    """

    source: str
    written: Mapping[str, MatrixSpec] = field(default_factory=dict)
    read: Mapping[str, Spillover] = field(default_factory=dict)
    folder: Path | None = None
    singles: Mapping[str, Spillover | TregflowError] = field(default_factory=dict)


def find_matrix(setting: CompensationSetting, sample: Sample, *, batch: str | None, known: Known) -> Matrix | None:
    """Return the matrix for a sample; None where the setting is ``none``.

    Raises
    ------
    StrategyError
        The batch has no entry or was not given (``E_COMPENSATION_BATCH``), or a path leaves the folder (``E_PATH``).
    CompensationError
        The matrix is missing or broken; ``E_NO_SINGLES``: it is to come from controls that were not given.
    """
    name = setting if isinstance(setting, str) else _of_batch(setting, batch, known.source)
    if name == "none":
        return None
    if name == FCS_OR_NONE:
        return _of_the_file_if_any(sample)
    if is_keyword(name):
        return Spillover.from_sample(sample, keyword=_keyword(name))
    if name in known.written:
        return build_matrix(name, known.written[name], known.source)
    if name == SINGLES:
        return _of_singles(batch, known)
    return known.read.get(name) or Spillover.from_csv(inside(name, known.folder or Path(), known.source))


def _of_singles(batch: str | None, known: Known) -> Spillover:
    """Return the matrix of a batch's single-stained controls; an error in them is that of each of its samples."""
    found = known.singles.get(batch or "")
    if isinstance(found, Spillover):
        return found
    if found is not None:
        raise copy.copy(found)  # the one that is kept must not gather a traceback from each sample
    raise CompensationError(
        "compensation: singles takes the single-stained controls of a study, and there are none here",
        code="E_NO_SINGLES",
        file=known.source,
        available=list(known.singles),
        remedy="run the study, or give spillover=spillover_from_controls(...).spillover",
    )


def _of_the_file_if_any(sample: Sample) -> Spillover | None:
    """Return the file's own matrix; None where it carries none, and its values are taken as they are."""
    if not matrix_keywords(sample):
        return None
    try:
        return Spillover.from_sample(sample)
    except CompensationError as error:
        if error.code == "E_NO_SPILL":  # a keyword that names channels and holds no numbers
            return None
        raise


def build_matrix(name: str, spec: MatrixSpec, source: str) -> Matrix:
    """Return a matrix that is written out in a strategy.

    Raises
    ------
    CompensationError
        ``E_SPILL``: it is broken.
    """
    said = f"{source}: matrix {name}"
    if spec.dyes is None:
        return Spillover(spec.detectors, _table(spec, said), said)
    return Unmixing(spec.detectors, spec.dyes, _table(spec, said), said, spec.inverted)


def _table(spec: MatrixSpec, said: str) -> NDArray[np.float64]:
    lengths = sorted({len(row) for row in spec.matrix})
    if len(lengths) > 1:
        shown = f"rows of {' and '.join(map(str, lengths))} numbers"
        refuse("the rows of the matrix differ in length", said, "rows of one length", shown)
    return np.array(spec.matrix, np.float64)


def read_matrices(names: Iterable[str], known: Known) -> dict[str, Spillover]:
    """Return the matrices of CSV files by name; one that is missing or broken is left to its samples."""
    found = {}
    for name in names:
        try:
            found[name] = Spillover.from_csv(inside(name, known.folder or Path(), known.source))
        except TregflowError:  # the samples that need it fail with this very error; the others do not
            continue
    return found


def matrix_of(setting: CompensationSetting, batch: str | None) -> str:
    """Return what a setting names for a batch: ``fcs``, ``none``, a file …; an empty text for a batch without entry."""
    return setting if isinstance(setting, str) else setting.batch.get(batch or "", "")


def matrix_files(setting: CompensationSetting, written: Container[str] = ()) -> tuple[str, ...]:
    """Return the CSV files that a setting names; `written` are the names of matrices that are no files."""
    names = (name for name in names_in(setting) if name not in ("none", SINGLES))
    return tuple(name for name in names if not (is_keyword(name) or name in written))


def names_in(setting: CompensationSetting) -> tuple[str, ...]:
    """Return everything that a setting names, a name per batch or one for all."""
    return (setting,) if isinstance(setting, str) else tuple(setting.batch.values())


def is_keyword(name: str) -> bool:
    """Tell whether a setting names the file's own matrix: ``fcs``, ``fcs:SPILL``, ``fcs-or-none``."""
    return name in ("fcs", FCS_OR_NONE) or name.startswith("fcs:")


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
