"""What `tregflow compensation` says: the matrix of single-stained controls, how sure it is, and what it leaves."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tregflow.compensation.diagnostics import diagnose
from tregflow.compensation.folder import assign
from tregflow.errors import StudyError
from tregflow.fcs import read_fcs
from tregflow.fcs.names import printable
from tregflow.strategy.singles import Singles
from tregflow.study import Study, fcs_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tregflow.compensation import SpilloverFit
    from tregflow.compensation.diagnostics import Diagnostics

_NEGATIVES = {"control": "its own", "unstained": "of the unstained control", "zero": "none, zero stands for them"}


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """The controls of a batch, looked at.

    Attributes
    ----------
    batch : str
        Empty for a folder without a study.
    fit : SpilloverFit
        The matrix.
    left : tuple of Diagnostics
        What the matrix leaves in each control.
    left_by_acquisition : tuple of Diagnostics
        What the acquisition matrix leaves in them; empty where there is none.
    passed_over : tuple of str
        Files of a folder whose names say no detector.
    """

    batch: str
    fit: SpilloverFit
    left: tuple[Diagnostics, ...]
    left_by_acquisition: tuple[Diagnostics, ...]
    passed_over: tuple[str, ...] = ()

    @property
    def review(self) -> bool:
        """Whether a finding asks for a person."""
        return any(finding.severity == "review" for finding in self.fit.findings)


def look_at_controls(source: Path, *, batch: str | None = None) -> tuple[Looked, ...]:
    """Compute the matrices of a study's single-stained controls, or of a folder of controls.

    Parameters
    ----------
    source : Path
        study.yaml, its folder, or a folder of control files whose names hold a detector or marker.
    batch : str, optional
        One batch of a study; default: all.

    Raises
    ------
    StudyError
        The study has faults, or no single-stained control (``E_NO_SINGLES``).
    CompensationError
        As `tregflow.compensation.spillover_from_controls`.
    """
    if source.is_file() or (source / "study.yaml").exists():
        return _of_study(Study.load(source), batch)
    if not source.is_dir():
        raise StudyError("no such folder", code="E_NO_FILES", file=str(source), remedy="check the path of the folder")
    found = assign(fcs_files(source))
    if not found.controls:
        raise _none(str(source), "files named after their detector or marker, such as 'PE-A control.fcs'")
    blank = None if found.unstained is None else read_fcs(found.unstained)
    singles = Singles({name: read_fcs(path) for name, path in found.controls.items()}, blank)
    return (_looked("", singles, tuple(path.name for path in found.others)),)


def _of_study(study: Study, batch: str | None) -> tuple[Looked, ...]:
    batches = dict.fromkeys(row.batch for row in study.rows if row.single)
    wanted = [name for name in batches if batch in (None, name)]
    if not wanted:
        where = "samples.csv" if batch is None else f"samples.csv: batch {batch}"
        raise _none(where, "rows of the role single:MARKER")
    return tuple(_looked(name, study.read_singles(name)) for name in wanted)


def _none(where: str, expected: str) -> StudyError:
    return StudyError("holds no single-stained control", code="E_NO_SINGLES", file=where, expected=expected)


def _looked(batch: str, singles: Singles, passed_over: tuple[str, ...] = ()) -> Looked:
    fit = singles.fit()
    controls = singles.controls.items()
    left = [diagnose(sample, fit.spillover, stained=(name,)) for name, sample in controls]
    stated = fit.acquisition
    by_acquisition = [] if stated is None else [diagnose(sample, stated, stained=(name,)) for name, sample in controls]
    return Looked(batch, fit, tuple(left), tuple(by_acquisition), passed_over)


def as_data(looked: Looked) -> dict[str, Any]:
    """Return the same as plain data, ready for JSON."""
    fit = looked.fit
    return {
        "batch": looked.batch,
        "detectors": list(fit.detectors),
        "matrix": fit.spillover.matrix.tolist(),
        "errors": fit.errors.tolist(),
        "differences": [[None if np.isnan(number) else number for number in row] for row in fit.differences.tolist()],
        "controls": [asdict(control) for control in fit.controls],
        "condition": looked.left[0].condition,
        "left": [_diagnosed(each) for each in looked.left],
        "left_by_acquisition": [_diagnosed(each) for each in looked.left_by_acquisition],
        "findings": [asdict(finding) for finding in fit.findings],
        "passed_over": list(looked.passed_over),
    }


def _diagnosed(found: Diagnostics) -> dict[str, Any]:
    def plain(entry: Any) -> dict[str, Any]:
        cells = asdict(entry)
        return {name: None if isinstance(cell, float) and np.isnan(cell) else cell for name, cell in cells.items()}

    return {
        "file": found.file,
        "negatives": [plain(each) for each in found.negatives],
        "residuals": [plain(each) for each in found.residuals],
        "findings": [asdict(finding) for finding in found.findings],
    }


def controls_page(looked: Looked) -> str:
    """Return the matrix with its errors, the controls, what is left in them, and the findings, for a person."""
    fit = looked.fit
    lines = [
        f"{fit.spillover.source}: {len(fit.detectors)} detectors",
        *_square("shares in percent (row: dye, column: detector)", fit.detectors, 100 * fit.spillover.matrix),
        *_square("standard errors in percent", fit.detectors, 100 * fit.errors),
    ]
    if fit.acquisition is not None:
        title = f"minus the acquisition matrix, in percent ({fit.acquisition.source})"
        lines += _square(title, fit.detectors, 100 * fit.differences)
    lines += ["", "  controls", *_controls(fit), "", "  left after compensation", *_left(looked)]
    if looked.passed_over:
        lines += ["", f"  passed over, since the name says no detector: {', '.join(looked.passed_over)}"]
    noticed = [*fit.findings, *(finding for each in looked.left for finding in each.findings)]
    lines += ["", "  findings"]
    lines += [f"    {each.severity:<8} {each.code}: {each.where}: {each.text}" for each in dict.fromkeys(noticed)]
    return "".join(f"{printable(line)}\n" for line in lines)


def _square(title: str, detectors: Sequence[str], numbers: NDArray[np.float64]) -> Iterator[str]:
    yield ""
    yield f"  {title}"
    width = max(8, *(len(name) for name in detectors))
    yield f"    {'':<{width}}" + "".join(f"  {name:>{width}}" for name in detectors)
    for name, row in zip(detectors, numbers, strict=True):
        cells = [
            "-" if np.isnan(number) else f"{number:.2f}" if abs(number) >= 1 else f"{number:.4f}" for number in row
        ]
        yield f"    {name:<{width}}" + "".join(f"  {cell:>{width}}" for cell in cells)


def _controls(fit: SpilloverFit) -> Iterator[str]:
    for each in fit.controls:
        top = f", {each.saturated} at the top of a range" if each.saturated else ""
        dim = f"{each.n_dim} ({_NEGATIVES[each.negatives]}), median {each.dim:.4g}"
        dim = _NEGATIVES[each.negatives] if each.negatives == "zero" else dim
        yield (
            f"    {each.detector}: {each.file}: {each.n_bright} positive events, median {each.bright:.6g}; "
            f"negative events: {dim}{top}"
        )


def _left(looked: Looked) -> Iterator[str]:
    yield f"    condition number {looked.left[0].condition:.3g}"
    for name, found in (("this matrix", looked.left), ("the acquisition matrix", looked.left_by_acquisition)):
        slopes = [each for diagnosed in found for each in diagnosed.residuals if not np.isnan(each.slope)]
        if slopes:
            worst = max(slopes, key=lambda each: abs(each.slope))
            flagged = sum(each.flagged for each in slopes)
            yield (
                f"    by {name}: largest slope {worst.slope:+.4f} ± {worst.error:.1g} "
                f"({worst.dye} -> {worst.detector}), {flagged} of {len(slopes)} pairs beyond the limit"
            )
