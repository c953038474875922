"""A study: study.yaml, the sample sheet, the strategy with its overrides; checked as a whole, faults listed at once."""

from __future__ import annotations

import csv
import difflib
import os
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from tregflow._files import hash_or_none, read_csv_rows
from tregflow._yaml import Document, check_model, parse, read_text, suggest
from tregflow.errors import StudyError, TregflowError
from tregflow.fcs.names import printable
from tregflow.fcs.scan import SUFFIXES
from tregflow.few_events import FewEvents
from tregflow.findings import Finding
from tregflow.strategy import Strategy, shipped
from tregflow.strategy.matrix import SINGLES, inside, matrix_of
from tregflow.strategy.overrides import OVERRIDES_FILE, load_overrides
from tregflow.strategy.singles import Singles, read_singles
from tregflow.strategy.spec import Compensation, Number, Strict, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from os import PathLike

    from tregflow.compensation import SpilloverFit
    from tregflow.endpoints import Design

SHEET_COLUMNS = ("sample", "file", "subject", "visit", "date", "batch", "role")
"""Columns of samples.csv that tregflow reads; the first two are required, others are kept for later steps."""
GUESSED = "guessed"
"""Column of samples.csv in which `tregflow init` names the cells that it guessed."""
NOT_CONFIRMED = Finding(
    "gates-not-confirmed",
    "review",
    "strategy",
    "nobody has confirmed that the gates fit these data: adjust the strategy, then name who and when in study.yaml "
    "(confirmed: {by: ..., at: ...})",
)
EXPORT_INDEX = "tregflow-export.csv"
"""Table in a folder of exported events: files beside it hold parts of samples and are none themselves."""
_ROLES = ("sample", "unstained")
_ROLE_PREFIXES = ("fmo:", "single:")
_NEAR = 0.82
"""Share of letters in common from which a column is a misspelling of one of ours; a column `gate` is no `date`."""
Count = Annotated[int, Field(strict=True, ge=0)]
Positive = Annotated[float, Field(strict=True, gt=0.0, allow_inf_nan=False)]


class VisitSpec(Strict):
    """A planned visit: target day, and the first and last day that count for it."""

    day: Annotated[int, Field(strict=True)]
    window: tuple[Annotated[int, Field(strict=True)], Annotated[int, Field(strict=True)]] | None = None


class EndpointSpec(Strict):
    """An endpoint: which frequency, at which visit, tested how, claimed changed or unchanged."""

    ratio: Text
    visit: Text
    test: Literal["t_fold", "t_log", "wilcoxon"] = "t_log"
    claim: Literal["changed", "unchanged"] = "changed"
    margin: tuple[Positive, Positive] | None = None


class FewEventsSpec(Strict):
    """Limits for few events; see `tregflow.few_events.FewEvents`."""

    not_detected: Count = 20
    not_quantifiable: Count = 50
    finding: Count = 100
    cd4_finding: Count = 5000
    cd4_fail: Count = 2000
    cd4: Text = "CD4+"


class ConfirmedSpec(Strict):
    """Who looked at the strategy's gates on this study's data and stands for them, and when."""

    by: Text
    at: Text


class StudySpec(Strict):
    """A whole study file."""

    tregflow: Literal[1]
    name: Text
    strategy: Text
    strategy_sha256: Text | None = None
    confirmed: ConfirmedSpec | None = None
    compensation: Compensation | None = None
    samples: Text = "samples.csv"
    overrides: Text | None = None
    visits: dict[str, VisitSpec] = Field(default_factory=dict)
    baseline: Text | None = None
    endpoints: dict[str, EndpointSpec] = Field(default_factory=dict)
    few_events: FewEventsSpec = Field(default_factory=FewEventsSpec)
    gate_placement: dict[str, Number] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the sample sheet; `line` is its line number there, 0 for a folder without a sheet."""

    sample: str
    file: str
    subject: str = ""
    visit: str = ""
    date: str = ""
    batch: str = ""
    role: str = "sample"
    guessed: str = ""
    line: int = 0

    @property
    def control(self) -> str:
        """Return ``FoxP3`` for the role ``fmo:FoxP3``, else an empty text."""
        return self.role.removeprefix("fmo:") if self.role.startswith("fmo:") else ""

    @property
    def single(self) -> str:
        """Return ``CD25`` for the role ``single:CD25``, else an empty text."""
        return self.role.removeprefix("single:") if self.role.startswith("single:") else ""

    def findings(self) -> tuple[Finding, ...]:
        """Return a finding where cells are still as `tregflow init` guessed them."""
        text = (
            f"guessed from the file's name or its $DATE: {self.guessed}; correct them, then empty the cell '{GUESSED}'"
        )
        return (Finding("guessed-cells", "review", "sample sheet", text),) if self.guessed else ()


@dataclass(frozen=True)
class Study:
    """A study, checked: everything that a run needs except the FCS files themselves.

    Attributes
    ----------
    name : str
        Of the study.
    folder : Path
        Where study.yaml lies; all its paths start and stay here.
    strategy : Strategy
        With the study's compensation and overrides.
    rows : tuple of Row
        The sample sheet.
    visits : mapping of str to VisitSpec
        Planned visits in order.
    design : Design or None
        What the endpoints need; None where the study states none.
    few_events : FewEvents
        Limits.
    confirmed : ConfirmedSpec or None
        Who stands for the gates.
    settings : mapping
        The study file as plain data, for the manifest.
    inputs : mapping of str to (str or None)
        Path and SHA-256 of each text file that the study was read from; None for a matrix that is missing.
    fits : mapping of str to (SpilloverFit or TregflowError), or None
        For ``compensation: singles``: batch -> what its single-stained controls gave, or why they gave nothing. None
        before `with_singles`.
    """

    name: str
    folder: Path
    strategy: Strategy
    rows: tuple[Row, ...]
    visits: Mapping[str, VisitSpec] = field(default_factory=dict)
    design: Design | None = None
    few_events: FewEvents = field(default_factory=FewEvents)
    confirmed: ConfirmedSpec | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    inputs: Mapping[str, str | None] = field(default_factory=dict)
    fits: Mapping[str, SpilloverFit | TregflowError] | None = None

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Study:
        """Read study.yaml (or the folder that holds it) with all that it names.

        Raises
        ------
        StudyError
            A file is missing (``E_STUDY_FILE``) or has faults, listed with their lines (``E_STUDY``, ``E_SAMPLES``).
        StrategyError
            The strategy or the overrides have faults.
        """
        file = Path(path)
        file = file / "study.yaml" if file.is_dir() else file
        if file.suffix.casefold() in SUFFIXES:
            raise StudyError(
                "is no study file",
                code="E_STUDY_FILE",
                file=str(path),
                expected="study.yaml, or the folder that holds it",
                remedy=f"look into an FCS file with: tregflow inspect {path}",
            )
        text = read_text(file, StudyError, "E_STUDY_FILE", "make one with: tregflow init FOLDER")
        document = parse(text, file.name, StudyError, "E_STUDY")
        spec = check_model(StudySpec, document, document.data)
        document.stop_on_faults(StudyError, "E_STUDY")
        if spec is None:  # stop_on_faults has raised: no fault, no missing spec
            raise StudyError("not readable", code="E_STUDY", file=file.name)
        return _assemble(spec, document, file.resolve().parent, file.resolve())

    @classmethod
    def from_folder(cls, folder: str | PathLike[str], strategy: Strategy) -> Study:
        """Return a study of every FCS file below a folder: no visits, no endpoints, sample ids from the file names.

        Raises
        ------
        StudyError
            The folder does not exist or holds no FCS file (``E_NO_FILES``).
        """
        base = Path(folder).resolve()
        if not base.is_dir():
            raise StudyError(
                "no such folder", code="E_NO_FILES", file=str(folder), remedy="check the path of the folder"
            )
        files = fcs_files(base)
        if not files:
            raise StudyError(
                "holds no FCS file",
                code="E_NO_FILES",
                file=str(folder),
                expected="files named *.fcs or *.lmd",
                remedy="check the path of the folder",
            )
        names = [file.relative_to(base).as_posix() for file in files]
        odd = [ascii(name) for name in names if not _is_text(name)]
        if odd:
            raise StudyError(
                "file names that are no text",
                code="E_NO_FILES",
                file=str(folder),
                expected="names in UTF-8",
                available=odd,
                remedy="rename these files",
            )
        rows = tuple(Row(sample=name.rsplit(".", 1)[0], file=name) for name in names)
        strategy = strategy.with_matrices()
        inputs = _hashes(base, (), strategy)
        return cls(name=base.name, folder=base, strategy=strategy, rows=_distinct(rows), inputs=inputs)

    def path(self, row: Row) -> Path:
        """Return the path of a row's file, which lies below the study's folder."""
        return self.folder / row.file

    def notes(self, row: Row) -> tuple[Finding, ...]:
        """Return what the study itself has to say of a sample: cells that were guessed, a date outside its visit."""
        return (*row.findings(), *_window(self, row))

    def controls(self, batch: str) -> dict[str, Row]:
        """Return the FMO controls of a batch by name."""
        return {row.control: row for row in self.rows if row.control and row.batch == batch}

    def with_singles(self) -> Study:
        """Return the study with the matrix of every batch whose compensation is ``singles``, each computed once.

        A batch whose controls give no matrix keeps the error: its samples fail with it, the others do not.
        """
        if self.fits is not None:
            return self
        fits = {batch: self._fit(batch) for batch in self._batches_with_singles()}
        found = {batch: fit if isinstance(fit, TregflowError) else fit.spillover for batch, fit in fits.items()}
        return replace(self, fits=fits, strategy=replace(self.strategy, singles=found))

    def _batches_with_singles(self) -> tuple[str, ...]:
        asking = [row for row in self.rows if (row.role == "sample" or row.control) and _asks_for_singles(self, row)]
        return tuple(dict.fromkeys(row.batch for row in asking))

    def _fit(self, batch: str) -> SpilloverFit | TregflowError:
        try:
            return self.read_singles(batch).fit()
        except TregflowError as error:
            return error

    def read_singles(self, batch: str) -> Singles:
        """Read the single-stained controls of a batch, and its unstained control."""
        rows = [row for row in self.rows if row.batch == batch]
        controls = [(row.single, self.path(row)) for row in rows if row.single]
        unstained = [self.path(row) for row in rows if row.role == "unstained"]
        return read_singles(self.strategy, controls, unstained, batch=batch)


def _asks_for_singles(study: Study, row: Row) -> bool:
    try:
        strategy = study.strategy.applied(id=row.sample, batch=row.batch).strategy
    except TregflowError:  # the sample will fail with this very error when its turn comes
        return False
    return matrix_of(strategy.spec.compensation, row.batch) == SINGLES


def _is_text(name: str) -> bool:
    """Tell whether a file name can be written in UTF-8; on Linux any bytes make a name."""
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


def _window(study: Study, row: Row) -> Iterator[Finding]:
    """Yield a finding where a sample's date lies outside the window of its visit, counted from the baseline."""
    visit = study.visits.get(row.visit)
    if study.design is None or visit is None or visit.window is None or not row.date:
        return
    baseline = study.design.baseline
    starts = [
        other.date for other in study.rows if (other.subject, other.visit) == (row.subject, baseline) and other.date
    ]
    if row.subject and starts:
        days = (date.fromisoformat(row.date) - date.fromisoformat(starts[0])).days
        day, (low, high) = days + study.visits[baseline].day, visit.window
        if not low <= day <= high:
            text = f"{row.date} is day {day}, outside the window {low} to {high} of {row.visit}"
            yield Finding("visit-window", "warning", row.sample, text)


def fcs_files(folder: Path) -> list[Path]:
    """Return the FCS files below a folder, sorted; hidden ones are passed over, and those that tregflow exported."""
    found = [path for path in folder.rglob("*") if path.suffix.casefold() in SUFFIXES and path.is_file()]
    found = [path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    exports = {parent for parent in {path.parent for path in found} if (parent / EXPORT_INDEX).is_file()}
    return sorted(path for path in found if path.parent not in exports)


def _distinct(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """Keep the file's ending in the sample id where two files differ in nothing else (``A1.fcs``, ``A1.lmd``)."""
    ids = [row.sample for row in rows]
    return tuple(Row(sample=row.file, file=row.file) if ids.count(row.sample) > 1 else row for row in rows)


def _assemble(spec: StudySpec, document: Document, folder: Path, file: Path) -> Study:
    strategy, files = _strategy(spec, folder)
    sheet = inside(spec.samples, folder, document.name)
    rows = read_samples(sheet, spec, folder)
    _check_study(spec, strategy, rows, document)
    document.stop_on_faults(StudyError, "E_STUDY")
    return Study(
        name=spec.name,
        folder=folder,
        strategy=strategy,
        rows=rows,
        visits=spec.visits,
        design=design_of(spec),
        few_events=FewEvents(**spec.few_events.model_dump()),
        confirmed=spec.confirmed,
        settings=document.data,
        inputs=_hashes(folder, (file, sheet, *files), strategy),
    )


def _strategy(spec: StudySpec, folder: Path) -> tuple[Strategy, tuple[Path, ...]]:
    """Load the strategy with its overrides; the study's own compensation wins over the strategy's."""
    path = inside(spec.strategy, folder, "study.yaml")
    rules = inside(spec.overrides or OVERRIDES_FILE, folder, "study.yaml")
    # A shipped name, or a file below the folder: nothing that lies elsewhere by the same name.
    strategy = Strategy.load(path if path.exists() or spec.strategy not in shipped() else spec.strategy)
    has_rules = spec.overrides is not None or rules.exists()
    overrides = load_overrides(rules, strategy.spec) if has_rules else ()
    strategy = replace(strategy, folder=folder, overrides=overrides)
    if spec.strategy_sha256 not in (None, strategy.sha256):
        raise StudyError(
            "the strategy is not the one that was locked",
            code="E_LOCKED",
            file=spec.strategy,
            expected=f"SHA-256 {spec.strategy_sha256}",
            available=[strategy.sha256],
            remedy="restore the file, or lock the new one: strategy_sha256 in study.yaml",
        )
    if spec.compensation is not None:
        strategy = strategy.with_compensation(spec.compensation)
    for name in strategy.matrix_files:
        inside(name, folder, spec.strategy if spec.compensation is None else "study.yaml")
    return strategy.with_matrices(), tuple(p for p in (path, rules) if p.exists())


def _hashes(folder: Path, files: tuple[Path, ...], strategy: Strategy) -> dict[str, str | None]:
    """Return the hash of each text file that was read, now: what is edited later is not what the run rests on."""
    base = strategy.folder or folder  # a matrix lies where the strategy says, not the study
    names = strategy.matrix_files
    matrices = {name: hash_or_none(inside(name, base, strategy.source)) for name in names}
    return {path.relative_to(folder).as_posix(): hash_or_none(path) for path in files} | matrices


def design_of(spec: StudySpec) -> Design | None:
    """Return what a study asks of its endpoints; None where it states none."""
    if not spec.endpoints or spec.baseline is None:
        return None
    from tregflow.endpoints import Design, Endpoint

    endpoints = tuple(
        Endpoint(name=name, **entry.model_dump(exclude_none=True)) for name, entry in spec.endpoints.items()
    )
    limits = FewEvents(**spec.few_events.model_dump())
    return Design(baseline=spec.baseline, visits=tuple(spec.visits), endpoints=endpoints, few_events=limits)


def _check_study(spec: StudySpec, strategy: Strategy, rows: tuple[Row, ...], document: Document) -> None:
    if spec.endpoints and spec.baseline is None:
        document.fault(("endpoints",), "endpoints need a baseline (baseline: D0)")
    if spec.baseline is not None and spec.baseline not in spec.visits:
        document.fault(("baseline",), f"no visit '{spec.baseline}'{suggest(spec.baseline, spec.visits)}")
    for name, endpoint in spec.endpoints.items():
        where = ("endpoints", name)
        if endpoint.ratio not in strategy.ratios:
            hint = suggest(endpoint.ratio, strategy.ratios)
            document.fault((*where, "ratio"), f"the strategy reports no '{endpoint.ratio}'{hint}")
        if endpoint.visit not in spec.visits:
            document.fault((*where, "visit"), f"no visit '{endpoint.visit}'{suggest(endpoint.visit, spec.visits)}")
        if endpoint.visit == spec.baseline:
            document.fault((*where, "visit"), "is the baseline itself")
        if endpoint.margin is not None and not endpoint.margin[0] < 1.0 < endpoint.margin[1]:
            document.fault((*where, "margin"), "expected [below 1, above 1]")
        if endpoint.claim == "unchanged" and endpoint.margin is None:
            document.fault(where, "claim: unchanged needs a margin, such as margin: [0.80, 1.25]")
        if mirrored := _mirrored(endpoint, spec, strategy):
            document.fault((*where, "ratio"), mirrored)
        if endpoint.claim == "unchanged" and endpoint.test != "t_log":
            text = f"{endpoint.test} cannot show that a ratio is unchanged; leave test out, or claim a change"
            document.fault((*where, "test"), text)
    for name, visit in spec.visits.items():
        if visit.window is not None and not visit.window[0] <= visit.day <= visit.window[1]:
            document.fault(("visits", name, "window"), f"day {visit.day} is outside its own window")
    _check_few_events(spec, strategy, document)
    _check_override_targets(strategy, rows, document)


def _check_few_events(spec: StudySpec, strategy: Strategy, document: Document) -> None:
    limits = spec.few_events
    if "cd4" in limits.model_fields_set and limits.cd4 not in strategy.spec.gates:
        hint = suggest(limits.cd4, strategy.spec.gates)
        document.fault(("few_events", "cd4"), f"the strategy has no population '{limits.cd4}'{hint}")
    try:
        FewEvents(**limits.model_dump())
    except StudyError as error:
        document.fault(("few_events",), f"{error.problem}; expected {error.expected}")


def _mirrored(endpoint: EndpointSpec, spec: StudySpec, strategy: Strategy) -> str:
    """Say that an endpoint is what another one leaves of their common denominator: then it has no news of its own."""
    numerator, denominator = strategy.ratios.get(endpoint.ratio, ("", ""))
    rest = strategy.spec.gates[numerator].complement if numerator in strategy.spec.gates else None
    if rest is None or strategy.parent(numerator) != denominator:
        return ""
    for other in spec.endpoints.values():
        inner, outer = strategy.ratios.get(other.ratio, ("", ""))
        if outer == denominator and inner in strategy.spec.gates and strategy.nested(inner, rest):
            return f"{numerator} is what {rest} leaves of {denominator}: it repeats {other.ratio} and is no endpoint"
    return ""


def _check_override_targets(strategy: Strategy, rows: tuple[Row, ...], document: Document) -> None:
    """Note overrides that would never act: for a sample or batch, or for rows whose batch the sheet does not say."""
    if any(rule.level == "batch" for rule in strategy.overrides):
        blank = [row.sample for row in rows if not row.batch and (row.role == "sample" or row.control)]
        if blank:
            names = ", ".join(blank)
            document.fault(("overrides",), f"overrides go by batch, and the sample sheet has none for: {names}")
    known = {"sample": {row.sample for row in rows}, "batch": {row.batch for row in rows}}
    unknown: dict[tuple[str, str], list[str]] = {}
    for rule in strategy.overrides:
        if rule.target not in known[rule.level]:
            unknown.setdefault((rule.level, rule.target), []).append(rule.id)
    files = {Path(row.file).name: row.sample for row in rows}
    for (level, target), (first, *others) in unknown.items():
        who = f"override {first}" + (f" and {len(others)} more" if others else "")
        hint = f"; it is the file of '{files[target]}'" if target in files else suggest(target, sorted(known[level]))
        text = f"{who} {'name' if others else 'names'} {level} '{target}', which the sample sheet does not have{hint}"
        document.fault(("overrides",), text)


def read_samples(path: Path, spec: StudySpec, folder: Path) -> tuple[Row, ...]:
    """Read the sample sheet; every fault is reported at once, with its line.

    Raises
    ------
    StudyError
        The sheet is missing (``E_STUDY_FILE``) or has faults (``E_SAMPLES``).
    """
    header, lines = _table(path)
    faults = [f"line 1: {text}" for text in _header_faults(header)]
    if not faults:
        rows = tuple(_row(line, cells) for line, cells in lines)
        faults = [f"line {line}: {text}" for line, cells in lines for text in _surplus(cells)]
        faults += [fault for row in rows for fault in _row_faults(row, spec, folder)] + list(_sheet_faults(rows))
        if not any(row.role == "sample" for row in rows):
            faults.append("line 1: no row has the role sample")
    if faults:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        ordered = sorted(faults, key=lambda fault: int(fault.split(":", 1)[0].removeprefix("line ")))
        raise StudyError(
            "\n  ".join([count, *ordered]), code="E_SAMPLES", file=path.name, remedy="correct the lines named above"
        )
    return rows


def _table(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    try:
        return read_csv_rows(read_text(path, StudyError, "E_STUDY_FILE"))
    except csv.Error as fault:
        raise StudyError(
            f"not readable as CSV: {fault}",
            code="E_SAMPLES",
            file=path.name,
            remedy="look for quotes that do not match",
        ) from None


def _header_faults(header: list[str]) -> Iterator[str]:
    """Yield required columns that are missing, columns that are there twice, and misspellings of ours."""
    for name in SHEET_COLUMNS[:2]:
        if name not in header:
            yield f"no column '{name}'{suggest(name, header)}"
    for name in dict.fromkeys(filter(None, header)):
        if header.count(name) > 1:
            yield f"the column '{name}' is there twice"
    ours = (*SHEET_COLUMNS, GUESSED)
    absent = [name for name in ours[2:] if name not in header]
    for name in header:
        near = difflib.get_close_matches(name.casefold(), absent, n=1, cutoff=_NEAR)
        if near and name not in ours:
            yield f"unknown column '{name}'; did you mean '{near[0]}'?"


def _surplus(cells: Mapping[str, str]) -> Iterator[str]:
    if cells.get(""):
        yield f"'{cells['']}' stands in a cell without a column; a comma in a cell needs quotes"


def _row(line: int, cells: Mapping[str, str]) -> Row:
    known = {name: cells[name] for name in (*SHEET_COLUMNS, GUESSED) if cells.get(name)}
    return Row(**{"sample": "", "file": "", **known}, line=line)


def _row_faults(row: Row, spec: StudySpec, folder: Path) -> Iterator[str]:
    at = f"line {row.line}:"
    for name in SHEET_COLUMNS[:2]:
        if not getattr(row, name):
            yield f"{at} the cell '{name}' is empty"
    if "\0" in row.file or not (folder / row.file).resolve().is_relative_to(folder):
        yield f"{at} the path '{printable(row.file)}' leads out of the folder of the study"
    if row.role not in _ROLES and not any(row.role.startswith(p) and len(row.role) > len(p) for p in _ROLE_PREFIXES):
        marker = row.role.partition(":")[2]
        hint = suggest(row.role, [*_ROLES, *(prefix + marker for prefix in _ROLE_PREFIXES if marker)])
        yield f"{at} unknown role '{row.role}'{hint}; allowed: sample, unstained, fmo:MARKER, single:MARKER"
    if row.visit and spec.visits and row.visit not in spec.visits:
        yield f"{at} no visit '{row.visit}'{suggest(row.visit, spec.visits)}; study.yaml has {', '.join(spec.visits)}"
    if row.date and not _is_date(row.date):
        yield f"{at} the date '{row.date}' is not written as YYYY-MM-DD"


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text  # it also reads 20250203 and weeks
    except ValueError:
        return False


def _sheet_faults(rows: tuple[Row, ...]) -> Iterator[str]:
    """Yield faults that only show between rows: an id or a file used twice, a visit twice, a control twice."""
    keys: dict[str, Callable[[Row], object]] = {
        "sample": lambda row: row.sample,
        "file": lambda row: os.path.normpath(row.file) if row.file else None,
        "visit": lambda row: (row.subject, row.visit) if row.role == "sample" and row.subject and row.visit else None,
        "control": lambda row: (row.batch, row.role) if row.control else None,
    }
    texts = {
        "sample": "the sample '{0.sample}' is on line {1.line} already",
        "file": "the file '{0.file}' is on line {1.line} already",
        "visit": "subject {0.subject} has visit {0.visit} on line {1.line} already",
        "control": "batch '{0.batch}' has a control {0.role} on line {1.line} already",
    }
    for name, key in keys.items():
        first: dict[object, Row] = {}
        for row in rows:
            value = key(row)
            if value in first and value:
                yield f"line {row.line}: {texts[name].format(row, first[value])}"
            first.setdefault(value, row)
