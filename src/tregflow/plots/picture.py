"""What is to be drawn of a gate: on which axes, which events, in which words. Nothing here knows matplotlib."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tregflow._yaml import suggest
from tregflow.errors import GateError
from tregflow.gates import Boolean, Ellipsoid
from tregflow.populations import ROOT
from tregflow.transforms import Linear

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from tregflow.gates import Gate
    from tregflow.plots.outlines import Shape
    from tregflow.populations import Gated
    from tregflow.transforms import Scale


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A gate ready to be drawn.

    Attributes
    ----------
    names : tuple of str
        On the axes: two for a raster, one for a histogram.
    labels : tuple of str
        What is written there: marker and channel.
    scales : tuple of Scale
        One per name.
    shapes : tuple of Shape
        The gate itself, or the operands of a combination, as far as they have a place on these axes.
    values : tuple of ndarray
        (n_parent,) compensated values of the parent's events, in data units, per name.
    members, others : (n_parent,) ndarray of bool
        Events of the population, and of the one to be drawn on top.
    combined : bool
        The outlines do not show which events are inside: the gate is a combination, or holds what is outside.
    backgated : bool
        There is a population to be drawn on top.
    share, count : str
        Percent of parent and number of events.
    made_of, on_top : str
        What a combination combines, and what is drawn on top; empty where there is nothing to say.
    """

    names: tuple[str, ...]
    labels: tuple[str, ...]
    scales: tuple[Scale, ...]
    shapes: tuple[Shape, ...]
    values: tuple[NDArray[np.float64], ...]
    members: NDArray[np.bool_]
    others: NDArray[np.bool_]
    combined: bool
    backgated: bool
    share: str
    count: str
    made_of: str
    on_top: str


def picture_of(gated: Gated, population: str, backgate: str | None) -> Picture:
    """Return what is to be drawn of a population that is not missing."""
    rule = gated.gates[population]
    shapes = tuple(_shapes(gated, rule))
    axes = _choose_axes(shapes)
    drawn = tuple(shape for shape in shapes if _has_outline(shape) and (shape is rule or set(shape.axes) <= set(axes)))
    parent = gated[rule.parent]
    members = gated[population][parent]
    backgated = backgate is not None and backgate not in gated.missing
    others = gated[backgate][parent] if backgate is not None and backgated else np.zeros_like(members)
    n_others = f"{int(others.sum()):,}" if backgated else "missing"
    return Picture(
        names=tuple(axes), labels=tuple(_label(gated, name) for name in axes), scales=tuple(axes.values()),
        shapes=drawn,
        values=tuple(gated.values(name)[parent] for name in axes), members=members, others=others,
        combined=isinstance(rule, Boolean) or rule.outside or not drawn, backgated=backgated, share=_share(rule, members),
        count=events(int(members.sum())), made_of=_made_of(rule, tuple(axes)),
        on_top="" if backgate is None else f"{backgate}: {n_others}",
    )  # fmt: skip


def check_gate(gated: Gated, name: str) -> None:
    """Refuse a name that no gate of the strategy has.

    Raises
    ------
    GateError
        There is no such gate (``E_NO_POPULATION``).
    """
    known = gated.strategy.spec.gates
    if name not in known:
        raise GateError(f"there is no such gate to draw{suggest(name, known)}", code="E_NO_POPULATION",
                        file=gated.sample.file, population=name, available=tuple(known))  # fmt: skip


def in_order_of_the_tree(gated: Gated) -> list[str]:
    """Return the gates depth first, children in the order of the file."""
    gates = list(gated.strategy.spec.gates)

    def below(parent: str) -> Iterator[str]:
        for name in gates:
            if gated.strategy.parent(name) == parent:
                yield name
                yield from below(name)

    return list(below(ROOT))


def events(count: int) -> str:
    """Return a number of events in words.

    Examples
    --------
    >>> events(1), events(12345)
    ('1 event', '12,345 events')
    """
    return "1 event" if count == 1 else f"{count:,} events"


def percent(count: int, of: int) -> str:
    """Return a share in percent with two decimals, a small one with two digits.

    Examples
    --------
    >>> percent(1, 3), percent(3, 100_000), percent(0, 7)
    ('33.33 %', '0.0030 %', '0.00 %')
    """
    share = 100.0 * count / of
    return f"{share:.2f} %" if share >= 0.1 or count == 0 else f"{share:#.2g} %"


def _shapes(gated: Gated, rule: Gate) -> Iterator[Shape]:
    """Yield the gate, or, for a combination, the gates that it rests on, first operand first."""
    if isinstance(rule, Boolean):
        for name, _ in rule.operands:
            yield from _shapes(gated, gated.gates[name])
    else:
        yield rule


def _has_outline(shape: Shape) -> bool:
    """Tell whether a gate bounds a region: an ellipsoid whose covariance is none does not."""
    return not (isinstance(shape, Ellipsoid) and shape.indefinite)


def _choose_axes(shapes: Sequence[Shape]) -> dict[str, Scale]:
    """Return name and scale of one or two axes: those of the first shape on two, else the first two that there are."""
    each = [dict(zip(shape.axes, shape.scales or (Linear(),) * len(shape.axes), strict=True)) for shape in shapes]
    found = next((axes for axes in each if len(axes) > 1), None)
    if found is None:
        found = {name: scale for axes in each for name, scale in axes.items()}
    return dict(list(found.items())[:2])


def _label(gated: Gated, name: str) -> str:
    label = gated.sources[name].label
    return name if name == label else f"{name} ({label})"


def _share(rule: Gate, members: NDArray[np.bool_]) -> str:
    """Return the percent of the parent, by its name: a percent without a denominator says nothing."""
    parent = "all events" if rule.parent == ROOT else rule.parent
    return f"{percent(int(members.sum()), members.size)} of {parent}" if members.size else f"no event in {parent}"


def _made_of(rule: Gate, names: tuple[str, ...]) -> str:
    """Return what no outline shows: operands of a combination, bounds on further axes, that the gate is outside."""
    if isinstance(rule, Boolean):
        operands = [("not " if complement else "") + name for name, complement in rule.operands]
        if rule.operator == "not":
            return f"not {operands[0]}"
        return (" or " if rule.operator == "any" else " and ").join(operands)
    further = [name for name in rule.axes if name not in names]
    said = ["outside of the outline" if _has_outline(rule) else "outside"] if rule.outside else []
    said += [] if _has_outline(rule) else ["no outline: the covariance is indefinite"]
    return "; ".join([*said, *([f"also bounded: {', '.join(further)}"] if further else [])])
