"""What the parts of a gate must be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tregflow.errors import GateError
from tregflow.transforms import Scale, is_finite_number

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_BINS = 65_536  # cross products of whole numbers up to here are exact


class _Named(Protocol):
    """Whatever has an id."""

    @property
    def id(self) -> str: ...


def freeze(gate: object, name: str, value: object) -> None:
    """Set a field of a gate under construction: what came as a list becomes a tuple, which can be hashed."""
    object.__setattr__(gate, name, value)


def fault(
    gate: _Named, problem: str, *, expected: str = "", available: Sequence[str] = (), remedy: str = ""
) -> GateError:
    """Return the error of a gate that is none."""
    return GateError(problem, code="E_GATE", population=gate.id, expected=expected, available=available, remedy=remedy)


def check_id(name: object) -> None:
    """Refuse an id that names nothing."""
    if not isinstance(name, str) or not name.strip():
        problem = f"a gate's id is {name!r}"
        raise GateError(problem, code="E_GATE", expected="a text that is not blank")


def check_scales(gate: _Named, scales: Sequence[object], n_axes: int) -> None:
    """Refuse scales that are not one for each axis."""
    if len(scales) != n_axes or not all(isinstance(scale, Scale) for scale in scales):
        expected = f"{n_axes} scale{'s' * (n_axes > 1)} of tregflow.transforms, in the order of the axes"
        raise fault(gate, "no scale for each axis", expected=expected)


def check_units(gate: _Named, units: object) -> None:
    """Refuse units that a gate cannot be written in."""
    if units not in ("data", "scale"):
        raise fault(gate, f"there are no units {units!r}", available=("data", "scale"))


def check_bins(gate: _Named, bins: object) -> None:
    """Refuse a grid that FlowJo's counts cannot be taken on."""
    if bins is not None and not (isinstance(bins, int) and not isinstance(bins, bool) and 1 <= bins <= MOST_BINS):
        expected = f"a whole number from 1 to {MOST_BINS}, 256 in most FlowJo gates, or None: no grid"
        raise fault(gate, f"bins is {bins!r}", expected=expected)


def number(value: object, what: str, population: str) -> float:
    """Return a finite number as float, or say what is none."""
    if not is_finite_number(value):
        problem = f"{what} is {value!r}"
        raise GateError(problem, code="E_GATE", population=population, expected="a finite number")
    return float(value)


def listed(names: Sequence[object]) -> str:
    """Return names as a person would write them in a sentence."""
    return " and ".join(map(str, names)) or "nothing"
