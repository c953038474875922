"""The effector trap: 100 - Treg is no endpoint beside Treg."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tregflow.endpoints import Endpoint
from tregflow.endpoints.complement import refuse_complements
from tregflow.endpoints.visits import Record
from tregflow.errors import EndpointError

if TYPE_CHECKING:
    from collections.abc import Sequence

TREG = [410, 451, 500, 700]


def records(ratio: str, counts: Sequence[int], *, denominator: str = "CD4+", n: int | None = 10_000) -> list[Record]:
    return [
        Record(
            subject=f"P{i // 2}",
            visit=f"D{8 * (i % 2)}",
            ratio=ratio,
            sample=f"S{i}",
            failed=False,
            percent=100 * k / 10_000,
            k=k if n else None,
            n=n,
            nested=True,
            numerator=ratio.partition("_of_")[0],
            denominator=denominator,
            flags=(),
        )
        for i, k in enumerate(counts)
    ]


def asked(*ratios: str) -> list[Endpoint]:
    return [Endpoint(name=f"e{i}", ratio=ratio, visit="D8") for i, ratio in enumerate(ratios, 1)]


def rest(counts: Sequence[int], gap: int = 0) -> list[int]:
    return [10_000 - k - gap for k in counts]


def refusal(ratio: str, within: str = "") -> str:
    return (
        f"{ratio} is 100 - Treg_of_CD4{within} in every sample: no endpoint of its own\n"
        "  expected   a ratio that can change on its own: here one falls by what the other rises, one test done twice\n"
        "  remedy     ask it of effectors as a share of lymphocytes or per µL (Teff_of_Lymphocytes); "
        f"{ratio} stays a reported frequency"
    )


@pytest.mark.parametrize("name", ["Tconv_of_CD4", "Teff_of_CD4", "non-Treg_of_CD4"])
@pytest.mark.parametrize("n", [10_000, None])
def test_the_complement_of_treg_is_refused(name: str, n: int | None) -> None:
    table = records("Treg_of_CD4", TREG, n=n) + records(name, rest(TREG), n=n)
    with pytest.raises(EndpointError) as caught:
        refuse_complements(asked("Treg_of_CD4", name), table, file="frequencies.csv")
    assert str(caught.value) == f"frequencies.csv: e2: {refusal(name)}"


@pytest.mark.parametrize("ratios", [("Tconv_of_CD4",), ("Tconv_of_CD4", "Treg_of_CD4")])
def test_it_is_refused_alone_and_first_too_since_treg_is_in_the_table(ratios: tuple[str, ...]) -> None:
    table = records("Treg_of_CD4", TREG) + records("Tconv_of_CD4", rest(TREG))
    with pytest.raises(EndpointError) as caught:
        refuse_complements(asked(*ratios), table)
    assert str(caught.value) == f"e1: {refusal('Tconv_of_CD4')}"


def test_treg_stands_beside_a_reported_complement() -> None:
    table = records("Treg_of_CD4", TREG) + records("Tconv_of_CD4", rest(TREG))
    assert refuse_complements(asked("Treg_of_CD4"), table) == ()


def test_tconv_is_refused_where_foxp3_leaves_a_few_cells_in_neither() -> None:
    table = records("Treg_of_CD4", TREG) + records("Tconv_of_CD4", rest(TREG, 210))
    with pytest.raises(EndpointError) as caught:
        refuse_complements(asked("Tconv_of_CD4"), table)
    assert str(caught.value) == f"e1: {refusal('Tconv_of_CD4', ' within 2.1 points')}"


def test_another_name_that_nearly_mirrors_treg_stands_with_a_note() -> None:
    table = records("Treg_of_CD4", TREG) + records("CD127+_of_CD4", rest(TREG, 210))
    assert refuse_complements(asked("Treg_of_CD4", "CD127+_of_CD4"), table) == (
        "e2: CD127+_of_CD4 and Treg_of_CD4 are together 95 % or more of their denominator in every sample: "
        "a change of one is mostly the mirror of the other",
    )


@pytest.mark.parametrize(
    "other",
    [
        records("Teff_of_Lymphocytes", rest(TREG), denominator="Lymphocytes"),
        records("Teff_of_CD4", [4000, 4100, 4200, 4300]),
        records("CD28+_of_CD4", [9590, 9600, 9700, 9800]),  # overlaps with Treg: more than 100 together
        records("Teff_of_CD4", [*rest(TREG[:3]), 4000]),  # one sample is enough to differ
        records("Teff_of_CD4", rest(TREG), n=9_000),
    ],
)
def test_what_can_change_on_its_own_stands(other: list[Record]) -> None:
    assert refuse_complements(asked("Treg_of_CD4", other[0].ratio), records("Treg_of_CD4", TREG) + other) == ()


def test_two_halves_of_treg_are_one_endpoint() -> None:
    table = records("naiveTreg_of_Treg", TREG) + records("memoryTreg_of_Treg", rest(TREG))
    assert refuse_complements(asked("memoryTreg_of_Treg"), table) == ()
    with pytest.raises(EndpointError) as caught:
        refuse_complements(asked("memoryTreg_of_Treg", "naiveTreg_of_Treg"), table)
    assert str(caught.value) == (
        "e2: naiveTreg_of_Treg is 100 - memoryTreg_of_Treg in every sample: no endpoint of its own\n"
        "  expected   a ratio that can change on its own: here one falls by what the other rises, one test done twice\n"
        "  remedy     keep one of the two as an endpoint"
    )
