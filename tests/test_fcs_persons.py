"""Keywords that name persons: found whatever the vendor calls them, and taken out of other values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tregflow.errors import FcsError
from tregflow.fcs import read_fcs
from tregflow.fcs.persons import PERSONS, TRACES, deidentified, is_personal

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "key",
    [
        *PERSONS,
        *TRACES,
        "PATIENT ID",
        "PATIENT_NAME",
        "&10PATIENT ID",
        "&12SAMPLE ID",
        "@SAMPLEID4",
        "EXPERIMENT_NAME",
        "TUBE_NAME",
        "OPERATOR",
        "@OPERATORS",
        "USER",
        "#USERNAME",
        "LAST NAME",
        "DATE OF BIRTH",
        "IC$USER",
    ],
)
def test_a_key_that_leads_to_a_person(key: str) -> None:
    assert is_personal(key)


@pytest.mark.parametrize(
    "key",
    [
        "$CYT",
        "$CYTSN",
        "$DATE",
        "$BTIM",
        "$TIMESTEP",
        "$SYS",
        "$P1N",
        "$P1S",
        "CREATOR",
        "GUID",
        "WELL ID",
        "USERSETTINGS",
    ],
)
def test_a_key_that_does_not(key: str) -> None:
    assert not is_personal(key)


def test_every_key_says_why() -> None:
    assert all(reason for reason in (PERSONS | TRACES).values())
    assert PERSONS.keys().isdisjoint(TRACES)
    assert all(key == key.upper() for key in PERSONS | TRACES)


def test_a_name_is_taken_out_of_other_values() -> None:
    found = deidentified(
        {
            "$OP": "Jane Roe",
            "EXPORT USER NAME": " jroe ",
            "$CYT": "Canto of JANE ROE",
            "#PATH": "c:/data/jroe/1.fcs",
            "#WORD": "jroes",
            "$P1S": "CD3 jroe",
            "$SPILLOVER": "1,jroe,1",
        }
    )
    assert found == {
        "$CYT": "Canto of [removed]",
        "#PATH": "c:/data/[removed]/1.fcs",
        "#WORD": "jroes",
        "$P1S": "CD3 jroe",
        "$SPILLOVER": "1,jroe,1",
    }


def test_initials_are_left_in_other_words() -> None:
    assert deidentified({"$OP": "JR", "$CYT": "JR 7"}) == {"$CYT": "JR 7"}


def test_free_text_is_dropped_and_not_looked_for() -> None:
    assert deidentified({"$COM": "Canto", "$CELLS": "PBMC", "#NOTE": "PBMC on a Canto"}) == {"#NOTE": "PBMC on a Canto"}


@pytest.mark.parametrize("path", [r"C:\Users\jroe\a.fcs", "/home/jroe/a.fcs", r"D:\Documents and Settings\jroe\x"])
def test_a_path_below_a_persons_folder(path: str) -> None:
    assert deidentified({"#SETTINGS": path, "#OTHER": "/data/a.fcs"}) == {"#OTHER": "/data/a.fcs"}


def test_real_files_name_nobody(data_dir: Path) -> None:
    named = 0
    for file in sorted(each for each in data_dir.rglob("*") if each.suffix in (".fcs", ".lmd")):
        try:
            keywords = read_fcs(file, channels=()).keywords
        except FcsError:
            continue
        names = {keywords[key].strip().lower() for key in PERSONS if len(keywords.get(key, "").strip()) > 3}
        found = deidentified(keywords)
        named += bool(names)
        assert not (PERSONS | TRACES).keys() & found.keys(), file.name
        told = " ".join(value.lower() for key, value in found.items() if not key.startswith("$P"))
        assert not any(f" {name} " in f" {told} " for name in names), file.name
        assert {key for key in keywords if key.startswith("$P")} - {"$PROJ"} <= found.keys(), file.name
    assert named > 10
