"""What a FlowJo workspace holds, as plain data: nothing resolved, nothing guessed; what was not understood says so."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tregflow.interop.left_out import LeftOut
    from tregflow.transforms import Scale

_NUMBER = re.compile("[1-9][0-9]{0,4}")
_CHANNEL = re.compile(rf"\$P({_NUMBER.pattern})N")
Path: TypeAlias = tuple[str, ...]
"""Names of the populations from the root down to one."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something cannot be taken over, and the line where it stands."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class WspPolygon:
    """A polygon in compensated data units; `bins` is FlowJo's ``gateResolution``."""

    axes: tuple[str, str]
    points: tuple[tuple[float, float], ...]
    bins: int
    inside: bool


@dataclass(frozen=True, slots=True)
class WspRectangle:
    """Bounds on one or more axes, in compensated data units; None is no bound."""

    bounds: tuple[tuple[str, float | None, float | None], ...]
    inside: bool


@dataclass(frozen=True, slots=True)
class WspEllipse:
    """An ellipse where FlowJo draws it: positions on the two axes, [0, 1] being the axis' range.

    `covariance` is that of the contour itself: (x - mean)' C^-1 (x - mean) = 1.
    """

    axes: tuple[str, str]
    mean: tuple[float, float]
    covariance: tuple[tuple[float, float], tuple[float, float]]
    bins: int
    inside: bool


WspGate: TypeAlias = WspPolygon | WspRectangle | WspEllipse


@dataclass(frozen=True, slots=True)
class Node:
    """One population of one sample.

    Attributes
    ----------
    name : str
        As written; may hold slashes and blanks, and siblings may share it.
    path : tuple of str
        Names from the root down to this one. Where siblings share a name, the later ones have `` (2)``, `` (3)`` behind
        it, so that a path is one population.
    plain_path : tuple of str
        The same as written, by which boolean populations refer to it.
    kind : {"gate", "and", "or", "not", "other"}
        ``other`` is a population of a sort that is not known; `gate` says so.
    count : int
        FlowJo's number of events; -1 where it never computed one.
    owning_group : str
        The group that the gate belongs to; empty for a gate of this sample's own.
    gate : WspPolygon, WspRectangle, WspEllipse, Reason or None
        Its gate, or why there is none; None for boolean populations.
    dependents : tuple of str
        What a boolean population combines: paths from the root, joined by slashes.
    children : tuple of Node
    line : int
    """

    name: str
    path: Path
    plain_path: Path
    kind: Literal["gate", "and", "or", "not", "other"]
    count: int
    owning_group: str
    gate: WspGate | Reason | None
    dependents: tuple[str, ...]
    children: tuple[Node, ...]
    line: int

    def walk(self) -> Iterator[Node]:
        """Yield this population and all below it, in the order of the file."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class WspMatrix:
    """A sample's spillover matrix.

    Attributes
    ----------
    name, prefix, suffix : str
        Of the matrix, and what stands before and behind a channel's name to mean its compensated values.
    detectors : tuple of str
        ``$PnN`` of the columns.
    dyes : tuple of str
        Names of the rows; the detectors again, but for spectral matrices.
    numbers : tuple of tuple of float
        A row per dye, a column per detector.
    compensated : mapping
        Name of a compensated axis -> row.
    line : int
    """

    name: str
    prefix: str
    suffix: str
    detectors: tuple[str, ...]
    dyes: tuple[str, ...]
    numbers: tuple[tuple[float, ...], ...]
    compensated: Mapping[str, int]
    line: int


@dataclass(frozen=True, slots=True)
class WspSample:
    """One sample of a workspace.

    Attributes
    ----------
    name : str
        As the workspace shows it, as a rule the name of the FCS file.
    key : str
        The name; where samples share one, with the number of events behind it, and with the sample's number in the
        workspace where that is not enough.
    uri : str
        Where the file lay.
    n_events : int
        -1 where FlowJo never counted.
    keywords : mapping of str to str
        Of the file, as the workspace keeps them.
    transformations : mapping
        Name of an axis -> its scale, or why there is none.
    gains : mapping
        Name of an axis -> factor on its values, where that is not 1.
    matrix : WspMatrix, Reason or None
    nodes : tuple of Node
        Populations of all events.
    sample_id : str
        Number of the sample in the workspace.
    line : int
    """

    name: str
    key: str
    uri: str
    n_events: int
    keywords: Mapping[str, str]
    transformations: Mapping[str, Scale | Reason]
    gains: Mapping[str, float]
    matrix: WspMatrix | Reason | None
    nodes: tuple[Node, ...]
    sample_id: str
    line: int

    def walk(self) -> Iterator[Node]:
        """Yield every population, each before its children, in the order of the file."""
        for node in self.nodes:
            yield from node.walk()

    @property
    def channels(self) -> dict[str, str]:
        """``$PnN`` -> ``$PnS`` (empty for none) of the file, from the keywords; empty where they do not tell.

        FlowJo numbers compensated and derived parameters on behind the ``$PAR`` channels of the file.
        """
        total = self.keywords.get("$PAR", "").strip()
        most = int(total) if _NUMBER.fullmatch(total) else 0
        found = (_CHANNEL.fullmatch(key) for key in self.keywords)
        numbers = sorted(number for key in found if key and (number := int(key[1])) <= most)
        names = {n: self.keywords[f"$P{n}N"].strip() for n in numbers}
        return {name: self.keywords.get(f"$P{n}S", "").strip() for n, name in names.items() if name}

    @property
    def file_name(self) -> str:
        """Last part of the file's former place."""
        return unquote(self.uri.replace("\\", "/").rsplit("/", 1)[-1])


@dataclass(frozen=True, slots=True)
class Group:
    """A group of samples: its name, and the keys of its samples."""

    name: str
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Workspace:
    """A FlowJo 10 workspace.

    Attributes
    ----------
    file : str
        Name of the file.
    version : str
        Of FlowJo, such as ``10.7.1``; empty where it is not said.
    at : str
        Day when the workspace was saved, as YYYY-MM-DD where it can be told.
    samples : tuple of WspSample
    groups : tuple of Group
    left_out : tuple of LeftOut
        What could not be read at all: samples without populations' root, counts that are no numbers.
    """

    file: str
    version: str
    at: str
    samples: tuple[WspSample, ...]
    groups: tuple[Group, ...]
    left_out: tuple[LeftOut, ...] = field(default=())
