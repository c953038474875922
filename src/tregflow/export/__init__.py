"""The events of a population for other programs (FCS, Parquet, h5ad), and who is in which population.

>>> from tregflow.export import export_events, export_masks
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from tregflow.errors import InteropError
from tregflow.export.events import events_of
from tregflow.export.masks import masks_csv, masks_parquet
from tregflow.export.packages import require

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from tregflow.populations import Gated

__all__ = ["FORMATS", "MASK_FORMATS", "Format", "MaskFormat", "export_events", "export_masks"]

Format = Literal["fcs", "parquet", "h5ad"]
MaskFormat = Literal["parquet", "csv"]
FORMATS: tuple[Format, ...] = get_args(Format)
MASK_FORMATS: tuple[MaskFormat, ...] = get_args(MaskFormat)


def export_events(
    gated: Gated,
    population: str,
    path: str | PathLike[str],
    *,
    format: Format | None = None,  # noqa: A002 - the word of the command line
    compensated: bool | None = None,
    keep_persons: bool = False,
) -> int:
    """Write the events of a population to a file: FCS, Parquet or h5ad (AnnData).

    All channels are written, events in the order of the file, each with its number there, from 0. What the file comes
    from goes with it: keywords ``TREGFLOW_…``, metadata of the Parquet schema, ``uns["tregflow"]``. The same events
    give the same bytes.

    Parameters
    ----------
    gated : Gated
        A sample after gating, read with all its channels; with ``sha256=True`` its hash is recorded.
    population : str
        Id of a gate, or ``root`` for all events.
    path : path
        File to make; one that is there is replaced, after the new one is complete.
    format : {"fcs", "parquet", "h5ad"}, optional
        Default: by the ending of `path`.
    compensated : bool, optional
        Values as the gates saw them: compensated, without scale. Default: not for FCS, which carries its matrix along;
        for Parquet and h5ad, where nobody would compensate, yes.
    keep_persons : bool
        FCS: keep keywords that name persons or may lead to one (`tregflow.fcs.persons` lists them). All: state the
        sample's id and the name of its file.

    Returns
    -------
    int
        Number of events; a population without events gives a file without events.

    Raises
    ------
    GateError
        ``E_NO_POPULATION``, ``E_MISSING_POPULATION``: no such population; missing in this sample.
    InteropError
        ``E_EXPORT_FORMAT``: a format that is not written. ``E_EXPORT``: names that the format cannot hold.
        ``E_NO_PYARROW``, ``E_NO_ANNDATA``: the package that writes it is not installed.
    PanelError
        ``E_NOT_READ``: only part of the channels was read.
    FcsError
        ``E_WRITE``: FCS cannot hold the values or keywords.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import tregflow as tf
    >>> rules = "{tregflow: 1, name: a, compensation: none, gates: {CD4+: {above: {CD4: 2}}}}"
    >>> gated = tf.Strategy.loads(rules).gate(tf.Sample.from_columns("a.fcs", {"CD4": [1.0, 5.0, 7.0]}))
    >>> with TemporaryDirectory() as folder:
    ...     export_events(gated, "CD4+", f"{folder}/a.fcs")
    2
    """
    target = Path(path)
    chosen = _format(target, format, FORMATS)
    require(chosen)
    as_gated = chosen != "fcs" if compensated is None else compensated
    events = events_of(gated, population, compensated=as_gated, keep_persons=keep_persons)
    if chosen == "fcs":
        from tregflow.export.fcs import write

        write(target, events, keep_persons=keep_persons)
    elif chosen == "parquet":
        from tregflow.export.parquet import write_events

        write_events(target, events)
    else:
        from tregflow.export.h5ad import write_h5ad

        write_h5ad(target, events)
    return events.numbers.size


def export_masks(
    gated: Gated,
    path: str | PathLike[str],
    populations: Sequence[str] | None = None,
    *,
    format: MaskFormat | None = None,  # noqa: A002
) -> None:
    """Write which event is in which population: a row per event of the file, 1 or 0 per population.

    Parameters
    ----------
    gated : Gated
        A sample after gating.
    path : path
        File to make: a column ``event`` with the event's number in the file, from 0, and a column per population.
    populations : sequence of str, optional
        Default: every gate of the strategy, in its order. One that is missing in this sample has empty cells.
    format : {"parquet", "csv"}, optional
        Default: by the ending of `path`.

    Raises
    ------
    GateError
        ``E_NO_POPULATION``: one of `populations` does not exist.
    InteropError
        ``E_EXPORT_FORMAT``: a format that is not written. ``E_NO_PYARROW``: the package for Parquet is not installed.
    """
    target = Path(path)
    chosen = _format(target, format, MASK_FORMATS)
    require(chosen)
    write = masks_csv if chosen == "csv" else masks_parquet
    write(target, gated, populations)


def _format(path: Path, asked: str | None, known: Sequence[str]) -> str:
    """Return the format that was asked for, else the one that the ending of the file says."""
    chosen = path.suffix.casefold().removeprefix(".") if asked is None else asked
    if chosen not in known:
        raise InteropError(
            f"{chosen!r} is no format that is written here" if chosen else "the name of the file says no format",
            code="E_EXPORT_FORMAT",
            file=path.name,
            available=known,
            remedy="name a file with one of these endings, or give format=...",
        )
    return chosen
