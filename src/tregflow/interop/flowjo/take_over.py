"""Take a FlowJo workspace over: the strategy that its samples share, and an override for each departure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tregflow._yaml import suggest
from tregflow.errors import InteropError
from tregflow.interop.flowjo.drawn import draw
from tregflow.interop.flowjo.read import open_workspace, read_workspace
from tregflow.interop.flowjo.restore import restored
from tregflow.interop.flowjo.template import make_template
from tregflow.interop.imported import Imported
from tregflow.strategy import Strategy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from tregflow.interop.flowjo.model import Workspace, WspSample
    from tregflow.interop.left_out import LeftOut

_SHOWN = 10


def import_workspace(
    path: str | PathLike[str], *, samples: Sequence[str] | None = None, partial: bool = False, stored: bool = True
) -> Imported:
    """Take over the gates, axes and matrices of a FlowJo 10 workspace.

    Parameters
    ----------
    path : path
        The workspace (.wsp).
    samples : sequence of str, optional
        Names or keys of the samples wanted; default: all that have a population.
    partial : bool
        Take over what can be, and list the rest.
    stored : bool
        Where tregflow wrote the workspace, nothing in it was changed since, and the strategy that it stored there means
        what FlowJo shows, take that strategy, with what FlowJo cannot hold. Overrides then go by the ids of the
        samples, as they did. Where it is not taken, `left_out` says why. Not for single `samples`.

    Returns
    -------
    Imported
        The strategy gives each sample, by its key, the gates that it has in the workspace.

    Raises
    ------
    InteropError
        ``E_XML``, ``E_WSP``: as `parse_workspace`; no such sample, or none with a population. ``E_LEFT_OUT``: something
        cannot be taken over and `partial` is false, or nothing can.
    """
    root = open_workspace(Path(path))
    workspace = read_workspace(root, Path(path).name)
    whole = restored(root, workspace) if stored and samples is None else None
    if isinstance(whole, Imported):
        return whole
    wanted = _wanted(workspace, samples)
    drawn = [draw(sample) for sample in wanted]
    keys = {sample.key for sample in wanted}
    unread = [each for each in workspace.left_out if each.sample in keys or (samples is None and not each.population)]
    left_out = tuple(_once([*unread, *(lost for each in drawn for lost in each.left_out)]))
    n_populations = sum(1 for sample in wanted for _ in sample.walk())
    any_kept = any(each.gates for each in drawn)
    if left_out and not (partial and any_kept):
        raise _refusal(workspace.file, left_out, n_populations, any_kept=any_kept)
    template = make_template(drawn, name=Path(path).stem, at=workspace.at)
    strategy = Strategy.from_data(template.data, name=workspace.file, overrides=template.overrides)
    counts = {(sample.key, node.path): node.count for sample in wanted for node in sample.walk()}
    ids = {(each.sample.key, gate): template.ids[gate] for each in drawn for gate in each.gates}
    # What FlowJo shows is whole without the strategy stored beside it: that is said, and refuses nothing.
    return Imported(strategy, left_out if whole is None else (whole, *left_out), counts, ids)


def _wanted(workspace: Workspace, samples: Sequence[str] | None) -> list[WspSample]:
    if samples is None:
        wanted = [sample for sample in workspace.samples if sample.nodes]
    else:
        names = {name for sample in workspace.samples for name in (sample.key, sample.name)}
        for name in samples:
            if name not in names:
                raise InteropError(
                    f"no sample '{name}'{suggest(name, names)}",
                    code="E_WSP",
                    file=workspace.file,
                    available=[sample.key for sample in workspace.samples],
                )
        wanted = [sample for sample in workspace.samples if {sample.key, sample.name} & set(samples)]
    if not any(sample.nodes for sample in wanted):
        problem = "no sample has a population"
        keys = [sample.key for sample in wanted]
        raise InteropError(problem, code="E_WSP", file=workspace.file, expected="gated samples", available=keys)
    return wanted


def _once(left_out: list[LeftOut]) -> list[LeftOut]:
    return list(dict.fromkeys(left_out))


def _refusal(file: str, left_out: Sequence[LeftOut], n_populations: int, *, any_kept: bool) -> InteropError:
    """Return the error that lists what cannot be taken over."""
    lines = [_line(each) for each in left_out[:_SHOWN]]
    if len(left_out) > _SHOWN:
        lines.append(f"and {len(left_out) - _SHOWN} more")
    populations = "1 population" if n_populations == 1 else f"{n_populations} populations"
    head = f"cannot be taken over whole ({populations}, {len(left_out)} left out)"
    problem = "\n  ".join([head, *lines])
    remedy = "partial=True (--partial) takes over the rest and lists these" if any_kept else ""
    return InteropError(problem, code="E_LEFT_OUT", file=file, remedy=remedy)


def _line(each: LeftOut) -> str:
    where = ": ".join(filter(None, (each.sample, each.population)))
    return f"line {each.line}: " + ": ".join(filter(None, (where, each.reason)))
