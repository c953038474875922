"""What the keys of a strategy mean together: parents, operands, points, scales, ratios; every fault noted at once."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from tregflow._yaml import check_model, suggest
from tregflow.errors import GateError, ScaleError, StrategyError
from tregflow.panel import plain as plain_name
from tregflow.populations import ROOT
from tregflow.strategy.build import build_gate, is_placed
from tregflow.strategy.check_sections import check_dimensions, check_matrices
from tregflow.strategy.quadrants import check_quadrants, completed
from tregflow.strategy.spec import AutoSpec, StrategySpec
from tregflow.transforms import scale_from_spec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tregflow._yaml import Document
    from tregflow.strategy.spec import GateSpec

_PAIR = 2
_RULES = "polygon, rectangle, ellipsoid, quadrant, above/below, not, all, any"
_OWNERS = {
    **dict.fromkeys(("points", "open"), ("polygon",)),
    **dict.fromkeys(("mean", "covariance", "distance2", "indefinite"), ("ellipsoid",)),
    "cell": ("quadrant",),
    "units": ("polygon", "rectangle", "quadrant"),
    "bins": ("polygon", "ellipsoid"),
    "outside": ("polygon", "rectangle", "ellipsoid", "quadrant"),
}
"""Keys that say more of a rule -> the rules that they belong to."""
_COLUMNS = ("sample", "file", "subject", "visit", "date", "batch", "status")
"""Columns of wide.csv that a ratio's own must not take the place of."""


def checked_spec(document: Document) -> StrategySpec:
    """Return the content of a strategy file.

    Raises
    ------
    StrategyError
        It has faults; all of them are listed, with their lines (``E_STRATEGY``).
    """
    spec = check_model(StrategySpec, document, document.data)
    if spec is None:
        # What the types refuse must not hide what is wrong elsewhere: look at the rest, the refused parts set aside.
        spec = StrategySpec.model_validate(_set_aside(document))
    check_quadrants(spec, document)
    spec = completed(spec)
    check(spec, document)
    document.stop_on_faults(StrategyError, "E_STRATEGY")
    return spec


_SECTIONS = ("panel", "matrices", "dimensions", "scales", "quadrants", "report", "mfi")
_PLACEHOLDER = {"rectangle": {"FSC-A": [0.0, None]}}


def _set_aside(document: Document) -> dict[str, Any]:
    """Return the file's data with each refused entry left out, and each refused gate as one that says nothing."""
    data = {key: value for key, value in document.data.items() if key in StrategySpec.model_fields}
    for fault in document.faults:
        section, entry = (*map(str, fault.where), "", "")[:2]
        if section == "gates" and entry in (data["gates"] if isinstance(data.get("gates"), dict) else ()):
            gate = data["gates"][entry]
            parent = gate.get("in") if isinstance(gate, dict) else None
            kept = {"in": parent} if parent and isinstance(parent, str) else {}
            data["gates"] = data["gates"] | {entry: _PLACEHOLDER | kept}
        elif section in _SECTIONS and isinstance(data.get(section), dict) and entry in data[section]:
            data[section] = {key: value for key, value in data[section].items() if key != entry}
        else:
            data.pop(section, None)
    return {"tregflow": 1, "name": "?", "compensation": "none", "gates": {"?": _PLACEHOLDER}} | data


def check(spec: StrategySpec, document: Document) -> None:
    """Note in `document` every fault of the strategy that the types alone cannot show."""
    refused = {fault.where[:1] for fault in document.faults}
    ids_known = not any(fault.where == ("gates",) for fault in document.faults)
    drawn = spec.model_copy(update={"scales": {axis: s for axis, s in spec.scales.items() if not _scale_problem(s)}})
    for gate_id, gate in spec.gates.items():
        _check_gate(gate_id, gate, drawn, document)
    if not document.faults:  # a cycle is only well defined when every name exists
        _check_cycles(spec, document)
    axes_known = not {("gates",), ("panel",), ("mfi",), ("dimensions",), ("quadrants",)} & refused
    _check_scales(spec, document, axes_known=axes_known)
    if axes_known:
        _check_spelling(spec, document)
    if ids_known:
        _check_report(spec, document)
    check_matrices(spec, document)
    check_dimensions(spec, document)


def evaluation_order(spec: StrategySpec) -> tuple[str, ...]:
    """Return the ids so that each gate follows its parent and operands, else in the order of the file."""
    order = {ROOT: None}
    waiting: dict[str, set[str]] = {}
    for gate_id, gate in spec.gates.items():
        waiting[gate_id] = set(needs(gate))
        while ready := next((name for name, lacks in waiting.items() if lacks <= order.keys()), None):
            order[ready] = None
            del waiting[ready]
    return tuple(order)[1:]


def needs(gate: GateSpec) -> tuple[str, ...]:
    """Return the populations that must be known before a gate: its parent and its operands."""
    return (gate.parent or ROOT, *(operand for operand, _ in gate.operands))


def split_ratio(text: str, known: set[str]) -> tuple[str, str] | None:
    """Return (numerator, denominator) of ``A / B``; None where no split names two known populations.

    Ids may themselves hold a slash, so each blank-slash-blank is tried.
    """
    parts = text.split(" / ")
    splits = [(" / ".join(parts[:i]).strip(), " / ".join(parts[i:]).strip()) for i in range(1, len(parts))]
    return next((pair for pair in splits if set(pair) <= known), None)


def _check_gate(gate_id: str, gate: GateSpec, spec: StrategySpec, document: Document) -> None:
    where = ("gates", gate_id)
    if gate_id == ROOT:
        document.fault(where, "'root' means all events and cannot be the id of a gate")
    if gate.parent not in (None, ROOT) and gate.parent not in spec.gates:
        others = [ROOT, *(other for other in spec.gates if other != gate_id)]
        document.fault((*where, "in"), f"no population '{gate.parent}'{suggest(str(gate.parent), others)}")
    for operand, _ in gate.operands:
        if operand not in spec.gates:
            key = next(rule for rule in gate.rules if rule in ("not", "all", "any"))
            document.fault((*where, key), f"no population '{operand}'{suggest(operand, spec.gates)}")
    if gate.auto is None and len(gate.rules) != 1:
        stated = " and ".join(gate.rules) or "none"
        document.fault(where, f"a gate has one rule ({_RULES}); there is {stated}")
    _refuse_automatic(where, gate, document)
    _check_shape(where, gate_id, spec, document)


def _refuse_automatic(where: tuple[str, ...], gate: GateSpec, document: Document) -> None:
    """Gates that place themselves come later: to ignore the key would gate on something nobody chose."""
    for key in ("auto", "on", "adapt"):
        value = getattr(gate, key)
        if value is not None:
            document.fault((*where, key), f"{key}: {value} is not supported by this version; set the gate by hand")
    for key, limits in (("above", gate.above), ("below", gate.below)):
        for marker, limit in (limits or {}).items():
            if isinstance(limit, AutoSpec):
                document.fault(
                    (*where, key, marker),
                    f"auto: {limit.auto} is not supported by this version; give a number or an fmo",
                )


def _check_shape(where: tuple[str, ...], gate_id: str, spec: StrategySpec, document: Document) -> None:
    """Let the gate itself say whether its coordinates make one."""
    gate = spec.gates[gate_id]
    for key, owners in _OWNERS.items():
        if getattr(gate, key) != type(gate).model_fields[key].get_default(call_default_factory=True) and not (
            set(owners) & set(gate.rules)
        ):
            document.fault((*where, key), f"'{key}' belongs to {_listed(owners)}, and the gate has none")
    if gate.polygon is not None and (stray := [axis for axis in gate.open if axis not in gate.polygon]):
        for axis in stray:
            document.fault((*where, "open", axis), f"'{axis}' is no axis of the polygon{suggest(axis, gate.polygon)}")
        return
    unfinished = gate.quadrant is not None and gate.rectangle is None
    if len(gate.rules) != 1 or gate.auto is not None or unfinished or not is_placed(gate):
        return
    try:
        build_gate(spec, gate_id)
    except GateError as error:
        key = _key_of(gate)
        document.fault((*where, key), error.problem + (f"; expected {error.expected}" if error.expected else ""))


def _listed(kinds: Sequence[str]) -> str:
    """Return rules with their articles: ``a polygon or an ellipsoid``."""
    named = [f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}" for kind in kinds]
    return " or ".join(filter(None, [", ".join(named[:-1]), named[-1]]))


def _key_of(gate: GateSpec) -> str:
    """Return the key of the file that holds a gate's coordinates."""
    if gate.polygon is not None:
        return "points" if gate.points and len(set(gate.polygon)) == _PAIR else "polygon"
    return "below" if gate.below is not None and gate.above is None else gate.rules[0].split("/")[0]


def _check_cycles(spec: StrategySpec, document: Document) -> None:
    try:
        TopologicalSorter({gate_id: needs(gate) for gate_id, gate in spec.gates.items()}).prepare()
    except CycleError as error:
        ring = error.args[1]
        document.fault(("gates", ring[0]), f"depends on itself: {' -> '.join(ring)}")


def _used(spec: StrategySpec) -> set[str]:
    """Return the markers and channels that a gate or an MFI looks at."""
    used = {axis for gate in spec.gates.values() for axis in gate.axes}
    return used | {marker for markers in spec.mfi.values() for marker in markers}


def _check_spelling(spec: StrategySpec, document: Document) -> None:
    """Note a marker spelt in two ways: its channel would be found all the same, but neither its panel nor its scale."""
    spelt = {plain_name(name): name for name in reversed((*spec.panel, *spec.dimensions))}  # the first stays
    sections = {"gates": {gate_id: gate.axes for gate_id, gate in spec.gates.items()}, "mfi": spec.mfi}
    for section, entries in sections.items():
        for entry, axes in entries.items():
            for axis in axes:
                first = spelt.setdefault(plain_name(axis), axis)
                if axis != first and axis not in spec.dimensions:  # their names are told apart to the letter
                    document.fault((section, entry), f"'{axis}' is spelt '{first}' elsewhere; write it alike")


def _check_scales(spec: StrategySpec, document: Document, *, axes_known: bool) -> None:
    known = sorted(_used(spec) | set(spec.panel) | set(spec.dimensions))
    for marker, scale in spec.scales.items():
        if axes_known and marker not in known:
            document.fault(("scales", marker), f"no gate or panel entry is called '{marker}'{suggest(marker, known)}")
        if problem := _scale_problem(scale):
            document.fault(("scales", marker), problem)


def _scale_problem(scale: object) -> str:
    """Return what is wrong with a scale; an empty text if nothing is."""
    try:
        scale_from_spec(scale)
    except ScaleError as error:
        return "; ".join(filter(None, (error.problem, error.expected and f"expected {error.expected}", error.remedy)))
    return ""


def _check_report(spec: StrategySpec, document: Document) -> None:
    known = {ROOT, *spec.gates}
    taken = {column for name in spec.report for column in (f"{name}_k", f"{name}_n")} | set(_COLUMNS)
    for name, ratio in spec.report.items():
        if name in taken or name.startswith("mfi_"):
            document.fault(("report", name), "is the name of another column of wide.csv; choose another name")
        if split_ratio(ratio, known) is None:
            halves = [half.strip() for half in ratio.split(" / ", 1)]
            unknown = [half for half in halves if half not in known] if len(halves) == _PAIR else []
            text = ", ".join(f"no population '{half}'{suggest(half, known)}" for half in unknown)
            document.fault(("report", name), text or f"expected 'NUMERATOR / DENOMINATOR', there is '{ratio}'")
    for population in spec.mfi:
        if population not in known:
            document.fault(("mfi", population), f"no population '{population}'{suggest(population, spec.gates)}")
