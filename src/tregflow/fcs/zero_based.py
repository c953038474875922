"""A repair by name: channels that are numbered from 0."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from tregflow.findings import Finding

if TYPE_CHECKING:
    from tregflow.fcs.text import Text

_KEY = re.compile(r"\$P(\d{1,6})([A-Z].*)")


def from_one(text: Text) -> Text:
    """Return TEXT with its channels numbered from 1 where they are numbered from 0."""
    if "$P0B" not in text.keywords:
        return text
    said = "channels are numbered from 0 in TEXT: read as numbered from 1, as asked for"
    finding = Finding("zero-based-parameters", "warning", "TEXT", said)
    return replace(renumbered(text), findings=(*text.findings, finding))


def renumbered(text: Text) -> Text:
    """Return TEXT with each channel's number one higher."""
    return replace(
        text,
        keywords={_moved(key): value for key, value in text.keywords.items()},
        spelling={_moved(key): spelling for key, spelling in text.spelling.items()},
    )


def _moved(key: str) -> str:
    match = _KEY.fullmatch(key)
    return f"$P{int(match[1]) + 1}{match[2]}" if match else key
