"""Read a Gating-ML 2.0 file into a strategy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tregflow.errors import InteropError, StrategyError
from tregflow.interop.gatingml.axes import Axes
from tregflow.interop.gatingml.boolean import boolean, check_references, needs
from tregflow.interop.gatingml.custom import kept_strategy
from tregflow.interop.gatingml.dimensions import Context
from tregflow.interop.gatingml.elements import attribute, required
from tregflow.interop.gatingml.faults import Fault, Faults, GateFault
from tregflow.interop.gatingml.model import ParsedGate
from tregflow.interop.gatingml.names import (
    GATES,
    GATING,
    TRANSFORMS,
    children,
    gating,
    parts,
    shown,
    without_custom_info,
)
from tregflow.interop.gatingml.shapes import ellipsoid, polygon, quadrants, rectangle
from tregflow.interop.gatingml.transformations import read_matrices, read_transformations
from tregflow.interop.imported import Imported
from tregflow.interop.xml import line_of, parse_xml

if TYPE_CHECKING:
    from os import PathLike

    from tregflow.interop.gatingml.model import ParsedQuadrants
    from tregflow.interop.xml import Element

_SHAPES = {gating("RectangleGate"): rectangle, gating("PolygonGate"): polygon, gating("EllipsoidGate"): ellipsoid}
_GATES = {gating(name) for name in GATES}
_TOP = {*_GATES, f"{{{TRANSFORMS}}}transformation", f"{{{TRANSFORMS}}}spectrumMatrix"}
ROOT = "root"


def read_gatingml(path: str | PathLike[str], *, partial: bool = False) -> Imported:
    """Read a Gating-ML 2.0 file.

    Parameters
    ----------
    path : str or path
        The file.
    partial : bool
        Take over what can be taken over, and list the rest; otherwise anything that cannot be is an error.

    Returns
    -------
    Imported
        The strategy: values divided by their gain (``gains: fcs``), every gate in positions on its scales. A file that
        tregflow wrote gives the strategy that it was written from, with its overrides.

    Raises
    ------
    InteropError
        ``E_XML``: no harmless XML. ``E_GATINGML``: against the standard; every fault is listed with its line and gate.
        ``E_LEFT_OUT``: right, but nothing that a strategy can say.
    """
    path = Path(path)
    root = parse_xml(path)
    _check_root(root, path.name)
    faults = Faults(path.name)
    kept = _kept(root, path.name, faults)
    if kept is not None:
        return kept
    read = _Reading(root, faults)
    if not partial:
        faults.raise_all()
    left = read.without_bad()
    if not left:
        faults.raise_all()
        raise InteropError("the file holds no gate", code="E_GATINGML", file=path.name, expected="one or more")
    return _imported(read, left, path)


def check_standard_part(root: Element, file: str) -> None:
    """Read a document as another program would, without what tregflow left in it, and then with it.

    Raises
    ------
    InteropError
        ``E_GATINGML``: something in it cannot be read.
    """
    faults = Faults(file)
    _Reading(root, faults)
    faults.raise_all()
    _kept(root, file, faults)
    faults.raise_all()


def _check_root(root: Element, file: str) -> None:
    namespace, name = parts(str(root.tag))
    if (namespace, name) == (GATING, "Gating-ML"):
        return
    problem, remedy = f"line {line_of(root)}: the file begins with {shown(root)}", ""
    if name == "Gating-ML":
        version = namespace.removesuffix("/gating").rpartition("/Gating-ML/v")[2]
        problem = f"line {line_of(root)}: Gating-ML of version {version[:20]}"
        if "/Gating-ML/v" not in namespace:
            problem = f"line {line_of(root)}: Gating-ML without the namespace of a version"
    elif name == "Workspace":
        problem = f"line {line_of(root)}: a FlowJo workspace, no Gating-ML"
        remedy = "Strategy.from_wsp reads it; give the file the suffix .wsp"
    expected = f"gating:Gating-ML of the namespace {GATING}"
    raise InteropError(problem, code="E_GATINGML", file=file, expected=expected, remedy=remedy)


def _kept(root: Element, file: str, faults: Faults) -> Imported | None:
    """Return what tregflow left in the file for itself, where that still stands for the file's gates."""
    from tregflow.strategy import Strategy

    try:
        kept = kept_strategy(root)
    except GateFault as fault:
        faults.add("", fault)
        return None
    if kept is None:
        return None
    try:
        return Imported(Strategy.from_data(kept.data, name=file, overrides=kept.overrides))
    except StrategyError as error:
        problem = f"line {line_of(kept.element)}: the strategy that tregflow left in custom_info: {error.problem}"
        raise InteropError(problem, code="E_GATINGML", file=file, expected=error.expected) from error


@dataclass(slots=True, init=False)
class _Reading:
    """The gates of a file, as far as they could be read, and what is wrong with the others."""

    gates: dict[str, ParsedGate]
    quadrants: dict[str, ParsedQuadrants]
    context: Context
    faults: Faults
    _bad: set[str]

    def __init__(self, root: Element, faults: Faults) -> None:
        self.gates, self.quadrants, self.faults, self._bad = {}, {}, faults, set()
        transformations, bad_transformations = read_transformations(root, faults)
        matrices, bad_matrices = read_matrices(root, faults)
        self.context = Context(transformations, matrices, bad_transformations | bad_matrices)
        self._check_places(root)
        for element in root:
            if element.tag in _GATES:
                self._read(element)
        for name, fault in check_references(self.gates, self.quadrants):
            # A gate that could not be read is a fault already; those that need it are left out with it.
            if not self._is_known_bad(fault):
                self._spoil(name, fault)

    def without_bad(self) -> dict[str, ParsedGate]:
        """Return the gates that can be taken over: neither they nor anything that they need is at fault."""
        users: dict[str, list[str]] = {}
        for name, gate in self.gates.items():
            for need in needs(gate):
                users.setdefault(need, []).append(name)
        left = {name: gate for name, gate in self.gates.items() if name not in self._bad}
        pending = [name for name in users if name not in left]
        while pending:
            need = pending.pop()
            for name in users.get(need, ()):
                if name in left:
                    fault = Fault(name, line_of(left.pop(name).element), f"it needs '{need}', which is left out")
                    self.faults.found.append(fault)
                    pending.append(name)
        return left

    def _check_places(self, root: Element) -> None:
        """Note gates that are not at the top, and what stands there and is none of Gating-ML's."""
        top = set(root)
        for element in without_custom_info(root):
            if element in top:
                namespace, _ = parts(str(element.tag))
                if namespace in (GATING, TRANSFORMS) and element.tag not in _TOP:
                    fault = GateFault(
                        element, f"there is no {shown(element)} in Gating-ML 2.0", expected=", ".join(GATES)
                    )
                    self.faults.add(attribute(element, gating("id")) or "", fault)
            elif element.tag in _GATES:
                outer = shown(element.getparent())
                problem = f"{shown(element)} inside {outer}"
                fault = GateFault(element, problem, expected="gates directly in gating:Gating-ML")
                self._spoil(attribute(element, gating("id")) or "", fault)

    def _read(self, element: Element) -> None:
        name = attribute(element, gating("id")) or ""
        try:
            name = required(element, gating("id"))
            parent = attribute(element, gating("parent_id"))
            cells: list[ParsedGate] = []
            if element.tag == gating("QuadrantGate"):
                quadrant_gate, cells = quadrants(element, self.context, name, parent)
                self._check_id(name, element)
                self.quadrants[name] = quadrant_gate
            else:
                cells = [self._gate(name, parent, element)]
            for cell in cells:
                self._check_id(cell.id, cell.element)
                self.gates[cell.id] = cell
        except GateFault as fault:
            self._spoil(name, fault)
            cells_of_it = [attribute(each, gating("id")) for each in children(element, gating("Quadrant"))]
            self._bad.update(cell for cell in cells_of_it if cell)

    def _gate(self, name: str, parent: str | None, element: Element) -> ParsedGate:
        shown_name = attribute(element, gating("name")) or ""
        if element.tag == gating("BooleanGate"):
            operands, rule = boolean(element)
            return ParsedGate(name, shown_name, element, parent, (), rule, operands)
        axes, rule = _SHAPES[str(element.tag)](element, self.context)
        return ParsedGate(name, shown_name, element, parent, axes, rule)

    def _check_id(self, name: str, element: Element) -> None:
        if name == ROOT:
            raise GateFault(element, f"the id '{ROOT}' means all events", expected="another id", broken=False)
        if name in self.gates or name in self.quadrants or name in self._bad:
            self._bad.add(name)
            raise GateFault(element, f"the id '{name}' is used twice", expected="every id once")

    def _spoil(self, name: str, fault: GateFault) -> None:
        self.faults.add(name, fault)
        self._bad.add(name)

    def _is_known_bad(self, fault: GateFault) -> bool:
        return any(fault.problem.endswith(f"'{name}' is not there") for name in self._bad)


def _imported(read: _Reading, left: dict[str, ParsedGate], path: Path) -> Imported:
    from tregflow.strategy import Strategy

    data = _data(read, left, path.stem)
    try:
        strategy = Strategy.from_data(data, name=path.name)
    except StrategyError as error:
        raise InteropError(error.problem, code="E_GATINGML", file=path.name, expected=error.expected) from error
    left_out = tuple(fault.left_out() for fault in sorted(read.faults.found, key=lambda fault: fault.line))
    return Imported(strategy, left_out)


def _data(read: _Reading, left: dict[str, ParsedGate], name: str) -> dict[str, Any]:
    """Return the plain data of the strategy."""
    cut = {gate.quadrants: read.quadrants[gate.quadrants] for gate in left.values() if gate.quadrants}
    used = [axis for gate in left.values() for axis in gate.axes] + [
        axis for each in cut.values() for axis in each.axes
    ]
    axes = Axes(used, read.context)
    parts_of_it = {
        "matrices": axes.matrices(),
        "dimensions": axes.dimensions(),
        "scales": axes.scales(),
        "quadrants": {name: _quadrants_data(each, axes) for name, each in cut.items()},
        "gates": {name: _gate_data(gate, axes) for name, gate in left.items()},
    }
    head = {"tregflow": 1, "name": name, "compensation": "none", "gains": "fcs"}
    return head | {key: value for key, value in parts_of_it.items() if value}


def _gate_data(gate: ParsedGate, axes: Axes) -> dict[str, Any]:
    parent = {} if gate.parent is None or gate.quadrants else {"in": gate.parent}
    name = {"name": gate.name} if gate.name not in ("", gate.id) else {}
    return parent | name | gate.rule([axes.names[axis] for axis in gate.axes])


def _quadrants_data(each: ParsedQuadrants, axes: Axes) -> dict[str, Any]:
    parent = {} if each.parent is None else {"in": each.parent}
    dividers = {axes.names[axis]: list(values) for axis, values in zip(each.axes, each.dividers, strict=True)}
    return parent | {"dividers": dividers, "units": "scale"}
