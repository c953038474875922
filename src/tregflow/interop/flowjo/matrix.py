"""A sample's spillover matrix, or the reason why it cannot be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tregflow.compensation import Spillover, Unmixing
from tregflow.errors import CompensationError
from tregflow.interop.flowjo.elements import (
    NotUnderstoodError,
    attribute,
    children,
    number,
    required,
)
from tregflow.interop.flowjo.model import Reason, WspMatrix
from tregflow.interop.xml import line_of

if TYPE_CHECKING:
    from tregflow.interop.xml import Element


def read_matrix(sample: Element) -> WspMatrix | Reason | None:
    """Return the matrix of a ``Sample`` element; None where it has none."""
    matrices = list(children(sample, "spilloverMatrix"))
    if not matrices:
        return None
    if len(matrices) > 1:
        return Reason(f"{len(matrices)} spillover matrices in one sample", line_of(matrices[1]))
    try:
        return _matrix(matrices[0])
    except NotUnderstoodError as error:
        return Reason(f"spillover matrix: {error.reason.text}", error.reason.line)


def _matrix(element: Element) -> WspMatrix:
    _refuse_spectral(element)
    prefix, suffix = attribute(element, "prefix") or "", attribute(element, "suffix") or ""
    if not prefix + suffix:
        problem = "neither prefix nor suffix, so that compensated and uncompensated axes have the same names"
        raise NotUnderstoodError(problem, element)
    rows = list(children(element, "spillover"))
    dyes = [required(row, "parameter") for row in rows]
    detectors = _detectors(rows)
    names = [*dyes, *detectors]
    if not all(names) or not dyes or len(set(dyes)) < len(dyes) or len(set(detectors)) < len(detectors):
        problem = "no rows, a row or column twice, or one without name"
        raise NotUnderstoodError(problem, element)
    numbers = {dye: _row(row, detectors) for dye, row in zip(dyes, rows, strict=True)}
    if set(dyes) == set(detectors):
        dyes = detectors
    matrix = tuple(numbers[dye] for dye in dyes)
    _check(element, detectors, dyes, matrix)
    compensated = {f"{prefix}{dye}{suffix}": place for place, dye in enumerate(dyes)}
    for row in rows:  # the name that a user gave to the compensated axis
        own = attribute(row, "userProvidedCompInfix")
        if own:
            compensated.setdefault(own, dyes.index(required(row, "parameter")))
    name = attribute(element, "name") or "matrix"
    return WspMatrix(name, prefix, suffix, tuple(detectors), tuple(dyes), matrix, compensated, line_of(element))


def _check(element: Element, detectors: list[str], dyes: list[str], matrix: tuple[tuple[float, ...], ...]) -> None:
    """Let the matrix itself say whether it is one."""
    try:
        if dyes == detectors:
            Spillover(tuple(detectors), np.array(matrix), "matrix")
        else:
            Unmixing(tuple(detectors), tuple(dyes), np.array(matrix), "matrix")
    except CompensationError as error:
        raise NotUnderstoodError(error.problem, element) from error


def _refuse_spectral(element: Element) -> None:
    if attribute(element, "spectral") in (None, "", "0"):
        return
    method = attribute(element, "weightOptAlgorithmType") or "unknown"
    if method != "OLS":
        problem = f"spectral unmixing by the method '{method}'; only ordinary least squares (OLS) can be repeated"
        raise NotUnderstoodError(problem, element)


def _detectors(rows: list[Element]) -> list[str]:
    """Return the columns in the order of the first row."""
    return [required(each, "parameter") for row in rows[:1] for each in children(row, "coefficient")]


def _row(row: Element, detectors: list[str]) -> tuple[float, ...]:
    cells = {required(each, "parameter"): number(each, "value") for each in children(row, "coefficient")}
    if set(cells) != set(detectors) or len(list(children(row, "coefficient"))) != len(detectors):
        problem = f"the row of {required(row, 'parameter')} has other columns than the first"
        raise NotUnderstoodError(problem, row)
    return tuple(cells[detector] for detector in detectors)
