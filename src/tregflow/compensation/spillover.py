"""A spillover matrix: checked to be invertible, inverted once, and removed from the values of a sample."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tregflow._files import write_whole
from tregflow.compensation.checks import check_applicable, check_uncompensated, condition_of
from tregflow.compensation.inverse import inverse
from tregflow.compensation.keywords import (
    KEYWORDS,
    SPELLED,
    Stated,
    matrix_keywords,
    read_keyword,
    same_matrix,
)
from tregflow.compensation.refusals import refuse
from tregflow.compensation.sums import compensated
from tregflow.compensation.table import read_table, table_bytes
from tregflow.errors import CompensationError, InteropError
from tregflow.fcs.names import shown
from tregflow.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tregflow.compensation.sums import Recorded
    from tregflow.fcs import Sample

CONDITION_LIMIT = 1e6
"""Condition number from which a matrix is refused: float32 values have seven digits, and it would eat six of them."""

IDENTITY_TOLERANCE = 1e-5
_DIAGONAL_TOLERANCE = 1e-3
_UNMIXED = "import the workspace as a strategy, which holds the matrix under matrices"


@dataclass(frozen=True, slots=True, eq=False)
class Spillover:
    """Shares of each dye's light that the detectors see, checked to be invertible.

    Attributes
    ----------
    detectors : tuple of str
        ``$PnN`` of the n detectors.
    matrix : (n, n) ndarray of float64, read-only
        Row i: dye i; column j: the share that detector j sees; diagonal 1, no unit.
    source : str
        Where it comes from, for messages: ``P01_D8.fcs: $SPILLOVER``, ``b1.csv``.
    findings : tuple of Finding
        What was noticed on reading.
    inverse : (n, n) ndarray of float64, read-only
        Taken once, on building: solving anew gives other last bits for other chunk sizes.
    identity : bool
        Whether the matrix is the identity, but for rounding: then no value is touched.

    Raises
    ------
    CompensationError
        ``E_SPILL``: not square, not of the size of `detectors`, a name twice, numbers not finite, in percent,
        singular, or of an absurd condition number.

    Examples
    --------
    >>> Spillover(("B515-A", "G560-A"), np.array([[1.0, 0.25], [0.0, 1.0]]), "b1.csv").inverse
    array([[ 1.  , -0.25],
           [ 0.  ,  1.  ]])
    """

    detectors: tuple[str, ...]
    matrix: NDArray[np.float64]
    source: str
    findings: tuple[Finding, ...] = ()
    inverse: NDArray[np.float64] = field(init=False, repr=False)
    identity: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the matrix and invert it."""
        # Adding 0 turns -0 into 0, so that equal matrices have equal hashes.
        matrix = np.array(self.matrix, dtype=np.float64) + 0.0
        object.__setattr__(self, "detectors", tuple(self.detectors))
        object.__setattr__(self, "matrix", matrix)
        _check_matrix(self.detectors, matrix, self.source)
        object.__setattr__(self, "findings", (*self.findings, *_noticed(matrix, self.source)))
        # The identity of unmixed spectral files, rounded on writing, must not alter a value.
        identity = _is_identity(matrix)
        object.__setattr__(self, "identity", identity)
        object.__setattr__(self, "inverse", np.eye(len(matrix)) if identity else inverse(matrix))
        matrix.setflags(write=False)
        self.inverse.setflags(write=False)

    @classmethod
    def from_sample(cls, sample: Sample, *, keyword: str | None = None) -> Spillover:
        """Read the matrix that a sample carries: ``$SPILLOVER``, ``SPILL``, else ``$COMP``, else ``$DFCmTOn``.

        Parameters
        ----------
        sample : Sample
            Its keywords suffice.
        keyword : str, optional
            The one to read, where a file carries several: one of `KEYWORDS`.

        Returns
        -------
        Spillover

        Raises
        ------
        CompensationError
            ``E_NO_SPILL``: there is none. ``E_SPILL``: it is broken. ``E_SPILL_CONFLICT``: two keywords hold different
            matrices, and none was chosen. ``E_COMPENSATED_TWICE``: the values are compensated already.
        """
        check_uncompensated(sample, f"{sample.file}: its own spillover matrix")
        read = [read_keyword(sample, key) for key in _asked(sample, keyword)]
        matrices = [each for each in read if isinstance(each, Stated)]
        empty = [each for each in read if isinstance(each, Finding)]
        if not matrices:
            raise _no_matrix(sample, keyword, empty)
        first, *others = matrices
        for other in others:
            if not same_matrix(first, other):
                raise _conflict(sample, first, other)
        return cls(first.detectors, first.matrix, f"{sample.file}: {first.keyword}", (*first.findings, *empty))

    @classmethod
    def from_csv(cls, path: Path | str) -> Spillover:
        """Read a matrix from a CSV file: detectors in the first row, then a row of numbers per dye.

        A first column of names is allowed and must repeat the detectors in their order.

        Parameters
        ----------
        path : Path or str
            UTF-8, commas between cells, points in numbers.

        Returns
        -------
        Spillover

        Raises
        ------
        CompensationError
            ``E_MISSING``: no such file. ``E_SPILL``: it holds no usable matrix.
        """
        path = Path(path)
        return cls(*read_table(path), path.name)

    @classmethod
    def from_wsp(cls, path: Path | str, sample: str) -> Spillover:
        """Return the matrix that a FlowJo workspace applies to a sample.

        Parameters
        ----------
        path : Path or str
            A ``.wsp`` file of FlowJo 10.
        sample : str
            Name of the sample in the workspace, as a rule that of the FCS file.

        Raises
        ------
        CompensationError
            ``E_NO_SPILL``: the sample has none. ``E_SPILL``: it cannot be used, or has names for its dyes.
        InteropError
            The workspace is broken, or has no such sample (``E_WSP``).
        """
        from tregflow.interop.flowjo import Reason, parse_workspace

        path = Path(path)
        samples = parse_workspace(path).samples
        found = next((each for each in samples if sample in (each.key, each.name)), None)
        if found is None:
            names = [each.key for each in samples]
            problem = f"no sample is called {shown(sample)}"
            raise InteropError(problem, code="E_WSP", file=path.name, available=names)
        said = f"{path.name}: {found.key}"
        if found.matrix is None:
            remedy = "compensation: none where the file's values are compensated (Comp- or FJComp- names), else fcs"
            raise CompensationError("the sample has no matrix", code="E_NO_SPILL", file=said, remedy=remedy)
        if isinstance(found.matrix, Reason):
            refuse(f"line {found.matrix.line}: {found.matrix.text}", said, "a matrix that can be used")
        if found.matrix.dyes != found.matrix.detectors:
            available = ", ".join(found.matrix.dyes)
            refuse("the matrix has names for its dyes", said, "a row per detector", available, remedy=_UNMIXED)
        return cls(found.matrix.detectors, np.array(found.matrix.numbers), f"{said}: {found.matrix.name}")

    def to_csv(self, path: Path | str) -> None:
        """Write the matrix as a CSV file, whole or not at all; `from_csv` reads it back to the same numbers.

        Parameters
        ----------
        path : Path or str
            Detectors stand in the first row and in the first column; numbers are written with all their digits.
        """
        write_whole(Path(path), self.to_csv_bytes())

    def to_csv_bytes(self) -> bytes:
        """Return what `to_csv` writes."""
        return table_bytes(self.detectors, self.matrix)

    @property
    def sha256(self) -> str:
        """SHA-256 of detectors and matrix, the same for the same numbers wherever they were read from."""
        canonical = json.dumps({"detectors": self.detectors, "matrix": self.matrix.tolist()}, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def check(self, sample: Sample) -> None:
        """Make sure that the matrix can be applied to a sample.

        Raises
        ------
        CompensationError
            ``E_SPILL``: a detector is not a channel of the sample. ``E_COMPENSATED_TWICE``: the sample is compensated.
        """
        check_applicable(self.detectors, sample, self.source)

    def compensated(self, sample: Sample, channel: str, *, recorded: Recorded | None = None) -> NDArray[np.float64]:
        """Return the compensated values of a channel.

        An event is a row: recorded = true @ S, so true = recorded @ inv(S) (Bagwell and Adams, Ann N Y Acad Sci 677,
        1993). Products are added from the first detector to the last, each rounded: the same bits in every engine.

        Parameters
        ----------
        sample : Sample
            With all detectors of the matrix read.
        channel : str
            ``$PnN``; one that the matrix does not name is returned as it is.
        recorded : callable, optional
            ``$PnN`` -> (n_events,) recorded values, where they are not the sample's own: divided by their gain.

        Returns
        -------
        (n_events,) ndarray of float64
            Untransformed. Values below zero are right and are kept.

        Raises
        ------
        CompensationError
            As `check`.
        PanelError
            A channel was not read, or there is none of that name.
        """
        return compensated(self.detectors, self.weights(sample, channel), channel, recorded or sample.values)

    def weights(self, sample: Sample, channel: str) -> NDArray[np.float64] | None:
        """Return what the detectors are multiplied by for a channel: (n_detectors,); None where it stays as it is.

        Raises
        ------
        CompensationError
            As `check`.
        """
        self.check(sample)
        if channel not in self.detectors or self.identity:
            return None
        return self.inverse[:, self.detectors.index(channel)]


def _check_matrix(detectors: Sequence[str], matrix: NDArray[np.float64], source: str) -> None:
    n = len(detectors)
    if n == 0 or matrix.shape != (n, n):
        shape = " x ".join(map(str, matrix.shape))
        refuse("the matrix is not square", source, f"{n} x {n} numbers for {n} detectors", shape)
    twice = sorted({name for name in detectors if detectors.count(name) > 1})
    if twice:
        refuse(f"the detector {twice[0]} is named twice", source, "each detector once", ", ".join(detectors))
    if not np.isfinite(matrix).all():
        refuse("the matrix holds NaN or infinity", source, "finite numbers")
    if np.allclose(np.diag(matrix), 100.0):
        refuse("the matrix is in percent", source, "shares, with 1 on the diagonal", "100 on the diagonal")
    condition = condition_of(matrix)
    if not condition < CONDITION_LIMIT:
        singular = np.linalg.matrix_rank(matrix) < n
        kind = "singular" if singular else "nearly singular"
        refuse(
            f"the matrix is {kind}, so that it cannot be inverted",
            source,
            f"a condition number below {CONDITION_LIMIT:g}",
            "" if singular else f"condition number {condition:.2g}",
        )


def _noticed(matrix: NDArray[np.float64], source: str) -> list[Finding]:
    if _is_identity(matrix):
        text = "the matrix is the identity: compensation changes nothing"
        return [Finding("spillover-identity", "warning", source, text)]
    found = []
    off = float(np.abs(np.diag(matrix) - 1.0).max())
    if off > _DIAGONAL_TOLERANCE:
        found.append(
            Finding("spillover-diagonal", "warning", source, f"the diagonal differs from 1 by up to {off:.3g}")
        )
    largest = float(np.abs(matrix - np.diag(np.diag(matrix))).max())
    if largest >= 1.0:
        text = f"a detector sees {largest:.3g} times of a dye what the dye's own sees: percent instead of shares?"
        found.append(Finding("spillover-large", "review", source, text))
    return found


def _is_identity(matrix: NDArray[np.float64]) -> bool:
    return np.allclose(matrix, np.eye(len(matrix)), rtol=0, atol=IDENTITY_TOLERANCE)


def _asked(sample: Sample, keyword: str | None) -> tuple[str, ...]:
    """Return the keywords to read: the chosen one, else all of the newer kind, else the first of the older ones."""
    carried = matrix_keywords(sample)
    if keyword is not None:
        return (keyword,) if keyword in carried else ()
    newer = tuple(key for key in carried if key in SPELLED)
    return newer or carried[:1]


def _no_matrix(sample: Sample, keyword: str | None, empty: Sequence[Finding]) -> CompensationError:
    carried = matrix_keywords(sample)
    others = tuple(key for key in carried if key != keyword) if keyword else ()
    return CompensationError(
        f"the file carries no spillover matrix{f' {keyword}' if keyword else ''}",
        code="E_NO_SPILL",
        file=sample.file,
        expected=f"the keyword {keyword or ' or '.join(KEYWORDS[:2])}",
        available=(*(f"{each.where.removeprefix(f'{sample.file}: ')}: {each.text}" for each in empty), *others),
        remedy="name a CSV file with the matrix under compensation, or set compensation: none",
    )


def _conflict(sample: Sample, first: Stated, other: Stated) -> CompensationError:
    return CompensationError(
        f"{first.keyword} and {other.keyword} hold different matrices",
        code="E_SPILL_CONFLICT",
        file=sample.file,
        expected="one matrix, or the same twice",
        available=tuple(f"{each.keyword} ({len(each.detectors)} detectors)" for each in (first, other)),
        remedy=f"choose one, as in compensation: fcs:{first.keyword}, or name a CSV file with the right one",
    )
