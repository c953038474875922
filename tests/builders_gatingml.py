"""Gating-ML 2.0 in memory: the few elements that a reader looks at, one per line, so that lines can be named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tregflow.interop.gatingml import read_gatingml

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tregflow.strategy import Strategy

HEAD = (
    '<gating:Gating-ML xmlns:gating="http://www.isac-net.org/std/Gating-ML/v2.0/gating" '
    'xmlns:transforms="http://www.isac-net.org/std/Gating-ML/v2.0/transformations" '
    'xmlns:data-type="http://www.isac-net.org/std/Gating-ML/v2.0/datatypes">'
)


def document(*elements: str) -> str:
    """Return a file; its first element stands on line 2."""
    return "\n".join([HEAD, *elements, "</gating:Gating-ML>"]) + "\n"


def write(folder: Path, *elements: str, name: str = "g.xml") -> Path:
    """Write a file and return its path."""
    path = folder / name
    path.write_text(document(*elements), encoding="utf-8")
    return path


def read(folder: Path, *elements: str) -> Strategy:
    """Return the strategy of a file."""
    return read_gatingml(write(folder, *elements)).strategy


def dimension(
    name: str = "x",
    *,
    low: object = None,
    high: object = None,
    scale: str | None = None,
    compensation: str = "uncompensated",
    ratio: bool = False,
    tag: str = "dimension",
    inner: str = "",
    more: str = "",
) -> str:
    """Return a dimension or divider on a channel, or on a ratio of that id."""
    ends = "".join(f' gating:{key}="{end}"' for key, end in (("min", low), ("max", high)) if end is not None)
    shown = "" if scale is None else f' gating:transformation-ref="{scale}"'
    source = (
        f'<data-type:new-dimension data-type:transformation-ref="{name}"/>'
        if ratio
        else f'<data-type:fcs-dimension data-type:name="{name}"/>'
    )
    return f'<gating:{tag} gating:compensation-ref="{compensation}"{shown}{ends}{more}>{source}{inner}</gating:{tag}>'


def gate(kind: str, name: str, *inner: str, parent: str | None = None, more: str = "") -> str:
    """Return a gate of a kind: ``Rectangle``, ``Polygon`` …"""
    below = "" if parent is None else f' gating:parent_id="{parent}"'
    return f'<gating:{kind}Gate gating:id="{name}"{below}{more}>{"".join(inner)}</gating:{kind}Gate>'


def rectangle(name: str = "R", *dimensions: str, parent: str | None = None) -> str:
    """Return a rectangle; x from 1 to 2, where nothing is said."""
    return gate("Rectangle", name, *(dimensions or (dimension(low=1, high=2),)), parent=parent)


def coordinates(tag: str, *values: object) -> str:
    """Return a vertex or a mean."""
    inner = "".join(f'<gating:coordinate data-type:value="{value}"/>' for value in values)
    return f"<gating:{tag}>{inner}</gating:{tag}>"


def polygon(name: str, points: Sequence[tuple[object, object]], *dimensions: str, parent: str | None = None) -> str:
    """Return a polygon; on x and y, where nothing is said."""
    axes = dimensions or (dimension("x"), dimension("y"))
    return gate("Polygon", name, *axes, *(coordinates("vertex", *point) for point in points), parent=parent)


def ellipsoid(
    name: str,
    mean: Sequence[object],
    covariance: Sequence[Sequence[object]],
    *dimensions: str,
    distance2: object = 1,
) -> str:
    """Return an ellipsoid; on x and y, where nothing is said."""
    rows = "".join(
        "<gating:row>" + "".join(f'<gating:entry data-type:value="{value}"/>' for value in row) + "</gating:row>"
        for row in covariance
    )
    parts = (
        coordinates("mean", *mean),
        f"<gating:covarianceMatrix>{rows}</gating:covarianceMatrix>",
        f'<gating:distanceSquare data-type:value="{distance2}"/>',
    )
    return gate("Ellipsoid", name, *(dimensions or (dimension("x"), dimension("y"))), *parts)


def boolean(name: str, operator: str, *operands: str, parent: str | None = None) -> str:
    """Return a boolean gate; an operand that begins with ! is used as its complement."""
    references = "".join(
        f'<gating:gateReference gating:ref="{each.removeprefix("!")}"'
        + (' gating:use-as-complement="true"/>' if each.startswith("!") else "/>")
        for each in operands
    )
    return gate("Boolean", name, f"<gating:{operator}>{references}</gating:{operator}>", parent=parent)


def divider(name: str, channel: str, *values: object, scale: str | None = None) -> str:
    """Return a divider of a quadrant gate."""
    inner = "".join(f"<gating:value>{value}</gating:value>" for value in values)
    return dimension(channel, scale=scale, tag="divider", inner=inner, more=f' gating:id="{name}"')


def quadrant(name: str, **positions: object) -> str:
    """Return a quadrant: divider -> location."""
    inner = "".join(
        f'<gating:position gating:divider_ref="{each}" gating:location="{at}"/>' for each, at in positions.items()
    )
    return f'<gating:Quadrant gating:id="{name}">{inner}</gating:Quadrant>'


def transformation(name: str, function: str, *, bounds: str = "", **parameters: object) -> str:
    """Return a transformation: ``transformation("L", "flog", T=100, M=2)``."""
    said = "".join(f' transforms:{key}="{value}"' for key, value in parameters.items())
    return (
        f'<transforms:transformation transforms:id="{name}"{bounds}><transforms:{function}{said}/>'
        "</transforms:transformation>"
    )


def ratio(name: str, over: str, under: str, *, a: object = 1, b: object = 0, c: object = 0, bounds: str = "") -> str:
    """Return a ratio of two channels."""
    channels = "".join(f'<data-type:fcs-dimension data-type:name="{each}"/>' for each in (over, under))
    return (
        f'<transforms:transformation transforms:id="{name}"{bounds}><transforms:fratio transforms:A="{a}" '
        f'transforms:B="{b}" transforms:C="{c}">{channels}</transforms:fratio></transforms:transformation>'
    )


def matrix(
    name: str, dyes: Sequence[str], detectors: Sequence[str], rows: Sequence[Sequence[object]], more: str = ""
) -> str:
    """Return a spectrum matrix."""

    def named(tag: str, names: Sequence[str]) -> str:
        inner = "".join(f'<data-type:fcs-dimension data-type:name="{each}"/>' for each in names)
        return f"<transforms:{tag}>{inner}</transforms:{tag}>"

    spectra = "".join(
        "<transforms:spectrum>"
        + "".join(f'<transforms:coefficient transforms:value="{value}"/>' for value in row)
        + "</transforms:spectrum>"
        for row in rows
    )
    return (
        f'<transforms:spectrumMatrix transforms:id="{name}"{more}>{named("fluorochromes", dyes)}'
        f"{named('detectors', detectors)}{spectra}</transforms:spectrumMatrix>"
    )
