"""The two ways to gate a sample, which come to the same: fused for speed, reference to be checked against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from tregflow.errors import StrategyError
from tregflow.populations import Gated
from tregflow.strategy.evaluate import planned, reference
from tregflow.strategy.fused import fused

if TYPE_CHECKING:
    from tregflow.fcs import Sample
    from tregflow.few_events import FewEvents
    from tregflow.findings import Finding
    from tregflow.strategy import Applied
    from tregflow.strategy.evaluate import Evaluated, Plan
    from tregflow.strategy.matrix import Matrix

Engine = Literal["fused", "reference"]


@dataclass(frozen=True, slots=True)
class Way:
    """How to gate; results do not depend on it.

    Attributes
    ----------
    engine : {"fused", "reference"}
    threads : int
        Threads for one sample.
    masks : bool
        Whether to keep the masks.

    Raises
    ------
    StrategyError
        ``E_ENGINE``: there is no such engine, or less than one thread.
    """

    engine: Engine = "fused"
    threads: int = 1
    masks: bool = True

    def __post_init__(self) -> None:
        """Check."""
        if self.engine not in get_args(Engine):
            raise StrategyError(f"there is no engine {self.engine!r}", code="E_ENGINE", available=get_args(Engine))
        if self.threads < 1:
            raise StrategyError(f"threads is {self.threads}", code="E_ENGINE", expected="1 thread or more")

    def run(self, plan: Plan) -> Evaluated:
        """Gate."""
        return reference(plan) if self.engine == "reference" else fused(plan, threads=self.threads, masks=self.masks)


def evaluate(
    applied: Applied,
    sample: Sample,
    matrix: Matrix | None,
    *,
    id: str | None,  # noqa: A002 - the word of the sample sheet
    batch: str | None,
    few_events: FewEvents,
    way: Way,
) -> Gated:
    """Return the sample gated by a strategy whose overrides and thresholds are applied already."""
    plan = planned(applied, sample, matrix)
    found = way.run(plan)
    of_matrix: tuple[Finding, ...] = matrix.findings if matrix else ()
    return Gated(
        sample=found.sample,
        id=id,
        batch=batch,
        strategy=plan.strategy,
        gates=plan.gates,
        masks=found.masks,
        counts=found.counts,
        found=found.medians,
        missing=plan.missing,
        sources=plan.sources,
        values=plan.columns.get,
        findings=(*found.sample.findings, *of_matrix, *plan.findings, *found.findings),
        few_events=few_events,
        spillover=matrix,
    )
