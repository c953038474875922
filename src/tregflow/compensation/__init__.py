"""Spillover: read from a sample or a CSV file in all its dialects, checked, and removed.

>>> from tregflow.compensation import Spillover
"""

from tregflow.compensation.diagnostics import Diagnostics, diagnose
from tregflow.compensation.fit import ControlFit, SpilloverFit
from tregflow.compensation.keywords import KEYWORDS, compensated_channels, matrix_keywords
from tregflow.compensation.singles import spillover_from_controls
from tregflow.compensation.spillover import CONDITION_LIMIT, IDENTITY_TOLERANCE, Spillover
from tregflow.compensation.unmixing import Unmixing

__all__ = [
    "CONDITION_LIMIT",
    "IDENTITY_TOLERANCE",
    "KEYWORDS",
    "ControlFit",
    "Diagnostics",
    "Spillover",
    "SpilloverFit",
    "Unmixing",
    "compensated_channels",
    "diagnose",
    "matrix_keywords",
    "spillover_from_controls",
]
