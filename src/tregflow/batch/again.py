"""Endpoints again from a finished run's frequencies, as the study's settings in the manifest ask for them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tregflow._files import sha256_file, write_whole
from tregflow.batch import compute_endpoints, write_endpoints
from tregflow.batch.manifest import load_manifest, manifest_bytes
from tregflow.errors import StudyError
from tregflow.study import StudySpec, design_of

if TYPE_CHECKING:
    from pathlib import Path

    from tregflow.endpoints import EndpointResults

_TABLE = "frequencies.csv"
EDITED = "frequencies.csv was edited after the run"


def endpoints_again(out: Path, *, accept_edited: bool = False) -> EndpointResults:
    """Compute the endpoints from frequencies.csv of a finished run, and write endpoints.csv and changes.csv anew.

    Parameters
    ----------
    out : Path
        Folder of the results.
    accept_edited : bool
        Go on although the table is not the one that the run wrote; every result is then marked in its note.

    Raises
    ------
    StudyError
        No finished run (``E_RESULTS``), a table that was edited (``E_EDITED``), a study without endpoints
        (``E_NO_ENDPOINTS``).
    EndpointError
        The endpoints cannot be computed as asked.
    """
    manifest = load_manifest(out)
    edited = _edited(out, manifest)
    if edited and not accept_edited:
        raise StudyError(
            "is not the table that the run wrote",
            code="E_EDITED",
            file=str(out / _TABLE),
            expected=f"SHA-256 {manifest['tables'].get(_TABLE)}",
            available=[edited],
            remedy="run the study again, or use --accept-edited, which marks every result",
        )
    spec = _settings(out, manifest)
    design = None if spec is None else design_of(spec)
    if spec is None or design is None:
        raise StudyError(
            "the study states no endpoints",
            code="E_NO_ENDPOINTS",
            file=str(out),
            remedy="add baseline and endpoints to study.yaml and run it again",
        )
    results = compute_endpoints(out, design, confirmed=spec.confirmed is not None)
    if edited:
        results = _marked(results)
    written = write_endpoints(out, results)
    hashes = {name: sha256_file(out / name) for name in written}
    run_part = manifest.pop("run", {})
    manifest["tables"] |= hashes
    write_whole(out / "manifest.json", manifest_bytes(manifest, run_part))
    return results


def _settings(out: Path, manifest: dict[str, Any]) -> StudySpec | None:
    settings = manifest.get("settings")
    try:
        return StudySpec.model_validate(settings) if settings else None
    except ValueError:  # pydantic's: a run writes the settings of a study that was checked
        raise StudyError(
            "the settings in manifest.json are none of a study",
            code="E_RESULTS",
            file=str(out),
            remedy="run the study again",
        ) from None


def _marked(results: EndpointResults) -> EndpointResults:
    """Mark every row of both tables."""
    marked = results.marked(EDITED)
    flags = [";".join(filter(None, (flag, "edited"))) for flag in marked.subjects["flags"]]
    return replace(marked, subjects=marked.subjects.assign(flags=flags))


def _edited(out: Path, manifest: dict[str, Any]) -> str:
    """Return the hash of the table if it is not the manifest's, else an empty text."""
    path = out / _TABLE
    if not path.is_file():
        raise StudyError("no such file", code="E_RESULTS", file=str(path), remedy="run the study again")
    found = sha256_file(path)
    return "" if found == manifest["tables"].get(_TABLE) else found
