"""Numbers of keywords: ASCII, finite, of bounded length."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tregflow.fcs.numbers import real, whole


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), (" 00005555 ", 5555), ("-1", -1), ("18446744073709551616", 2**64), ("\t7\n", 7)],
)
def test_whole_numbers(text: str, value: int) -> None:
    assert whole(text) == value


@pytest.mark.parametrize(
    "text", [None, "", " ", "1.0", "1e3", "1_0", "٣", "²", "+1", "--1", "- 1", "9" * 21, "9" * 5000]
)
def test_what_is_no_whole_number(text: str | None) -> None:
    assert whole(text) is None


@pytest.mark.parametrize(("text", "value"), [("4.0", 4.0), (" 0.1024", 0.1024), ("1e38", 1e38), ("-.5", -0.5)])
def test_real_numbers(text: str, value: float) -> None:
    assert real(text) == value


@pytest.mark.parametrize("text", [None, "", "NA", "nan", "inf", "-Infinity", "1_0", "٣", "1,5", "9" * 5000])
def test_what_is_no_real_number(text: str | None) -> None:
    assert real(text) is None


@given(st.text())
def test_no_text_raises(text: str) -> None:
    assert whole(text) is None or isinstance(whole(text), int)
    value = real(text)
    assert value is None or math.isfinite(value)
