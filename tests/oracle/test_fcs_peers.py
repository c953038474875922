"""Real files against FlowIO and fcsparser, and the outcomes that arithmetic and several readers agree on."""

from __future__ import annotations

import contextlib
import hashlib
import io
import warnings
from typing import TYPE_CHECKING, Any

import flowio
import numpy as np
import pytest
from tests.builders_fcs import fcs_bytes

from tregflow.errors import FcsError
from tregflow.fcs import Sample, iter_fcs, list_datasets, read_fcs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

WHOLE = ("flowatlas", "flowjo_simple", "gatingml2", "gatingml15", "meyerlab")
"""Folders in which every file must be read without a repair that could change a value."""

SILENT = {"data-end-plus-one", "text-doubled-delimiters", "text-empty-values", "text-not-utf8", "stext-overlap"}


def files(folder: Path) -> Iterator[Path]:
    yield from sorted(path for path in folder.rglob("*") if path.suffix in (".fcs", ".lmd"))


def with_flowio(path: Path) -> Any:
    """Read by FlowIO, with the flag that its end-plus-one files need."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        return flowio.FlowData(str(path), ignore_offset_error=True)


def raw(sample: Sample) -> NDArray[np.float64]:
    return np.stack([sample.raw(name).astype(np.float64) for name in sample.names], axis=1)


@pytest.mark.parametrize("folder", WHOLE)
def test_values_equal_those_of_flowio(data_dir: Path, folder: str) -> None:
    found = list(files(data_dir / folder))
    assert found
    for path in found:
        sample, peer = read_fcs(path, sha256=True), with_flowio(path)
        np.testing.assert_array_equal(raw(sample), peer.as_array(preprocess=False), err_msg=path.name)
        assert list(sample.names) == peer.pnn_labels
        assert {finding.code for finding in sample.findings} <= SILENT, path.name
        assert sample.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_logarithms_equal_those_of_flowio(data_dir: Path) -> None:
    path = data_dir / "gatingml2" / "data1.fcs"
    sample, peer = read_fcs(path), with_flowio(path).as_array()
    logarithmic = [channel for channel in sample.channels if channel.logarithmic]
    assert [channel.pnn for channel in logarithmic] == ["FL1-H", "FL2-H", "FL3-H", "FL4-H"]
    for channel in logarithmic:
        np.testing.assert_allclose(sample.values(channel.pnn), peer[:, channel.number - 1], rtol=5e-16)
    # FlowIO divides by $PnG; here the gain is the gate's business.
    scatter = sample.values("FSC-H").astype(np.float64)
    np.testing.assert_array_equal(scatter / sample.channel("FSC-H").gain, peer[:, 0])


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("flowio/G11.fcs", (5785, 12)),
        ("flowio/variable_int_example.fcs", (2, 26)),
        ("fcsparser/EY_2013-07-19_PBS_FCS_2.0_Custom_Without_Add_Well_A1.001.fcs", (10000, 16)),
        ("fcsparser/EY_2013-07-19_PBS_FCS_3.1_Well_A1.001.fcs", (10000, 19)),
        ("fcsparser/SG_2014-09-26_Duplicate_Names.fcs", (8129, 9)),
        ("fcsparser/cyflow_cube_8.fcs", (725, 10)),
        ("fcsparser/fcs1_cleaned.lmd", (50000, 7)),
        ("flowkit/Compensation Controls_Blue B Stained Control_005.fcs", (5000, 11)),
        ("flowkit/test_comp_example.fcs", (10703, 18)),
        ("flowkit/index_sorted_example.fcs", (384, 13)),
        ("others/fcsfilesjl_accuri_c6.fcs", (40000, 14)),
        ("others/morganconrad_partec.fcs", (33649, 8)),
    ],
)
def test_vendor_files_equal_flowio(data_dir: Path, name: str, shape: tuple[int, int]) -> None:
    path = data_dir / "fcs" / name
    sample = read_fcs(path)
    assert raw(sample).shape == shape
    np.testing.assert_array_equal(raw(sample), with_flowio(path).as_array(preprocess=False))


def codes(sample: Sample) -> set[str]:
    return {finding.code for finding in sample.findings}


def test_attune_escapes_and_trademark(data_dir: Path) -> None:
    sample = read_fcs(data_dir / "fcs" / "flowio" / "G11.fcs")
    values = list(sample.keywords.values())
    assert sum("/" in value for value in values) >= 8
    assert any("Alexa Fluor™ 405" in value for value in values)


def test_header_offset_inside_text(data_dir: Path) -> None:
    folder = data_dir / "fcs" / "flowio"
    right = read_fcs(folder / "variable_int_example.fcs")
    shifted = read_fcs(folder / "data_start_offset_discrepancy_example.fcs")
    assert "offset-repaired" in codes(shifted)
    np.testing.assert_array_equal(raw(shifted), raw(right))
    assert right.values("Time").tolist() == [8265081.0, 15691602.0]


def test_macsquant_supplemental_text(data_dir: Path) -> None:
    path = data_dir / "fcs" / "fcsparser" / "EY_2013-07-19_PBS_FCS_3.1_Well_A1.001.fcs"
    sample = read_fcs(path)
    assert len(sample.keywords) - len(with_flowio(path).text) == 99
    assert codes(sample) == {"data-end-plus-one"}


def test_macsquant_marker_with_a_slash(data_dir: Path) -> None:
    sample = read_fcs(data_dir / "fcs" / "fcsparser" / "SG_2014-09-26_Duplicate_Names.fcs")
    assert "GFP/FITC-A" in [channel.pns or channel.pnn for channel in sample.channels]


def test_sysmex_cube_declares_an_archive_as_text(data_dir: Path) -> None:
    assert "stext-not-text" in codes(read_fcs(data_dir / "fcs" / "fcsparser" / "cyflow_cube_8.fcs"))


def test_partec_empty_value(data_dir: Path) -> None:
    sample = read_fcs(data_dir / "fcs" / "others" / "morganconrad_partec.fcs")
    assert (sample.keywords["$INST"], "$FIL" in sample.keywords) == ("", True)


def test_header_without_data_offsets(data_dir: Path) -> None:
    sample = read_fcs(data_dir / "fcs" / "fcsparser" / "fake_large_fcs.fcs")
    assert codes(sample) == {"header-data-absent"}
    assert (sample.n_events, len(sample.channels)) == (11585, 11)


def test_navios_high_bits(data_dir: Path) -> None:
    sample = read_fcs(data_dir / "fcs" / "fcsparser" / "fcs1_cleaned.lmd")
    assert set(np.unique(raw(sample))) == {528.0}
    assert "bits-masked" in codes(sample)


def test_coulter_pair(data_dir: Path) -> None:
    path = data_dir / "fcs" / "flowio" / "coulter.lmd"
    first, second = list_datasets(path)
    assert (first.version, first.n_events, first.begin) == ("2.0", 18110, 0)
    assert (second.version, second.n_events, second.begin) == ("3.0", 18110, 363602)
    sample = read_fcs(path)
    maxima = [1048544, 1048544, 193024, 478560, 1048544, 65568, 1048544, 155]
    assert raw(sample).max(axis=0).tolist() == maxima
    # Its FCS 2.0 half names no markers: $PnS repeats the channels.
    assert [channel.label for channel in sample.channels] == ["FS", "SS", "FL1", "FL2", "FL3", "FL4", "FL5", "TIME"]
    assert codes(sample) == {"lmd-pair", "trailing-bytes", "bits-masked"}
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        peers = flowio.read_multiple_data_sets(str(path), ignore_offset_error=True)
    for number, peer in enumerate(peers, start=1):
        ours = read_fcs(path, dataset=number)
        np.testing.assert_array_equal(raw(ours), peer.as_array(preprocess=False))


def test_partec_analysis(data_dir: Path) -> None:
    sample = read_fcs(data_dir / "fcs" / "others" / "morganconrad_partec.fcs")
    assert len(sample.analysis) == 155


def test_blank_time_step(data_dir: Path) -> None:
    sample = read_fcs(data_dir / "fcs" / "flowio" / "variable_int_example.fcs")
    assert codes(sample) == {"timestep-unusable", "bits-masked"}
    assert sample.time(unscaled=True).tolist() == [8265081.0, 15691602.0]


def test_lenient_reading_refuses_shifted_values(data_dir: Path) -> None:
    with pytest.raises(FcsError) as caught:
        read_fcs(data_dir / "fcs" / "others" / "readfcs_example.fcs", mode="lenient")
    assert caught.value.code == "E_TEXTMODE_DAMAGE"


def test_pieces_and_ranges_of_real_files(data_dir: Path) -> None:
    for path in files(data_dir / "fcs"):
        try:
            whole = read_fcs(path)
        except FcsError:
            continue
        pieces = list(iter_fcs(path, n_events=777))
        np.testing.assert_array_equal(np.concatenate([raw(piece) for piece in pieces]), raw(whole), err_msg=path.name)
        part = read_fcs(path, events=(1, 5))
        np.testing.assert_array_equal(raw(part), raw(whole)[1:5], err_msg=path.name)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("fcsparser/corrupted.fcs", "E_NOT_FCS"),
        ("others/readfcs_example.fcs", "E_TEXTMODE_DAMAGE"),
    ],
)
def test_refused(data_dir: Path, name: str, code: str) -> None:
    with pytest.raises(FcsError) as caught:
        read_fcs(data_dir / "fcs" / name)
    assert caught.value.code == code


def test_text_equals_that_of_fcsparser(data_dir: Path) -> None:
    fcsparser = pytest.importorskip("fcsparser")
    names = [
        "flowatlas/a/390C_Liver_026.fcs",
        "flowjo_simple/data_set_simple_line_100.fcs",
        "meyerlab/Well_A01_CD3+CD4+.fcs",
        "fcs/flowkit/test_comp_example.fcs",
        "fcs/flowio/G11.fcs",
    ]
    for name in names:
        sample = read_fcs(data_dir / name, channels=())
        with warnings.catch_warnings():  # it complains of padding behind TEXT
            warnings.simplefilter("ignore")
            meta = fcsparser.parse(str(data_dir / name), meta_data_only=True)
        theirs = {key.upper(): str(value) for key, value in meta.items() if not key.startswith("_")}
        for key, value in sample.keywords.items():
            # fcsparser turns some values into numbers and strips the others.
            assert theirs[key].strip() in (value.strip(), value.strip().lstrip("0") or "0"), (name, key)
        assert set(theirs) == set(sample.keywords)


@pytest.mark.parametrize("datatype", ["F", "D", "I"])
@pytest.mark.parametrize("byteord", ["1,2,3,4", "4,3,2,1"])
def test_made_files_equal_flowio(tmp_path: Path, datatype: str, byteord: str) -> None:
    values = np.random.default_rng(5).integers(0, 2**16, (100, 3))
    content = fcs_bytes(
        {name: values[:, index] for index, name in enumerate("ABC")}, datatype=datatype, byteord=byteord
    )
    path = tmp_path / "a.fcs"
    path.write_bytes(content)
    np.testing.assert_array_equal(raw(read_fcs(path)), with_flowio(path).as_array(preprocess=False))


def test_flowio_reads_what_is_written(tmp_path: Path) -> None:
    from tregflow.fcs import write_fcs

    events = np.random.default_rng(6).normal(0, 1e4, (1000, 3)).astype(np.float32)
    columns = {name: events[:, index] for index, name in enumerate(("FSC-A", "B515-A", "Time"))}
    sample = Sample.from_columns("a.fcs", columns, markers={"B515-A": "CD25"}, keywords={"$CYT": "simulated"})
    write_fcs(tmp_path / "a.fcs", sample, spillover="1,B515-A,1.0")
    peer = flowio.FlowData(str(tmp_path / "a.fcs"))
    np.testing.assert_array_equal(peer.as_array(preprocess=False), events)
    assert (peer.pnn_labels, peer.pns_labels) == (["FSC-A", "B515-A", "Time"], ["", "CD25", ""])
    assert (peer.text["spillover"], peer.text["cyt"]) == ("1,B515-A,1.0", "simulated")
