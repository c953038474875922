"""Classes of a count, and the limits between them."""

from __future__ import annotations

import pytest

from tregflow.errors import StudyError
from tregflow.few_events import FewEvents, classify


@pytest.mark.parametrize(
    ("k", "flag"),
    [
        (0, "not-detected"),
        (19, "not-detected"),
        (20, "not-quantifiable"),
        (49, "not-quantifiable"),
        (50, "few-events"),
        (99, "few-events"),
        (100, ""),
        (10**9, ""),
    ],
)
def test_a_count_falls_into_its_class(k: int, flag: str) -> None:
    assert classify(k, FewEvents()) == flag


def test_limits_are_settings() -> None:
    assert classify(5, FewEvents(not_detected=5, not_quantifiable=5, finding=5)) == ""


@pytest.mark.parametrize(
    ("limits", "listed"),
    [
        (
            {"not_detected": 60},
            "not_detected 60, not_quantifiable 50, finding 100, cd4_finding 5000, cd4_fail 2000",
        ),
        (
            {"not_detected": -1},
            "not_detected -1, not_quantifiable 50, finding 100, cd4_finding 5000, cd4_fail 2000",
        ),
        (
            {"cd4_fail": 6000},
            "not_detected 20, not_quantifiable 50, finding 100, cd4_finding 5000, cd4_fail 6000",
        ),
    ],
)
def test_limits_that_contradict_each_other_are_refused(limits: dict[str, int], listed: str) -> None:
    with pytest.raises(StudyError) as caught:
        FewEvents(**limits)
    assert str(caught.value) == (
        "few_events: limits on counts contradict each other\n"
        "  expected   0 <= not_detected <= not_quantifiable <= finding, and 0 <= cd4_fail <= cd4_finding\n"
        f"  available  {listed}\n"
        "  remedy     correct few_events in study.yaml"
    )
