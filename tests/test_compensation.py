"""Spillover: read, refused where broken, and removed with the same bits whatever the chunk."""

from __future__ import annotations

import dataclasses
import pickle
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tregflow.compensation import Spillover, table
from tregflow.compensation import sums as module
from tregflow.compensation.inverse import inverse
from tregflow.errors import CompensationError, PanelError
from tregflow.fcs import Sample, read_fcs, write_fcs
from tregflow.findings import Finding

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

NAMES = ("FSC-A", "B515-A", "G560-A")
MATRIX = np.array([[1.0, 0.25], [0.125, 1.0]])
CORRECT = "correct the matrix, or name a CSV file with the right one under compensation"
TABLE = "B515-A,G560-A\n1,0.25\n0.125,1\n"


def sample(text: str | None = None, *, key: str = "$SPILLOVER", names: tuple[str, ...] = NAMES, **more: str) -> Sample:
    keywords = ({} if text is None else {key: text}) | {f"${name}": value for name, value in more.items()}
    columns = {name: [100.0 * number, -3.0, 0.5] for number, name in enumerate(names, start=1)}
    return Sample.from_columns("P01.fcs", columns, markers={names[1]: "CD25"}, keywords=keywords)


def error(text: str | None, **options: str) -> CompensationError:
    with pytest.raises(CompensationError) as caught:
        Spillover.from_sample(sample(text, **options))
    return caught.value


def csv_error(folder: Path, content: str | bytes) -> CompensationError:
    path = folder / "b1.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(CompensationError) as caught:
        Spillover.from_csv(path)
    return caught.value


def test_from_the_keyword() -> None:
    found = Spillover.from_sample(sample("2,B515-A,G560-A,1,0.25, 0.125,1.0"))
    assert (found.detectors, found.source, found.findings) == (("B515-A", "G560-A"), "P01.fcs: $SPILLOVER", ())
    np.testing.assert_array_equal(found.matrix, MATRIX)
    np.testing.assert_array_equal(found.inverse, np.linalg.inv(MATRIX))


def test_from_the_older_keyword() -> None:
    assert Spillover.from_sample(sample("1,B515-A,1", key="SPILL")).source == "P01.fcs: SPILL"


def test_both_keywords() -> None:
    both = sample("1,B515-A,1", key="SPILL", SPILLOVER="1,B515-A,1.0")
    assert Spillover.from_sample(both).source == "P01.fcs: $SPILLOVER"
    caught = error("1,B515-A,1", key="SPILL", SPILLOVER="2,B515-A,G560-A,1,0,0.1,1")
    assert caught.code == "E_SPILL_CONFLICT"
    assert str(caught) == (
        "P01.fcs: $SPILLOVER and SPILL hold different matrices\n"
        "  expected   one matrix, or the same twice\n"
        "  available  $SPILLOVER (2 detectors), SPILL (1 detectors)\n"
        "  remedy     choose one, as in compensation: fcs:$SPILLOVER, or name a CSV file with the right one"
    )


def test_the_identity_is_a_finding() -> None:
    found = Spillover.from_sample(sample("2,B515-A,G560-A,1,0.000001,0,1"))
    text = "the matrix is the identity: compensation changes nothing"
    assert found.findings == (Finding("spillover-identity", "warning", "P01.fcs: $SPILLOVER", text),)


def test_an_odd_diagonal_is_a_finding() -> None:
    found = Spillover.from_sample(sample("2,B515-A,G560-A,0.9,0.1,0,1"))
    text = "the diagonal differs from 1 by up to 0.1"
    assert found.findings == (Finding("spillover-diagonal", "warning", "P01.fcs: $SPILLOVER", text),)


def test_no_matrix() -> None:
    for text in (None, " "):
        caught = error(text)
        assert caught.code == "E_NO_SPILL"
        assert str(caught) == (
            "P01.fcs: the file carries no spillover matrix\n"
            "  expected   the keyword $SPILLOVER or SPILL\n"
            "  remedy     name a CSV file with the matrix under compensation, or set compensation: none"
        )


@pytest.mark.parametrize("name", ["FJComp-B515-A", "Comp-B515-A"])
def test_compensated_twice(name: str) -> None:
    caught = error(f"1,{name},1", names=("FSC-A", name))  # type: ignore[arg-type]
    assert caught.code == "E_COMPENSATED_TWICE"
    assert str(caught) == (
        "P01.fcs: the values are compensated already, as the names of the channels say\n"
        "  expected   uncompensated channels, to apply P01.fcs: its own spillover matrix\n"
        f"  available  CD25 ({name})\n"
        "  remedy     set compensation: none, or export uncompensated values"
    )
    with pytest.raises(CompensationError, match=r"to apply b1\.csv"):
        Spillover(("B515-A",), np.eye(1), "b1.csv").compensated(sample(names=("FSC-A", name)), "FSC-A")


@pytest.mark.parametrize(
    ("text", "problem", "expected", "found"),
    [
        (
            "x,B515-A,1",
            "the matrix does not begin with the number of its detectors",
            "n, n names, n * n numbers",
            "'x,B515-A,1'",
        ),
        ("0", "the matrix does not begin with the number of its detectors", "n, n names, n * n numbers", "'0'"),
        ("2,B515-A,G560-A,1,0,0", "the matrix is too short", "2 names and 4 numbers", "2 names and 3 numbers"),
        ("9,B515-A,G560-A", "the matrix is too short", "9 names and 81 numbers", "2 names and 0 numbers"),
        ("1,B515-A,1,0,0", "the matrix has surplus numbers", "1 names and 1 numbers", "1 names and 3 numbers"),
        ("2,B515-A,B515-A,1,0,0,1", "the detector B515-A is named twice", "each detector once", "B515-A, B515-A"),
        (
            "2,B515-A,G560-A,100,0,5,100",
            "the matrix is in percent",
            "shares, with 1 on the diagonal",
            "100 on the diagonal",
        ),
        (
            "2,B515-A,G560-A,1,1,1,1.00000001",
            "the matrix is nearly singular, so that it cannot be inverted",
            "a condition number below 1e+06",
            "condition number 4e+08",
        ),
    ],
)
def test_broken_keywords(text: str, problem: str, expected: str, found: str) -> None:
    caught = error(text)
    assert caught.code == "E_SPILL"
    assert str(caught) == (
        f"P01.fcs: $SPILLOVER: {problem}\n  expected   {expected}\n  available  {found}\n  remedy     {CORRECT}"
    )


def test_a_number_that_is_none() -> None:
    for token in ("nan", "1_0", "x", ""):
        caught = error(f"1,B515-A,{token}")
        assert caught.code == "E_SPILL"
        assert str(caught) == (
            f"P01.fcs: $SPILLOVER: the matrix holds '{token}' where a number belongs\n"
            "  expected   numbers such as 0.0375\n"
            f"  remedy     {CORRECT}"
        )


@pytest.mark.parametrize("numbers", ["1,1,1,1", "0,0,0,0", "0,1,0,1"])
def test_a_singular_matrix(numbers: str) -> None:
    caught = error(f"2,B515-A,G560-A,{numbers}")
    assert caught.code == "E_SPILL"
    assert str(caught) == (
        "P01.fcs: $SPILLOVER: the matrix is singular, so that it cannot be inverted\n"
        "  expected   a condition number below 1e+06\n"
        f"  remedy     {CORRECT}"
    )


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("B515A", "near miss 'B515-A': correct it in the matrix"),
        ("9", "use a matrix of this panel"),
        ("0", "use a matrix of this panel"),
    ],
)
def test_an_unknown_channel(name: str, remedy: str) -> None:
    caught = error(f"1,{name},1")
    assert caught.code == "E_SPILL"
    assert str(caught) == (
        f"P01.fcs: $SPILLOVER: the matrix names '{name}', which is no channel of the sample\n"
        "  expected   $PnN of the sample\n"
        "  available  FSC-A, CD25 (B515-A), G560-A\n"
        f"  remedy     {remedy}"
    )


def test_a_name_of_two_channels() -> None:
    made = sample("1,B515-A,1")
    twice = dataclasses.replace(made, keywords={**made.keywords, "$P3N": "B515-A"})
    with pytest.raises(CompensationError) as caught:
        Spillover.from_sample(twice)
    assert str(caught.value) == (
        "P01.fcs: $SPILLOVER: two channels are called B515-A, and the matrix does not say which it means\n"
        "  expected   different $PnN\n"
        f"  remedy     {CORRECT}"
    )


@pytest.mark.parametrize("shape", [(2, 3), (3, 3), (4,), (0, 0)])
def test_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(CompensationError) as caught:
        Spillover(("B515-A", "G560-A"), np.ones(shape), "b1.csv")
    assert caught.value.code == "E_SPILL"
    assert str(caught.value) == (
        "b1.csv: the matrix is not square\n"
        "  expected   2 x 2 numbers for 2 detectors\n"
        f"  available  {' x '.join(map(str, shape))}\n"
        f"  remedy     {CORRECT}"
    )


def test_not_finite() -> None:
    with pytest.raises(CompensationError) as caught:
        Spillover(("A", "B"), np.array([[1.0, np.nan], [0.0, 1.0]]), "b1.csv")
    assert str(caught.value) == (
        f"b1.csv: the matrix holds NaN or infinity\n  expected   finite numbers\n  remedy     {CORRECT}"
    )


@pytest.mark.parametrize(
    "content",
    [
        TABLE,
        "\ufeffB515-A,G560-A\r\n1,0.25\r\n0.125,1\r\n\r\n",
        ",B515-A,G560-A\nB515-A,1,0.25\nG560-A,0.125,1\n",
        "Detector,B515-A,G560-A\nB515-A,1,0.25\nG560-A,0.125,1\n",
        "B515-A,G560-A\nB515-A,1,0.25\nG560-A,0.125,1\n",
        ' "B515-A" ,G560-A\n 1,.25\n0.125 ,1e0\n',
    ],
)
def test_from_csv(tmp_path: Path, content: str) -> None:
    (tmp_path / "b1.csv").write_bytes(content.encode())
    found = Spillover.from_csv(tmp_path / "b1.csv")
    assert (found.detectors, found.source) == (("B515-A", "G560-A"), "b1.csv")
    np.testing.assert_array_equal(found.matrix, MATRIX)


def test_csv_with_numbers_for_names(tmp_path: Path) -> None:
    (tmp_path / "b1.csv").write_text(",450,525\n450,1,0.25\n525,0.125,1\n")
    assert Spillover.from_csv(tmp_path / "b1.csv").detectors == ("450", "525")
    (tmp_path / "b1.csv").write_text("450,525\n1,0.25\n0.125,1\n")
    assert Spillover.from_csv(tmp_path / "b1.csv").detectors == ("450", "525")


def test_csv_with_guarded_names(tmp_path: Path) -> None:
    (tmp_path / "b1.csv").write_text("'-A,'=B\n1,0\n0.5,1\n")
    assert Spillover.from_csv(tmp_path / "b1.csv").detectors == ("-A", "=B")


@pytest.mark.parametrize(
    ("content", "problem", "expected", "found"),
    [
        ("A,B\n1,0\n", "the matrix is not square", "2 rows of 2 numbers", "1 rows of 2 numbers"),
        ("A,B\n1,0\n0,1,5\n", "the matrix is not square", "2 rows of 2 numbers", "2 rows of 2 or 3 numbers"),
        (",A,B\nB,1,0\nA,0,1\n", "rows and columns differ in their names", "A, B", "B, A"),
        ("A;B\n1;0\n0;1\n", "the cells are separated by semicolons", "commas between cells, points in numbers", None),
        ("A\tB\n1\t0\n0\t1\n", "the cells are separated by tabs", "commas between cells, points in numbers", None),
        ("A,B\n1,x\n0,1\n", "the matrix holds 'x' where a number belongs", "numbers such as 0.0375", None),
        ("", "the file holds no matrix", "a CSV table in UTF-8: a row of detectors, then rows of numbers", None),
        (
            b"\xff\xfeA",
            "the file holds no matrix",
            "a CSV table in UTF-8: a row of detectors, then rows of numbers",
            None,
        ),
    ],
)
def test_broken_csv(tmp_path: Path, content: str | bytes, problem: str, expected: str, found: str | None) -> None:
    caught = csv_error(tmp_path, content)
    assert caught.code == "E_SPILL"
    available = "" if found is None else f"  available  {found}\n"
    assert str(caught) == f"b1.csv: {problem}\n  expected   {expected}\n{available}  remedy     {CORRECT}"


def test_a_csv_too_large_for_a_matrix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "_LIMIT", 10)
    assert csv_error(tmp_path, TABLE).problem == "the file holds no matrix"


def test_missing_csv(tmp_path: Path) -> None:
    path = tmp_path / "gone.csv"
    with pytest.raises(CompensationError) as caught:
        Spillover.from_csv(path)
    assert caught.value.code == "E_MISSING"
    assert str(caught.value) == (
        f"{path}: no such file\n  remedy     check the name under compensation, and the folder"
    )
    with pytest.raises(CompensationError) as caught:
        Spillover.from_csv(tmp_path)
    reason = getattr(caught.value.__cause__, "strerror", None)
    assert caught.value.code == "E_UNREADABLE"
    assert str(caught.value) == (
        f"{tmp_path}: the file cannot be read: {reason}\n  remedy     check that it is a file, and that you may read it"
    )


def test_a_detector_that_the_sample_lacks() -> None:
    with pytest.raises(CompensationError) as caught:
        Spillover(("B515-A", "G 560-A"), MATRIX, "b1.csv").check(sample())
    assert caught.value.code == "E_SPILL"
    assert str(caught.value) == (
        "P01.fcs: b1.csv: the matrix names 'G 560-A', which is no channel of the sample\n"
        "  expected   $PnN of the sample\n"
        "  available  FSC-A, CD25 (B515-A), G560-A\n"
        "  remedy     near miss 'G560-A': correct it in the matrix"
    )


def test_compensated_values() -> None:
    true = np.array([[100.0, 25.0], [0.0, 1000.0], [7.0, 0.0]])
    recorded = true @ MATRIX
    made = Sample.from_columns("a.fcs", {"B515-A": recorded[:, 0], "G560-A": recorded[:, 1]})
    spillover = Spillover(("B515-A", "G560-A"), MATRIX, "b1.csv")
    np.testing.assert_allclose(spillover.compensated(made, "B515-A"), true[:, 0], atol=1e-12)
    np.testing.assert_allclose(spillover.compensated(made, "G560-A"), true[:, 1], atol=1e-12)


def test_a_channel_outside_the_matrix_is_returned_as_it_is() -> None:
    values = Spillover(("B515-A", "G560-A"), MATRIX, "b1.csv").compensated(sample(), "FSC-A")
    assert (values.dtype, values.tolist()) == (np.float64, [100.0, -3.0, 0.5])


def test_a_detector_that_was_not_read(tmp_path: Path) -> None:
    write_fcs(tmp_path / "a.fcs", sample())
    part = read_fcs(tmp_path / "a.fcs", channels=["FSC-A", "B515-A"])
    with pytest.raises(PanelError, match="the channel G560-A was not read"):
        Spillover(("B515-A", "G560-A"), MATRIX, "b1.csv").compensated(part, "B515-A")


def test_not_finite_events_reach_every_channel_of_the_matrix() -> None:
    made = Sample.from_columns("a.fcs", {"A": [np.nan, np.inf, 1.0], "B": [1.0, 1.0, 1.0]})
    spillover = Spillover(("A", "B"), np.array([[1.0, 0.0], [0.5, 1.0]]), "b1.csv")
    assert np.isfinite(spillover.compensated(made, "B")).tolist() == [False, False, True]


def reference(events: NDArray[np.float32], inverse: NDArray[np.float64], column: int) -> list[float]:
    """Add in plain Python: one rounding per product and per sum, from the first detector to the last."""
    rows = []
    for event in events.tolist():
        total = 0.0
        for value, coefficient in zip(event, inverse[:, column].tolist(), strict=True):
            total += value * coefficient
        rows.append(total)
    return rows


@pytest.mark.parametrize("block", [1, 7, 65_536])
@given(
    events=hnp.arrays(np.float32, (20, 4), elements=st.floats(-1e6, 1e6, width=32)),
    shares=hnp.arrays(np.float64, (4, 4), elements=st.floats(0, 0.3)),
)
def test_the_same_bits_as_plain_addition(block: int, events: NDArray[np.float32], shares: NDArray[np.float64]) -> None:
    matrix = np.where(np.eye(4) == 1, 1.0, shares / 2)
    spillover = Spillover(("A", "B", "C", "D"), matrix, "b1.csv")
    made = Sample.from_columns("a.fcs", dict(zip("ABCD", events.T, strict=True)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK", block)
        for column, name in enumerate("ABCD"):
            assert spillover.compensated(made, name).tolist() == reference(events, spillover.inverse, column)


def test_hash_tells_matrices_apart_and_not_their_sources() -> None:
    one = Spillover(("A", "B"), np.array([[1.0, 0.0], [0.5, 1.0]]), "b1.csv")
    same = Spillover(("A", "B"), np.array([[1.0, -0.0], [0.5, 1.0]]), "b2.csv")
    assert one.sha256 == same.sha256
    assert one.sha256 == "88e7a44a7bfd6f15608af231582a5de79e82baf638c800ad3ba7d47fb90d5c7c"
    assert one.sha256 != Spillover(("B", "A"), one.matrix, "b1.csv").sha256
    assert one.sha256 != Spillover(("A", "B"), one.matrix.T, "b1.csv").sha256


def test_a_matrix_is_guarded_and_crosses_processes() -> None:
    source = MATRIX.copy()
    spillover = Spillover(("A", "B"), source, "b1.csv")
    source[0, 1] = 9.0
    assert spillover.matrix[0, 1] == 0.25
    with pytest.raises(ValueError, match="read-only"):
        spillover.matrix[0, 1] = 9.0
    copy = pickle.loads(pickle.dumps(spillover))
    assert (copy.sha256, copy.detectors, copy.source) == (spillover.sha256, spillover.detectors, spillover.source)
    np.testing.assert_array_equal(copy.inverse, spillover.inverse)


# ------------------------------------------------------------------------------------------------------- the inverse


@given(hnp.arrays(np.float64, (5, 5), elements=st.floats(-0.15, 0.15)))
def test_the_inverse_is_that_of_numpy(off: NDArray[np.float64]) -> None:
    matrix = off.copy()
    np.fill_diagonal(matrix, 1.0)
    assert np.allclose(inverse(matrix), np.linalg.inv(matrix), rtol=1e-12, atol=1e-14)


def test_the_inverse_swaps_rows_where_it_must() -> None:
    matrix = np.array([[0.0, 2.0, 0.0], [1.0, 0.0, 0.0], [0.5, 0.0, 4.0]])
    assert np.array_equal(inverse(matrix), [[0.0, 1.0, 0.0], [0.5, 0.0, 0.0], [0.0, -0.125, 0.25]])


def test_percent_beside_a_diagonal_of_one_is_for_review() -> None:
    matrix = np.array([[1.0, 5.3], [2.1, 1.0]])
    assert Spillover(("a", "b"), matrix, "m.csv").findings == (
        Finding(
            "spillover-large",
            "review",
            "m.csv",
            "a detector sees 5.3 times of a dye what the dye's own sees: percent instead of shares?",
        ),
    )
