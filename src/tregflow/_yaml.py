"""YAML files that people write: read with line numbers, checked against a model, every fault reported at once.

YAML 1.2 through ruamel.yaml: ``1e5`` is a number and ``no`` is a text, as a lab person means them (YAML 1.1 has it
the other way round). Nothing in a file is ever run as code.
"""

from __future__ import annotations

import difflib
import io
import re
from dataclasses import dataclass, field
from datetime import date
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, Union, get_args, get_origin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from pydantic import BaseModel

    from tregflow.errors import TregflowError

    Model = TypeVar("Model", bound=BaseModel)

Location = tuple[str | int, ...]
MAX_BYTES = 4_000_000
"""A larger file is no strategy or study: it is refused before it is read."""
MAX_VALUES = 400_000
"""Keys and values of a file with its aliases written out; aliases of aliases grow without bound."""
_SHOWN = 60
_ODD = re.compile(r"[^\w +./()-]")
_LABEL = re.compile(r"<\w+>")
_OTHER_VERSION = re.compile(r"^%YAML(?![ \t]+1\.2\s)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a file: where in the tree, on which line, and what is wrong."""

    where: Location
    line: int
    text: str

    def __str__(self) -> str:
        """Return ``line 12  gates.CD4+: …``; without a line where the data come from no text."""
        place = ".".join(str(part) for part in self.where)
        line = f"line {self.line:<4} " if self.line else ""
        return f"{line}{place + ': ' if place else ''}{self.text}"


@dataclass(slots=True)
class Document:
    """A parsed YAML file: its plain data, and the line of each key."""

    name: str
    text: str
    data: dict[str, Any]
    _tree: Any
    faults: list[Fault] = field(default_factory=list)

    def line(self, where: Location) -> int:
        """Return the 1-based line of a key or item; of its nearest ancestor where it does not exist; 0 without text."""
        node, line = self._tree, 0 if self._tree is None else 1
        for part in where:
            position = _position(node, part)
            if position is None:
                break
            line, node = position + 1, node[part]
        return line

    def fault(self, where: Location, text: str) -> None:
        """Note a fault; `stop_on_faults` raises them together."""
        new = Fault(where, self.line(where), text)
        if new not in self.faults:
            self.faults.append(new)

    def stop_on_faults(self, error: type[TregflowError], code: str, remedy: str = "") -> None:
        """Raise `error` with every fault noted so far, in the order of the file; return if there is none."""
        if not self.faults:
            return
        faults = sorted(self.faults, key=lambda fault: fault.line)
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        problem = "\n  ".join([count, *map(str, faults)])
        raise error(problem, code=code, file=self.name, remedy=remedy or "correct the lines named above")


def _position(node: Any, part: str | int) -> int | None:
    positions = getattr(getattr(node, "lc", None), "data", None) or {}
    entry = positions.get(part)
    return None if entry is None else int(entry[0])


def plain(node: Any) -> Any:
    """Return a tree as ordinary dictionaries, lists, texts and numbers; keys become texts."""
    if isinstance(node, dict):
        return {str(plain(key)): plain(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [plain(item) for item in node]
    for kind in (bool, int, float, str):
        if isinstance(node, kind):
            return kind(node)
    if isinstance(node, date):
        return node.isoformat()  # a day without quotes: people write it as text
    return node


def suggest(word: str, options: Iterable[str]) -> str:
    """Return ``; did you mean 'above'?`` for a near miss, else an empty text.

    Examples
    --------
    >>> suggest("abov", ["above", "below"])
    "; did you mean 'above'?"
    """
    names = [str(option) for option in options]
    # Only the sign may tell CD4+ from CD4-: blanks and case are set aside first, signs where that finds nothing.
    for aside in (r"\s+", r"[\W_]+"):
        wanted = re.sub(aside, "", word).casefold()
        same = [f"'{name}'" for name in names if wanted and re.sub(aside, "", name).casefold() == wanted]
        if same:
            return f"; did you mean {' or '.join(same)}?"
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else ""


def parse(text: str, name: str, error: type[TregflowError], code: str) -> Document:
    """Parse YAML text into a `Document`; a text that is no YAML mapping is an error that names the line."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if len(text) > MAX_BYTES:
        raise error("the file is too large", code=code, file=name, expected=f"at most {MAX_BYTES} bytes")
    if _OTHER_VERSION.search(text):  # by 1.1, 012 is ten and no is false
        raise error("%YAML states another version", code=code, file=name, expected="YAML 1.2", remedy="delete the line")
    try:
        tree = YAML(typ="rt").load(io.StringIO(text))
    except MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        line = mark.line + 1 if mark else 1
        raise error(
            f"line {line}: {fault.problem or fault.context}",
            code=code,
            file=name,
            expected="YAML 1.2",
            remedy="correct the line; text with : or # in it needs quotes",
        ) from None
    except RecursionError:
        raise error("nested too deeply", code=code, file=name, expected="YAML 1.2") from None
    except (YAMLError, ValueError) as fault:
        raise error(f"not readable as YAML: {fault}", code=code, file=name, expected="YAML 1.2") from None
    if not isinstance(tree, dict):
        raise error("holds no keys", code=code, file=name, expected="a YAML mapping (key: value lines)")
    try:
        if _size(tree, {}) > MAX_VALUES:
            raise error("too large with its aliases written out", code=code, file=name, expected=f"{MAX_VALUES} values")
        data = plain(tree)
    except RecursionError:
        raise error("an alias refers to itself", code=code, file=name, expected="a tree") from None
    document = Document(name, text, data, tree)
    for where in _odd_keys(tree, ()):
        document.fault(where, "a key is no text: put it in quotes")
    return document


def _size(node: Any, known: dict[int, int]) -> int:
    """Return how many keys and values a tree has with its aliases written out; each container is counted once."""
    if not isinstance(node, dict | list):
        return 1
    if id(node) not in known:
        children = node.values() if isinstance(node, dict) else node
        known[id(node)] = 1 + sum(_size(child, known) for child in children)
    return known[id(node)]


def _odd_keys(node: Any, where: tuple[Any, ...]) -> Iterator[Location]:
    """Yield the location of each key that is no text: 12, true, null."""
    for key, child in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        if isinstance(node, dict) and not isinstance(plain(key), str):
            yield (*where, key)
        yield from _odd_keys(child, (*where, key))


def read_text(path: Path, error: type[TregflowError], code: str, remedy: str = "") -> str:
    """Return a text file's content; a missing file or one that is not UTF-8 is an error of the given kind."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise error("the file is too large", code=code, file=str(path), expected=f"at most {MAX_BYTES} bytes")
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        beside = sorted(p.name for p in path.parent.glob("*" + path.suffix)) if path.parent.is_dir() else []
        raise error(
            "no such file", code=code, file=str(path), available=beside[:12], remedy=remedy or "check the path"
        ) from None
    except UnicodeDecodeError as fault:
        raise error(
            f"byte {fault.start} is not UTF-8",
            code=code,
            file=str(path),
            expected="text in UTF-8",
            remedy="save the file as UTF-8",
        ) from None
    except OSError as fault:
        raise error(f"cannot be read: {fault.strerror}", code=code, file=str(path)) from None


def check_model(model: type[Model], document: Document, data: Any) -> Model | None:
    """Validate `data` against a pydantic model; note every fault in `document` and return None if there is one."""
    from pydantic import ValidationError

    try:
        return model.model_validate(data)
    except ValidationError as problem:
        for detail in problem.errors():
            _note(document, model, data, dict(detail))
        return None


def _keys(location: Location, data: Any) -> Location:
    """Return a location of pydantic without the labels of union branches (<fmo>), which are no keys of the file."""
    where: list[str | int] = []
    for part in location:
        held = dict(enumerate(data)) if isinstance(data, list) else data if isinstance(data, dict) else {}
        if part in held or not (isinstance(part, str) and _LABEL.fullmatch(part)):
            where.append(part)
            data = held.get(part)
    return tuple(where)


def _note(document: Document, model: type[BaseModel], data: Any, detail: dict[str, Any]) -> None:
    """Turn one of pydantic's error records into a fault in plain words."""
    where = _keys(detail["loc"], data)
    kind, message = detail["type"], str(detail["msg"])
    if kind == "extra_forbidden":
        options = _fields_at(model, where[:-1])
        message = f"unknown key{suggest(str(where[-1]), options)}; allowed: {', '.join(options)}"
    elif kind == "missing":
        message = "this key is required" if isinstance(where[-1], str) else "one more value is required"
    elif kind == "value_error":
        message = message.removeprefix("Value error, ")
    else:
        plain_words = {
            "dict_type": "expected keys and values",
            "model_type": "expected keys and values",
            "tuple_type": "expected a list",
            "string_type": "expected a text",
        }
        shown = repr(detail["input"])
        message = plain_words.get(kind, f"{message[0].lower()}{message[1:]}")
        message = message.replace("tuple", "list").replace(" after validation", "")
        message += f" (there is {shown if len(shown) < _SHOWN else shown[: _SHOWN - 3] + '...'})"
    document.fault(where, message)


def _fields_at(model: type[BaseModel], where: Sequence[str | int]) -> list[str]:
    """Return the keys that a model allows at a place of the tree."""
    kinds: list[Any] = [model]
    for part in where:
        kinds = [child for kind in kinds for child in _children(kind, part)]
    models = [kind for kind in kinds if hasattr(kind, "model_fields")]
    return [info.alias or name for kind in models[:1] for name, info in kind.model_fields.items()]


def _children(kind: Any, part: str | int) -> list[Any]:
    """Return the types that may stand under key `part` of `kind`: a model, a dictionary or a list."""
    if hasattr(kind, "model_fields"):
        found = [info.annotation for name, info in kind.model_fields.items() if part in (name, info.alias)]
        return [alternative for annotation in found for alternative in _alternatives(annotation)]
    values = get_args(kind)[1:] if get_origin(kind) is dict else get_args(kind)[:1]
    return [alternative for value in values for alternative in _alternatives(value)]


def _alternatives(annotation: Any) -> list[Any]:
    """Return the members of a union, else the type alone; what `Annotated` adds is set aside."""
    if get_origin(annotation) is Annotated:
        return _alternatives(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [member for each in get_args(annotation) for member in _alternatives(each)]
    return [annotation]


def dump(data: dict[str, Any]) -> str:
    """Return plain data as YAML 1.2 text: keys in their order, short lists of numbers on one line."""
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap, CommentedSeq
    from ruamel.yaml.scalarstring import SingleQuotedScalarString

    def styled(node: Any, depth: int) -> Any:
        if isinstance(node, dict):
            mapping = CommentedMap((styled(key, depth), styled(value, depth + 1)) for key, value in node.items())
            if depth >= 2:
                mapping.fa.set_flow_style()
            return mapping
        if isinstance(node, list | tuple):
            sequence = CommentedSeq(styled(item, depth + 1) for item in node)
            sequence.fa.set_flow_style()
            return sequence
        # ruamel leaves ?L2RA and :x bare inside brackets, where they would be read as keys.
        return SingleQuotedScalarString(node) if isinstance(node, str) and _ODD.search(node) else node

    yaml = YAML(typ="rt")
    yaml.width = 10_000
    buffer = io.StringIO()
    yaml.dump(styled(data, 0), buffer)
    return buffer.getvalue()
