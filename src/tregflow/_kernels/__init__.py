"""Compiled loops over events; only this package imports numba.

Kept apart so that ``import tregflow`` and ``tregflow --help`` never pay for numba: callers import from here inside a
function. Each kernel names the NumPy expression that it is tested against (tests/test_kernels.py).
"""

from tregflow._kernels._jit import telling, without_linear_algebra
from tregflow._kernels.hyperlogs import hyperlog
from tregflow._kernels.logicles import logicle
from tregflow._kernels.polygons import in_polygon
from tregflow._kernels.rasters import raster
from tregflow._kernels.shapes import in_ellipsoid, in_range


def kept() -> bool:
    """Tell whether machine code is kept on disk, for the next process."""
    from tregflow._kernels.polygons import _in_polygon

    return bool(getattr(_in_polygon, "stats").cache_path)  # noqa: B009 - njit hides what numba makes of it


__all__ = [
    "hyperlog",
    "in_ellipsoid",
    "in_polygon",
    "in_range",
    "kept",
    "logicle",
    "raster",
    "telling",
    "without_linear_algebra",
]
