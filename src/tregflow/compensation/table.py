"""A spillover matrix as a CSV table: detectors in the first row, then a row of numbers per dye."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import numpy as np

from tregflow._files import csv_bytes, unguard
from tregflow.compensation.refusals import number, refuse
from tregflow.errors import CompensationError
from tregflow.fcs.numbers import real

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tregflow._files import Cell

_LIMIT = 16_000_000
"""Bytes; a matrix of a thousand detectors takes less."""


def read_table(path: Path) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Return detectors and matrix of a CSV file.

    A first column of names is allowed and must repeat the detectors in their order.

    Parameters
    ----------
    path : Path
        UTF-8, commas between cells, points in numbers.

    Returns
    -------
    tuple of str
        The n detectors.
    (n, n) ndarray of float64

    Raises
    ------
    CompensationError
        ``E_MISSING``, ``E_UNREADABLE``: no such file, or it cannot be opened. ``E_SPILL``: it holds no square matrix.
    """
    detectors, body = _without_row_names(_rows(path), path.name)
    numbers = [[number(cell, path.name) for cell in row] for row in body]
    if any(len(row) != len(detectors) for row in numbers) or len(numbers) != len(detectors):
        shape = f"{len(numbers)} rows of {' or '.join(map(str, sorted({len(row) for row in numbers})))} numbers"
        refuse("the matrix is not square", path.name, f"{len(detectors)} rows of {len(detectors)} numbers", shape)
    return detectors, np.array(numbers, dtype=np.float64).reshape(len(numbers), -1)


def table_bytes(detectors: Sequence[str], matrix: NDArray[np.float64]) -> bytes:
    """Return a matrix as a CSV table that `read_table` reads to the same bits: detectors above and beside numbers."""
    rows: list[dict[str, Cell]] = [
        {"": name, **dict(zip(detectors, row, strict=True))}
        for name, row in zip(detectors, matrix.tolist(), strict=True)
    ]
    return csv_bytes(("", *detectors), rows)


def _rows(path: Path) -> list[list[str]]:
    """Return the cells of a CSV file, stripped, without empty lines."""
    try:
        text = _content(path).decode("utf-8-sig")
        cells = list(csv.reader(io.StringIO(text, newline=""), skipinitialspace=True))
    except (UnicodeDecodeError, csv.Error):
        cells = []
    rows = [[unguard(cell.strip()) for cell in row] for row in cells if any(cell.strip() for cell in row)]
    if len(rows) < 2:
        refuse("the file holds no matrix", path.name, "a CSV table in UTF-8: a row of detectors, then rows of numbers")
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(rows[0]) == 1 and separator in rows[0][0]:
            refuse(f"the cells are separated by {name}", path.name, "commas between cells, points in numbers")
    return rows


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.stat().st_size <= _LIMIT else b""
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
        refuse("rows and columns differ in their names", source, ", ".join(detectors), ", ".join(names))
    return detectors, [row[1:] for row in body]
