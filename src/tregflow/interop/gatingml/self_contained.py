"""A strategy that stands on its own: every matrix of a CSV file written out in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from tregflow._yaml import parse
from tregflow.errors import InteropError, StrategyError, TregflowError
from tregflow.strategy.matrix import SINGLES, is_keyword, matrix_files

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tregflow.strategy import Strategy


def self_contained(strategy: Strategy, file: str) -> Strategy:
    """Return the strategy with the matrices of its CSV files written out under `matrices`.

    Raises
    ------
    InteropError
        ``E_EXPORT``: a file is missing or broken.
    """
    rules = overrides_data(strategy)
    settings = [strategy.data.get("compensation"), *(rule.get("set", {}).get("compensation") for rule in rules)]
    names = dict.fromkeys(name for setting in settings for name in _files(setting, strategy))
    if not names:
        return strategy
    matrices = dict(strategy.data.get("matrices", {}))
    renamed = {}
    for name in names:
        renamed[name] = _new_name(PurePath(name).stem, matrices)
        matrices[renamed[name]] = _read(strategy, name, file)
    data = {**strategy.data, "matrices": matrices}
    data["compensation"] = _renamed(data.get("compensation"), renamed)
    for rule in rules:
        if "compensation" in rule.get("set", {}):
            rule["set"]["compensation"] = _renamed(rule["set"]["compensation"], renamed)
    whole = type(strategy).from_data(data, name=strategy.source, overrides=rules)
    return replace(whole, folder=strategy.folder)


def overrides_data(strategy: Strategy) -> list[dict[str, Any]]:
    """Return the overrides as an overrides file has them."""
    if not strategy.overrides:
        return []
    document = parse(strategy.overrides_yaml(), "overrides", StrategyError, "E_OVERRIDES")
    return list(document.data["overrides"])


def _files(setting: Any, strategy: Strategy) -> tuple[str, ...]:
    if setting is None:
        return ()
    names = setting["batch"].values() if isinstance(setting, dict) else (setting,)
    return tuple(name for each in names for name in matrix_files(str(each), strategy.spec.matrices))


def _new_name(wish: str, taken: Mapping[str, Any]) -> str:
    name, count = wish or "matrix", 2
    while name in (*taken, "none", SINGLES) or is_keyword(name):
        name, count = f"{wish} {count}", count + 1
    return name


def _read(strategy: Strategy, name: str, file: str) -> dict[str, Any]:
    try:
        found = strategy.with_compensation(name).with_matrices().matrices.get(name)
    except TregflowError as error:
        raise InteropError(error.problem, code="E_EXPORT", file=file, population=name) from error
    if found is None:
        problem = f"the matrix {name} cannot be read, and the file must hold its numbers"
        raise InteropError(problem, code="E_EXPORT", file=file, expected="a CSV file beside the strategy")
    return {"detectors": list(found.detectors), "matrix": found.matrix.tolist()}


def _renamed(setting: Any, names: Mapping[str, str]) -> Any:
    if isinstance(setting, dict):
        return {**setting, "batch": {batch: names.get(name, name) for batch, name in setting["batch"].items()}}
    return names.get(setting, setting)
