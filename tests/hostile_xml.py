"""Gating-ML files that are malformed or hostile, each with what is said about it."""

from __future__ import annotations

from tests import builders_gatingml as gml
from tests import builders_wsp as wsp

X, Y = gml.dimension("x", low=1), gml.dimension("y", low=1)
LAUGHS = """<?xml version="1.0"?>
<!DOCTYPE lolz [
 <!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">
 <!ENTITY lol3 "&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;">
]>
"""
EXTERNAL = '<?xml version="1.0"?>\n<!DOCTYPE gate [<!ENTITY secret SYSTEM "file:///etc/passwd">]>\n'

GOOD = gml.rectangle("good", X)
LOG = gml.transformation("Log", "flog", T=100, M=2)


def quadrants(*inner: str) -> str:
    """Return a quadrant gate Q."""
    return gml.gate("Quadrant", "Q", *inner)


DX = gml.divider("dx", "x", 10)
LOW = gml.quadrant("low", dx=0)

FILES: dict[str, str] = {
    # ------------------------------------------------------------------------------------------ the file as XML
    "billion laughs": LAUGHS + gml.document(gml.rectangle("&lol3;", X)),
    "external entity": EXTERNAL + gml.document(gml.rectangle("&secret;", X)),
    "external doctype": '<!DOCTYPE g SYSTEM "http://localhost/g.dtd">\n' + gml.document(GOOD),
    "entity without a declaration": gml.document(gml.rectangle("&lol;", X)),
    "too deep": gml.document("<a>" * 300 + "</a>" * 300),
    "truncated": gml.document(GOOD)[:-40],
    "empty": "",
    "not XML": "FCS3.1 and so on",
    "an attribute twice": gml.document(gml.gate("Rectangle", "R", X, more=' gating:id="S"')),
    "prefix without a namespace": "<gating:Gating-ML/>",
    "wrong root": gml.HEAD.replace("gating:Gating-ML", "gating:Gates", 1) + "</gating:Gates>",
    "wrong namespace": "<Gating-ML/>",
    "version 1.5": gml.document(GOOD).replace("v2.0/gating", "v1.5/gating"),
    "a workspace": "<Workspace version='20.0'/>",
    # ---------------------------------------------------------------------------------- transformations, matrices
    "unknown transformation": gml.document(
        gml.transformation("T", "ftanh", T=1), gml.rectangle("G", gml.dimension("x", low=0.1, scale="T"))
    ),
    "transformation that is not there": gml.document(gml.rectangle("G", gml.dimension("x", low=0.1, scale="T"))),
    "transformation without a parameter": gml.document(gml.transformation("T", "flog", T=100)),
    "transformation out of range": gml.document(gml.transformation("T", "logicle", T=100, W=3, M=4, A=0)),
    "transformation of two functions": gml.document(
        LOG.replace("</transforms:transformation>", '<transforms:flin transforms:T="1"/></transforms:transformation>')
    ),
    "transformation twice": gml.document(LOG, LOG),
    "a ratio as a scale": gml.document(
        gml.ratio("Q", "x", "y"), gml.rectangle("G", gml.dimension("x", low=1, scale="Q"))
    ),
    "a scale as a ratio": gml.document(LOG, gml.rectangle("G", gml.dimension("Log", low=1, ratio=True))),
    "ratio of three": gml.document(
        gml.ratio("Q", "x", "y").replace(
            "</transforms:fratio>", '<data-type:fcs-dimension data-type:name="z"/></transforms:fratio>'
        )
    ),
    "bounds the wrong way round": gml.document(
        gml.transformation("T", "flin", T=1, A=0, bounds=' transforms:boundMin="2" transforms:boundMax="1"')
    ),
    "matrix that is not there": gml.document(gml.rectangle("G", gml.dimension("x", low=1, compensation="M"))),
    "matrix without the dye": gml.document(
        gml.matrix("M", ["p", "q"], ["x", "y"], [[1, 0], [0, 1]]),
        gml.rectangle("G", gml.dimension("x", low=1, compensation="M")),
    ),
    "singular matrix": gml.document(gml.matrix("M", ["p", "q"], ["x", "y"], [[1, 1], [1, 1]])),
    "ragged matrix": gml.document(gml.matrix("M", ["p", "q"], ["x", "y"], [[1, 0], [1]])),
    "matrix with NaN": gml.document(gml.matrix("M", ["p", "q"], ["x", "y"], [[1, 0], ["NaN", 1]])),
    # ------------------------------------------------------------------------------------------------------- gates
    "one vertex": gml.document(gml.polygon("G", [(1, 1)])),
    "vertices in one place": gml.document(gml.polygon("G", [(1, 1), (1, 1), (1, 1)])),
    "vertex of one coordinate": gml.document(
        gml.polygon("G", [(1, 1), (2, 2), (3, 1)]).replace('<gating:coordinate data-type:value="3"/>', "")
    ),
    "polygon on one dimension": gml.document(gml.polygon("G", [(1, 1), (2, 2), (3, 1)], gml.dimension("x"))),
    "polygon on one channel": gml.document(
        gml.polygon("G", [(1, 1), (2, 2), (3, 1)], gml.dimension("x"), gml.dimension("x"))
    ),
    "number NaN": gml.document(gml.rectangle("G", gml.dimension("x", low="NaN"))),
    "number beyond floats": gml.document(gml.polygon("G", [(1, 1), (2, "1e999"), (3, 1)])),
    "number in words": gml.document(gml.rectangle("G", gml.dimension("x", low="1,5"))),
    "no number": gml.document(gml.rectangle("G", gml.dimension("x", high=""))),
    "min above max": gml.document(gml.rectangle("G", gml.dimension("x", low=2, high=1))),
    "no ends": gml.document(gml.rectangle("G", gml.dimension("x"))),
    "no channel": gml.document(gml.rectangle("G", '<gating:dimension gating:compensation-ref="FCS" gating:min="1"/>')),
    "no compensation": gml.document(gml.rectangle("G", X.replace(' gating:compensation-ref="uncompensated"', ""))),
    "child without a place": gml.document(gml.rectangle("G", X, gml.coordinates("vertex", 1, 2))),
    "negative variance": gml.document(gml.ellipsoid("G", [0, 0], [[-1, 0], [0, 1]])),
    "flat ellipsoid": gml.document(gml.ellipsoid("G", [0, 0], [[1, 1], [1, 1]])),
    "distance of zero": gml.document(gml.ellipsoid("G", [0, 0], [[1, 0], [0, 1]], distance2=0)),
    "mean too short": gml.document(gml.ellipsoid("G", [0], [[1, 0], [0, 1]])),
    "no divider": gml.document(quadrants(LOW)),
    "no quadrant": gml.document(quadrants(DX)),
    "divider without a value": gml.document(quadrants(gml.divider("dx", "x"), LOW)),
    "divider that is not there": gml.document(quadrants(DX, gml.quadrant("low", dy=0))),
    "quadrant without a position": gml.document(quadrants(DX, gml.quadrant("low"))),
    "quadrant gate as parent": gml.document(quadrants(DX, LOW), gml.rectangle("G", X, parent="Q")),
    "no operand": gml.document(gml.boolean("G", "and")),
    "one operand": gml.document(GOOD, gml.boolean("G", "or", "good")),
    "not of two": gml.document(GOOD, gml.boolean("G", "not", "good", "good")),
    "exclusive or": gml.document(GOOD, gml.boolean("G", "xor", "good", "good")),
    "operand that is not there": gml.document(GOOD, gml.boolean("G", "and", "good", "god")),
    "complement of perhaps": gml.document(
        GOOD, gml.boolean("G", "not", "!good").replace('complement="true"', 'complement="perhaps"')
    ),
    "parent that is not there": gml.document(GOOD, gml.rectangle("G", X, parent="god")),
    "parents in a circle": gml.document(GOOD, gml.rectangle("G", X, parent="H"), gml.rectangle("H", X, parent="G")),
    "its own parent": gml.document(gml.rectangle("G", X, parent="G")),
    "operands in a circle": gml.document(GOOD, gml.boolean("G", "not", "H"), gml.rectangle("H", X, parent="G")),
    "an id twice": gml.document(gml.rectangle("G", X), gml.rectangle("G", Y)),
    "no id": gml.document(gml.rectangle("G", X).replace(' gating:id="G"', "")),
    "called root": gml.document(gml.rectangle("root", X)),
    "gate in a gate": gml.document(
        gml.boolean("G", "not", "H").replace("</gating:not>", gml.rectangle("H", X) + "</gating:not>")
    ),
    "gate of another language": gml.document(gml.gate("DecisionTree", "G")),
    "many faults": gml.document(*(gml.polygon(f"G{i}", [(1, 1)]) for i in range(30))),
}
"""Name -> the text of the file."""

WORKSPACE = wsp.workspace()
WORKSPACES: dict[str, str] = {
    "billion laughs": LAUGHS + WORKSPACE.split("?>", 1)[1],
    "external entity": EXTERNAL + WORKSPACE.split("?>", 1)[1],
    "truncated": WORKSPACE[:-30],
    "too deep": WORKSPACE.replace(
        "<SampleList>", "<SampleList>" + "<Subpopulations>" * 250 + "</Subpopulations>" * 250
    ),
    "wrong root": "<Work/>",
    "Gating-ML": gml.document(GOOD),
    "no sample": WORKSPACE,
    "unknown encoding": "<?xml version='1.0' encoding='klingon'?>\n<Workspace/>",
}
"""The same for FlowJo workspaces; those of `tests.test_flowjo_parse` are broken in their samples."""
