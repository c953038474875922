"""What another reader of our Gating-ML files loses, whatever the gates: Gating-ML has no word for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tregflow.interop.left_out import LeftOut

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tregflow.strategy import Strategy


def losses(strategy: Strategy) -> list[LeftOut]:
    """Return what is lost by the standard, the strategy as a whole first, then its overrides."""
    whole = [LeftOut("", "", reason) for reason in _of_the_strategy(strategy)]
    rules = [
        LeftOut(
            rule.target if rule.level == "sample" else "",
            rule.gate or "",
            f"override {rule.id} ({rule.level} {rule.target}): another reader sees the template",
        )
        for rule in strategy.overrides
    ]
    return whole + rules


def _of_the_strategy(strategy: Strategy) -> Iterator[str]:
    spec = strategy.spec
    if spec.counts == "flowjo":
        yield "counts: flowjo: another reader evaluates polygons and ellipses exactly, not on FlowJo's grid"
    if spec.gains == "none":
        yield "gains: none: another reader divides values by $PnG, where a file states one other than 1"
    for key, what in (("report", "reported frequencies"), ("mfi", "medians")):
        if getattr(spec, key):
            yield f"{key}: Gating-ML has no place for {what}"
    optional = [name for name, gate in spec.gates.items() if gate.optional]
    if optional:
        yield f"optional: {', '.join(optional)}: another reader may fail on a file without their channels"
