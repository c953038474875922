"""What a Gating-ML file holds, before axes have names: gates on axes, axes on sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from tregflow.interop.xml import Element

UNCOMPENSATED = "uncompensated"
FCS = "FCS"


@dataclass(frozen=True, slots=True)
class Source:
    """Where the values of an axis come from.

    Attributes
    ----------
    name : str
        ``$PnN``; a dye, where a matrix compensates; the id of a transformation, where it is a ratio.
    compensation : str
        ``uncompensated``, ``FCS``, or the id of a matrix.
    ratio : bool
        Whether `name` is a ratio.
    """

    name: str
    compensation: str
    ratio: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """A source, and the id of the transformation that it is shown on; None where it is shown as it is."""

    source: Source
    transformation: str | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where a transformation holds its results: those below `low` at `low`, those above `high` at `high`."""

    low: float | None = None
    high: float | None = None

    def __bool__(self) -> bool:
        """Whether there is a bound."""
        return self.low is not None or self.high is not None


@dataclass(frozen=True, slots=True)
class Transformation:
    """A transformation: the scale as a strategy writes it, or a ratio of two channels."""

    id: str
    scale: dict[str, dict[str, float]] | None
    ratio: tuple[str, str] | None = None
    constants: tuple[float, float, float] = (1.0, 0.0, 0.0)
    bounds: Bounds = field(default_factory=Bounds)


@dataclass(frozen=True, slots=True)
class SpectrumMatrix:
    """A matrix: names, and rows as the file has them."""

    id: str
    dyes: tuple[str, ...]
    detectors: tuple[str, ...]
    rows: tuple[tuple[float, ...], ...]
    inverted: bool

    @property
    def plain(self) -> bool:
        """Whether dyes and detectors are called the same: a spillover matrix, the dyes named by their channels."""
        return self.dyes == self.detectors


Rule: TypeAlias = Callable[[Sequence[str]], dict[str, Any]]
"""From the names of a gate's axes to its rule, as a strategy writes it."""


@dataclass(frozen=True, slots=True)
class ParsedGate:
    """A gate of the file, or one quadrant of a quadrant gate.

    Attributes
    ----------
    id, name : str
        Its identity; its name for people, empty where it has none.
    element : Element
        Where it stands.
    parent : str or None
        Id of its parent.
    axes : tuple of Axis
        Empty for a boolean gate.
    rule : callable
        The rule, once the axes have names.
    operands : tuple of str
        Ids of the gates that a boolean gate combines.
    quadrants : str
        Id of the quadrant gate that it is a cell of, else empty.
    """

    id: str
    name: str
    element: Element
    parent: str | None
    axes: tuple[Axis, ...]
    rule: Rule
    operands: tuple[str, ...] = ()
    quadrants: str = ""


@dataclass(frozen=True, slots=True)
class ParsedQuadrants:
    """A quadrant gate: dividers, ascending, per axis."""

    id: str
    element: Element
    parent: str | None
    axes: tuple[Axis, ...]
    dividers: tuple[tuple[float, ...], ...]
