"""Every error that tregflow raises on purpose.

TregflowError
├── FcsError            an FCS file cannot be read, or cannot be trusted    (also ValueError)
├── PanelError          a marker or channel cannot be resolved              (also LookupError)
├── CompensationError   a spillover matrix does not fit the sample          (also ValueError)
├── ScaleError          a scale cannot be built from its parameters         (also ValueError)
├── GateError           a gate cannot be built or evaluated                 (also ValueError)
├── StrategyError       a strategy or overrides file is wrong               (also ValueError)
├── StudyError          a study file, a sample sheet or a result is wrong   (also ValueError)
├── InteropError        a file of another program cannot be taken over      (also ValueError)
├── EndpointError       an endpoint cannot be computed as asked             (also ValueError)
└── SimulationError     a cohort cannot be simulated as asked               (also ValueError)

A message has up to five parts: where it happened, the problem, what was expected, what is there, what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


class TregflowError(Exception):
    """Base of the tree: where it happened, what was expected, what is there, what to do.

    Parameters
    ----------
    problem : str
        What is wrong, in one sentence without a final stop.
    code : str
        Stable identifier for programs, such as ``E_NOT_FCS``.
    file, population : str
        The file and the population (or channel) where it happened.
    expected : str
        What would have been right.
    available : sequence of str
        What is there instead.
    remedy : str
        What the reader can do about it.
    """

    def __init__(
        self,
        problem: str,
        *,
        code: str,
        file: str = "",
        population: str = "",
        expected: str = "",
        available: Sequence[str] = (),
        remedy: str = "",
    ) -> None:
        self.problem = problem
        self.code = code
        self.file = file
        self.population = population
        self.expected = expected
        self.available = tuple(available)
        self.remedy = remedy
        details = {"expected": expected, "available": ", ".join(self.available), "remedy": remedy}
        lines = [": ".join(filter(None, (file, population, problem)))]
        lines += [f"  {label:<10} {text}" for label, text in details.items() if text]
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple[Any, ...]:
        """Cross a process boundary whole: keyword-only arguments need a rebuild by state."""
        return _rebuild, (type(self), self.problem, {name: getattr(self, name) for name in _DETAILS})


_DETAILS = ("code", "file", "population", "expected", "available", "remedy")


def _rebuild(kind: type[TregflowError], problem: str, details: dict[str, Any]) -> TregflowError:
    return kind(problem, **details)


class FcsError(TregflowError, ValueError):
    """An FCS file cannot be read, or cannot be trusted."""


class PanelError(TregflowError, LookupError):
    """A marker or channel that a gate names cannot be resolved in the sample."""


class CompensationError(TregflowError, ValueError):
    """A spillover matrix is missing, broken, or does not fit the sample."""


class ScaleError(TregflowError, ValueError):
    """A scale cannot be built from its parameters."""


class GateError(TregflowError, ValueError):
    """A gate cannot be built or evaluated."""


class StrategyError(TregflowError, ValueError):
    """A strategy or overrides file is wrong; the message lists every fault with its line."""


class StudyError(TregflowError, ValueError):
    """A study file, a sample sheet or a result folder is wrong."""


class InteropError(TregflowError, ValueError):
    """A gating file of another program (Gating-ML, FlowJo) is broken, or cannot be taken over or written."""


class EndpointError(TregflowError, ValueError):
    """An endpoint cannot be computed as asked."""


class SimulationError(TregflowError, ValueError):
    """A cohort cannot be simulated as asked."""
