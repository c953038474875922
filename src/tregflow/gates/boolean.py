"""Combinations of populations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from tregflow.gates.checks import check_id, fault, freeze
from tregflow.gates.mask import Mask

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Boolean:
    """Combination of other populations: not one, all of several, or any of several.

    Attributes
    ----------
    id, parent : str
        The population that the gate makes, and the population that it is applied to.
    operator : {"not", "all", "any"}
        ``not`` takes one operand, the others two or more.
    operands : tuple of (id, complement)
        Populations; with `complement` True, the events outside.

    Raises
    ------
    GateError
        Unknown operator, wrong number of operands, or a gate that refers to itself (``E_GATE``).
    """

    id: str
    parent: str
    operator: Literal["not", "all", "any"]
    operands: tuple[tuple[str, bool], ...]

    def __post_init__(self) -> None:
        check_id(self.id)
        freeze(self, "operands", tuple((str(name), bool(complement)) for name, complement in self.operands))
        if self.operator not in ("not", "all", "any"):
            raise fault(self, f"there is no operator {self.operator!r}", available=("not", "all", "any"))
        self._check_operands()

    @property
    def axes(self) -> tuple[str, ...]:
        """Empty: a combination looks at populations, not at channels."""
        return ()

    def evaluate(self, masks: Mapping[str, Mask]) -> Mask:
        """Combine the masks of the operands.

        Parameters
        ----------
        masks : mapping
            From the id of each operand to its mask.

        Returns
        -------
        Mask
            Defined where every operand is, and, for ``any``, where one of them holds the event: a union is never
            smaller than its members. Elsewhere an event that an operand cannot place is outside.

        Raises
        ------
        GateError
            An operand is not among `masks` (``E_GATE``).
        """
        operands = [self._operand(name, masks, complement=complement) for name, complement in self.operands]
        if self.operator == "not":
            return operands[0].complement()
        defined = np.logical_and.reduce([mask.defined for mask in operands])
        combine = np.logical_or if self.operator == "any" else np.logical_and
        inside = combine.reduce([mask.inside for mask in operands])
        return Mask(inside, defined | inside)

    def _operand(self, name: str, masks: Mapping[str, Mask], *, complement: bool) -> Mask:
        if name not in masks:
            raise fault(self, f"there is no population {name}", available=tuple(masks))
        return masks[name].complement() if complement else masks[name]

    def _check_operands(self) -> None:
        n_operands = len(self.operands)
        if n_operands != 1 if self.operator == "not" else n_operands < 2:
            expected = "1 population" if self.operator == "not" else "2 populations or more"
            raise fault(self, f"'{self.operator}' of {n_operands} populations", expected=expected)
        if self.id in (name for name, _ in self.operands):
            raise fault(self, "the gate refers to itself", expected="other populations")
