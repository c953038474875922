"""Events as a Parquet table: a column per channel, named by its marker."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tregflow._files import whole
from tregflow.export.events import EVENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from tregflow.export.events import Column, Events

Entry = tuple[str, Any, "Mapping[str, str]"]
"""Name of a column, its (n,) values or Arrow array, and what its field says of it."""


def write_events(path: Path, events: Events) -> None:
    """Write events as Parquet: float32 and float64 as they are; the names of a channel are metadata of its field."""
    entries: list[Entry] = [(EVENT, events.numbers, {})]
    entries += [(column.label, events.values(column), field_of(column)) for column in events.columns]
    write_table(path, entries, events.provenance)


def field_of(column: Column) -> dict[str, str]:
    """Return what a table says of a column beside its name."""
    compensated = "true" if column.compensated else "false"
    return {"pnn": column.pnn, "pns": column.pns, "marker": column.marker, "compensated": compensated}


def write_table(path: Path, entries: Iterable[Entry], provenance: Mapping[str, str]) -> None:
    """Write columns as Parquet, whole or not at all; provenance as JSON under ``tregflow`` in the schema's metadata."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    named = [(name, pa.array(values), said) for name, values, said in entries]
    fields = [pa.field(name, values.type, metadata=dict(said) or None) for name, values, said in named]
    metadata = {"tregflow": json.dumps(dict(provenance), ensure_ascii=False)}
    table = pa.Table.from_arrays([values for _, values, _ in named], schema=pa.schema(fields, metadata=metadata))
    with whole(path) as temporary:
        pq.write_table(table, str(temporary))
