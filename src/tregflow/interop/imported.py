"""What comes over from another program's file: a strategy with its overrides, and the record of what did not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tregflow.interop.left_out import LeftOut
    from tregflow.strategy import Strategy

Place: TypeAlias = tuple[str, tuple[str, ...]]
"""A population of a sample: the sample's name, and the names of the populations from the root down to it."""


@dataclass(frozen=True, slots=True)
class Imported:
    """A gating file of another program, taken over.

    Attributes
    ----------
    strategy : Strategy
        With the overrides by which single samples depart from it.
    left_out : tuple of LeftOut
        Everything of the file that is not in the strategy.
    counts : mapping
        (sample, path) -> number of events that the other program stored; empty where it stores none.
    ids : mapping
        (sample, path) -> id of the gate in the strategy. The path holds the names as they are in the file.
    """

    strategy: Strategy
    left_out: tuple[LeftOut, ...] = ()
    counts: Mapping[Place, int] = field(default_factory=dict)
    ids: Mapping[Place, str] = field(default_factory=dict)
