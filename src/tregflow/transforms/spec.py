"""Scales as a strategy file writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import TYPE_CHECKING

from tregflow.errors import ScaleError
from tregflow.transforms.biex import FlowJoBiex
from tregflow.transforms.checks import parameters, shown
from tregflow.transforms.linear import FlowJoLinear, Linear
from tregflow.transforms.log import FlowJoLog, Log
from tregflow.transforms.logicle import Asinh, Hyperlog, Logicle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tregflow.transforms.base import Scale

_Any = Linear | Log | Logicle | Hyperlog | Asinh | FlowJoBiex | FlowJoLinear | FlowJoLog
_KINDS: dict[str, type[_Any]] = {
    scale.kind: scale for scale in (Linear, Log, Logicle, Hyperlog, Asinh, FlowJoBiex, FlowJoLinear, FlowJoLog)
}


def scale_from_spec(spec: object) -> Scale:
    """Build the scale that a strategy names: ``"linear"`` or ``{"logicle": {"w": 0.8}}``.

    Parameters
    ----------
    spec : str or mapping
        A kind alone, or a mapping of one kind to its parameters; parameters that are left out keep their defaults.

    Returns
    -------
    Scale
        The frozen scale.

    Raises
    ------
    ScaleError
        Unknown kind or parameter (with the near miss), more than one kind, or a value out of range (``E_SCALE``).

    Examples
    --------
    >>> scale_from_spec({"logicle": {"w": 0.8}})
    Logicle(t=262144.0, w=0.8, m=4.5, a=0.0)
    """
    if isinstance(spec, str):
        spec = {spec: None}
    if not isinstance(spec, Mapping) or len(spec) != 1:
        problem, expected = f"{shown(spec)} is no scale", "one kind: linear, or with parameters: {logicle: {w: 0.8}}"
        raise ScaleError(problem, code="E_SCALE", expected=expected, available=tuple(_KINDS))
    ((kind, given),) = spec.items()
    if kind not in _KINDS:
        raise _unknown("there is no scale", kind, tuple(_KINDS))
    values = {} if given is None else given
    names = tuple(field.name for field in fields(_KINDS[kind]))
    if not isinstance(values, Mapping):
        problem = f"{kind}: {shown(given)} is no mapping of parameters"
        raise ScaleError(problem, code="E_SCALE", expected=f"{{{kind}: {{{names[0]}: 1000}}}}", available=names)
    for name in values:
        if name not in names:
            raise _unknown(f"{kind} has no parameter", name, names)
    return _KINDS[kind](**values)


def scale_to_spec(scale: Scale) -> dict[str, dict[str, float]]:
    """Return what `scale_from_spec` turns into `scale` again, with every parameter said.

    Examples
    --------
    >>> scale_to_spec(Log(t=10000, m=4))
    {'log': {'t': 10000.0, 'm': 4.0}}
    """
    return {scale.kind: {name: getattr(scale, name) for name in parameters(scale)}}


def _unknown(problem: str, name: object, known: Sequence[str]) -> ScaleError:
    near = get_close_matches(str(name).lower(), known, n=1, cutoff=0.5)
    remedy = f"did you mean {near[0]!r}?" if near else ""
    return ScaleError(f"{problem} {shown(name)}", code="E_SCALE", available=known, remedy=remedy)
