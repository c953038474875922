"""Samples whose columns are decoded when they are asked for."""

from __future__ import annotations

import io
import os
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.builders_fcs import fcs_bytes

from tregflow.errors import FcsError, PanelError
from tregflow.fcs import Sample, lazy, read_fcs, write_fcs
from tregflow.fcs.stream import Stream, finished

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = {"FSC-A": [1.0, 2.0, 3.0], "B515-A": [0.5, np.nan, -1.0], "Time": [0.0, 10.0, 20.0]}
CONTENT = fcs_bytes(COLUMNS, keywords={"$TIMESTEP": "0.01", "$P2S": "CD25"})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.fcs"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return a list that grows by the channels that are decoded together."""
    calls: list[list[str]] = []
    decode = lazy.decode

    def recorded(*args: Any, **options: Any) -> Any:
        calls.append([channel.pnn for channel in args[3]])
        return decode(*args, **options)

    monkeypatch.setattr(lazy, "decode", recorded)
    return calls


def test_what_is_known_before_a_value_is_decoded(path: Path, decoded: list[list[str]]) -> None:
    sample, at_once = read_fcs(path, lazy=True), read_fcs(path)
    for name in ("file", "path", "version", "keywords", "channels", "n_events", "analysis", "events_in_file", "clock"):
        assert getattr(sample, name) == getattr(at_once, name)
    assert repr(sample) == repr(at_once).replace(", 1 finding(s)", "")  # NaN, which is not known yet
    assert list(sample.columns) == list(at_once.columns)
    assert len(sample.columns) == 3
    assert "Time" in sample.columns
    assert "CD25" not in sample.columns
    assert sample._repr_html_().count("<td>yes</td>") == 3
    assert decoded == []


def test_columns_are_decoded_once_and_guarded(path: Path, decoded: list[list[str]]) -> None:
    sample = read_fcs(path, lazy=True)
    for _ in range(2):
        np.testing.assert_array_equal(sample.values("B515-A"), COLUMNS["B515-A"])
        np.testing.assert_array_equal(sample.raw("FSC-A"), COLUMNS["FSC-A"])
    assert decoded == [["B515-A"], ["FSC-A"]]
    with pytest.raises(ValueError, match="read-only"):
        sample.values("FSC-A")[0] = 5.0
    np.testing.assert_array_equal(sample.time(), [0.0, 0.1, 0.2])
    with pytest.raises(KeyError):
        sample.columns["CD25"]


def test_several_columns_are_decoded_together(path: Path, decoded: list[list[str]]) -> None:
    sample, at_once = read_fcs(path, lazy=True), read_fcs(path)
    np.testing.assert_array_equal(sample.array(["Time", "FSC-A"]), at_once.array(["Time", "FSC-A"]))
    assert sample.array().tobytes() == at_once.array().tobytes()
    assert decoded == [["FSC-A", "Time"], ["B515-A"]]


def test_chosen_channels_and_events(path: Path) -> None:
    sample = read_fcs(path, channels=["Time", "FSC-A"], events=(1, None), lazy=True)
    assert (sample.n_events, sample.first_event) == (2, 1)
    np.testing.assert_array_equal(sample.array(), [[2.0, 10.0], [3.0, 20.0]])
    with pytest.raises(PanelError) as caught:
        sample.values("B515-A")
    assert str(caught.value) == (
        "a.fcs: the channel CD25 (B515-A) was not read\n"
        "  expected   a channel among those asked for\n"
        "  available  FSC-A, Time\n"
        "  remedy     read the file with 'B515-A' among its channels, or with all of them"
    )
    with pytest.raises(PanelError) as caught:
        sample.array(["FSC-A", "CD3"])
    assert caught.value.code == "E_NO_CHANNEL"
    with pytest.raises(PanelError) as caught:
        read_fcs(path, channels=["CD3"], lazy=True)
    assert caught.value.code == "E_NO_CHANNEL"


def test_the_errors_of_reading_come_at_once(path: Path) -> None:
    path.write_bytes(CONTENT[:-1])
    for later in (False, True):
        with pytest.raises(FcsError) as caught:
            read_fcs(path, lazy=later)
        assert caught.value.code == "E_TRUNCATED"


def test_separated_numbers_are_read_together(path: Path, decoded: list[list[str]]) -> None:
    shape: dict[str, Any] = {"datatype": "A", "bits": [16, 16], "keywords": {"$P1B": "*", "$P2B": "*"}}
    path.write_bytes(fcs_bytes({"A": [1, 2], "B": [3, 4]}, data=b"1 2,3 44", **shape))
    sample = read_fcs(path, lazy=True)
    np.testing.assert_array_equal(sample.values("B"), [2.0, 44.0])
    np.testing.assert_array_equal(sample.values("A"), [1.0, 3.0])
    assert decoded == [["A", "B"]]


def test_a_pickle_holds_no_values(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path.write_bytes(fcs_bytes({"A": np.arange(10_000.0)}) + b"00000001")
    sample = read_fcs("a.fcs", lazy=True, mode="standard", sha256=True)
    sample.values("A")
    stored = pickle.dumps(sample)
    assert len(stored) < 5_000
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    back = pickle.loads(stored)
    np.testing.assert_array_equal(back.values("A"), np.arange(10_000.0))
    assert finished(back, []).findings == read_fcs(path).findings != ()
    os.utime(path, ns=(0, 0))
    with pytest.raises(FcsError) as caught:
        pickle.loads(stored).values("A")
    assert caught.value.code == "E_CHANGED"


def test_a_strict_sample_can_be_pickled(path: Path) -> None:
    offsets = dict.fromkeys(("$BEGINANALYSIS", "$ENDANALYSIS", "$BEGINSTEXT", "$ENDSTEXT"), "0")
    path.write_bytes(fcs_bytes({"A": [1.0]}, keywords=offsets))
    assert pickle.loads(pickle.dumps(read_fcs(path, lazy=True, mode="strict"))).values("A").tolist() == [1.0]


def test_a_file_that_changes(path: Path) -> None:
    sample = read_fcs(path, lazy=True)
    sample.values("Time")
    with path.open("ab") as stream:
        stream.write(b"more")
    np.testing.assert_array_equal(sample.values("Time"), COLUMNS["Time"])
    with pytest.raises(FcsError) as caught:
        sample.values("FSC-A")
    assert str(caught.value) == (
        "a.fcs: the file changed while it was read\n"
        "  expected   the same size and time before and after\n"
        "  remedy     wait until the file is complete, then read it again"
    )
    path.unlink()
    with pytest.raises(FcsError) as caught:
        sample.values("FSC-A")
    assert caught.value.code == "E_MISSING"


def test_a_file_that_changes_while_a_channel_is_decoded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sample, decode = read_fcs(path, lazy=True), lazy.decode

    def disturbed(*args: Any, **options: Any) -> Any:
        os.utime(path, ns=(1, 1))
        return decode(*args, **options)

    monkeypatch.setattr(lazy, "decode", disturbed)
    for _ in range(2):  # and nothing of it is kept
        with pytest.raises(FcsError) as caught:
            sample.values("FSC-A")
        assert caught.value.code == "E_CHANGED"


def test_the_second_data_set(path: Path) -> None:
    first = fcs_bytes({"A": [1.0, 2.0, 3.0]}, keywords={"$NEXTDATA": "000000"})
    path.write_bytes(first.replace(b"/000000/", b"/%06d/" % len(first)) + CONTENT)
    np.testing.assert_array_equal(read_fcs(path, dataset=2, lazy=True).values("Time"), COLUMNS["Time"])


@pytest.mark.parametrize(
    ("source", "options", "problem"),
    [
        (io.BytesIO(CONTENT), {}, "a file object: lazy reading needs a path, which can be opened again"),
        ("https://example.org/a.fcs", {}, "a.fcs: lazy reading needs a path, which can be opened again"),
        ("a.fcs", {"out": np.empty((3, 3))}, "a.fcs: lazy reading fills no array: it leaves the values in the file"),
    ],
)
def test_what_cannot_be_read_lazily(source: Any, options: Any, problem: str) -> None:
    with pytest.raises(FcsError) as caught:
        read_fcs(source, lazy=True, **options)
    assert str(caught.value) == f"{problem}\n  remedy     leave out lazy=True"
    assert caught.value.code == "E_OPTION"


def test_a_lazy_sample_is_written_whole(path: Path, tmp_path: Path) -> None:
    written = [tmp_path / "lazy.fcs", tmp_path / "at-once.fcs"]
    for target, later in zip(written, (True, False), strict=True):
        write_fcs(target, read_fcs(path, lazy=later))
    assert written[0].read_bytes() == written[1].read_bytes()
    with pytest.raises(FcsError) as caught:
        write_fcs(written[0], read_fcs(path, channels=["Time"], lazy=True))
    assert caught.value.code == "E_WRITE"


def test_a_finished_sample_stays_lazy(path: Path, decoded: list[list[str]]) -> None:
    sample = read_fcs(path, lazy=True)
    stream = Stream(sample, ["FSC-A", "B515-A"])
    list(stream)
    done = finished(sample, [stream])
    assert isinstance(done, Sample)
    assert (sample.findings, [each.code for each in done.findings]) == ((), ["not-finite"])
    assert decoded == []
    np.testing.assert_array_equal(done.values("Time"), COLUMNS["Time"])
    assert done.columns is sample.columns
