"""Thresholds that a batch's controls give, computed once per batch before its samples are gated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tregflow._files import without_folders
from tregflow.batch.outcome import one_line
from tregflow.errors import TregflowError
from tregflow.fcs import read_fcs
from tregflow.strategy import Control, FmoPlace, FmoThreshold, fmo_places, fmo_threshold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tregflow.study import Row, Study

Thresholds = dict[FmoPlace, FmoThreshold]


def batch_thresholds(study: Study, rows: Sequence[Row]) -> dict[str, Thresholds]:
    """Return the thresholds of every sample.

    A sample's own overrides may ask for another control or quantile; the same question in the same batch is answered
    once. A control that cannot be read gives no threshold, with the reason: it stops no batch.
    """
    readers: dict[str, _Controls] = {}
    known: dict[tuple[str, FmoPlace], FmoThreshold] = {}
    found: dict[str, Thresholds] = {}
    for row in rows:
        controls = readers.setdefault(row.batch, _Controls(study, row.batch))
        places = _places(study, row)
        for place in places:
            if (row.batch, place) not in known:
                known[row.batch, place] = controls.threshold(place)
        found[row.sample] = {place: known[row.batch, place] for place in places}
    return found


def _places(study: Study, row: Row) -> tuple[FmoPlace, ...]:
    try:
        applied = study.strategy.applied(id=row.sample, batch=row.batch)
        return fmo_places(applied.strategy, applied.missing)
    except TregflowError:  # the sample will fail with this very error when its turn comes
        return ()


class _Controls:
    """The controls of one batch, read when first asked for; one that cannot be read costs no other its use."""

    def __init__(self, study: Study, batch: str) -> None:
        self._study = study
        self._batch = batch
        self._read: dict[str, Control] = {}
        self._failed: dict[str, str] = {}

    def threshold(self, place: FmoPlace) -> FmoThreshold:
        self._read_all()
        if place.control in self._failed:
            return FmoThreshold("", 0, None, self._failed[place.control])
        try:
            return fmo_threshold(self._study.strategy, place, self._read, batch=self._batch)
        except TregflowError as error:
            return FmoThreshold("", 0, None, self._unusable(error))

    def _read_all(self) -> None:
        for name, row in self._study.controls(self._batch).items():
            if name in self._read or name in self._failed:
                continue
            try:
                self._read[name] = Control(row.sample, read_fcs(self._study.path(row)))
            except TregflowError as error:
                self._failed[name] = self._unusable(error)

    def _unusable(self, error: TregflowError) -> str:
        text = without_folders(one_line(str(error)), self._study.folder, self._study.strategy.folder)
        return f"the control cannot be used: {text}"
