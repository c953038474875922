"""A sample's axes: from FlowJo's transformations to scales, or the reason why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tregflow.errors import ScaleError
from tregflow.interop.flowjo.elements import NotUnderstoodError, attribute, children, first, local, number, required
from tregflow.interop.flowjo.model import Reason
from tregflow.interop.xml import line_of
from tregflow.transforms import scale_from_spec

if TYPE_CHECKING:
    from tregflow.interop.xml import Element
    from tregflow.transforms import Scale

_KEYS = {
    "linear": ("flowjo_linear", {"min": "minRange", "max": "maxRange"}),
    "log": ("flowjo_log", {"offset": "offset", "decades": "decades"}),
    "logicle": ("logicle", {"t": "T", "w": "W", "m": "M", "a": "A"}),
    "fasinh": ("asinh", {"t": "T", "m": "M", "a": "A"}),
    "biex": ("biex", {"neg": "neg", "width": "width", "pos": "pos", "max": "maxRange"}),
}
"""FlowJo's element -> our scale, and the attribute of each of its parameters."""
_LENGTH = 256.0
"""Of a biexponential axis' table; no other has been seen, so what it would mean is not known."""


def read_axes(element: Element | None) -> tuple[dict[str, Scale | Reason], dict[str, float]]:
    """Return the scale of each axis, or the reason why there is none, and the gains that are not 1.

    An axis that is described twice in different ways has no scale.
    """
    scales: dict[str, Scale | Reason] = {}
    gains: dict[str, float] = {}
    for child in children(element):
        name = _name(child)
        if name is None:
            continue  # it belongs to no axis; a gate that needs it finds none
        try:
            scale, gain = _scale(child), _gain(child, name)
        except NotUnderstoodError as error:
            scales[name], gains[name] = Reason(f"axis {name}: {error.reason.text}", error.reason.line), 1.0
            continue
        if name in scales and (scales[name], gains[name]) != (scale, gain):
            scales[name] = Reason(f"axis {name} is described twice", line_of(child))
        else:
            scales[name], gains[name] = scale, gain
    return scales, {name: gain for name, gain in gains.items() if gain != 1.0}


def _name(element: Element) -> str | None:
    parameter = first(element, "parameter")
    return None if parameter is None else attribute(parameter, "name")


def _scale(element: Element) -> Scale:
    kind = local(element)
    if kind not in _KEYS:
        problem = f"a scale of the kind '{kind}', which is not documented"
        raise NotUnderstoodError(problem, element)
    if kind == "biex" and number(element, "length") != _LENGTH:
        problem = f"a biexponential table of length {required(element, 'length')}; only {_LENGTH:.0f} is known"
        raise NotUnderstoodError(problem, element)
    ours, keys = _KEYS[kind]
    try:
        return scale_from_spec({ours: {key: number(element, name) for key, name in keys.items()}})
    except ScaleError as error:
        problem = "; ".join(filter(None, (error.problem, error.expected and f"expected {error.expected}")))
        raise NotUnderstoodError(problem, element) from error


def _gain(element: Element, name: str) -> float:
    """Return the factor on the values of an axis: the length of a time step, for Time."""
    if local(element) != "linear" or attribute(element, "gain") is None:
        return 1.0
    gain = number(element, "gain")
    if gain <= 0.0:
        problem = f"a gain of {required(element, 'gain')}"
        raise NotUnderstoodError(problem, element)
    if gain != 1.0 and not name.casefold().startswith("time"):
        problem = f"a gain of {required(element, 'gain')}; what a gain means is known for Time only"
        raise NotUnderstoodError(problem, element)
    return gain
