"""Names that are nearly right: what to offer when a channel or a marker is not found."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_CUTOFF = 0.75
"""Share of letters in common (difflib's ratio) from which one name counts as a misspelling of another."""


def near_misses(name: str, candidates: Iterable[str]) -> list[str]:
    """Return those of `candidates` that a person may have meant by `name`, in their own order.

    A candidate is near if it equals `name` without case, blanks and punctuation (``CD-25``), begins with it or ends
    with it as a whole (``Foxp3-IgM``, ``CD4 FITC``), or is a misspelling (``FoxpP3``). The digits must agree: CD3 and
    CD38, CD127 and CD27 are other molecules, not misspellings.

    Examples
    --------
    >>> near_misses("CD25", ["CD-25", "CD27", "CD25 BB515", "CD250"])
    ['CD-25', 'CD25 BB515']
    """
    return [candidate for candidate in dict.fromkeys(candidates) if candidate and _near(name, candidate)]


def printable(text: str) -> str:
    r"""Return `text` with "?" for control characters: what a file holds must not steer a terminal.

    Examples
    --------
    >>> printable("CD25\x1b[2J")
    'CD25?[2J'
    """
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def shown(text: str) -> str:
    r"""Return the beginning of `text` in quotes, control characters escaped, as messages show what a file holds.

    Examples
    --------
    >>> print(shown(" NA\x1b "))
    'NA\x1b'
    """
    return repr(text.strip()[:40])


def squashed(name: str) -> str:
    """Return `name` without case, blanks and punctuation.

    Examples
    --------
    >>> squashed("CD-25 ")
    'cd25'
    """
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _near(name: str, candidate: str) -> bool:
    wanted, found = squashed(name), squashed(candidate)
    if not wanted or not found:
        return False
    if wanted == found or _holds(found, wanted):
        return True
    same_digits = re.findall(r"\d+", wanted) == re.findall(r"\d+", found)
    return same_digits and difflib.SequenceMatcher(None, wanted, found).ratio() >= _CUTOFF


def _holds(text: str, part: str) -> bool:
    """Tell whether `text` begins or ends with `part` without cutting a number in two."""
    if len(part) < 3:  # one or two letters begin too many names
        return False
    behind, before = text.removeprefix(part), text.removesuffix(part)
    if behind != text:
        return not (part[-1].isdigit() and behind[:1].isdigit())
    return before != text and not (part[0].isdigit() and before[-1:].isdigit())
