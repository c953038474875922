"""What a gate answers with, and what it asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Values: TypeAlias = Callable[[str], NDArray[np.float64]]
"""From the name on an axis to the (n_events,) compensated intensities, in data units."""

Side: TypeAlias = Literal["low", "high"]

Units: TypeAlias = Literal["data", "scale"]
"""What a gate is written in: compensated data units, or positions on its scales."""


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """What a gate says about each event.

    Attributes
    ----------
    inside : (n_events,) ndarray of bool
        The event passes the gate.
    defined : (n_events,) ndarray of bool
        The event has a position on every axis the gate looks at. Where it has none it is not `inside` either.
    """

    inside: NDArray[np.bool_]
    defined: NDArray[np.bool_]

    def complement(self) -> Mask:
        """Return the mask of the events that do not pass; those without a position stay outside."""
        return Mask(self.defined & ~self.inside, self.defined)
