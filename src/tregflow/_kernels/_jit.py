"""How kernels are compiled, and what they are handed; the only file that imports numba.

Common to all kernels: no explicit signature, since it would compile at import; no ``fastmath``, since it lets the
compiler assume that NaN never occurs and fuse a multiplication with an addition; no ``parallel``, since files are what
is spread over cores; ``nogil``, so that threads can do that.

Public functions around kernels are thin: numba compiles anew for every type and memory layout, checks no bounds, and
would compute in float32 if it were given float32. So they hand over contiguous float64 arrays of equal length and
nothing else.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar, cast

import numba
import numpy as np
from numba.core.event import Listener, install_listener

from tregflow.errors import GateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import ArrayLike, NDArray

    F = TypeVar("F", bound=Callable[..., object])


def njit(function: F) -> F:
    """Compile `function` without the GIL, and keep the machine code on disk where there is a place for it.

    numba looks for a folder that it may write to: ``NUMBA_CACHE_DIR``, ``__pycache__`` beside this file, the user's
    cache. Where there is none (a read-only installation without a home folder) it refuses to decorate at all. Then the
    kernels are compiled in memory, once per process: a second or two more, and the same numbers.
    """
    try:
        return cast("F", numba.njit(cache=True, nogil=True)(function))
    except RuntimeError:  # "cannot cache function ...: no locator available for file ..."
        return cast("F", numba.njit(nogil=True)(function))


def inlined(function: F) -> F:
    """Write the body of `function` into each kernel that calls it, before anything is compiled.

    A call hands over every array of its arguments and counts its users; in a loop over blocks that takes longer than
    the work.
    """
    return cast("F", numba.njit(inline="always", nogil=True)(function))


def without_linear_algebra() -> None:
    """Keep numba from loading scipy.linalg, which takes a fifth of a second, and which no kernel of ours needs.

    For a process that is ours alone: in another's, numba would from then on refuse ``np.cov`` in kernels.
    """
    name = "scipy.linalg.cython_blas"
    if name in sys.modules or "numba.np.arraymath" in sys.modules:
        return
    sys.modules[name] = None  # type: ignore[assignment]  # Python's way to say that a module is not there
    try:
        import_module("numba.np.arraymath")
    finally:
        del sys.modules[name]


@contextmanager
def telling(listener: Callable[[], None]) -> Iterator[None]:
    """Call `listener` whenever something is about to be compiled, by any thread: it takes seconds."""

    class _Listener(Listener):
        def on_start(self, event: object) -> None:  # noqa: ARG002
            listener()

        def on_end(self, event: object) -> None:
            """Take no notice."""

    with install_listener("numba:compile", _Listener()):
        yield


def paired(x: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both as contiguous float64 columns of one length."""
    first, second = (np.ascontiguousarray(values, np.float64) for values in (x, y))
    if first.ndim != 1 or first.shape != second.shape:
        problem = f"x has shape {first.shape} and y {second.shape}"
        raise GateError(problem, code="E_KERNEL", expected="two columns of one length")
    return first, second
