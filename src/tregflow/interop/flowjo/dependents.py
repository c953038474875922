"""Which populations a boolean population combines: named by their path, never by a copy of their gate."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tregflow.interop.flowjo.model import Reason

if TYPE_CHECKING:
    from tregflow.interop.flowjo.model import Node, WspSample


def resolve(sample: WspSample, node: Node) -> list[Node] | Reason:
    """Return the populations that a boolean population names, or why they cannot be told."""
    if not node.dependents:
        return Reason("names no population", node.line)
    if node.kind == "not" and len(node.dependents) > 1:
        return Reason(f"is the complement of {len(node.dependents)} populations", node.line)
    named = defaultdict(list)
    for each in sample.walk():
        named["/".join(each.plain_path)].append(each)
    found = []
    for name in node.dependents:
        fitting = named.get(name, [])
        if len(fitting) != 1:
            how = "no population is" if not fitting else f"{len(fitting)} populations are"
            return Reason(f"depends on '{name}', and {how} called so", node.line)
        found.append(fitting[0])
    return found
