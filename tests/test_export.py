"""Events of a population as files for other programs: what is in them, what they come from, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.builders import TREE, cells, events, strategy
from tests.builders_study import EXAMPLE

import tregflow as tf
from tregflow._files import sha256_bytes
from tregflow.compensation import Spillover, Unmixing
from tregflow.export import export_events, export_masks, packages
from tregflow.export.events import unique_labels
from tregflow.fcs import Sample, read_fcs, write_fcs

if TYPE_CHECKING:
    from pathlib import Path

    from tregflow.populations import Gated

pq = pytest.importorskip("pyarrow.parquet")
anndata = pytest.importorskip("anndata")

GATES = ("High: {above: {A: 100}}", "Both: {in: High, above: {B: 100}}", "None: {in: High, above: {A: 1e9}}")
OPTIONAL = "Gone: {above: {CD99: 1}, optional: true}"
SPILL = "2,A,B,1.0,0.1,0.05,1.0"
PERSONS = {"$OP": "Jane Doe", "$SRC": "Patient John Roe", "$CYT": "cytometer of Jane Doe", "$DATE": "03-FEB-2025"}


def sample(file: str = "P01.fcs", **keywords: str) -> Sample:
    """Return six events of float32, of which 1, 2 and 4 are High, and 2 and 4 are Both once compensated."""
    columns = {
        "FSC": np.array([1, 2, 3, 4, 5, 6], np.float32),
        "A": np.array([10, 500, 500, 20, 700.5, 5], np.float32),
        "B": np.array([10, 60, 600, 900, 301.25, 5], np.float32),
    }
    given = {"$SPILLOVER": SPILL, **{f"${name}": value for name, value in keywords.items()}}
    return Sample.from_columns(file, columns, markers={"A": "CD4", "B": "CD25"}, keywords=given)


def gated(made: Sample | None = None, *gates: str, **sections: str) -> Gated:
    return strategy(*GATES, *gates, **{"compensation": "fcs", **sections}).gate(made or sample(), id="P01")


def metadata(path: Path) -> dict[str, str]:
    return dict(json.loads(pq.read_schema(path).metadata[b"tregflow"]))


# ----------------------------------------------------------------------------------------------------------------- FCS


def test_fcs_holds_the_events_as_they_are_stored(tmp_path: Path) -> None:
    source = sample()
    assert export_events(gated(source), "Both", tmp_path / "a.fcs") == 2
    made = read_fcs(tmp_path / "a.fcs")
    assert (made.names, made.n_events, made.keywords["$TOT"]) == (("FSC", "A", "B", "tregflow_event"), 2, "2")
    for name in source.names:
        np.testing.assert_array_equal(made.values(name), source.values(name)[[2, 4]])
        assert made.values(name).dtype == np.float32
    assert made.values("tregflow_event").tolist() == [2, 4]
    assert [channel.pns for channel in made.channels] == ["", "CD4", "CD25", ""]
    assert (made.keywords["$SPILLOVER"], made.keywords["$ORIGINALITY"]) == (SPILL, "DataModified")
    assert made.findings == ()


def test_what_was_exported_is_gated_as_before(tmp_path: Path) -> None:
    export_events(gated(), "High", tmp_path / "a.fcs")
    again = gated(read_fcs(tmp_path / "a.fcs"))
    assert [again.count(name) for name in ("root", "High", "Both")] == [3, 3, 2]


def test_compensated_fcs_is_float64_under_names_that_refuse_a_second_compensation(tmp_path: Path) -> None:
    before = gated()
    export_events(before, "High", tmp_path / "a.fcs", compensated=True)
    made = read_fcs(tmp_path / "a.fcs")
    assert made.names == ("FSC", "Comp-A", "Comp-B", "tregflow_event")
    for axis in "AB":
        np.testing.assert_array_equal(made.values(f"Comp-{axis}"), before.values(axis)[before["High"]])
    assert {channel.datatype for channel in made.channels} == {"D"}
    assert not {"$SPILLOVER", "SPILL"} & set(made.keywords)
    for refused in (lambda: Spillover.from_sample(made), lambda: Spillover(("A", "B"), np.eye(2), "m").check(made)):
        with pytest.raises(tf.CompensationError, match="compensated already") as error:
            refused()
        assert error.value.code == "E_COMPENSATED_TWICE"
    again = strategy(
        *GATES, compensation="none", panel="{A: {pnn: [Comp-A]}, B: {pnn: [Comp-B]}}"
    ).gate(made)  # fmt: skip
    assert [again.count(name) for name in ("High", "Both")] == [3, 2]


def test_what_events_come_from(tmp_path: Path) -> None:
    write_fcs(tmp_path / "P01.fcs", sample())
    source = read_fcs(tmp_path / "P01.fcs", sha256=True)
    before = gated(source)
    export_events(before, "Both", tmp_path / "a.fcs")
    keywords = read_fcs(tmp_path / "a.fcs").keywords
    stated = {key: value for key, value in keywords.items() if key.startswith("TREGFLOW_")}
    assert stated == {
        "TREGFLOW_VERSION": tf.__version__,
        "TREGFLOW_SOURCE_SHA256": source.sha256,
        "TREGFLOW_SOURCE_EVENTS": "6",
        "TREGFLOW_POPULATION": "Both",
        "TREGFLOW_STRATEGY": "test",
        "TREGFLOW_STRATEGY_SHA256": before.strategy.sha256,
        "TREGFLOW_GATES_SHA256": sha256_bytes(before.strategy.to_yaml().encode()),
        "TREGFLOW_COMPENSATION": "$SPILLOVER",
        "TREGFLOW_COMPENSATION_SHA256": Spillover.from_sample(source).sha256,
        "TREGFLOW_SPILLOVER": SPILL,
        "TREGFLOW_VALUES": "stored",
        "TREGFLOW_EVENT_CHANNEL": "tregflow_event",
    }
    export_events(before, "Both", tmp_path / "b.fcs", compensated=True)
    assert read_fcs(tmp_path / "b.fcs").keywords["TREGFLOW_VALUES"] == "compensated"


def test_a_matrix_that_was_given_is_the_one_that_is_stated_and_applied(tmp_path: Path) -> None:
    given = Spillover(("A", "B"), np.array([[1.0, 0.5], [0.0, 1.0]]), "own.csv")
    before = strategy(*GATES).gate(sample(), spillover=given)
    export_events(before, "High", tmp_path / "a.fcs", compensated=True)
    made = read_fcs(tmp_path / "a.fcs")
    assert made.keywords["TREGFLOW_COMPENSATION"] == "own.csv"
    assert made.values("Comp-B").tolist() == [60 - 250, 600 - 250, 301.25 - 350.25]


def test_without_compensation_the_values_are_those_of_the_file(tmp_path: Path) -> None:
    before = gated(compensation="none")
    export_events(before, "High", tmp_path / "a.fcs", compensated=True)
    made = read_fcs(tmp_path / "a.fcs")
    assert made.names == ("FSC", "A", "B", "tregflow_event")
    assert (made.keywords["TREGFLOW_COMPENSATION"], "$SPILLOVER" in made.keywords) == ("none", False)
    np.testing.assert_array_equal(made.values("A"), sample().values("A")[[1, 2, 4]])


def test_persons_stay_out_unless_they_are_asked_for(tmp_path: Path) -> None:
    source = replace(sample(), keywords={**sample().keywords, **PERSONS, "EXPORT USER NAME": "jdoe"})
    for compensated in (False, True):
        export_events(gated(source), "High", tmp_path / "a.fcs", compensated=compensated)
        written = (tmp_path / "a.fcs").read_bytes()
        assert not any(name in written for name in (b"Jane", b"John", b"jdoe", b"P01"))
        assert read_fcs(tmp_path / "a.fcs").keywords["$CYT"] == "cytometer of [removed]"
        assert read_fcs(tmp_path / "a.fcs").keywords["$DATE"] == "03-FEB-2025"
    export_events(gated(source), "High", tmp_path / "a.fcs", keep_persons=True)
    kept = read_fcs(tmp_path / "a.fcs").keywords
    assert {key: kept[key] for key in PERSONS} == PERSONS
    assert (kept["TREGFLOW_SOURCE_FILE"], kept["TREGFLOW_SAMPLE"]) == ("P01.fcs", "P01")


def test_an_operator_who_is_called_like_a_population(tmp_path: Path) -> None:
    export_events(gated(sample(OP="Both")), "Both", tmp_path / "a.fcs")
    assert read_fcs(tmp_path / "a.fcs").keywords["TREGFLOW_POPULATION"] == "Both"


def test_a_change_before_this_one_is_no_longer_told(tmp_path: Path) -> None:
    source = sample(LAST_MODIFIED="01-JAN-2025 10:00:00", LAST_MODIFIER="Jane", ORIGINALITY="Original")
    export_events(gated(source), "High", tmp_path / "a.fcs", keep_persons=True)
    made = read_fcs(tmp_path / "a.fcs").keywords
    assert not {"$LAST_MODIFIED", "$LAST_MODIFIER"} & set(made)
    assert made["$ORIGINALITY"] == "DataModified"


def test_an_export_of_an_export_keeps_both_numbers(tmp_path: Path) -> None:
    export_events(gated(), "High", tmp_path / "a.fcs")
    export_events(gated(read_fcs(tmp_path / "a.fcs", sha256=True)), "Both", tmp_path / "b.fcs")
    made = read_fcs(tmp_path / "b.fcs")
    assert made.names[-2:] == ("tregflow_event", "tregflow_event#2")
    assert made.values("tregflow_event").tolist() == [2, 4]
    assert made.values("tregflow_event#2").tolist() == [1, 2]
    assert made.keywords["TREGFLOW_EVENT_CHANNEL"] == "tregflow_event#2"
    assert made.keywords["TREGFLOW_SOURCE_SHA256"] == read_fcs(tmp_path / "a.fcs", sha256=True).sha256


def test_a_range_of_events_counts_from_the_start_of_the_file(tmp_path: Path) -> None:
    write_fcs(tmp_path / "P01.fcs", sample())
    part = read_fcs(tmp_path / "P01.fcs", events=(2, 6))
    export_events(gated(part), "High", tmp_path / "a.fcs")
    made = read_fcs(tmp_path / "a.fcs")
    assert made.values("tregflow_event").tolist() == [2, 4]
    assert made.keywords["TREGFLOW_SOURCE_EVENTS"] == "6"


def test_numbers_beyond_24_bits_are_exact(tmp_path: Path) -> None:
    far = 2**24
    part = replace(sample(), first_event=far, events_in_file=far + 6)
    export_events(gated(part), "Both", tmp_path / "a.fcs")
    made = read_fcs(tmp_path / "a.fcs")
    assert made.values("tregflow_event").tolist() == [far + 2, far + 4]
    np.testing.assert_array_equal(made.values("B"), sample().values("B")[[2, 4]])


def integers(*, logarithmic: bool = False, bits: int = 16) -> Sample:
    made = sample()
    amplification = (4.0, 1.0) if logarithmic else (0.0, 0.0)
    channels = tuple(
        replace(channel, datatype="I", bits=bits, range=1024.0, amplification=amplification)
        for channel in made.channels
    )
    columns = {name: np.array([1, 900, 901, 30, 1000, 4], np.float32) for name in made.names}
    return replace(made, channels=channels, columns=columns)


@pytest.mark.parametrize("logarithmic", [False, True])
def test_integers_stay_integers_and_their_numbers_have_32_bits(tmp_path: Path, logarithmic: bool) -> None:
    source = replace(integers(logarithmic=logarithmic), first_event=2**24, events_in_file=2**24 + 6)
    export_events(gated(source, compensation="none"), "High", tmp_path / "a.fcs")
    made = read_fcs(tmp_path / "a.fcs")
    assert [(channel.datatype, channel.bits) for channel in made.channels] == [("I", 16)] * 3 + [("I", 32)]
    np.testing.assert_array_equal(made.raw("A"), source.raw("A")[[1, 2, 4]])
    np.testing.assert_array_equal(made.values("A"), source.values("A")[[1, 2, 4]])
    assert made.values("tregflow_event").tolist() == [2**24 + 1, 2**24 + 2, 2**24 + 4]


def test_logarithms_are_linear_once_compensated(tmp_path: Path) -> None:
    before = gated(integers(logarithmic=True))
    export_events(before, "High", tmp_path / "a.fcs", compensated=True)
    made = read_fcs(tmp_path / "a.fcs")
    np.testing.assert_array_equal(made.values("Comp-A"), before.values("A")[before["High"]])
    np.testing.assert_array_equal(made.values("FSC"), before.sample.values("FSC")[before["High"]])
    assert {channel.datatype for channel in made.channels} == {"D"}


def test_mixed_types_stay_as_they_are_in_3_2(tmp_path: Path) -> None:
    made = sample()
    channels = (replace(made.channels[0], datatype="I", bits=16, range=1024.0), *made.channels[1:])
    source = replace(made, channels=channels, version="3.2")
    export_events(gated(source), "High", tmp_path / "a.fcs")
    written = read_fcs(tmp_path / "a.fcs")
    assert (written.version, [channel.datatype for channel in written.channels]) == ("3.2", ["I", "F", "F", "F"])


def test_gains_that_were_taken_out_are_not_stated_again(tmp_path: Path) -> None:
    made = sample()
    channels = tuple(replace(channel, gain=2.0) for channel in made.channels)
    keywords = {**made.keywords, "$P1G": "2", "$P2G": "2", "$P2V": "400", "$TR": "A,500"}
    before = gated(replace(made, channels=channels, keywords=keywords), gains="fcs")
    export_events(before, "root", tmp_path / "a.fcs", compensated=True)
    written = read_fcs(tmp_path / "a.fcs")
    np.testing.assert_array_equal(written.values("Comp-A"), before.values("A"))
    assert written.values("FSC").tolist() == [0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    assert {channel.gain for channel in written.channels} == {1.0}
    assert (written.keywords["$P2V"], written.keywords["$TR"]) == ("400", "Comp-A,500")
    export_events(before, "root", tmp_path / "b.fcs")
    assert read_fcs(tmp_path / "b.fcs").channel("A").gain == 2.0


def test_after_unmixing_there_are_dyes_in_place_of_detectors(tmp_path: Path) -> None:
    matrix = "{m: {detectors: [A, B, C], dyes: [FITC, PE], matrix: [[1, 0.5, 0], [0, 0.5, 1]]}}"
    made = events("P01.fcs", FSC=[1, 2], A=[10, 20], B=[30, 5], C=[7, 9], Time=[0, 1])
    made = replace(made, keywords={**made.keywords, "$P5V": "77", "$P3V": "33"})
    before = strategy("G: {above: {F: -1e9}}", compensation="m", matrices=matrix, dimensions="{F: {dye: FITC}}").gate(
        made
    )
    assert isinstance(before.spillover, Unmixing)
    export_events(before, "root", tmp_path / "a.fcs", compensated=True)
    written = read_fcs(tmp_path / "a.fcs")
    assert written.names == ("FSC", "Time", "Comp-FITC", "Comp-PE", "tregflow_event")
    np.testing.assert_array_equal(written.values("Comp-FITC"), before.values("F"))
    assert ("$P3V" in written.keywords, written.keywords["$P2V"]) == (False, "77")
    assert "TREGFLOW_SPILLOVER" not in written.keywords
    export_events(before, "root", tmp_path / "a.h5ad")
    var = anndata.read_h5ad(tmp_path / "a.h5ad").var
    assert (list(var.index), list(var["detector"])) == (["FSC", "Time", "FITC", "PE"], ["FSC", "Time", "", ""])


# --------------------------------------------------------------------------------------------------- Parquet and h5ad


def test_parquet_is_compensated_and_named_by_markers(tmp_path: Path) -> None:
    before = gated()
    assert export_events(before, "High", tmp_path / "a.parquet") == 3
    table = pq.read_table(tmp_path / "a.parquet")
    assert [(field.name, str(field.type)) for field in table.schema] == [
        ("event", "int64"),
        ("FSC", "float"),
        ("CD4", "double"),
        ("CD25", "double"),
    ]
    assert table["event"].to_pylist() == [1, 2, 4]
    np.testing.assert_array_equal(table["CD4"].to_numpy(), before.values("A")[before["High"]])
    assert table.schema.field("CD25").metadata == {
        b"pnn": b"B",
        b"pns": b"CD25",
        b"marker": b"CD25",
        b"compensated": b"true",
    }
    assert metadata(tmp_path / "a.parquet")["values"] == "compensated"
    assert metadata(tmp_path / "a.parquet")["population"] == "High"


def test_parquet_of_stored_values(tmp_path: Path) -> None:
    export_events(gated(), "High", tmp_path / "a.parquet", compensated=False)
    table = pq.read_table(tmp_path / "a.parquet")
    assert str(table.schema.field("CD4").type) == "float"
    assert table["CD4"].to_pylist() == [500, 500, 700.5]
    assert metadata(tmp_path / "a.parquet")["values"] == "stored"


def test_the_strategys_name_of_a_channel_goes_before_that_of_the_file(tmp_path: Path) -> None:
    before = strategy("T: {above: {CD4 T: 100}}", panel="{CD4 T: {pnn: [A]}}").gate(sample())
    export_events(before, "T", tmp_path / "a.parquet")
    field = pq.read_schema(tmp_path / "a.parquet").field("CD4 T")
    assert (field.metadata[b"pns"], field.metadata[b"marker"]) == (b"CD4", b"CD4 T")


def test_names_that_are_not_unique_get_their_channel() -> None:
    pairs = [("CD3", "A"), ("CD3", "H"), ("", "CD3"), ("event", "E"), ("", "event"), ("CD3 (A)", "X")]
    assert list(unique_labels(pairs, taken=("event",))) == [
        "CD3 (A)",
        "CD3 (H)",
        "CD3",
        "event (E)",
        "event#2",
        "CD3 (A)#2",
    ]


def test_h5ad_holds_values_populations_and_channels(tmp_path: Path) -> None:
    before = gated(None, OPTIONAL, "A/B: {in: Both, above: {A: 600}}")
    export_events(before, "High", tmp_path / "a.h5ad")
    made = anndata.read_h5ad(tmp_path / "a.h5ad")
    assert (made.shape, made.X.dtype) == ((3, 3), np.float64)
    np.testing.assert_array_equal(made.X[:, 1], before.values("A")[before["High"]])
    assert (list(made.obs_names), list(made.obs["event"])) == (["1", "2", "4"], [1, 2, 4])
    assert list(made.obs.columns) == ["event", "High", "Both", "None", "A_B"]
    assert made.obs["Both"].tolist() == [False, True, True]
    assert made.obs["A_B"].tolist() == [False, False, True]
    assert json.loads(made.uns["tregflow"]["populations"])["A_B"] == "A/B"
    assert made.uns["tregflow"]["source_events"] == "6"
    assert list(made.var_names) == ["FSC", "CD4", "CD25"]
    assert list(made.var.columns) == ["pnn", "pns", "marker", "detector", "compensated"]
    assert list(made.var["pnn"]) == ["FSC", "A", "B"]
    assert list(made.var["compensated"]) == [False, True, True]


def test_h5ad_is_float32_where_that_is_exact(tmp_path: Path) -> None:
    export_events(gated(), "High", tmp_path / "a.h5ad", compensated=False)
    made = anndata.read_h5ad(tmp_path / "a.h5ad")
    assert made.X.dtype == np.float32
    assert made.X[:, 1].tolist() == [500, 500, 700.5]


def test_nan_needs_no_float64_and_stays(tmp_path: Path) -> None:
    odd = replace(sample(), columns={**sample().columns, "FSC": np.array([np.nan, np.inf, 1, 2, 3, 4], np.float64)})
    export_events(gated(odd), "root", tmp_path / "a.h5ad", compensated=False)
    made = anndata.read_h5ad(tmp_path / "a.h5ad")
    assert made.X.dtype == np.float32
    assert np.isnan(made.X[0, 0])
    assert np.isinf(made.X[1, 0])


def test_integers_that_h5ad_cannot_hold(tmp_path: Path) -> None:
    odd = replace(sample(), columns={**sample().columns, "FSC": np.array([2**53 + 1] * 6, np.uint64)})
    with pytest.raises(tf.InteropError) as error:
        export_events(gated(odd), "root", tmp_path / "a.h5ad", compensated=False)
    assert error.value.code == "E_EXPORT"
    assert str(error.value) == (
        "P01.fcs: FSC: an integer is too long for a float64, which AnnData would take\n"
        "  expected   integers up to 2^53\n"
        "  remedy     export it as FCS or Parquet"
    )
    export_events(gated(odd), "root", tmp_path / "a.parquet", compensated=False)
    assert pq.read_table(tmp_path / "a.parquet")["FSC"].to_pylist() == [2**53 + 1] * 6


def test_persons_stay_out_of_tables(tmp_path: Path) -> None:
    source = replace(sample("Roe.fcs"), keywords={**sample().keywords, **PERSONS})
    for name in ("a.parquet", "a.h5ad"):
        export_events(gated(source), "High", tmp_path / name)
        assert not any(word in (tmp_path / name).read_bytes() for word in (b"Jane", b"Roe", b"P01"))
    export_events(gated(source), "High", tmp_path / "a.parquet", keep_persons=True)
    assert metadata(tmp_path / "a.parquet")["source_file"] == "Roe.fcs"


# ------------------------------------------------------------------------------------------------------- every format


@pytest.mark.parametrize("compensated", [False, True])
@pytest.mark.parametrize("name", ["a.fcs", "a.parquet", "a.h5ad"])
def test_a_population_without_events_is_a_file_without_events(tmp_path: Path, name: str, compensated: bool) -> None:
    path = tmp_path / name
    assert export_events(gated(), "None", path, compensated=compensated) == 0
    if name == "a.fcs":
        made = read_fcs(path)
        assert (made.n_events, made.findings) == (0, ())
    elif name == "a.parquet":
        assert pq.read_table(path).num_rows == 0
    else:
        assert anndata.read_h5ad(path).shape == (0, 3)


@pytest.mark.parametrize("ending", ["fcs", "parquet", "h5ad"])
def test_the_same_events_give_the_same_bytes(tmp_path: Path, ending: str) -> None:
    paths = [tmp_path / f"{name}.{ending}" for name in "ab"]
    for path in paths:
        export_events(gated(), "High", path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert sorted(tmp_path.iterdir()) == paths


@pytest.mark.parametrize("ending", ["fcs", "parquet", "h5ad"])
def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_bytes(b"old")

    def stop(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", stop)
    with pytest.raises(OSError, match="No space"):
        export_events(gated(), "High", path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_format_that_is_asked_for_goes_before_the_ending(tmp_path: Path) -> None:
    export_events(gated(), "High", tmp_path / "a.data", format="parquet")
    assert pq.read_table(tmp_path / "a.data").num_rows == 3
    export_events(gated(), "High", tmp_path / "A.FCS")
    assert read_fcs(tmp_path / "A.FCS").n_events == 3


@pytest.mark.parametrize(
    ("name", "problem"),
    [("a.txt", "'txt' is no format that is written here"), ("a", "the name of the file says no format")],
)
def test_a_format_that_is_not_written(tmp_path: Path, name: str, problem: str) -> None:
    with pytest.raises(tf.InteropError) as error:
        export_events(gated(), "High", tmp_path / name)
    assert error.value.code == "E_EXPORT_FORMAT"
    assert str(error.value) == (
        f"{name}: {problem}\n"
        "  available  fcs, parquet, h5ad\n"
        "  remedy     name a file with one of these endings, or give format=..."
    )


@pytest.mark.parametrize(
    ("ending", "package", "extra", "code"),
    [("parquet", "pyarrow", "parquet", "E_NO_PYARROW"), ("h5ad", "anndata", "anndata", "E_NO_ANNDATA")],
)
def test_a_package_that_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, package: str, extra: str, code: str
) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    with pytest.raises(tf.InteropError) as error:
        export_events(gated(), "High", tmp_path / f"a.{ending}")
    assert error.value.code == code
    assert str(error.value) == (
        f"writing {ending} needs the package {package}\n  remedy     python -m pip install 'tregflow[{extra}]'"
    )
    assert export_events(gated(), "High", tmp_path / "a.fcs") == 3


def test_populations_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(tf.GateError) as error:
        export_events(gated(None, OPTIONAL), "Gone", tmp_path / "a.fcs")
    assert error.value.code == "E_MISSING_POPULATION"
    with pytest.raises(tf.GateError) as error:
        export_events(gated(), "Hig", tmp_path / "a.fcs")
    assert error.value.code == "E_NO_POPULATION"
    assert not list(tmp_path.iterdir())


def test_a_sample_of_which_a_part_was_read(tmp_path: Path) -> None:
    write_fcs(tmp_path / "P01.fcs", sample())
    part = gated(read_fcs(tmp_path / "P01.fcs", channels=("A", "B")))
    with pytest.raises(tf.PanelError) as error:
        export_events(part, "High", tmp_path / "a.parquet")
    assert error.value.code == "E_NOT_READ"
    assert str(error.value) == (
        "P01.fcs: only part of the channels was read\n"
        "  expected   values of every channel\n"
        "  available  CD4 (A), CD25 (B)\n"
        "  remedy     read the file with all its channels before gating it"
    )


# --------------------------------------------------------------------------------------------------------------- masks


def test_masks_as_csv(tmp_path: Path) -> None:
    export_masks(gated(None, OPTIONAL), tmp_path / "m.csv")
    assert (tmp_path / "m.csv").read_text(encoding="utf-8") == (
        "event,High,Both,None,Gone\n0,0,0,0,\n1,1,0,0,\n2,1,1,0,\n3,0,0,0,\n4,1,1,0,\n5,0,0,0,\n"
    )


def test_masks_as_parquet(tmp_path: Path) -> None:
    export_masks(gated(None, OPTIONAL), tmp_path / "m.parquet", ["Both", "Gone"])
    table = pq.read_table(tmp_path / "m.parquet")
    assert table.to_pydict() == {"event": [0, 1, 2, 3, 4, 5], "Both": [0, 0, 1, 0, 1, 0], "Gone": [None] * 6}
    assert [str(field.type) for field in table.schema] == ["int64", "uint8", "uint8"]
    assert table.schema.field("Both").metadata == {b"population": b"Both"}
    assert metadata(tmp_path / "m.parquet")["strategy"] == "test"
    assert "population" not in metadata(tmp_path / "m.parquet")


def test_masks_of_many_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tregflow.export.masks._BLOCK", 7)
    before = strategy(*TREE).gate(cells(Treg=11, Teff=9, B=10))
    export_masks(before, tmp_path / "m.csv")
    header, *lines = (tmp_path / "m.csv").read_text(encoding="utf-8").splitlines()
    table = np.array([line.split(",") for line in lines], dtype=int)
    names = header.split(",")
    assert table[:, 0].tolist() == list(range(30))
    for place, name in enumerate(names[1:], start=1):
        np.testing.assert_array_equal(table[:, place], before[name])


def test_masks_with_names_that_a_spreadsheet_would_run(tmp_path: Path) -> None:
    before = strategy('"=1+1": {above: {A: 100}}', "event: {above: {A: 1e9}}").gate(sample())
    export_masks(before, tmp_path / "m.csv")
    assert (tmp_path / "m.csv").read_text(encoding="utf-8").startswith("event,'=1+1,event (population)\n0,0,0\n")


def test_masks_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(tf.GateError) as gate_error:
        export_masks(gated(), tmp_path / "m.csv", ["Hig"])
    assert gate_error.value.code == "E_NO_POPULATION"
    with pytest.raises(tf.InteropError) as error:
        export_masks(gated(), tmp_path / "m.npz")
    assert str(error.value) == (
        "m.npz: 'npz' is no format that is written here\n"
        "  available  parquet, csv\n"
        "  remedy     name a file with one of these endings, or give format=..."
    )
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------------------------------------------- the example trial


def test_the_example(tmp_path: Path) -> None:
    source = read_fcs(EXAMPLE / "P01_D8.fcs", sha256=True)
    control = read_fcs(EXAMPLE / "B1_FMO_FoxP3.fcs")
    before = tf.Strategy.load(EXAMPLE / "treg.yaml").gate(source, controls={"FoxP3": control})
    places = np.flatnonzero(before["Treg"])
    assert tf.export_events(before, "Treg", tmp_path / "a.fcs") == places.size > 100
    made = read_fcs(tmp_path / "a.fcs")
    np.testing.assert_array_equal(made.values("tregflow_event"), places)
    for name in source.names:
        np.testing.assert_array_equal(made.values(name), source.values(name)[places])
    tf.export_events(before, "Treg", tmp_path / "a.h5ad")
    tf.export_masks(before, tmp_path / "m.parquet")
    table = pq.read_table(tmp_path / "m.parquet")
    assert np.flatnonzero(table["Treg"].to_numpy()).tolist() == places.tolist()
    marked = anndata.read_h5ad(tmp_path / "a.h5ad")
    assert marked.obs["Treg"].all()
    np.testing.assert_array_equal(marked[:, "FoxP3"].X[:, 0], before.values("FoxP3")[places])
