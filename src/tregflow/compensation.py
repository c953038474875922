"""Spillover: read from a sample or a CSV file, checked, and removed."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from tregflow._files import unguard
from tregflow.errors import CompensationError
from tregflow.fcs.names import near_misses, shown
from tregflow.fcs.numbers import real, whole
from tregflow.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tregflow.fcs import Sample

KEYS = ("$SPILLOVER", "SPILL")
"""Keywords that hold a matrix, the standard's first."""

CONDITION_LIMIT = 1e6
"""Condition number from which a matrix is refused: float32 values have seven digits, and it would eat six of them."""

IDENTITY_TOLERANCE = 1e-5
_DIAGONAL_TOLERANCE = 1e-3
_COMPENSATED = ("FJComp-", "Comp-")
"""What software puts before the name of a channel that it has compensated."""

_BLOCK = 65_536
"""Events at a time: the float64 sum and product (1 MB) stay in cache. The result does not depend on it."""

_CSV_LIMIT = 16_000_000
"""Bytes; a matrix of a thousand detectors takes less."""


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

    def __post_init__(self) -> None:
        """Check the matrix and invert it."""
        # Adding 0 turns -0 into 0, so that equal matrices have equal hashes.
        matrix = np.array(self.matrix, dtype=np.float64) + 0.0
        object.__setattr__(self, "detectors", tuple(self.detectors))
        object.__setattr__(self, "matrix", matrix)
        _check_matrix(self.detectors, matrix, self.source)
        object.__setattr__(self, "findings", (*self.findings, *_noticed(matrix, self.source)))
        object.__setattr__(self, "inverse", np.linalg.inv(matrix))
        matrix.setflags(write=False)
        self.inverse.setflags(write=False)

    @classmethod
    def from_sample(cls, sample: Sample) -> Spillover:
        """Read the matrix that a sample carries: ``$SPILLOVER``, then ``SPILL``.

        Channels may be named by their number where no ``$PnN`` has that name (iQue3, Accuri, Navios).

        Parameters
        ----------
        sample : Sample
            Its keywords suffice.

        Returns
        -------
        Spillover

        Raises
        ------
        CompensationError
            ``E_NO_SPILL``: there is none. ``E_SPILL``: it is broken. ``E_SPILL_CONFLICT``: the two keywords hold
            different matrices. ``E_COMPENSATED_TWICE``: the values are compensated already.
        """
        _check_uncompensated(sample, f"{sample.file}: its own spillover matrix")
        found = {key: sample.keywords[key] for key in KEYS if sample.keywords.get(key, "").strip()}
        if not found:
            raise _no_matrix(sample)
        matrices = [_from_text(text, key, sample) for key, text in found.items()]
        if len(matrices) > 1 and matrices[0].sha256 != matrices[1].sha256:
            raise CompensationError(
                "$SPILLOVER and SPILL hold different matrices",
                code="E_SPILL_CONFLICT",
                file=sample.file,
                expected="one matrix, or the same twice",
                available=tuple(f"{each.source} ({len(each.detectors)} detectors)" for each in matrices),
                remedy="write the right one to a CSV file and name that file under compensation",
            )
        return matrices[0]

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
        rows = _csv_rows(path)
        detectors, body = _without_row_names(rows, path.name)
        numbers = [[_number(cell, path.name) for cell in row] for row in body]
        if any(len(row) != len(detectors) for row in numbers) or len(numbers) != len(detectors):
            shape = f"{len(numbers)} rows of {' or '.join(map(str, sorted({len(row) for row in numbers})))} numbers"
            _refuse("the matrix is not square", path.name, f"{len(detectors)} rows of {len(detectors)} numbers", shape)
        return cls(detectors, np.array(numbers, dtype=np.float64).reshape(len(numbers), -1), path.name)

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
        _check_uncompensated(sample, self.source)
        names = set(sample.names)
        for detector in self.detectors:
            if detector not in names:
                raise _unknown(detector, sample, self.source, sample.file)

    def compensated(self, sample: Sample, channel: str) -> NDArray[np.float64]:
        """Return the compensated values of a channel.

        An event is a row: recorded = true @ S, so true = recorded @ inv(S) (Bagwell and Adams, Ann N Y Acad Sci 677,
        1993). Products are added from the first detector to the last, each rounded: the same bits in every engine.

        Parameters
        ----------
        sample : Sample
            With all detectors of the matrix read.
        channel : str
            ``$PnN``; one that the matrix does not name is returned as it is.

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
        self.check(sample)
        if channel not in self.detectors:
            return sample.values(channel).astype(np.float64)
        coefficients = self.inverse[:, self.detectors.index(channel)].tolist()
        recorded = [sample.values(detector) for detector in self.detectors]
        total = np.zeros(sample.n_events, dtype=np.float64)
        product = np.empty(min(_BLOCK, sample.n_events), dtype=np.float64)
        for start in range(0, sample.n_events, _BLOCK):
            stop = min(start + _BLOCK, sample.n_events)
            block, term = total[start:stop], product[: stop - start]
            for values, coefficient in zip(recorded, coefficients, strict=True):
                # Two steps, never a fused or reordered sum: einsum and dot may do either. Coefficients of 0 are not
                # left out: an event with NaN or infinity in one detector is undefined in every channel, and 0 times
                # infinity is what says so.
                with np.errstate(invalid="ignore", over="ignore"):
                    np.multiply(values[start:stop], coefficient, out=term, dtype=np.float64)
                    block += term
        return total


def _check_matrix(detectors: Sequence[str], matrix: NDArray[np.float64], source: str) -> None:
    n = len(detectors)
    if n == 0 or matrix.shape != (n, n):
        shape = " x ".join(map(str, matrix.shape))
        _refuse("the matrix is not square", source, f"{n} x {n} numbers for {n} detectors", shape)
    twice = sorted({name for name in detectors if detectors.count(name) > 1})
    if twice:
        _refuse(f"the detector {twice[0]} is named twice", source, "each detector once", ", ".join(detectors))
    if not np.isfinite(matrix).all():
        _refuse("the matrix holds NaN or infinity", source, "finite numbers")
    if np.allclose(np.diag(matrix), 100.0):
        _refuse("the matrix is in percent", source, "shares, with 1 on the diagonal", "100 on the diagonal")
    condition = float(np.linalg.cond(matrix))
    if not condition < CONDITION_LIMIT:
        singular = np.linalg.matrix_rank(matrix) < n
        kind = "singular" if singular else "nearly singular"
        _refuse(
            f"the matrix is {kind}, so that it cannot be inverted",
            source,
            f"a condition number below {CONDITION_LIMIT:g}",
            "" if singular else f"condition number {condition:.2g}",
        )


def _noticed(matrix: NDArray[np.float64], source: str) -> list[Finding]:
    if np.allclose(matrix, np.eye(len(matrix)), rtol=0, atol=IDENTITY_TOLERANCE):
        text = "the matrix is the identity: compensation changes nothing"
        return [Finding("spillover-identity", "warning", source, text)]
    off = float(np.abs(np.diag(matrix) - 1.0).max())
    if off > _DIAGONAL_TOLERANCE:
        return [Finding("spillover-diagonal", "warning", source, f"the diagonal differs from 1 by up to {off:.3g}")]
    return []


def _check_uncompensated(sample: Sample, source: str) -> None:
    marked = [channel.label for channel in sample.channels if channel.pnn.startswith(_COMPENSATED)]
    if marked:
        raise CompensationError(
            "the values are compensated already, as the names of the channels say",
            code="E_COMPENSATED_TWICE",
            file=sample.file,
            expected=f"uncompensated channels, to apply {source}",
            available=marked,
            remedy="set compensation: none, or export uncompensated values",
        )


def _no_matrix(sample: Sample) -> CompensationError:
    others = [key for key in sample.keywords if key == "$COMP" or (key.startswith("$DFC") and "TO" in key)]
    return CompensationError(
        "the file carries no spillover matrix",
        code="E_NO_SPILL",
        file=sample.file,
        expected=f"the keyword {' or '.join(KEYS)}",
        available=tuple(f"{key}, which is not read yet" for key in others[:1]),
        remedy="name a CSV file with the matrix under compensation, or set compensation: none",
    )


def _from_text(text: str, key: str, sample: Sample) -> Spillover:
    """Read ``n, n names, n * n numbers`` (FCS 3.1, section 3.2, ``$SPILLOVER``)."""
    source = f"{sample.file}: {key}"
    tokens = [token.strip() for token in text.split(",")]
    n = whole(tokens[0])
    if n is None or n < 1:
        _refuse(
            "the matrix does not begin with the number of its detectors",
            source,
            "n, n names, n * n numbers",
            shown(text),
        )
    names, numbers = tokens[1 : n + 1], tokens[n + 1 :]
    if len(numbers) != n * n:
        _refuse_count(n, names, numbers, source)
    findings: list[Finding] = []
    detectors = tuple(_detector(name, sample, source, findings) for name in names)
    values = [_number(token, source) for token in numbers]
    return Spillover(detectors, np.array(values, dtype=np.float64).reshape(n, n), source, tuple(findings))


def _refuse_count(n: int, names: Sequence[str], numbers: Sequence[str], source: str) -> NoReturn:
    expected = f"{n} names and {n * n} numbers"
    found = f"{len(names)} names and {len(numbers)} numbers"
    if len(names) == n and not numbers:
        _refuse("the matrix has names but no numbers", source, expected, found)
    if len(numbers) == 2 * n * n:
        _refuse("the numbers are written with decimal commas, which are not read yet", source, expected, found)
    problem = "the matrix is too short" if len(numbers) < n * n else "the matrix has surplus numbers"
    _refuse(problem, source, expected, found)


def _detector(name: str, sample: Sample, source: str, findings: list[Finding]) -> str:
    """Return the ``$PnN`` that a matrix means by `name`."""
    written = [sample.keywords.get(f"$P{channel.number}N", channel.pnn).strip() for channel in sample.channels]
    if written.count(name) > 1:
        _refuse(f"two channels are called {name}, and the matrix does not say which it means", source, "different $PnN")
    if name in written:
        return sample.channels[written.index(name)].pnn
    number = whole(name)
    if number is not None and 1 <= number <= len(sample.channels):
        channel = sample.channels[number - 1]
        said = f"the matrix names {channel.pnn} by its number, {number}"
        findings.append(Finding("spillover-by-number", "info", source, said))
        return channel.pnn
    raise _unknown(name, sample, source, "")


def _unknown(name: str, sample: Sample, source: str, file: str) -> CompensationError:
    near = near_misses(name, sample.names)
    return CompensationError(
        f"the matrix names {shown(name)}, which is no channel of the sample",
        code="E_SPILL",
        file=": ".join(filter(None, (file, source))),
        expected="$PnN of the sample",
        available=tuple(channel.label for channel in sample.channels),
        remedy=f"near miss {', '.join(map(repr, near))}: correct it in the matrix"
        if near
        else "use a matrix of this panel",
    )


def _number(text: str, source: str) -> float:
    value = real(text)
    if value is None:
        _refuse(f"the matrix holds {shown(text)} where a number belongs", source, "numbers such as 0.0375")
    return value


def _refuse(problem: str, source: str, expected: str, available: str = "") -> NoReturn:
    raise CompensationError(
        problem,
        code="E_SPILL",
        file=source,
        expected=expected,
        available=(available,) if available else (),
        remedy="correct the matrix, or name a CSV file with the right one under compensation",
    )


def _csv_rows(path: Path) -> list[list[str]]:
    """Return the cells of a CSV file, stripped, without empty lines."""
    try:
        content = path.read_bytes() if path.stat().st_size <= _CSV_LIMIT else b""
    except FileNotFoundError:
        raise CompensationError(
            "no such file", code="E_MISSING", file=str(path), remedy="check the name under compensation, and the folder"
        ) from None
    except OSError as error:
        raise CompensationError(
            f"the file cannot be read: {error.strerror or error}",
            code="E_UNREADABLE",
            file=str(path),
            remedy="check that it is a file, and that you may read it",
        ) from error
    try:
        text = content.decode("utf-8-sig")
        cells = list(csv.reader(io.StringIO(text, newline=""), skipinitialspace=True))
    except (UnicodeDecodeError, csv.Error):
        cells = []
    rows = [[unguard(cell.strip()) for cell in row] for row in cells if any(cell.strip() for cell in row)]
    if len(rows) < 2:
        _refuse("the file holds no matrix", path.name, "a CSV table in UTF-8: a row of detectors, then rows of numbers")
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(rows[0]) == 1 and separator in rows[0][0]:
            _refuse(f"the cells are separated by {name}", path.name, "commas between cells, points in numbers")
    return rows


def _without_row_names(rows: list[list[str]], source: str) -> tuple[tuple[str, ...], list[list[str]]]:
    """Return the detectors and the rows of numbers; names in the first column must repeat the detectors."""
    header, body = rows[0], rows[1:]
    named = header[0] == "" or real(body[0][0]) is None or len(body[0]) == len(header) + 1
    if not named:
        return tuple(header), body
    corner = len(body[0]) == len(header)
    detectors = tuple(header[1:] if corner else header)
    names = tuple(row[0] for row in body)
    if names != detectors:
        _refuse("rows and columns differ in their names", source, ", ".join(detectors), ", ".join(names))
    return detectors, [row[1:] for row in body]
