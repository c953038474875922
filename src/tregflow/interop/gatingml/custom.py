"""What tregflow leaves for itself in ``custom_info``: the whole strategy, and a digest of the gates beside it.

Gating-ML has no word for FlowJo's axes, panels, overrides or reports. The strategy travels as JSON; the digest tells
whether the gates that other programs read are still those that were written with it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tregflow.interop.gatingml.faults import GateFault
from tregflow.interop.gatingml.names import OWN, children, data_type
from tregflow.interop.xml import element

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tregflow.interop.xml import Element

_TAG = f"{{{OWN}}}strategy"


@dataclass(frozen=True, slots=True)
class Kept:
    """A strategy as it was written: its plain data, the overrides, and where it stands in the file."""

    data: dict[str, Any]
    overrides: tuple[dict[str, Any], ...]
    element: Element


def digest(root: Element) -> str:
    """Return the SHA-256 of a Gating-ML document without its ``custom_info``, line ends and indentation."""
    return hashlib.sha256(json.dumps(_plain(root), separators=(",", ":")).encode()).hexdigest()


def _plain(node: Element) -> list[Any]:
    """Return tag, attributes, text and children; a list of lists, so that no text can pass for another's tag."""
    inner = [_plain(child) for child in node if child.tag != data_type("custom_info")]
    return [
        str(node.tag),
        sorted((str(key), str(value)) for key, value in node.items()),
        (node.text or "").strip(),
        inner,
    ]


def custom_info(root: Element, data: Mapping[str, Any], overrides: Sequence[Mapping[str, Any]]) -> Element:
    """Return the ``custom_info`` of a strategy; `root` holds the gates that are written for other programs."""
    # Escaped to ASCII: a control character has no place in XML. Numbers are exact: shortest text that leads back.
    payload = json.dumps({"strategy": data, "overrides": list(overrides)}, allow_nan=False)
    own = element(_TAG, {"sha256": digest(root)}, text=payload, prefixes={"tregflow": OWN})
    return element(data_type("custom_info"), children=[own])


def kept_strategy(root: Element) -> Kept | None:
    """Return the strategy that tregflow left in a document; None where there is none.

    Raises
    ------
    GateFault
        It is damaged, or the gates beside it are others than those that it was written with.
    """
    found = [own for info in children(root, data_type("custom_info")) for own in children(info, _TAG)]
    if not found:
        return None
    if len(found) > 1:
        raise GateFault(found[1], "two strategies of tregflow in custom_info", expected="one", broken=False)
    (own,) = found
    if own.get("sha256") != digest(root):
        problem = (
            "the gates were changed after tregflow wrote the file; panel, FlowJo's axes, overrides and report, which "
            "it left in custom_info, no longer belong to them"
        )
        remedy = "take over the gates alone with partial=True, on the command line --partial"
        raise GateFault(own, problem, remedy=remedy, broken=False)
    try:
        content = json.loads(own.text or "")
    except (ValueError, RecursionError):
        content = None
    if not _is_right(content):
        raise GateFault(
            own, "what tregflow left in custom_info is damaged", expected="a strategy as JSON", broken=False
        )
    return Kept(content["strategy"], tuple(content["overrides"]), own)


def _is_right(content: Any) -> bool:
    if not isinstance(content, dict) or set(content) != {"strategy", "overrides"}:
        return False
    rules = content["overrides"]
    return isinstance(content["strategy"], dict) and isinstance(rules, list) and all(isinstance(r, dict) for r in rules)
