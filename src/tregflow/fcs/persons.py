"""Keywords that name persons, or by which a person may be found: left out where a file is made for others to see.

Of 568 public files 324 carry ``$OP``, 149 ``EXPORT USER NAME`` and 4 ``PATIENT ID`` (fcs.md 3.10).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PERSONS = {
    "$OP": "operator",
    "$EXP": "person who initiated the experiment",
    "$LAST_MODIFIER": "person who changed the file last",
    "$SRC": "source of the specimen, as a rule the patient",
    "EXPORT USER NAME": "BD FACSDiva: who exported the file",
    "MCAACQMODE": "MACSQuant: account that acquired the file",
}
"""Keys that name a person. Where a value of theirs stands in another keyword, it is taken out there, too."""

TRACES = {
    "$SMNO": "number of the specimen",
    "$CELLS": "description of the specimen, free text",
    "$PROJ": "name of the project, free text",
    "$COM": "comment, free text",
    "$FIL": "name of the file when it was made, often with the patient's number",
    "$INST": "institution",
    "$INSTADDRESS": "Beckman Coulter: address of the institution",
    "@LOCATION": "Beckman Coulter: address of the institution",
    "@SAMPLEID": "Beckman Coulter: up to four names of the specimen, @SAMPLEID1 …",
    "@BARCODE": "Beckman Coulter: barcode of the tube",
    "SAMPLE ID": "BD: name of the specimen",
    "SAMPLEID": "Partec: number of the specimen",
    "SAMPLE NAME": "Stratedigm and others: name of the specimen",
    "TUBE NAME": "BD: name of the tube",
    "TUBENAME": "Cytek: name of the tube",
    "EXPERIMENT NAME": "BD: name of the experiment",
    "GROUPNAME": "Cytek: name of the group of tubes",
    "CASE NUMBER": "BD FACSCanto: case",
    "FILENAME": "exports: path of the file, often below a person's folder",
    "@MB_EXPERIMENT": "MACSQuant: the whole experiment, encoded",
    "@MB_ANALYSIS": "MACSQuant: the whole analysis, encoded",
    "@MB_INSSET": "MACSQuant: the instrument's settings with their author, encoded",
}
"""Keys that lead to a person, or whose free text may."""

_WORDS = re.compile(
    r"(?<![A-Z])(OPERATOR|USER|USER ?NAME|LOGIN|OWNER|AUTHOR|MODIFIER|ANALYST|TECHNICIAN|TECHNOLOGIST|EXPERIMENTER"
    r"|INVESTIGATOR|SCIENTIST|RESEARCHER|PHYSICIAN|DOCTOR|CLINICIAN|PATIENT|SUBJECT|DONOR|BIRTH|BIRTH ?DATE|DOB|MRN"
    r"|E-?MAIL|FIRST ?NAME|LAST ?NAME|SURNAME|MEDICAL ?RECORD|PI ?NAME|(?:CREATED|ACQUIRED|SIGNED|EXPORTED) ?BY)"
    r"(?: ?(?:ID|NAME|NO|NUMBER|AGE|SEX))?S?(?![A-Z])"
)
"""Words by which any other vendor's key is taken to lead to a person."""

_HOME = re.compile(r"[/\\](users|home|documents and settings)[/\\]", re.IGNORECASE)
"""A path below a person's own folder."""

_SHORTEST = 4
"""Letters from which a person's name is looked for in other values: initials would be found in many words."""
_MOST_NAMES = 50
"""Names of persons that are looked for; real files have a handful."""

REMOVED = "[removed]"


def is_personal(key: str) -> bool:
    """Tell whether a keyword names a person or may lead to one.

    Parameters
    ----------
    key : str
        Upper-case.

    Examples
    --------
    >>> is_personal("$OP"), is_personal("&10PATIENT ID"), is_personal("@SAMPLEID2"), is_personal("$CYT")
    (True, True, True, False)
    """
    plain = re.sub(r"^&\d+", "", key).replace("_", " ").strip()
    listed = {key, key.rstrip("0123456789"), plain} & {*PERSONS, *TRACES}
    return bool(listed) or bool(_WORDS.search(plain))


def deidentified(keywords: Mapping[str, str], *beside: Mapping[str, str]) -> dict[str, str]:
    """Return the keywords without those that name persons or may lead to one.

    A person's name that stands in the value of another keyword is replaced there by ``[removed]``. Dates and times of
    acquisition stay: a trial cannot do without them. Names of channels and markers stay.

    Parameters
    ----------
    keywords : mapping of str to str
        Upper-case keys.
    *beside : mapping of str to str
        Keywords of other segments of the file: names of persons that stand there are taken out here as well.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> deidentified({"$OP": "J. Roe", "$CYT": "Canto of J. Roe", "$DATE": "01-JAN-2026"})
    {'$CYT': 'Canto of [removed]', '$DATE': '01-JAN-2026'}
    """
    without = names_remover(keywords, *beside)
    kept = {key: value for key, value in keywords.items() if not (is_personal(key) or _HOME.search(value))}
    return {key: value if _is_structure(key) else without(value) for key, value in kept.items()}


def names_remover(*segments: Mapping[str, str]) -> Callable[[str], str]:
    """Return what puts ``[removed]`` for each name of a person that keywords hold; for more than one text of a file.

    Of a file that names more persons than any real one, nothing is left: looking for each of them in each value would
    take minutes.

    Examples
    --------
    >>> names_remover({"$OP": "J. Roe"})("the last key, 'J. Roe'")
    "the last key, '[removed]'"
    """
    pairs = (pair for keywords in segments for pair in keywords.items())
    whole = {value.strip() for key, value in pairs if key in PERSONS or _WORDS.search(key)}
    named = whole | {part for name in whole for part in re.findall(r"[^\W\d_]+", name)}
    known = [name for name in named if len(name) >= _SHORTEST]
    if len(known) > _MOST_NAMES:
        return lambda _: REMOVED
    if not known:
        return lambda text: text
    # The longest first: a name may begin with another.
    alternatives = "|".join(re.escape(name) for name in sorted(known, key=lambda name: (-len(name), name)))
    pattern = re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)", re.IGNORECASE)
    return lambda text: pattern.sub(REMOVED, text)


def without_names(text: str, keywords: Mapping[str, str]) -> str:
    """Return `text` with ``[removed]`` for each name of a person that `keywords` hold.

    Examples
    --------
    >>> without_names("the last key, 'J. Roe'", {"$OP": "J. Roe"})
    "the last key, '[removed]'"
    """
    return names_remover(keywords)(text)


def _is_structure(key: str) -> bool:
    """Tell whether a keyword describes channels: their names are no person's."""
    return re.fullmatch(r"\$P\d+[A-Z]+|\$?SPILL(OVER)?", key) is not None
