"""Writing: what is written reads back equal, keywords too; whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tests.builders_fcs import fcs_bytes

from tregflow.errors import FcsError
from tregflow.fcs import Sample, read_fcs, write, write_fcs

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


class Matrix(NamedTuple):
    """The least that the writer needs to know of a spillover matrix."""

    detectors: tuple[str, ...]
    matrix: NDArray[np.float64]


def sample(**keywords: str) -> Sample:
    columns = {"FSC-A": np.arange(3, dtype=np.float32), "B515-A": np.array([-1.5, np.nan, np.inf], dtype=np.float32)}
    named = {f"${key}": value for key, value in keywords.items()}
    return Sample.from_columns("a.fcs", columns, markers={"B515-A": "CD25™"}, keywords=named)


def test_there_and_back(tmp_path: Path) -> None:
    made = sample(CYT="simulated", OP="A/B|C", COM="")
    write_fcs(tmp_path / "b.fcs", made)
    back = read_fcs(tmp_path / "b.fcs")
    np.testing.assert_array_equal(back.array(), made.array())
    assert back.channels == made.channels
    assert back.version == "3.1"
    assert [finding.code for finding in back.findings] == ["not-finite"]
    assert {key: back.keywords[key] for key in ("$CYT", "$OP", "$P2S")} == {
        "$CYT": "simulated", "$OP": "A/B|C", "$P2S": "CD25™",
    }  # fmt: skip
    assert "$COM" not in back.keywords


def test_the_same_sample_gives_the_same_bytes(tmp_path: Path) -> None:
    write_fcs(tmp_path / "a.fcs", sample())
    write_fcs(tmp_path / "b.fcs", read_fcs(tmp_path / "a.fcs"))
    assert (tmp_path / "a.fcs").read_bytes() == (tmp_path / "b.fcs").read_bytes()


@given(
    events=hnp.arrays(np.float32, st.tuples(st.integers(0, 5), st.integers(1, 4)), elements=st.floats(width=32)),
    keywords=st.dictionaries(
        st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1).map(lambda key: f"X{key}"),
        st.text(st.characters(codec="utf-8", min_codepoint=32)),
        max_size=4,
    ),
)
def test_any_values_and_keywords(
    tmp_path_factory: pytest.TempPathFactory, events: NDArray[np.float32], keywords: dict[str, str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.fcs"
    columns = {f"C{index}": events[:, index] for index in range(events.shape[1])}
    made = Sample.from_columns("any.fcs", columns, keywords=keywords)
    write_fcs(path, made)
    back = read_fcs(path)
    assert back.array().tobytes() == made.array().tobytes()
    kept = {key: value for key, value in made.keywords.items() if value and key.startswith("X")}
    assert {key: value for key, value in back.keywords.items() if key.startswith("X")} == kept


def test_no_events(tmp_path: Path) -> None:
    write_fcs(tmp_path / "a.fcs", Sample.from_columns("a.fcs", {"A": []}))
    assert read_fcs(tmp_path / "a.fcs").n_events == 0


def test_integers_are_written_linear(tmp_path: Path) -> None:
    keywords = {"$P1E": "4,1", "$P1R": "1024", "$P1G": "2"}
    (tmp_path / "i.fcs").write_bytes(fcs_bytes({"A": [0, 256, 512]}, datatype="I", keywords=keywords))
    made = read_fcs(tmp_path / "i.fcs")
    write_fcs(tmp_path / "f.fcs", made)
    back = read_fcs(tmp_path / "f.fcs")
    np.testing.assert_array_equal(back.values("A"), [1.0, 10.0, 100.0])
    assert (back.channels[0].amplification, back.channels[0].range, back.channels[0].gain) == ((0.0, 0.0), 1024.0, 2.0)


@pytest.mark.parametrize(("said", "value"), [("1023.5", 1023.5), ("NA", 262144.0), ("1024", 1024.0)])
def test_ranges(tmp_path: Path, said: str, value: float) -> None:
    (tmp_path / "a.fcs").write_bytes(fcs_bytes({"A": [1]}, keywords={"$P1R": said}))
    write_fcs(tmp_path / "b.fcs", read_fcs(tmp_path / "a.fcs"))
    assert read_fcs(tmp_path / "b.fcs").channels[0].range == value


@pytest.mark.parametrize(("version", "key"), [("3.0", "SPILL"), ("3.1", "$SPILLOVER")])
def test_spillover(tmp_path: Path, version: str, key: str) -> None:
    matrix = Matrix(("FSC-A", "B515-A"), np.array([[1.0, 0.1], [1 / 3, 1.0]]))
    write_fcs(tmp_path / "a.fcs", sample(SPILLOVER="old"), version=version, spillover=matrix)
    back = read_fcs(tmp_path / "a.fcs")
    assert back.version == version
    assert [back.keywords.get(name) for name in ("SPILL", "$SPILLOVER")].count(None) == 1
    assert back.keywords[key] == "2,FSC-A,B515-A,1.0,0.1,0.3333333333333333,1.0"
    write_fcs(tmp_path / "a.fcs", sample(), spillover="1,FSC-A,1")
    assert read_fcs(tmp_path / "a.fcs").keywords["$SPILLOVER"] == "1,FSC-A,1"


def test_offsets_beyond_eight_digits_stand_in_text_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(write, "_LIMIT", 100)
    write_fcs(tmp_path / "a.fcs", sample())
    assert (tmp_path / "a.fcs").read_bytes()[26:42] == b"       0       0"
    back = read_fcs(tmp_path / "a.fcs")
    np.testing.assert_array_equal(back.array(), sample().array())
    assert "header-data-absent" in [finding.code for finding in back.findings]


def test_version_that_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(FcsError) as caught:
        write_fcs(tmp_path / "a.fcs", sample(), version="2.0")
    assert (caught.value.code, str(caught.value)) == ("E_VERSION", "a.fcs: cannot write FCS 2.0\n  available  3.0, 3.1")


def test_channels_that_were_not_read(tmp_path: Path) -> None:
    write_fcs(tmp_path / "a.fcs", sample())
    with pytest.raises(FcsError) as caught:
        write_fcs(tmp_path / "b.fcs", read_fcs(tmp_path / "a.fcs", channels=["FSC-A"]))
    assert caught.value.code == "E_WRITE"
    assert str(caught.value) == (
        "a.fcs: only part of the channels was read, so that the file would be incomplete\n"
        "  expected   values for every channel\n"
        "  available  FSC-A\n"
        "  remedy     read the file with all its channels before writing it"
    )
    assert not (tmp_path / "b.fcs").exists()


def test_no_channels(tmp_path: Path) -> None:
    with pytest.raises(FcsError) as caught:
        write_fcs(tmp_path / "a.fcs", Sample.from_columns("a.fcs", {}))
    assert (caught.value.code, str(caught.value)) == ("E_WRITE", "a.fcs: a sample without channels makes no file")


def test_a_value_beyond_float32(tmp_path: Path) -> None:
    made = Sample.from_columns("a.fcs", {"A": [1e300]}, markers={"A": "CD3"})
    with pytest.raises(FcsError) as caught:
        write_fcs(tmp_path / "a.fcs", made)
    assert caught.value.code == "E_WRITE"
    assert str(caught.value) == (
        "a.fcs: CD3 (A): a value is beyond the range of float32\n"
        "  expected   absolute values below 3.4e38\n"
        "  remedy     scale the channel before writing it"
    )
    assert list(tmp_path.iterdir()) == []


def test_no_delimiter_left(tmp_path: Path) -> None:
    everything = "".join(map(chr, range(30, 127)))
    with pytest.raises(FcsError) as caught:
        write_fcs(tmp_path / "a.fcs", sample(COM=everything))
    assert caught.value.code == "E_WRITE"
    assert str(caught.value) == (
        "a.fcs: every printable ASCII character occurs in the keywords, so that none can separate them\n"
        "  remedy     shorten or drop keywords"
    )
