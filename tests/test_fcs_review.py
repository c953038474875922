"""What a review of the reader and writer turned up: one test for each defect, so that none comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.builders_fcs import fcs_bytes

from tregflow.compensation import Spillover
from tregflow.compensation.keywords import compensated_channels
from tregflow.errors import CompensationError, FcsError
from tregflow.fcs import Sample, read_fcs
from tregflow.fcs.clock import acquired
from tregflow.fcs.persons import deidentified
from tregflow.fcs.text import Text
from tregflow.fcs.zero_based import from_one, renumbered
from tregflow.inspection import page

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "key",
    ["PATIENTNAME", "PATIENTID", "USERID", "CREATEDBY", "DONORID", "LOGINNAME", "MEDICALRECORDNUMBER", "SIGNED BY"],
)
def test_keys_that_run_words_together_name_persons_too(key: str) -> None:
    assert deidentified({key: "P-777", "$CYT": "Canto"}) == {"$CYT": "Canto"}


def test_each_word_of_a_name_is_looked_for() -> None:
    assert deidentified({"$OP": "Jane Roemer", "$CYT": "Canto of Roemer, Jane"}) == {
        "$CYT": "Canto of [removed], [removed]"
    }


def test_dates_that_leave_no_duration_stop_no_page(tmp_path: Path) -> None:
    keywords = {"$BEGINDATETIME": "2020-01-01T00:00:00Z", "$ENDDATETIME": "2020-01-01T00:01:00"}
    path = tmp_path / "a.fcs"
    path.write_bytes(fcs_bytes({"A": [1.0]}, keywords=keywords))
    assert "acquired      1 January 2020, 00:00:00\n" in page(read_fcs(path))
    late = {"$DATE": "31-DEC-9999", "$BTIM": "23:00:00", "$ETIM": "01:00:00"}
    assert [str(time) for time in acquired(late)] == ["9999-12-31 23:00:00", "None"]


def test_macsquant_writes_the_year_first() -> None:
    begin, _ = acquired({"$DATE": "2013-Jul-19", "$BTIM": "13:08:29"})
    assert str(begin) == "2013-07-19 13:08:29"


def test_the_identity_changes_nothing_not_even_beside_infinity() -> None:
    sample = Sample.from_columns("a.fcs", {"A": [1.0, np.inf], "B": [2.0, 3.0]})
    assert Spillover(("A", "B"), np.eye(2), "m").compensated(sample, "B").tolist() == [2.0, 3.0]


def test_a_width_is_not_confirmed_by_a_count_taken_from_it(tmp_path: Path) -> None:
    path = tmp_path / "a.fcs"
    data = np.arange(16, dtype="<u2").tobytes()
    keywords = {"$P1B": "10", "$P1R": "1024", "$TOT": None}
    path.write_bytes(fcs_bytes({"A": [0]}, version="3.0", datatype="I", bits=16, keywords=keywords, data=data))
    with pytest.raises(FcsError) as caught:
        read_fcs(path)
    assert caught.value.code == "E_WIDTH"
    assert "there is no $TOT to confirm it by\n  expected   a file that states $TOT\n" in str(caught.value)


def test_comp_of_percent_is_refused() -> None:
    columns = {"FL1-H": [1.0], "FL2-H": [2.0]}
    sample = Sample.from_columns("a.fcs", columns, keywords={"$COMP": "2,1,25,10,1"})
    with pytest.raises(CompensationError) as caught:
        Spillover.from_sample(sample)
    assert (caught.value.code, caught.value.problem) == (
        "E_SPILL",
        "$COMP holds percent or shares, which cannot be told",
    )


@pytest.mark.parametrize("name", ["Comp-A", "FJComp-A", "comp-A", "<Comp-A>", "FJComp_A"])
def test_compensated_channels_are_known_however_they_are_written(name: str) -> None:
    assert compensated_channels(Sample.from_columns("a.fcs", {name: [1.0]}))
    assert not compensated_channels(Sample.from_columns("a.fcs", {"Complement-A": [1.0]}))


def test_supplemental_text_is_renumbered_with_the_primary_one(tmp_path: Path) -> None:
    primary = Text({"$P0B": "32", "$P0N": "A"}, {}, ())
    assert from_one(primary).keywords == {"$P1B": "32", "$P1N": "A"}
    assert renumbered(Text({"$P0S": "CD3"}, {}, ())).keywords == {"$P1S": "CD3"}
