"""Reading: every type, width and byte order; chosen channels; files that change; hostile bytes."""

from __future__ import annotations

import hashlib
import os
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders_fcs import fcs_bytes

from tregflow.errors import FcsError, PanelError, TregflowError
from tregflow.fcs import Sample, read, read_fcs
from tregflow.fcs.data import BLOCK

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COLUMNS = {"A": np.array([1.5, -2.0, 3e9]), "B": np.array([0.0, 7.0, 1e-3])}


def load(folder: Path, content: bytes, **options: Any) -> Sample:
    path = folder / "a.fcs"
    path.write_bytes(content)
    return read_fcs(path, **options)


@pytest.mark.parametrize("version", ["2.0", "3.0", "3.1", "3.2"])
@pytest.mark.parametrize(("datatype", "kind"), [("F", np.float32), ("D", np.float64)])
@pytest.mark.parametrize("byteord", ["1,2,3,4", "4,3,2,1"])
def test_floats(tmp_path: Path, version: str, datatype: str, kind: type, byteord: str) -> None:
    sample = load(tmp_path, fcs_bytes(COLUMNS, version=version, datatype=datatype, byteord=byteord))
    assert (sample.version, sample.n_events, sample.names) == (version, 3, ("A", "B"))
    for name, truth in COLUMNS.items():
        assert sample.values(name).dtype == kind
        np.testing.assert_array_equal(sample.values(name), truth.astype(kind))


@pytest.mark.parametrize("byteord", ["1,2", "2,1", "1,2,3,4", "4,3,2,1"])
def test_mixed_integers(tmp_path: Path, byteord: str) -> None:
    columns = {"A": [0, 255, 7], "B": [1, 65535, 513], "C": [2**32 - 1, 2**24 + 1, 66051]}
    sample = load(tmp_path, fcs_bytes(columns, datatype="I", bits=[8, 16, 32], byteord=byteord))
    for name, truth in columns.items():
        np.testing.assert_array_equal(sample.values(name), truth)
    # float32 is exact up to 2^24 only.
    assert [sample.values(name).dtype for name in "ABC"] == [np.float32, np.float32, np.float64]


def test_bits_above_the_range_are_masked(tmp_path: Path) -> None:
    keywords = {"$P1R": "1024", "$P2R": "262144"}
    columns = {"A": [16912, 1023, 0], "B": [2**24 * 5 + 9, 9, 262143]}
    sample = load(tmp_path, fcs_bytes(columns, datatype="I", bits=[16, 32], keywords=keywords))
    np.testing.assert_array_equal(sample.values("A"), [528, 1023, 0])
    np.testing.assert_array_equal(sample.values("B"), [9, 9, 262143])
    assert [(each.code, each.where, each.text) for each in sample.findings] == [
        ("bits-masked", "A", "1 of 3 values had bits above $PnR 1024, which were masked"),
        ("bits-masked", "B", "1 of 3 values had bits above $PnR 262144, which were masked"),
    ]


def test_floats_are_never_masked_or_clipped(tmp_path: Path) -> None:
    sample = load(tmp_path, fcs_bytes(COLUMNS, keywords={"$P1R": "2", "$P2R": "NA"}))
    np.testing.assert_array_equal(sample.values("A"), COLUMNS["A"].astype(np.float32))


def test_logarithmic_integers_are_linearised(tmp_path: Path) -> None:
    keywords = {"$P1E": "4,1", "$P1R": "1024", "$P2E": "4.0,0.1", "$P2R": "1024"}
    sample = load(tmp_path, fcs_bytes({"A": [431, 0], "B": [1023, 0]}, datatype="I", keywords=keywords))
    # The example of FCS 3.1, section 3.2.
    assert sample.values("A")[0] == pytest.approx(48.26071, abs=1e-5)
    assert sample.values("A")[1] == 1.0
    assert sample.values("B").tolist() == [0.1 * 10.0 ** (4.0 * 1023 / 1024), 0.1]
    np.testing.assert_array_equal(sample.raw("A"), [431, 0])


def test_logarithmic_floats_are_not(tmp_path: Path) -> None:
    sample = load(tmp_path, fcs_bytes(COLUMNS, keywords={"$P1E": "4,1", "$P1G": "8"}))
    np.testing.assert_array_equal(sample.values("A"), COLUMNS["A"].astype(np.float32))


def test_absurd_logarithms_end_in_infinity(tmp_path: Path) -> None:
    keywords = {"$P1E": "1e300,1", "$P1R": "1024"}
    sample = load(tmp_path, fcs_bytes({"A": [0, 1023]}, datatype="I", keywords=keywords))
    assert sample.values("A").tolist() == [1.0, np.inf]


def test_wide_logarithms(tmp_path: Path) -> None:
    keywords = {"$P1E": "4,1", "$P1R": "262144"}
    sample = load(tmp_path, fcs_bytes({"A": [131072, 0]}, datatype="I", bits=32, keywords=keywords))
    np.testing.assert_allclose(sample.values("A"), [100.0, 1.0], rtol=1e-15)


def test_many_blocks(tmp_path: Path) -> None:
    n_events = 2 * BLOCK + 3
    columns = {"A": np.arange(n_events), "B": -np.arange(n_events)}
    sample = load(tmp_path, fcs_bytes(columns, byteord="4,3,2,1"), sha256=True)
    np.testing.assert_array_equal(sample.array(), np.stack(list(columns.values()), axis=1))


def test_chosen_channels(tmp_path: Path) -> None:
    sample = load(tmp_path, fcs_bytes(COLUMNS), channels=["B"])
    assert sample.names == ("A", "B")
    assert sample.array().shape == (3, 1)
    with pytest.raises(PanelError) as caught:
        sample.values("A")
    assert caught.value.code == "E_NOT_READ"
    assert str(caught.value) == (
        "a.fcs: the channel A was not read\n"
        "  expected   a channel among those asked for\n"
        "  available  B\n"
        "  remedy     read the file with 'A' among its channels, or with all of them"
    )
    assert load(tmp_path, fcs_bytes(COLUMNS), channels="A").array().shape == (3, 1)


def test_header_only(tmp_path: Path) -> None:
    sample = load(tmp_path, fcs_bytes(COLUMNS), channels=())
    assert (sample.n_events, sample.keywords["$P2N"], dict(sample.columns)) == (3, "B", {})
    with pytest.raises(PanelError) as caught:
        sample.values("B")
    assert str(caught.value) == (
        "a.fcs: the channel B was not read\n"
        "  expected   a channel among those asked for\n"
        "  available  none: only the header was read\n"
        "  remedy     read the file with 'B' among its channels, or with all of them"
    )


def test_a_channel_that_is_not_there(tmp_path: Path) -> None:
    content = fcs_bytes({"B515-A": [1], "Time": [2]}, keywords={"$P1S": "CD25"})
    for name, remedy in (("B515A", "near miss 'B515-A'"), ("X", "name a channel by its $PnN")):
        with pytest.raises(PanelError) as caught:
            load(tmp_path, content, channels=[name])
        assert caught.value.code == "E_NO_CHANNEL"
        assert str(caught.value) == (
            f"a.fcs: the file has no channel {name}\n  available  CD25 (B515-A), Time\n  remedy     {remedy}"
        )


@pytest.mark.parametrize("channels", [None, ("B",), ()])
def test_sha256(tmp_path: Path, channels: tuple[str, ...] | None) -> None:
    content = fcs_bytes(COLUMNS, tail=b"00000000")
    assert load(tmp_path, content, channels=channels).sha256 is None
    assert load(tmp_path, content, channels=channels, sha256=True).sha256 == hashlib.sha256(content).hexdigest()


def test_not_finite(tmp_path: Path) -> None:
    sample = load(tmp_path, fcs_bytes({"A": [np.nan, 1, np.inf], "B": [1, 2, 3]}))
    np.testing.assert_array_equal(sample.values("A"), [np.nan, 1, np.inf])
    assert [(each.code, each.severity, each.where, each.text) for each in sample.findings] == [
        ("not-finite", "warning", "A", "2 of 3 values are not finite (NaN or infinity): outside every gate")
    ]


def test_supplemental_text(tmp_path: Path) -> None:
    stext = b"*$P1S*CD25*$P1N*WRONG*"
    content = fcs_bytes(COLUMNS, keywords={"$BEGINSTEXT": "0000", "$ENDSTEXT": "0000"}, tail=stext)
    begin = len(content) - len(stext)
    content = content.replace(b"$BEGINSTEXT/0000", b"$BEGINSTEXT/%04d" % begin)
    content = content.replace(b"$ENDSTEXT/0000", b"$ENDSTEXT/%04d" % (len(content) - 1))
    sample = load(tmp_path, content)
    assert sample.channels[0].label == "CD25 (A)"
    assert [finding.code for finding in sample.findings] == ["stext-conflict"]


def test_supplemental_text_that_is_none(tmp_path: Path) -> None:
    archive = b"PK\x03\x04config.P\x00\x01xmlP"
    content = fcs_bytes(COLUMNS, keywords={"$BEGINSTEXT": "0000", "$ENDSTEXT": "0000"}, tail=archive)
    begin = len(content) - len(archive)
    content = content.replace(b"$BEGINSTEXT/0000", b"$BEGINSTEXT/%04d" % begin)
    content = content.replace(b"$ENDSTEXT/0000", b"$ENDSTEXT/%04d" % (len(content) - 1))
    sample = load(tmp_path, content)
    assert [(finding.code, finding.text) for finding in sample.findings] == [
        ("stext-not-text", "supplemental TEXT holds no keywords: ignored")
    ]


def test_no_next_data_set_named(tmp_path: Path) -> None:
    assert load(tmp_path, fcs_bytes(COLUMNS, keywords={"$NEXTDATA": None})).findings == ()


def test_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "gone.fcs"
    with pytest.raises(FcsError) as caught:
        read_fcs(path)
    assert caught.value.code == "E_MISSING"
    assert str(caught.value) == f"{path}: no such file\n  remedy     check the name and the folder"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(FcsError) as caught:
        read_fcs(tmp_path)
    assert caught.value.code == "E_UNREADABLE"
    reason = getattr(caught.value.__cause__, "strerror", None)  # the system's own words
    assert str(caught.value) == (
        f"{tmp_path}: the file cannot be read: {reason}\n  remedy     check that it is a file, and that you may read it"
    )


@pytest.mark.parametrize(
    ("content", "problem", "found", "remedy"),
    [
        (b"", "the file is empty", "0 bytes", "copy or export the file again"),
        (
            b"event,CD3\n1,2\n",
            "not an FCS file but text",
            r"14 bytes beginning b'event,CD3\n1,2\n'",
            "export the file again from the software that wrote it",
        ),
    ],
)
def test_a_text_file_named_fcs(tmp_path: Path, content: bytes, problem: str, found: str, remedy: str) -> None:
    with pytest.raises(FcsError) as caught:
        load(tmp_path, content)
    assert caught.value.code == "E_NOT_FCS"
    assert str(caught.value) == (
        f"a.fcs: {problem}\n"
        "  expected   a file that begins with FCS2.0, FCS3.0, FCS3.1 or FCS3.2 and has 58 bytes or more\n"
        f"  available  {found}\n"
        f"  remedy     {remedy}"
    )


@pytest.mark.parametrize("change", ["grow", "touch"])
def test_a_file_that_changes_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    path = tmp_path / "a.fcs"
    path.write_bytes(fcs_bytes(COLUMNS))
    decode: Callable[..., Any] = read.decode

    def disturbed(*args: Any, **options: Any) -> Any:
        decoded = decode(*args, **options)
        if change == "grow":
            with path.open("ab") as stream:
                stream.write(b"more")
        else:
            os.utime(path, ns=(1, 1))
        return decoded

    monkeypatch.setattr(read, "decode", disturbed)
    with pytest.raises(FcsError) as caught:
        read_fcs(path)
    assert caught.value.code == "E_CHANGED"
    assert str(caught.value) == (
        "a.fcs: the file changed while it was read\n"
        "  expected   the same size and time before and after\n"
        "  remedy     wait until the file is complete, then read it again"
    )


def test_a_sample_outlives_its_file(tmp_path: Path) -> None:
    sample = load(tmp_path, fcs_bytes(COLUMNS))
    (tmp_path / "a.fcs").write_bytes(b"")
    np.testing.assert_array_equal(sample.values("B"), COLUMNS["B"].astype(np.float32))


def test_pickle(tmp_path: Path) -> None:
    sample = load(tmp_path, fcs_bytes(COLUMNS), sha256=True)
    copy = pickle.loads(pickle.dumps(sample))
    assert (copy.channels, copy.keywords, copy.sha256, copy.path) == (
        sample.channels, sample.keywords, sample.sha256, sample.path,
    )  # fmt: skip
    np.testing.assert_array_equal(copy.array(), sample.array())
    assert not copy.values("A").flags.writeable


def read_or_refused(path: Path) -> Sample | None:
    try:
        return read_fcs(path, sha256=True)
    except TregflowError:
        return None


SOUND = fcs_bytes(COLUMNS, keywords={"$BEGINSTEXT": "0", "$ENDSTEXT": "0", "$P1S": "a//b"}, tail=b"00000000")


@given(
    st.lists(st.tuples(st.integers(0, len(SOUND) - 1), st.integers(0, 255)), max_size=12), st.integers(0, len(SOUND))
)
def test_no_damage_raises_anything_else(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], length: int
) -> None:
    content = bytearray(SOUND)
    for at, byte in changes:
        content[at] = byte
    path = tmp_path_factory.getbasetemp() / "damaged.fcs"
    path.write_bytes(content[: length or None])
    sample = read_or_refused(path)
    assert sample is None or sample.n_events * len(sample.channels) <= len(SOUND)


KEYS = ["$PAR", "$TOT", "$P1B", "$P2B", "$P1R", "$P1E", "$BYTEORD", "$DATATYPE", "$BEGINDATA", "$ENDDATA", "$NEXTDATA"]
VALUES = [
    "0",
    "-1",
    "1",
    "2",
    "3",
    "8",
    "16",
    "32",
    "99999999",
    "9" * 18,
    "",
    "x",
    "I",
    "D",
    "1,2",
    "4,1",
    "2,1",
    "1e38",
]


@given(st.dictionaries(st.sampled_from(KEYS), st.none() | st.sampled_from(VALUES), max_size=5))
def test_no_keyword_raises_anything_else(
    tmp_path_factory: pytest.TempPathFactory, keywords: dict[str, str | None]
) -> None:
    path = tmp_path_factory.getbasetemp() / "lying.fcs"
    path.write_bytes(fcs_bytes({"A": [1, 2, 3], "B": [4, 5, 6]}, datatype="I", keywords=keywords))
    sample = read_or_refused(path)
    assert sample is None or sample.array().shape == (sample.n_events, len(sample.channels))
