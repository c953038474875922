"""What is asked of a trial: endpoints, visits, limits. Frozen before the data are seen, as study.yaml is.

Refuses what contradicts itself; whether the table holds what is asked for, `tregflow.endpoints.analyse` finds out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

from tregflow._yaml import suggest
from tregflow.errors import EndpointError
from tregflow.few_events import FewEvents

Test = Literal["t_fold", "t_log", "wilcoxon"]
"""Tests of a change: t of the fold against 1, t of the log ratio against 0, exact signed rank of the log ratio."""

Claim = Literal["changed", "unchanged"]
"""What the endpoint is to show; ``unchanged`` needs a test of its own (TOST), not a large p."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One question to the trial: how a ratio changed from the baseline to a visit.

    Attributes
    ----------
    name : str
        As in study.yaml: ``primary``.
    ratio : str
        ``name`` of a frequency: ``Treg_of_CD4``.
    visit : str
        The visit that is compared with the baseline.
    test : {"t_fold", "t_log", "wilcoxon"}
        The test that the study names; the others are computed beside it. A claim of ``unchanged`` is tested by two
        one-sided t tests on the log ratio, and takes ``t_log`` only.
    claim : {"changed", "unchanged"}
        What is to be shown.
    margin : (float, float)
        Ratios between which a change does not matter, for ``unchanged``.

    Raises
    ------
    EndpointError
        An unknown test or claim, a margin that does not enclose 1, a test that cannot show the claim.
    """

    name: str
    ratio: str
    visit: str
    test: Test = "t_log"
    claim: Claim = "changed"
    margin: tuple[float, float] = (0.80, 1.25)

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        for key, value, known in (("test", self.test, get_args(Test)), ("claim", self.claim, get_args(Claim))):
            if value not in known:
                raise self._fault(
                    f"{key} {value!r} is not known{suggest(value, known)}",
                    expected=", ".join(known),
                    remedy=f"choose a {key} in study.yaml",
                )
        low, high = self.margin
        if not 0 < low < 1 < high < math.inf:
            raise self._fault(
                f"margin {low}-{high} does not enclose a ratio of 1",
                expected="0 < low < 1 < high",
                remedy="give both as ratios to the baseline, such as [0.80, 1.25]",
            )
        if self.claim == "unchanged" and self.test != "t_log":
            raise self._fault(
                f"{self.test} cannot show that a ratio is unchanged",
                expected="claim unchanged, tested by two one-sided t tests on the log ratio against the margin",
                remedy="leave test out, or claim a change",
            )

    def _fault(self, problem: str, *, expected: str, remedy: str) -> EndpointError:
        return EndpointError(problem, code="E_ENDPOINT_DESIGN", population=self.name, expected=expected, remedy=remedy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """What is asked of a trial, and by which limits counts are judged.

    Attributes
    ----------
    baseline : str
        The visit that every other is compared with. A setting, never a constant.
    visits : tuple of str
        The visits of the trial, the baseline among them.
    endpoints : tuple of Endpoint
        In the order of the tables.
    few_events : FewEvents
        Limits on counts.

    Raises
    ------
    EndpointError
        Two endpoints of one name; a visit that is not among `visits`; an endpoint at the baseline.
    """

    baseline: str
    visits: tuple[str, ...]
    endpoints: tuple[Endpoint, ...]
    few_events: FewEvents = field(default_factory=FewEvents)

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if self.baseline not in self.visits:
            raise _unknown_visit("baseline", self.baseline, self.visits)
        seen: set[str] = set()
        for endpoint in self.endpoints:
            if endpoint.name in seen:
                raise EndpointError(
                    "two endpoints have this name",
                    code="E_ENDPOINT_DESIGN",
                    population=endpoint.name,
                    available=[other.name for other in self.endpoints],
                    remedy="give each endpoint a name of its own",
                )
            seen.add(endpoint.name)
            if endpoint.visit not in self.visits:
                raise _unknown_visit(endpoint.name, endpoint.visit, self.visits)
            if endpoint.visit == self.baseline:
                raise EndpointError(
                    f"visit {endpoint.visit} is the baseline itself",
                    code="E_ENDPOINT_DESIGN",
                    population=endpoint.name,
                    available=[visit for visit in self.visits if visit != self.baseline],
                    remedy="name the visit that is compared with the baseline",
                )


def _unknown_visit(where: str, visit: str, visits: tuple[str, ...]) -> EndpointError:
    return EndpointError(
        f"visit {visit!r} is not among the visits of the trial{suggest(visit, visits)}",
        code="E_ENDPOINT_DESIGN",
        population=where,
        available=visits,
        remedy="name one of these, or add the visit to study.yaml",
    )
