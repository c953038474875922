"""Unmixing: the dyes' own light from as many detectors or more, by least squares."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tregflow.compensation.checks import check_applicable, condition_of
from tregflow.compensation.inverse import inverse, pseudo_inverse
from tregflow.compensation.refusals import refuse
from tregflow.compensation.spillover import CONDITION_LIMIT
from tregflow.compensation.sums import compensated
from tregflow.errors import CompensationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tregflow.compensation.sums import Recorded
    from tregflow.fcs import Sample
    from tregflow.findings import Finding


@dataclass(frozen=True, slots=True, eq=False)
class Unmixing:
    """Shares of each dye's light that the detectors see, with names for the dyes (Gating-ML 2.0, spectrumMatrix).

    Attributes
    ----------
    detectors : tuple of str
        ``$PnN`` of the m detectors.
    dyes : tuple of str
        Names of the n dyes, m >= n; none is the name of a detector.
    matrix : (n, m) ndarray of float64, read-only
        Row: dye; column: the share that the detector sees. With `inverted`, (m, n): row: detector; column: dye.
    source : str
        Where it comes from, for messages.
    inverted : bool
        Whether `matrix` is the one to multiply by, as it is.
    inverse : (m, n) ndarray of float64, read-only
        What recorded values, as a row, are multiplied by. The Moore-Penrose inverse where m > n, which is least
        squares (Gating-ML 2.0, 4.2).

    Raises
    ------
    CompensationError
        ``E_SPILL``: not of the size of `detectors` and `dyes`, fewer detectors than dyes, a name twice, numbers not
        finite, or rows that depend on each other.

    Examples
    --------
    >>> Unmixing(("A", "B", "C"), ("FITC", "PE"), np.array([[1.0, 0, 1], [0, 1, 0]]), "m").inverse
    array([[0.5, 0. ],
           [0. , 1. ],
           [0.5, 0. ]])
    """

    detectors: tuple[str, ...]
    dyes: tuple[str, ...]
    matrix: NDArray[np.float64]
    source: str
    inverted: bool = False
    findings: tuple[Finding, ...] = ()
    inverse: NDArray[np.float64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the matrix and invert it."""
        matrix = np.array(self.matrix, dtype=np.float64) + 0.0  # turns -0 into 0: equal matrices, equal hashes
        object.__setattr__(self, "detectors", tuple(self.detectors))
        object.__setattr__(self, "dyes", tuple(self.dyes))
        object.__setattr__(self, "matrix", matrix)
        _check_names(self.detectors, self.dyes, self.source)
        _check_matrix(self, matrix)
        object.__setattr__(self, "inverse", matrix.copy() if self.inverted else _inverse(matrix))
        matrix.setflags(write=False)
        self.inverse.setflags(write=False)

    @property
    def sha256(self) -> str:
        """SHA-256 of names and numbers, the same for the same matrix wherever it was read from."""
        said = {"detectors": self.detectors, "dyes": self.dyes, "matrix": self.matrix.tolist()}
        canonical = json.dumps({**said, "inverted": self.inverted}, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def check(self, sample: Sample) -> None:
        """Make sure that the matrix can be applied to a sample.

        Raises
        ------
        CompensationError
            ``E_SPILL``: a detector is not a channel of the sample, or a dye is called like one.
            ``E_COMPENSATED_TWICE``: the sample is compensated.
        """
        check_applicable(self.detectors, sample, self.source)
        stored = tuple(dye for dye in self.dyes if dye in sample.names)
        if stored:  # one name would mean two columns, the one that is stored and the one that is computed
            raise CompensationError(
                "a dye is called like a channel of the sample",
                code="E_SPILL",
                file=": ".join(filter(None, (sample.file, self.source))),
                expected="dyes that are not called like a channel",
                available=stored,
                remedy="call the dye otherwise in the matrix, or set compensation: none if the file is unmixed already",
            )

    def compensated(self, sample: Sample, channel: str, *, recorded: Recorded | None = None) -> NDArray[np.float64]:
        """Return the light of a dye; a channel that is no detector is returned as it is.

        Parameters
        ----------
        sample : Sample
            With all detectors of the matrix read.
        channel : str
            A dye, or ``$PnN`` of a channel that the matrix does not name.
        recorded : callable, optional
            ``$PnN`` -> (n_events,) recorded values, where they are not the sample's own: divided by their gain.

        Returns
        -------
        (n_events,) ndarray of float64
            Untransformed. Products are added from the first detector to the last, each rounded. Values below zero are
            right and are kept.

        Raises
        ------
        CompensationError
            As `check`; ``E_DETECTOR``: `channel` is a detector, of which nothing is left after unmixing.
        PanelError
            A channel was not read, or there is none of that name.
        """
        return compensated(self.detectors, self.weights(sample, channel), channel, recorded or sample.values)

    def weights(self, sample: Sample, channel: str) -> NDArray[np.float64] | None:
        """Return what the detectors are multiplied by for a dye: (n_detectors,); None for a channel that stays.

        Raises
        ------
        CompensationError
            As `check`; ``E_DETECTOR``: `channel` is a detector.
        """
        self.check(sample)
        if channel in self.detectors:
            raise CompensationError(
                f"{channel} is a detector, and unmixing turns detectors into dyes",
                code="E_DETECTOR",
                file=": ".join(filter(None, (sample.file, self.source))),
                expected="a dye",
                available=self.dyes,
                remedy="name the dye under dimensions: {CD25: {dye: PE}}, or give the axis compensation: none there",
            )
        return self.inverse[:, self.dyes.index(channel)] if channel in self.dyes else None


def _inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    n, m = matrix.shape
    return inverse(matrix) if n == m else pseudo_inverse(matrix)


def _check_names(detectors: Sequence[str], dyes: Sequence[str], source: str) -> None:
    for kind, names in (("detector", detectors), ("dye", dyes)):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            refuse(f"the {kind} {twice[0]} is named twice", source, f"each {kind} once", ", ".join(names))
    both = [name for name in dyes if name in detectors]
    if both:  # one name would mean two columns, before and after unmixing
        refuse(f"{both[0]} is a detector and a dye", source, "dyes that are not called like a detector")


def _check_matrix(unmixing: Unmixing, matrix: NDArray[np.float64]) -> None:
    m, n, source = len(unmixing.detectors), len(unmixing.dyes), unmixing.source
    if not 0 < n <= m:
        refuse(f"{n} dyes for {m} detectors", source, "as many detectors as dyes, or more")
    rows, columns = (m, n) if unmixing.inverted else (n, m)
    if matrix.shape != (rows, columns):
        expected = f"{rows} x {columns} numbers: a row per {'detector' if unmixing.inverted else 'dye'}"
        refuse("the matrix is of another size", source, expected, " x ".join(map(str, matrix.shape)))
    if not np.isfinite(matrix).all():
        refuse("the matrix holds NaN or infinity", source, "finite numbers")
    condition = condition_of(matrix)
    if not condition < CONDITION_LIMIT:
        shown = "" if math.isinf(condition) or condition > 1e15 else f"condition number {condition:.2g}"
        refuse("the dyes cannot be told apart", source, f"a condition number below {CONDITION_LIMIT:g}", shown)
