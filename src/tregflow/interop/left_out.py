"""What could not be taken over from, or written for, another program: a record, never a silence."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One thing that did not cross the border.

    Attributes
    ----------
    sample : str
        The sample it belongs to; empty for what all samples share.
    population : str
        Path of the population, ``T cells/CD4/Treg``, or id of the gate; empty for what belongs to a sample as a whole.
    reason : str
        Why, in words.
    line : int
        Line of the file read, from 1; 0 where there is none.
    """

    sample: str
    population: str
    reason: str
    line: int = 0
