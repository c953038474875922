"""Packages that only some formats need: asked for before any work is done."""

from __future__ import annotations

from importlib.util import find_spec

from tregflow.errors import InteropError

_NEEDED = {"parquet": ("pyarrow", "parquet", "E_NO_PYARROW"), "h5ad": ("anndata", "anndata", "E_NO_ANNDATA")}
"""Format -> package, extra of tregflow that brings it, code."""


def require(format: str) -> None:  # noqa: A002 - the word of the command line
    """Raise unless the package that writes a format is installed.

    Raises
    ------
    InteropError
        ``E_NO_PYARROW``, ``E_NO_ANNDATA``.
    """
    package, extra, code = _NEEDED.get(format, ("", "", ""))
    if package and find_spec(package) is None:
        raise InteropError(
            f"writing {format} needs the package {package}",
            code=code,
            remedy=f"python -m pip install 'tregflow[{extra}]'",
        )
