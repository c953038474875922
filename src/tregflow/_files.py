"""Files written whole or not at all, hashes, names made from ids, and tables that a spreadsheet cannot run."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
import secrets
import unicodedata
from contextlib import contextmanager
from itertools import zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

Cell = str | int | float | bool | None
"""What a table holds: text, numbers, and None for a value that is missing."""

_FORMULA = re.compile(r"'*\s*[=+\-@]")
_GUARDED = re.compile(r"'+\s*[=+\-@]")
_DELIMITERS = ",;\t"


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to; what stands there at the end is flushed to the disk and takes the name.

    A reader sees the old file or the new one, never a part; an error on the way leaves the old file as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{path.name[:40]}.{secrets.token_hex(8)}"
    try:
        yield temporary
        with temporary.open("r+b") as file:  # Windows flushes only what is open for writing
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Write `content` to `path` as `whole` does; parts are written as they come."""
    with whole(path) as temporary, temporary.open("xb") as file:
        # with the rights that the user's umask leaves: results may concern patients
        file.writelines((content,) if isinstance(content, bytes) else content)


def sha256_bytes(content: bytes) -> str:
    """Return the SHA-256 of `content` in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_or_none(path: Path) -> str | None:
    """Return the SHA-256 of a file; None for one that is missing or not ours to read."""
    try:
        return sha256_file(path)
    except OSError:
        return None


def slug(name: str) -> str:
    """Return a file name for an id: its harmless characters and eight digits of its hash.

    Ids come from sample sheets and may hold anything; two ids never share a name.

    Examples
    --------
    >>> slug("P01/D8")
    'P01_D8-f29a3c91'
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    safe = re.sub(r"[^A-Za-z0-9._-]+", "_", plain).strip("._")[:60]
    return f"{safe or 'id'}-{sha256_bytes(name.encode())[:8]}"


def without_folders(text: str, *folders: Path | None) -> str:
    """Return a message with its paths told from `folders`: tables must not depend on where a study lies.

    Examples
    --------
    >>> from pathlib import Path
    >>> without_folders(f"{Path('trial', 'P01.fcs')}: no such file", Path("trial"))
    'P01.fcs: no such file'
    """
    for folder in filter(None, folders):
        text = text.replace(f"{folder}{os.sep}", "")
    return text


def guard(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would run as a formula; `unguard` undoes it.

    Examples
    --------
    >>> guard("=1+1"), guard("CD4+"), unguard(guard("'-x"))
    ("'=1+1", 'CD4+', "'-x")
    """
    return f"'{text}" if _FORMULA.match(text) else text


def unguard(text: str) -> str:
    """Take off the apostrophe that `guard` put before a text."""
    return text[1:] if _GUARDED.match(text) else text


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        # csv does not quote a carriage return, and readers take it for the end of the row
        return guard(value.replace("\r\n", "\n").replace("\r", "\n"))
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)


def csv_bytes(columns: Sequence[str], rows: Iterable[Mapping[str, Cell]]) -> bytes:
    """Return a CSV table in UTF-8 with Unix line ends: a missing value is an empty cell, a float its shortest repr."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(map(guard, columns))
    writer.writerows([_cell(row[column]) for column in columns] for row in rows)
    return buffer.getvalue().encode()


def read_csv_rows(text: str) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    r"""Return the header and the rows of a CSV table as (line, {column: text}), apostrophes of `guard` taken off.

    Cells are parted by what parts the header: a comma, or the semicolon or tab that spreadsheets write in many
    countries. Empty lines are passed over. Cells are stripped of blanks; a row shorter than the header has empty cells.
    What stands in a cell without a column comes under the empty name: it must not be lost unseen.

    Raises
    ------
    csv.Error
        The quotes do not match.

    Examples
    --------
    >>> read_csv_rows("sample;file\nP01; P01.fcs\n")
    (['sample', 'file'], [(2, {'sample': 'P01', 'file': 'P01.fcs'})])
    """
    delimiter = max(_DELIMITERS, key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header = [unguard(cell.strip()) for cell in next(reader, [])]
    rows = [(reader.line_num, _by_column(header, cells)) for cells in reader if any(cell.strip() for cell in cells)]
    return header, rows


def _by_column(header: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    pairs = [(name, unguard(cell.strip())) for name, cell in zip_longest(header, cells, fillvalue="")]
    named = {name: text for name, text in pairs if name}
    nameless = ", ".join(text for name, text in pairs if text and not name)
    return named | ({"": nameless} if nameless else {})
