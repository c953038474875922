"""Scales: how data units become positions on an axis, and where the axis carries its ticks.

Every scale is a frozen value with the same verbs. `apply` maps compensated intensities in data units onto the axis,
where [0, 1] is the displayed range (Gating-ML 2.0, section 6); values beyond it get positions beyond it, except on
FlowJo's biexponential axis, which clamps at both ends, and on its logarithmic one, which clamps at the low end.
`inverse` leads back. NaN stays NaN, and infinity stays infinite or is NaN. `bins` tells FlowJo's channel of each value.

All scales rise (FlowJo's: between their clamped ends), so they keep order: a rectangle can be compared in data units.
Edges of polygons are straight on the axis, not in data units.
"""

from __future__ import annotations

from tregflow.transforms.base import Scale
from tregflow.transforms.biex import FlowJoBiex
from tregflow.transforms.checks import is_finite_number
from tregflow.transforms.linear import FlowJoLinear, Linear
from tregflow.transforms.log import FlowJoLog, Log
from tregflow.transforms.logicle import Asinh, Hyperlog, Logicle
from tregflow.transforms.spec import scale_from_spec, scale_to_spec

__all__ = [
    "Asinh",
    "FlowJoBiex",
    "FlowJoLinear",
    "FlowJoLog",
    "Hyperlog",
    "Linear",
    "Log",
    "Logicle",
    "Scale",
    "is_finite_number",
    "scale_from_spec",
    "scale_to_spec",
]
