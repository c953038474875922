"""A finding: something noticed that does not stop the work and must not be lost.

A repaired header, a missing control, few events: each is data. It travels with the sample to the last table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["info", "warning", "review", "error"]
"""``info`` and ``warning`` are said; ``review`` asks for a person; ``error`` means that the sample failed."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something noticed about a file, a channel or a population.

    Attributes
    ----------
    code : str
        Stable, in kebab case: ``data-end-plus-one``.
    severity : {"info", "warning", "review", "error"}
        What it asks of the reader.
    where : str
        Segment, channel, gate or frequency.
    text : str
        One sentence for a person.
    """

    code: str
    severity: Severity
    where: str
    text: str
