"""From the raw FCS files of a trial to a defensible change of regulatory T cells from baseline.

Public names are loaded when first used (PEP 562): ``import tregflow`` and ``tregflow --help`` cost no numba, pandas,
scikit-learn, matplotlib, FlowKit or scipy.stats.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from tregflow._version import __version__

if TYPE_CHECKING:
    from tregflow import endpoints, plots
    from tregflow.batch import Run, run
    from tregflow.batch.warm import warm_up
    from tregflow.compensation import Spillover
    from tregflow.errors import (
        CompensationError,
        EndpointError,
        FcsError,
        GateError,
        InteropError,
        PanelError,
        ScaleError,
        SimulationError,
        StrategyError,
        StudyError,
        TregflowError,
    )
    from tregflow.export import export_events, export_masks
    from tregflow.fcs import Channel, Sample, iter_fcs, list_datasets, read_fcs, scan_fcs, write_fcs
    from tregflow.findings import Finding
    from tregflow.gates import Boolean, Ellipsoid, Polygon, Rectangle
    from tregflow.populations import Gated
    from tregflow.reconciliation import Reconciliation, reconcile
    from tregflow.strategy import Strategy
    from tregflow.study import Study
    from tregflow.transforms import (
        Asinh,
        FlowJoBiex,
        FlowJoLinear,
        FlowJoLog,
        Hyperlog,
        Linear,
        Log,
        Logicle,
    )

_HOMES = {
    "tregflow.batch": ("Run", "run"),
    "tregflow.batch.warm": ("warm_up",),
    "tregflow.compensation": ("Spillover",),
    "tregflow.errors": (
        "CompensationError",
        "EndpointError",
        "FcsError",
        "GateError",
        "InteropError",
        "PanelError",
        "ScaleError",
        "SimulationError",
        "StrategyError",
        "StudyError",
        "TregflowError",
    ),
    "tregflow.export": ("export_events", "export_masks"),
    "tregflow.fcs": ("Channel", "Sample", "iter_fcs", "list_datasets", "read_fcs", "scan_fcs", "write_fcs"),
    "tregflow.findings": ("Finding",),
    "tregflow.gates": ("Boolean", "Ellipsoid", "Polygon", "Rectangle"),
    "tregflow.populations": ("Gated",),
    "tregflow.reconciliation": ("Reconciliation", "reconcile"),
    "tregflow.strategy": ("Strategy",),
    "tregflow.study": ("Study",),
    "tregflow.transforms": (
        "Asinh",
        "FlowJoBiex",
        "FlowJoLinear",
        "FlowJoLog",
        "Hyperlog",
        "Linear",
        "Log",
        "Logicle",
    ),
}
_MODULES = ("endpoints", "plots")
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Asinh",
    "Boolean",
    "Channel",
    "CompensationError",
    "Ellipsoid",
    "EndpointError",
    "FcsError",
    "Finding",
    "FlowJoBiex",
    "FlowJoLinear",
    "FlowJoLog",
    "GateError",
    "Gated",
    "Hyperlog",
    "InteropError",
    "Linear",
    "Log",
    "Logicle",
    "PanelError",
    "Polygon",
    "Reconciliation",
    "Rectangle",
    "Run",
    "Sample",
    "ScaleError",
    "SimulationError",
    "Spillover",
    "Strategy",
    "StrategyError",
    "Study",
    "StudyError",
    "TregflowError",
    "__version__",
    "endpoints",
    "export_events",
    "export_masks",
    "iter_fcs",
    "list_datasets",
    "plots",
    "read_fcs",
    "reconcile",
    "run",
    "scan_fcs",
    "warm_up",
    "write_fcs",
]


def __getattr__(name: str) -> object:
    """Load a public name from its module when it is first used."""
    if name in _MODULES:
        return import_module(f"tregflow.{name}")
    if name not in _HOME:
        message = f"module 'tregflow' has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
