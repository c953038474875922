"""Kernels compiled beforehand: once per installation, processor and version of what compiles them."""

from __future__ import annotations

import time
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tregflow.fcs import Sample, read_fcs, write_fcs
from tregflow.strategy import Strategy

_TEMPLATE = "treg"
_N_EVENTS = 50_000
"""Enough for kernels to decode a file, and for a polygon to get a grid."""


def warm_up() -> float:
    """Compile the kernels that a usual run takes, and keep them; where they are kept already, load them.

    Others, for file types or gates that are seldom, are compiled when they are first asked for.

    Returns
    -------
    float
        Seconds that it took.
    """
    start = time.perf_counter()
    import_module("tregflow._kernels")  # what decodes a file asks whether it is there
    strategy = Strategy.load(_TEMPLATE)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "warm-up.fcs"
        write_fcs(path, _sample(strategy, np.dtype(np.float32)))
        lazy = read_fcs(path, lazy=True)
        strategy.gate(lazy, controls={"FoxP3": lazy})
        strategy.gate(lazy, controls={"FoxP3": lazy}, engine="reference")
    narrow = _sample(strategy, np.dtype(np.float32))
    strategy.gate(narrow, controls={"FoxP3": narrow}).update(gate="CD4+", above={"CD4": 1000.0})
    wide = _sample(strategy, np.dtype(np.float64))
    strategy.gate(wide, controls={"FoxP3": wide})
    return time.perf_counter() - start


def _sample(strategy: Strategy, dtype: np.dtype[np.floating]) -> Sample:
    """Return events all over the axes, some of them near every edge."""
    rng = np.random.default_rng(1)
    markers = {f"FL{number}-A": marker for number, marker in enumerate(strategy.spec.panel)}
    channels = [*markers, *(axis for axis in strategy.axes if axis not in strategy.spec.panel)]
    columns = {channel: rng.uniform(-1e3, 2.6e5, _N_EVENTS).astype(dtype) for channel in channels}
    matrix = np.eye(len(markers)) + 0.01
    text = ",".join([str(len(markers)), *markers, *(f"{value:g}" for value in matrix.ravel())])
    return Sample.from_columns("warm-up.fcs", columns, markers=markers, keywords={"$SPILLOVER": text})
