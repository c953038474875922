"""Ellipses and ellipsoids."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from tregflow.gates.checks import check_bins, check_id, check_scales, fault, freeze, number
from tregflow.gates.mask import Mask
from tregflow.gates.quadratic import float_form, literal_form

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tregflow.gates.mask import Values
    from tregflow.transforms import Scale

_MOST_AXES = 32  # more than any panel gates at once; the exact inverse takes time
_FLOWJO_CORNERS = 128
_FLAT = 1e-9  # nearer to a degenerate ellipsoid, rounding would decide about events well off the boundary
_ASYMMETRY = 1e-9  # what a file's decimals may leave between the two halves of a covariance


@dataclass(frozen=True, slots=True, kw_only=True)
class Ellipsoid:
    """Ellipse on two channels, ellipsoid on more: ``(x - mean)' covariance^-1 (x - mean) <= distance2``.

    It lies on the scales always (Gating-ML 2.0, 5.3): x is the position of an event, and the boundary is inside. The
    inverse is computed in whole numbers and rounded once, so that membership depends on no library and no machine.

    Attributes
    ----------
    id, parent : str
        The population that the gate makes, and the population that it is applied to.
    channels : tuple of str
        Markers or channels, two or more.
    mean : tuple of float
        Centre, one position per channel.
    covariance : tuple of tuple of float
        Symmetric positive definite, in squared positions, rows and columns in the order of `channels`.
    distance2 : float
        Square of the Mahalanobis distance of the boundary from the centre.
    scales : tuple of Scale
        One per channel.
    bins : int, optional
        Decide as FlowJo does: a polygon of 128 corners on a grid of so many bins per axis, see `Polygon`. FlowJo has
        ellipses on two axes only: with more this changes nothing. None: decide exactly.
    outside : bool
        The gate holds the events outside the ellipsoid (FlowJo's ``eventsInside="0"``). Events without a position stay
        out of either.
    indefinite : bool
        Take the covariance as it is, though it is not symmetric or not positive definite, and the formula by its
        letter: what it bounds is then no ellipsoid. Gating-ML's own compliance tests hold such a gate. It is decided
        exactly, whatever `bins`.

    Raises
    ------
    GateError
        The gate is not one: a covariance that is not symmetric or not positive definite, numbers missing (``E_GATE``).

    Examples
    --------
    >>> from tregflow.transforms import Linear
    >>> ellipse = Ellipsoid(id="E", parent="root", channels=("x", "y"), mean=(0, 0), covariance=((4, 0), (0, 1)),
    ...                     distance2=1, scales=(Linear(t=1), Linear(t=1)))
    >>> ellipse.evaluate({"x": [2.0, 2.1, 0.0], "y": [0.0, 0.0, -1.0]}.__getitem__).inside
    array([ True, False,  True])
    """

    id: str
    parent: str
    channels: tuple[str, ...]
    mean: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    distance2: float
    scales: tuple[Scale, ...]
    bins: int | None = None
    outside: bool = False
    indefinite: bool = False

    def __post_init__(self) -> None:
        freeze(self, "channels", tuple(self.channels))
        freeze(self, "scales", tuple(self.scales))
        self._check_axes()
        freeze(self, "mean", tuple(number(value, "a number of the mean", self.id) for value in self.mean))
        rows = (tuple(number(value, "a number of the covariance", self.id) for value in row) for row in self.covariance)
        freeze(self, "covariance", tuple(rows))
        freeze(self, "distance2", number(self.distance2, "distance2", self.id))
        self._check_shapes()
        self._check_covariance()

    @property
    def axes(self) -> tuple[str, ...]:
        """The names on the axes, in order."""
        return self.channels

    def evaluate(self, values: Values) -> Mask:
        """Tell which events lie in the ellipsoid.

        Parameters
        ----------
        values : callable
            From the name on an axis to the (n_events,) compensated intensities, in data units.

        Returns
        -------
        Mask
            Of (n_events,).
        """
        data = [np.asarray(values(channel), np.float64) for channel in self.channels]
        defined = np.logical_and.reduce(
            [scale.defined(column) for scale, column in zip(self.scales, data, strict=True)]
        )
        inside = self._exact(data) if self.resolution is None else self._on_grid(data, self.resolution)
        mask = Mask(inside & defined, defined)
        return mask.complement() if self.outside else mask

    @property
    def resolution(self) -> int | None:
        """Bins per axis of the grid that decides; None where it is decided exactly."""
        return None if len(self.channels) > 2 or self.indefinite else self.bins

    @property
    def form(self) -> tuple[NDArray[np.float64], float]:
        """The (n, n) matrix and the bound of ``v' matrix v <= bound``, v being positions less the mean."""
        literal = literal_form(self.covariance, self.distance2) if self.indefinite else None
        return float_form(self.covariance, self.distance2) if literal is None else literal

    def corners(self, bins: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the corners of the polygon that FlowJo counts, in bins: x and y."""
        x, y = (scale.bins_at(corner, bins) for scale, corner in zip(self.scales, self.outline(), strict=True))
        return x, y

    def outline(self, n_points: int = _FLOWJO_CORNERS) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return points on the boundary of an ellipse on two channels.

        Parameters
        ----------
        n_points : int
            How many. With a multiple of four, the ends of both axes are among them.

        Returns
        -------
        tuple of (n_points,) ndarray of float64
            x and y in positions on the scales, from the end of the major axis on.

        Raises
        ------
        GateError
            The ellipsoid has more than two channels, or is none (``E_GATE``).
        """
        if self.indefinite:
            raise fault(self, "an indefinite covariance bounds no ellipse", expected="one that is positive definite")
        if len(self.channels) != 2:
            raise fault(self, f"an ellipsoid on {len(self.channels)} channels has no outline", expected="2 channels")
        (xx, xy), (_, yy) = self.covariance
        major = (xx + yy + math.hypot(xx - yy, 2 * xy)) / 2
        # The product of the variances is the determinant: their difference would lose a narrow ellipse's digits.
        minor = (xx * yy - xy * xy) / major
        turn = math.atan2(2 * xy, xx - yy) / 2  # a circle gives 0
        angle = np.arange(n_points) * (2 * math.pi / n_points)
        along, across = np.sqrt(major * self.distance2) * np.cos(angle), np.sqrt(minor * self.distance2) * np.sin(angle)
        x = self.mean[0] + math.cos(turn) * along - math.sin(turn) * across
        y = self.mean[1] + math.sin(turn) * along + math.cos(turn) * across
        return x, y

    def _exact(self, data: Sequence[NDArray[np.float64]]) -> NDArray[np.bool_]:
        from tregflow._kernels import in_ellipsoid  # here, since it brings in numba

        positions = [scale.apply(column) for scale, column in zip(self.scales, data, strict=True)]
        return in_ellipsoid(positions, self.mean, *self.form)

    def _on_grid(self, data: Sequence[NDArray[np.float64]], bins: int) -> NDArray[np.bool_]:
        from tregflow._kernels import in_polygon

        x, y = (scale.bins(column, bins) for scale, column in zip(self.scales, data, strict=True))
        return in_polygon(x, y, *self.corners(bins))

    def _check_axes(self) -> None:
        check_id(self.id)
        names = self.channels
        if not 2 <= len(names) <= _MOST_AXES:
            raise fault(self, f"ellipsoid on {len(names)} channels", expected=f"from 2 to {_MOST_AXES} channels")
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise fault(self, f"ellipsoid with {twice[0]} on two axes", expected="different channels")
        check_scales(self, self.scales, len(names))
        check_bins(self, self.bins)

    def _check_shapes(self) -> None:
        n_axes = len(self.channels)
        if len(self.mean) != n_axes:
            raise fault(self, f"a mean of {len(self.mean)} numbers", expected=f"{n_axes}, one per channel")
        lengths = [len(row) for row in self.covariance]
        if lengths != [n_axes] * n_axes:
            problem = f"a covariance with rows of {', '.join(map(str, lengths)) or 'no'} numbers"
            raise fault(self, problem, expected=f"{n_axes} rows of {n_axes} numbers")
        for value in self.mean:
            if abs(value) > 1e100:
                raise fault(self, f"a number of the mean is {value!r}", expected="a number from -1e+100 to 1e+100")
        if not 1e-100 <= self.distance2 <= 1e100:
            raise fault(self, f"distance2 is {self.distance2!r}", expected="a number above 0, from 1e-100 to 1e+100")

    def _check_covariance(self) -> None:
        for i, row in enumerate(self.covariance):
            if not 1e-100 <= row[i] <= 1e100:
                problem = f"the variance of {self.channels[i]} is {row[i]!r}"
                raise fault(self, problem, expected="a number above 0, from 1e-100 to 1e+100")
        if self.indefinite:
            self._check_inverse()
            return
        for i, j in combinations(range(len(self.mean)), 2):
            above, below = self.covariance[i][j], self.covariance[j][i]
            if abs(above - below) > _ASYMMETRY * math.sqrt(self.covariance[i][i]) * math.sqrt(self.covariance[j][j]):
                pair = f"{self.channels[i]} with {self.channels[j]}"
                problem = f"the covariance is not symmetric: {pair} is {above!r} and {below!r}"
                raise fault(self, problem, expected="one number for each pair of channels")
        # Of correlations: variances may differ as much as the units of the axes do.
        width = np.sqrt(np.diag(self.covariance))
        if np.linalg.eigvalsh(np.array(self.covariance) / width / width[:, None]).min() < _FLAT:
            problem = "the covariance is not positive definite: the ellipsoid has no width in some direction"
            expected = "each covariance smaller than the root of the product of its two variances"
            raise fault(self, problem, expected=expected)

    def _check_inverse(self) -> None:
        solved = literal_form(self.covariance, self.distance2)
        if solved is None or not np.isfinite([*solved[0].ravel(), solved[1]]).all() or not solved[0].any():
            raise fault(self, "the covariance has no inverse", expected="rows of which none follows from the others")
