"""What a strategy says of matrices and dimensions; every fault noted at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tregflow._yaml import suggest
from tregflow.errors import CompensationError
from tregflow.strategy.matrix import SINGLES, build_matrix, is_keyword, names_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tregflow._yaml import Document, Location
    from tregflow.strategy.spec import DimensionSpec, StrategySpec

_OF_A_RATIO = ("a", "b", "c")
_OF_OTHERS = ("compensation", "gain")


def check_matrices(spec: StrategySpec, document: Document) -> None:
    """Note what is wrong with the matrices of a strategy, and with a `compensation` that names none of them."""
    for name, matrix in spec.matrices.items():
        where = ("matrices", name)
        if name in ("none", SINGLES) or is_keyword(name):
            document.fault(where, f"'{name}' has a meaning under compensation; choose another name")
        if matrix.inverted and matrix.dyes is None:
            document.fault((*where, "inverted"), "belongs to a matrix with dyes")
            continue
        try:
            build_matrix(name, matrix, document.name)
        except CompensationError as error:
            said = (error.problem, error.expected and f"expected {error.expected}", "".join(error.available))
            document.fault((*where, "matrix"), "; ".join(filter(None, said)))
    for name in names_in(spec.compensation):
        known = name in ("none", SINGLES) or name in spec.matrices or is_keyword(name)
        if spec.matrices and not known and "." not in name:  # a file has a suffix
            document.fault(("compensation",), f"no matrix '{name}'{suggest(name, spec.matrices)}")


def check_dimensions(spec: StrategySpec, document: Document) -> None:
    """Note what is wrong with the dimensions of a strategy."""
    for name, entry in spec.dimensions.items():
        where = ("dimensions", name)
        if len(entry.kinds) != 1:
            stated = " and ".join(entry.kinds) or "none"
            document.fault(where, f"a dimension names one of channel, marker, dye, ratio; there is {stated}")
        elif entry.ratio is not None:
            _check_ratio(where, entry, spec, document)
        else:
            _check_stray(where, entry, _OF_A_RATIO, "belongs to a ratio", document)
            _check_matrix(where, entry, spec, document)


def _check_ratio(where: Location, entry: DimensionSpec, spec: StrategySpec, document: Document) -> None:
    said = "belongs to the axes of a ratio, not to the ratio"
    _check_stray(where, entry, _OF_OTHERS, said, document)
    for axis in entry.ratio or ():
        other = spec.dimensions.get(axis)
        if other is not None and other.ratio is not None:
            document.fault((*where, "ratio"), f"'{axis}' is a ratio itself")


def _check_stray(where: Location, entry: DimensionSpec, keys: Sequence[str], said: str, document: Document) -> None:
    for key in keys:
        if getattr(entry, key) != type(entry).model_fields[key].default:
            document.fault((*where, key), f"'{key}' {said}")


def _check_matrix(where: Location, entry: DimensionSpec, spec: StrategySpec, document: Document) -> None:
    """Let channels have detectors' matrices, and dyes such as name dyes."""
    written = document.data.get("matrices")
    known = ["none", "fcs", *(written if isinstance(written, dict) else spec.matrices)]
    own = entry.compensation
    if own is not None and own not in known and not is_keyword(own):
        document.fault((*where, "compensation"), f"no matrix '{own}'{suggest(own, known)}")
        return
    key = "compensation" if own is not None else entry.kinds[0]
    setting = spec.compensation if own is None else own
    matrix = spec.matrices.get(setting) if isinstance(setting, str) else None
    if matrix is None and entry.dye is not None and setting not in known[2:]:
        document.fault((*where, key), "a dye needs compensation: NAME, of a matrix with dyes")
    if matrix is None:
        return
    if entry.dye is None and matrix.dyes is not None:
        if own is not None:
            document.fault((*where, key), f"the matrix {setting} gives dyes: dye: {' | '.join(matrix.dyes)}")
    elif entry.dye is not None and matrix.dyes is None:
        document.fault((*where, key), f"the matrix {setting} has no dyes")
    elif entry.dye is not None and entry.dye not in (matrix.dyes or ()):
        document.fault((*where, "dye"), f"no dye '{entry.dye}' in {setting}{suggest(entry.dye, matrix.dyes or ())}")
