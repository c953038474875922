"""Time: which channel is the clock, seconds, two words, begin and end of acquisition."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.builders_fcs import fcs_bytes

from tregflow.errors import FcsError, PanelError
from tregflow.fcs import Clock, Sample, read_fcs
from tregflow.fcs.clock import acquired

if TYPE_CHECKING:
    from pathlib import Path


def load(folder: Path, content: bytes, **options: Any) -> Sample:
    (folder / "a.fcs").write_bytes(content)
    return read_fcs(folder / "a.fcs", **options)


@pytest.mark.parametrize("name", ["Time", "TIME", "time", "t", "HDR-T", "hdr-time"])
def test_seconds(tmp_path: Path, name: str) -> None:
    sample = load(tmp_path, fcs_bytes({"A": [1, 2], name: [100, 250]}, keywords={"$TIMESTEP": " 0.01 "}))
    np.testing.assert_allclose(sample.time(), [1.0, 2.5])
    np.testing.assert_array_equal(sample.time(unscaled=True), [100, 250])
    assert (sample.clock, sample.findings) == (Clock((name,), 0.01), ())
    assert sample.time().dtype == np.float64


@pytest.mark.parametrize("names", [("TNFa", "A"), ("Time", "HDR-T"), ("TIME_MSW", "A"), ("Timer", "A")])
def test_no_clock(tmp_path: Path, names: tuple[str, str]) -> None:
    sample = load(tmp_path, fcs_bytes({name: [1.0] for name in names}, keywords={"$TIMESTEP": "1"}))
    assert sample.clock is None
    two = ("clock-ambiguous", "warning", "Time", "Time and HDR-T are named as clocks: none counts as one")
    said = [(each.code, each.severity, each.where, each.text) for each in sample.findings]
    assert said == ([two] if "Time" in names else [])
    with pytest.raises(PanelError) as caught:
        sample.time()
    assert caught.value.code == "E_NO_CLOCK"
    assert str(caught.value) == (
        "a.fcs: no channel is the clock\n"
        "  expected   one channel called Time, T or HDR-T, or TIME_MSW with TIME_LSW\n"
        f"  available  {', '.join(names)}"
    )


@pytest.mark.parametrize("step", ["xxxxxxxxx", "", "0", "-1", "inf"])
def test_a_step_of_unknown_length(tmp_path: Path, step: str) -> None:
    sample = load(tmp_path, fcs_bytes({"Time": [100.0]}, delimiter="|", keywords={"$TIMESTEP": step or " "}))
    text = f"$TIMESTEP is '{step}': time stays in steps of unknown length"
    assert [(each.code, each.severity, each.where, each.text) for each in sample.findings] == [
        ("timestep-unusable", "warning", "Time", text)
    ]
    assert sample.time(unscaled=True).tolist() == [100.0]
    with pytest.raises(FcsError) as caught:
        sample.time()
    assert caught.value.code == "E_TIMESTEP"
    assert str(caught.value) == (
        "a.fcs: Time: the length of a time step is not known\n"
        "  expected   $TIMESTEP in seconds, above 0\n"
        f"  available  $TIMESTEP '{step}'\n"
        "  remedy     time(unscaled=True) gives steps"
    )


def test_no_step_is_no_finding(tmp_path: Path) -> None:
    assert load(tmp_path, fcs_bytes({"Time": [100.0]})).findings == ()


def test_two_words(tmp_path: Path) -> None:
    columns = {"TIME_LSW": [5, 2**32 - 1], "A": [0, 0], "TIME_MSW": [1, 2]}
    keywords = {"$TIMESTEP": "0.5", "$P1G": "0", "$P3G": "0"}
    sample = load(tmp_path, fcs_bytes(columns, datatype="I", bits=32, keywords=keywords))
    np.testing.assert_array_equal(sample.time(unscaled=True), [2**32 + 5, 2 * 2**32 + 2**32 - 1])
    np.testing.assert_array_equal(sample.time(), sample.time(unscaled=True) / 2)
    assert [each.code for each in sample.findings] == ["png-unusable", "png-unusable", "time-two-words"]
    assert sample.findings[-1].text == (
        "the clock is in two words, joined as TIME_MSW · 2^32 + TIME_LSW, which no document confirms"
    )


def test_a_clock_that_was_not_read(tmp_path: Path) -> None:
    sample = load(tmp_path, fcs_bytes({"A": [1], "Time": [2]}, keywords={"$TIMESTEP": "1"}), channels=["A"])
    with pytest.raises(PanelError) as caught:
        sample.time()
    assert caught.value.code == "E_NOT_READ"


NOV = datetime(2009, 11, 11)


@pytest.mark.parametrize(
    ("keywords", "begin", "end"),
    [
        (("11-Nov-2009", "17:15:58", "17:16:45"), NOV.replace(hour=17, minute=15, second=58), (17, 16, 45)),
        (("11-NOV-2009", "7:05:08.25", ""), NOV.replace(hour=7, minute=5, second=8, microsecond=250_000), None),
        (("2009-11-11", "07:05:08:30", ""), NOV.replace(hour=7, minute=5, second=8, microsecond=500_000), None),
        (("11-Nov-09", "17:15:58", ""), None, None),
        (("11-11-2009", "17:15:58", ""), None, None),
        (("31-Feb-2009", "17:15:58", ""), None, None),
        (("11-Foo-2009", "17:15:58", ""), None, None),
        (("11-Nov-2009", "25:00:00", "x"), None, None),
        (("11-Nov-2009", "17:15:58:60", ""), None, None),
        (("", "17:15:58", ""), None, None),
    ],
)
def test_acquisition(
    tmp_path: Path, keywords: tuple[str, str, str], begin: datetime | None, end: tuple[int, int, int] | None
) -> None:
    named = dict(zip(("$DATE", "$BTIM", "$ETIM"), keywords, strict=True))
    sample = load(tmp_path, fcs_bytes({"A": [1]}, keywords={key: value or None for key, value in named.items()}))
    until = None if end is None else NOV.replace(hour=end[0], minute=end[1], second=end[2])
    assert sample.acquired == (begin, until)


def test_acquisition_over_midnight() -> None:
    begin, end = acquired({"$DATE": "31-Dec-2019", "$BTIM": "23:59:00", "$ETIM": "00:01:00"})
    assert (begin, end) == (datetime(2019, 12, 31, 23, 59), datetime(2020, 1, 1, 0, 1))


def test_acquisition_of_fcs_3_2() -> None:
    keywords = {"$BEGINDATETIME": "2021-03-04T10:00:00Z", "$ENDDATETIME": "nonsense", "$DATE": "11-Nov-2009"}
    assert acquired(keywords) == (datetime(2021, 3, 4, 10, tzinfo=UTC), None)


def test_no_keywords_no_time() -> None:
    assert acquired({}) == (None, None)
    assert acquired({"$DATE": "11-Nov-2009"}) == (None, None)
