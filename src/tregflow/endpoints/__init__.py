"""The endpoints of a trial, from any tidy table of frequencies: change from baseline, estimate, interval, test.

>>> from tregflow.endpoints import Design, Endpoint, analyse
>>> design = Design(
...     baseline="D0",
...     visits=("D0", "D8"),
...     endpoints=(Endpoint(name="primary", ratio="Treg_of_CD4", visit="D8", test="t_fold"),),
... )
>>> results = analyse(table, design)  # doctest: +SKIP
>>> print(results)  # doctest: +SKIP

Uses tables and counts only: who gated elsewhere can use it alone.
"""

from __future__ import annotations

from tregflow.endpoints.analysis import analyse
from tregflow.endpoints.results import EndpointResults
from tregflow.endpoints.spec import Design, Endpoint
from tregflow.few_events import FewEvents

__all__ = ["Design", "Endpoint", "EndpointResults", "FewEvents", "analyse"]
