"""Who is in which population: 1 or 0 per event of the file and population."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tregflow._files import csv_bytes, write_whole
from tregflow.export.events import EVENT, unique_labels
from tregflow.export.parquet import write_table
from tregflow.export.provenance import provenance

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tregflow.populations import Gated

Masks = dict[str, "NDArray[np.bool_] | None"]
"""Population -> mask over the events of the file; None where the population is missing."""

_BLOCK = 65_536
"""Events that are written as text at a time."""


def masks_parquet(path: Path, gated: Gated, populations: Sequence[str] | None) -> None:
    """Write masks as Parquet: int64 and uint8, null where a population is missing."""
    import pyarrow as pa

    masks = _masks(gated, populations)
    first, n_events = gated.sample.first_event, gated.sample.n_events
    entries: list[tuple[str, Any, Mapping[str, str]]] = [(EVENT, np.arange(first, first + n_events), {})]
    for label, (population, mask) in zip(_labels(masks), masks.items(), strict=True):
        values = pa.nulls(n_events, pa.uint8()) if mask is None else mask.astype(np.uint8)
        entries.append((label, values, {"population": population}))
    # Nothing of a table of masks is a person's: ids of samples and names of files are not stated.
    write_table(path, entries, provenance(gated, keep_persons=False))


def masks_csv(path: Path, gated: Gated, populations: Sequence[str] | None) -> None:
    """Write masks as CSV: empty cells where a population is missing."""
    masks = _masks(gated, populations)
    write_whole(path, _csv(masks, gated.sample.first_event, gated.sample.n_events))


def _masks(gated: Gated, populations: Sequence[str] | None) -> Masks:
    names = gated.strategy.spec.gates if populations is None else populations
    return {name: None if name in gated.missing else gated[name] for name in names}


def _labels(masks: Masks) -> Iterator[str]:
    return unique_labels(((name, "population") for name in masks), taken=(EVENT,))


def _csv(masks: Masks, first: int, n_events: int) -> Iterator[bytes]:
    yield csv_bytes([EVENT, *_labels(masks)], [])
    for start in range(0, n_events, _BLOCK):
        stop = min(start + _BLOCK, n_events)
        cells = b"".join(b"," if mask is None else b",?" for mask in masks.values()) + b"\n"
        text = np.tile(np.frombuffer(cells, np.uint8), (stop - start, 1))
        places = [place for place, letter in enumerate(cells) if letter == ord("?")]
        known = [mask for mask in masks.values() if mask is not None]
        for place, mask in zip(places, known, strict=True):
            text[:, place] = mask[start:stop] + np.uint8(ord("0"))
        rows = zip(range(first + start, first + stop), text, strict=True)
        yield b"".join(b"%d%s" % (number, row.tobytes()) for number, row in rows)
