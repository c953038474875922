"""Channels: names, markers, ranges, amplification, gain."""

from __future__ import annotations

import pytest

from tregflow.errors import FcsError
from tregflow.fcs.channels import Channel, channels_of
from tregflow.fcs.layout import ColumnFormat, Layout
from tregflow.findings import Finding

EXPORT = "in the software that wrote the file, and export it again"


def described(
    keywords: dict[str, str], *, datatype: str = "I", width: int = 2, n: int = 1
) -> tuple[tuple[Channel, ...], list[str]]:
    layout = Layout(1, (ColumnFormat(datatype, width),) * n, "<", ())
    channels, findings = channels_of({"$P1N": "A", "$P1R": "1024", "$P1E": "0,0", **keywords}, layout, file="a.fcs")
    return channels, [finding.code for finding in findings]


def test_a_channel() -> None:
    (channel,), findings = described({"$P1N": " FL1-A ", "$P1S": " CD3 ", "$P1E": "4,1", "$P1G": "2"})
    assert channel == Channel(1, "FL1-A", "CD3", "I", 16, 1024.0, (4.0, 1.0), 2.0)
    assert channel.label == "CD3 (FL1-A)"
    assert findings == []


@pytest.mark.parametrize(("pns", "label"), [("", "A"), ("   ", "A"), ("A", "A"), ("CD3\x1b[2J", "CD3?[2J (A)")])
def test_labels(pns: str, label: str) -> None:
    assert described({"$P1S": pns})[0][0].label == label


def test_missing_and_duplicate_names() -> None:
    channels, findings = described({"$P1N": "", "$P2N": "X", "$P3N": "X", "$P4N": "X"}, datatype="F", width=4, n=4)
    assert [channel.pnn for channel in channels] == ["P1", "X", "X#2", "X#3"]
    assert findings == ["pnn-missing", "pnn-duplicate", "pnn-duplicate", "keywords-missing"]


def test_findings_of_names_in_words() -> None:
    layout = Layout(1, (ColumnFormat("F", 4),) * 3, "<", ())
    linear = {f"$P{number}E": "0,0" for number in (1, 2, 3)}
    _, findings = channels_of({"$P1N": "X", "$P2N": "X", **linear}, layout, file="a.fcs")
    assert findings == (
        Finding("pnn-duplicate", "warning", "X#2", "two channels are called X: channel 2 is read as X#2"),
        Finding("pnn-missing", "warning", "P3", "$P3N is missing: the channel is called P3"),
    )


@pytest.mark.parametrize(
    ("text", "value", "bits"),
    [
        ("1024", 1024.0, 10),
        ("262144.0", 262144.0, 16),
        ("1000", 1000.0, 10),
        ("4294967296", 4294967296.0, 16),
        ("18446744073709551616", 2.0**64, 16),
    ],
)
def test_ranges(text: str, value: float, bits: int) -> None:
    (channel,), findings = described({"$P1R": text})
    assert (channel.range, channel.significant_bits, findings) == (value, bits, [])


@pytest.mark.parametrize("text", ["NA", "0", "1", "1e38", "", "-5", "inf"])
def test_unusable_ranges(text: str) -> None:
    (channel,), findings = described({"$P1R": text})
    assert (channel.range, channel.significant_bits, findings) == (None, 16, ["pnr-unusable"])
    (channel,), findings = described({"$P1R": text}, datatype="F", width=4)
    assert (channel.range, findings) == (None, [])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0,0", (0.0, 0.0)),
        ("4,1", (4.0, 1.0)),
        ("4,0", (4.0, 1.0)),
        (" 4.0,0.1024", (4.0, 0.1024)),
    ],
)
def test_amplification(text: str, value: tuple[float, float]) -> None:
    (channel,), findings = described({"$P1E": text})
    assert (channel.amplification, channel.logarithmic, findings) == (value, value[0] > 0, [])


def test_an_offset_without_decades() -> None:
    (channel,), findings = described({"$P1E": "0,1"})
    assert (channel.amplification, findings) == ((0.0, 0.0), ["pne-offset-of-linear"])
    assert described({"$P1E": "0,1"}, datatype="F", width=4)[1] == []


def test_amplification_of_floats_is_recorded_and_not_applied() -> None:
    (channel,), _ = described({"$P1E": "4,1"}, datatype="F", width=4)
    assert (channel.amplification, channel.logarithmic) == ((4.0, 1.0), False)
    assert described({"$P1E": "nonsense"}, datatype="F", width=4)[0][0].amplification == (0.0, 0.0)


def test_missing_amplification() -> None:
    (channel,), findings = described({"$P1E": " "})
    assert (channel.amplification, findings) == ((0.0, 0.0), ["pne-missing"])


@pytest.mark.parametrize("text", ["4", "4;1", "a,b", "-4,1", "4,-1", "4,1,2"])
def test_unreadable_amplification(text: str) -> None:
    with pytest.raises(FcsError) as caught:
        described({"$P1E": text})
    assert caught.value.code == "E_PNE"
    assert str(caught.value) == (
        f"a.fcs: A: the amplification $PnE of an integer channel cannot be read: '{text}'\n"
        "  expected   0,0 for a linear channel, or decades and offset such as 4,1\n"
        f"  remedy     correct $PnE {EXPORT}"
    )


def test_logarithm_without_range() -> None:
    with pytest.raises(FcsError) as caught:
        described({"$P1E": "4,1", "$P1R": "NA"})
    assert caught.value.code == "E_PNE"
    assert str(caught.value) == (
        "a.fcs: A: logarithmic values cannot be linearised: $PnR is 'NA'\n"
        "  expected   the number of steps of the logarithm, such as 1024\n"
        f"  remedy     correct $PnR {EXPORT}"
    )


@pytest.mark.parametrize(
    ("text", "value", "codes"),
    [("", 1.0, []), ("3.67", 3.67, []), ("0", 1.0, ["png-unusable"]), ("x", 1.0, ["png-unusable"])],
)
def test_gain(text: str, value: float, codes: list[str]) -> None:
    (channel,), findings = described({"$P1G": text})
    assert (channel.gain, findings) == (value, codes)
