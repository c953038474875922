"""Gating-ML 2.0 (ISAC, 2013): read into a strategy, and written from one."""

from __future__ import annotations

from tregflow.interop.gatingml.read import read_gatingml
from tregflow.interop.gatingml.write import write_gatingml

__all__ = ["read_gatingml", "write_gatingml"]
