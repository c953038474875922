"""The dialects in which files state a matrix: each is repaired and recorded, or refused (fcs.md 3.8)."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tregflow.compensation import KEYWORDS, Spillover, compensated_channels, matrix_keywords
from tregflow.errors import CompensationError
from tregflow.fcs import Sample, read_fcs
from tregflow.findings import Finding

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("FSC-A", "B515-A", "G560-A")
CORRECT = "correct the matrix, or name a CSV file with the right one under compensation"
EXPORT = "export the file as FCS 3.1, or name a CSV file with the matrix under compensation"
ELSEWHERE = "name a CSV file with the matrix under compensation, or set compensation: none"


def sample(names: tuple[str, ...] = NAMES, **keywords: str) -> Sample:
    """Return a sample with keywords; a leading S_ stands for a dollar sign."""
    given = {name.replace("S_", "$"): value for name, value in keywords.items()}
    return Sample.from_columns("P01.fcs", {name: [1.0, 2.0] for name in names}, keywords=given)


def read(text: str, names: tuple[str, ...] = NAMES) -> Spillover:
    return Spillover.from_sample(sample(names, S_SPILLOVER=text))


def refused(made: Sample, keyword: str | None = None) -> CompensationError:
    with pytest.raises(CompensationError) as caught:
        Spillover.from_sample(made, keyword=keyword)
    return caught.value


def said(spillover: Spillover) -> list[tuple[str, str, str]]:
    """Return code, severity and text of the findings, apart from those on the numbers themselves."""
    assert {finding.where for finding in spillover.findings} <= {spillover.source}
    own = [each for each in spillover.findings if each.code not in ("spillover-identity", "spillover-diagonal")]
    return [(finding.code, finding.severity, finding.text) for finding in own]


# ------------------------------------------------------------------------------------------------------- by number


def test_channels_by_number() -> None:
    found = read("2,3,2,1,0.25,0.125,1")
    assert found.detectors == ("G560-A", "B515-A")
    text = "the matrix names channels by their number: 3 G560-A, 2 B515-A"
    assert said(found) == [("spillover-by-number", "info", text)]


def test_names_that_are_numbers_are_names() -> None:
    found = read("2,3,2,1,0.25,0.125,1", names=("1", "3", "2"))
    assert (found.detectors, said(found)) == (("3", "2"), [])


@pytest.mark.parametrize(("text", "name"), [("2,3,B515-A,1,0,0,1", "3"), ("2,0,1,1,0,0,1", "0"), ("1,4,1", "4")])
def test_names_and_numbers_mixed_or_out_of_range(text: str, name: str) -> None:
    caught = refused(sample(S_SPILLOVER=text))
    assert caught.code == "E_SPILL"
    assert str(caught) == (
        f"P01.fcs: $SPILLOVER: the matrix names '{name}', which is no channel of the sample\n"
        "  expected   $PnN of the sample\n"
        "  available  FSC-A, B515-A, G560-A\n"
        "  remedy     use a matrix of this panel"
    )


# -------------------------------------------------------------------------------------------------------- decimals


def test_decimal_commas() -> None:
    found = read("2,B515-A,G560-A,1,0,0,25,-0,0625,1,0E0")
    np.testing.assert_array_equal(found.matrix, [[1.0, 0.25], [-0.0625, 1.0]])
    text = "the numbers are written with decimal commas: each was put together from two"
    assert said(found) == [("spillover-decimal-commas", "warning", text)]


def test_decimal_commas_and_numbers_of_channels() -> None:
    found = read("2,2,3,1,0,0,25,0,125,1,0")
    assert found.detectors == ("B515-A", "G560-A")
    np.testing.assert_array_equal(found.matrix, [[1.0, 0.25], [0.125, 1.0]])
    assert [code for code, _, _ in said(found)] == ["spillover-by-number", "spillover-decimal-commas"]


def test_decimal_commas_with_a_channel_of_another_panel() -> None:
    assert refused(sample(S_SPILLOVER="1,V450-A,1,0")).problem.startswith("the matrix names 'V450-A'")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2,B515-A,G560-A,1,0,0,25,0,1,1", "2 names and 7 numbers"),
        ("2,B515-A,G560-A,1,0,0,25,0,1,1,-5", "2 names and 8 numbers"),
        ("2,B515-A,G560-A,1,0,0,25,0,1,1.0,0", "2 names and 8 numbers"),
        ("2,B515-A,G560-A,1,0,0,1,9", "2 names and 5 numbers"),
    ],
)
def test_any_other_surplus_is_ambiguous(text: str, found: str) -> None:
    caught = refused(sample(S_SPILLOVER=text))
    assert caught.code == "E_SPILL"
    assert str(caught) == (
        "P01.fcs: $SPILLOVER: the matrix has surplus numbers\n"
        "  expected   2 names and 4 numbers\n"
        f"  available  {found}\n"
        f"  remedy     {CORRECT}"
    )


# ------------------------------------------------------------------------------------------------- commas in names


def test_names_with_commas() -> None:
    found = read("2,B, 515/20-A,G560-A,1,0.25,0.125,1", names=("FSC-A", "B, 515/20-A", "G560-A"))
    assert found.detectors == ("B, 515/20-A", "G560-A")
    np.testing.assert_array_equal(found.matrix, [[1.0, 0.25], [0.125, 1.0]])
    text = "names in the matrix hold commas; one reading fits the channels of the file: 'B, 515/20-A'"
    assert said(found) == [("spillover-commas-in-names", "warning", text)]


def test_a_name_that_begins_another_does_not_confuse() -> None:
    found = read("2,A,1,A,1,0,0.5,1", names=("A", "A,1", "B"))
    assert found.detectors in {("A,1", "A")}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("2,A,B,C,1,0,0.5,1", ("A,B", "C", "A", "B,C")),  # A,B and C, or A and B,C
        ("2,A,B,C,1,0,0.5,1", ("A,B", "D", "A")),  # no reading
        ("1,A,1,1", ("A", "A,1")),  # the name A,1, or the number 1,1
        (f"1,{'A,' * 70}B,1", (f"{'A,' * 70}B",)),  # more commas than are searched for
    ],
)
def test_names_with_commas_and_not_one_reading(text: str, names: tuple[str, ...]) -> None:
    caught = refused(sample(names, S_SPILLOVER=text))
    assert (caught.code, caught.problem) == ("E_SPILL", "the matrix has surplus numbers")


# ------------------------------------------------------------------------------------------------------ names only


def test_names_only_are_no_matrix() -> None:
    caught = refused(sample(S_SPILLOVER="2,B515-A,G560-A"))
    assert caught.code == "E_NO_SPILL"
    assert str(caught) == (
        "P01.fcs: the file carries no spillover matrix\n"
        "  expected   the keyword $SPILLOVER or SPILL\n"
        "  available  $SPILLOVER: the keyword names channels and holds no numbers: there is no matrix\n"
        f"  remedy     {ELSEWHERE}"
    )


def test_names_only_beside_a_matrix() -> None:
    found = Spillover.from_sample(sample(S_SPILLOVER="2,B515-A,G560-A", SPILL="2,B515-A,G560-A,1,0,0.5,1"))
    assert found.source == "P01.fcs: SPILL"
    where, text = "P01.fcs: $SPILLOVER", "the keyword names channels and holds no numbers: there is no matrix"
    assert found.findings == (Finding("spillover-names-only", "info", where, text),)


# ------------------------------------------------------------------------------------------------ several keywords


def test_keywords_that_agree_whatever_their_order() -> None:
    made = sample(S_SPILLOVER="2,B515-A,G560-A,1,0.25,0.125,1", SPILL="3,G560-A,FSC-A,B515-A,1,0,0.125,0,1,0,0.250,0,1")
    assert Spillover.from_sample(made).source == "P01.fcs: $SPILLOVER"
    assert Spillover.from_sample(made, keyword="SPILL").detectors == ("G560-A", "FSC-A", "B515-A")


def test_keywords_that_differ_unless_one_is_chosen() -> None:
    made = sample(SPILL="1,B515-A,1", SPILLOVER="2,B515-A,G560-A,1,0,0.1,1")
    caught = refused(made)
    assert caught.code == "E_SPILL_CONFLICT"
    assert str(caught) == (
        "P01.fcs: SPILL and SPILLOVER hold different matrices\n"
        "  expected   one matrix, or the same twice\n"
        "  available  SPILL (1 detectors), SPILLOVER (2 detectors)\n"
        "  remedy     choose one, as in compensation: fcs:SPILL, or name a CSV file with the right one"
    )
    assert Spillover.from_sample(made, keyword="SPILL").detectors == ("B515-A",)
    assert Spillover.from_sample(made, keyword="SPILLOVER").detectors == ("B515-A", "G560-A")


def test_a_keyword_that_is_not_there() -> None:
    caught = refused(sample(SPILL="1,B515-A,1"), keyword="$SPILLOVER")
    assert caught.code == "E_NO_SPILL"
    assert str(caught) == (
        "P01.fcs: the file carries no spillover matrix $SPILLOVER\n"
        "  expected   the keyword $SPILLOVER\n"
        "  available  SPILL\n"
        f"  remedy     {ELSEWHERE}"
    )


def test_the_newer_keyword_is_asked_first() -> None:
    made = sample(SPILL="2,B515-A,G560-A,1,0.5,0,1", S_COMP="nonsense", S_DFC1TO2="nonsense")
    assert matrix_keywords(made) == ("SPILL", "$COMP", "$DFC")
    assert set(matrix_keywords(made)) < set(KEYWORDS)
    assert Spillover.from_sample(made).source == "P01.fcs: SPILL"


# ------------------------------------------------------------------------------------------------------------ $COMP


def test_comp_names_all_channels_row_by_row() -> None:
    found = Spillover.from_sample(sample(S_COMP="3, 1,0,0, 0,1,0.25, 0,0.125,1"))
    assert (found.detectors, found.source) == (("B515-A", "G560-A"), "P01.fcs: $COMP")
    np.testing.assert_array_equal(found.matrix, [[1.0, 0.25], [0.125, 1.0]])
    text = "$COMP is read as spillover, a row per dye: make sure that it was meant so, and that the values are raw"
    assert said(found) == [("spillover-from-comp", "review", text)]


def test_comp_that_mixes_nothing() -> None:
    found = Spillover.from_sample(sample(S_COMP="3,1,0,0,0,1,0,0,0,1"))
    assert (found.detectors, [each.code for each in found.findings]) == (NAMES, ["spillover-identity"])


def test_comp_that_states_what_was_subtracted() -> None:
    caught = refused(sample(S_COMP="3,100,0,0,0,100,-25,0,-12.5,100"))
    assert caught.code == "E_COMPENSATED_TWICE"
    assert str(caught) == (
        "P01.fcs: $COMP states what the instrument has subtracted: the values are compensated already\n"
        "  expected   uncompensated values, to apply a matrix\n"
        "  available  negative coefficients in $COMP, which mean subtraction done (FCS 3.0)\n"
        "  remedy     set compensation: none"
    )


@pytest.mark.parametrize("text", ["3,1,0.1,0,0,1,-0.25,0,0.125,1", "3,0,0,0,0,0,25,0,12,0"])
def test_comp_that_is_no_spillover(text: str) -> None:
    caught = refused(sample(S_COMP=text))
    assert caught.code == "E_SPILL"
    assert str(caught) == (
        "P01.fcs: $COMP: $COMP holds no spillover\n"
        "  expected   1 on the diagonal, and shares of 0 or more\n"
        f"  remedy     {EXPORT}"
    )


@pytest.mark.parametrize(
    ("text", "found"), [("2,1,0,0,1", "'2' and 4 numbers"), ("3,1", "'3' and 1 numbers"), ("x", "'x' and 0 numbers")]
)
def test_comp_of_another_size(text: str, found: str) -> None:
    caught = refused(sample(S_COMP=text))
    assert caught.code == "E_SPILL"
    assert str(caught) == (
        "P01.fcs: $COMP: the matrix is not of the size of the file's channels\n"
        "  expected   3 and 9 numbers, for all channels\n"
        f"  available  {found}\n"
        f"  remedy     {EXPORT}"
    )


# ------------------------------------------------------------------------------------------------------------- $DFC

DETECTORS = ("FS INT LIN", "FL1 INT LOG", "fl2-h", "FL10")


def test_dfc_numbers_detectors_in_percent() -> None:
    found = Spillover.from_sample(
        sample(DETECTORS, S_DFC1TO2="25", S_DFC2TO1="12.5", S_DFC1TO1="0.0", S_DFC10TO1="50", S_DFC1TO7="3")
    )
    assert (found.detectors, found.source) == (("FL1 INT LOG", "fl2-h", "FL10"), "P01.fcs: $DFC")
    np.testing.assert_array_equal(found.matrix, [[1.0, 0.25, 0.0], [0.125, 1.0, 0.0], [0.5, 0.0, 1.0]])
    text = "$DFCmTOn is read as spillover, by detector: make sure that the instrument did not subtract it already"
    assert said(found) == [("spillover-from-dfc", "review", text)]


def test_dfc_that_mixes_nothing() -> None:
    found = Spillover.from_sample(sample(DETECTORS, S_DFC1TO2="0.0", S_DFC2TO1="0"))
    assert [each.code for each in found.findings] == ["spillover-identity"]


def test_dfc_without_detectors_in_the_names() -> None:
    caught = refused(sample(S_DFC1TO2="25"))
    assert caught.code == "E_SPILL"
    assert str(caught) == (
        "P01.fcs: $DFC: $DFCmTOn counts fluorescence detectors, and no channel is called by its number\n"
        "  expected   a channel FL1, FL2 …\n"
        "  available  FSC-A, B515-A, G560-A\n"
        f"  remedy     {EXPORT}"
    )


def test_dfc_with_light_of_a_detector_that_is_not_in_the_file() -> None:
    caught = refused(sample(DETECTORS, S_DFC7TO1="3"))
    assert str(caught) == (
        "P01.fcs: $DFC: $DFC7TO… takes from a detector, and no channel is called by its number\n"
        "  expected   a channel FL7\n"
        "  available  FS INT LIN, FL1 INT LOG, fl2-h, FL10\n"
        f"  remedy     {EXPORT}"
    )


def test_dfc_with_two_channels_of_a_detector() -> None:
    caught = refused(sample(("FL1-A", "FL1-H", "FL2-H"), S_DFC1TO2="3"))
    assert str(caught) == (
        "P01.fcs: $DFC: several channels are of detector FL1\n"
        "  expected   one channel per fluorescence detector\n"
        "  available  FL1-A, FL1-H\n"
        f"  remedy     {EXPORT}"
    )


def test_dfc_that_is_no_number() -> None:
    caught = refused(sample(DETECTORS, S_DFC1TO2="much"))
    assert caught.problem == "the matrix holds 'much' where a number belongs"


# ------------------------------------------------------------------------------------------- identity, compensated


def test_the_identity_alters_no_value() -> None:
    values = np.array([1e6 / 3, -7.1, 0.1])
    made = Sample.from_columns(
        "P01.fcs", {"A": values, "B": values * 2}, keywords={"$SPILLOVER": "2,A,B,1.000009,0.000009,-0.000009,1"}
    )
    found = Spillover.from_sample(made)
    assert [finding.code for finding in found.findings] == ["spillover-identity"]
    assert found.compensated(made, "A").tolist() == values.tolist()
    assert found.compensated(made, "B").tolist() == (values * 2).tolist()


def test_compensated_channels_by_their_names() -> None:
    made = sample(("FSC-A", "Comp-B515-A", "FJComp-G560-A", "Compound-A", "MyComp-A"), APPLY_COMPENSATION="TRUE")
    assert [channel.pnn for channel in compensated_channels(made)] == ["Comp-B515-A", "FJComp-G560-A"]


def test_apply_compensation_proves_nothing() -> None:
    made = sample(SPILL="2,B515-A,G560-A,1,0.25,0,1")
    marked = dataclasses.replace(made, keywords={**made.keywords, "APPLY COMPENSATION": "TRUE"})
    assert Spillover.from_sample(marked).detectors == ("B515-A", "G560-A")


def test_a_matrix_that_cannot_be_decomposed(monkeypatch: pytest.MonkeyPatch) -> None:
    def gives_up(matrix: object) -> float:
        raise np.linalg.LinAlgError

    monkeypatch.setattr(np.linalg, "cond", gives_up)
    problem = "the matrix is nearly singular, so that it cannot be inverted"
    assert refused(sample(S_SPILLOVER="2,B515-A,G560-A,1,0.5,0,1")).problem == problem


@pytest.mark.parametrize("text", ["2,B515-A,G560-A,1e-320,0,0,1", "2,B515-A,G560-A,1e300,1,1,1e-300"])
def test_absurd_numbers(text: str) -> None:
    assert refused(sample(S_SPILLOVER=text)).problem.endswith("singular, so that it cannot be inverted")


# ------------------------------------------------------------------------------------------------------ real files


def header(data_dir: Path, name: str) -> Sample:
    return read_fcs(data_dir / name, channels=())


def test_macsquant_names_only(data_dir: Path) -> None:
    made = header(data_dir, "fcs/fcsparser/EY_2013-07-19_PBS_FCS_3.1_Well_A1.001.fcs")
    caught = refused(made)
    assert caught.code == "E_NO_SPILL"
    assert caught.available == ("$SPILLOVER: the keyword names channels and holds no numbers: there is no matrix",)


def test_accuri_by_number(data_dir: Path) -> None:
    found = Spillover.from_sample(header(data_dir, "fcs/others/fcsfilesjl_accuri_c6.fcs"))
    assert found.detectors == ("FL1-A", "FL2-A", "FL3-A", "FL4-A", "FL1-H", "FL2-H", "FL3-H", "FL4-H")
    assert [code for code, _, _ in said(found)] == ["spillover-by-number"]


def test_ique3_by_number(data_dir: Path) -> None:
    found = Spillover.from_sample(header(data_dir, "meyerlab/Well_A01_CD3+CD4+.fcs"))
    assert found.detectors == ("VL4-H", "VL1-H", "VL6-H", "BL3-H", "BL5-H", "RL1-H")
    text = "the matrix names channels by their number: 13 VL4-H, 10 VL1-H, 15 VL6-H, 5 BL3-H, 7 BL5-H, 8 RL1-H"
    assert said(found) == [("spillover-by-number", "info", text)]


def test_navios_by_detector(data_dir: Path) -> None:
    found = Spillover.from_sample(header(data_dir, "fcs/fcsparser/fcs1_cleaned.lmd"))
    assert found.detectors == tuple(f"FL{number} INT LOG" for number in range(1, 6))
    # FITC into PE 13.4 %, PE into ECD 44.8 %, ECD into PE 7.6 %, as $DFC1TO2, $DFC2TO3 and $DFC3TO2 say.
    np.testing.assert_allclose([found.matrix[0, 1], found.matrix[1, 2], found.matrix[2, 1]], [0.134, 0.448, 0.076])
    assert [(code, severity) for code, severity, _ in said(found)] == [("spillover-from-dfc", "review")]


def test_lsr_plain(data_dir: Path) -> None:
    found = Spillover.from_sample(header(data_dir, "fcs/flowkit/test_comp_example.fcs"))
    assert (len(found.detectors), found.source) == (14, "test_comp_example.fcs: SPILL")
    assert said(found) == []


def test_flowjo_export_is_compensated(data_dir: Path) -> None:
    made = header(data_dir, "flowatlas/a/390C_Liver_026.fcs")
    assert made.keywords["APPLY COMPENSATION"] == "TRUE"
    assert (refused(made).code, len(compensated_channels(made))) == ("E_COMPENSATED_TWICE", 19)
