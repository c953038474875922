"""FlowJo's counts beside ours, per population of a workspace: exact, on FlowJo's grid, and why they differ."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tregflow._files import csv_bytes, write_whole
from tregflow.errors import InteropError, TregflowError
from tregflow.fcs.names import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from os import PathLike

    import pandas as pd

    from tregflow.interop.flowjo import WspSample
    from tregflow.interop.left_out import LeftOut
    from tregflow.strategy import Strategy

    Names = tuple[str, ...]
    Progress = Callable[[str, str, int], None]

Verdict = Literal["equal", "equal on grid", "differs", "not imported", "not computed", "no file", "failed"]
VERDICTS: tuple[Verdict, ...] = (
    "equal",
    "equal on grid",
    "differs",
    "not imported",
    "not computed",
    "no file",
    "failed",
)
COMPARED: tuple[Verdict, ...] = ("equal", "equal on grid", "differs")
_NO_FILE = "no file of that name"
_COLUMNS = ("sample", "population", "flowjo", "exact", "grid", "difference", "verdict", "why")


@dataclass(frozen=True, slots=True)
class Reconciled:
    """One population of one sample.

    Attributes
    ----------
    sample : str
        As the workspace calls it.
    path : tuple of str
        Names of the populations from the root down to it.
    flowjo : int or None
        The count that the workspace holds; None where FlowJo never computed one.
    exact, grid : int or None
        Our counts, exact and with polygons and ellipses on FlowJo's grid; None where we have none.
    difference : int or None
        `grid` minus `flowjo`.
    verdict : str
        ``equal`` (both ways of counting), ``equal on grid``, ``differs`` (on the grid), ``not imported``, ``not
        computed``, ``no file``, ``failed``.
    why : str
        Where it is known.
    """

    sample: str
    path: Names
    flowjo: int | None
    exact: int | None
    grid: int | None
    difference: int | None
    verdict: Verdict
    why: str

    @property
    def population(self) -> str:
        """The path as text, its names joined by slashes."""
        return "/".join(self.path)


@dataclass(frozen=True, eq=False, repr=False)
class Reconciliation:
    """What a workspace and we count.

    Attributes
    ----------
    workspace : str
        Name of the file.
    rows : tuple of Reconciled
        Every population of the workspace, in its order.
    unlike : tuple of str
        Samples whose file in the folder holds another number of events than the workspace says, or cannot be told from
        others, with the reason.
    tolerance : int
        Events by which a count may differ and still agree.
    """

    workspace: str
    rows: tuple[Reconciled, ...]
    unlike: tuple[str, ...] = ()
    tolerance: int = 0

    @property
    def compared(self) -> tuple[Reconciled, ...]:
        """The rows with both FlowJo's count and ours."""
        return tuple(row for row in self.rows if row.verdict in COMPARED)

    @property
    def beyond(self) -> tuple[Reconciled, ...]:
        """The rows that differ by more than the tolerance."""
        return tuple(row for row in self.rows if row.difference is not None and abs(row.difference) > self.tolerance)

    def count(self, verdict: Verdict) -> int:
        """Return the number of populations with a verdict."""
        return sum(row.verdict == verdict for row in self.rows)

    @property
    def off_grid(self) -> int:
        """Events by which our counts on the grid and FlowJo's differ, summed without sign."""
        return sum(abs(row.difference) for row in self.rows if row.difference is not None)

    @property
    def off_exact(self) -> int:
        """Events by which our exact counts and FlowJo's differ, summed without sign."""
        return sum(
            abs(row.exact - row.flowjo) for row in self.compared if row.exact is not None and row.flowjo is not None
        )

    @property
    def exit_status(self) -> int:
        """0 where all that was compared agrees; 3 where a sample could not be gated; else 4."""
        if self.count("failed"):
            return 3
        return 4 if self.beyond or self.unlike or not self.compared else 0

    @property
    def summary(self) -> str:
        """One line: how many populations, equal, on the grid, not imported, and the summed differences."""
        parts = [f"{self.count('equal')} equal", f"{self.count('equal on grid')} equal on grid"]
        parts += [f"{self.count('differs')} differ", f"{self.count('not imported')} not imported"]
        others: tuple[tuple[Verdict, str], ...] = (
            ("not computed", "never computed by FlowJo"),
            ("no file", "without file"),
            ("failed", "failed"),
        )
        parts += [f"{self.count(verdict)} {text}" for verdict, text in others if self.count(verdict)]
        populations = "1 population" if len(self.rows) == 1 else f"{len(self.rows)} populations"
        sums = f"summed differences {self.off_grid} on the grid, {self.off_exact} exact"
        nothing = "" if self.compared else "; nothing could be compared"
        return f"{populations}: {', '.join(parts)}; {sums}{nothing}"

    @property
    def table(self) -> pd.DataFrame:
        """A row per population: sample, population, flowjo, exact, grid, difference, verdict, why."""
        import pandas as pd

        frame = pd.DataFrame(self.records(), columns=list(_COLUMNS))
        return frame.astype(dict.fromkeys(("flowjo", "exact", "grid", "difference"), "Int64"))

    def records(self) -> list[dict[str, Any]]:
        """Return the rows as plain data."""
        return [{name: getattr(row, name) for name in _COLUMNS} for row in self.rows]

    def to_csv(self, path: str | PathLike[str]) -> None:
        """Write the table as CSV, whole or not at all; texts that a spreadsheet would run get an apostrophe."""
        write_whole(Path(path), csv_bytes(_COLUMNS, self.records()))

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain data for a program."""
        return {
            "workspace": self.workspace,
            "populations": len(self.rows),
            "verdicts": {verdict: self.count(verdict) for verdict in VERDICTS},
            "compared": len(self.compared),
            "equal_exact": sum(row.exact == row.flowjo for row in self.compared),
            "equal_grid": sum(row.grid == row.flowjo for row in self.compared),
            "sum_abs_diff_grid": self.off_grid,
            "sum_abs_diff_exact": self.off_exact,
            "tolerance": self.tolerance,
            "beyond_tolerance": len(self.beyond),
            "unlike": list(self.unlike),
            "exit_status": self.exit_status,
            "rows": [asdict(row) | {"path": list(row.path)} for row in self.rows],
        }

    def section(self) -> str:
        """Return a section for a report, in HTML; names from files are escaped."""
        from tregflow.reconciliation.text import section

        return section(self)

    def _repr_html_(self) -> str:
        return self.section()

    def __repr__(self) -> str:
        """Return the populations and the summary."""
        from tregflow.reconciliation.text import lines

        return "\n".join(lines(self))


def reconcile(
    wsp: str | PathLike[str],
    folder: str | PathLike[str],
    *,
    partial: bool = True,
    tolerance: int = 0,
    progress: Progress | None = None,
) -> Reconciliation:
    """Compare FlowJo's counts with ours, population by population.

    Each FCS file is read once and gated twice: exactly, and with polygons and ellipses on FlowJo's grid. What the
    workspace shows is gated, also where tregflow wrote it and stored a strategy of its own there.

    Parameters
    ----------
    wsp : path
        A FlowJo 10 workspace.
    folder : path
        Where its FCS files lie; they are found by name and number of events.
    partial : bool
        Compare what can be taken over, and name the rest; else refuse a workspace that holds more.
    tolerance : int
        Events by which a count may differ and still agree.
    progress : callable, optional
        Called with the name of each sample, what came of it, and how many samples there are.

    Returns
    -------
    Reconciliation

    Raises
    ------
    InteropError
        The workspace cannot be read (``E_XML``, ``E_WSP``), or not whole and `partial` is false (``E_LEFT_OUT``); the
        folder is none (``E_WSP``).
    """
    from tregflow.interop.flowjo import match_files, parse_workspace, stale_counts

    place = Path(folder)
    if not place.is_dir():
        raise InteropError("no such folder", code="E_WSP", file=str(folder), expected="the folder of the FCS files")
    workspace = parse_workspace(wsp)
    samples = [sample for sample in workspace.samples if sample.nodes]
    taken = _taken_over(Path(wsp), samples, partial=partial)
    files = match_files(workspace, place)
    found = {sample.key: path for sample, path in files.pairs}
    lost = {each.sample: each.reason for each in files.unmatched}
    stale = {(each.sample, each.path): f"FlowJo's count is stale: {each.why}" for each in stale_counts(workspace)}
    rows: list[Reconciled] = []
    for sample in samples:
        counted = taken.count(sample, found.get(sample.key), lost.get(sample.key, ""))
        rows += _rows(sample, taken, counted, stale)
        if progress is not None:
            progress(printable(sample.key), counted.outcome, len(samples))
    unlike = tuple(
        f"{key}: {lost[key]}" for key in (each.key for each in samples) if lost.get(key, _NO_FILE) != _NO_FILE
    )
    return Reconciliation(workspace.file, tuple(rows), unlike, tolerance)


@dataclass(frozen=True, slots=True)
class _Counted:
    """Our counts of one sample, (exact, on the grid) by path; or the verdict on all its populations and why."""

    counts: Mapping[Names, tuple[int | None, int | None]]
    verdict: Verdict | None = None
    why: str = ""

    @property
    def outcome(self) -> str:
        return self.verdict or "compared"


@dataclass(frozen=True, slots=True)
class _TakenOver:
    """What could be taken over of a workspace: strategies that count in either way, ids, and reasons for the rest."""

    exact: Strategy | None
    grid: Strategy | None
    ids: Mapping[tuple[str, Names], str]
    reasons: Mapping[tuple[str, str], str]

    def count(self, sample: WspSample, path: Path | None, lost: str) -> _Counted:
        """Return our counts of a sample; its file is read once."""
        from tregflow.fcs import read_fcs

        if path is None:
            return _Counted({}, "no file", lost)
        ids = {
            node.path: self.ids[sample.key, node.path] for node in sample.walk() if (sample.key, node.path) in self.ids
        }
        if not ids or self.exact is None or self.grid is None:
            return _Counted({})
        try:
            read = read_fcs(path)
            exact, grid = (each.gate(read, id=sample.key) for each in (self.exact, self.grid))
            return _Counted({place: (exact.count(name), grid.count(name)) for place, name in ids.items()})
        except TregflowError as error:
            return _Counted({}, "failed", f"{error.code} {error.problem}")


def _taken_over(wsp: Path, samples: Sequence[WspSample], *, partial: bool) -> _TakenOver:
    """Take over what can be; where nothing can, the reasons remain."""
    from tregflow.interop.flowjo import import_workspace
    from tregflow.interop.flowjo.drawn import draw

    if not samples:
        return _TakenOver(None, None, {}, {})
    try:
        imported = import_workspace(wsp, partial=partial, stored=False)
    except InteropError as error:
        if not (partial and error.code == "E_LEFT_OUT"):
            raise
        left_out = [each for sample in samples for each in draw(sample).left_out]
        return _TakenOver(None, None, {}, _reasons(left_out))
    exact, grid = imported.strategy.with_counts("exact"), imported.strategy.with_counts("flowjo")
    return _TakenOver(exact, grid, imported.ids, _reasons(imported.left_out))


def _reasons(left_out: Sequence[LeftOut]) -> dict[tuple[str, str], str]:
    return {(each.sample, each.population): each.reason for each in left_out}


def _rows(
    sample: WspSample, taken: _TakenOver, counted: _Counted, stale: Mapping[tuple[str, Names], str]
) -> Iterator[Reconciled]:
    differing: set[Names] = set()
    for node in sample.walk():
        flowjo = None if node.count < 0 else node.count
        exact, grid = counted.counts.get(node.path, (None, None))
        difference = None if flowjo is None or grid is None else grid - flowjo
        verdict, why = _verdict(flowjo, exact, grid, counted)
        if (sample.key, node.path) not in taken.ids:
            why = taken.reasons.get((sample.key, "/".join(node.path)), "it hangs on what is left out")
            verdict = "not imported"
        elif verdict == "differs":
            differing.add(node.path)
            above = "its parent differs already" if node.path[:-1] in differing else ""
            why = "; ".join(filter(None, (stale.get((sample.key, node.path), ""), above, why)))
        yield Reconciled(sample.key, node.path, flowjo, exact, grid, difference, verdict, why)


def _verdict(flowjo: int | None, exact: int | None, grid: int | None, counted: _Counted) -> tuple[Verdict, str]:
    if counted.verdict is not None:
        return counted.verdict, counted.why
    if exact is None or grid is None:
        return "failed", "a population that it needs is missing"
    if flowjo is None:
        return "not computed", "the workspace holds no count of it (-1)"
    if grid != flowjo:
        return "differs", "the exact count is FlowJo's" if exact == flowjo else ""
    return ("equal", "") if exact == flowjo else ("equal on grid", "")
