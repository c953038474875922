"""Gate a sample again after one gate has changed: only what hangs below it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tregflow._yaml import plain, suggest
from tregflow.errors import StrategyError
from tregflow.gates import Mask
from tregflow.populations import ROOT
from tregflow.strategy.build import is_placed
from tregflow.strategy.columns import shared
from tregflow.strategy.evaluate import median, planned
from tregflow.strategy.fused import decide, fused_gate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tregflow.populations import Gated
    from tregflow.strategy import Applied, Strategy


def updated(gated: Gated, applied: Applied, gate: str, *, threads: int) -> Gated:
    """Return the sample gated by a strategy of which one gate is another than before.

    The gate is evaluated on its parent. What hangs below it can only change for events that have come into it or left
    it: those alone are gated anew, by the plain evaluation.

    Parameters
    ----------
    gated : Gated
        With the gate as it was.
    applied : Applied
        The strategy with the gate as it is to be.
    gate : str
        Its id.
    threads : int
        Each for a range of the events.
    """
    plan = planned(applied, gated.sample, gated.spillover)
    unplaced = _unplaced(gated.masks)
    now = fused_gate(plan, gate, gated.masks, unplaced, threads=threads)
    moved = np.union1d(unplaced, np.flatnonzero(now != gated.masks[gate].inside))
    below = _below(plan.strategy, gate)
    decided = decide(plan, below, gated.masks, moved)
    masks = {name: _patched(gated.masks[name], moved, decided[name]) for name in plan.gates if name in below}
    gone = {name: _size(gated.masks[name].inside[moved]) for name in masks}
    counts = {name: gated.counts[name] + _size(decided[name].inside) - gone[name] for name in masks}
    medians = {
        (population, axis): median(gated.values(axis)[masks[population].inside])
        for population, axis in plan.medians
        if population in masks
    }
    return replace(
        gated,
        strategy=plan.strategy,
        gates=plan.gates,
        masks={**gated.masks, **masks},
        counts={**gated.counts, **counts},
        found={**gated.found, **medians},
    )


def _size(inside: NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(inside))


def _patched(mask: Mask, events: NDArray[np.int64], decided: Mask) -> Mask:
    """Return a mask that is another for some events."""
    inside, defined = mask.inside.copy(), mask.defined
    inside[events] = decided.inside
    if not np.array_equal(defined[events], decided.defined):
        defined = defined.copy()
        defined[events] = decided.defined
    return Mask(shared(inside), shared(defined))


def changed(strategy: Strategy, gate: str, keys: Mapping[str, Any], missing: Mapping[str, str]) -> Strategy:
    """Return the strategy with other keys for one gate; `missing` are the gates that a sample lacks, and why.

    Raises
    ------
    StrategyError
        As `Gated.update`.
    """
    if gate not in strategy.spec.gates:
        raise StrategyError(
            f"there is no gate '{gate}'{suggest(gate, strategy.spec.gates)}",
            code="E_UPDATE",
            file=strategy.source,
            available=list(strategy.spec.gates),
        )
    if gate in missing:
        raise StrategyError(
            f"the gate '{gate}' is missing in this sample: {missing[gate]}",
            code="E_UPDATE",
            file=strategy.source,
            remedy="change the strategy, and gate the sample by it",
        )
    written = {**strategy.data["gates"][gate], **plain(dict(keys))}
    after = strategy.revised(
        {**strategy.data, "gates": {**strategy.data["gates"], gate: written}}, name=strategy.source
    )
    if not is_placed(after.spec.gates[gate]):
        raise StrategyError(
            f"the gate '{gate}' would be placed by a control",
            code="E_UPDATE",
            file=strategy.source,
            expected="numbers",
            remedy="change the strategy, and gate the sample with its controls",
        )
    then, now = strategy.spec.gates[gate], after.spec.gates[gate]
    if (now.axes, now.parent, now.operands) != (then.axes, then.parent, then.operands):
        raise StrategyError(
            f"the gate '{gate}' would hang elsewhere, or look at other axes",
            code="E_UPDATE",
            file=strategy.source,
            expected="other numbers for the same axes, parent and operands",
            remedy="change the strategy, and gate the sample by it",
        )
    return after


def _below(strategy: Strategy, gate: str) -> set[str]:
    """Return the gate and all that follows from it."""
    found = {gate}
    for name in strategy.order:
        if not found.isdisjoint(strategy.needs(name)):
            found.add(name)
    return found


def _unplaced(masks: Mapping[str, Mask]) -> NDArray[np.int64]:
    """Return the events that some gate cannot place: the plain evaluation knows what follows from that."""
    everything = masks[ROOT].defined
    partly = [mask.defined for mask in masks.values() if mask.defined is not everything]
    return np.flatnonzero(~np.logical_and.reduce(partly)) if partly else np.zeros(0, np.int64)
