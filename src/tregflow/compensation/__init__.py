"""Spillover: read from a sample or a CSV file in all its dialects, checked, and removed.

>>> from tregflow.compensation import Spillover
"""

from tregflow.compensation.keywords import KEYWORDS, compensated_channels, matrix_keywords
from tregflow.compensation.spillover import CONDITION_LIMIT, IDENTITY_TOLERANCE, Spillover

__all__ = [
    "CONDITION_LIMIT",
    "IDENTITY_TOLERANCE",
    "KEYWORDS",
    "Spillover",
    "compensated_channels",
    "matrix_keywords",
]
