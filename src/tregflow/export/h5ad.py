"""Events as h5ad, the file of AnnData: values in X, populations in obs, channels in var, provenance in uns."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from tregflow._files import whole
from tregflow.errors import InteropError
from tregflow.export.events import EVENT, unique_labels
from tregflow.export.parquet import field_of

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from tregflow.export.events import Column, Events

_RESERVED = (EVENT, "_index")
"""Columns of obs that are no populations: ours, and the one that AnnData writes its index under."""


def write_h5ad(path: Path, events: Events) -> None:
    """Write events as h5ad, whole or not at all.

    X is float32 where that is exact for every value, else float64. HDF5 takes a slash in a name for a folder: in the
    names of obs columns it becomes a low line; ``uns["tregflow"]["populations"]`` says which column is which.
    """
    import anndata

    obs, populations = _obs(events)
    stated = {**events.provenance, "populations": json.dumps(populations, ensure_ascii=False)}
    table = anndata.AnnData(X=_matrix(events), obs=obs, var=_var(events), uns={"tregflow": stated})
    with whole(path) as temporary:
        table.write_h5ad(temporary)


def _obs(events: Events) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return a row per event, and the population of each column."""
    import pandas as pd

    labels = unique_labels(((name.replace("/", "_"), "population") for name in events.masks), taken=_RESERVED)
    populations = dict(zip(labels, events.masks, strict=True))
    masks = {label: events.masks[name] for label, name in populations.items()}
    index = pd.Index([str(number) for number in events.numbers.tolist()], dtype=object)
    return pd.DataFrame({EVENT: events.numbers, **masks}, index=index), populations


def _var(events: Events) -> pd.DataFrame:
    import pandas as pd

    said = [{**field_of(column), "detector": _detector(column, events)} for column in events.columns]
    rows = [{**row, "compensated": row["compensated"] == "true"} for row in said]
    index = pd.Index([column.label for column in events.columns], dtype=object)
    return pd.DataFrame(rows, index=index, columns=["pnn", "pns", "marker", "detector", "compensated"])


def _detector(column: Column, events: Events) -> str:
    """Return ``$PnDET`` (FCS 3.2, section 3.3), else the channel; no detector for a dye after unmixing."""
    if column.channel is None:
        return ""
    return events.sample.keywords.get(f"$P{column.channel.number}DET", "").strip() or column.pnn


def _matrix(events: Events) -> NDArray[Any]:
    columns = [events.values(column) for column in events.columns]
    for column, values in zip(events.columns, columns, strict=True):
        if not _exact(values, np.float64):
            raise InteropError(
                "an integer is too long for a float64, which AnnData would take",
                code="E_EXPORT",
                file=events.sample.file,
                population=column.label,
                expected="integers up to 2^53",
                remedy="export it as FCS or Parquet",
            )
    single = all(_exact(values, np.float32) for values in columns)
    filled = np.empty((events.numbers.size, len(columns)), dtype=np.float32 if single else np.float64)
    for place, values in enumerate(columns):
        filled[:, place] = values
    return filled


def _exact(values: NDArray[Any], kind: type[np.float32] | type[np.float64]) -> bool:
    """Tell whether a type holds every value."""
    if values.dtype == kind or (values.dtype == np.float32 and kind is np.float64):
        return True
    with np.errstate(over="ignore", invalid="ignore"):
        held: NDArray[np.float64] = values.astype(kind)
        if values.dtype.kind == "u":  # compared as whole numbers: in float64 both would be rounded alike
            return bool((held < 2.0**64).all()) and bool(np.array_equal(held.astype(np.uint64), values))
    return bool(np.array_equal(held.astype(np.float64), values, equal_nan=True))
