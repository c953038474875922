"""Write a strategy as a Gating-ML 2.0 file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tregflow._files import write_whole
from tregflow.errors import InteropError
from tregflow.gates import Boolean
from tregflow.interop.gatingml.custom import custom_info
from tregflow.interop.gatingml.names import PREFIXES, gating
from tregflow.interop.gatingml.self_contained import overrides_data, self_contained
from tregflow.interop.gatingml.write_axes import Transformations
from tregflow.interop.gatingml.write_gates import GateWriter, Lost, reference
from tregflow.interop.gatingml.write_losses import losses
from tregflow.interop.gatingml.write_matrices import Channels
from tregflow.interop.gatingml.write_names import Ids
from tregflow.interop.gatingml.write_quadrants import quadrant_gate
from tregflow.interop.left_out import LeftOut
from tregflow.interop.xml import element, parse_xml_bytes, to_bytes
from tregflow.panel import resolve
from tregflow.strategy.build import is_placed, scale_of
from tregflow.strategy.dimensions import marker_rule

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from tregflow.fcs import Sample
    from tregflow.interop.xml import Element
    from tregflow.strategy import Strategy

ROOT = "root"


def write_gatingml(
    path: str | PathLike[str], strategy: Strategy, *, sample: Sample | None = None
) -> tuple[LeftOut, ...]:
    """Write a strategy as a Gating-ML 2.0 file, whole or not at all.

    Two readers are served. tregflow finds the whole strategy, overrides included, in ``custom_info``. Any other program
    finds every gate that Gating-ML has an element for.

    Parameters
    ----------
    path : str or path
        The file.
    strategy : Strategy
        Its thresholds must be numbers.
    sample : Sample, optional
        One of the samples that other programs will gate: markers are then written as its channels.

    Returns
    -------
    tuple of LeftOut
        What a reader other than tregflow loses, or sees otherwise.

    Raises
    ------
    InteropError
        ``E_EXPORT``: thresholds that controls give, a matrix that cannot be read, or a gate that cannot be written.
    """
    path = Path(path)
    _check_placed(strategy, path.name)
    whole = self_contained(strategy, path.name)
    document = _Document(replace(whole, overrides=()).with_counts("exact"), sample)
    root = document.root()
    root.append(custom_info(root, dict(whole.data), overrides_data(whole)))
    content = to_bytes(root)
    _check_readable(content, path.name)
    write_whole(path, content)
    return (*losses(whole), *document.lost)


def _check_placed(strategy: Strategy, file: str) -> None:
    unplaced = [name for name, gate in strategy.spec.gates.items() if not is_placed(gate)]
    if unplaced:
        raise InteropError(
            "thresholds that come from controls cannot be written: a Gating-ML file holds numbers",
            code="E_EXPORT",
            file=file,
            population=", ".join(unplaced),
            expected="numbers",
            remedy="write the gates as applied, which a run leaves in its folder gates, one file per sample",
        )


def _check_readable(content: bytes, file: str) -> None:
    """Read what is about to be written, as another program would and as tregflow will."""
    from tregflow.interop.gatingml.read import check_standard_part

    check_standard_part(parse_xml_bytes(content, file=file), file)


@dataclass(slots=True, init=False)
class _Document:
    """The standard part of a file, for other programs."""

    lost: list[LeftOut]
    _strategy: Strategy
    _ids: Ids
    _xml_ids: dict[str, str]
    _transformations: Transformations
    _channels: Channels
    _writer: GateWriter
    _left: dict[str, str]
    _gates: list[Element]

    def __init__(self, strategy: Strategy, sample: Sample | None) -> None:
        self._strategy = strategy
        ids = Ids()
        self._xml_ids = {name: ids.new(name) for name in strategy.spec.gates}
        self._ids = ids
        self._transformations = Transformations(ids)
        self._channels = Channels(strategy, _resolver(strategy, sample), ids, self._transformations)
        self._writer = GateWriter(self._channels, self._transformations, self._xml_ids)
        self._left: dict[str, str] = {}
        self._gates: list[Element] = []
        self._write_gates()
        self.lost = [*self._channels.lost, *self._writer.lost]
        self.lost += [LeftOut("", name, f"another reader does not see it: {why}") for name, why in self._left.items()]

    def root(self) -> Element:
        """Return the document."""
        parts = [*self._transformations.elements, *self._channels.elements, *self._gates]
        return element(gating("Gating-ML"), None, parts, prefixes=PREFIXES)

    def _write_gates(self) -> None:
        spec = self._strategy.spec
        quadrants = {
            name: [gate for gate, entry in spec.gates.items() if entry.quadrant == name and not entry.outside]
            for name in spec.quadrants
        }
        written: set[str] = set()
        for name in self._strategy.order:
            if name in written:
                continue
            missing = next((need for need in self._strategy.needs(name) if need in self._left), None)
            if missing is not None:
                self._left[name] = f"it needs {missing}"
                continue
            cells = quadrants.get(spec.gates[name].quadrant or "", [])
            whole = self._quadrant_gate(str(spec.gates[name].quadrant), cells) if name in cells else None
            if whole is not None:
                self._gates.append(whole)
                written.update(cells)
                continue
            try:
                self._gates += self._elements(name)
            except Lost as lost:
                self._left[name] = str(lost)

    def _quadrant_gate(self, name: str, cells: list[str]) -> Element | None:
        built = {self._xml_ids[cell]: self._strategy.spec.gates[cell].cell or {} for cell in cells}
        attributes = self._attributes(name, self._strategy.parent(cells[0]), self._ids.new(name))
        return quadrant_gate(self._strategy, name, built, attributes, self._channels, self._transformations, self._ids)

    def _elements(self, name: str) -> list[Element]:
        gate = self._strategy.build(name)
        shown = self._strategy.spec.gates[name].name or name
        attributes = self._attributes(shown, gate.parent, self._xml_ids[name])
        self._note_undefined(name)
        if isinstance(gate, Boolean) or not gate.outside:
            return [self._writer.write(gate, attributes)]
        inside = self._ids.new(f"{self._xml_ids[name]}.inside")
        inner = self._writer.write(replace(gate, outside=False), self._attributes(inside, gate.parent, inside))
        refuse = element(gating("not"), None, [reference(inside)])
        return [inner, element(gating("BooleanGate"), attributes, [refuse])]

    def _attributes(self, shown: str, parent: str, xml_id: str) -> dict[str, str]:
        attributes = {gating("id"): xml_id}
        if shown != xml_id:
            attributes[gating("name")] = shown
        if parent != ROOT:
            attributes[gating("parent_id")] = self._xml_ids[parent]
        return attributes

    def _note_undefined(self, name: str) -> None:
        """Note where another program puts events into a complement that have no position on a scale."""
        gate = self._strategy.spec.gates[name]
        turned = [operand for operand, complement in gate.operands if complement or gate.complement is not None]
        turned += [name] if gate.outside else []
        axes = sorted({axis for each in turned for axis in self._undefined(each)})
        if axes:
            reason = (
                f"values without a position ({', '.join(axes)}) are outside the gate and its complement; another "
                "reader may take them into the complement"
            )
            self._writer.note(name, reason)

    def _undefined(self, name: str) -> set[str]:
        """Return the axes, of a gate and of all that it needs, on which values may have no position."""
        found: set[str] = set()
        seen, pending = {ROOT}, [name]
        while pending:
            each = pending.pop()
            if each in seen:
                continue
            seen.add(each)
            pending.extend(self._strategy.needs(each))
            for axis in self._strategy.spec.gates[each].axes:
                if self._channels.is_ratio(axis) or not bool(scale_of(self._strategy.spec, axis).defined(-1.0)):
                    found.add(axis)
        return found


def _resolver(strategy: Strategy, sample: Sample | None) -> Callable[[str], str] | None:
    if sample is None:
        return None

    def resolved(marker: str) -> str:
        return resolve(marker, marker_rule(strategy, marker), sample, panel=strategy.source).pnn

    return resolved
