"""Strict, standard and lenient reading; repairs by name; the table of codes."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests import builders
from tests.builders_fcs import fcs_bytes

from tregflow.errors import FcsError
from tregflow.fcs import CODES, Sample, iter_fcs, read_fcs
from tregflow.fcs.codes import STRICT_CODES, as_table
from tregflow.strategy import Strategy

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = {"A": np.arange(50.0), "B": -np.arange(50.0)}
SIZE = 400
OFFSETS = {"$BEGINANALYSIS": "0", "$ENDANALYSIS": "0", "$BEGINSTEXT": "0", "$ENDSTEXT": "0"}


def load(folder: Path, content: bytes, **options: Any) -> Sample:
    (folder / "a.fcs").write_bytes(content)
    return read_fcs(folder / "a.fcs", **options)


def refused(folder: Path, content: bytes, **options: Any) -> FcsError:
    with pytest.raises(FcsError) as caught:
        load(folder, content, **options)
    return caught.value


def to_the_letter(**shape: Any) -> bytes:
    keywords = {**OFFSETS, **shape.pop("keywords", {})}
    return fcs_bytes(COLUMNS, keywords=keywords, **shape)


# --------------------------------------------------------------------------------------------------------- strict


@pytest.mark.parametrize("version", ["2.0", "3.0", "3.1", "3.2"])
def test_strict_reads_what_is_right(tmp_path: Path, version: str) -> None:
    sample = load(tmp_path, to_the_letter(version=version), mode="strict")
    np.testing.assert_array_equal(sample.values("A"), COLUMNS["A"])
    assert (sample.findings, sample.lenient) == ((), False)


def test_strict_accepts_what_the_standard_asks_for(tmp_path: Path) -> None:
    """Masks and literal delimiters are the standard's own; NaN is data."""
    columns, keywords = {"A": [2**15 + 3]}, {**OFFSETS, "$P1R": "1024", "$P1S": "GFP//FITC"}
    sample = load(tmp_path, fcs_bytes(columns, datatype="I", keywords=keywords), mode="strict")
    assert [finding.code for finding in sample.findings] == ["text-doubled-delimiters", "bits-masked"]
    not_finite = load(tmp_path, fcs_bytes({"A": [np.nan]}, keywords=OFFSETS), mode="strict")
    assert [finding.code for finding in not_finite.findings] == ["not-finite"]


def test_strict_lists_every_departure(tmp_path: Path) -> None:
    content = to_the_letter(
        in_header=lambda b, e: (b, e + 1), in_text=lambda b, e: (b, e + 1), keywords={" $X ": "1", "$NEXTDATA": None}
    )
    begin = len(content) - SIZE
    error = refused(tmp_path, content, mode="strict")
    assert error.code == "E_STRICT"
    assert str(error) == (
        "a.fcs: strict reading refuses 3 departure(s) from the standard\n"
        "  expected   FCS 3.1 to the letter\n"
        "  available  text-key-blanks: $X: blanks around the key were dropped, "
        f"data-end-plus-one: HEADER gives DATA as {begin}-{begin + SIZE}, one byte too long: the last byte is dropped, "
        "required-missing: $NEXTDATA\n"
        "  remedy     read the file in standard mode, which repairs and records this"
    )
    assert load(tmp_path, content).n_events == 50


def test_strict_wants_both_offsets(tmp_path: Path) -> None:
    content = to_the_letter(in_text=lambda b, _: (b, b))
    begin, end = len(content) - SIZE, len(content) - 1
    error = refused(tmp_path, content, mode="strict")
    assert error.available == (f"offsets-differ: DATA is at {begin}-{end} by HEADER, at {begin}-{begin} by TEXT",)


def test_strict_does_not_list_without_end(tmp_path: Path) -> None:
    content = fcs_bytes(COLUMNS, keywords={"$P1E": None, "$P2R": None})
    assert refused(tmp_path, content, mode="strict").available == (
        "required-missing: $BEGINANALYSIS, $ENDANALYSIS, $BEGINSTEXT, $ENDSTEXT, $P1E and 1 more",
    )


def test_strict_refuses_ambiguous_delimiters(tmp_path: Path) -> None:
    content = to_the_letter(extra=b"$P1S//K/v/A/x//y/")
    assert [each.code for each in load(tmp_path, content).findings] == [
        "text-doubled-delimiters",
        "text-delimiters-ambiguous",
    ]
    error = refused(tmp_path, content, mode="strict")
    assert error.code == "E_DELIM"
    text = "doubled delimiters in TEXT can be read in two ways, which differ in a required key"
    assert str(error) == (
        f"a.fcs: {text}\n"
        "  expected   FCS 3.1 to the letter\n"
        f"  available  text-delimiters-ambiguous: {text}\n"
        "  remedy     read the file in standard mode, which repairs and records this"
    )


def test_strict_refuses_a_wrong_checksum(tmp_path: Path) -> None:
    content = to_the_letter(tail=b"00012345")
    assert [each.code for each in load(tmp_path, content).findings] == ["crc-mismatch"]
    assert refused(tmp_path, content, mode="strict").code == "E_STRICT"


# -------------------------------------------------------------------------------------------------------- lenient


@pytest.mark.parametrize("cut", [1, 8, 395])
def test_lenient_takes_whole_events(tmp_path: Path, cut: int) -> None:
    content = fcs_bytes(COLUMNS)[:-cut]
    assert refused(tmp_path, content).code == "E_TRUNCATED"
    if (SIZE - cut) // 8 == 0:
        assert refused(tmp_path, content, mode="lenient").code == "E_TRUNCATED"
        return
    sample = load(tmp_path, content, mode="lenient")
    present = (SIZE - cut) // 8
    np.testing.assert_array_equal(sample.values("B"), COLUMNS["B"][:present])
    begin = len(fcs_bytes(COLUMNS)) - SIZE
    assert [(each.code, each.severity, each.text) for each in sample.findings] == [
        (
            "lenient-truncated",
            "review",
            f"the file ends inside DATA: 50 events promised, {present} whole events read, "
            f"at {begin}-{begin + SIZE - 1} (HEADER)",
        ),
        ("read-lenient", "review", "read in lenient mode: no frequency may be computed from it"),
    ]


@pytest.mark.parametrize("promised", [40, 60])
def test_lenient_takes_the_smaller_number(tmp_path: Path, promised: int) -> None:
    sample = load(tmp_path, fcs_bytes(COLUMNS, keywords={"$TOT": str(promised)}), mode="lenient")
    assert sample.n_events == min(promised, 50)
    np.testing.assert_array_equal(sample.values("A"), COLUMNS["A"][: sample.n_events])
    assert sample.findings[0].code == "lenient-tot-mismatch"
    assert sample.findings[0].text.startswith(
        f"$TOT and the length of DATA disagree: {promised} events promised, {sample.n_events} whole events read"
    )


def test_lenient_counts_whole_events(tmp_path: Path) -> None:
    content = fcs_bytes(COLUMNS, keywords={"$TOT": None}, in_header=lambda b, e: (b, e - 1), in_text=lambda *_: None)
    assert refused(tmp_path, content).code == "E_TOT"
    sample = load(tmp_path, content, mode="lenient")
    assert sample.n_events == 49
    assert sample.findings[0].text == "$TOT is missing: DATA holds 49 whole events and 7 bytes"


def test_lenient_does_not_follow_offsets_into_text(tmp_path: Path) -> None:
    content = fcs_bytes(COLUMNS, in_header=lambda *_: (70, 479), in_text=lambda *_: None)
    assert refused(tmp_path, content, mode="lenient").code == "E_OFFSETS"


def test_lenient_refuses_shifted_values(tmp_path: Path) -> None:
    """Behind the first byte that a transfer in text mode dropped, every value is another one."""
    words = np.random.default_rng(1).integers(0, 2**32, 300_000, dtype=np.uint32)
    content = fcs_bytes({"A": words}, datatype="I", bits=32)
    begin = len(content) - 1_200_000
    damaged = content[:begin] + content[begin:].replace(b"\r\n", b"\n")
    assert refused(tmp_path, damaged, mode="lenient").code == "E_TEXTMODE_DAMAGE"


def test_lenient_reading_of_a_sound_file_is_marked_as_well(tmp_path: Path) -> None:
    sample = load(tmp_path, fcs_bytes(COLUMNS), mode="lenient")
    assert (sample.lenient, [each.code for each in sample.findings]) == (True, ["read-lenient"])
    assert [piece.lenient for piece in iter_fcs(tmp_path / "a.fcs", mode="lenient")] == [True]


LENIENT = (
    "{}: read in lenient mode: no frequency may be computed from it\n"
    "  expected   a sample read in standard or strict mode\n"
    "  remedy     get an undamaged copy of the file, and read it in standard mode"
)


def test_a_lenient_sample_is_not_gated(tmp_path: Path) -> None:
    columns = {"FSC-A": np.array([1.0, 2.0])}
    strategy = Strategy.loads("tregflow: 1\nname: s\ncompensation: none\ngates:\n  High: {above: {FSC-A: 1}}\n")
    sample = load(tmp_path, fcs_bytes(columns), mode="lenient")
    with pytest.raises(FcsError) as caught:
        strategy.gate(sample)
    assert (caught.value.code, str(caught.value)) == ("E_LENIENT", LENIENT.format("a.fcs"))
    assert strategy.gate(load(tmp_path, fcs_bytes(columns))).populations


def test_a_lenient_control_gives_no_threshold(tmp_path: Path) -> None:
    strategy = Strategy.loads("tregflow: 1\nname: s\ncompensation: none\ngates:\n  High: {above: {FSC-A: 1}}\n")
    control = load(tmp_path, fcs_bytes({"FSC-A": np.array([1.0, 2.0])}), mode="lenient")
    with pytest.raises(FcsError) as caught:
        strategy.gate(builders.cells(Treg=5), controls={"FoxP3": control})
    assert caught.value.code == "E_LENIENT"


# -------------------------------------------------------------------------------------------------- named repairs


def test_channels_counted_from_zero(tmp_path: Path) -> None:
    moved = {"B": "32", "E": "0,0", "R": "262144"}
    zero = {f"$P0{letter}": value for letter, value in moved.items()} | {"$P0N": "A", "$P1N": "B", "$P0S": "CD3"}
    gone = dict.fromkeys((f"$P2{letter}" for letter in "BENR"), None)
    content = fcs_bytes(COLUMNS, keywords={**zero, **gone})
    error = refused(tmp_path, content)
    assert (error.code, error.remedy) == ("E_PAR", "read the file with repairs=['zero-based-parameters']")
    sample = load(tmp_path, content, repairs=["zero-based-parameters"])
    np.testing.assert_array_equal(sample.values("A"), COLUMNS["A"])
    assert [channel.label for channel in sample.channels] == ["CD3 (A)", "B"]
    assert [each.code for each in sample.findings] == ["zero-based-parameters"]
    assert load(tmp_path, fcs_bytes(COLUMNS), repairs=["zero-based-parameters"]).findings == ()


def test_an_assumed_version(tmp_path: Path) -> None:
    content = fcs_bytes(COLUMNS, version="4.0")
    assert refused(tmp_path, content).code == "E_VERSION"
    sample = load(tmp_path, content, repairs=["assume-fcs-3.1"])
    assert (sample.version, [each.code for each in sample.findings]) == ("3.1", ["version-assumed"])


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"mode": "loose"}, "unknown mode 'loose'\n  available  strict, standard, lenient"),
        (
            {"repairs": ["all"]},
            "unknown repair 'all'\n"
            "  available  zero-based-parameters, assume-fcs-2.0, assume-fcs-3.0, assume-fcs-3.1, assume-fcs-3.2",
        ),
    ],
)
def test_unknown_options(tmp_path: Path, options: dict[str, Any], text: str) -> None:
    error = refused(tmp_path, fcs_bytes(COLUMNS), **options)
    assert (error.code, str(error)) == ("E_OPTION", text)


# ---------------------------------------------------------------------------------------------------------- codes


def findings_in_source() -> dict[str, set[str]]:
    """Return code -> severities of every finding that the package makes, as far as they stand there as they are."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "src" / "tregflow" / "fcs").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding":
                code, severity = node.args[:2]
                if isinstance(code, ast.Constant) and isinstance(severity, ast.Constant):
                    found.setdefault(str(code.value), set()).add(str(severity.value))
    return found


def test_every_finding_is_in_the_table_with_its_severity() -> None:
    for code, severities in findings_in_source().items():
        assert severities == {CODES[code].severity}, code


def test_the_table_has_no_code_that_nobody_records() -> None:
    sources = [
        path.read_text(encoding="utf-8")
        for path in (ROOT / "src" / "tregflow" / "fcs").glob("*.py")
        if path.name != "codes.py"
    ]
    for code in (*CODES, *STRICT_CODES):
        assert any(f'"{code}' in source or f"{code}: " in source for source in sources), code


def test_the_documentation_shows_the_table() -> None:
    page = (ROOT / "docs" / "fcs.md").read_text(encoding="utf-8")
    assert as_table(CODES) in page
    assert as_table(STRICT_CODES) in page
