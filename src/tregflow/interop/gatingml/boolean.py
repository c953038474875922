"""Boolean gates of a Gating-ML file, and what gates refer to (Gating-ML 2.0, sections 4.4 and 5.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tregflow.interop.gatingml.elements import check_children, required, truth
from tregflow.interop.gatingml.faults import GateFault
from tregflow.interop.gatingml.names import children, data_type, gating, parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tregflow.interop.gatingml.model import ParsedGate, ParsedQuadrants, Rule
    from tregflow.interop.xml import Element

_OPERATORS = {gating("and"): "all", gating("or"): "any", gating("not"): "not"}


def boolean(element: Element) -> tuple[tuple[str, ...], Rule]:
    """Return the operands and the rule of a ``BooleanGate``."""
    check_children(element, tuple(_OPERATORS))
    found = [child for child in element if child.tag != data_type("custom_info")]
    if len(found) != 1:
        raise GateFault(element, f"a boolean gate with {len(found)} operators", expected="one of and, or, not")
    (inner,) = found
    operator = _OPERATORS[str(inner.tag)]
    check_children(inner, (gating("gateReference"),))
    operands = [
        (required(each, gating("ref")), truth(each, gating("use-as-complement")))
        for each in children(inner, gating("gateReference"))
    ]
    if len(operands) != 1 if operator == "not" else len(operands) < 2:
        count = "1 gate" if len(operands) == 1 else f"{len(operands)} gates"
        problem = f"'{parts(str(inner.tag))[1]}' of {count}"
        raise GateFault(inner, problem, expected="1 gate" if operator == "not" else "2 gates or more")
    return tuple(name for name, _ in operands), _rule(operator, operands)


def _rule(operator: str, operands: list[tuple[str, bool]]) -> Rule:
    written: list[Any] = [{"not": name} if complement else name for name, complement in operands]

    def rule(_names: Sequence[str]) -> dict[str, Any]:
        if operator != "not":
            return {operator: written}
        name, complement = operands[0]
        # The complement of the complement: a strategy says it as the gate and itself.
        return {"all": [name, name]} if complement else {"not": name}

    return rule


def check_references(
    gates: Mapping[str, ParsedGate], quadrants: Mapping[str, ParsedQuadrants]
) -> Iterable[tuple[str, GateFault]]:
    """Yield the gates that refer to what is not there, to a quadrant gate as a whole, or in a circle to themselves."""
    for gate in gates.values():
        for what, name in _references(gate):
            if name in quadrants:
                cells = tuple(each.id for each in gates.values() if each.quadrants == name)
                problem = f"{what} is the quadrant gate '{name}', which is no population"
                yield gate.id, GateFault(gate.element, problem, expected="one of its quadrants", available=cells)
            elif name not in gates:
                yield gate.id, GateFault(gate.element, f"{what} '{name}' is not there", available=_some(gates))
    for name in _circular(gates):
        problem = "the gate needs itself, by its parents and operands"
        yield name, GateFault(gates[name].element, problem, expected="no circle of references")


def needs(gate: ParsedGate) -> tuple[str, ...]:
    """Return the gates that a gate needs."""
    return tuple(name for _, name in _references(gate))


def _references(gate: ParsedGate) -> list[tuple[str, str]]:
    parent = [] if gate.parent is None else [("the parent", gate.parent)]
    return parent + [("the operand", name) for name in gate.operands]


def _circular(gates: Mapping[str, ParsedGate]) -> list[str]:
    """Return the gates that lie on a circle.

    They are what is left when gates are taken away, one by one, that need nothing left or that nothing left needs.
    """
    left = {name: {need for need in needs(gate) if need in gates} for name, gate in gates.items()}
    for _ in range(2):  # down from the roots, then up from the leaves
        users: dict[str, list[str]] = {name: [] for name in left}
        for name, wanted in left.items():
            for need in wanted:
                users[need].append(name)
        ready = [name for name, wanted in left.items() if not wanted]
        while ready:
            done = ready.pop()
            del left[done]
            for user in users[done]:
                left[user].discard(done)
                if not left[user]:
                    ready.append(user)
        left = {name: {user for user in users[name] if user in left} for name in left}
    return [name for name in gates if name in left]


def _some(gates: Mapping[str, ParsedGate]) -> tuple[str, ...]:
    names = tuple(gates)
    return names if len(names) <= 8 else (*names[:8], f"and {len(names) - 8} more")
