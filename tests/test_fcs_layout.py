"""Layout: channels, widths, byte order; everything that is not read is refused by name."""

from __future__ import annotations

import pytest

from tregflow.errors import FcsError
from tregflow.fcs.byteorder import BIG, LITTLE
from tregflow.fcs.layout import CHANNEL_LIMIT, ColumnFormat, Layout, layout_of, next_data_set
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
    assert found == Layout(7, (ColumnFormat("I", 2), ColumnFormat("I", 4), ColumnFormat("I", 1)), LITTLE)
    assert (found.event_size, found.positions) == (7, (0, 2, 6))


@pytest.mark.parametrize(("datatype", "width"), [("F", 4), ("D", 8)])
def test_floats(datatype: str, width: int) -> None:
    found = layout(DATATYPE=datatype, P1B=str(8 * width), P2B="16")
    assert found.columns == (ColumnFormat(datatype, width),) * 2
    text = f"$P2B is '16', but $DATATYPE {datatype} has {8 * width} bits: those are read"
    assert Finding("pnb-contradicts-datatype", "warning", "P2", text) in found.findings


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


def test_more_channels_than_are_read() -> None:
    widths = {f"P{number}B": "16" for number in range(1, CHANNEL_LIMIT + 2)}
    caught = error(PAR=str(CHANNEL_LIMIT + 1), **widths)
    assert str(caught) == (
        "a.fcs: $PAR promises 10001 channels, and more than 10000 are not read\n"
        "  expected   the number of channels in $PAR, and $P1B, $P2B … for each of them\n"
        "  available  10001 keywords $PnB\n"
        f"  remedy     {CORRUPT}"
    )


def test_channels_counted_from_zero() -> None:
    caught = error(P0B="16", P2B=None)
    assert caught.code == "E_PAR"
    assert str(caught) == (
        "a.fcs: $P2B is missing\n"
        "  expected   the number of channels in $PAR, and $P1B, $P2B … for each of them\n"
        "  available  2 keywords $PnB, counted from $P0B\n"
        "  remedy     read the file with repairs=['zero-based-parameters']"
    )


def test_channels_beyond_par() -> None:
    text = "1 channel(s) beyond $PAR 2 have keywords and are not read"
    assert layout(P3B="16").findings == (Finding("par-below-channels", "info", "TEXT", text),)


@pytest.mark.parametrize("bits", [8, 16, 24, 32, 40, 48, 56, 64])
def test_integer_widths(bits: int) -> None:
    found = layout(P2B=str(bits))
    assert (found.columns[1], found.findings) == (ColumnFormat("I", bits // 8), ())


def test_width_from_the_byte_order() -> None:
    text = "$PnB 10 is no whole number of bytes: values are taken to be 2 bytes wide, as $BYTEORD is"
    found = layout(P1B="10", P2B="10", BYTEORD="2,1")
    assert (found.columns, found.order) == ((ColumnFormat("I", 2),) * 2, BIG)
    assert (found.widths_assumed, found.findings) == (text, (Finding("pnb-from-byteord", "warning", "TEXT", text),))


@pytest.mark.parametrize("bits", ["0", "*", "-8", "72", "9" * 30, "x"])
def test_widths(bits: str) -> None:
    caught = error(P2B=bits)
    assert caught.code == "E_WIDTH"
    assert str(caught) == (f"a.fcs: $P2B is '{bits}'\n  expected   8, 16, 24 … 64 bits\n  remedy     {FLOATS}")


@pytest.mark.parametrize(("bits", "byteord"), [("10", "1"), ("33", "1,2,3,4"), ("10", "little"), ("10", "")])
def test_widths_that_the_byte_order_does_not_tell(bits: str, byteord: str) -> None:
    caught = error(P2B=bits, BYTEORD=byteord)
    assert caught.code == "E_WIDTH"
    assert str(caught) == (
        f"a.fcs: $P2B is '{bits}', and $BYTEORD is '{byteord}'\n"
        "  expected   8, 16, 24 … 64 bits, or a $BYTEORD as long as the stored value\n"
        f"  remedy     {FLOATS}"
    )


def test_ascii() -> None:
    found = layout(DATATYPE="A", P1B="4", P2B="10", BYTEORD=None)
    assert (found.columns, found.event_size) == ((ColumnFormat("A", 4), ColumnFormat("A", 10)), 14)
    assert not found.delimited
    assert layout(DATATYPE="A", P1B="*", P2B="*").delimited


@pytest.mark.parametrize("characters", ["0", "21", "x"])
def test_ascii_widths(characters: str) -> None:
    caught = error(DATATYPE="A", P2B=characters)
    assert (caught.code, str(caught)) == (
        "E_WIDTH",
        f"a.fcs: $P2B is '{characters}'\n  expected   1 to 20 characters, or *\n  remedy     {FLOATS}",
    )


def test_ascii_of_both_kinds() -> None:
    caught = error(DATATYPE="A", P2B="*")
    assert (caught.code, str(caught)) == (
        "E_WIDTH",
        f"a.fcs: $PnB is * for some channels only\n  expected   * for all channels, or for none\n  remedy     {FLOATS}",
    )


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"DATATYPE": "X"}, "$DATATYPE is 'X'"),
        ({"DATATYPE": None}, "$DATATYPE is missing"),
        ({"P2DATATYPE": "X"}, "$P2DATATYPE is 'X' beside $DATATYPE I"),
        ({"P2DATATYPE": "A"}, "$P2DATATYPE is 'A' beside $DATATYPE I"),
        ({"DATATYPE": "A", "P2DATATYPE": "F"}, "$P2DATATYPE is 'F' beside $DATATYPE A"),
    ],
)
def test_datatypes(changes: dict[str, str | None], problem: str) -> None:
    caught = error(**changes)
    assert caught.code == "E_DATATYPE"
    assert str(caught) == (
        f"a.fcs: {problem}\n"
        "  expected   I (integers), F (float32), D (float64), each also per channel, or A (ASCII) for all\n"
        f"  remedy     {CORRUPT}"
    )


def test_a_datatype_per_channel() -> None:
    found = layout(DATATYPE="F", P1B="32", P2B="64", P2DATATYPE=" d ", PAR="3", P3B="24", P3DATATYPE="I")
    assert found == Layout(7, (ColumnFormat("F", 4), ColumnFormat("D", 8), ColumnFormat("I", 3)), LITTLE)


def test_a_datatype_per_channel_before_it_was_defined() -> None:
    keywords = {"$PAR": "1", "$TOT": "7", "$MODE": "L", "$DATATYPE": "F", "$BYTEORD": "1,2,3,4", "$P1B": "32"}
    text = "$PnDATATYPE gives 1 channel(s) a type of their own, which FCS 3.1 does not know: it counts"
    found = layout_of({**keywords, "$P1DATATYPE": "I"}, file="a.fcs", version="3.1")
    assert found.columns == (ColumnFormat("I", 4),)
    assert found.findings == (Finding("pndatatype-early", "info", "TEXT", text),)
    assert layout_of({**keywords, "$P1DATATYPE": "F"}, file="a.fcs", version="3.1").findings == ()


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
