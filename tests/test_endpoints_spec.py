"""What a design refuses before it sees a table."""

from __future__ import annotations

from typing import Any

import pytest

from tregflow.endpoints import Design, Endpoint
from tregflow.errors import EndpointError

TREG = Endpoint(name="primary", ratio="Treg_of_CD4", visit="D8")


def refusal(kind: type, **fields: Any) -> str:
    with pytest.raises(EndpointError) as caught:
        kind(**fields)
    return str(caught.value)


def test_defaults() -> None:
    assert (TREG.test, TREG.claim, TREG.margin) == ("t_log", "changed", (0.80, 1.25))
    design = Design(baseline="D0", visits=("D0", "D8"), endpoints=(TREG,))
    assert design.few_events.not_quantifiable == 50
    assert hash(design) == hash(Design(baseline="D0", visits=("D0", "D8"), endpoints=(TREG,)))


def test_an_unknown_test() -> None:
    assert refusal(Endpoint, name="primary", ratio="R", visit="D8", test="t-fold") == (
        "primary: test 't-fold' is not known; did you mean 't_fold'?\n"
        "  expected   t_fold, t_log, wilcoxon\n"
        "  remedy     choose a test in study.yaml"
    )


def test_an_unknown_claim() -> None:
    assert refusal(Endpoint, name="b", ratio="R", visit="D8", claim="stable") == (
        "b: claim 'stable' is not known\n  expected   changed, unchanged\n  remedy     choose a claim in study.yaml"
    )


@pytest.mark.parametrize("margin", [(0.0, 1.25), (1.1, 1.25), (0.8, 1.0), (1.25, 0.8), (0.8, float("inf"))])
def test_a_margin_must_enclose_one(margin: tuple[float, float]) -> None:
    assert refusal(Endpoint, name="b", ratio="R", visit="D8", margin=margin) == (
        f"b: margin {margin[0]}-{margin[1]} does not enclose a ratio of 1\n"
        "  expected   0 < low < 1 < high\n"
        "  remedy     give both as ratios to the baseline, such as [0.80, 1.25]"
    )


@pytest.mark.parametrize("test", ["t_fold", "wilcoxon"])
def test_unchanged_is_shown_by_no_test_of_change(test: str) -> None:
    assert refusal(Endpoint, name="b", ratio="R", visit="D8", claim="unchanged", test=test) == (
        f"b: {test} cannot show that a ratio is unchanged\n"
        "  expected   claim unchanged, tested by two one-sided t tests on the log ratio against the margin\n"
        "  remedy     leave test out, or claim a change"
    )


def test_a_baseline_must_be_a_visit() -> None:
    assert refusal(Design, baseline="D00", visits=("D0", "D8"), endpoints=(TREG,)) == (
        "baseline: visit 'D00' is not among the visits of the trial; did you mean 'D0'?\n"
        "  available  D0, D8\n"
        "  remedy     name one of these, or add the visit to study.yaml"
    )


def test_an_endpoint_must_be_at_a_visit() -> None:
    assert refusal(Design, baseline="D0", visits=("D0", "D15"), endpoints=(TREG,)) == (
        "primary: visit 'D8' is not among the visits of the trial\n"
        "  available  D0, D15\n"
        "  remedy     name one of these, or add the visit to study.yaml"
    )


def test_an_endpoint_at_the_baseline_compares_nothing() -> None:
    assert refusal(Design, baseline="D8", visits=("D0", "D8", "D15"), endpoints=(TREG,)) == (
        "primary: visit D8 is the baseline itself\n"
        "  available  D0, D15\n"
        "  remedy     name the visit that is compared with the baseline"
    )


def test_endpoints_have_names_of_their_own() -> None:
    assert refusal(Design, baseline="D0", visits=("D0", "D8"), endpoints=(TREG, TREG)) == (
        "primary: two endpoints have this name\n"
        "  available  primary, primary\n"
        "  remedy     give each endpoint a name of its own"
    )
