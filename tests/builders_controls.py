"""Single-stained controls whose spillover is known, because it was put in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tregflow.fcs import Sample

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

DYES = ("B515-A", "G560-A", "R660-A", "V450-A")
STAINED = {"B515-A": "CD25", "G560-A": "CD127", "R660-A": "FoxP3", "V450-A": "CD4"}
"""$PnN -> $PnS."""
TRUTH = np.array(
    [
        [1.0, 0.12, 0.003, 0.02],
        [0.03, 1.0, 0.08, 0.0],
        [0.0, 0.01, 1.0, 0.001],
        [0.06, 0.004, 0.0, 1.0],
    ]
)
"""Row: dye; column: the share that the detector sees."""
NOISE, LIGHT = 60.0, 300.0
"""Electronic noise, and autofluorescence: SD and median in data units."""
_PHOTONS = 0.2


def tube(
    stain: str | None,
    *,
    seed: int = 0,
    bright: int = 2000,
    dim: int = 2000,
    level: float = 20_000.0,
    spread: float = 0.4,
    truth: NDArray[np.float64] = TRUTH,
    autofluorescence: float = LIGHT,
    dim_autofluorescence: float | None = None,
    top: float = 262143.0,
    keywords: Mapping[str, str] | None = None,
    file: str = "",
) -> Sample:
    """Return a control: `bright` events with the dye of detector `stain`, `dim` events without; FSC-A and SSC-A beside.

    Light is autofluorescence, which varies from cell to cell by a quarter, and the dye's, lognormal around `level` with
    the SD `spread` of its logarithm; photo-electrons are counted, 0.2 a unit, and electronic noise is added.
    """
    rng = np.random.default_rng(seed)
    n = bright + dim
    dye = np.zeros((n, len(DYES)))
    if stain is not None:
        dye[:bright, DYES.index(stain)] = level * np.exp(spread * rng.standard_normal(bright))
    light = np.full(n, autofluorescence)
    light[bright:] = autofluorescence if dim_autofluorescence is None else dim_autofluorescence
    own = light * np.exp(rng.normal(0.0, 0.25, n))
    seen = dye @ truth + own[:, None]
    values = rng.poisson(_PHOTONS * seen) / _PHOTONS + rng.normal(0.0, NOISE, seen.shape)
    columns = {"FSC-A": rng.normal(90_000, 6_000, n), "SSC-A": rng.normal(30_000, 3_000, n)}
    columns |= {name: values[:, place].clip(max=top) for place, name in enumerate(DYES)}
    named = file or (f"{stain}.fcs" if stain else "unstained.fcs")
    shuffled = rng.permutation(n)
    narrow = {name: column[shuffled].astype(np.float32) for name, column in columns.items()}
    return Sample.from_columns(named, narrow, markers=STAINED, keywords=keywords)


def controls(*, seed: int = 0, **settings: object) -> dict[str, Sample]:
    """Return a control of each dye by its detector; settings as for `tube`."""
    return {name: tube(name, seed=10 * seed + place, **settings) for place, name in enumerate(DYES)}  # type: ignore[arg-type]
