"""What exported events come from: names and values that every format carries, in its own way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tregflow._files import sha256_bytes
from tregflow._version import __version__
from tregflow.compensation import Spillover
from tregflow.fcs import spillover_text
from tregflow.fcs.scan import SUFFIXES

if TYPE_CHECKING:
    from tregflow.compensation import Unmixing
    from tregflow.populations import Gated


def provenance(gated: Gated, *, keep_persons: bool) -> dict[str, str]:
    """Return what is true of everything that is exported from a sample; nothing empty.

    The name of a file often holds a patient's number, and so does the id of a sample that was made from it: both only
    with `keep_persons`.
    """
    sample, strategy, matrix = gated.sample, gated.strategy, gated.spillover
    events = sample.n_events if sample.events_in_file is None else sample.events_in_file
    stated = {
        "version": __version__,
        "source_sha256": sample.sha256 or "",
        "source_dataset": str(sample.dataset) if sample.dataset > 1 else "",
        "source_events": str(events),
        "source_file": sample.file if keep_persons else "",
        "sample": (gated.id or "") if keep_persons else "",
        "strategy": strategy.spec.name,
        "strategy_sha256": strategy.sha256,
        "gates_sha256": sha256_bytes(strategy.to_yaml().encode()),
        "compensation": "none" if matrix is None else _source(matrix, sample.file, keep_persons=keep_persons),
        "compensation_sha256": "" if matrix is None else matrix.sha256,
        "spillover": _matrix_text(matrix),
    }
    return {name: value for name, value in stated.items() if value}


def _source(matrix: Spillover | Unmixing, file: str, *, keep_persons: bool) -> str:
    """Return where a matrix comes from: of the sample's own the keyword; names of other FCS files are left out, too."""
    said = matrix.source.removeprefix(f"{file}: ")
    if keep_persons:
        return said
    return ": ".join(part for part in said.split(": ") if not part.casefold().endswith(SUFFIXES)) or "another file"


def _matrix_text(matrix: Spillover | Unmixing | None) -> str:
    """Return the matrix as ``$SPILLOVER`` has it; that keyword has no way to write one that unmixes."""
    return spillover_text(matrix) if isinstance(matrix, Spillover) else ""
