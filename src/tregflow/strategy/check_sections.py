"""What a strategy says of matrices and dimensions; every fault noted at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tregflow._yaml import suggest
from tregflow.errors import CompensationError
from tregflow.strategy.matrix import SINGLES, build_matrix, is_keyword, names_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tregflow._yaml import Document, Location
    from tregflow.strategy.spec import DimensionSpec, MatrixSpec, StrategySpec

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
    # A matrix that the types refused is not there: of what it may have held nothing is said.
    written = document.data.get("matrices")
    known = [*written] if isinstance(written, dict) else [*spec.matrices]
    own = entry.compensation
    if own is not None and own not in ("none", "fcs", *known) and not is_keyword(own):
        document.fault((*where, "compensation"), f"no matrix '{own}'{suggest(own, ['none', 'fcs', *known])}")
        return
    key = "compensation" if own is not None else entry.kinds[0]
    for name in names_in(spec.compensation) if own is None else (own,):
        if name in spec.matrices:
            _check_dye((*where, key), entry, name, spec.matrices[name], document)
        elif entry.dye is not None and name not in known:
            document.fault((*where, key), "a dye needs compensation: NAME, of a matrix with dyes")


def _check_dye(where: Location, entry: DimensionSpec, name: str, matrix: MatrixSpec, document: Document) -> None:
    """Note what a dimension asks of a matrix that the matrix does not give."""
    dyes = matrix.dyes or ()
    if entry.dye is None:
        # The strategy's own matrix may leave the channel alone; whoever names one here wants it applied.
        if dyes and entry.compensation is not None:
            document.fault(where, f"the matrix {name} gives dyes: dye: {' | '.join(dyes)}")
    elif not dyes:
        document.fault(where, f"the matrix {name} has no dyes")
    elif entry.dye not in dyes:
        document.fault((*where[:-1], "dye"), f"no dye '{entry.dye}' in {name}{suggest(entry.dye, dyes)}")
