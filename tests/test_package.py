"""The surface of the package: its names, what an import may load, what is shipped, errors across processes."""

from __future__ import annotations

import ast
import importlib
import multiprocessing
import os
import pickle
import re
import shutil
import subprocess
import sys
import tomllib
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import pytest

import tregflow as tf
from tregflow.errors import TregflowError

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {"flowkit", "matplotlib", "numba", "pandas", "scipy.stats", "sklearn"}
COMMANDS = (
    *("demo", "inspect", "init", "check", "compensation", "run", "endpoints", "export", "reconcile", "simulate"),
    "warm-up",
)


def loaded_after(code: str) -> set[str]:
    """Return the heavy packages that a fresh Python has loaded once it has run `code`."""
    script = f"import sys\n{code}\nprint('loaded:', *sys.modules)"
    # Coverage's own start-up in a child process is not what is tested.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, encoding="utf-8", check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    *_, last = (line for line in done.stdout.splitlines() if line.startswith("loaded:"))
    return HEAVY.intersection(last.split())


# ------------------------------------------------------------------------------------------------------------ names


def test_public_names_are_pinned() -> None:
    assert list(tf.__all__) == [  # one edit per new name
        "Asinh",
        "Boolean",
        "Channel",
        "CompensationError",
        "Ellipsoid",
        "EndpointError",
        "FcsError",
        "Finding",
        "FlowJoBiex",
        "FlowJoLinear",
        "FlowJoLog",
        "GateError",
        "Gated",
        "Hyperlog",
        "InteropError",
        "Linear",
        "Log",
        "Logicle",
        "PanelError",
        "Polygon",
        "Reconciliation",
        "Rectangle",
        "Run",
        "Sample",
        "ScaleError",
        "SimulationError",
        "Spillover",
        "Strategy",
        "StrategyError",
        "Study",
        "StudyError",
        "TregflowError",
        "__version__",
        "endpoints",
        "export_events",
        "export_masks",
        "iter_fcs",
        "list_datasets",
        "plots",
        "read_fcs",
        "reconcile",
        "run",
        "scan_fcs",
        "warm_up",
        "write_fcs",
    ]
    assert list(tf.__all__) == sorted(tf.__all__)


@pytest.mark.parametrize("name", tf.__all__)
def test_every_public_name_is_there_and_says_what_it_is(name: str) -> None:
    assert getattr(tf, name).__doc__
    assert name in dir(tf)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        tf.no_such_name  # noqa: B018


def test_the_version_is_stated_once() -> None:
    assert tf.__version__ == version("tregflow")


# ---------------------------------------------------------------------------------------------------------- imports


def test_import_is_light() -> None:
    assert loaded_after("import tregflow") == set()


def test_help_is_light_at_every_level() -> None:
    code = f"""
from tregflow.cli import app
for arguments in (["--help"], *([command, "--help"] for command in {COMMANDS!r})):
    try:
        app(arguments)
    except SystemExit as stop:
        if stop.code:
            raise
"""
    assert loaded_after(code) == set()


def test_every_module_but_the_kernels_is_light() -> None:
    # By files: pkgutil.walk_packages would import the kernels' package to look into it.
    code = """
import importlib, pathlib, tregflow
folder = pathlib.Path(tregflow.__file__).parent
for file in folder.rglob("*.py"):
    name = ".".join(("tregflow", *file.relative_to(folder).with_suffix("").parts)).removesuffix(".__init__")
    if name != "tregflow.__main__" and "_kernels" not in name:  # one runs, the others are the heavy ones
        importlib.import_module(name)
"""
    assert loaded_after(code) == set()


def test_a_run_loads_what_it_needs(tmp_path: Path) -> None:
    """Without endpoints and plots that is numba alone; the other packages take longer to load than a file to gate."""
    for name in ("P01_D0.fcs", "P01_D8.fcs"):
        shutil.copy(ROOT / "example_fcs" / name, tmp_path)
    code = """
from tregflow.cli import app
try:
    app(["run", {!r}, "--strategy", "treg", "--out", {!r}, "--quiet"])
except SystemExit as stop:
    if stop.code != 4:
        raise
"""
    assert loaded_after(code.format(str(tmp_path), str(tmp_path / "out"))) == {"numba"}


def test_the_light_tests_would_notice() -> None:
    assert "matplotlib" in loaded_after("import matplotlib")


# ---------------------------------------------------------------------------------------------------------- shipped


def test_types_are_shipped() -> None:
    assert files(tf).joinpath("py.typed").is_file()


def test_strategies_are_shipped() -> None:
    assert files(tf).joinpath("strategies", "treg.yaml").is_file()


def test_the_strategies_that_the_docs_show_are_such(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "strategy.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)
    strategies = [tf.Strategy.loads(block) for block in blocks if "\ngates:" in block]
    assert ["Treg" in strategies[0].order, "Spindle" in strategies[1].order] == [True, True]
    for strategy in strategies:
        for gate_id in strategy.order:
            if gate_id != "Treg":  # its threshold comes from a control
                strategy.build(gate_id)
    (overrides,) = (block for block in blocks if "\noverrides:\n" in block)
    strategies[0].save(tmp_path / "t.yaml")
    (tmp_path / "o.yaml").write_text(overrides, encoding="utf-8")
    loaded = tf.Strategy.load(tmp_path / "t.yaml", overrides=tmp_path / "o.yaml")
    assert [rule.id for rule in loaded.overrides] == ["b2-cd127"]


def test_constraints_hold_every_dependency_by_one_exact_version() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(pin.count("==") == 1 and not set(pin) & set("/@ ;") for pin in pins)
    held = {pin.split("==")[0].lower().replace("_", "-") for pin in pins}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [need for group in project["optional-dependencies"].values() for need in group]
    asked = {_bare_name(need) for need in [*project["dependencies"], *extras]} - {"tregflow"}
    assert asked - held == set()


def _bare_name(requirement: str) -> str:
    cut = min(requirement.find(mark) % 1000 for mark in "=<>[;")  # find() is -1, hence 999, where the mark is absent
    return requirement[:cut].strip().lower()


# ----------------------------------------------------------------------------------------------------------- errors


def _kinds(kind: type[TregflowError]) -> list[type[TregflowError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in _kinds(child))]


@pytest.mark.parametrize("kind", _kinds(TregflowError))
def test_an_error_survives_pickling(kind: type[TregflowError]) -> None:
    error = kind(
        "no channel carries CD25",
        code="E_NO_CHANNEL",
        file="P07_D8.fcs",
        population="CD25hiCD127lo",
        expected="$PnS matching CD25",
        available=["CD3 (R780-A)", "CD4 (V655-A)"],
        remedy="tregflow inspect P07_D8.fcs",
    )
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)


def test_an_error_survives_the_process_pool(tmp_path: Path) -> None:
    missing = tmp_path / "P07_D8.fcs"
    with pytest.raises(TregflowError) as here:
        tf.read_fcs(missing)
    # spawn: the child shares nothing with this process, as everywhere but on Linux
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        error = pool.submit(tf.read_fcs, missing).exception()
    assert type(error) is type(here.value)
    assert str(error) == str(here.value)
    assert (error.code, error.file) == (here.value.code, here.value.file)


def test_every_error_is_drawn_in_the_tree() -> None:
    drawn = importlib.import_module("tregflow.errors").__doc__ or ""
    assert [kind.__name__ for kind in _kinds(TregflowError) if kind.__name__ not in drawn] == []


def _codes() -> set[str]:
    """Return every code that stands in the source as it is: of errors (E_…), of findings (the first argument)."""
    codes = set()
    for path in (ROOT / "src" / "tregflow").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding" and node.args:
                node = node.args[0]  # noqa: PLW2901
                is_code = isinstance(node, ast.Constant)
            else:
                is_code = isinstance(node, ast.Constant) and bool(re.fullmatch("E(_[A-Z0-9]+)+", str(node.value)))
            if is_code and isinstance(node, ast.Constant):
                codes.add(str(node.value))
    return codes


def test_every_code_is_explained() -> None:
    page = "".join((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("findings.md", "fcs.md"))
    explained = set(re.findall(r"`([\w-]+)`", page))
    assert _codes() - explained == set()
    assert {code for code in explained if code.startswith("E_")} - _codes() <= {
        "E_ENDPOINT_RATIO",  # put together from E_ENDPOINT_ and the kind
        "E_ENDPOINT_VISIT",
    }
