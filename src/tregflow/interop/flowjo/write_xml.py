"""Names, numbers and elements as a FlowJo workspace writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tregflow.interop.xml import element

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tregflow.interop.xml import Element

GATING = "http://www.isac-net.org/std/Gating-ML/v2.0/gating"
TRANSFORMS = "http://www.isac-net.org/std/Gating-ML/v2.0/transformations"
TYPES = "http://www.isac-net.org/std/Gating-ML/v2.0/datatypes"
OWN = "urn:tregflow:workspace:1"
"""Of what only tregflow reads."""

PREFIXES = {
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "gating": GATING,
    "transforms": TRANSFORMS,
    "data-type": TYPES,
    "tregflow": OWN,
}


def made(
    tag: str, attributes: Mapping[str, str] | None = None, children: Iterable[Element] = (), *, text: str = ""
) -> Element:
    """Return an element of a workspace, with the prefixes that FlowJo uses."""
    return element(tag, attributes, children, text=text, prefixes=PREFIXES)


def number(value: float) -> str:
    """Return the shortest text that is read back as the same number, whole numbers without a point.

    Examples
    --------
    >>> number(262144.0), number(0.1)
    ('262144', '0.1')
    """
    return repr(float(value)).removesuffix(".0")
