"""Dimensions of gates: which values, compensated how, on which transformation (Gating-ML 2.0, section 3.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tregflow.interop.gatingml.elements import attribute, only, required
from tregflow.interop.gatingml.faults import GateFault
from tregflow.interop.gatingml.model import FCS, UNCOMPENSATED, Axis, Bounds, Source
from tregflow.interop.gatingml.names import children, data_type, gating, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence, Set

    from tregflow.interop.gatingml.model import SpectrumMatrix, Transformation
    from tregflow.interop.xml import Element
    from tregflow.transforms import Scale

DIMENSION = (data_type("fcs-dimension"), data_type("new-dimension"))


@dataclass(frozen=True, slots=True)
class Context:
    """What gates refer to: transformations and matrices by id, and the ids of those that cannot be taken over."""

    transformations: Mapping[str, Transformation]
    matrices: Mapping[str, SpectrumMatrix]
    bad: Set[str]

    def axis(self, element: Element) -> Axis:
        """Return the axis that a dimension or divider element describes.

        Raises
        ------
        GateFault
            It names no channel, or refers to a transformation or matrix that is not there or cannot be taken over.
        """
        compensation = self._compensation(element)
        reference = attribute(element, gating("transformation-ref"))
        if reference is not None and self._transformation(element, reference).scale is None:
            raise GateFault(element, f"the transformation '{reference}' is a ratio", expected="one that makes a scale")
        return Axis(self._source(element, compensation), reference)

    def scale(self, axis: Axis) -> Scale:
        """Return the scale of an axis; one that is not transformed has its values as positions."""
        from tregflow.transforms import Linear, scale_from_spec

        transformation = self.transformations.get(axis.transformation or "")
        return Linear(t=1.0) if transformation is None else scale_from_spec(transformation.scale)

    def sources_of(self, source: Source) -> tuple[Source, Source]:
        """Return the two sources that a ratio divides, compensated as the ratio is (Gating-ML 2.0, 3.3.4)."""
        over, under = self.transformations[source.name].ratio or ("", "")
        return Source(over, source.compensation), Source(under, source.compensation)

    def bounds(self, axis: Axis) -> tuple[Bounds, bool]:
        """Return where results on an axis are held, and whether a value may be undefined before it is held there."""
        ratio = self.transformations[axis.source.name] if axis.source.ratio else None
        transformation = self.transformations.get(axis.transformation or "")
        own = transformation.bounds if transformation else None
        undefined = ratio is not None or (transformation is not None and "log" in (transformation.scale or {}))
        if ratio is not None and ratio.bounds:
            return ratio.bounds, undefined
        return own or Bounds(), undefined

    def check_bounds(self, axis: Axis, element: Element) -> None:
        """Refuse a ratio that is bounded and then transformed: bounds of both would have to be carried on."""
        if axis.source.ratio and self.transformations[axis.source.name].bounds and axis.transformation is not None:
            problem = f"the ratio '{axis.source.name}' has bounds and is transformed afterwards"
            raise GateFault(element, problem, expected="bounds on the outer transformation", broken=False)

    def _compensation(self, element: Element) -> str:
        reference = required(element, gating("compensation-ref"))
        if reference in self.bad:
            raise GateFault(element, f"the matrix '{reference}' cannot be taken over")
        if reference not in (UNCOMPENSATED, FCS, *self.matrices):
            problem = f"there is no compensation '{reference}'"
            raise GateFault(element, problem, available=(UNCOMPENSATED, FCS, *self.matrices))
        return reference

    def _transformation(self, element: Element, reference: str) -> Transformation:
        if reference in self.bad:
            raise GateFault(element, f"the transformation '{reference}' cannot be taken over")
        if reference not in self.transformations:
            problem = f"there is no transformation '{reference}'"
            raise GateFault(element, problem, available=tuple(self.transformations) or ("none",))
        return self.transformations[reference]

    def _source(self, element: Element, compensation: str) -> Source:
        if children(element, DIMENSION[0]):
            name = required(only(element, DIMENSION[0]), data_type("name"))
            self._check_dye(element, name, compensation)
            return Source(name, compensation)
        if not children(element, DIMENSION[1]):
            raise GateFault(element, f"{shown(element)} names no channel", expected="fcs-dimension or new-dimension")
        reference = required(only(element, DIMENSION[1]), data_type("transformation-ref"))
        ratio = self._transformation(element, reference).ratio
        if ratio is None:
            problem = f"the new dimension is made by '{reference}', which is no ratio"
            raise GateFault(element, problem, expected="a transformation with fratio")
        for name in ratio:
            self._check_dye(element, name, compensation)
        return Source(reference, compensation, ratio=True)

    def _check_dye(self, element: Element, name: str, compensation: str) -> None:
        matrix = self.matrices.get(compensation)
        if matrix is not None and name not in matrix.dyes:
            problem = f"the matrix '{compensation}' has no fluorochrome '{name}'"
            raise GateFault(element, problem, available=matrix.dyes)


def distinct(element: Element, axes: Sequence[Axis]) -> tuple[Axis, ...]:
    """Return the axes of a gate; two that are the same are a fault."""
    for axis in axes:
        if axes.count(axis) > 1:
            raise GateFault(element, f"{shown(element)} with two dimensions on {axis.source.name}", expected="one each")
    return tuple(axes)
