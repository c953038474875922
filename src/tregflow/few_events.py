"""How many events make a number: the classes of a count, and the settings that draw their borders.

The defaults follow the practice that 50 events or more can be quantified, 20 to 49 are detected only, and fewer are not
detected (International Clinical Cytometry Society, teaching module 258). They are settings of a study, not a rule of a
standard: the FDA recognises CLSI H62 without its section on assay sensitivity.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

from tregflow.errors import StudyError

EventClass = Literal["not-detected", "not-quantifiable", "few-events", ""]
"""What a count allows: a flag that travels with the frequency, or nothing to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FewEvents:
    """Limits on counts, in events; ``few_events`` of study.yaml.

    Attributes
    ----------
    not_detected : int
        A population with fewer events is not detected.
    not_quantifiable : int
        With fewer events it is detected, but not quantified: as a baseline it gives no fold.
    finding : int
        With fewer events the frequency stands, with a finding.
    cd4_finding, cd4_fail : int
        CD4+ events of a sample: fewer give a finding; fewer still, and the sample's Treg frequency fails.
    cd4 : str
        The population that those two look at.

    Raises
    ------
    StudyError
        A limit is negative, or the limits are not in ascending order.

    Examples
    --------
    >>> FewEvents().not_quantifiable
    50
    """

    not_detected: int = 20
    not_quantifiable: int = 50
    finding: int = 100
    cd4_finding: int = 5000
    cd4_fail: int = 2000
    cd4: str = "CD4+"

    def __post_init__(self) -> None:
        """Refuse limits that contradict each other."""
        ascending = 0 <= self.not_detected <= self.not_quantifiable <= self.finding
        if not (ascending and 0 <= self.cd4_fail <= self.cd4_finding):
            raise StudyError(
                "limits on counts contradict each other",
                code="E_FEW_EVENTS",
                population="few_events",
                expected="0 <= not_detected <= not_quantifiable <= finding, and 0 <= cd4_fail <= cd4_finding",
                available=[f"{name} {value}" for name, value in asdict(self).items() if name != "cd4"],
                remedy="correct few_events in study.yaml",
            )


def classify(k: int, limits: FewEvents) -> EventClass:
    """Return the flag of a population of `k` events; an empty text where there are enough.

    Examples
    --------
    >>> [classify(k, FewEvents()) for k in (19, 20, 50, 100)]
    ['not-detected', 'not-quantifiable', 'few-events', '']
    """
    if k < limits.not_detected:
        return "not-detected"
    if k < limits.not_quantifiable:
        return "not-quantifiable"
    return "few-events" if k < limits.finding else ""
