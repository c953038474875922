"""Malformed and hostile XML: every file gives one clear error, with its line and gate, and nothing else happens."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from tests.hostile_xml import FILES, WORKSPACES

from tregflow.errors import InteropError
from tregflow.interop.flowjo import parse_workspace
from tregflow.interop.gatingml import read_gatingml

if TYPE_CHECKING:
    from pathlib import Path

PARTIAL = "\n  remedy     take over the rest with partial=True, on the command line --partial"
SAVE = "\n  remedy     save the workspace with FlowJo 10, as .wsp"

SAID: dict[str, tuple[str, str]] = {
    "billion laughs": (
        "E_XML",
        "a document type declaration (<!DOCTYPE ...>), by which entities and other files could come in\n"
        "  expected   XML without one",
    ),
    "external entity": (
        "E_XML",
        "a document type declaration (<!DOCTYPE ...>), by which entities and other files could come in\n"
        "  expected   XML without one",
    ),
    "external doctype": (
        "E_XML",
        "a document type declaration (<!DOCTYPE ...>), by which entities and other files could come in\n"
        "  expected   XML without one",
    ),
    "entity without a declaration": (
        "E_XML",
        "line 2: not well-formed XML (...)",
    ),
    "too deep": (
        "E_XML",
        "nested too deeply\n  expected   at most 200 elements within one another",
    ),
    "truncated": (
        "E_XML",
        "line 2: not well-formed XML (...)",
    ),
    "empty": (
        "E_XML",
        "line 1: not well-formed XML (...)",
    ),
    "not XML": (
        "E_XML",
        "line 1: not well-formed XML (...)",
    ),
    "an attribute twice": (
        "E_XML",
        "line 2: not well-formed XML (...)",
    ),
    "prefix without a namespace": (
        "E_XML",
        "line 1: not well-formed XML (...)",
    ),
    "wrong root": (
        "E_GATINGML",
        "line 1: the file begins with gating:Gates\n"
        "  expected   gating:Gating-ML of the namespace http://www.isac-net.org/std/Gating-ML/v2.0/gating",
    ),
    "wrong namespace": (
        "E_GATINGML",
        "line 1: Gating-ML without the namespace of a version\n"
        "  expected   gating:Gating-ML of the namespace http://www.isac-net.org/std/Gating-ML/v2.0/gating",
    ),
    "version 1.5": (
        "E_GATINGML",
        "line 1: Gating-ML of version 1.5\n"
        "  expected   gating:Gating-ML of the namespace http://www.isac-net.org/std/Gating-ML/v2.0/gating",
    ),
    "a workspace": (
        "E_GATINGML",
        "line 1: a FlowJo workspace, no Gating-ML\n"
        "  expected   gating:Gating-ML of the namespace http://www.isac-net.org/std/Gating-ML/v2.0/gating\n"
        "  remedy     Strategy.from_wsp reads it; give the file the suffix .wsp",
    ),
    "unknown transformation": (
        "E_GATINGML",
        "2 faults\n"
        "  line 2: T: there is no transformation transforms:ftanh (there are flin, flog, fasinh, logicle, hyperlog, fratio)\n"
        "  line 3: G: the transformation 'T' cannot be taken over" + PARTIAL,
    ),
    "transformation that is not there": (
        "E_GATINGML",
        "G: line 2: there is no transformation 'T'\n  available  none" + PARTIAL,
    ),
    "transformation without a parameter": (
        "E_GATINGML",
        "T: line 2: transforms:flog without M\n  expected   M=..." + PARTIAL,
    ),
    "transformation out of range": (
        "E_GATINGML",
        "T: line 2: logicle: w is 3\n  expected   w from 0 to m / 2 = 2" + PARTIAL,
    ),
    "transformation of two functions": (
        "E_GATINGML",
        "Log: line 2: 2 functions in one transformation\n  expected   one" + PARTIAL,
    ),
    "transformation twice": (
        "E_GATINGML",
        "Log: line 3: the id is used twice\n  expected   every id once" + PARTIAL,
    ),
    "a ratio as a scale": (
        "E_GATINGML",
        "G: line 3: the transformation 'Q' is a ratio\n  expected   one that makes a scale" + PARTIAL,
    ),
    "a scale as a ratio": (
        "E_GATINGML",
        "G: line 3: the new dimension is made by 'Log', which is no ratio\n"
        "  expected   a transformation with fratio" + PARTIAL,
    ),
    "ratio of three": (
        "E_GATINGML",
        "Q: line 2: a ratio of 3 channels\n  expected   2" + PARTIAL,
    ),
    "bounds the wrong way round": (
        "E_GATINGML",
        "T: line 2: boundMin 2.0 is above boundMax 1.0\n  expected   boundMin <= boundMax" + PARTIAL,
    ),
    "matrix that is not there": (
        "E_GATINGML",
        "G: line 2: there is no compensation 'M'\n  available  uncompensated, FCS" + PARTIAL,
    ),
    "matrix without the dye": (
        "E_GATINGML",
        "G: line 3: the matrix 'M' has no fluorochrome 'x'\n  available  p, q" + PARTIAL,
    ),
    "singular matrix": (
        "E_GATINGML",
        "M: line 2: the dyes cannot be told apart\n  expected   a condition number below 1e+06" + PARTIAL,
    ),
    "ragged matrix": (
        "E_GATINGML",
        "M: line 2: a spectrum matrix of 2 rows of 1 or 2 numbers\n"
        "  expected   2 rows, one per fluorochrome, of 2 numbers, one per detector" + PARTIAL,
    ),
    "matrix with NaN": (
        "E_GATINGML",
        "M: line 2: transforms:coefficient: value is 'NaN'\n  expected   a finite number" + PARTIAL,
    ),
    "one vertex": (
        "E_GATINGML",
        "G: line 2: a polygon with 1 vertex\n  expected   3 or more" + PARTIAL,
    ),
    "vertices in one place": (
        "E_GATINGML",
        "G: line 2: 1 point makes no polygon\n  expected   3 different points or more" + PARTIAL,
    ),
    "vertex of one coordinate": (
        "E_GATINGML",
        "G: line 2: a point of 1 coordinate\n  expected   2" + PARTIAL,
    ),
    "polygon on one dimension": (
        "E_GATINGML",
        "G: line 2: a polygon on 1 dimension\n  expected   2" + PARTIAL,
    ),
    "polygon on one channel": (
        "E_GATINGML",
        "G: line 2: gating:PolygonGate with two dimensions on x\n  expected   one each" + PARTIAL,
    ),
    "number NaN": (
        "E_GATINGML",
        "G: line 2: gating:dimension: min is 'NaN'\n  expected   a finite number" + PARTIAL,
    ),
    "number beyond floats": (
        "E_GATINGML",
        "G: line 2: gating:coordinate: value is '1e999'\n  expected   a finite number" + PARTIAL,
    ),
    "number in words": (
        "E_GATINGML",
        "G: line 2: gating:dimension: min is '1,5'\n  expected   a finite number" + PARTIAL,
    ),
    "no number": (
        "E_GATINGML",
        "G: line 2: gating:dimension without max\n  expected   max=..., not blank" + PARTIAL,
    ),
    "min above max": (
        "E_GATINGML",
        "G: line 2: no value is at least 2.0 and below 1.0\n  expected   min < max" + PARTIAL,
    ),
    "no ends": (
        "E_GATINGML",
        "G: line 2: a rectangle without min and max\n  expected   one of them on one dimension at least" + PARTIAL,
    ),
    "no channel": (
        "E_GATINGML",
        "G: line 2: gating:dimension names no channel\n  expected   fcs-dimension or new-dimension" + PARTIAL,
    ),
    "no compensation": (
        "E_GATINGML",
        "G: line 2: gating:dimension without compensation-ref\n  expected   compensation-ref=..." + PARTIAL,
    ),
    "child without a place": (
        "E_GATINGML",
        "G: line 2: gating:vertex has no place in gating:RectangleGate\n  expected   dimension" + PARTIAL,
    ),
    "negative variance": (
        "E_GATINGML",
        "G: line 2: the variance of x is -1.0\n  expected   a number above 0, from 1e-100 to 1e+100" + PARTIAL,
    ),
    "flat ellipsoid": (
        "E_GATINGML",
        "G: line 2: the covariance is not positive definite: the ellipsoid has no width in some direction\n"
        "  expected   each covariance smaller than the root of the product of its two variances" + PARTIAL,
    ),
    "distance of zero": (
        "E_GATINGML",
        "G: line 2: distance2 is 0.0\n  expected   a number above 0, from 1e-100 to 1e+100" + PARTIAL,
    ),
    "mean too short": (
        "E_GATINGML",
        "G: line 2: a point of 1 coordinate\n  expected   2" + PARTIAL,
    ),
    "no divider": (
        "E_GATINGML",
        "Q: line 2: a quadrant gate without a divider\n  expected   1 or more" + PARTIAL,
    ),
    "no quadrant": (
        "E_GATINGML",
        "Q: line 2: a quadrant gate without a quadrant\n  expected   1 or more" + PARTIAL,
    ),
    "divider without a value": (
        "E_GATINGML",
        "Q: line 2: a divider without a value\n  expected   1 or more" + PARTIAL,
    ),
    "divider that is not there": (
        "E_GATINGML",
        "Q: line 2: the quadrant 'low' refers to the divider 'dy', which is not there\n  available  dx" + PARTIAL,
    ),
    "quadrant without a position": (
        "E_GATINGML",
        "Q: line 2: the quadrant 'low' has no position\n  expected   one at a divider at least" + PARTIAL,
    ),
    "quadrant gate as parent": (
        "E_GATINGML",
        "G: line 3: the parent is the quadrant gate 'Q', which is no population\n"
        "  expected   one of its quadrants\n"
        "  available  low" + PARTIAL,
    ),
    "no operand": (
        "E_GATINGML",
        "G: line 2: 'and' of 0 gates\n  expected   2 gates or more" + PARTIAL,
    ),
    "one operand": (
        "E_GATINGML",
        "G: line 3: 'or' of 1 gate\n  expected   2 gates or more" + PARTIAL,
    ),
    "not of two": (
        "E_GATINGML",
        "G: line 3: 'not' of 2 gates\n  expected   1 gate" + PARTIAL,
    ),
    "exclusive or": (
        "E_GATINGML",
        "G: line 3: gating:xor has no place in gating:BooleanGate\n  expected   and, or, not" + PARTIAL,
    ),
    "operand that is not there": (
        "E_GATINGML",
        "G: line 3: the operand 'god' is not there\n  available  good, G" + PARTIAL,
    ),
    "complement of perhaps": (
        "E_GATINGML",
        "G: line 3: gating:gateReference: use-as-complement is 'perhaps'\n  expected   true or false" + PARTIAL,
    ),
    "parent that is not there": (
        "E_GATINGML",
        "G: line 3: the parent 'god' is not there\n  available  good, G" + PARTIAL,
    ),
    "parents in a circle": (
        "E_GATINGML",
        "2 faults\n"
        "  line 3: G: the gate needs itself, by its parents and operands (expected no circle of references)\n"
        "  line 4: H: the gate needs itself, by its parents and operands (expected no circle of references)" + PARTIAL,
    ),
    "its own parent": (
        "E_GATINGML",
        "G: line 2: the gate needs itself, by its parents and operands\n  expected   no circle of references" + PARTIAL,
    ),
    "operands in a circle": (
        "E_GATINGML",
        "2 faults\n"
        "  line 3: G: the gate needs itself, by its parents and operands (expected no circle of references)\n"
        "  line 4: H: the gate needs itself, by its parents and operands (expected no circle of references)" + PARTIAL,
    ),
    "an id twice": (
        "E_GATINGML",
        "G: line 3: the id 'G' is used twice\n  expected   every id once" + PARTIAL,
    ),
    "no id": (
        "E_GATINGML",
        "line 2: gating:RectangleGate without id\n  expected   id=..." + PARTIAL,
    ),
    "called root": (
        "E_LEFT_OUT",
        "root: line 2: the id 'root' means all events\n  expected   another id" + PARTIAL,
    ),
    "gate in a gate": (
        "E_GATINGML",
        "2 faults\n"
        "  line 2: H: gating:RectangleGate inside gating:not (expected gates directly in gating:Gating-ML)\n"
        "  line 2: G: gating:RectangleGate has no place in gating:not (expected gateReference)" + PARTIAL,
    ),
    "gate of another language": (
        "E_GATINGML",
        "G: line 2: there is no gating:DecisionTreeGate in Gating-ML 2.0\n"
        "  expected   RectangleGate, PolygonGate, EllipsoidGate, QuadrantGate, BooleanGate" + PARTIAL,
    ),
    "many faults": (
        "E_GATINGML",
        "30 faults\n"
        + "".join(f"  line {i + 2}: G{i}: a polygon with 1 vertex (expected 3 or more)\n" for i in range(20))
        + "  and 10 more"
        + PARTIAL,
    ),
}

SAID_OF_WORKSPACES: dict[str, tuple[str, str]] = {
    "billion laughs": (
        "E_XML",
        "a document type declaration (<!DOCTYPE ...>), by which entities and other files could come in\n"
        "  expected   XML without one" + SAVE,
    ),
    "external entity": (
        "E_XML",
        "a document type declaration (<!DOCTYPE ...>), by which entities and other files could come in\n"
        "  expected   XML without one" + SAVE,
    ),
    "truncated": (
        "E_XML",
        "line 5: not well-formed XML (...)" + SAVE,
    ),
    "too deep": (
        "E_XML",
        "nested too deeply\n  expected   at most 200 elements within one another" + SAVE,
    ),
    "wrong root": (
        "E_WSP",
        "line 1: begins with <Work>, not with <Workspace>\n  expected   a workspace of FlowJo 10" + SAVE,
    ),
    "Gating-ML": (
        "E_WSP",
        "line 1: begins with <Gating-ML>, not with <Workspace>\n  expected   a workspace of FlowJo 10" + SAVE,
    ),
    "no sample": (
        "E_WSP",
        "holds no sample that can be read",
    ),
    "unknown encoding": (
        "E_XML",
        "line 1: not well-formed XML (...)" + SAVE,
    ),
}


def said(error: InteropError) -> tuple[str, str]:
    """Return code and text; what libxml2 says of broken XML depends on its version."""
    return error.code, re.sub(r"(not well-formed XML) \(.+\)", r"\1 (...)", str(error))


@pytest.mark.parametrize("name", FILES)
def test_a_gating_ml_file_is_refused_in_clear_words(tmp_path: Path, name: str) -> None:
    path = tmp_path / "g.xml"
    path.write_text(FILES[name], encoding="utf-8")
    with pytest.raises(InteropError) as caught:
        read_gatingml(path)
    code, text = SAID[name]
    assert said(caught.value) == (code, f"g.xml: {text}")


@pytest.mark.parametrize("name", WORKSPACES)
def test_a_workspace_is_refused_in_clear_words(tmp_path: Path, name: str) -> None:
    path = tmp_path / "w.wsp"
    path.write_text(WORKSPACES[name], encoding="utf-8")
    with pytest.raises(InteropError) as caught:
        parse_workspace(path)
    code, text = SAID_OF_WORKSPACES[name]
    assert said(caught.value) == (code, f"w.wsp: {text}")


def test_there_are_enough_of_them_and_each_is_said() -> None:
    assert len(FILES) >= 30
    assert (FILES.keys(), WORKSPACES.keys()) == (SAID.keys(), SAID_OF_WORKSPACES.keys())


def test_ids_cannot_break_the_lines_of_a_message(tmp_path: Path) -> None:
    path = tmp_path / "g.xml"
    path.write_text(FILES["one vertex"].replace('"G"', '"G&#10;error: all is well"'), encoding="utf-8")
    with pytest.raises(InteropError) as caught:
        read_gatingml(path)
    assert "\nerror" not in str(caught.value)
