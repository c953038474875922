"""Plots for the person who checks gates: Axes in, Axes out.

Every event is drawn: counts on a raster or in a histogram, never a subsample. Positions are those of the gate's own
scales, so that an edge is as straight on the page as it is for the gate; ticks are in data units, and the scale places
them. What lies beyond the end of an axis piles up there, as on a cytometer's screen.

Every function takes the Axes (or the Figure) to draw on. Without one it asks pyplot for a new figure, which a notebook
shows by itself. pyplot keeps each figure until it is closed: whoever draws many samples hands over a
``matplotlib.figure.Figure`` of their own, as `save_page` does.
"""

from __future__ import annotations

import io
import textwrap
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tregflow._files import write_whole
from tregflow._yaml import suggest
from tregflow.errors import EndpointError
from tregflow.fcs.names import printable
from tregflow.plots.axes import HEADING, SMALL, TEXT, TITLE, X_ROOM, Y_ROOM, set_ticks, short, span_of
from tregflow.plots.outlines import ends, outline, points_along
from tregflow.plots.picture import check_gate, events, in_order_of_the_tree, picture_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from numpy.typing import ArrayLike, NDArray

    from tregflow.endpoints import EndpointResults
    from tregflow.plots.picture import Picture
    from tregflow.populations import Gated
    from tregflow.transforms import Scale

__all__ = ["density", "fold_changes", "gate", "save_page", "tree"]

_DPI = 130  # a panel is then a little wider than the 256 bins of its raster
_PANEL, _GAP_X, _GAP_Y = 2.1, 0.72, 0.88  # inches, as all that follow
_LEFT, _RIGHT, _HEAD, _FOOT = 0.62, 0.12, 0.98, 0.55
_MOST_COLUMNS = 4
_LETTER, _LINE, _INSET = 0.064, 0.15, 0.12  # what text of size TEXT covers
_MANY = 100_000  # events that fill 256 bins; fewer look like dust there, and get bins twice as wide
_HEADROOM = 1.4  # a histogram leaves room for its text above the peak
_DENSITY, _BACKDROP = "turbo", "Greys"
_MEMBERS, _BACKGATE, _OTHERS = "#1769aa", "#d62728", "#c4c4c4"


def density(
    x: ArrayLike,
    y: ArrayLike,
    *,
    scales: tuple[Scale, Scale],
    channels: tuple[str, str] = ("", ""),
    n_bins: int = 256,
    hold: tuple[ArrayLike, ArrayLike] = ((), ()),
    ax: Axes | None = None,
) -> Axes:
    """Draw every event as a density raster on two scales, with ticks in data units.

    Parameters
    ----------
    x, y : (n_events,) array_like
        Compensated intensities in data units. Events without a position on an axis are not drawn.
    scales : (Scale, Scale)
        Of x and y.
    channels : (str, str)
        What is written at the axes.
    n_bins : int
        Bins per axis. Colours show log(1 + events); an empty bin stays white.
    hold : (array_like, array_like)
        Values on x and on y, in data units, that must lie within the axes, such as the vertices of a gate.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        In positions on the scales: [0, 1] is the displayed range. It reaches further where `hold` does, or the
        quantiles 0.1 % and 99.9 % of the events.

    Raises
    ------
    GateError
        `x` and `y` are not two columns of one length (``E_KERNEL``).
    """
    from tregflow._kernels import raster  # here, since it brings in numba

    ax = _new_axes() if ax is None else ax
    x_at, y_at = scales[0].apply(x), scales[1].apply(y)
    x_span, y_span = span_of(scales[0], x_at, hold[0]), span_of(scales[1], y_at, hold[1])
    counts = raster(x_at, y_at, (*x_span, *y_span), n_bins)
    # The top of the colours is 10 events a bin or more: a sparse plot must not look like a dense one.
    top = float(np.log1p(max(int(counts.max()), 10)))
    ax.imshow(np.ma.array(np.log1p(counts), mask=counts == 0), extent=(*x_span, *y_span), origin="lower",
              aspect="auto", interpolation="nearest", cmap=_DENSITY, vmin=0.0, vmax=top)  # fmt: skip
    ax.set_xlabel(short(channels[0]), fontsize=TEXT, parse_math=False)
    ax.set_ylabel(short(channels[1]), fontsize=TEXT, parse_math=False)
    set_ticks(ax.xaxis, scales[0], x_span, room=X_ROOM)
    set_ticks(ax.yaxis, scales[1], y_span, room=Y_ROOM)
    return ax


def gate(gated: Gated, population: str, *, ax: Axes | None = None, backgate: str | None = None) -> Axes:
    """Draw one gate on the events of its parent, with the percent of parent and the count.

    A polygon, a rectangle, an ellipse or a pair of thresholds is drawn on the density of its two channels (one of more
    channels, on the first two); one threshold on a histogram, where the events inside are blue. A combination (not,
    all, any) is drawn where its first operand on two channels is: its events are blue, the operands dashed. So is a
    gate that holds what is outside of its outline.

    Parameters
    ----------
    gated : Gated
        A sample after gating.
    population : str
        Id of the gate.
    ax : Axes, optional
        Where to draw; a new figure by default.
    backgate : str, optional
        A population whose events, as far as they are in the parent, are drawn on top in red (in a histogram: as a
        red line, scaled to the height of the parent's).

    Returns
    -------
    Axes
        In positions on the gate's scales. Where the population is missing in this sample, the Axes says so and why.

    Raises
    ------
    GateError
        There is no gate of that name (``E_NO_POPULATION``).
    """
    for name in (population, backgate):
        if name is not None:
            check_gate(gated, name)
    ax = _new_axes() if ax is None else ax
    title = gated.strategy.spec.gates[population].name or population
    ax.set_title(short(title, 32), fontsize=TITLE, fontweight="bold", pad=15, parse_math=False)
    if population in gated.missing:
        return _blank(ax, "missing in this sample:", gated.missing[population])
    picture = picture_of(gated, population, backgate)
    _write_above(ax, picture.made_of, picture.on_top)
    return _draw_pair(picture, ax) if len(picture.names) == 2 else _draw_histogram(picture, ax)


def tree(
    gated: Gated, *, backgate: str | None = None, figure: Figure | SubFigure | None = None
) -> NDArray[np.object_]:  # fmt: skip
    """Draw every gate of a sample on one page, parents before children.

    Parameters
    ----------
    gated : Gated
        A sample after gating.
    backgate : str, optional
        A population whose events are drawn in red on every gate; see `gate`.
    figure : Figure or SubFigure, optional
        Where to draw; a new figure of fitting size by default.

    Returns
    -------
    (n_gates,) ndarray of Axes
        In order of the tree; the page is ``axes[0].figure``.

    Raises
    ------
    GateError
        There is no gate `backgate` (``E_NO_POPULATION``).
    """
    if backgate is not None:
        check_gate(gated, backgate)
    if figure is None:
        from matplotlib import pyplot

        figure = pyplot.figure(figsize=_page_size(len(gated.strategy.spec.gates)), dpi=_DPI)
    return _draw_page(gated, figure, title=gated.id or gated.sample.file, backgate=backgate)


def save_page(gated: Gated, path: str | PathLike[str], *, title: str) -> None:
    """Write the page of `tree` as a PNG file, whole or not at all; the same sample gives the same bytes.

    Parameters
    ----------
    gated : Gated
        A sample after gating.
    path : path
        The file; its folder is made if it does not exist.
    title : str
        Heading of the page: the sample's id.
    """
    import matplotlib.style
    from matplotlib.figure import Figure

    content = io.BytesIO()
    # The defaults of matplotlib, not of a user's matplotlibrc: the page does not depend on the machine's settings.
    with matplotlib.style.context("default"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # an id may hold any letter
        figure = Figure(figsize=_page_size(len(gated.strategy.spec.gates)), dpi=_DPI)
        _draw_page(gated, figure, title=title, backgate=None)
        figure.savefig(content, format="png", metadata={"Software": None})  # no version of matplotlib in the bytes
    write_whole(Path(path), content.getvalue())


def fold_changes(results: EndpointResults, *, endpoint: str, ax: Axes | None = None) -> Axes:
    """Draw an endpoint subject by subject, from the baseline to the visit, with the mean fold in the title.

    Parameters
    ----------
    results : EndpointResults
        Of `tregflow.endpoints.analyse` or ``run(...).endpoints``.
    endpoint : str
        Name of the endpoint: ``primary``.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        x is 0 for the baseline and 1 for the visit, y is in percent. Subjects without a fold are named below.

    Raises
    ------
    EndpointError
        There is no such endpoint (``E_NO_ENDPOINT``).
    """
    known = {entry.name: entry for entry in results.design.endpoints}
    if endpoint not in known:
        raise EndpointError(f"no endpoint '{endpoint}'{suggest(endpoint, known)}", code="E_NO_ENDPOINT",
                            available=tuple(known))  # fmt: skip
    ax = _new_axes() if ax is None else ax
    rows = results.subjects[results.subjects["endpoint"] == endpoint]
    drawn, left_out = rows[rows["fold"].notna()], rows[rows["fold"].isna()]
    levels = drawn[["baseline_percent", "percent"]].to_numpy(np.float64)
    for before, after in levels:
        ax.plot([0, 1], [before, after], "o-", color=_MEMBERS, markersize=3.5, linewidth=1)
    top = 1.08 * float(levels.max(initial=0.0)) or 1.0
    for subject, at in zip(drawn["subject"], _spread_out(levels[:, 1], 0.04 * top, most=0.98 * top), strict=True):
        ax.text(1.07, at, short(subject, 14), fontsize=SMALL, va="center", parse_math=False)
    ax.set(xlim=(-0.15, 1.4), ylim=(0, top))
    ax.set_xticks([0, 1], [results.design.baseline, known[endpoint].visit], fontsize=TEXT)
    ax.tick_params(axis="y", labelsize=SMALL)
    ax.set_ylabel(short(f"{known[endpoint].ratio} (%)"), fontsize=TEXT, parse_math=False)
    title = f"{endpoint}: {_mean_fold(results, endpoint)}"
    ax.set_title(short(title, 60), fontsize=TITLE, fontweight="bold", parse_math=False)
    if len(left_out):
        names = textwrap.fill(f"no fold: {', '.join(map(printable, left_out['subject']))}", 48)
        ax.set_xlabel(names, fontsize=SMALL, parse_math=False)
    return ax


# --------------------------------------------------------------------------------------------------------- one gate


def _new_axes() -> Axes:
    from matplotlib import pyplot

    return pyplot.figure(figsize=(3.4, 3.3), dpi=_DPI, layout="constrained").subplots()


def _draw_pair(picture: Picture, ax: Axes) -> Axes:
    """Draw a gate on the density of two channels."""
    (x, y), (x_scale, y_scale), (x_label, y_label) = picture.values, picture.scales, picture.labels
    x_ends, y_ends = ([end for shape in picture.shapes for end in ends(shape, name)] for name in picture.names)
    density(x, y, scales=(x_scale, y_scale), channels=(x_label, y_label), n_bins=256 if x.size >= _MANY else 128,
            hold=(x_ends, y_ends), ax=ax)  # fmt: skip
    if picture.combined or picture.backgated:
        _fade(ax)
    at = np.column_stack([x_scale.apply(x), y_scale.apply(y)])
    if picture.combined:
        _dots(ax, at[picture.members & ~picture.others], _MEMBERS)
    _dots(ax, at[picture.others], _BACKGATE)
    spans = ax.get_xlim(), ax.get_ylim()
    outlines = {shape.id: outline(shape, picture.names, (x_scale, y_scale), spans) for shape in picture.shapes}
    for name, corners in outlines.items():
        _draw_outline(ax, corners, name, dashed=picture.combined)
    _write(ax, *_best_place(ax, picture, list(outlines.values())))
    return ax


def _draw_histogram(picture: Picture, ax: Axes) -> Axes:
    """Draw a gate on the histogram of one channel."""
    (scale,), (name,), (values,) = picture.scales, picture.names, picture.values
    limits = [(shape.id, end) for shape in picture.shapes for end in ends(shape, name)]
    at = scale.apply(values)
    span = span_of(scale, at, [end for _, end in limits])
    edges = np.linspace(*span, 129)
    everything = np.ones_like(picture.members)
    counts, members, others = (_binned(at[part], edges) for part in (everything, picture.members, picture.others))
    peak = max(int(counts.max()), 1)
    ax.stairs(counts, edges, fill=True, color=_OTHERS)
    ax.stairs(members, edges, fill=True, color=_MEMBERS)
    if others.any():
        first, last = np.flatnonzero(others)[[0, -1]]
        heights = others[first : last + 1] * (peak / others.max())
        ax.stairs(heights, edges[first : last + 2], color=_BACKGATE, linewidth=1.2)
    for gate_id, end in limits:
        if scale.defined(end):
            position = float(scale.apply(end))
            ax.plot([position, position], [0, 1.08 * peak], color="black", linewidth=1.3, gid=gate_id)
    ax.set(xlim=span, ylim=(0, _HEADROOM * peak))
    ax.set_xlabel(short(picture.labels[0]), fontsize=TEXT, parse_math=False)
    ax.set_ylabel("events", fontsize=TEXT)
    set_ticks(ax.xaxis, scale, span, room=X_ROOM)
    ax.tick_params(axis="y", labelsize=SMALL, pad=2)
    ax.locator_params(axis="y", integer=True)
    _write(ax, (picture.share, picture.count), (False, True))
    return ax


def _binned(at: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """Count positions into bins; what lies beyond the ends falls into the first and the last, as in a raster."""
    return np.histogram(np.clip(at[np.isfinite(at)], edges[0], edges[-1]), edges)[0]


def _fade(ax: Axes) -> None:
    """Turn the density grey, single events still visible, so that colours on top stand out."""
    image = ax.images[-1]
    top = image.get_clim()[1] or 1.0
    image.set(cmap=_BACKDROP, clim=(-0.5 * top, 1.7 * top))


def _dots(ax: Axes, at: NDArray[np.float64], colour: str) -> None:
    """Draw (n, 2) positions as dots, those beyond the axes at their ends."""
    at = at[np.isfinite(at).all(axis=1)]
    if len(at):
        x, y = np.clip(at[:, 0], *ax.get_xlim()), np.clip(at[:, 1], *ax.get_ylim())
        ax.plot(x, y, ".", color=colour, markersize=2.4 if len(at) < 2000 else 1.2, markeredgewidth=0, rasterized=True)


def _draw_outline(ax: Axes, corners: NDArray[np.float64], name: str, *, dashed: bool) -> None:
    from matplotlib import patches, patheffects

    # Black on a white halo is seen on every colour of the density and on white paper.
    halo = [patheffects.withStroke(linewidth=2.8, foreground="white", alpha=0.8)]
    ax.add_patch(
        patches.Polygon(corners, closed=True, fill=False, edgecolor="black", linewidth=1.3, joinstyle="miter",
                        linestyle=(0, (3, 1.6)) if dashed else "-", path_effects=halo, gid=name)
    )  # fmt: skip


def _blank(ax: Axes, *paragraphs: str) -> Axes:
    """Say in words why there is no picture."""
    ax.set(xticks=[], yticks=[], xlim=(0, 1), ylim=(0, 1), facecolor="#f4f4f4")
    lines = [line for text in paragraphs for line in textwrap.wrap(printable(text), 32)]
    ax.text(0.5, 0.5, "\n".join(lines), fontsize=TEXT, ha="center", va="center", parse_math=False)
    return ax


# ------------------------------------------------------------------------------------------------------------- words


def _write(ax: Axes, lines: Sequence[str], corner: tuple[bool, bool]) -> None:
    """Write lines into a corner: (right, top)."""
    right, top = corner
    box = {"facecolor": "white", "alpha": 0.78, "edgecolor": "none", "pad": 1.2}
    ax.text(0.965 if right else 0.035, 0.965 if top else 0.035, "\n".join(map(short, lines)), fontsize=TEXT, bbox=box,
            transform=ax.transAxes, ha="right" if right else "left", va="top" if top else "bottom",
            parse_math=False)  # fmt: skip


def _write_above(ax: Axes, members: str, others: str) -> None:
    """Write between plot and title, each in the colour of its events."""
    others = short(others, 24)
    for x, text, colour, side in (
        (0.0, short(members, 42 - len(others)), _MEMBERS, "left"),
        (1.0, others, _BACKGATE, "right"),
    ):
        ax.text(x, 1.018, text, transform=ax.transAxes, fontsize=SMALL, color=colour, ha=side, va="bottom",
                parse_math=False)  # fmt: skip


def _best_place(
    ax: Axes, picture: Picture, outlines: Sequence[NDArray[np.float64]]
) -> tuple[tuple[str, ...], tuple[bool, bool]]:
    """Return lines of text and the corner, (right, top), where they cover the fewest events and no edge of a gate."""
    filled = ~np.ma.getmaskarray(np.ma.asarray(ax.images[-1].get_array()))
    edges = _edges_within(ax, outlines)
    inches = np.array([ax.bbox.width, ax.bbox.height]) / ax.figure.get_dpi()

    def cost(choice: tuple[tuple[str, ...], tuple[bool, bool]]) -> float:
        lines, (right, top) = choice
        box = np.array([max(map(len, lines)) * _LETTER + _INSET, len(lines) * _LINE + _INSET]) / inches
        crossed = (np.where((right, top), 1 - edges, edges) < box).all(axis=1).any()
        columns, rows = np.ceil(np.minimum(box, 1) * len(filled)).astype(int)
        area = filled[::-1] if top else filled
        covered = (area[:, ::-1] if right else area)[:rows, :columns].mean()
        return float(crossed) + round(float(covered), 2)  # a single event does not move the text: pages look alike

    share, of, parent = picture.share.partition(" of ")
    wide = (picture.share, picture.count)
    layouts = [wide, (share, f"of {parent}", picture.count)] if of else [wide]  # three lines are narrower than two
    corners = [(right, top) for top in (True, False) for right in (False, True)]
    return min(((lines, corner) for lines in layouts for corner in corners), key=cost)


def _edges_within(ax: Axes, outlines: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return (n, 2) points along the outlines, as shares of the axes, but for what runs along the frame."""
    low, high = np.array([ax.get_xlim(), ax.get_ylim()]).T
    edges = (np.vstack([np.empty((0, 2)), *map(points_along, outlines)]) - low) / (high - low)
    within: NDArray[np.float64] = edges[((edges > 0.01) & (edges < 0.99)).all(axis=1)]
    return within


# ------------------------------------------------------------------------------------------------------------ pages


def _grid(n_gates: int) -> tuple[int, int]:
    """Return rows and columns of a page; never one column, since the heading needs the width of two."""
    columns = min(max(n_gates, 2), _MOST_COLUMNS)
    return -(-n_gates // columns), columns


def _page_size(n_gates: int) -> tuple[float, float]:
    """Return width and height of a page, in inches."""
    rows, columns = _grid(n_gates)
    width = _LEFT + columns * _PANEL + (columns - 1) * _GAP_X + _RIGHT
    return width, _HEAD + rows * _PANEL + (rows - 1) * _GAP_Y + _FOOT


def _draw_page(
    gated: Gated, figure: Figure | SubFigure, *, title: str, backgate: str | None
) -> NDArray[np.object_]:  # fmt: skip
    populations = in_order_of_the_tree(gated)
    rows, columns = _grid(len(populations))
    width, height = figure.bbox.width / figure.get_dpi(), figure.bbox.height / figure.get_dpi()
    grid = figure.add_gridspec(
        rows, columns, left=_LEFT / width, right=1 - _RIGHT / width, bottom=_FOOT / height, top=1 - _HEAD / height,
        wspace=_GAP_X / _PANEL, hspace=_GAP_Y / _PANEL,
    )  # fmt: skip
    axes = np.empty(len(populations), object)
    for i, population in enumerate(populations):
        axes[i] = gate(gated, population, ax=figure.add_subplot(grid[divmod(i, columns)]), backgate=backgate)
    facts = (f"strategy {gated.strategy.spec.name}", f"batch {gated.batch}" if gated.batch else "",
             gated.sample.file, events(gated.sample.n_events))  # fmt: skip
    below = short(", ".join(filter(None, facts)), 140)
    for inches, text, size, weight in ((0.14, short(title, 80), HEADING, "bold"), (0.40, below, TEXT, "normal")):
        figure.text(0.012, 1 - inches / height, text, fontsize=size, fontweight=weight, va="top", parse_math=False)
    return axes


def _mean_fold(results: EndpointResults, endpoint: str) -> str:
    table = results.table
    row = table[(table["endpoint"] == endpoint) & (table["method"] == "t_fold")]
    if row.empty or row["estimate"].isna().all():
        return "no mean fold"
    mean, sd, n = row["estimate"].iloc[0], row["sd"].iloc[0], row["n"].iloc[0]
    return f"mean fold {mean:.2f}" + ("" if np.isnan(sd) else f" ± {sd:.2f}") + f", n = {n}"


def _spread_out(values: NDArray[np.float64], gap: float, *, most: float) -> NDArray[np.float64]:
    """Return `values` moved apart to `gap` at least, as little as possible (least squares), none above `most`."""
    order = np.argsort(values, kind="stable")
    steps = np.arange(values.size) * gap
    # What is `gap` apart has rising differences to steps of `gap`: isotonic regression, by pooling neighbours.
    pools: list[list[float]] = []
    for value in values[order] - steps:
        pools.append([float(value)])
        while len(pools) > 1 and np.mean(pools[-2]) >= np.mean(pools[-1]):
            last = pools.pop()
            pools[-1] += last
    placed = np.concatenate([np.full(len(pool), np.mean(pool)) for pool in pools]) + steps if pools else steps
    found = np.empty_like(values)
    found[order] = placed - max(placed.max(initial=most) - most, 0.0)
    return found
