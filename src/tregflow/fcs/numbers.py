"""Numbers as keywords write them: plain ASCII digits, or nothing.

Python's own `int` and `float` read more than a keyword may say (``1_000``, ``٣``, ``nan``), and `int` refuses very
long digit strings with an error of its own; a hostile file must reach neither.
"""

from __future__ import annotations

import math

_DIGITS = 20
"""Digits of the largest 64-bit number; a longer one is no offset, count or width."""


def whole(text: str | None) -> int | None:
    """Return the whole number in `text`, signed or not, or None if it holds anything else.

    Examples
    --------
    >>> whole(" 00005555 "), whole("-1"), whole("1_0"), whole("")
    (5555, -1, None, None)
    """
    stripped = (text or "").strip()
    digits = stripped.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS):
        return None
    return int(stripped)


def real(text: str | None) -> float | None:
    """Return the finite number in `text`, or None if it holds anything else.

    Examples
    --------
    >>> real(" 4.0 "), real("1e38"), real("NA"), real("inf")
    (4.0, 1e+38, None, None)
    """
    stripped = (text or "").strip()
    if not stripped.isascii() or "_" in stripped:
        return None
    try:
        value = float(stripped)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
