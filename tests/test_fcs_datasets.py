"""Several data sets in one file: listed, chosen by number, paired where they hold the same events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.builders_fcs import fcs_bytes

from tregflow.errors import FcsError
from tregflow.fcs import DataSet, Sample, datasets, iter_fcs, list_datasets, read_fcs

if TYPE_CHECKING:
    from pathlib import Path


def load(folder: Path, content: bytes, **options: Any) -> Sample:
    (folder / "a.fcs").write_bytes(content)
    return read_fcs(folder / "a.fcs", **options)


def refused(folder: Path, content: bytes, **options: Any) -> FcsError:
    with pytest.raises(FcsError) as caught:
        load(folder, content, **options)
    return caught.value


def chained(*sets: bytes, last: int | str = 0) -> bytes:
    """Join data sets, each made with ``$NEXTDATA 000000``; the last one's stays, or becomes `last`."""
    content = b""
    for index, each in enumerate(sets):
        following = len(each) if index + 1 < len(sets) else last
        content += each.replace(b"$NEXTDATA/000000", f"$NEXTDATA/{following:>06}".encode())
    return content


def part(n_events: int = 2, **shape: Any) -> bytes:
    keywords = {"$NEXTDATA": "000000", **shape.pop("keywords", {})}
    return fcs_bytes({"A": np.arange(n_events), "B": np.arange(n_events) + 10.5}, keywords=keywords, **shape)


THREE = chained(part(1), part(2, version="3.0"), part(3, byteord="4,3,2,1"))


def test_list(tmp_path: Path) -> None:
    (tmp_path / "a.fcs").write_bytes(THREE)
    first, second, third = list_datasets(tmp_path / "a.fcs")
    assert first == DataSet(1, 0, "3.1", 1, ("A", "B"))
    assert (second.version, second.n_events, second.begin) == ("3.0", 2, len(part(1)))
    assert str(third) == "3: FCS 3.1, 3 events, 2 channels"
    assert str(DataSet(1, 0, "3.1", None, ())) == "1: FCS 3.1, an unknown number of events, 0 channels"


@pytest.mark.parametrize("number", [1, 2, 3])
def test_by_number(tmp_path: Path, number: int) -> None:
    sample = load(tmp_path, THREE, dataset=number, sha256=True)
    np.testing.assert_array_equal(sample.values("B"), np.arange(number) + 10.5)
    assert (sample.dataset, sample.findings) == (number, ())
    assert sample.sha256 == load(tmp_path, THREE, dataset=1, sha256=True).sha256  # of the file, not of its part
    assert [piece.dataset for piece in iter_fcs(tmp_path / "a.fcs", dataset=number)] == [number]


def test_none_named(tmp_path: Path) -> None:
    error = refused(tmp_path, THREE)
    assert error.code == "E_DATASET"
    assert str(error) == (
        "a.fcs: the file holds 3 data sets, and none was named\n"
        "  expected   the number of a data set\n"
        "  available  1: FCS 3.1, 1 events, 2 channels, 2: FCS 3.0, 2 events, 2 channels, "
        "3: FCS 3.1, 3 events, 2 channels\n"
        "  remedy     read_fcs(…, dataset=1), or tregflow inspect --dataset 1"
    )


@pytest.mark.parametrize("number", [0, 4, -1])
def test_a_number_that_is_not_there(tmp_path: Path, number: int) -> None:
    error = refused(tmp_path, THREE, dataset=number)
    assert (error.code, str(error)) == (
        "E_DATASET",
        f"a.fcs: there is no data set {number}\n"
        "  expected   a number from 1 to 3\n"
        "  remedy     list_datasets(…) lists them",
    )


@pytest.mark.parametrize("position", ["000060", "000400"])
def test_a_pointer_to_none(tmp_path: Path, position: str) -> None:
    content = chained(part(), last=position) + bytes(400)
    error = refused(tmp_path, content)
    assert error.code == "E_DATASET"
    assert str(error) == (
        "a.fcs: $NEXTDATA points at no data set\n"
        "  expected   $NEXTDATA 0, or the position of another data set\n"
        f"  available  $NEXTDATA {int(position)}\n"
        "  remedy     read the first with dataset=1, or export the file again"
    )


@pytest.mark.parametrize("position", ["-00001", "999999", "abcdef"])
def test_a_pointer_out_of_the_file(tmp_path: Path, position: str) -> None:
    content = chained(part(), last=position)
    error = refused(tmp_path, content)
    assert error.code == "E_DATASET"
    assert str(error) == (
        "a.fcs: $NEXTDATA does not point into the file\n"
        f"  expected   0, or the position of another data set below {len(content)}\n"
        f"  available  $NEXTDATA '{position}'\n"
        "  remedy     the file is damaged or was written by faulty software: export it again"
    )
    sample = load(tmp_path, content, dataset=1)
    assert [(each.code, each.text) for each in sample.findings] == [
        (
            "nextdata-unusable",
            f"$NEXTDATA '{position}' points at no data set: data set 1 is read, as asked for",
        )
    ]


def test_a_data_set_inside_the_text_of_another(tmp_path: Path) -> None:
    """Otherwise a chain of headers, each with the same megabytes of TEXT, would take forever."""
    content = part(keywords={"X": "FCS3.1", "$NEXTDATA": "000000"})
    at = content.index(b"FCS3.1", 58)
    error = refused(tmp_path, chained(content, last=at))
    assert error.problem == "$NEXTDATA points at no data set"


def test_a_data_set_inside_data(tmp_path: Path) -> None:
    inner = part(1)
    outer = fcs_bytes({"A": np.zeros(400)}, keywords={"$NEXTDATA": "000000"})
    begin = len(outer) - 1600
    content = bytearray(outer.replace(b"$NEXTDATA/000000", b"$NEXTDATA/%06d" % (begin + 100)))
    content[begin + 100 : begin + 100 + len(inner)] = inner
    error = refused(tmp_path, bytes(content), dataset=1)
    assert error.code == "E_DATASET"
    assert str(error) == (
        "a.fcs: the next data set begins inside DATA\n"
        f"  expected   $NEXTDATA behind byte {len(outer) - 1}\n"
        f"  available  $NEXTDATA {begin + 100}\n"
        "  remedy     export the file again from the software that wrote it"
    )


def test_more_than_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "_MOST_SETS", 2)
    error = refused(tmp_path, THREE)
    assert (error.code, str(error)) == (
        "E_DATASET",
        "a.fcs: more than 2 data sets\n"
        "  expected   $NEXTDATA 0, or the position of another data set\n"
        "  remedy     read the first with dataset=1, or export the file again",
    )


# ------------------------------------------------------------------------------------------------------ LMD pairs


def low(markers: dict[str, str], n_events: int = 2, **keywords: str) -> bytes:
    columns = dict.fromkeys(markers, np.arange(n_events))
    named = {f"$P{number}S": marker for number, marker in enumerate(markers.values(), start=1)}
    ranges = {f"$P{number}R": "1024" for number in range(1, len(markers) + 1)}
    return fcs_bytes(
        columns,
        version="2.0",
        datatype="I",
        bits=16,
        byteord="1,2",
        keywords={"$NEXTDATA": "000000", **ranges, **named, **keywords},
        in_text=lambda *_: None,
    )


def high(*names: str, n_events: int = 2, **keywords: str) -> bytes:
    ranges = {f"$P{number}R": "1048576" for number in range(1, len(names) + 1)}
    columns = {name: np.arange(n_events) + 1000 for name in names}
    return fcs_bytes(columns, version="3.0", datatype="I", bits=32, keywords={**ranges, **keywords})


def test_a_pair(tmp_path: Path) -> None:
    first = low({"FS Lin": "FS Lin", "FL1 Log": "CD3 Log", "FL1 Lin": "CD3", "FL2 Log": "CD4-PE", "FL3 Log": "CD8"})
    sample = load(tmp_path, chained(first, high("FS", "FL1", "FL2", "FL3", "TIME", **{"$P4S": "mine"})))
    assert sample.dataset == 2
    assert [channel.pns for channel in sample.channels] == ["", "CD3", "CD4-PE", "mine", ""]
    text = (
        "the same events in 10 bits and in 20 bits (LMD): the second data set is read, marker names of FL1, FL2 come "
        "from the first"
    )
    assert [(each.code, each.severity, each.text) for each in sample.findings] == [("lmd-pair", "info", text)]
    np.testing.assert_array_equal(sample.values("FL1"), [1000, 1001])


def test_a_pair_whose_markers_contradict(tmp_path: Path) -> None:
    sample = load(tmp_path, chained(low({"FL1 Log": "CD3", "FL1 Lin": "CD4"}), high("FL1")))
    assert [channel.pns for channel in sample.channels] == [""]
    assert sample.findings[0].text == (
        "the same events in 10 bits and in 20 bits (LMD): the second data set is read, the first has no marker names"
    )


def test_either_half_by_number(tmp_path: Path) -> None:
    content = chained(low({"FL1 Log": "CD3"}), high("FL1"))
    assert load(tmp_path, content, dataset=1).channels[0].pns == "CD3"
    sample = load(tmp_path, content, dataset=2)
    assert (sample.channels[0].pns, sample.findings) == ("", ())


@pytest.mark.parametrize(
    "second",
    [
        high("FL1", n_events=3),
        high("FL1", **{"$P1R": "262144"}),
        high("FL1").replace(b"FCS3.0", b"FCS3.1"),
    ],
)
def test_no_pair(tmp_path: Path, second: bytes) -> None:
    assert refused(tmp_path, chained(low({"FL1 Log": "CD3"}), second)).code == "E_DATASET"


def test_a_pair_needs_low_ranges_first(tmp_path: Path) -> None:
    assert refused(tmp_path, chained(low({"FL1 Log": "CD3"}, **{"$P1R": "4096"}), high("FL1"))).code == "E_DATASET"
