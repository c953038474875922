"""Errors: the five parts of a message, the tree of kinds, and the way through a process."""

from __future__ import annotations

import copy
import inspect
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from dataclasses import FrozenInstanceError

import pytest

from tregflow import errors
from tregflow.errors import (
    CompensationError,
    EndpointError,
    FcsError,
    GateError,
    InteropError,
    PanelError,
    ScaleError,
    SimulationError,
    StrategyError,
    StudyError,
    TregflowError,
)
from tregflow.findings import Finding

KINDS = {
    FcsError: ValueError,
    PanelError: LookupError,
    CompensationError: ValueError,
    ScaleError: ValueError,
    GateError: ValueError,
    StrategyError: ValueError,
    StudyError: ValueError,
    InteropError: ValueError,
    EndpointError: ValueError,
    SimulationError: ValueError,
}
PARTS = ("problem", "code", "file", "population", "expected", "available", "remedy")


def full() -> PanelError:
    return PanelError(
        "no channel carries CD25",
        code="E_NO_CHANNEL",
        file="P07_D8.fcs",
        population="CD25hi",
        expected="$PnS or $PnN CD25",
        available=["CD3 (R780-A)", "CD-25 (B515-A)"],
        remedy="near miss 'CD-25'",
    )


def raise_full(_: int) -> None:
    raise full()


def test_a_message_has_all_five_parts() -> None:
    assert str(full()) == (
        "P07_D8.fcs: CD25hi: no channel carries CD25\n"
        "  expected   $PnS or $PnN CD25\n"
        "  available  CD3 (R780-A), CD-25 (B515-A)\n"
        "  remedy     near miss 'CD-25'"
    )


def test_parts_that_are_not_known_leave_no_trace() -> None:
    assert str(GateError("two points make no polygon", code="E_GATE")) == "two points make no polygon"
    assert str(GateError("empty", code="E_GATE", population="A", remedy="fill it")) == (
        "A: empty\n  remedy     fill it"
    )
    assert str(FcsError("empty", code="E_NOT_FCS", file="a.fcs")) == "a.fcs: empty"


def test_parts_can_be_read_by_a_program() -> None:
    error = full()
    assert [getattr(error, part) for part in PARTS] == [
        "no channel carries CD25",
        "E_NO_CHANNEL",
        "P07_D8.fcs",
        "CD25hi",
        "$PnS or $PnN CD25",
        ("CD3 (R780-A)", "CD-25 (B515-A)"),
        "near miss 'CD-25'",
    ]


@pytest.mark.parametrize(("kind", "builtin"), KINDS.items())
def test_every_kind_is_caught_by_its_builtin_and_by_the_base(kind: type[TregflowError], builtin: type) -> None:
    with pytest.raises(builtin):
        raise kind("wrong", code="E_X")
    with pytest.raises(TregflowError):
        raise kind("wrong", code="E_X")
    assert str(kind("it's", code="E_X")) == "it's"  # KeyError would put the text in quotes


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    defined = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__]
    assert set(defined) == {TregflowError, *KINDS}
    for kind, builtin in KINDS.items():
        (line,) = [line for line in str(errors.__doc__).splitlines() if f" {kind.__name__} " in line]
        assert line.endswith(f"(also {builtin.__name__})")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_an_error_comes_back_whole_from_a_pickle(protocol: int) -> None:
    back = pickle.loads(pickle.dumps(full(), protocol))
    assert type(back) is PanelError
    assert str(back) == str(full())
    assert [getattr(back, part) for part in PARTS] == [getattr(full(), part) for part in PARTS]
    assert str(copy.copy(back)) == str(full())


def test_an_error_crosses_a_process_boundary() -> None:
    context = multiprocessing.get_context("spawn")  # as on Windows and macOS: nothing is inherited
    with ProcessPoolExecutor(1, mp_context=context) as pool, pytest.raises(PanelError) as caught:
        list(pool.map(raise_full, [0]))
    assert str(caught.value) == str(full())
    assert caught.value.available == full().available


def test_a_finding_is_a_value() -> None:
    finding = Finding("few-cd4", "warning", "Treg_of_CD4", "4000 events in CD4+: few")
    assert finding == Finding("few-cd4", "warning", "Treg_of_CD4", "4000 events in CD4+: few")
    assert pickle.loads(pickle.dumps(finding)) == finding
    assert sorted([finding, Finding("few-cd4", "info", "B", "")])[0].severity == "info"
    with pytest.raises(FrozenInstanceError):
        finding.code = "other"  # type: ignore[misc]
