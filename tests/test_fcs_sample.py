"""A sample in memory: built from columns, asked, shown."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest

from tregflow.errors import FcsError, PanelError
from tregflow.fcs import Channel, Sample
from tregflow.findings import Finding


def sample() -> Sample:
    return Sample.from_columns(
        "P01_D8.fcs",
        {"FSC-A": np.array([1, 2, 3], dtype=np.float32), "B515-A": [0.1, 0.2, 1e300]},
        markers={"B515-A": " CD25 "},
        keywords={"$spillover": "1,B515-A,1"},
    )


def test_channels_and_keywords() -> None:
    made = sample()
    assert made.channels == (
        Channel(1, "FSC-A", "", "F", 32, 262144.0, (0.0, 0.0), 1.0),
        Channel(2, "B515-A", "CD25", "D", 64, 262144.0, (0.0, 0.0), 1.0),
    )
    assert (made.n_events, made.version, made.path, made.sha256, made.findings) == (3, "3.1", None, None, ())
    assert made.keywords == {
        "$SPILLOVER": "1,B515-A,1", "$PAR": "2", "$TOT": "3", "$P1N": "FSC-A", "$P2N": "B515-A", "$P2S": "CD25",
    }  # fmt: skip


def test_values_keep_their_precision() -> None:
    made = sample()
    assert made.values("FSC-A").dtype == np.float32
    assert made.values("B515-A").tolist() == [0.1, 0.2, 1e300]
    assert made.array().dtype == np.float64
    assert made.array(["FSC-A"]).dtype == np.float32
    assert made.array(["B515-A", "FSC-A"])[:, 1].tolist() == [1.0, 2.0, 3.0]
    assert made.array([]).shape == (3, 0)


def test_columns_are_copied_and_guarded() -> None:
    column = np.array([1.0, 2.0])
    made = Sample.from_columns("a.fcs", {"A": column})
    column[0] = 99.0
    assert made.values("A")[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        made.values("A")[0] = 5.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.n_events = 9  # type: ignore[misc]


def test_integers_become_float64() -> None:
    assert Sample.from_columns("a.fcs", {"A": [2**53]}).values("A").tolist() == [2.0**53]


@pytest.mark.parametrize(
    ("columns", "markers", "text"),
    [
        (
            {"A": [1.0], "B": [1.0, 2.0]},
            {},
            "a.fcs: columns must be one-dimensional and of one length\n  available  A (1,), B (2,)",
        ),
        ({"A": 1.0}, {}, "a.fcs: columns must be one-dimensional and of one length\n  available  A ()"),
        ({"A": [1.0]}, {"B": "CD3"}, "a.fcs: a marker is given for B, which is no column\n  available  A (1,)"),
        ({" ": [1.0]}, {}, "a.fcs: a column has no name\n  available    (1,)"),
    ],
)
def test_columns_that_make_no_sample(columns: dict[str, object], markers: dict[str, str], text: str) -> None:
    with pytest.raises(FcsError) as caught:
        Sample.from_columns("a.fcs", columns, markers=markers)  # type: ignore[arg-type]
    assert (caught.value.code, str(caught.value)) == ("E_COLUMNS", text)


def test_a_channel_that_is_not_there() -> None:
    with pytest.raises(PanelError) as caught:
        sample().values("B515")
    assert caught.value.code == "E_NO_CHANNEL"
    assert str(caught.value) == (
        "P01_D8.fcs: the sample has no channel B515\n  available  FSC-A, CD25 (B515-A)\n  remedy     near miss 'B515-A'"
    )
    with pytest.raises(PanelError) as caught:
        sample().values("CD3")
    assert str(caught.value).endswith("  remedy     name a channel by its $PnN")


def test_repr() -> None:
    assert repr(sample()) == "<Sample P01_D8.fcs: FCS 3.1, 3 events, 2 channels: FSC-A, CD25 (B515-A)>"
    noticed = dataclasses.replace(sample(), findings=(Finding("x", "info", "y", "z"),), columns={})
    assert repr(noticed) == (
        "<Sample P01_D8.fcs: FCS 3.1, 3 events, 2 channels, 2 not read, 1 finding(s): FSC-A, CD25 (B515-A)>"
    )


def test_html_is_escaped() -> None:
    made = Sample.from_columns("<b>.fcs", {"<i>": [1.0]}, markers={"<i>": "<script>"})
    shown = dataclasses.replace(made, findings=(Finding("c", "info", "w", "<u>"),))._repr_html_()
    assert "<b>" not in shown
    assert "<script>" not in shown
    assert "<u>" not in shown
    assert "&lt;script&gt;" in shown


def test_pickle() -> None:
    copy = pickle.loads(pickle.dumps(sample()))
    assert copy.channels == sample().channels
    assert copy.values("B515-A").tolist() == sample().values("B515-A").tolist()
    assert not copy.values("B515-A").flags.writeable
