"""Attributes and children of a workspace's elements, by local name: FlowJo writes some with a namespace, some bare."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from tregflow.interop.flowjo.model import Reason
from tregflow.interop.xml import line_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tregflow.interop.xml import Element

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


class NotUnderstoodError(Exception):
    """Something in the workspace is not as it should be; caught within the package, where a reason is made of it."""

    def __init__(self, text: str, element: Element) -> None:
        super().__init__(text)
        self.reason = Reason(text, line_of(element))


def local(element: Element) -> str:
    """Return an element's name without namespace."""
    return str(element.tag).rpartition("}")[2]


def children(element: Element | None, *names: str) -> Iterator[Element]:
    """Yield the children of these names; all without names."""
    for child in element if element is not None else ():
        if not names or local(child) in names:
            yield child


def first(element: Element | None, name: str) -> Element | None:
    """Return the first child of a name."""
    return next(children(element, name), None)


def attribute(element: Element, name: str) -> str | None:
    """Return an attribute, with any namespace or none."""
    plain = element.get(name)
    if plain is not None:
        return str(plain)
    return next((str(text) for key, text in element.attrib.items() if str(key).rpartition("}")[2] == name), None)


def required(element: Element, name: str) -> str:
    """Return an attribute that has to be there."""
    text = attribute(element, name)
    if text is None:
        problem = f"{local(element)} without {name}"
        raise NotUnderstoodError(problem, element)
    return text


def number(element: Element, name: str) -> float:
    """Return an attribute that has to be a finite number."""
    return _as_number(element, name, required(element, name))


def optional_number(element: Element, name: str) -> float | None:
    """Return an attribute that is a finite number where it is there."""
    text = attribute(element, name)
    return None if text is None else _as_number(element, name, text)


def whole(element: Element, name: str, default: int) -> int:
    """Return an attribute that is a whole number; `default` where it is not there."""
    value = optional_number(element, name)
    if value is None:
        return default
    if value != int(value):
        problem = f"{name} of {local(element)} is no whole number: {attribute(element, name)}"
        raise NotUnderstoodError(problem, element)
    return int(value)


def _as_number(element: Element, name: str, text: str) -> float:
    value = float(text) if _NUMBER.fullmatch(text.strip()) else math.nan
    if not math.isfinite(value):
        problem = f"{name} of {local(element)} is no number: '{text}'"
        raise NotUnderstoodError(problem, element)
    return value
