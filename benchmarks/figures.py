"""Figures and tables of docs/speed.md, from the JSON files of speed.py, scaling.py and equality.py.

``python benchmarks/figures.py`` takes them from benchmarks/results, draws into docs/figures, and puts the tables into
the page, between their marks: what the page says is what was measured.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes

    Json = dict[str, Any]

HERE = Path(__file__).resolve().parent
RESULTS, DOCS = HERE / "results", HERE.parent / "docs"
PAGE, FIGURES = DOCS / "speed.md", DOCS / "figures"
AIMS = {
    ("read_all", "FlowIO"): 3,
    ("read_all", "FlowKit"): 6,
    ("read_all_into", "FlowIO"): 5,
    ("read_all_into", "FlowKit"): 10,
    ("logicle", "FlowUtils"): 7,
    ("polygon_5", "FlowUtils"): 10,
    ("polygon_200", "FlowUtils"): 15,
    ("file_to_counts", "FlowKit"): 150,
    ("file_to_counts_2_threads", "FlowKit"): 230,
    ("file_to_counts_masks", "FlowKit"): 90,
    ("batch", "FlowKit"): 12,
    ("startup", "FlowKit"): 2,
}
"""How many times as fast as the peer a case is meant to be, at least."""
BLUE, GREY, RED = "#2b6cb0", "#a0aec0", "#c05621"


def main() -> None:
    """Draw, and fill in."""
    speed, scaling, equality = (json.loads((RESULTS / f"{name}.json").read_text()) for name in NAMES)
    FIGURES.mkdir(exist_ok=True)
    plt.rcParams |= {"svg.hashsalt": "tregflow", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9}
    plt.rcParams |= {"axes.spines.top": False, "axes.spines.right": False}
    ratios(speed["cases"], FIGURES / "speed_cases.svg")
    curves(scaling, FIGURES / "speed_scaling.svg")
    text = PAGE.read_text(encoding="utf-8")
    for name, made in tables(speed, scaling, equality).items():
        marks = rf"(<!-- {name} -->\n).*?(<!-- end -->)"
        text = re.sub(marks, lambda found, made=made: f"{found[1]}\n{made}\n\n{found[2]}", text, flags=re.DOTALL)
    PAGE.write_text(text, encoding="utf-8")


NAMES = ("speed", "scaling", "equality")


# ----------------------------------------------------------------------------------------------------------- figures


def ratios(cases: Sequence[Json], path: Path) -> None:
    """Draw how many times as fast each case is as its peer, with what single turns gave, and what was aimed at."""
    figure, axes = plt.subplots(figsize=(7, 0.26 * len(cases) + 0.8))
    for place, row in enumerate(reversed(cases)):
        aim = AIMS.get((row["name"], row["peer"]))
        axes.barh(place, row["ratio"], color=BLUE if aim is None or row["ratio"] >= aim else RED, height=0.6)
        axes.plot([row["ratio_min"], row["ratio_max"]], [place, place], color="black", linewidth=0.8)
        if aim is not None:
            axes.plot([aim, aim], [place - 0.42, place + 0.42], color="black", linewidth=1.6)
    labels = [f"{row['name']}  |  {row['peer']}" for row in reversed(cases)]
    axes.set_yticks(range(len(cases)), labels)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator([1, 2, 5, 10, 20, 50, 100, 200, 500]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(left=1)
    axes.set_xlabel("times as fast as the peer; upright: what was aimed at; lying: single turns")
    _save(figure, path)


def curves(scaling: Json, path: Path) -> None:
    """Draw cost per event, time by gates, and cost per file."""
    figure, panels = plt.subplots(1, 3, figsize=(8, 2.5))
    events, gates, files = scaling["events"], scaling["gates"], scaling["files"]
    _curve(panels[0], events, "events", lambda row: 1e9 * row["seconds"] / row["events"], "ns per event", log=True)
    _curve(panels[1], gates, "gates", lambda row: 1e3 * row["seconds"], "ms for a file", log=False)
    _curve(panels[2], files, "files", lambda row: 1e3 * row["seconds_per_file"], "ms per file", log=True)
    figure.tight_layout()
    _save(figure, path)


def _curve(axes: Axes, rows: Sequence[Json], x: str, y: Callable[[Json], float], label: str, *, log: bool) -> None:
    axes.plot([row[x] for row in rows], [y(row) for row in rows], "o-", color=BLUE, markersize=4)
    axes.set_xlabel(x)
    axes.set_ylabel(label)
    axes.set_ylim(bottom=0)
    if log:
        axes.set_xscale("log")


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")
    plt.close(figure)


# ------------------------------------------------------------------------------------------------------------ tables


def tables(speed: Json, scaling: Json, equality: Json) -> dict[str, str]:
    """Return the parts of the page, by their marks."""
    return {
        "machine": _machine(speed),
        "cases": _cases(speed["cases"]),
        "aims": _aims(speed, scaling),
        "bounds": _bounds(speed),
        "workers": _workers(scaling),
        "equality": _equality(equality),
    }


def _machine(speed: Json) -> str:
    machine, peers = speed["machine"], speed["peers"]
    versions = ", ".join(f"{name} {number}" for name, number in peers.items() if number)
    memory, copied = round(machine["memory"] / 2**30), speed["bandwidth_gb_s"]
    return (
        f"Measured on {speed['date']} with tregflow {speed['version']} on {machine['cores']} virtual cores and "
        f"{memory} GB, Python {machine['python']}, which copy {copied:.0f} GB/s on one thread (bytes read and bytes "
        f"written); {versions}."
    )


def _cases(cases: Sequence[Json]) -> str:
    rows = [
        (
            f"`{row['name']}`",
            _time(row["tregflow_s"]),
            row["peer"],
            _time(row["peer_s"]),
            f"{row['ratio']:.1f} ({row['ratio_min']:.1f} to {row['ratio_max']:.1f})",
            "" if row["peak_rss_mb"] is None else f"{row['peak_rss_mb']:.0f} MB",
            "yes" if row["equal_counts"] else "**no**",
        )
        for row in cases
    ]
    return _table(("case", "tregflow", "peer", "time", "times as fast", "memory", "equal"), rows)


def _aims(speed: Json, scaling: Json) -> str:
    found = {(row["name"], row["peer"]): row for row in speed["cases"]}
    rows = [
        (f"`{name}`, {peer}", f"≥ {aim} ×", f"{found[name, peer]['ratio']:.1f} ×", found[name, peer]["ratio"] >= aim)
        for (name, peer), aim in AIMS.items()
        if (name, peer) in found
    ]
    batch = next((row for row in speed["cases"] if row["name"] == "batch"), None)
    regate = max(speed["regate_ms"].values())
    workers = [row["identical"] for row in (*scaling["workers"], *scaling["threads"])]
    rows += [
        ("`file_to_counts` over the lower bound", "≤ 8 ×", f"{speed['limit_ratio']:.1f} ×", speed["limit_ratio"] <= 8),
        ("a strategy compiled", "< 20 ms", f"{1e3 * speed['compile_s']:.1f} ms", speed["compile_s"] < 0.02),
        ("any one gate moved, 1M events", "< 10 ms", f"{regate:.1f} ms at most", regate < 10),
        ("memory of `batch`", "≤ 400 MB", f"{batch['peak_rss_mb']:.0f} MB", batch["peak_rss_mb"] <= 400),
        ("cost per event, largest / smallest", "flat", f"{scaling['flat_events']:.2f}", scaling["flat_events"] < 1.25),
        ("cost of a further file, likewise", "flat", f"{scaling['flat_files']:.2f}", scaling["flat_files"] < 1.25),
        ("a further gate, of ten", "< 5 %", f"{100 * scaling['further_gate']:.1f} %", scaling["further_gate"] < 0.05),
        ("results by workers and engines", "identical", "identical" if all(workers) else "differ", all(workers)),
    ]
    return _table(("what", "aim", "measured", "met"), [(*row[:3], "yes" if row[3] else "**no**") for row in rows])


def _bounds(speed: Json) -> str:
    limits = {name: f"{1e3 * value:.2f} ms" for name, value in speed["limits_s"].items()}
    return (
        f"DATA of this file, 80 MB, is summed up from an array that is there already in {limits['resident']}, from a "
        f"new memory map of the file in {limits['mapped']}, and copied by the kernel into a small buffer, nothing done "
        f"with it, in {limits['copied']}. The shortest of them is the lower bound; `file_to_counts` takes "
        f"{speed['limit_ratio']:.1f} times as long."
    )


def _workers(scaling: Json) -> str:
    columns = ("engine", "workers", "time", "times as fast as one", "same tables")
    rows = [
        (
            row["engine"],
            row["workers"],
            f"{row['seconds']:.2f} s",
            row["speedup"],
            "yes" if row["identical"] else "**no**",
        )
        for row in scaling["workers"]
    ]
    return _table(columns, rows)


def _equality(equality: Json) -> str:
    engines, peer = equality["engines"], equality["flowkit"]
    return (
        f"{engines['strategies']} random strategies with {engines['populations']:,} populations, {engines['events']:,} "
        f"random events, {engines['passes']} passes of the fused engine: {len(engines['different'])} differences. "
        f"FlowKit, {peer['strategies']} further strategies: {peer['equal']} of {peer['populations']} populations equal "
        f"off the edges, {peer['compared']:,} memberships compared, {peer['at_edge']:,} left aside at an edge."
    )


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1e3 * seconds:.{1 if seconds >= 0.01 else 2}f} ms"


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [columns, ("---",) * len(columns), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


if __name__ == "__main__":
    main()
