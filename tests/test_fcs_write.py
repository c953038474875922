"""Writing: what is written reads back equal, keywords too; whole or not at all."""

from __future__ import annotations

import dataclasses
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


def integers(folder: Path, **options: object) -> Sample:
    """Return a sample of one logarithmic channel, written with `options` and read again."""
    keywords = {"$P1E": "4,1", "$P1R": "1024", "$P1G": "2"}
    (folder / "i.fcs").write_bytes(fcs_bytes({"A": [0, 256, 512]}, datatype="I", keywords=keywords))
    write_fcs(folder / "o.fcs", read_fcs(folder / "i.fcs"), **options)  # type: ignore[arg-type]
    return read_fcs(folder / "o.fcs")


@pytest.mark.parametrize("options", [{}, {"version": "3.2"}, {"datatype": "I"}, {"datatype": "I32"}])
def test_integers_stay_as_they_are(tmp_path: Path, options: dict[str, object]) -> None:
    back = integers(tmp_path, **options)
    assert (back.raw("A").tolist(), back.values("A").tolist()) == ([0.0, 256.0, 512.0], [1.0, 10.0, 100.0])
    assert back.channels == read_fcs(tmp_path / "i.fcs").channels
    assert back.channels[0].amplification == (4.0, 1.0)


@pytest.mark.parametrize("datatype", ["F", "D"])
def test_integers_become_linear(tmp_path: Path, datatype: str) -> None:
    back = integers(tmp_path, datatype=datatype)
    np.testing.assert_array_equal(back.values("A"), [1.0, 10.0, 100.0])
    assert (back.channels[0].amplification, back.channels[0].range, back.channels[0].gain) == ((0.0, 0.0), 1024.0, 2.0)


def test_floats_become_integers(tmp_path: Path) -> None:
    made = Sample.from_columns("a.fcs", {"A": [0.0, 255.0], "B": [1.0, 256.0], "C": [2.0**32, 3.0], "D": [0.0, 0.0]})
    write_fcs(tmp_path / "a.fcs", made, datatype="I")
    back = read_fcs(tmp_path / "a.fcs")
    assert [(channel.datatype, channel.bits, channel.range) for channel in back.channels] == [
        ("I", 8, 2.0**8), ("I", 16, 2.0**16), ("I", 64, 2.0**64), ("I", 8, 2.0**8)
    ]  # fmt: skip
    np.testing.assert_array_equal(back.array(), made.array())
    write_fcs(tmp_path / "a.fcs", made, datatype="I64")
    assert {channel.bits for channel in read_fcs(tmp_path / "a.fcs").channels} == {64}


def test_integers_without_a_range_get_one_that_masks_nothing(tmp_path: Path) -> None:
    (tmp_path / "i.fcs").write_bytes(fcs_bytes({"A": [0, 65535]}, datatype="I", keywords={"$P1R": "NA"}))
    write_fcs(tmp_path / "o.fcs", read_fcs(tmp_path / "i.fcs"))
    back = read_fcs(tmp_path / "o.fcs")
    assert (back.raw("A").tolist(), back.channels[0].range) == ([0.0, 65535.0], 65536.0)


def mixed() -> Sample:
    """Return a sample of an integer of 16 bits, a float32, a float64 and a long integer column."""
    columns = {"I": np.array([3.0], np.float32), "F": np.array([0.1], np.float32), "D": np.array([0.1])}
    made = Sample.from_columns("m.fcs", columns)
    kept = dataclasses.replace(made.channels[0], datatype="I", bits=16, range=1024.0)
    return dataclasses.replace(made, channels=(kept, *made.channels[1:]))


def test_types_differ_from_version_3_2_on(tmp_path: Path) -> None:
    write_fcs(tmp_path / "a.fcs", mixed(), version="3.2")
    back = read_fcs(tmp_path / "a.fcs")
    assert back.version == "3.2"
    assert [(channel.datatype, channel.bits) for channel in back.channels] == [("I", 16), ("F", 32), ("D", 64)]
    assert back.keywords["$DATATYPE"] == "F"
    assert {key: back.keywords.get(f"$P{key}DATATYPE") for key in (1, 2, 3)} == {1: "I", 2: None, 3: "D"}
    assert back.array().tolist() == mixed().array().tolist()
    assert back.keywords["$CYT"] == "unknown"


def test_before_3_2_one_type_holds_all(tmp_path: Path) -> None:
    write_fcs(tmp_path / "a.fcs", mixed())
    back = read_fcs(tmp_path / "a.fcs")
    assert [(channel.datatype, channel.bits) for channel in back.channels] == [("D", 64)] * 3
    assert back.array().tolist() == mixed().array().tolist()
    assert "$CYT" not in back.keywords
    short = dataclasses.replace(mixed(), channels=mixed().channels[:2])
    write_fcs(tmp_path / "a.fcs", short)
    assert {channel.datatype for channel in read_fcs(tmp_path / "a.fcs").channels} == {"F"}
    logarithmic = dataclasses.replace(short.channels[0], amplification=(4.0, 1.0))
    write_fcs(tmp_path / "a.fcs", dataclasses.replace(short, channels=(logarithmic, short.channels[1])))
    assert {channel.datatype for channel in read_fcs(tmp_path / "a.fcs").channels} == {"D"}


def test_no_one_type_holds_long_integers_and_floats(tmp_path: Path) -> None:
    long = dataclasses.replace(mixed().channels[0], bits=64, range=2.0**60)
    with pytest.raises(FcsError) as caught:
        write_fcs(tmp_path / "a.fcs", dataclasses.replace(mixed(), channels=(long, *mixed().channels[1:])))
    assert caught.value.code == "E_WRITE"
    assert str(caught.value) == (
        "m.fcs: the channels differ in their types, and no single type holds them all\n"
        "  expected   one type for all channels before FCS 3.2\n"
        "  available  D64, F32, I64\n"
        '  remedy     write it with version="3.2"'
    )


def test_a_type_that_is_read_and_not_written_becomes_a_float(tmp_path: Path) -> None:
    made = Sample.from_columns("a.fcs", {"A": np.array([5.0], np.float32)})
    text = dataclasses.replace(made.channels[0], datatype="A", bits=0)
    write_fcs(tmp_path / "a.fcs", dataclasses.replace(made, channels=(text,)))
    back = read_fcs(tmp_path / "a.fcs")
    assert (back.channels[0].datatype, back.raw("A").tolist()) == ("F", [5.0])


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


def test_a_matrix_takes_the_place_of_all_others(tmp_path: Path) -> None:
    stated = {"$SPILLOVER": "a", "SPILL": "b", "SPILLOVER": "c", "$COMP": "d", "$DFC1TO2": "e"}
    made = Sample.from_columns("a.fcs", {"A": [1.0]}, keywords={**stated, "$DFCX": "kept"})
    write_fcs(tmp_path / "a.fcs", made, spillover="1,A,1")
    back = read_fcs(tmp_path / "a.fcs").keywords
    assert {key: value for key, value in back.items() if key in stated} == {"$SPILLOVER": "1,A,1"}
    assert back["$DFCX"] == "kept"


def test_offsets_beyond_eight_digits_stand_in_text_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_fcs(tmp_path / "a.fcs", sample())
    begin, end = (int((tmp_path / "a.fcs").read_bytes()[place : place + 8]) for place in (26, 34))
    monkeypatch.setattr(write, "_LIMIT", end)
    write_fcs(tmp_path / "b.fcs", sample())
    assert (tmp_path / "b.fcs").read_bytes() == (tmp_path / "a.fcs").read_bytes()
    monkeypatch.setattr(write, "_LIMIT", end - 1)
    write_fcs(tmp_path / "b.fcs", sample())
    content = (tmp_path / "b.fcs").read_bytes()
    assert content[26:42] == b"       0       0"
    assert f"$BEGINDATA/{begin:020d}/$ENDDATA/{end:020d}/".encode() in content
    np.testing.assert_array_equal(read_fcs(tmp_path / "b.fcs").array(), sample().array())


def test_keywords_beyond_eight_digits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_fcs(tmp_path / "a.fcs", sample())
    begin = int((tmp_path / "a.fcs").read_bytes()[26:34])
    monkeypatch.setattr(write, "_LIMIT", begin - 2)
    with pytest.raises(FcsError) as caught:
        write_fcs(tmp_path / "b.fcs", sample())
    assert caught.value.code == "E_WRITE"
    assert str(caught.value) == (
        "a.fcs: the keywords are too long: TEXT must end before byte 100,000,000\n"
        f"  available  {begin - 58} bytes of keywords\n"
        "  remedy     shorten or drop keywords"
    )


def test_long_keywords_are_kept(tmp_path: Path) -> None:
    text = "CD25 " * 200_000
    write_fcs(tmp_path / "a.fcs", sample(COM=text))
    assert read_fcs(tmp_path / "a.fcs").keywords["$COM"] == text


def test_a_vendors_keys_are_spelled_as_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.fcs").write_bytes(fcs_bytes({"A": [1]}, keywords={" Export Time ": "now", "$cyt": "Canto"}))
    write_fcs(tmp_path / "b.fcs", read_fcs(tmp_path / "a.fcs"))
    assert b"/Export Time/now/" in (tmp_path / "b.fcs").read_bytes()
    assert b"/$CYT/Canto/" in (tmp_path / "b.fcs").read_bytes()


def test_without_names_of_persons(tmp_path: Path) -> None:
    persons = {"$OP": "Jane Roe", "$SRC": "J. D.", "EXPORT USER NAME": "jroe", "PATIENT ID": "0815", "$CYT": "Canto"}
    made = Sample.from_columns(
        "a.fcs", {"A": [1.0]}, markers={"A": "CD3 Jane Roe"}, keywords={**persons, "#NOTE": "by jane roe, 3 mW"}
    )
    write_fcs(tmp_path / "a.fcs", made)
    assert persons.items() <= read_fcs(tmp_path / "a.fcs").keywords.items()
    write_fcs(tmp_path / "a.fcs", made, deidentify=True)
    back = read_fcs(tmp_path / "a.fcs")
    assert {key: value for key, value in back.keywords.items() if key in (*persons, "#NOTE")} == {
        "$CYT": "Canto", "#NOTE": "by [removed], 3 mW",
    }  # fmt: skip
    assert back.channels == made.channels


def test_version_that_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(FcsError) as caught:
        write_fcs(tmp_path / "a.fcs", sample(), version="2.0")
    assert (caught.value.code, str(caught.value)) == (
        "E_VERSION",
        "a.fcs: cannot write FCS 2.0\n  available  3.0, 3.1, 3.2",
    )


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


def refused(folder: Path, made: Sample, **options: object) -> str:
    """Return the whole text of the error, and make sure that nothing is left behind."""
    with pytest.raises(FcsError) as caught:
        write_fcs(folder / "a.fcs", made, **options)  # type: ignore[arg-type]
    assert caught.value.code == "E_WRITE"
    assert list(folder.iterdir()) == []
    return str(caught.value)


def test_a_value_beyond_float32(tmp_path: Path) -> None:
    made = Sample.from_columns("a.fcs", {"A": [1e300]}, markers={"A": "CD3"})
    assert refused(tmp_path, made, datatype="F") == (
        "a.fcs: CD3 (A): a value is beyond the range of float32\n"
        "  expected   absolute values below 3.4e38\n"
        '  remedy     write it with datatype="D", which holds every value'
    )


@pytest.mark.parametrize("value", [-1.0, 0.5, 256.0, np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_integer(tmp_path: Path, value: float) -> None:
    made = Sample.from_columns("a.fcs", {"A": [1.0, value]})
    assert refused(tmp_path, made, datatype="I8") == (
        "a.fcs: A: a value is no integer of 8 bits\n"
        "  expected   whole numbers from 0 to 255\n"
        '  remedy     write it with datatype="D", which holds every value'
    )


def test_an_integer_that_its_range_would_mask(tmp_path: Path) -> None:
    made = Sample.from_columns("a.fcs", {"A": [1024.0]})
    narrow = dataclasses.replace(made, channels=(dataclasses.replace(made.channels[0], datatype="I", range=1024.0),))
    assert "a value is no integer of 10 bits" in refused(tmp_path, narrow)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"datatype": "A"}, "a.fcs: datatype is 'A'\n  available  F, D, I, I8, I16, I32, I64, None"),
        ({"byteorder": "mixed"}, "a.fcs: byteorder is 'mixed'\n  available  little, big"),
    ],
)
def test_options_that_are_none(tmp_path: Path, options: dict[str, str], text: str) -> None:
    assert refused(tmp_path, sample(), **options) == text


def test_a_sample_read_in_lenient_mode(tmp_path: Path) -> None:
    assert refused(tmp_path, dataclasses.replace(sample(), lenient=True)) == (
        "a.fcs: the sample was read in lenient mode, and a written copy would look sound\n"
        "  expected   a sample read in standard or strict mode"
    )


def test_every_ascii_character_in_the_keywords(tmp_path: Path) -> None:
    everything = "".join(map(chr, range(1, 127)))
    write_fcs(tmp_path / "a.fcs", sample(COM=everything))
    assert read_fcs(tmp_path / "a.fcs").keywords["$COM"] == everything


def test_no_delimiter_left(tmp_path: Path) -> None:
    columns = {"A": np.zeros(1, np.float32)}
    made = Sample.from_columns("a.fcs", columns, keywords={f"X{code}": chr(code) for code in range(1, 127)})
    assert refused(tmp_path, made) == (
        "a.fcs: no ASCII character separates the keywords so that they read back\n"
        "  expected   no letter or digit, and nothing with which a value begins or a key ends\n"
        "  remedy     shorten or drop keywords"
    )


@pytest.mark.parametrize(
    ("delimiter", "name"), [("", "''"), ("//", "'//'"), ("é", "'é'"), ("\0", "'\\x00'"), ("C", "'C'")]
)
def test_a_delimiter_that_cannot_be(tmp_path: Path, delimiter: str, name: str) -> None:
    assert refused(tmp_path, sample(CYT="Canto"), delimiter=delimiter) == (
        f"a.fcs: {name} does not separate the keywords so that they read back\n"
        "  expected   no letter or digit, and nothing with which a value begins or a key ends\n"
        "  remedy     leave delimiter out: one is chosen"
    )


def test_half_a_character(tmp_path: Path) -> None:
    text = "a.fcs: a keyword holds half a character, which has no bytes"
    assert refused(tmp_path, sample(COM="\ud800")) == text


def with_analysis(folder: Path) -> Sample:
    segment = b"|GATE 1|live|OPERATOR|J. Roe|RESULT|12 % of J. Roe's|"
    columns = {"A": np.arange(5.0, dtype=np.float32)}
    begin = len(fcs_bytes(columns))
    content = fcs_bytes(columns, analysis=(begin, begin + len(segment) - 1), tail=segment)
    (folder / "analysed.fcs").write_bytes(content)
    return read_fcs(folder / "analysed.fcs")


def test_analysis_is_kept(tmp_path: Path) -> None:
    made = with_analysis(tmp_path)
    assert made.analysis == {"GATE 1": "live", "OPERATOR": "J. Roe", "RESULT": "12 % of J. Roe's"}
    write_fcs(tmp_path / "b.fcs", made)
    back = read_fcs(tmp_path / "b.fcs")
    assert (back.analysis, back.findings) == (made.analysis, ())
    np.testing.assert_array_equal(back.array(), made.array())
    begin, end = (int(back.keywords[f"${name}ANALYSIS"]) for name in ("BEGIN", "END"))
    content = (tmp_path / "b.fcs").read_bytes()
    assert content[42:58] == f"{begin:>8d}{end:>8d}".encode()
    assert content[begin : begin + 8] == content[begin : begin + 1] + b"GATE 1" + content[begin : begin + 1]
    assert content[end + 1 :] == b"00000000"
    write_fcs(tmp_path / "c.fcs", back)
    assert (tmp_path / "c.fcs").read_bytes() == content


def test_analysis_without_persons(tmp_path: Path) -> None:
    made = with_analysis(tmp_path)
    told = dataclasses.replace(made, keywords=dict(made.keywords) | {"$OP": "live", "NOTE": "for J. Roe"})
    write_fcs(tmp_path / "b.fcs", told, deidentify=True)
    back = read_fcs(tmp_path / "b.fcs")
    assert back.analysis == {"GATE 1": "[removed]", "RESULT": "12 % of [removed]'s"}
    assert back.keywords["NOTE"] == "for [removed]"
    assert b"Roe" not in (tmp_path / "b.fcs").read_bytes()
