"""Near misses: misspellings and decorations, not other molecules."""

from __future__ import annotations

import pytest

from tregflow.fcs.names import near_misses, printable, shown


@pytest.mark.parametrize(
    ("name", "candidate"),
    [
        ("CD25", "CD-25"),
        ("CD25", "cd 25 "),
        ("CD25", "CD25 BB515"),
        ("CD25", "BB515-CD25"),
        ("FoxP3", "Foxp3-IgM"),
        ("FoxP3", "FOX-P3 PE"),
        ("FoxP3", "FopX3"),
        ("CD127", "CD127;BV421;450/50"),
        ("CD3", "CD3-IgD"),
    ],
)
def test_near(name: str, candidate: str) -> None:
    assert near_misses(name, ["FSC-A", candidate]) == [candidate]


@pytest.mark.parametrize(
    ("name", "candidate"),
    [
        ("CD3", "CD38"),
        ("CD4", "CD45RA"),
        ("CD127", "CD27"),
        ("CD25", "CD52"),
        ("CD25", ""),
        ("--", "-"),
        ("CD25", "FSC-A"),
    ],
)
def test_not_near(name: str, candidate: str) -> None:
    assert near_misses(name, [candidate]) == []


def test_near_misses_keep_their_order_and_come_once() -> None:
    assert near_misses("CD25", ["CD25-b", "CD 25", "CD25-b"]) == ["CD25-b", "CD 25"]


def test_control_characters_do_not_reach_a_terminal() -> None:
    assert printable("a\x1b[2Jb\n") == "a?[2Jb?"
    assert shown("\x1b" * 99) == repr("\x1b" * 40)
