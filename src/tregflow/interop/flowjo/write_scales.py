"""Our scales as FlowJo's axes: which scale has one, and how a workspace writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tregflow.interop.flowjo.write_xml import TRANSFORMS, TYPES, made, number
from tregflow.transforms import Asinh, FlowJoBiex, FlowJoLinear, FlowJoLog, Linear, Log, Logicle

if TYPE_CHECKING:
    from tregflow.interop.xml import Element
    from tregflow.transforms import Scale

    Axis = FlowJoLinear | FlowJoLog | Logicle | Asinh | FlowJoBiex

LENGTH = "256"
"""FlowJo's own number of channels of an axis; every workspace says 256."""
_TOP = 262144.0


def flowjo_axis(scale: Scale, top: float | None = None) -> Axis | None:
    """Return the axis of FlowJo on which positions are those of `scale`; None where FlowJo has no such axis.

    Parameters
    ----------
    scale : Scale
        Of a gate.
    top : float, optional
        Top of the channel in data units (``$PnR``), for a scale that shows none: ``linear: {t: 1}``, values as they
        are.

    Examples
    --------
    >>> flowjo_axis(Linear(t=1024, a=256))
    FlowJoLinear(min=-256.0, max=1024.0)
    """
    match scale:
        case Linear(t=1.0, a=0.0):
            return FlowJoLinear(min=0.0, max=top if top and top > 0 else _TOP)
        case Linear():
            return FlowJoLinear(min=0.0 - scale.a, max=scale.t)  # not -0.0, which would be written
        case Log():
            return FlowJoLog(offset=scale.t / 10.0**scale.m, decades=scale.m)
        case FlowJoLinear() | FlowJoLog() | Logicle() | Asinh() | FlowJoBiex():
            return scale
    return None


def axis_element(parameter: str, axis: Axis, gain: float = 1.0) -> Element:
    """Return the element of ``Transformations`` that gives a parameter its axis; `gain` only a linear one can have."""
    kind, attributes = _attributes(axis)
    qualified = {f"{{{TRANSFORMS}}}{name}": text for name, text in attributes.items()}
    if isinstance(axis, FlowJoLinear):
        qualified["gain"] = number(gain)
    return made(f"{{{TRANSFORMS}}}{kind}", qualified, [made(f"{{{TYPES}}}parameter", {f"{{{TYPES}}}name": parameter})])


def _attributes(axis: Axis) -> tuple[str, dict[str, str]]:
    match axis:
        case FlowJoLinear():
            return "linear", {"minRange": number(axis.min), "maxRange": number(axis.max)}
        case FlowJoLog():
            return "log", {"offset": number(axis.offset), "decades": number(axis.decades)}
        case Logicle():
            letters = {"T": axis.t, "A": axis.a, "W": axis.w, "M": axis.m}
            return "logicle", {"length": LENGTH} | {name: number(value) for name, value in letters.items()}
        case Asinh():
            # FlowJo writes a maxRange and a W beside the three that count (gating.md, section 4).
            letters = {"maxRange": axis.t, "T": axis.t, "A": axis.a, "M": axis.m, "W": -10.0}
            return "fasinh", {"length": LENGTH} | {name: number(value) for name, value in letters.items()}
        case FlowJoBiex():
            letters = {"maxRange": axis.max, "neg": axis.neg, "width": axis.width, "pos": axis.pos}
            return "biex", {"length": LENGTH} | {name: number(value) for name, value in letters.items()}
