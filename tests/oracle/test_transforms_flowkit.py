"""Scales against FlowKit and FlowUtils: 1e-9 relative, or 1e-9 of the axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from flowkit import transforms as flowkit
from flowkit._models.transforms._wsp_transforms import generate_biex_lut
from flowutils.transforms import logicle as flowutils_logicle

from tregflow.transforms import Asinh, FlowJoBiex, FlowJoLinear, FlowJoLog, Hyperlog, Linear, Log, Logicle, Scale

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

POSITIVE = np.concatenate([np.logspace(-9, 9, 20_001), np.random.default_rng(0).uniform(0, 262144, 20_000)])
ALL = np.concatenate([-POSITIVE[::-1], [0.0], POSITIVE])

LOGICLES = [
    (262144, 0.5, 4.5, 0),
    (262144, 1, 4.5, 0),
    (262144, 2.25, 4.5, 0),
    (262144, 0.3, 4.5, 2),
    (262144, 1, 4.5, -1),
    (1000, 1, 4, 0),
    (1000, 1, 4, 1),
    (1000, 0, 4, 1),
    (4194304, 0.8, 6.2, 0),
    (10_000, 2, 5, -1.5),
]
PAIRS: list[tuple[Scale, Any]] = [
    (Linear(262144, 0), flowkit.LinearTransform(262144, 0)),
    (Linear(1024, 256), flowkit.LinearTransform(1024, 256)),
    (Log(262144, 4.5), flowkit.LogTransform(262144, 4.5)),
    (Log(10_000, 5), flowkit.LogTransform(10_000, 5)),
    (Asinh(262144, 4.5, 0), flowkit.AsinhTransform(262144, 4.5, 0)),
    (Asinh(1000, 4, 1), flowkit.AsinhTransform(1000, 4, 1)),
    (Asinh(1000, 5, 0), flowkit.AsinhTransform(1000, 5, 0)),
    *((Logicle(t, w, m, a), flowkit.LogicleTransform(t, w, m, a)) for t, w, m, a in LOGICLES),
    *((Hyperlog(t, w, m, a), flowkit.HyperlogTransform(t, w, m, a)) for t, w, m, a in LOGICLES if w),
    (FlowJoLinear(-256, 1024), flowkit.LinearTransform(1024, 256)),
]
ids = [str(scale) for scale, _ in PAIRS]

# neg, width, pos, max
BIEXES = [
    (0.0, -100.0, 4.418539922, 262144.0),
    (0.0, -10.0, 4.41854, 262144.000029),
    (0.0, -50.1187, 3.918539922, 82897.2115),
    (1.0, -100.0, 4.418539922, 262144.0),
    (0.5, -1.0, 4.5, 262144.0),
    (0.0, -1.0, 4.5, 262144.0),
    (0.0, -1000.0, 5.62, 4194304.0),
    (-0.3, -31.6, 4.2, 26214.4),
]


def assert_near(ours: NDArray[np.float64], theirs: ArrayLike, axis: float = 1.0) -> None:
    """Compare to 1e-9 relative or 1e-9 of the axis."""
    assert np.isfinite(theirs).all()
    np.testing.assert_array_less(np.abs(ours - theirs), np.maximum(1e-9 * np.abs(theirs), 1e-9 * axis))


@pytest.mark.parametrize(("scale", "peer"), PAIRS, ids=ids)
def test_positions_equal_flowkit(scale: Scale, peer: Any) -> None:
    x = POSITIVE if scale.kind == "log" else ALL
    assert_near(scale.apply(x), peer.apply(x.copy()))


@pytest.mark.parametrize(("scale", "peer"), PAIRS, ids=ids)
def test_inverses_equal_flowkit(scale: Scale, peer: Any) -> None:
    y = np.linspace(-0.5, 1.5, 10_001)
    assert_near(scale.inverse(y), peer.inverse(y.copy()), axis=float(scale.inverse(1.0)))


@pytest.mark.parametrize(("t", "w", "m", "a"), LOGICLES)
def test_logicle_positions_equal_flowutils_to_the_last_digits(t: float, w: float, m: float, a: float) -> None:
    theirs = flowutils_logicle(ALL.copy(), None, t=t, w=w, m=m, a=a)
    np.testing.assert_allclose(Logicle(t, w, m, a).apply(ALL), theirs, rtol=0, atol=1e-14)


@pytest.mark.parametrize("parameters", BIEXES)
def test_flowjo_tables_equal_flowkit(parameters: tuple[float, float, float, float]) -> None:
    neg, width, pos, top = parameters
    table, channels = generate_biex_lut(neg=neg, width_basis=width, pos=pos, max_value=top)
    np.testing.assert_allclose(FlowJoBiex(*parameters).inverse(channels / 4096), table, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("parameters", BIEXES)
def test_flowjo_positions_equal_flowkit(parameters: tuple[float, float, float, float]) -> None:
    neg, width, pos, top = parameters
    scale, peer = FlowJoBiex(*parameters), flowkit.WSPBiexTransform(neg, width, pos, top)
    assert_near(scale.apply(ALL), peer.apply(ALL) / 4096)
    y = np.linspace(-0.1, 1.1, 10_001)
    assert_near(scale.inverse(y), peer.inverse(y * 4096), axis=top)


@pytest.mark.parametrize(("offset", "decades"), [(1.0, 5.0), (26.2144, 4.0), (0.1, 4.418539922)])
def test_flowjo_log_positions_equal_flowkit(offset: float, decades: float) -> None:
    assert_near(FlowJoLog(offset, decades).apply(ALL), flowkit.WSPLogTransform(offset, decades).apply(ALL))
