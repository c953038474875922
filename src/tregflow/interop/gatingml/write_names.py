"""Ids for other programs: XML asks for names without signs and blanks, each once in a file (xs:ID)."""

from __future__ import annotations

import re

_SIGNS = {"+": "pos", "\N{MINUS SIGN}": "-"}
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_.-]")


class Ids:
    """The ids of a file under construction."""

    def __init__(self) -> None:
        self._used = {"root", "uncompensated", "fcs"}

    def new(self, wish: str) -> str:
        """Return an id like `wish` that XML takes and that no other element has.

        Examples
        --------
        >>> ids = Ids()
        >>> ids.new("CD4+"), ids.new("127lo 25+"), ids.new("CD4+")
        ('CD4pos', '_127lo_25pos', 'CD4pos_2')
        """
        for sign, word in _SIGNS.items():
            wish = wish.replace(sign, word)
        name = _NOT_IN_A_NAME.sub("_", wish)
        if not re.match(r"[A-Za-z_]", name):
            name = f"_{name}"
        unique, count = name, 2
        # Case aside: some programs make file names of ids.
        while unique.casefold() in self._used:
            unique, count = f"{name}_{count}", count + 1
        self._used.add(unique.casefold())
        return unique
