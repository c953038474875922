"""Parity with others on real files: values against peers and an independent decoder, counts against FlowJo's own.

The compliance sets of Gating-ML are gated event by event (`gatingml_parity`).
Every workspace whose FCS files lie beside it is reconciled, with FlowKit's counts next to ours (`flowjo_parity`).
"""

from __future__ import annotations

import fcs_parity
import flowjo_parity
import gatingml_parity
from common import arguments, head, write


def main() -> None:
    """Run, print, write."""
    given = arguments(__doc__ or "")
    verdicts = fcs_parity.compare_files(given.data)
    fcs_parity.report(verdicts)
    gatingml = gatingml_parity.compare(given.data)
    gatingml_parity.report(gatingml)
    flowjo = flowjo_parity.summary(flowjo_parity.compare_workspaces(given.data, quick=given.quick))
    flowjo_parity.report(flowjo)
    peers = head("parity", ("flowkit", "flowio", "fcsparser", "FlowCal"))
    write({**peers, **fcs_parity.results(verdicts), **gatingml, "flowjo": flowjo}, given.json)


if __name__ == "__main__":
    main()
