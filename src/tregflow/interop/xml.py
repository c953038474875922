"""XML from anywhere: no entities, no DTD, no network, bounded in size and depth, every element with its line.

The only module that imports lxml. Readers of Gating-ML and FlowJo workspaces begin here, and their writers end here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from lxml import etree  # noqa: TID251 - the one place

from tregflow.errors import InteropError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Element: TypeAlias = etree._Element

MOST_BYTES = 256 * 2**20
"""Workspaces of hundreds of samples hold tens of megabytes."""
MOST_DEPTH = 200
"""Every population lies three elements deeper than its parent: some sixty generations."""

_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""XML 1.0, production 2."""


def parse_xml(path: Path, *, remedy: str = "") -> Element:
    """Return the root element of an XML file.

    Parameters
    ----------
    path : Path
        The file.
    remedy : str, optional
        What the reader can do, for the messages.

    Raises
    ------
    InteropError
        ``E_XML``: the file is missing, too large, nested too deeply, not well-formed, or carries a document type
        declaration, which is what entities and external files come by; no gating file needs one.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
        raise InteropError(problem, code="E_XML", file=path.name, remedy=remedy) from error
    if len(content) > MOST_BYTES:
        raise InteropError("too large", code="E_XML", file=path.name, expected=f"at most {MOST_BYTES} bytes of XML")
    return parse_xml_bytes(content, file=path.name, remedy=remedy)


def parse_xml_bytes(content: bytes, *, file: str, remedy: str = "") -> Element:
    """Return the root element of XML in memory; `file` stands in messages. Errors as for `parse_xml`."""
    limits = {"resolve_entities": False, "load_dtd": False, "no_network": True, "huge_tree": False}
    try:
        # Once to look whether it is harmless, and only then to build: a declaration is refused before it is read.
        etree.fromstring(content, etree.XMLParser(target=_Guard(), **limits))
        return etree.fromstring(content, etree.XMLParser(remove_comments=True, remove_pis=True, **limits))
    except _HarmfulError as error:
        raise InteropError(str(error), code="E_XML", file=file, expected=error.expected, remedy=remedy) from None
    except etree.XMLSyntaxError as error:
        line = f"line {error.lineno}: " if error.lineno else ""
        problem = f"{line}not well-formed XML ({_first_words(error)})"
        raise InteropError(problem, code="E_XML", file=file, remedy=remedy) from None


def line_of(element: Element) -> int:
    """Return the line of the file where an element begins, from 1."""
    return int(element.sourceline or 0)


def element(
    tag: str,
    attributes: Mapping[str, str] | None = None,
    children: Iterable[Element] = (),
    *,
    text: str = "",
    prefixes: Mapping[str, str] | None = None,
) -> Element:
    """Return a new element; names in a namespace are written ``{namespace}name``.

    Parameters
    ----------
    tag : str
        Its name.
    attributes : mapping of str to str, optional
        In the order in which they will stand.
    children : iterable of Element, optional
        Elements below it.
    text : str, optional
        Text in it, as `xml_text` makes it.
    prefixes : mapping of str to str, optional
        Prefix -> namespace, for the root of a file.
    """
    made = etree.Element(tag, nsmap=None if prefixes is None else dict(prefixes))
    for name, value in (attributes or {}).items():
        made.set(name, xml_text(value))
    if text:
        made.text = xml_text(text)
    made.extend(list(children))
    return made


def to_bytes(root: Element) -> bytes:
    """Return the bytes of an XML file: UTF-8, indented, the same for the same elements whenever it is written."""
    return bytes(etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True))


def xml_text(text: str) -> str:
    r"""Return `text` with U+FFFD for the characters that XML 1.0 cannot hold, such as control characters.

    Examples
    --------
    >>> xml_text("CD25\x1b+").encode()
    b'CD25\xef\xbf\xbd+'
    """
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _first_words(error: etree.XMLSyntaxError) -> str:
    return str(error.msg or "empty").split(", line ")[0]


class _HarmfulError(Exception):
    def __init__(self, problem: str, expected: str) -> None:
        super().__init__(problem)
        self.expected = expected


class _Guard:
    """A reader that keeps nothing and stops at what a gating file has no use for."""

    def __init__(self) -> None:
        self._depth = 0

    def start(self, _tag: str, _attributes: Mapping[str, str]) -> None:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            problem = "nested too deeply"
            raise _HarmfulError(problem, f"at most {MOST_DEPTH} elements within one another")

    def end(self, _tag: str) -> None:
        self._depth -= 1

    def data(self, _text: str) -> None:
        """Pass over text."""

    def doctype(self, _name: str, _public: str | None, _system: str | None) -> None:
        """Refuse a document type declaration."""
        problem = "a document type declaration (<!DOCTYPE ...>), by which entities and other files could come in"
        raise _HarmfulError(problem, "XML without one")

    def close(self) -> None:
        """End; nothing was kept."""
