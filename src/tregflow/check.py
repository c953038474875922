"""Everything that can be known of a study before gating: headers, panel, matrices, controls, visits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tregflow._files import without_folders
from tregflow._yaml import suggest
from tregflow.errors import TregflowError
from tregflow.fcs import read_fcs
from tregflow.findings import Finding
from tregflow.populations import no_cd4_limit
from tregflow.strategy import fmo_places
from tregflow.strategy.dimensions import source_of
from tregflow.strategy.evaluate import needed_channels, resolve_axes
from tregflow.study import NOT_CONFIRMED, fcs_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tregflow.fcs import Sample
    from tregflow.strategy import Applied
    from tregflow.study import Row, Study


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found for one row of the sample sheet; `sample` is empty for the study as a whole."""

    sample: str
    events: int | None
    findings: tuple[Finding, ...]


def check_study(study: Study) -> Iterator[Checked]:
    """Yield what can be known of each file without gating it, then what concerns the study as a whole."""
    study = study.with_singles()
    for row in study.rows:
        yield _check_row(study, row)
    yield Checked(
        "",
        None,
        (
            *_confirmation(study),
            *no_cd4_limit(study.few_events, study.strategy),
            *_unlisted(study),
            *_visits(study),
            *_matrices(study),
        ),
    )


def _check_row(study: Study, row: Row) -> Checked:
    notes = list(study.notes(row))
    try:
        sample = read_fcs(study.path(row), channels=())
        notes += sample.findings
        if row.role == "sample" or row.control:
            applied = study.strategy.applied(id=row.sample, batch=row.batch)
            notes += applied.findings
            notes += _of_control(applied, sample, row) if row.control else _panel(applied, sample, row.batch)
        if row.role == "sample":
            notes += _controls(study, row)
    except TregflowError as error:
        parts = (error.population or error.file, str(error))
        where, text = (without_folders(part, study.folder, study.strategy.folder) for part in parts)
        notes.append(Finding(error.code, "error", where, text))
        return Checked(row.sample, None, tuple(notes))
    return Checked(row.sample, sample.n_events, tuple(notes))


def _panel(applied: Applied, sample: Sample, batch: str) -> tuple[Finding, ...]:
    """Return findings on the panel; a marker or a matrix that is wrong is an error."""
    needed_channels(applied, sample, batch=batch)
    return resolve_axes(applied.strategy, sample, applied.missing)[2]


def _of_control(applied: Applied, sample: Sample, row: Row) -> Iterator[Finding]:
    """Yield findings on the panel of a control, of which only the parent and the marker of its thresholds are asked."""
    for place in fmo_places(applied.strategy, applied.missing):
        if place.control == row.control:
            source_of(applied.strategy, place.axis, sample, population=place.gate)
            part = replace(applied, strategy=applied.strategy.only(place.parent, place.axis))
            yield from _panel(part, sample, row.batch)


def _controls(study: Study, row: Row) -> Iterator[Finding]:
    controls = study.controls(row.batch)
    applied = study.strategy.applied(id=row.sample, batch=row.batch)
    for place in fmo_places(applied.strategy, applied.missing):
        if place.control not in controls:
            batch = f"batch {row.batch}" if row.batch else "the sheet"
            yield Finding(
                "fmo-missing",
                "review",
                place.gate,
                f"{batch} has no FMO control for {place.control} (role fmo:{place.control}): "
                f"{place.gate} will be missing{suggest(place.control, controls)}",
            )


def _matrices(study: Study) -> Iterator[Finding]:
    """Yield what single-stained controls gave; where they gave no matrix, each sample of the batch says why."""
    for batch, fit in (study.fits or {}).items():
        for finding in () if isinstance(fit, TregflowError) else fit.findings:
            yield replace(finding, where=f"batch {batch}: {finding.where}" if batch else finding.where)


def _confirmation(study: Study) -> tuple[Finding, ...]:
    return () if study.confirmed is not None else (NOT_CONFIRMED,)


def _unlisted(study: Study) -> Iterator[Finding]:
    """Yield a finding where FCS files lie in the folder and nobody will gate them."""
    listed = {study.path(row).resolve() for row in study.rows}
    files = [path for path in fcs_files(study.folder) if path.resolve() not in listed]
    if files:
        names = ", ".join(path.relative_to(study.folder).as_posix() for path in files)
        yield Finding("file-not-listed", "warning", "sample sheet", f"it does not name these FCS files: {names}")


def _visits(study: Study) -> Iterator[Finding]:
    """Yield a finding for each subject that an endpoint will lose for want of a visit."""
    if study.design is None:
        return
    samples = [row for row in study.rows if row.role == "sample"]
    for row in samples:
        if not row.subject or not row.visit:
            yield Finding("no-visit", "warning", row.sample, "has no subject or no visit: it is in no endpoint")
    wanted = dict.fromkeys((study.design.baseline, *(endpoint.visit for endpoint in study.design.endpoints)))
    for subject in dict.fromkeys(row.subject for row in samples if row.subject):
        has = {row.visit for row in samples if row.subject == subject}
        lacking = [visit for visit in wanted if visit not in has]
        if lacking:
            yield Finding("visit-missing", "warning", subject, f"has no {', '.join(lacking)}")
