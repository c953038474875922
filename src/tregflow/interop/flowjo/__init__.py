"""FlowJo 10 workspaces (.wsp): read into plain data, taken over as a strategy with overrides, matched to FCS files."""

from tregflow.interop.flowjo.match import MatchedFiles, match_files
from tregflow.interop.flowjo.model import (
    Group,
    Node,
    Reason,
    Workspace,
    WspEllipse,
    WspMatrix,
    WspPolygon,
    WspRectangle,
    WspSample,
)
from tregflow.interop.flowjo.read import parse_workspace
from tregflow.interop.flowjo.stale import StaleCount, stale_counts
from tregflow.interop.flowjo.take_over import import_workspace
from tregflow.interop.flowjo.write import write_gated, write_workspace

__all__ = [
    "Group",
    "MatchedFiles",
    "Node",
    "Reason",
    "StaleCount",
    "Workspace",
    "WspEllipse",
    "WspMatrix",
    "WspPolygon",
    "WspRectangle",
    "WspSample",
    "import_workspace",
    "match_files",
    "parse_workspace",
    "stale_counts",
    "write_gated",
    "write_workspace",
]
