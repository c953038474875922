"""FlowJo workspaces in memory: the few elements that a reader looks at, written as FlowJo 10 writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

HEAD = (
    'xmlns:gating="http://www.isac-net.org/std/Gating-ML/v2.0/gating" '
    'xmlns:transforms="http://www.isac-net.org/std/Gating-ML/v2.0/transformations" '
    'xmlns:data-type="http://www.isac-net.org/std/Gating-ML/v2.0/datatypes"'
)
FLAGS = 'annoOffsetX="0" annoOffsetY="0" tint="#000000" isTinted="0" lineWeight="Normal" userDefined="1"'


def workspace(
    *samples: str,
    groups: Mapping[str, Sequence[int]] | None = None,
    version: str = "20.0",
    program: str = "10.8.1",
    saved: str = 'modDate="Tue Apr 28 00:03:09 BST 2020"',
) -> str:
    """Return a whole workspace."""
    shown = "".join(
        f"<GroupNode name={quoteattr(name)}><Group name={quoteattr(name)}><SampleRefs>"
        + "".join(f'<SampleRef sampleID="{number}" />' for number in numbers)
        + "</SampleRefs></Group></GroupNode>\n"
        for name, numbers in (groups or {}).items()
    )
    listed = "".join(samples)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Workspace version="{version}" {saved} flowJoVersion="{program}" {HEAD}>\n'
        f"<Groups>\n{shown}</Groups>\n<SampleList>\n{listed}</SampleList>\n</Workspace>\n"
    )


def write(folder: Path, text: str, name: str = "w.wsp") -> Path:
    """Write a workspace and return its path."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def sample(
    name: str,
    *populations: str,
    channels: Mapping[str, str],
    axes: Sequence[str],
    count: object = 100,
    number: int = 1,
    matrix: str = "",
    extra: Mapping[str, str] | None = None,
    uri: str | None = None,
) -> str:
    """Return a sample; `channels`: $PnN -> $PnS of the file."""
    keywords = {"$PAR": str(len(channels)), "$TOT": str(count), **(extra or {})}
    for n, (pnn, pns) in enumerate(channels.items(), 1):
        keywords |= {f"$P{n}N": pnn, f"$P{n}S": pns}
    said = "".join(f"<Keyword name={quoteattr(key)} value={quoteattr(value)} />\n" for key, value in keywords.items())
    where = quoteattr(uri if uri is not None else f"file:/C:/gone/{name.replace(' ', '%20')}")
    return (
        f'<Sample>\n<DataSet uri={where} sampleID="{number}" />\n{matrix}'
        f"<Transformations>\n{''.join(axes)}</Transformations>\n<Keywords>\n{said}</Keywords>\n"
        f'<SampleNode name={quoteattr(name)} owningGroup="" count="{count}" sampleID="{number}">\n'
        f"{below(*populations)}</SampleNode>\n</Sample>\n"
    )


def below(*populations: str) -> str:
    """Return the populations below something."""
    return f"<Subpopulations>\n{''.join(populations)}</Subpopulations>\n" if populations else ""


def population(name: str, gate: str, *children: str, count: object = 10, owner: str = "") -> str:
    """Return a gated population."""
    return (
        f'<Population name={quoteattr(name)} owningGroup={quoteattr(owner)} count="{count}">\n'
        f"{gate}{below(*children)}</Population>\n"
    )


def combined(
    kind: str, name: str, *dependents: str, count: object = 10, children: Sequence[str] = (), gate: str = ""
) -> str:
    """Return an AndNode, OrNode or NotNode."""
    named = "".join(f"<Dependent name={quoteattr(each)} />\n" for each in dependents)
    return (
        f'<{kind} name={quoteattr(name)} owningGroup="" count="{count}">\n{gate}{below(*children)}'
        f"<Dependents>\n{named}</Dependents>\n</{kind}>\n"
    )


def dimension(name: str, bounds: str = "") -> str:
    """Return a dimension on a channel."""
    return (
        f"<gating:dimension {bounds}><data-type:fcs-dimension data-type:name={quoteattr(name)} /></gating:dimension>\n"
    )


def rectangle(inside: object = 1, **bounds: tuple[object, object]) -> str:
    """Return a rectangle; None is no bound. Axes whose names are no words: `rectangle(**{"FSC-A": (0, 1)})`."""
    shown = ""
    for name, ends in bounds.items():
        said = " ".join(
            f'gating:{key}="{value}"' for key, value in zip(("min", "max"), ends, strict=True) if value is not None
        )
        shown += dimension(name, said)
    return (
        f'<Gate gating:id="ID1">\n<gating:RectangleGate eventsInside="{inside}" {FLAGS}>\n'
        f"{shown}</gating:RectangleGate>\n</Gate>\n"
    )


def vertices(points: Sequence[tuple[object, object]]) -> str:
    """Return vertices."""
    return "".join(
        f'<gating:vertex><gating:coordinate data-type:value="{x}" />'
        f'<gating:coordinate data-type:value="{y}" /></gating:vertex>\n'
        for x, y in points
    )


def polygon(x: str, y: str, points: Sequence[tuple[object, object]], *, bins: object = 256, inside: object = 1) -> str:
    """Return a polygon."""
    return (
        f'<Gate gating:id="ID1">\n<gating:PolygonGate eventsInside="{inside}" {FLAGS} gateResolution="{bins}">\n'
        f"{dimension(x)}{dimension(y)}{vertices(points)}</gating:PolygonGate>\n</Gate>\n"
    )


def ellipse(
    x: str,
    y: str,
    foci: Sequence[tuple[object, object]],
    edge: Sequence[tuple[object, object]],
    *,
    inside: object = 1,
) -> str:
    """Return an ellipse in FlowJo's 256 display units."""
    return (
        f'<Gate gating:id="ID1">\n<gating:EllipsoidGate eventsInside="{inside}" {FLAGS} gating:distance="68.9">\n'
        f"{dimension(x)}{dimension(y)}<gating:foci>\n{vertices(foci)}</gating:foci>\n"
        f"<gating:edge>\n{vertices(edge)}</gating:edge>\n</gating:EllipsoidGate>\n</Gate>\n"
    )


def curly(x: str, y: str) -> str:
    """Return one of the four curly quadrants."""
    return (
        f'<Gate gating:id="ID1">\n<gating:CurlyQuad eventsInside="1" {FLAGS}>\n'
        f"""{dimension(x, 'gating:max="5"')}{dimension(y, 'gating:min="5"')}</gating:CurlyQuad>\n</Gate>\n"""
    )


def _axis(kind: str, name: str, **attributes: object) -> str:
    said = " ".join(f'transforms:{key}="{value}"' for key, value in attributes.items() if key != "gain")
    gain = f' gain="{attributes["gain"]}"' if "gain" in attributes else ""
    parameter = f"<data-type:parameter data-type:name={quoteattr(name)} />"
    return f"<transforms:{kind} {said}{gain}>{parameter}</transforms:{kind}>\n"


def linear(name: str, low: object = 0, high: object = 1000, gain: object = 1) -> str:
    """Return a linear axis."""
    return _axis("linear", name, minRange=low, maxRange=high, gain=gain)


def biex(name: str, width: object = -10, pos: object = 4.418539922, top: object = 262144, length: object = 256) -> str:
    """Return a biexponential axis."""
    return _axis("biex", name, length=length, maxRange=top, neg=0, width=width, pos=pos)


def log(name: str, offset: object = 1, decades: object = 4) -> str:
    """Return a logarithmic axis."""
    return _axis("log", name, offset=offset, decades=decades)


def logicle(name: str, w: object = 0.5) -> str:
    """Return a logicle axis."""
    return _axis("logicle", name, length=256, T=262144, A=0, W=w, M=4.5)


def fasinh(name: str, m: object = 1) -> str:
    """Return an arcsinh axis."""
    return _axis("fasinh", name, length=256, maxRange=262144, T=262144, A=0, M=m, W=-10)


def unknown_axis(name: str, kind: str = "miltenyi") -> str:
    """Return an axis of a kind that is documented nowhere."""
    return _axis(kind, name, T=262144)


def spillover(
    rows: Mapping[str, Mapping[str, object]],
    *,
    name: str = "mine",
    prefix: str = "Comp-",
    suffix: str = "",
    more: str = "",
) -> str:
    """Return a sample's matrix: dye -> detector -> coefficient."""
    parameters = "".join(f'<data-type:parameter data-type:name="{row}" />\n' for row in rows)
    shown = ""
    for row, cells in rows.items():
        coefficients = "".join(
            f'<transforms:coefficient data-type:parameter="{column}" transforms:value="{value}" />\n'
            for column, value in cells.items()
        )
        shown += f'<transforms:spillover data-type:parameter="{row}">\n{coefficients}</transforms:spillover>\n'
    return (
        f'<transforms:spilloverMatrix prefix="{prefix}" name="{name}" suffix="{suffix}" {more}>\n'
        f"<data-type:parameters>\n{parameters}</data-type:parameters>\n{shown}</transforms:spilloverMatrix>\n"
    )
