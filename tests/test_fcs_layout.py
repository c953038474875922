"""Layout: channels, widths, byte order; everything that is not read is refused by name."""

from __future__ import annotations

import pytest

from tregflow.errors import FcsError
from tregflow.fcs.layout import ColumnFormat, Layout, layout_of, next_data_set
from tregflow.findings import Finding

CORRUPT = "the file is damaged or was written by faulty software: export it again"
FLOATS = "export the file as FCS 3.1 with floating point data"


def layout(**changes: str | None) -> Layout:
    keywords = {
        "$PAR": "2", "$TOT": "7", "$MODE": "L", "$DATATYPE": "I", "$BYTEORD": "1,2,3,4", "$P1B": "16", "$P2B": "32",
    }  # fmt: skip
    named = {f"${name.removeprefix('_')}": value for name, value in changes.items()}
    return layout_of({key: value for key, value in (keywords | named).items() if value is not None}, file="a.fcs")


def error(**changes: str | None) -> FcsError:
    with pytest.raises(FcsError) as caught:
        layout(**changes)
    return caught.value


def test_mixed_integers() -> None:
    found = layout(PAR="3", P3B="8")
    assert found == Layout(7, (ColumnFormat("I", 2), ColumnFormat("I", 4), ColumnFormat("I", 1)), "<", ())
    assert (found.event_size, found.positions) == (7, (0, 2, 6))


@pytest.mark.parametrize(("datatype", "width"), [("F", 4), ("D", 8)])
def test_floats(datatype: str, width: int) -> None:
    found = layout(DATATYPE=datatype, P1B=str(8 * width), P2B="16")
    assert found.columns == (ColumnFormat(datatype, width),) * 2
    text = f"$P2B is '16', but $DATATYPE {datatype} has {8 * width} bits: those are read"
    assert Finding("pnb-contradicts-datatype", "warning", "P2", text) in found.findings


@pytest.mark.parametrize(
    ("text", "order"),
    [("1,2,3,4", "<"), ("4,3,2,1", ">"), ("1,2", "<"), ("2,1", ">"), (" 1, 2,3,4", "<"), ("8,7,6,5,4,3,2,1", ">")],
)
def test_byte_order(text: str, order: str) -> None:
    assert layout(BYTEORD=text).order == order


def test_short_byte_order_is_a_finding() -> None:
    text = "$BYTEORD '1,2' is shorter than the 4 bytes of a value: its direction counts"
    assert layout(BYTEORD="1,2").findings == (Finding("byteord-short", "info", "TEXT", text),)


def test_bytes_have_no_order() -> None:
    assert layout(BYTEORD="1", P1B="8", P2B="8").order == "<"


@pytest.mark.parametrize(
    ("text", "problem", "found", "remedy"),
    [
        ("3,4,1,2", "is a mixed order, which is not read yet", "'3,4,1,2'", "export the file as FCS 3.1"),
        ("1", "does not give an order of bytes", "'1'", CORRUPT),
        ("little", "does not give an order of bytes", "'little'", CORRUPT),
        ("1,2,2,1", "does not give an order of bytes", "'1,2,2,1'", CORRUPT),
        (None, "does not give an order of bytes", "is missing", CORRUPT),
    ],
)
def test_unreadable_byte_order(text: str | None, problem: str, found: str, remedy: str) -> None:
    caught = error(BYTEORD=text)
    assert caught.code == "E_BYTEORD"
    assert str(caught) == (
        f"a.fcs: $BYTEORD {problem}\n"
        "  expected   1,2,3,4 (little endian) or 4,3,2,1 (big endian)\n"
        f"  available  $BYTEORD {found}\n"
        f"  remedy     {remedy}"
    )


@pytest.mark.parametrize(
    ("changes", "problem", "widths"),
    [
        ({"PAR": None}, "$PAR is missing", 2),
        ({"PAR": "0"}, "$PAR is '0'", 2),
        ({"PAR": "-3"}, "$PAR is '-3'", 2),
        ({"PAR": "two"}, "$PAR is 'two'", 2),
        ({"PAR": "999999999"}, "$PAR promises 999999999 channels", 2),
        ({"P2B": None, "P3B": "16"}, "$P2B is missing", 2),
        ({"P2B": " "}, "$P2B is missing", 2),
    ],
)
def test_number_of_channels(changes: dict[str, str | None], problem: str, widths: int) -> None:
    caught = error(**changes)
    assert caught.code == "E_PAR"
    assert str(caught) == (
        f"a.fcs: {problem}\n"
        "  expected   the number of channels in $PAR, and $P1B, $P2B … for each of them\n"
        f"  available  {widths} keywords $PnB\n"
        f"  remedy     {CORRUPT}"
    )


@pytest.mark.parametrize("bits", ["10", "24", "64", "0", "*", "-8"])
def test_widths(bits: str) -> None:
    caught = error(P2B=bits)
    assert caught.code == "E_WIDTH"
    assert str(caught) == (
        f"a.fcs: $P2B is '{bits}': integers of that width are not read yet\n"
        "  expected   8, 16 or 32 bits\n"
        f"  remedy     {FLOATS}"
    )


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"DATATYPE": "A"}, "$DATATYPE is A: ASCII, which is not read yet"),
        ({"DATATYPE": "X"}, "$DATATYPE is 'X'"),
        ({"DATATYPE": None}, "$DATATYPE is missing"),
        ({"P2DATATYPE": "D"}, "$P2DATATYPE is 'D' beside $DATATYPE I: mixed types, which are not read yet"),
    ],
)
def test_datatypes(changes: dict[str, str | None], problem: str) -> None:
    caught = error(**changes)
    assert caught.code == "E_DATATYPE"
    assert str(caught) == (
        f"a.fcs: {problem}\n"
        "  expected   one type for all channels: I (integers), F (float32) or D (float64)\n"
        f"  remedy     {FLOATS}"
    )


def test_a_datatype_per_channel_that_agrees() -> None:
    assert layout(P1DATATYPE="I", P2DATATYPE=" i ").findings == ()


@pytest.mark.parametrize(
    ("mode", "kind"), [("C", "one correlated histogram"), ("u", "histograms"), ("X", "an unknown mode")]
)
def test_histograms(mode: str, kind: str) -> None:
    caught = error(MODE=mode)
    assert caught.code == "E_MODE"
    assert str(caught) == (
        f"a.fcs: $MODE is '{mode.upper()}', {kind}: there are no events to read\n"
        "  expected   $MODE L, a list of events\n"
        "  remedy     export the events themselves (list mode) from the software that wrote the file"
    )


def test_no_mode() -> None:
    assert layout(MODE=None).findings == (
        Finding("mode-missing", "info", "TEXT", "$MODE is missing: list mode is assumed"),
    )


@pytest.mark.parametrize("text", ["many", "-1", "1e3", "9" * 30])
def test_number_of_events(text: str) -> None:
    caught = error(TOT=text)
    assert caught.code == "E_TOT"
    assert str(caught) == (
        f"a.fcs: the number of events, $TOT, is '{text}'\n"
        "  expected   a whole number, 0 or more\n"
        f"  remedy     {CORRUPT}"
    )


def test_number_of_events_unknown() -> None:
    assert layout(TOT=None).n_events is None


@pytest.mark.parametrize(("text", "position"), [("0", None), ("", None), (" ", None), ("58", 58)])
def test_next_data_set(text: str, position: int | None) -> None:
    assert next_data_set({"$NEXTDATA": text}, size=100, file="a.fcs") == position


@pytest.mark.parametrize("text", ["-1", "100", "9999", "far"])
def test_next_data_set_outside_the_file(text: str) -> None:
    with pytest.raises(FcsError) as caught:
        next_data_set({"$NEXTDATA": text}, size=100, file="a.fcs")
    assert caught.value.code == "E_DATASET"
    assert str(caught.value) == (
        "a.fcs: $NEXTDATA does not point into the file\n"
        "  expected   0, or the position of another data set below 100\n"
        f"  available  $NEXTDATA '{text}'\n"
        f"  remedy     {CORRUPT}"
    )
