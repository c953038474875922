"""Names of Gating-ML 2.0: its namespaces, the tags and attributes in them, and how text becomes a number."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tregflow.interop.xml import Element

GATING = "http://www.isac-net.org/std/Gating-ML/v2.0/gating"
TRANSFORMS = "http://www.isac-net.org/std/Gating-ML/v2.0/transformations"
DATA_TYPE = "http://www.isac-net.org/std/Gating-ML/v2.0/datatypes"
PREFIXES = {"gating": GATING, "transforms": TRANSFORMS, "data-type": DATA_TYPE}
OWN = "urn:tregflow:gating-ml:1"
"""Namespace of what tregflow leaves in ``custom_info`` for itself."""

GATES = ("RectangleGate", "PolygonGate", "EllipsoidGate", "QuadrantGate", "BooleanGate")

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
"""xs:double, without its INF and NaN."""


def gating(name: str) -> str:
    """Return a name of the gating namespace as lxml writes it."""
    return f"{{{GATING}}}{name}"


def transforms(name: str) -> str:
    """Return a name of the transformations namespace as lxml writes it."""
    return f"{{{TRANSFORMS}}}{name}"


def data_type(name: str) -> str:
    """Return a name of the datatypes namespace as lxml writes it."""
    return f"{{{DATA_TYPE}}}{name}"


def parts(tag: str) -> tuple[str, str]:
    """Return namespace and local name of a tag.

    Examples
    --------
    >>> parts("{urn:x}gate"), parts("gate")
    (('urn:x', 'gate'), ('', 'gate'))
    """
    namespace, _, local = tag.rpartition("}")
    return namespace.removeprefix("{"), local


def shown(element: Element) -> str:
    """Return a tag as a person reads it in the file, with the usual prefix: ``gating:vertex``."""
    namespace, local = parts(str(element.tag))
    prefix = next((prefix for prefix, known in PREFIXES.items() if known == namespace), element.prefix)
    return f"{prefix}:{local}" if prefix else local


def children(element: Element, tag: str) -> list[Element]:
    """Return the children of one tag, in order."""
    return [child for child in element if child.tag == tag]


def without_custom_info(element: Element) -> Iterator[Element]:
    """Yield the descendants of an element in the order of the file, but for those in ``custom_info``."""
    pending = list(element)[::-1]
    while pending:
        child = pending.pop()
        if child.tag != data_type("custom_info"):
            yield child
            pending.extend(list(child)[::-1])


def number(text: str | None) -> float | None:
    """Return a finite number, or None.

    Examples
    --------
    >>> number(" 1e3 "), number("NaN"), number("1e999"), number("1_0")
    (1000.0, None, None, None)
    """
    stripped = (text or "").strip()
    if not _NUMBER.fullmatch(stripped):
        return None
    value = float(stripped)
    return value if math.isfinite(value) else None
