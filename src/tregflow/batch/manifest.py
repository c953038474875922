"""The manifest of a run: which bytes and settings gave which tables. Times stand in its `run` part only."""

from __future__ import annotations

import json
import platform
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from tregflow._files import hash_or_none, sha256_bytes, slug
from tregflow._version import __version__
from tregflow.batch.singles import matrices_part
from tregflow.errors import StudyError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tregflow.batch.outcome import Outcome
    from tregflow.study import Row, Study

_PACKAGES = ("numpy", "scipy", "pandas", "numba", "pydantic", "ruamel.yaml")


def build_manifest(study: Study, pairs: Sequence[tuple[Row, Outcome]], written: Mapping[str, bytes]) -> dict[str, Any]:
    """Return all of the manifest but its `run` part."""
    strategy = study.strategy
    confirmed = study.confirmed
    return {
        "tregflow": __version__,
        "study": study.name,
        "settings": dict(study.settings),
        "strategy": {
            "name": strategy.spec.name,
            "source": strategy.source,
            "sha256": strategy.sha256,
            "compensation": strategy.data["compensation"],
            "confirmed": confirmed.model_dump() if confirmed else None,
            "overrides": [rule.id for rule in strategy.overrides],
        },
        "matrices": matrices_part(study),
        "inputs": dict(study.inputs),
        "samples": {row.sample: _sample(row, outcome) for row, outcome in pairs},
        "controls": {row.sample: _control(study, row) for row in study.rows if row.role != "sample"},
        "tables": {name: sha256_bytes(content) for name, content in written.items()},
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that numbers depend on."""
    return {"python": platform.python_version()} | dict(_installed(_PACKAGES))


@cache
def _installed(packages: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name, version(name)) for name in packages)


def manifest_bytes(manifest: Mapping[str, Any], run_part: Mapping[str, Any]) -> bytes:
    """Return the manifest as JSON."""
    return (json.dumps({**manifest, "run": dict(run_part)}, indent=2, ensure_ascii=False) + "\n").encode()


def load_manifest(out: Path) -> dict[str, Any]:
    """Return the manifest of a folder of results.

    Raises
    ------
    StudyError
        There is none, or it is not readable: the run was not finished (``E_RESULTS``).
    """
    path = out / "manifest.json"
    try:
        manifest = json.loads(path.read_bytes())
        if not isinstance(manifest["tables"], dict):
            raise TypeError
    except (OSError, ValueError, KeyError, TypeError):
        raise StudyError(
            "holds no finished run",
            code="E_RESULTS",
            file=str(out),
            expected="a readable manifest.json",
            remedy="run the study to its end: tregflow run STUDY --out FOLDER",
        ) from None
    return dict(manifest)


def _sample(row: Row, outcome: Outcome) -> dict[str, Any]:
    gates = f"gates/{slug(row.sample)}.yaml" if outcome.gates else None
    return {
        "file": row.file,
        "sha256": outcome.sha256 or None,
        "status": outcome.status,
        "gates": gates,
        "channels": dict(outcome.channels),
    }


def _control(study: Study, row: Row) -> dict[str, Any]:
    return {"file": row.file, "role": row.role, "sha256": hash_or_none(study.path(row))}
