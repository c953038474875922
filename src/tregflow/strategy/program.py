"""A strategy compiled for the pass over a sample: gates and axes as the arrays that the kernel reads."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tregflow.gates import Boolean
from tregflow.strategy.assembly import assembled, starts
from tregflow.transforms import Log

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tregflow._kernels.tables import Axes, Gates, Shapes, Tests
    from tregflow.gates import Gate
    from tregflow.strategy.dimensions import Source
    from tregflow.strategy.evaluate import Plan

LARGEST = 2.0**120
"""Sums up to here neither overflow float32, nor does what they are made of."""
_NORMAL = 2.0**-126
"""Smaller weights lose digits in float32."""
_LEAST = 1e-30
"""Above the underflow of float32: a value above is above zero."""
_ROUNDINGS = 6
"""Of a product beside those of the sum: of weight and value, of the product, and a reserve for those of float64."""


class Term(NamedTuple):
    """One detector's part in an axis."""

    name: str
    divisor: float
    coefficient: float


@dataclass(frozen=True, slots=True)
class Sum:
    """An axis as a sum of what channels record, times a gain."""

    terms: tuple[Term, ...]
    gain: float

    @property
    def weights(self) -> list[float]:
        """What recorded values are multiplied by, all in one."""
        return [term.coefficient / term.divisor * self.gain for term in self.terms]

    def error(self, limits: Mapping[str, float]) -> float:
        """Return a bound on the error of float32, a power of two, so that like samples share it; 0 for one term."""
        # The last term is for recorded values so small that float32 has no digits left for them.
        tiny = 2.0**-149 * sum(map(abs, self.weights))
        if len(self.terms) == 1:
            return tiny if abs(self.weights[0]) > 1 else 0.0
        size = sum(abs(weight) * limits[term.name] for term, weight in zip(self.terms, self.weights, strict=True))
        bound = (len(self.terms) + _ROUNDINGS) * 2.0**-24 * size + tiny
        return math.ldexp(1.0, math.frexp(bound)[1]) if 0 < bound < math.inf else bound


@dataclass(frozen=True, slots=True)
class Program:
    """What one call of the kernel takes beside the events.

    Attributes
    ----------
    gates : tuple of str
        Ids in the order of the kernel's numbers.
    axes : tuple of str
        Axes in the order of the kernel's numbers.
    channels : tuple of str
        What is recorded of each event: ``$PnN``, and axes that are computed beforehand.
    weights : (n_channels, n_axes) ndarray of float32
        Recorded values, as a row, times these are the values on the axes, good enough to be looked up.
    errors : mapping of str to float
        Axis -> bound on the error of its values in float32.
    tables : Axes, Gates, Tests, Shapes
        The kernel's arrays.
    """

    gates: tuple[str, ...]
    axes: tuple[str, ...]
    channels: tuple[str, ...]
    weights: NDArray[np.float32]
    errors: Mapping[str, float]
    tables: tuple[Axes, Gates, Tests, Shapes]


def sums_of(plan: Plan) -> dict[str, Sum]:
    """Return every axis as a sum of channels; a ratio is a channel of its own, computed beforehand.

    Raises
    ------
    CompensationError
        A matrix cannot be applied to the sample.
    """
    return {axis: _sum_of(plan, axis) for axis in plan.sources}


def _sum_of(plan: Plan, axis: str) -> Sum:
    source = plan.sources[axis]
    if source.ratio is not None:
        for part in source.parts:
            _terms(plan, part)  # a matrix that does not fit is an error here as in the plain evaluation
        return Sum((Term(made(axis), 1.0, 1.0),), 1.0)
    return Sum(_terms(plan, source), source.gain)


def made(axis: str) -> str:
    """Return what the row of an axis is called that is computed beforehand; no ``$PnN`` begins like that."""
    return f"\0{axis}"


def _terms(plan: Plan, source: Source) -> tuple[Term, ...]:
    matrix = plan.columns.matrix(source)
    name = source.dye if source.channel is None else source.channel.pnn
    weights = None if matrix is None else matrix.weights(plan.sample, name)
    if matrix is None or weights is None:
        return (Term(name, plan.columns.divisor(name), 1.0),)
    terms = [
        Term(detector, plan.columns.divisor(detector), float(weight))
        for detector, weight in zip(matrix.detectors, weights, strict=True)
    ]
    # The kernel takes a single term as it is; a sum begins at 0.0, which -0.0 becomes.
    return tuple(terms if len(terms) > 1 else [terms[0]._replace(coefficient=0.0), *terms])


class Asked(NamedTuple):
    """What a program depends on: what is asked, of which axes, in how large numbers.

    Attributes
    ----------
    gates : tuple of Gate
        Those that are to be evaluated, or whose events are known, each after its parent and operands.
    sums : tuple of (str, Sum)
        The axes.
    channels : tuple of str
        Of the recorded values, in the order in which the kernel finds them.
    limits : tuple of (str, float)
        Largest magnitude of detectors for which sums are to be right; events beyond are set aside.
    positive : frozenset of str
        Axes on which only values above zero have a place.
    noted : frozenset of str
        Gates of which it will be asked who is in them.
    known : frozenset of str
        Gates whose members an earlier pass has found.
    """

    gates: tuple[Gate, ...]
    sums: tuple[tuple[str, Sum], ...]
    channels: tuple[str, ...]
    limits: tuple[tuple[str, float], ...]
    positive: frozenset[str]
    noted: frozenset[str]
    known: frozenset[str] = frozenset()


@lru_cache(maxsize=8)
def compiled(asked: Asked) -> Program:
    """Compile a strategy; kept, since in the next sample of a batch mostly the same is asked."""
    sums, limits = dict(asked.sums), dict(asked.limits)
    errors = {axis: each.error(limits) for axis, each in sums.items()}
    gates = {gate.id: gate for gate in asked.gates}
    operands = {name for gate in asked.gates if isinstance(gate, Boolean) for name, _ in gate.operands}
    records = assembled(gates, list(sums), errors, known=asked.known, noted={*asked.noted, *operands})
    return Program(
        gates=tuple(gates),
        axes=tuple(sums),
        channels=asked.channels,
        weights=_weights(sums, asked.channels),
        errors=errors,
        tables=(_axes(asked, errors), *records),
    )


def positive_axes(plan: Plan) -> frozenset[str]:
    """Return the axes on which only values above zero have a place."""
    return frozenset(axis for axis in plan.sources if isinstance(plan.columns.scale(axis), Log))


def _weights(sums: Mapping[str, Sum], channels: Sequence[str]) -> NDArray[np.float32]:
    weights = np.zeros((len(channels), len(sums)))
    for axis, each in enumerate(sums.values()):
        for term, weight in zip(each.terms, each.weights, strict=True):
            weights[channels.index(term.name), axis] += weight
    found = weights.clip(-LARGEST, LARGEST).astype(np.float32)
    found.setflags(write=False)
    return found


def _axes(asked: Asked, errors: Mapping[str, float]) -> Axes:
    from tregflow._kernels.tables import Axes

    sums = [each for _, each in asked.sums]
    terms = [term for each in sums for term in each.terms]
    number = {name: place for place, name in enumerate(asked.channels)}
    floors = [min(errors[axis] + _LEAST, LARGEST) if axis in asked.positive else -math.inf for axis, _ in asked.sums]
    return Axes(
        terms=starts(len(each.terms) for each in sums),
        channels=np.array([number[term.name] for term in terms], np.int64),
        divisors=np.array([term.divisor for term in terms], np.float64),
        coefficients=np.array([term.coefficient for term in terms], np.float64),
        gains=np.array([each.gain for each in sums], np.float64),
        floors=np.array(floors, np.float32),
        limits=_allowed(asked, number),
    )


def _allowed(asked: Asked, number: Mapping[str, int]) -> NDArray[np.float64]:
    """Return up to which magnitude each channel may go."""
    limits, allowed = dict(asked.limits), np.full(len(number), LARGEST)
    for _, each in asked.sums:
        for term, weight in zip(each.terms, each.weights, strict=True):
            place, limit = number[term.name], limits[term.name] if len(each.terms) > 1 else LARGEST
            allowed[place] = min(allowed[place], limit, _reach(weight, len(each.terms)))
    return allowed


def _reach(weight: float, n_terms: int) -> float:
    """Return up to which magnitude a value times its weight stays in the range of float32; below 0 if it never does."""
    if not (weight == 0 or _NORMAL <= abs(weight) < LARGEST):
        return -1.0
    return LARGEST / n_terms / max(abs(weight), 1.0)
