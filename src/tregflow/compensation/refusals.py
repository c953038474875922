"""How a matrix is refused: the same words whether it comes from a keyword or from a CSV file."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from tregflow.errors import CompensationError
from tregflow.fcs.names import near_misses, shown
from tregflow.fcs.numbers import real

if TYPE_CHECKING:
    from tregflow.fcs import Sample

CORRECT = "correct the matrix, or name a CSV file with the right one under compensation"


def refuse(problem: str, source: str, expected: str, available: str = "", *, remedy: str = CORRECT) -> NoReturn:
    """Raise ``E_SPILL``: the matrix is broken.

    Raises
    ------
    CompensationError
        Always.
    """
    raise CompensationError(
        problem,
        code="E_SPILL",
        file=source,
        expected=expected,
        available=(available,) if available else (),
        remedy=remedy,
    )


def number(text: str, source: str) -> float:
    """Return the finite number in a cell of a matrix.

    Raises
    ------
    CompensationError
        ``E_SPILL``: it holds anything else.
    """
    value = real(text)
    if value is None:
        refuse(f"the matrix holds {shown(text)} where a number belongs", source, "numbers such as 0.0375")
    return value


def unknown_channel(name: str, sample: Sample, source: str, file: str = "") -> CompensationError:
    """Return the error for a detector that is no channel of the sample; near misses are named, never taken."""
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
