"""Write, then read, is the identity: for every type, width, byte order, delimiter and name."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tregflow.errors import FcsError
from tregflow.fcs import Channel, Sample, read_fcs, write_fcs

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

WIDTHS = range(8, 65, 8)
HARMLESS = {"not-finite", "data-end-computed", "text-doubled-delimiters", "text-delimiters-ambiguous"}
"""What is noticed of a written file: of values, of DATA without events, of delimiters that were asked for."""

# Names as people write them: any script, spaces inside, no control characters. TEXT holds any character in its values.
names = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=12).map(
    str.strip
)
keys = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=8).map(
    lambda key: f"#{key}".upper()
)
values = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)


@st.composite
def channels(draw: st.DrawFn, number: int, name: str) -> Channel:
    datatype = draw(st.sampled_from(["F", "D", "I"]))
    marker = draw(names)
    if datatype != "I":
        return Channel(number, name, marker, datatype, {"F": 32, "D": 64}[datatype], 262144.0, (0.0, 0.0), 1.0)
    bits = draw(st.sampled_from(WIDTHS))
    steps = draw(st.integers(1, bits))
    decades = draw(st.sampled_from([(0.0, 0.0), (4.0, 1.0), (4.5, 0.1024)]))
    return Channel(number, name, marker, "I", bits, 2.0**steps, decades, 1.0)


def column(draw: st.DrawFn, channel: Channel, n_events: int) -> NDArray[Any]:
    """Return values of a channel in the type in which the reader gives them."""
    if channel.datatype == "I":
        whole = st.integers(0, 2**channel.significant_bits - 1)
        exact = channel.significant_bits
        kind: Any = np.float32 if exact <= 24 else np.float64 if exact <= 53 else np.uint64
        return np.array(draw(st.lists(whole, min_size=n_events, max_size=n_events)), dtype=kind)
    width = channel.bits
    floats = st.floats(width=width)  # type: ignore[arg-type]
    drawn = draw(st.lists(floats, min_size=n_events, max_size=n_events))
    return np.array(drawn, dtype=np.float32 if width == 32 else np.float64)


@st.composite
def samples(draw: st.DrawFn, *, one_type: bool = False) -> Sample:
    taken = draw(st.lists(names.filter(bool), min_size=1, max_size=5, unique=True))
    made = [draw(channels(number, name)) for number, name in enumerate(taken, start=1)]
    if one_type:
        made = [each for each in made if each.datatype == made[0].datatype]
        made = [dataclasses.replace(each, number=number) for number, each in enumerate(made, start=1)]
    n_events = draw(st.integers(0, 4))
    return Sample(
        file="a.fcs",
        path=None,
        version="3.1",
        keywords=draw(st.dictionaries(keys, values, max_size=4)),
        channels=tuple(made),
        n_events=n_events,
        columns={each.pnn: column(draw, each, n_events) for each in made},
    )


def there_and_back(folder: Path, made: Sample, **options: Any) -> Sample:
    path = folder / "a.fcs"
    write_fcs(path, made, **options)
    return read_fcs(path)


def assert_same(back: Sample, made: Sample, *, harmless: set[str] = HARMLESS) -> None:
    assert back.channels == made.channels
    assert back.n_events == made.n_events
    for name in made.names:
        assert back.raw(name).dtype == made.raw(name).dtype
        assert back.raw(name).tobytes() == made.raw(name).tobytes()
    written = {key: back.keywords.get(key) for key in made.keywords}
    assert written == dict(made.keywords)
    assert {finding.code for finding in back.findings} <= harmless


@given(made=samples(), byteorder=st.sampled_from(["little", "big"]))
def test_any_mixture_of_types(tmp_path_factory: pytest.TempPathFactory, made: Sample, byteorder: str) -> None:
    back = there_and_back(tmp_path_factory.getbasetemp(), made, version="3.2", byteorder=byteorder)
    assert back.version == "3.2"
    assert_same(back, made, harmless={"not-finite", "data-end-computed"})


@given(
    made=samples(one_type=True),
    byteorder=st.sampled_from(["little", "big"]),
    version=st.sampled_from(["3.0", "3.1", "3.2"]),
)
def test_any_type_in_any_version(
    tmp_path_factory: pytest.TempPathFactory, made: Sample, byteorder: str, version: str
) -> None:
    back = there_and_back(tmp_path_factory.getbasetemp(), made, version=version, byteorder=byteorder)
    assert back.version == version
    assert_same(back, made, harmless={"not-finite", "data-end-computed"})


@given(made=samples(one_type=True), delimiter=st.integers(1, 126).map(chr).filter(lambda letter: not letter.isalnum()))
@example(
    made=Sample.from_columns("a.fcs", {"A": [1.0]}, keywords={"#A": "x//", "#B": "y///z", "#C": "//"}), delimiter="/"
)
@example(made=Sample.from_columns("a.fcs", {"A": [1.0]}, keywords={"#A": "x/$TOT/5/$P1B"}), delimiter="/")
def test_any_delimiter(tmp_path_factory: pytest.TempPathFactory, made: Sample, delimiter: str) -> None:
    try:
        back = there_and_back(tmp_path_factory.getbasetemp(), made, delimiter=delimiter)
    except FcsError as error:
        # A value cannot begin with the delimiter, nor a key end with it; which of our own keys and numbers do.
        assert error.code == "E_WRITE"  # noqa: PT017
        assume(False)
    assert_same(back, made)


@given(made=samples(one_type=True), byteorder=st.sampled_from(["little", "big"]))
def test_any_numbers_as_float64(tmp_path_factory: pytest.TempPathFactory, made: Sample, byteorder: str) -> None:
    assume(all(made.raw(name).dtype != np.uint64 for name in made.names))
    back = there_and_back(tmp_path_factory.getbasetemp(), made, datatype="D", byteorder=byteorder)
    for name in made.names:
        np.testing.assert_array_equal(back.values(name), made.values(name))
    assert {(channel.datatype, channel.bits) for channel in back.channels} == {("D", 64)}


@pytest.mark.parametrize("delimiter", "/|\\#!~\x1e\x0c*,;:=@<>\"'`_-.+?()[]{}^$% \t\r\n")
def test_a_delimiter_within_values(tmp_path: Path, delimiter: str) -> None:
    keywords = {"NOTE": f"a{delimiter}b", "TWO": f"a{delimiter}{delimiter}b", "LAST": f"a{delimiter}"}
    made = Sample.from_columns("a.fcs", {"x": [1.0]}, markers={"x": f"c{delimiter}d"}, keywords=keywords)
    if delimiter == "$":  # with which keys begin
        with pytest.raises(FcsError, match="does not separate the keywords"):
            write_fcs(tmp_path / "a.fcs", made, delimiter=delimiter)
        return
    back = there_and_back(tmp_path, made, delimiter=delimiter)
    assert_same(back, made)
    assert (tmp_path / "a.fcs").read_bytes()[58:59] == delimiter.encode()


@pytest.mark.parametrize("byteorder", ["little", "big"])
@pytest.mark.parametrize("bits", WIDTHS)
def test_every_width_as_bytes(tmp_path: Path, bits: int, byteorder: Any) -> None:
    """The bytes themselves, decoded by Python's own integers, apart from our reader."""
    numbers = [0, 1, 2**bits - 1, 2 ** (bits - 1) + 3]
    kind: Any = np.float32 if bits <= 24 else np.float64 if bits <= 53 else np.uint64
    made = Sample.from_columns("a.fcs", {"A": numbers})
    channel = dataclasses.replace(made.channels[0], datatype="I", bits=bits, range=2.0**bits)
    made = dataclasses.replace(made, channels=(channel,), columns={"A": np.array(numbers, kind)})
    write_fcs(tmp_path / "a.fcs", made, byteorder=byteorder)
    content = (tmp_path / "a.fcs").read_bytes()
    begin, width = int(content[26:34]), bits // 8
    cut = [content[begin + width * place : begin + width * (place + 1)] for place in range(4)]
    assert [int.from_bytes(each, byteorder) for each in cut] == numbers
    assert_same(read_fcs(tmp_path / "a.fcs"), made)


@pytest.mark.parametrize("version", ["3.1", "3.2"])
@pytest.mark.parametrize("n_events", [0, 1, 8_193])
def test_five_hundred_channels(tmp_path: Path, n_events: int, version: str) -> None:
    events = np.random.default_rng(1).normal(0, 1e4, (n_events, 500)).astype(np.float32)
    made = Sample.from_columns("a.fcs", {f"D{index}": events[:, index] for index in range(500)})
    assert_same(there_and_back(tmp_path, made, version=version), made)


def test_two_channels_without_events(tmp_path: Path) -> None:
    made = Sample.from_columns("a.fcs", {"A": [], "B": []})
    assert_same(there_and_back(tmp_path, made), made)


def test_integers_too_long_for_a_float64(tmp_path: Path) -> None:
    made = Sample.from_columns("a.fcs", {"A": [0.0]})
    channel = dataclasses.replace(made.channels[0], datatype="I", bits=64, range=2.0**64)
    made = dataclasses.replace(made, channels=(channel,), columns={"A": np.array([2**53 + 1], np.uint64)})
    with pytest.raises(FcsError) as caught:
        write_fcs(tmp_path / "a.fcs", made, datatype="D")
    assert caught.value.code == "E_WRITE"
    assert str(caught.value) == (
        "a.fcs: A: an integer is too long for a float64\n"
        "  expected   integers up to 2^53\n"
        "  remedy     leave datatype out: each channel is written as it is stored"
    )
    narrow = dataclasses.replace(made, channels=(dataclasses.replace(channel, range=2.0**53),))
    with pytest.raises(FcsError, match="a value is no integer of 53 bits"):
        write_fcs(tmp_path / "a.fcs", narrow)


def test_real_files_are_written_back(tmp_path: Path, data_dir: Path) -> None:
    folders = ("flowatlas/a", "gatingml2", "gatingml15/events", "flowjo_simple", "meyerlab", "fcs")
    written = 0
    for path in sorted(path for folder in folders for path in (data_dir / folder).rglob("*") if path.is_file()):
        if path.suffix not in (".fcs", ".lmd"):
            continue
        try:
            made = read_fcs(path)
        except FcsError:
            continue
        stated = {key: value for key, value in made.keywords.items() if value and not key.startswith("$")}
        back = there_and_back(tmp_path, made)
        for name in made.names:
            assert back.raw(name).tobytes() == made.raw(name).tobytes(), (path.name, name)
        assert [each.pnn for each in back.channels] == [each.pnn for each in made.channels]
        assert {key: back.keywords.get(key) for key in stated} == stated, path.name
        again = [finding.code for finding in back.findings if finding.severity in ("review", "error")]
        assert again == [], path.name
        written += 1
    assert written >= 35
