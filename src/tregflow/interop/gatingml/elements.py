"""Attributes and children of an element, checked: what is missing or out of place becomes a fault with its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tregflow.interop.gatingml.faults import GateFault
from tregflow.interop.gatingml.names import children, data_type, number, parts, shown

if TYPE_CHECKING:
    from collections.abc import Collection

    from tregflow.interop.xml import Element

_TRUTH = {"true": True, "1": True, "false": False, "0": False}


def attribute(element: Element, name: str) -> str | None:
    """Return an attribute, by its name in a namespace or without; None where there is none."""
    value: str | None = element.get(name)
    plain: str | None = element.get(parts(name)[1])
    return plain if value is None else value


def required(element: Element, name: str) -> str:
    """Return an attribute that must be there and hold something."""
    value = attribute(element, name)
    if value is None or not value.strip():
        problem = f"{shown(element)} without {parts(name)[1]}"
        raise GateFault(element, problem, expected=f"{parts(name)[1]}=..." + ("" if value is None else ", not blank"))
    return value


def number_of(element: Element, name: str) -> float:
    """Return an attribute that must be a finite number."""
    return finite(element, parts(name)[1], required(element, name))


def finite(element: Element, what: str, text: str | None) -> float:
    """Return a text of an element as a finite number; `what` it is stands in the message."""
    value = number(text)
    if value is None:
        raise GateFault(element, f"{shown(element)}: {what} is '{(text or '')[:40]}'", expected="a finite number")
    return value


def truth(element: Element, name: str) -> bool:
    """Return an attribute that is true or false; false where it is missing."""
    text = attribute(element, name)
    if text is None:
        return False
    if text.strip() not in _TRUTH:
        problem = f"{shown(element)}: {parts(name)[1]} is '{text[:40]}'"
        raise GateFault(element, problem, expected="true or false")
    return _TRUTH[text.strip()]


def only(element: Element, tag: str) -> Element:
    """Return the one child of a tag."""
    found = children(element, tag)
    if len(found) != 1:
        problem = f"{len(found)} elements {parts(tag)[1]} in {shown(element)}"
        raise GateFault(element, problem, expected="one")
    return found[0]


def check_children(element: Element, allowed: Collection[str]) -> None:
    """Refuse a child that has no place in an element; ``custom_info`` may stand anywhere."""
    for child in element:
        if child.tag not in allowed and child.tag != data_type("custom_info"):
            names = tuple(parts(tag)[1] for tag in allowed)
            problem = f"{shown(child)} has no place in {shown(element)}"
            raise GateFault(child, problem, expected=", ".join(names) or "nothing")


def channel_names(element: Element) -> tuple[str, ...]:
    """Return the names of the ``fcs-dimension`` children."""
    return tuple(required(child, data_type("name")) for child in children(element, data_type("fcs-dimension")))
