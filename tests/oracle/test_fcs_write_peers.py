"""What is written, read by FlowIO, fcsparser and FlowKit; where a peer does not know a type, the test says so."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import warnings
from typing import TYPE_CHECKING, Any

import flowio
import numpy as np
import pytest

from tregflow.errors import FcsError
from tregflow.fcs import Sample, read_fcs, write_fcs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

fcsparser = pytest.importorskip("fcsparser")
NAMES = ("FSC-A", "B515-A", "Time")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def by_flowio(path: Path) -> NDArray[np.float64]:
    with quiet():
        return np.asarray(flowio.FlowData(str(path)).as_array(preprocess=False))


def by_fcsparser(path: Path) -> NDArray[np.float64]:
    """Return fcsparser's values, which it rounds to float32."""
    with quiet():
        return np.asarray(fcsparser.parse(str(path), channel_naming="$PnN")[1], dtype=np.float64)


def by_flowkit(path: Path) -> NDArray[np.float64]:
    """Return FlowKit's raw events: no $PnE, $PnG or $TIMESTEP stand in the files made here, so that they are ours."""
    import flowkit

    with quiet():
        return np.asarray(flowkit.Sample(str(path)).get_events(source="raw"))


def floats(n_events: int = 500) -> Sample:
    events = np.random.default_rng(6).normal(0, 1e4, (n_events, 3)).astype(np.float32)
    columns = {name: events[:, index] for index, name in enumerate(NAMES)}
    keywords = {"$CYT": "simulated", "#NOTE": "488/10 BP | 3", "$COM": "ß €", "#PAD": " b "}
    return Sample.from_columns("a.fcs", columns, markers={"B515-A": "CD25™ β"}, keywords=keywords)


def integers(bits: int | tuple[int, ...]) -> Sample:
    """Return a sample of integers that need every bit, of one width or of three."""
    widths = bits if isinstance(bits, tuple) else (bits,) * 3
    generator = np.random.default_rng(7)
    drawn = [generator.integers(0, 2**width, 500, dtype=np.uint64) for width in widths]
    columns = dict(zip(NAMES, drawn, strict=True))
    made = Sample.from_columns("a.fcs", {name: [0.0] * 500 for name in NAMES})
    channels = tuple(
        dataclasses.replace(channel, datatype="I", bits=width, range=2.0**width)
        for channel, width in zip(made.channels, widths, strict=True)
    )
    return dataclasses.replace(made, channels=channels, columns=columns)


def raw(sample: Sample) -> NDArray[np.float64]:
    return np.stack([sample.raw(name).astype(np.float64) for name in sample.names], axis=1)


@pytest.mark.parametrize("version", ["3.0", "3.1", "3.2"])
@pytest.mark.parametrize("datatype", ["F", "D"])
@pytest.mark.parametrize("byteorder", ["little", "big"])
def test_floats(tmp_path: Path, datatype: Any, byteorder: Any, version: str) -> None:
    path = tmp_path / "a.fcs"
    write_fcs(path, floats(), datatype=datatype, byteorder=byteorder, version=version)
    expected = raw(floats())
    np.testing.assert_array_equal(by_flowio(path), expected)
    np.testing.assert_array_equal(by_flowkit(path), expected)
    if byteorder == "little":
        np.testing.assert_array_equal(by_fcsparser(path), expected)
    else:  # ndarray.newbyteorder is gone from NumPy 2
        with pytest.raises(AttributeError, match="newbyteorder"):
            by_fcsparser(path)


@pytest.mark.parametrize("bits", [8, 16, 32, (8, 16, 32), (32, 8, 16)])
@pytest.mark.parametrize("byteorder", ["little", "big"])
def test_integers(tmp_path: Path, bits: int | tuple[int, ...], byteorder: Any) -> None:
    path = tmp_path / "a.fcs"
    made = integers(bits)
    write_fcs(path, made, byteorder=byteorder)
    np.testing.assert_array_equal(by_flowio(path), raw(made))
    np.testing.assert_array_equal(by_flowkit(path), raw(made))
    if byteorder == "little":
        np.testing.assert_array_equal(by_fcsparser(path), raw(made).astype(np.float32))


@pytest.mark.parametrize("bits", [24, 64])
def test_integers_that_peers_do_not_read(tmp_path: Path, bits: int) -> None:
    """FlowIO gives no events for either; fcsparser refuses 24 bits in little endian and is wrong on 64 (fcs.md 6.3)."""
    path = tmp_path / "a.fcs"
    made = integers(bits)
    write_fcs(path, made)
    np.testing.assert_array_equal(raw(read_fcs(path)), raw(made))
    with quiet():
        assert flowio.FlowData(str(path)).events is None


def test_mixed_types_that_no_peer_reads(tmp_path: Path) -> None:
    """FCS 3.2 with $PnDATATYPE: FlowIO and fcsparser take $DATATYPE for all columns, without a word."""
    path = tmp_path / "a.fcs"
    made = floats()
    long = dataclasses.replace(made.channels[2], datatype="D", bits=64)
    columns = {**made.columns, "Time": made.columns["Time"].astype(np.float64)}
    made = dataclasses.replace(made, channels=(*made.channels[:2], long), columns=columns)
    write_fcs(path, made, version="3.2")
    np.testing.assert_array_equal(raw(read_fcs(path)), raw(made))
    with contextlib.suppress(Exception):
        assert not np.array_equal(by_flowio(path), raw(made))


def test_text(tmp_path: Path) -> None:
    path = tmp_path / "a.fcs"
    write_fcs(path, floats(), spillover="1,B515-A,1.0")
    peer = flowio.FlowData(str(path))
    assert (peer.pnn_labels, peer.pns_labels) == (list(NAMES), ["", "CD25™ β", ""])
    assert {key: peer.text[key] for key in ("spillover", "cyt", "#note", "com", "#pad")} == {
        "spillover": "1,B515-A,1.0", "cyt": "simulated", "#note": "488/10 BP | 3", "com": "ß €", "#pad": " b "
    }  # fmt: skip
    with quiet():
        meta = fcsparser.parse(str(path), meta_data_only=True)
    ours = read_fcs(path).keywords
    assert {key: str(value) for key, value in meta.items() if not key.startswith("_")} == dict(ours)


@pytest.mark.parametrize("delimiter", "/|\\#!~\x1e\x0c*%&,;:=@")
def test_a_delimiter_that_values_hold(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "a.fcs"
    made = Sample.from_columns("a.fcs", {"x": np.ones(3, np.float32)}, keywords={"NOTE": f"a{delimiter}b", "LAST": "z"})
    write_fcs(path, made, delimiter=delimiter)
    with quiet():
        meta = fcsparser.parse(str(path), meta_data_only=True)
        peer = flowio.FlowData(str(path))
    assert (meta["NOTE"], meta["LAST"]) == (f"a{delimiter}b", "z")
    assert peer.text["last"] == "z"
    # FlowIO leaves a doubled delimiter double where it takes the character for a pattern.
    assert peer.text["note"] in (f"a{delimiter}b", f"a{delimiter * 2}b")
    np.testing.assert_array_equal(by_flowio(path), raw(made))


@pytest.mark.parametrize("n_events", [0, 1])
def test_few_events(tmp_path: Path, n_events: int) -> None:
    path = tmp_path / "a.fcs"
    made = floats(n_events)
    write_fcs(path, made)
    for peer in (by_flowio, by_fcsparser, by_flowkit):
        np.testing.assert_array_equal(peer(path).reshape(-1, 3), raw(made))


def test_five_hundred_channels(tmp_path: Path) -> None:
    path = tmp_path / "a.fcs"
    events = np.random.default_rng(8).normal(0, 1e4, (20, 500)).astype(np.float32)
    write_fcs(path, Sample.from_columns("a.fcs", {f"D{index}": events[:, index] for index in range(500)}))
    for peer in (by_flowio, by_fcsparser, by_flowkit):
        np.testing.assert_array_equal(peer(path), events)


def test_real_files_written_again_are_read_by_flowio(tmp_path: Path, data_dir: Path) -> None:
    path = tmp_path / "a.fcs"
    compared = 0
    for file in sorted(each for each in data_dir.rglob("*") if each.suffix in (".fcs", ".lmd")):
        try:
            made = read_fcs(file)
        except FcsError:
            continue
        write_fcs(path, made, version="3.1")
        np.testing.assert_array_equal(by_flowio(path), raw(made), err_msg=file.name)
        np.testing.assert_array_equal(by_fcsparser(path), raw(made), err_msg=file.name)
        compared += 1
    assert compared >= 35


def test_analysis_is_in_no_peers_way(tmp_path: Path) -> None:
    analysed = dataclasses.replace(floats(), analysis={"GATE 1": "live", "GATE 1 COUNT": "12/34"})
    path = tmp_path / "a.fcs"
    write_fcs(path, analysed)
    for peer in (by_flowio, by_fcsparser, by_flowkit):
        np.testing.assert_array_equal(peer(path), analysed.array())
    with quiet():
        assert flowio.FlowData(str(path)).analysis == {"gate 1": "live", "gate 1 count": "12/34"}
