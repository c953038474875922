"""The command line. Each command imports what it needs inside itself: help is answered at once.

Exit status: 0 all right, 1 the command failed, 2 wrong usage or study file, 3 done, but some samples failed,
4 done, but samples need review; 3 outranks 4.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from tregflow._version import __version__
from tregflow.errors import StrategyError, StudyError, TregflowError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.progress import Progress

    from tregflow.batch import Run
    from tregflow.batch.outcome import Outcome
    from tregflow.fcs import Sample
    from tregflow.interop.crosscheck import PeerReport

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="From the FCS files of a trial to the change of regulatory T cells from baseline.",
)
_USAGE_ERRORS = (StudyError, StrategyError)

Out = Annotated[Path | None, typer.Option(help="Folder of the results.")]
# Plugins of pydantic would be looked for in the metadata of every package that is installed.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
_COMPILING = 20
"""Seconds that compiling the kernels takes, measured on two cores."""
CORES = os.cpu_count() or 1
Jobs = Annotated[
    int, typer.Option(min=1, show_default="one per core", help="Files at a time; the results do not depend on it.")
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print nothing but what stops the command; the exit status says the rest.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


@app.callback(invoke_without_command=True)
def main(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """From the FCS files of a trial to the change of regulatory T cells from baseline."""
    if version:
        typer.echo(__version__)
        raise typer.Exit


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the example trial and its results.")] = Path("tregflow-demo"),
    jobs: Jobs = CORES,
) -> None:
    """Simulate the example trial and run it end to end: prints the endpoint, opens nothing."""
    with _reported():
        from tregflow.simulate import write_example

        trial = out / "trial"
        if (trial / "study.yaml").exists():  # it is written last, and a person may have tried something there
            typer.echo(f"Taking the example trial in {trial} as it is.")
        else:
            typer.echo(f"Simulating the example trial in {trial} ...")
            write_example(trial)
        _finish(_run(trial, out=out / "results", jobs=jobs))


@app.command()
def inspect(
    files: Annotated[list[Path], typer.Argument(help="FCS files.")],
    as_json: Json = False,
    cross_check: Annotated[
        bool, typer.Option("--cross-check", help="Read with FlowIO and fcsparser, too, and list what differs.")
    ] = False,
    mode: Annotated[
        Literal["strict", "standard", "lenient"],
        typer.Option(help="strict: refuse every deviation; lenient: also whole events of damaged files."),
    ] = "standard",
    dataset: Annotated[int | None, typer.Option(min=1, help="Data set, where a file holds several.")] = None,
) -> None:
    """Show what FCS files hold: instrument, channels and markers, compensation, findings."""
    from dataclasses import asdict

    from tregflow.fcs import read_fcs
    from tregflow.inspection import describe, page

    described, status = [], 0
    for path in files:
        try:
            # All values are read: a checksum or a NaN shows in them, and "no findings" must mean that they were seen.
            sample: Sample = read_fcs(path, sha256=as_json, mode=mode, dataset=dataset)
            checks = _cross_check(path, sample) if cross_check else ()
            described.append(describe(sample) | ({"cross_check": [asdict(each) for each in checks]} if checks else {}))
            if not as_json:
                typer.echo(page(sample))
                _print_checks(checks)
        except TregflowError as error:
            described.append({"file": str(path), "error": {"code": error.code, "text": str(error)}})
            status = 1
            if not as_json:
                typer.echo(f"{error}\n", err=True)
    if as_json:
        typer.echo(json.dumps(described, indent=2, ensure_ascii=False))
    raise typer.Exit(status)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Folder of FCS files.")],
    strategy: Annotated[
        str, typer.Option(help="Strategy to copy: treg, treg-surface, treg-no127, or a YAML file.")
    ] = "treg",
) -> None:
    """Write study.yaml, samples.csv and a strategy to adjust; guesses are marked as guesses."""
    with _reported():
        from tregflow.scaffold import overrides_copy, strategy_copy, write_study

        counts = write_study(folder, strategy=strategy)
        listed = ", ".join(f"{count} {role}" for role, count in counts.items())
        rules = overrides_copy(folder, strategy)
        files = f"study.yaml, samples.csv, {strategy_copy(folder, strategy).name}{f', {rules.name}' if rules else ''}"
        typer.echo(f"{folder}: {files} are there now, for {_counted(sum(counts.values()), 'FCS file')} ({listed})")
        typer.echo("Next: correct the guesses in samples.csv, adjust the strategy's gates to your data, then run:")
        typer.echo(f"  tregflow check {_argument(folder)}\n  tregflow run {_argument(folder)}")


@app.command()
def check(
    study: Annotated[Path, typer.Argument(help="study.yaml or its folder.")],
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Find everything that can be known before gating: panel, matrices, visits, FMO controls."""
    with _reported():
        from dataclasses import asdict

        from tregflow.check import check_study
        from tregflow.study import Study

        checked = list(check_study(Study.load(study)))
        grades = [finding.severity for entry in checked for finding in entry.findings]
        if as_json:
            typer.echo(json.dumps([asdict(entry) for entry in checked], indent=2, ensure_ascii=False))
        elif not quiet:
            for entry in checked:
                _print_checked(entry.sample or "the study", entry.events, entry.findings)
            errors, warnings = (_counted(grades.count(grade), grade) for grade in ("error", "warning"))
            typer.echo(f"{errors}, {grades.count('review')} to review, {warnings}")
        raise typer.Exit(3 if "error" in grades else 4 if "review" in grades else 0)


@app.command()
def run(
    study: Annotated[Path, typer.Argument(help="study.yaml, its folder, or a folder of FCS files.")],
    strategy: Annotated[
        str | None, typer.Option(help="For a folder without study.yaml: a file or a shipped name.")
    ] = None,
    out: Out = None,
    jobs: Jobs = CORES,
    plots: Annotated[bool, typer.Option("--plots", help="Write a page of plots per sample.")] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Gate a whole study and compute its endpoints; run again, only what changed is done."""
    with _reported():
        done = _run(study, strategy=strategy, out=out, jobs=jobs, plots=plots, silent=quiet or as_json)
        _finish(done, quiet=quiet, as_json=as_json)


@app.command()
def warm_up(quiet: Quiet = False) -> None:
    """Compile the kernels beforehand, once per installation; else the first run does so."""
    with _reported():
        from tregflow._kernels import kept
        from tregflow.batch.warm import warm_up as compile_kernels

        with _compiling(silent=quiet):
            seconds = compile_kernels()
        if not kept():
            typer.echo("the kernels could not be kept: set NUMBA_CACHE_DIR to a folder that can be written", err=True)
            raise typer.Exit(1)
        if not quiet:
            typer.echo(f"the kernels are ready, after {seconds:.1f} s")


@app.command()
def endpoints(
    out: Annotated[Path, typer.Argument(help="Folder of the results.")],
    accept_edited: Annotated[
        bool, typer.Option("--accept-edited", help="Go on with an edited table; every result is marked.")
    ] = False,
) -> None:
    """Compute a trial's endpoints again from the frequencies of a finished run."""
    with _reported():
        from tregflow.batch.again import endpoints_again

        typer.echo(str(endpoints_again(out, accept_edited=accept_edited)))
        typer.echo(f"\nresults  {out / 'endpoints.csv'}")


@app.command()
def reconcile(
    workspace: Annotated[Path, typer.Argument(metavar="WSP", help="A FlowJo 10 workspace.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of its FCS files.")],
    out: Annotated[Path | None, typer.Option(help="Write the table to this CSV file.")] = None,
    tolerance: Annotated[int, typer.Option(min=0, help="Events by which a count may differ and still agree.")] = 0,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Compare FlowJo's counts with ours, exact and on FlowJo's grid, per population; exit 4 where they disagree."""
    with _reported():
        from tregflow.reconciliation import reconcile as compare

        with _steps(silent=quiet or as_json) as progress:
            done = compare(workspace, folder, tolerance=tolerance, progress=progress)
        if out is not None:
            done.to_csv(out)
        if as_json:
            typer.echo(json.dumps(done.to_json(), indent=2, ensure_ascii=False))
        elif not quiet:
            typer.echo(repr(done))
            if out is not None:
                typer.echo(f"table    {out}")
        raise typer.Exit(done.exit_status)


@app.command()
def convert(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="Strategy (.yaml), Gating-ML 2.0 (.xml) or FlowJo workspace (.wsp).")
    ],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The same; the suffix says which.")],
    partial: Annotated[
        bool, typer.Option("--partial", help="Take over what can be taken over, and list the rest.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there.")] = False,
    fcs: Annotated[
        Path | None,
        typer.Option(help="FCS files or a study: the samples of a workspace, the channels of markers in Gating-ML."),
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Convert gates: YAML and Gating-ML 2.0 both ways, FlowJo workspaces both ways; list what gets lost."""
    with _reported():
        from dataclasses import asdict

        from tregflow.convert import as_line
        from tregflow.convert import convert as write_converted

        left_out = write_converted(source, target, partial=partial, force=force, fcs=fcs)
        if as_json:
            found = {"out": str(target), "left_out": [asdict(each) for each in left_out]}
            typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        elif not quiet:
            typer.echo("\n".join([f"written  {target}", *(f"lost     {as_line(each)}" for each in left_out)]))


@app.command()
def export(
    out: Annotated[Path, typer.Argument(help="Folder of the results of a run, or the study's folder.")],
    *,
    form: Annotated[
        Literal["fcs", "parquet", "h5ad", "masks", "masks-csv"],
        typer.Option("--format", help="masks: 1 or 0 per event and population, as Parquet; masks-csv: as CSV."),
    ],
    population: Annotated[
        list[str] | None, typer.Option("--population", "-p", help="Id of a gate, or root; may be repeated.")
    ] = None,
    sample: Annotated[
        list[str] | None, typer.Option("--sample", help="Id of a sample; may be repeated. Default: all.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="Folder for the files. Default: export, in that of the results.")
    ] = None,
    compensated: Annotated[
        bool | None,
        typer.Option(
            "--compensated/--raw",
            help="Values as the gates saw them, or as the files store them.",
            show_default="raw for fcs, else compensated",
        ),
    ] = None,
    keep_persons: Annotated[
        bool, typer.Option("--keep-persons", help="Keep keywords that name persons, or by which one may be found.")
    ] = False,
    study: Annotated[
        Path | None, typer.Option(help="Where the study lies now, if the results no longer lead there.")
    ] = None,
    strategy: Annotated[
        str | None, typer.Option(help="For a folder without study.yaml: the strategy file of the run.")
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Write the events of populations of a finished run as FCS, Parquet or h5ad, or who is in which population."""
    with _reported():
        from tregflow.export.run import export_run

        with _steps(silent=quiet or as_json) as progress:
            done = export_run(
                out,
                format=form,
                populations=population or (),
                samples=sample or (),
                to=to,
                compensated=compensated,
                keep_persons=keep_persons,
                study=study,
                strategy=strategy,
                progress=progress,
            )
        if as_json:
            typer.echo(json.dumps(done.to_json(), indent=2, ensure_ascii=False))
        elif not quiet:
            typer.echo(repr(done))
        raise typer.Exit(done.exit_status)


@app.command()
def compensation(
    source: Annotated[
        Path, typer.Argument(metavar="DIR|STUDY", help="Folder of single-stained controls, or a study that has them.")
    ],
    out: Annotated[Path | None, typer.Option(help="Write the matrix to this CSV file.")] = None,
    batch: Annotated[str | None, typer.Option(help="One batch of the study.")] = None,
    as_json: Json = False,
) -> None:
    """Compute the spillover matrix from single-stained controls, and compare it with the files' own."""
    with _reported():
        from tregflow.inspection.controls import as_data, controls_page, look_at_controls

        looked = look_at_controls(source, batch=batch)
        if out is not None and len(looked) > 1:
            names = ", ".join(each.batch for each in looked)
            problem = f"there is a matrix per batch ({names}): choose one with --batch"
            raise typer.BadParameter(problem, param_hint="--out")
        if as_json:
            typer.echo(json.dumps([as_data(each) for each in looked], indent=2, ensure_ascii=False))
        else:
            typer.echo("\n".join(map(controls_page, looked)), nl=False)
        if out is not None:
            looked[0].fit.spillover.to_csv(out)
            if not as_json:
                typer.echo(f"\nmatrix   {out}")
        raise typer.Exit(4 if any(each.review for each in looked) else 0)


@app.command()
def simulate(
    folder: Annotated[Path, typer.Argument(help="Folder for the cohort; must be empty or new.")],
    patients: Annotated[int, typer.Option(min=1, help="Patients, two visits each.")] = 9,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same cohort.")] = 1,
) -> None:
    """Simulate a cohort of FCS files with known truth, ready for `tregflow run`."""
    with _reported():
        from tregflow.simulate import simulate_cohort

        simulate_cohort(folder, patients=patients, seed=seed)
        made = f"{_counted(patients, 'patient')} simulated; truth in truth.csv"
        typer.echo(f"{folder}: {made}. Next: tregflow run {_argument(folder)}")


@contextmanager
def _reported() -> Iterator[None]:
    """Print an error as its text; leave with status 2 for a wrong study or strategy, else 1."""
    try:
        yield
    except TregflowError as error:
        typer.echo("\n".join([f"error: {error}", *getattr(error, "__notes__", ())]), err=True)
        raise typer.Exit(2 if isinstance(error, _USAGE_ERRORS) else 1) from None
    except OSError as error:  # a folder that cannot be written, a disk that is full
        parts = (str(error.filename or ""), error.strerror or str(error))
        typer.echo(f"error: {': '.join(filter(None, parts))}", err=True)
        raise typer.Exit(1) from None


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _cross_check(path: Path, sample: Sample) -> tuple[PeerReport, ...]:
    from tregflow.interop.crosscheck import cross_check

    return cross_check(path, sample)


def _print_checks(checks: Sequence[PeerReport]) -> None:
    if checks:
        from tregflow.interop.crosscheck import as_lines

        typer.echo("\n".join([*as_lines(checks), ""]))


def _argument(path: Path) -> str:
    """Return a path as it can be pasted into a shell."""
    return f'"{path}"' if " " in str(path) else str(path)


def _run(
    study: Path,
    *,
    strategy: str | None = None,
    out: Path | None,
    jobs: int,
    plots: bool = False,
    silent: bool = False,
) -> Run:
    from tregflow.batch import open_study
    from tregflow.batch import run as run_study

    opened = open_study(study, strategy)
    total = sum(row.role == "sample" for row in opened.rows)
    with _progress(total, silent=silent) as progress, _compiling(silent=silent):
        return run_study(opened, out=out, jobs=jobs, plots=plots, progress=progress)


def _finish(run: Run, *, quiet: bool = False, as_json: bool = False) -> None:
    """Print the outcome of a run and leave with its exit status."""
    if as_json:
        typer.echo(json.dumps(_run_json(run), indent=2, ensure_ascii=False))
    elif not quiet:
        if run.endpoints is not None:
            typer.echo(f"\n{run.endpoints}")
        typer.echo(f"\nsamples  {run.count('ok')} ok, {run.count('review')} to review, {run.count('failed')} failed")
        for text in _attention(run):
            typer.echo(f"         {text}")
        typer.echo(f"results  {run.out}")
    raise typer.Exit(run.exit_status)


def _run_json(run: Run) -> dict[str, Any]:
    from tregflow.batch.tables import plain_records

    return {
        "out": str(run.out),
        "samples": {status: run.count(status) for status in ("ok", "review", "failed")},
        "endpoints": plain_records(run.endpoints.table) if run.endpoints else None,
        "exit_status": run.exit_status,
    }


def _attention(run: Run) -> list[str]:
    """Return a line for each kind of finding that needs a person, with the samples it concerns."""
    samples: dict[tuple[str, str], list[str]] = {}
    for row, outcome in zip(run.rows, run.outcomes, strict=True):
        for finding in outcome.findings:
            if finding.severity in ("review", "error"):
                text = finding.text if finding.severity == "review" else f"{finding.code} {finding.text}"
                samples.setdefault((finding.where, text), []).append(row.sample)
    return [f"{_listed(names)}: {where}: {text}" for (where, text), names in samples.items()]


def _listed(names: Sequence[str], most: int = 4) -> str:
    return ", ".join(names) if len(names) <= most else f"{', '.join(names[:most])} and {len(names) - most} more"


@contextmanager
def _progress(total: int, *, silent: bool = False) -> Iterator[Callable[[Outcome], None] | None]:
    """Give a reporter: a progress bar on a terminal, a plain line per sample elsewhere, none where it is silent."""
    if silent:
        yield None
    elif sys.stderr.isatty():
        with _bar(total) as advance:
            yield advance
    else:
        numbers = count(1)
        yield lambda outcome: typer.echo(f"{next(numbers)}/{total} {outcome.sample} {outcome.status}", err=True)


@contextmanager
def _compiling(*, silent: bool) -> Iterator[None]:
    """Load numba, and say once if kernels must be compiled."""
    from tregflow._kernels import telling, without_linear_algebra

    without_linear_algebra()
    said = count()

    def say() -> None:
        if next(said) == 0 and not silent:
            typer.echo(f"compiling kernels, once per installation: about {_COMPILING} s", err=True)

    with telling(say):
        yield


@contextmanager
def _bar(total: int) -> Iterator[Callable[[Outcome], None]]:
    with _progress_bar() as bar:
        task = bar.add_task("gating", total=total)
        yield lambda outcome: bar.update(task, advance=1, description=outcome.sample)


def _progress_bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    name = TextColumn("{task.description}", markup=False)  # a sample's id is no markup
    columns = (name, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


@contextmanager
def _steps(*, silent: bool) -> Iterator[Callable[[str, str, int], None] | None]:
    """Give a reporter of sample, outcome and number of samples: a bar on a terminal, plain lines elsewhere."""
    if silent:
        yield None
    elif sys.stderr.isatty():
        with _progress_bar() as bar:
            task = bar.add_task("reading", total=None)
            yield lambda sample, _, total: bar.update(task, advance=1, total=total, description=sample)
    else:
        numbers = count(1)
        yield lambda sample, outcome, total: typer.echo(f"{next(numbers)}/{total} {sample} {outcome}", err=True)


def _print_checked(name: str, events: int | None, findings: Sequence[Any]) -> None:
    typer.echo(f"{name}" + (f": {events} events" if events is not None else ""))
    for finding in findings:
        text = finding.text.replace("\n", "\n             ")
        typer.echo(f"  {finding.severity:<8} {finding.code}: {finding.where}: {text}")
