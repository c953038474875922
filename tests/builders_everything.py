"""A strategy with every kind of gate and axis, and samples for it, to try what is written for other programs."""

from __future__ import annotations

import numpy as np

from tregflow.fcs import Sample
from tregflow.strategy import Strategy

N = 4000

EVERYTHING = """
tregflow: 1
name: everything
compensation: m
matrices:
  m: {detectors: [B515-A, R660-A], matrix: [[1, 0.1], [0.05, 1]]}
panel:
  CD25: {pns: ["CD25", "IL2RA"]}
dimensions:
  raw CD25: {marker: CD25, compensation: none}
  seconds: {channel: Time, gain: 0.01}
  ratio: {ratio: [CD25, CD127]}
scales:
  CD4: {log: {t: 262144, m: 5}}
  CD127: {biex: {width: -100, pos: 4.418539922}}
  raw CD25: {asinh: {m: 4}}
  seconds: {flowjo_linear: {min: 0, max: 72}}
  ratio: linear
quadrants:
  Q: {in: scatter, dividers: {CD25: [1000], CD127: [2000]}}
gates:
  scatter:
    {polygon: [FSC-A, SSC-A], points: [[20000.5, 10000.25], [200000, 20000], [180000, 120000], [30000, 90000]]}
  clock: {rectangle: {seconds: [5, 60]}}
  Q--: {quadrant: Q, cell: {CD25: 0, CD127: 0}}
  Q+-: {quadrant: Q, cell: {CD25: 1, CD127: 0}}
  Q-+: {quadrant: Q, cell: {CD25: 0, CD127: 1}}
  Q++: {quadrant: Q, cell: {CD25: 1, CD127: 1}}
  open: {in: scatter, polygon: [CD25, CD127], open: {CD25: high, CD127: low},
         points: [[3200, 0], [3200, 6300], [7800, 10900], [1.0e5, 10900], [1.0e5, 0]]}
  ellipse: {in: open, ellipsoid: [CD25, CD127], mean: [0.7, 0.6], covariance: [[0.02, 0.005], [0.005, 0.01]]}
  outside: {in: scatter, polygon: [raw CD25, CD4], points: [[100, 50], [5000, 60], [4000, 4000], [80, 900]],
            outside: true}
  CD4+: {in: clock, above: {CD4: 300}}
  open/CD4-: {in: scatter, all: [open, {not: CD4+}]}
  any: {in: scatter, any: [open/CD4-, Q++]}
  rest: {in: scatter, not: open}
  on the scale: {in: rest, rectangle: {CD25: [0.2, 0.6]}, units: scale}
  three axes: {rectangle: {CD25: [0, 1e4], CD127: [0, 1e4], CD4: [1, 1e5]}}
  by ratio: {rectangle: {ratio: [1, null]}}
  below ratio: {in: by ratio, above: {CD25: 10}}
  with ratio: {all: [by ratio, open]}
report: {share: open / scatter}
mfi: {open: [CD25]}
"""
OVERRIDES = [
    {
        "id": "P2 open",
        "when": {"sample": "P2"},
        "gate": "open",
        "move": {"CD25": {"gain": 1.25}},
        "by": "a reader",
        "at": "2026-03-01",
        "why": "brighter",
    },
    {
        "id": "P2 clock",
        "when": {"sample": "P2"},
        "gate": "CD4+",
        "set": {"above": {"CD4": 200}},
        "by": "a reader",
        "at": "2026-03-01",
        "why": "dimmer",
    },
    {
        "id": "P3 rest",
        "when": {"sample": "P3"},
        "gate": "rest",
        "absent": True,
        "by": "a reader",
        "at": "2026-03-01",
        "why": "not wanted",
    },
]
LEFT_OUT = ("three axes", "by ratio", "below ratio", "with ratio")
"""What FlowJo cannot hold."""


def strategy(text: str = EVERYTHING, overrides: list[dict] | None = None) -> Strategy:
    """Return the strategy, with overrides for P2 and P3."""
    from tregflow._yaml import parse
    from tregflow.errors import StrategyError

    data = parse(text, "everything.yaml", StrategyError, "E_STRATEGY").data
    return Strategy.from_data(data, name="everything.yaml", overrides=OVERRIDES if overrides is None else overrides)


def sample(file: str, seed: int, n: int = N, **keywords: str) -> Sample:
    """Return a sample of `n` events, none at zero or below on the logarithmic axis."""
    rng = np.random.default_rng(seed)
    columns = {
        "FSC-A": rng.uniform(0, 262143, n),
        "SSC-A": rng.normal(60000, 20000, n),
        "B515-A": rng.lognormal(7, 2, n) - 300,
        "R660-A": rng.lognormal(8, 1.5, n) - 500,
        "V450-A": rng.lognormal(6, 1.5, n),
        "Time": np.sort(rng.uniform(0, 7000, n)),
    }
    markers = {"B515-A": "CD25", "R660-A": "CD127", "V450-A": "CD4"}
    given = {"$TIMESTEP": "0.01", **keywords}
    stored = {name: values.astype(np.float32) for name, values in columns.items()}
    return Sample.from_columns(file, stored, markers=markers, keywords=given)


def samples() -> dict[str, Sample]:
    """Return three samples by id; their files are called otherwise."""
    return {f"P{number}": sample(f"tube {number}.fcs", number) for number in (1, 2, 3)}
