"""Unmixing: the dyes' own light from as many detectors or more."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tests.builders import events

from tregflow.compensation import Spillover, Unmixing
from tregflow.compensation.inverse import pseudo_inverse
from tregflow.errors import CompensationError
from tregflow.fcs import Sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

DETECTORS, DYES = ("A", "B", "C"), ("FITC", "PE")
SHARES = np.array([[1.0, 0.2, 0.1], [0.05, 1.0, 0.4]])


def unmixing(
    detectors: tuple[str, ...] = DETECTORS, dyes: tuple[str, ...] = DYES, matrix: object = SHARES, **more: bool
) -> Unmixing:
    return Unmixing(detectors, dyes, np.asarray(matrix, np.float64), "t.yaml: matrix m2", **more)


def refusal(**given: object) -> str:
    with pytest.raises(CompensationError) as caught:
        unmixing(**given)  # type: ignore[arg-type]
    assert caught.value.code == "E_SPILL"
    return str(caught.value)


@given(
    st.integers(1, 6).flatmap(
        lambda n: st.integers(n, 9).flatmap(lambda m: hnp.arrays(np.float64, (n, m), elements=st.floats(0, 0.1)))
    )
)
def test_the_inverse_is_that_of_moore_and_penrose(noise: NDArray[np.float64]) -> None:
    matrix = noise + np.eye(*noise.shape)
    found = pseudo_inverse(matrix)
    assert found.shape == matrix.shape[::-1]
    np.testing.assert_allclose(found, np.linalg.pinv(matrix), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(matrix @ found, np.eye(len(matrix)), atol=1e-13)


def test_rows_that_nearly_agree_are_told_apart() -> None:
    matrix = np.array([[1.0, 1.0, 1.0], [1.0, 1.0, 1.0001]])
    np.testing.assert_allclose(pseudo_inverse(matrix), np.linalg.pinv(matrix), rtol=1e-9)


def test_light_of_known_dyes_comes_back() -> None:
    dyes = np.array([[100.0, 0.0], [0.0, 50.0], [-3.0, 7.5], [1e5, 2e4]])
    made = events(**dict(zip(DETECTORS, (dyes @ SHARES).T, strict=True)), Time=[1, 2, 3, 4])
    for column, dye in enumerate(DYES):
        np.testing.assert_allclose(unmixing().compensated(made, dye), dyes[:, column], rtol=1e-12, atol=1e-9)
    assert unmixing().compensated(made, "Time").tolist() == [1.0, 2.0, 3.0, 4.0]


def test_as_many_detectors_as_dyes_is_compensation() -> None:
    made = events(A=[100.0, 3.0], B=[20.0, 1e6])
    square = np.array([[1.0, 0.25], [0.5, 1.0]])
    spillover = Spillover(("A", "B"), square, "b1.csv")
    by_dye = unmixing(("A", "B"), matrix=square)
    assert by_dye.inverse.tolist() == spillover.inverse.tolist()
    assert by_dye.compensated(made, "PE").tolist() == spillover.compensated(made, "B").tolist()


def test_an_inverted_matrix_is_used_as_it_is() -> None:
    made = events(A=[1.0], B=[10.0], C=[100.0])
    given = unmixing(matrix=[[1, 0], [0.5, 2], [0, 0.1]], inverted=True)
    assert given.compensated(made, "FITC").tolist() == [6.0]
    assert given.compensated(made, "PE").tolist() == [30.0]
    assert given.inverse.tolist() == given.matrix.tolist()


@given(hnp.arrays(np.float32, (20, 3), elements=st.floats(-1e6, 1e6, width=32)))
def test_the_same_bits_as_plain_addition(rows: NDArray[np.float32]) -> None:
    made = Sample.from_columns("a.fcs", dict(zip(DETECTORS, rows.T, strict=True)))
    coefficients = unmixing().inverse[:, 1].tolist()
    expected = []
    for row in rows.astype(np.float64).tolist():
        total = 0.0
        for value, coefficient in zip(row, coefficients, strict=True):
            total += value * coefficient
        expected.append(total)
    assert unmixing().compensated(made, "PE").tolist() == expected


def test_nan_in_one_detector_leaves_no_dye_defined() -> None:
    made = events(A=[np.nan, 1.0], B=[1.0, 1.0], C=[np.inf, 1.0])
    assert np.isfinite(unmixing(matrix=[[1, 0, 0], [0, 1, 0]]).compensated(made, "PE")).tolist() == [False, True]


def test_values_that_were_divided_by_their_gain() -> None:
    made = events(A=[10.0], B=[10.0], C=[10.0])
    halved = {name: made.values(name) / 2 for name in DETECTORS}
    whole = unmixing().compensated(made, "PE")
    assert unmixing().compensated(made, "PE", recorded=halved.__getitem__).tolist() == (whole / 2).tolist()
    spillover = Spillover(("A", "B"), np.array([[1.0, 0.25], [0.5, 1.0]]), "b1.csv")
    assert spillover.compensated(made, "A", recorded=halved.__getitem__)[0] == spillover.compensated(made, "A")[0] / 2
    assert spillover.compensated(made, "C", recorded=halved.__getitem__).tolist() == [5.0]


def test_hash_tells_matrices_apart_and_not_their_sources() -> None:
    same = Unmixing(DETECTORS, DYES, SHARES.copy(), "elsewhere")
    others = [
        unmixing(dyes=("PE", "FITC")),
        unmixing(detectors=("B", "A", "C")),
        unmixing(matrix=SHARES * 2),
        unmixing(matrix=SHARES.T, inverted=True),
    ]
    assert same.sha256 == unmixing().sha256
    assert len({unmixing().sha256, *(other.sha256 for other in others)}) == 5


def test_a_matrix_is_guarded_and_crosses_processes() -> None:
    given = unmixing()
    for array in (given.matrix, given.inverse):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 2
    back = pickle.loads(pickle.dumps(given))
    assert back.sha256 == given.sha256
    assert back.inverse.tolist() == given.inverse.tolist()


# ------------------------------------------------------------------------------------------------------------- refused


def test_a_detector_is_no_dye() -> None:
    with pytest.raises(CompensationError) as caught:
        unmixing().compensated(events("P01.fcs", A=[1], B=[1], C=[1]), "B")
    assert caught.value.code == "E_DETECTOR"
    assert str(caught.value) == (
        "P01.fcs: t.yaml: matrix m2: B is a detector, and unmixing turns detectors into dyes\n"
        "  expected   a dye\n"
        "  available  FITC, PE\n"
        "  remedy     name the dye under dimensions: {CD25: {dye: PE}}, or give the axis compensation: none there"
    )


def test_a_detector_that_the_sample_lacks() -> None:
    with pytest.raises(CompensationError) as caught:
        unmixing().compensated(events("P01.fcs", A=[1], b=[1], C=[1]), "PE")
    assert str(caught.value) == (
        "P01.fcs: t.yaml: matrix m2: the matrix names 'B', which is no channel of the sample\n"
        "  expected   $PnN of the sample\n"
        "  available  A, b, C\n"
        "  remedy     near miss 'b': correct it in the matrix"
    )


def test_what_is_compensated_already_is_not_unmixed() -> None:
    with pytest.raises(CompensationError) as caught:
        unmixing().check(events("P01.fcs", **{"FJComp-A": [1], "A": [1], "B": [1], "C": [1]}))
    assert str(caught.value) == (
        "P01.fcs: the values are compensated already, as the names of the channels say\n"
        "  expected   uncompensated channels, to apply t.yaml: matrix m2\n"
        "  available  FJComp-A\n"
        "  remedy     set compensation: none, or export uncompensated values"
    )


REMEDY = "  remedy     correct the matrix, or name a CSV file with the right one under compensation"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            {"detectors": ("A", "B", "A")},
            "the detector A is named twice\n  expected   each detector once\n  available  A, B, A\n",
        ),
        ({"dyes": ("PE", "PE")}, "the dye PE is named twice\n  expected   each dye once\n  available  PE, PE\n"),
        (
            {"dyes": ("FITC", "B")},
            "B is a detector and a dye\n  expected   dyes that are not called like a detector\n",
        ),
        (
            {"detectors": ("A",), "matrix": [[1], [1]]},
            "2 dyes for 1 detectors\n  expected   as many detectors as dyes, or more\n",
        ),
        ({"dyes": (), "matrix": []}, "0 dyes for 3 detectors\n  expected   as many detectors as dyes, or more\n"),
        (
            {"matrix": SHARES.T},
            "the matrix is of another size\n  expected   2 x 3 numbers: a row per dye\n  available  3 x 2\n",
        ),
        (
            {"matrix": SHARES, "inverted": True},
            "the matrix is of another size\n  expected   3 x 2 numbers: a row per detector\n  available  2 x 3\n",
        ),
        ({"matrix": [[1, np.nan, 0], [0, 1, 0]]}, "the matrix holds NaN or infinity\n  expected   finite numbers\n"),
        (
            {"matrix": [[1, 2, 3], [2, 4, 6]]},
            "the dyes cannot be told apart\n  expected   a condition number below 1e+06\n",
        ),
        (
            {"matrix": [[1, 0, 0], [1, 1e-7, 0]]},
            "the dyes cannot be told apart\n  expected   a condition number below 1e+06\n"
            "  available  condition number 2e+07\n",
        ),
    ],
)
def test_a_matrix_that_cannot_be(given: dict[str, object], text: str) -> None:
    assert refusal(**given) == f"t.yaml: matrix m2: {text}{REMEDY}"
