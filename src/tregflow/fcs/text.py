"""TEXT: keywords and values between delimiters, in the two dialects that writers use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tregflow.errors import FcsError
from tregflow.fcs.names import printable, shown
from tregflow.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tregflow.fcs.header import Segment

REQUIRED = ("$BYTEORD", "$DATATYPE", "$MODE", "$NEXTDATA", "$PAR", "$TOT")
"""Keys that every version requires, apart from those of each channel."""

TEXT_LIMIT = 1 << 23
"""Bytes of TEXT that are read. The largest real ones have some hundred kilobytes; a file may claim a gigabyte."""
TOKEN_LIMIT = 1 << 18
"""Keys and values that are read: for 10,000 channels a dozen keys each."""

_CHANNEL_LETTERS = "BENR"
_PADDING = b" \r\n\0"


@dataclass(frozen=True, slots=True)
class Text:
    """What a TEXT segment holds.

    Attributes
    ----------
    keywords : dict of str to str
        Upper-case key to value. No byte of a value is lost: one that is not UTF-8 is Latin-1, byte for character.
    spelling : dict of str to str
        Upper-case key to the key as the file has it.
    findings : tuple of Finding
    """

    keywords: dict[str, str]
    spelling: dict[str, str]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Tokens:
    """TEXT cut into keys and values, under one reading of doubled delimiters."""

    tokens: list[bytes]
    delimiter: bytes
    final_delimiter: bool

    def score(self) -> tuple[int, int, bool, int]:
        """Rate the reading; the higher the better, compared from the left (fcs.md 3.3).

        A wrong reading shifts keys into the places of values: required keys vanish, and values begin with ``$P``. Last,
        no key is empty (``488//10`` read as an empty value makes one), and none holds a delimiter (an empty value
        before it, read as a literal delimiter, makes one).
        """
        keys = [key.strip().upper() for key in self.tokens[::2]]
        values = self.tokens[1::2]
        dollars = [key[:1] for key in keys].count(b"$")
        shifted = [value.lstrip()[:2].upper() for value in values].count(b"$P")
        odd = keys.count(b"") + sum(self.delimiter in key for key in keys)
        return _required_found(keys), dollars - 2 * shifted, len(self.tokens) % 2 == 0, -odd


def parse_text(segment: bytes, *, where: str = "TEXT", file: str = "") -> Text:
    """Read the keywords of a TEXT segment.

    Two delimiters in a row are either one literal delimiter (the standard) or an empty value (many writers). Where
    they occur, both readings are tried, and the better one is taken.

    Parameters
    ----------
    segment : bytes
        From the first delimiter to the last byte of the segment.
    where : str
        Name of the segment, for findings.
    file : str
        Name for messages.

    Returns
    -------
    Text

    Raises
    ------
    FcsError
        ``E_TEXT``: more bytes or keywords than any real file has.

    Examples
    --------
    >>> parse_text(b"/$PAR/1/$P1N/GFP//FITC-A/").keywords
    {'$PAR': '1', '$P1N': 'GFP/FITC-A'}
    """
    if is_oversized(segment):
        raise FcsError(
            f"{where} is too large",
            code="E_TEXT",
            file=file,
            expected=f"up to {TEXT_LIMIT} bytes and {TOKEN_LIMIT // 2} keywords",
            available=(f"at least {len(segment)} bytes and {segment.count(segment[:1]) // 2} keywords",),
            remedy="the file is damaged or was made to do harm: export it again",
        )
    findings: list[Finding] = []
    tokens = _tokens(segment, where, findings)
    if not tokens.final_delimiter:
        text = f"{where} does not end with its delimiter: the last value is taken whole"
        findings.append(Finding("text-no-final-delimiter", "info", where, text))
    keywords: dict[str, str] = {}
    spelling: dict[str, str] = {}
    _fill(keywords, spelling, _pairs(tokens.tokens, where, findings), where, findings)
    return Text(keywords, spelling, tuple(findings))


def taken(data: memoryview, segment: Segment) -> bytes:
    """Copy a segment out of the file, one byte beyond the limit at most: `is_oversized` then says the rest."""
    return bytes(data[segment.begin : min(segment.end, segment.begin + TEXT_LIMIT) + 1])


def is_oversized(segment: bytes) -> bool:
    """Tell whether a segment is larger than any real one: cutting it up would take many times its size in memory."""
    return len(segment) > TEXT_LIMIT or segment.count(segment[:1]) > TOKEN_LIMIT


def is_text(segment: bytes) -> bool:
    """Tell whether a segment can be TEXT: a delimiter that is no letter or digit, and keys without control characters.

    Sysmex Cube declares a ZIP archive as supplemental TEXT; cut at its first letter, it yields ninety garbled keys.
    """
    if segment[:1].isalnum() or len(segment) < 2 or is_oversized(segment):
        return False
    parts = segment[1:].rstrip(_PADDING).split(segment[:1])
    return all(part.decode("latin-1").strip().isprintable() for part in parts[::2])


def merge(primary: Text, supplemental: Text) -> Text:
    """Return both segments as one; where they disagree, primary TEXT is right, and a finding says so."""
    differing = [
        key for key, value in supplemental.keywords.items() if primary.keywords.get(key, value).strip() != value.strip()
    ]
    findings = primary.findings + supplemental.findings
    if differing:
        text = f"supplemental TEXT has other values for {_listed(differing)}: those of primary TEXT are taken"
        findings += (Finding("stext-conflict", "warning", "supplemental TEXT", text),)
    return Text({**supplemental.keywords, **primary.keywords}, {**supplemental.spelling, **primary.spelling}, findings)


def _tokens(segment: bytes, where: str, findings: list[Finding]) -> _Tokens:
    delimiter, body = segment[:1], _without_padding(segment)
    parts = body.split(delimiter)
    plain = _plain(parts, delimiter)
    if delimiter * 2 not in body:
        return plain
    escaped = _escaped(parts, delimiter)
    scores = escaped.score(), plain.score()
    # A tie goes to the standard's rule.
    if scores[1] > scores[0]:
        text = f"doubled delimiters in {where} are read as empty values"
        findings.append(Finding("text-empty-values", "info", where, text))
        return plain
    text = f"doubled delimiters in {where} are read as literal delimiters"
    findings.append(Finding("text-doubled-delimiters", "info", where, text))
    if scores[0] == scores[1] and _essentials(escaped.tokens) != _essentials(plain.tokens):
        text = f"doubled delimiters in {where} can be read in two ways, which differ in a required key"
        findings.append(Finding("text-delimiters-ambiguous", "review", where, text))
    return escaped


def _without_padding(segment: bytes) -> bytes:
    """Return what follows the first delimiter, without the blanks that some writers put behind the last one."""
    delimiter, body = segment[:1], segment[1:]
    bare = body.rstrip(_PADDING.replace(delimiter, b""))
    return bare if bare.endswith(delimiter) else body


def _plain(parts: list[bytes], delimiter: bytes) -> _Tokens:
    if parts[-1] == b"":
        return _Tokens(parts[:-1], delimiter, final_delimiter=True)
    return _Tokens(parts, delimiter, final_delimiter=False)


def _escaped(parts: list[bytes], delimiter: bytes) -> _Tokens:
    """Join `parts` where two delimiters in a row were one literal delimiter, from left to right."""
    tokens: list[bytes] = []
    current = [parts[0]]
    index = 1
    while index < len(parts):
        if parts[index] == b"" and index + 1 < len(parts):
            current += [delimiter, parts[index + 1]]
            index += 2
        else:
            tokens.append(b"".join(current))
            current = [parts[index]]
            index += 1
    last = b"".join(current)
    if last == b"":
        return _Tokens(tokens, delimiter, final_delimiter=True)
    return _Tokens([*tokens, last], delimiter, final_delimiter=False)


def _required_found(keys: Sequence[bytes]) -> int:
    present = set(keys)
    found = sum(key.encode() in present for key in REQUIRED)
    return found + sum(_is_channel_key(key) for key in present)


def _is_channel_key(key: bytes) -> bool:
    return key[:2] == b"$P" and key[-1:] in _CHANNEL_LETTERS.encode() and key[2:-1].isdigit()


def _essentials(tokens: list[bytes]) -> dict[bytes, bytes]:
    pairs = zip((key.strip().upper() for key in tokens[::2]), tokens[1::2], strict=False)
    return {key: value for key, value in pairs if key.startswith(b"$P") or key.decode("latin-1") in REQUIRED}


def _pairs(tokens: list[bytes], where: str, findings: list[Finding]) -> list[tuple[bytes, bytes]]:
    if len(tokens) % 2:
        last = shown(tokens[-1][:100].decode("latin-1"))
        text = f"{where} has an odd number of tokens: the last key, {last}, gets an empty value"
        findings.append(Finding("text-odd-tokens", "warning", where, text))
        tokens = [*tokens, b""]
    return list(zip(tokens[::2], tokens[1::2], strict=True))


def _fill(
    keywords: dict[str, str],
    spelling: dict[str, str],
    pairs: list[tuple[bytes, bytes]],
    where: str,
    findings: list[Finding],
) -> None:
    nameless: list[str] = []
    spaced, latin, repeated = [], [], []
    for raw_key, raw_value in pairs:
        written, key_is_utf8 = _decoded(raw_key)
        value, value_is_utf8 = _decoded(raw_value)
        key = written.strip().upper()
        if not key:
            nameless += [shown(value[:40])] if value.strip() else []
            continue
        if written != written.strip():
            spaced.append(key)
        if not (key_is_utf8 and value_is_utf8):
            latin.append(key)
        if key not in keywords:
            keywords[key], spelling[key] = value, written
        elif keywords[key] != value:
            repeated.append(key)
    for code, severity, keys, what in (
        ("text-empty-key", "warning", nameless, "a value without a key is dropped"),
        ("text-key-blanks", "info", spaced, "blanks around the key were dropped"),
        ("text-not-utf8", "info", latin, "the value is not UTF-8 and is read as Latin-1"),
        ("text-duplicate-key", "warning", repeated, "the key is there twice with different values: the first is taken"),
    ):
        if keys:
            findings.append(Finding(code, severity, where, f"{_listed(keys)}: {what}"))  # type: ignore[arg-type]


def _decoded(raw: bytes) -> tuple[str, bool]:
    try:
        return raw.decode(), True
    except UnicodeDecodeError:
        return raw.decode("latin-1"), False


def _listed(keys: Sequence[str]) -> str:
    first = ", ".join(printable(key[:40]) for key in keys[:5])
    return first if len(keys) <= 5 else f"{first} and {len(keys) - 5} more"
