"""Transformations and spectrum matrices of a Gating-ML file (Gating-ML 2.0, sections 4.2 and 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tregflow.errors import CompensationError, ScaleError
from tregflow.interop.gatingml.elements import (
    attribute,
    channel_names,
    check_children,
    number_of,
    only,
    required,
    truth,
)
from tregflow.interop.gatingml.faults import GateFault
from tregflow.interop.gatingml.model import Bounds, SpectrumMatrix, Transformation
from tregflow.interop.gatingml.names import children, data_type, parts, shown, transforms
from tregflow.transforms import scale_from_spec

if TYPE_CHECKING:
    from tregflow.interop.gatingml.faults import Faults
    from tregflow.interop.xml import Element

_SCALES = {
    "flin": ("linear", ("T", "A")),
    "flog": ("log", ("T", "M")),
    "fasinh": ("asinh", ("T", "M", "A")),
    "logicle": ("logicle", ("T", "W", "M", "A")),
    "hyperlog": ("hyperlog", ("T", "W", "M", "A")),
}
"""Element -> our kind of scale, and its parameters, whose names differ in case only."""


def read_transformations(root: Element, faults: Faults) -> tuple[dict[str, Transformation], set[str]]:
    """Return the transformations by id, and the ids of those that cannot be taken over, which are noted."""
    found: dict[str, Transformation] = {}
    bad: set[str] = set()
    for element in children(root, transforms("transformation")):
        name = attribute(element, transforms("id")) or ""
        try:
            name = required(element, transforms("id"))
            if name in found or name in bad:
                raise GateFault(element, "the id is used twice", expected="every id once")
            found[name] = _transformation(name, element)
        except GateFault as fault:
            faults.add(name, fault)
            found.pop(name, None)
            bad.add(name)
    return found, bad


def _transformation(name: str, element: Element) -> Transformation:
    known = [transforms(tag) for tag in (*_SCALES, "fratio")]
    inner = [child for child in element if child.tag != data_type("custom_info")]
    if len(inner) != 1:
        raise GateFault(element, f"{len(inner)} functions in one transformation", expected="one")
    (function,) = inner
    if function.tag not in known:
        names = (*_SCALES, "fratio")
        raise GateFault(function, f"there is no transformation {shown(function)}", available=names)
    bounds = _bounds(element)
    kind = parts(str(function.tag))[1]
    if kind == "fratio":
        return _ratio(name, function, bounds)
    check_children(function, ())
    ours, parameters = _SCALES[kind]
    scale = {ours: {each.lower(): number_of(function, transforms(each)) for each in parameters}}
    try:
        scale_from_spec(scale)
    except ScaleError as error:
        raise GateFault.of(function, error) from None
    return Transformation(name, scale, bounds=bounds)


def _ratio(name: str, function: Element, bounds: Bounds) -> Transformation:
    check_children(function, (data_type("fcs-dimension"),))
    names = channel_names(function)
    if len(names) != 2:
        raise GateFault(function, f"a ratio of {len(names)} channels", expected="2")
    a, b, c = (number_of(function, transforms(each)) for each in "ABC")
    return Transformation(name, None, (names[0], names[1]), (a, b, c), bounds)


def _bounds(element: Element) -> Bounds:
    low, high = (
        None if attribute(element, transforms(name)) is None else number_of(element, transforms(name))
        for name in ("boundMin", "boundMax")
    )
    if low is not None and high is not None and low > high:
        raise GateFault(element, f"boundMin {low!r} is above boundMax {high!r}", expected="boundMin <= boundMax")
    return Bounds(low, high)


def read_matrices(root: Element, faults: Faults) -> tuple[dict[str, SpectrumMatrix], set[str]]:
    """Return the matrices by id, and the ids of those that cannot be taken over, which are noted."""
    found: dict[str, SpectrumMatrix] = {}
    bad: set[str] = set()
    for element in children(root, transforms("spectrumMatrix")):
        name = attribute(element, transforms("id")) or ""
        try:
            name = required(element, transforms("id"))
            if name in found or name in bad:
                raise GateFault(element, "the id is used twice", expected="every id once")
            found[name] = _matrix(name, element)
        except GateFault as fault:
            faults.add(name, fault)
            found.pop(name, None)
            bad.add(name)
    return found, bad


def _matrix(name: str, element: Element) -> SpectrumMatrix:
    tags = [transforms(each) for each in ("fluorochromes", "detectors", "spectrum")]
    check_children(element, tags)
    dyes, detectors = (_names(only(element, tag)) for tag in tags[:2])
    rows = tuple(_row(child) for child in children(element, tags[2]))
    matrix = SpectrumMatrix(name, dyes, detectors, rows, truth(element, transforms("matrix-inverted-already")))
    _check_size(matrix, element)
    _check_inverse(matrix, element)
    return matrix


def _names(element: Element) -> tuple[str, ...]:
    check_children(element, (data_type("fcs-dimension"),))
    return channel_names(element)


def _row(element: Element) -> tuple[float, ...]:
    tag = transforms("coefficient")
    check_children(element, (tag,))
    return tuple(number_of(child, transforms("value")) for child in children(element, tag))


def _check_size(matrix: SpectrumMatrix, element: Element) -> None:
    columns, rows = len(matrix.detectors), len(matrix.dyes)
    wanted = f"{rows} rows, one per fluorochrome, of {columns} numbers, one per detector"
    if matrix.inverted:
        columns, rows = rows, columns
        wanted = f"{rows} rows, one per detector, of {columns} numbers, one per fluorochrome"
    sizes = sorted({len(row) for row in matrix.rows})
    if len(matrix.rows) != rows or sizes != [columns]:
        there = f"{len(matrix.rows)} rows of {' or '.join(map(str, sizes)) or 'no'} numbers"
        raise GateFault(element, f"a spectrum matrix of {there}", expected=wanted)


def _check_inverse(matrix: SpectrumMatrix, element: Element) -> None:
    """Build the matrix as it will be used: names that repeat, and dyes that cannot be told apart, show there."""
    from tregflow.compensation import Spillover, Unmixing

    numbers = np.array(matrix.rows, dtype=np.float64)
    try:
        if not matrix.plain:
            Unmixing(matrix.detectors, matrix.dyes, numbers, "", inverted=matrix.inverted)
        elif matrix.inverted:
            problem = "an inverted matrix whose fluorochromes are called like its detectors"
            raise GateFault(element, problem, expected="two sets of names")
        else:
            Spillover(matrix.detectors, numbers, "")
    except CompensationError as error:
        raise GateFault.of(element, error) from None
