"""What is wrong with a Gating-ML file: collected with line and gate, raised together, or left out one by one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tregflow.errors import InteropError
from tregflow.fcs.names import printable
from tregflow.interop.left_out import LeftOut
from tregflow.interop.xml import line_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tregflow.errors import TregflowError
    from tregflow.interop.xml import Element

MOST = 20
"""Faults that are told one by one."""


class GateFault(Exception):  # noqa: N818 - caught where the gate is read, never seen outside
    """A gate, a transformation or a matrix cannot be taken over: the reason, and where."""

    def __init__(
        self,
        element: Element,
        problem: str,
        *,
        expected: str = "",
        available: Sequence[str] = (),
        remedy: str = "",
        broken: bool = True,
    ) -> None:
        super().__init__(problem)
        self.line = line_of(element)
        self.problem = problem
        self.expected = expected
        self.available = tuple(available)
        self.remedy = remedy
        self.broken = broken

    @classmethod
    def of(cls, element: Element, error: TregflowError) -> GateFault:
        """Return what a gate, scale or matrix said of itself, with the line; its remedy is one for strategies."""
        return cls(element, error.problem, expected=error.expected, available=error.available)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that cannot be taken over.

    Attributes
    ----------
    gate : str
        Id of the gate, transformation or matrix; empty for the file as a whole.
    line : int
        Where, from 1.
    problem, expected, remedy : str
        As in every error.
    available : tuple of str
        What is there instead.
    broken : bool
        Against the standard; else right, but nothing that a strategy can say.
    """

    gate: str
    line: int
    problem: str
    expected: str = ""
    available: tuple[str, ...] = ()
    remedy: str = ""
    broken: bool = True

    def __str__(self) -> str:
        """Return ``line 12: Gate1: a polygon of 1 vertex (expected 3 or more)``."""
        details = [f"expected {self.expected}"] if self.expected else []
        details += [f"there are {', '.join(self.available)}"] if self.available else []
        more = f" ({'; '.join(details)})" if details else ""
        return f"line {self.line}: {self.gate + ': ' if self.gate else ''}{self.problem}{more}"

    def left_out(self) -> LeftOut:
        """Return the record of what a partial import left out."""
        expected = f" (expected {self.expected})" if self.expected else ""
        return LeftOut("", self.gate, self.problem + expected, self.line)


@dataclass(slots=True)
class Faults:
    """The faults of a file."""

    file: str
    found: list[Fault] = field(default_factory=list)

    def add(self, gate: str, fault: GateFault) -> None:
        """Note a fault of a gate, transformation or matrix."""
        available = tuple(map(printable, fault.available))  # ids may hold anything, line ends among it
        said = (printable(fault.problem), fault.expected, available, fault.remedy, fault.broken)
        self.found.append(Fault(printable(gate), fault.line, *said))

    def raise_all(self) -> None:
        """Raise what was found: ``E_GATINGML`` where the file breaks the standard, else ``E_LEFT_OUT``."""
        if not self.found:
            return
        found = sorted(self.found, key=lambda fault: fault.line)
        code = "E_GATINGML" if any(fault.broken for fault in found) else "E_LEFT_OUT"
        remedy = "take over the rest with partial=True, on the command line --partial"
        if len(found) == 1:
            (only,) = found
            raise InteropError(
                f"line {only.line}: {only.problem}",
                code=code,
                file=self.file,
                population=only.gate,
                expected=only.expected,
                available=only.available,
                remedy=only.remedy or remedy,
            )
        listed = list(map(str, found[:MOST]))
        listed += [f"and {len(found) - MOST} more"] if len(found) > MOST else []
        problem = "\n  ".join([f"{len(found)} faults", *listed])
        raise InteropError(problem, code=code, file=self.file, remedy=remedy)
