"""A first study.yaml and samples.csv from a folder of FCS files; what was guessed is marked as guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tregflow._files import csv_bytes, write_whole
from tregflow.errors import StudyError, TregflowError
from tregflow.fcs import read_fcs
from tregflow.strategy import Strategy, shipped
from tregflow.strategy.overrides import OVERRIDES_FILE
from tregflow.study import GUESSED, SHEET_COLUMNS, Study

if TYPE_CHECKING:
    from tregflow.study import Row

_VISIT = re.compile(r"(?:^|[_\-\s./])(day|d|week|w|month|m|visit|v)[ _-]?(\d{1,4})(?=$|[_\-\s./])", re.IGNORECASE)
_SUBJECT = re.compile(r"(?:^|[_\-\s./])((?:[A-Za-z]{1,8}[-_]?)?\d{1,6}[A-Za-z]?)(?=$|[_\-\s./])")
_FMO = re.compile(r"fmo", re.IGNORECASE)
_UNSTAINED = re.compile(r"unst(ained)?\b|unstained|(?:^|[_\-\s.])blank", re.IGNORECASE)
_SINGLE = re.compile(r"compensation|single[ _-]?stain", re.IGNORECASE)
_DAYS = {"d": 1, "w": 7, "m": 30, "v": 1}
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Guess:
    """What a file's name and header suggest of a row of the sample sheet."""

    subject: str = ""
    visit: str = ""
    day: int | None = None
    date: str = ""
    batch: str = ""
    role: str = "sample"

    @property
    def cells(self) -> str:
        """Names of the cells that hold a guess."""
        names = [name for name in ("subject", "visit", "date", "batch") if getattr(self, name)]
        return " ".join([*names, *(["role"] if self.role != "sample" else [])])


def write_study(folder: Path, *, strategy: str = "treg") -> dict[str, int]:
    """Write study.yaml, samples.csv and a copy of a strategy into a folder of FCS files.

    Parameters
    ----------
    folder : Path
        The folder; FCS files below it belong to the study, too.
    strategy : str
        A shipped name, or the path of a YAML file; one that lies in the folder already is taken as it is. The overrides
        beside it are copied, too: where they name samples that the folder does not have, `tregflow check` says so.

    Returns
    -------
    dict of str to int
        Number of files by role.

    Raises
    ------
    StudyError
        The folder holds no FCS file (``E_NO_FILES``), or one of the three files is there already (``E_EXISTS``):
        nothing is overwritten.
    """
    template = Strategy.load(strategy)
    copy = strategy_copy(folder, strategy)
    own = copy.exists() and Path(strategy).exists() and copy.samefile(strategy)
    rules = overrides_copy(folder, strategy)
    copied = [] if own else [copy, *([rules] if rules else [])]
    wanted = [folder / "study.yaml", folder / "samples.csv", *copied]
    there = sorted(str(path) for path in wanted if path.exists())
    if there:
        raise StudyError(
            "is there already, and nothing is overwritten",
            code="E_EXISTS",
            file=there[0],
            remedy="edit it, or move it away first",
        )
    rows = Study.from_folder(folder, template).rows
    guesses = {row.sample: guess(row.file, folder / row.file, template.axes) for row in rows}
    write_whole(folder / "samples.csv", _sheet(rows, guesses))
    if not own:
        write_whole(copy, _strategy_text(strategy).encode())
        if rules:
            write_whole(rules, Path(strategy).with_name(OVERRIDES_FILE).read_bytes())
    confirm = _CONFIRM_SHIPPED if strategy in shipped() else _CONFIRM
    text = _study_text(folder.resolve().name, copy.name, template, list(guesses.values()), confirm)
    write_whole(folder / "study.yaml", text.encode())
    roles = [found.role.split(":")[0] for found in guesses.values()]
    return {role: roles.count(role) for role in dict.fromkeys(roles)}


def strategy_copy(folder: Path, strategy: str) -> Path:
    """Return where the copy of a strategy goes: under its file's name; the name inside a file may hold anything."""
    return folder / (Path(strategy).name if Path(strategy).suffix else f"{strategy}.yaml")


def overrides_copy(folder: Path, strategy: str) -> Path | None:
    """Return where the copy of the overrides beside a strategy goes; None where there are none."""
    beside = Path(strategy).with_name(OVERRIDES_FILE) if Path(strategy).suffix else None
    return folder / OVERRIDES_FILE if beside is not None and beside.is_file() else None


def guess(name: str, path: Path, markers: tuple[str, ...]) -> Guess:
    """Guess subject, visit, date, batch and role of a file from its name and its ``$DATE``."""
    stem = name.rsplit(".", 1)[0]
    role = _role(stem, markers)
    visit, day = _visit(stem)
    date = _date(path)
    batch = name.rsplit("/", 1)[0] if "/" in name else date
    subject = "" if role != "sample" else _subject(_VISIT.sub(" ", stem.rsplit("/", 1)[-1]))
    return Guess(subject, visit if role == "sample" else "", day, date, batch, role)


def _role(stem: str, markers: tuple[str, ...]) -> str:
    if _FMO.search(stem):
        plain = re.sub(r"[\W_]+", "", stem).casefold()
        named = [marker for marker in markers if re.sub(r"[\W_]+", "", marker).casefold() in plain]
        longest = max(named, key=len, default=UNKNOWN)  # CD4 is part of CD45RA
        return f"fmo:{longest}"
    if _UNSTAINED.search(stem):
        return "unstained"
    return f"single:{UNKNOWN}" if _SINGLE.search(stem) else "sample"


def _visit(stem: str) -> tuple[str, int | None]:
    found = _VISIT.search(stem)
    if found is None:
        return "", None
    letter, number = found[1][0].lower(), int(found[2])
    return f"{letter.upper()}{number}", number * _DAYS[letter]


def _subject(text: str) -> str:
    found = _SUBJECT.search(text)
    return found[1] if found else ""


def _date(path: Path) -> str:
    """Return ``$DATE`` (dd-mmm-yyyy by the standard) as YYYY-MM-DD; nothing where it is absent or written otherwise."""
    try:
        text = read_fcs(path, channels=()).keywords.get("$DATE", "").strip()
    except TregflowError:  # the file is bad: `check` and `run` will say how
        return ""
    for form in ("%d-%b-%Y", "%d-%b-%y", "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form).date().isoformat()
        except ValueError:
            continue
    return ""


def _sheet(rows: tuple[Row, ...], guesses: dict[str, Guess]) -> bytes:
    columns = (*SHEET_COLUMNS, GUESSED)
    return csv_bytes(
        columns,
        (
            {
                "sample": row.sample,
                "file": row.file,
                "subject": found.subject,
                "visit": found.visit,
                "date": found.date,
                "batch": found.batch,
                "role": found.role,
                GUESSED: found.cells,
            }
            for row in rows
            for found in [guesses[row.sample]]
        ),
    )


def _strategy_text(name: str) -> str:
    from importlib import resources

    path = Path(name)
    if path.suffix:
        return path.read_text(encoding="utf-8")
    return (resources.files("tregflow") / "strategies" / f"{name}.yaml").read_text(encoding="utf-8")


def _study_text(name: str, strategy: str, template: Strategy, guesses: list[Guess], confirm: str) -> str:
    from tregflow._yaml import dump

    visits = sorted({(found.day, found.visit) for found in guesses if found.visit and found.day is not None})
    head = {"tregflow": 1, "name": name, "strategy": strategy, "samples": "samples.csv"}
    text = _HEAD + dump(head) + confirm
    if not visits:
        return text + _NO_VISITS
    named = {visit: {"day": day} for day, visit in visits}
    text += "\n# Guessed from the file names; add windows: D8: {day: 8, window: [7, 10]}\n"
    text += dump({"visits": named, "baseline": visits[0][1]})
    later = [visit for _, visit in visits[1:]]
    if later and template.ratios:
        first = next(iter(template.ratios))
        text += "\n# Write the endpoints down before the data are seen. test: t_fold | t_log | wilcoxon\n"
        text += dump({"endpoints": {"primary": {"ratio": first, "visit": later[0], "test": "t_log"}}})
    return text


_HEAD = """\
# Made by `tregflow init`. Next: correct samples.csv, adjust the strategy's gates to your data,
# then `tregflow check` and `tregflow run` on this folder.
"""
_CONFIRM = """
# When the gates fit these data, say who stands for them, and since when:
# confirmed: {by: "initials or role", at: 2026-01-31}
"""
_CONFIRM_SHIPPED = """
# The copied strategy carries the gates of simulated data: no number counts before somebody has adjusted them.
""" + _CONFIRM.lstrip()
_NO_VISITS = """
# No visit was found in the file names. For endpoints, fill subject and visit in samples.csv and write, for example:
# visits: {D0: {day: 0, window: [-7, 0]}, D8: {day: 8, window: [7, 10]}}
# baseline: D0
# endpoints:
#   primary: {ratio: Treg_of_CD4, visit: D8, test: t_log}
"""
