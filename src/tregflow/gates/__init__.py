"""Gates: the rules that events are put to. Frozen values, compared, hashed and signed; an edit makes a new one.

The contract of every gate:

- It is written in compensated data units or, with ``units="scale"``, in positions on the scales it was drawn on, and
  carries these scales.
- It is asked about all events of a sample and answers with a `Mask`. Its parent is not its business: a population is
  what passes the gate *and* its ancestors, and that is put together in `tregflow.strategy`.
- Rectangles take ``min <= x < max``; polygons follow the even-odd rule with boundary and vertices inside; ellipsoids
  hold their boundary; combinations are not, all, any, of populations or their complements (Gating-ML 2.0, 5.1, 5.2.1,
  5.3, 5.5).
- An event that has no position on one of the axes a gate looks at (NaN, infinity, zero or below on a log scale) is
  outside the gate *and* outside its complement. Gating-ML would take it into the complement.
- With `bins`, polygons and ellipses are decided as FlowJo decides them, on a grid; otherwise exactly.
- Values are never changed by gating.
"""

from __future__ import annotations

from typing import TypeAlias

from tregflow.gates.boolean import Boolean
from tregflow.gates.ellipsoid import Ellipsoid
from tregflow.gates.mask import Mask, Side, Units, Values
from tregflow.gates.polygon import Polygon
from tregflow.gates.rectangle import Rectangle

Gate: TypeAlias = Polygon | Rectangle | Ellipsoid | Boolean
"""Any gate."""

__all__ = ["Boolean", "Ellipsoid", "Gate", "Mask", "Polygon", "Rectangle", "Side", "Units", "Values"]
