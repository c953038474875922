"""Files whole or not at all, names made from ids, CSV that a spreadsheet cannot run and people can write."""

from __future__ import annotations

import csv
import hashlib
import os
import re
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tregflow._files import (
    csv_bytes,
    guard,
    read_csv_rows,
    sha256_bytes,
    sha256_file,
    slug,
    unguard,
    write_whole,
)

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
FORMULAS = ["=1+1", "+SUM(A1)", "-2", "@cmd", "'=1", "''@x", " =1", "\t=1", "\r\n+1", "' -1"]


# ---------------------------------------------------------------------------------------------------------- writing


def test_a_file_is_written_with_its_folders(tmp_path: Path) -> None:
    write_whole(tmp_path / "a" / "b" / "t.csv", b"new")
    assert (tmp_path / "a" / "b" / "t.csv").read_bytes() == b"new"


def test_a_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"old and longer")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["t.csv"]


@pytest.mark.parametrize("stopped", [OSError("disk full"), KeyboardInterrupt()])
def test_a_write_that_stops_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped: BaseException
) -> None:
    def stop(_: int) -> None:
        raise stopped

    path = tmp_path / "t.csv"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", stop)
    with pytest.raises(type(stopped)):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["t.csv"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no umask to speak of")
def test_a_file_has_the_rights_that_the_users_umask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_whole(tmp_path / "t.csv", b"of patients")
    finally:
        os.umask(before)
    assert (tmp_path / "t.csv").stat().st_mode & 0o777 == 0o600


def test_hashes_are_those_of_the_standard(tmp_path: Path) -> None:
    content = b"abc" * 100_000
    (tmp_path / "f").write_bytes(content)
    assert sha256_bytes(content) == sha256_file(tmp_path / "f") == hashlib.sha256(content).hexdigest()
    assert sha256_bytes(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


# ------------------------------------------------------------------------------------------------------------ names


@given(TEXTS)
def test_a_slug_is_a_harmless_file_name(name: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}-[0-9a-f]{8}|[_-][A-Za-z0-9._-]*-[0-9a-f]{8}", slug(name))
    assert ".." not in slug(name).split("/")


@given(TEXTS, TEXTS)
def test_two_ids_never_share_a_slug(one: str, other: str) -> None:
    assert (slug(one) == slug(other)) is (one == other)


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("P01_D8", "P01_D8-"),
        ("../../etc/passwd", "etc_passwd-"),
        ("P01 D8", "P01_D8-"),
        ("Müller", "Muller-"),
        ("患者", "id-"),
        ("", "id-"),
        (".", "id-"),
        ("a\\b:c*d?e", "a_b_c_d_e-"),
        ("x" * 300, "x" * 60 + "-"),
    ],
)
def test_a_slug_keeps_what_is_harmless(name: str, begins: str) -> None:
    assert slug(name).startswith(begins)
    assert len(slug(name)) == len(begins) + 8


def test_ids_that_look_alike_on_disk_have_slugs_of_their_own() -> None:
    names = ["P01/D8", "P01_D8", "P01 D8", "p01_d8", "P01_D8 ", "Mu\u0308ller", "M\u00fcller"]
    assert len({slug(name).casefold() for name in names}) == len(names)


# ------------------------------------------------------------------------------------------------------------ cells


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_gets_an_apostrophe(text: str) -> None:
    assert guard(text) == "'" + text
    assert unguard(guard(text)) == text


@pytest.mark.parametrize("text", ["", "CD4+", "P01", "1e5", "it's", "'quoted'", "a=b", "'", "–2"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert guard(text) == unguard(text) == text


@given(st.one_of(TEXTS, st.from_regex(r"\A'{0,3}\s?[=+\-@]\w*\Z")))
def test_guarding_is_undone_exactly(text: str) -> None:
    assert unguard(guard(text)) == text
    assert not re.match(r"\s*[=+\-@]", guard(text))


def test_cells_of_every_kind() -> None:
    row = {"a": None, "b": True, "c": False, "d": 3, "e": 0.1 + 0.2, "f": -2.5, "g": -7, "h": "=1", "i": 'say "a, b"'}
    assert csv_bytes(list(row), [row]) == (
        b'a,b,c,d,e,f,g,h,i\n,true,false,3,0.30000000000000004,-2.5,-7,\'=1,"say ""a, b"""\n'
    )


def test_the_names_of_columns_are_guarded_too() -> None:
    table = csv_bytes(["=cmd|' /c calc'!A0"], [{"=cmd|' /c calc'!A0": 1}])
    assert table == b"'=cmd|' /c calc'!A0\n1\n"
    assert read_csv_rows(table.decode())[0] == ["=cmd|' /c calc'!A0"]


CELLS = TEXTS.map(lambda text: text.replace("\r", "").strip())


@given(st.lists(st.tuples(CELLS, CELLS), max_size=5))
def test_tables_come_back_as_they_were(pairs: list[tuple[str, str]]) -> None:
    table = csv_bytes(["one", "other"], [{"one": one, "other": other} for one, other in pairs])
    _, found = read_csv_rows(table.decode())
    assert [(cells["one"], cells["other"]) for _, cells in found] == [pair for pair in pairs if any(pair)]


def test_a_carriage_return_ends_no_row() -> None:
    assert csv_bytes(["a", "b"], [{"a": "1\r2", "b": "3\r\n4"}]) == b'a,b\n"1\n2","3\n4"\n'


# ---------------------------------------------------------------------------------------------------------- reading


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiters_that_spreadsheets_write(delimiter: str) -> None:
    text = f"sample{delimiter}file\n P01 {delimiter}a b.fcs\n"
    assert read_csv_rows(text) == (["sample", "file"], [(2, {"sample": "P01", "file": "a b.fcs"})])


def test_rows_know_their_lines_and_empty_ones_are_passed_over() -> None:
    header, found = read_csv_rows('a,b\n\n1,2\n , \n"3\n4",5\n6\n')
    assert header == ["a", "b"]
    assert found == [(3, {"a": "1", "b": "2"}), (6, {"a": "3\n4", "b": "5"}), (7, {"a": "6", "b": ""})]


def test_a_text_beyond_the_columns_is_not_lost() -> None:
    assert read_csv_rows("a,b,\n1,2,3,4\n5,6,,\n") == (
        ["a", "b", ""],
        [(2, {"a": "1", "b": "2", "": "3, 4"}), (3, {"a": "5", "b": "6"})],
    )


def test_an_empty_text_has_no_header() -> None:
    assert read_csv_rows("") == ([], [])


@pytest.mark.parametrize("text", ['a,b\n"1,2\n3,4\n', 'a,b\n"1"x,2\n'])
def test_quotes_that_do_not_match_are_an_error(text: str) -> None:
    with pytest.raises(csv.Error):
        read_csv_rows(text)
