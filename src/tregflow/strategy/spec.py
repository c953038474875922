"""The strategy file, version 1: which keys it may hold and of which type (pydantic models).

What the keys mean together (a parent that exists, a polygon with three points) is in `check`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator

from tregflow.gates.checks import MOST_BINS

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
"""A finite number; a text that looks like one is refused."""
Text = Annotated[str, Field(strict=True, min_length=1)]


class Strict(BaseModel):
    """Base of the models: unknown keys are faults, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class MarkerSpec(Strict):
    """How the channel of a marker is found: globs on ``$PnS``, then on ``$PnN``; the signal (-A, -H, -W) wanted."""

    pns: tuple[Text, ...] = ()
    pnn: tuple[Text, ...] = ()
    signal: Literal["A", "H", "W"] | None = None


class FmoSpec(Strict):
    """A threshold at a quantile of the batch's FMO control, among the events of the gate's parent."""

    fmo: Text
    quantile: Annotated[float, Field(strict=True, gt=0.0, lt=1.0)] = 0.995


class AutoSpec(BaseModel):
    """A threshold that places itself; refused by name in `check`."""

    model_config = ConfigDict(extra="allow", frozen=True)
    auto: Any


class NotSpec(Strict):
    """The complement of a population, as an operand."""

    complement: Text = Field(alias="not")


def _threshold_kind(value: Any) -> str | None:
    if isinstance(value, FmoSpec) or (isinstance(value, dict) and "fmo" in value):
        return "<fmo>"
    if isinstance(value, AutoSpec) or (isinstance(value, dict) and "auto" in value):
        return "<auto>"
    return "<number>" if isinstance(value, int | float) and not isinstance(value, bool) else None


def _operand_kind(value: Any) -> str | None:
    if isinstance(value, str):
        return "<id>"
    return "<not>" if isinstance(value, dict | NotSpec) else None


Threshold = Annotated[
    Annotated[Number, Tag("<number>")] | Annotated[FmoSpec, Tag("<fmo>")] | Annotated[AutoSpec, Tag("<auto>")],
    Discriminator(
        _threshold_kind,
        custom_error_type="threshold",
        custom_error_message="expected a number in data units, or {fmo: MARKER, quantile: 0.995}",
    ),
]
Operand = Annotated[
    Annotated[Text, Tag("<id>")] | Annotated[NotSpec, Tag("<not>")],
    Discriminator(
        _operand_kind,
        custom_error_type="operand",
        custom_error_message="expected the id of a population, or {not: ID}",
    ),
]


class GateSpec(Strict):
    """One gate: its parent and exactly one rule (polygon, rectangle, ellipsoid, quadrant, above/below, not, all, any).

    The parent and the rectangle of a cell of quadrants are filled in by `tregflow.strategy.quadrants`.
    """

    parent: Text | None = Field(default=None, alias="in")
    name: Text | None = None
    optional: bool = False
    polygon: tuple[Text, Text] | None = None
    points: tuple[tuple[Number, Number], ...] | None = None
    open: dict[str, Literal["high", "low"]] = Field(default_factory=dict)
    rectangle: dict[str, tuple[Number | None, Number | None]] | None = None
    ellipsoid: tuple[Text, ...] | None = None
    mean: tuple[Number, ...] | None = None
    covariance: tuple[tuple[Number, ...], ...] | None = None
    distance2: Number = 1.0
    indefinite: Annotated[bool, Field(strict=True)] = False
    quadrant: Text | None = None
    cell: dict[str, Annotated[int, Field(strict=True, ge=0)]] | None = None
    units: Literal["data", "scale"] = "data"
    bins: Annotated[int, Field(strict=True, ge=1, le=MOST_BINS)] | None = None
    outside: Annotated[bool, Field(strict=True)] = False
    above: dict[str, Threshold] | None = None
    below: dict[str, Threshold] | None = None
    complement: Text | None = Field(default=None, alias="not")
    all: tuple[Operand, ...] | None = None
    any: tuple[Operand, ...] | None = None
    auto: Any = None
    on: Any = None
    adapt: Any = None

    def states(self, attribute: str) -> bool:
        """Tell whether the file says something under a key, be it the default; a null says nothing."""
        return attribute in self.model_fields_set and getattr(self, attribute) is not None

    @property
    def axes(self) -> tuple[str, ...]:
        """Markers or channels that the gate itself looks at, each once."""
        named = (self.polygon, self.rectangle, self.ellipsoid, self.above, self.below)
        return tuple(dict.fromkeys(axis for axes in named for axis in axes or ()))

    @property
    def operands(self) -> tuple[tuple[str, bool], ...]:
        """Populations that a boolean gate combines, as (id, complement)."""
        if self.complement is not None:
            return ((self.complement, False),)
        both = self.all if self.all is not None else self.any
        return tuple((item, False) if isinstance(item, str) else (item.complement, True) for item in both or ())

    @property
    def rules(self) -> tuple[str, ...]:
        """Names of the rules that the gate states; a right gate states one."""
        threshold = "above/below" if self.above is not None or self.below is not None else None
        stated = {
            "polygon": self.polygon,
            "rectangle": self.rectangle if self.quadrant is None else None,
            "ellipsoid": self.ellipsoid,
            "quadrant": self.quadrant,
            "above/below": threshold,
            "not": self.complement,
            "all": self.all,
            "any": self.any,
            "auto": self.auto,
        }
        return tuple(name for name, value in stated.items() if value is not None)


class QuadrantsSpec(Strict):
    """Dividers per axis, ascending, that cut a population into cells; gates name the cells."""

    parent: Text | None = Field(default=None, alias="in")
    dividers: dict[str, tuple[Number, ...]]
    units: Literal["data", "scale"] = "data"


class DimensionSpec(Strict):
    """What an axis name means: a channel, a marker, a dye, or a ratio of two axes; with which matrix and gain."""

    channel: Text | None = None
    marker: Text | None = None
    dye: Text | None = None
    ratio: tuple[Text, Text] | None = None
    a: Number = 1.0
    b: Number = 0.0
    c: Number = 0.0
    compensation: Text | None = None
    gain: Annotated[float, Field(strict=True, gt=0.0, allow_inf_nan=False)] = 1.0

    @property
    def kinds(self) -> tuple[str, ...]:
        """Names of what the entry says it is; a right one says one."""
        return tuple(kind for kind in ("channel", "marker", "dye", "ratio") if getattr(self, kind) is not None)


class MatrixSpec(Strict):
    """A matrix written out: a row per dye, a column per detector; `inverted`: the other way round, used as it is."""

    detectors: tuple[Text, ...]
    dyes: tuple[Text, ...] | None = None
    matrix: tuple[tuple[Number, ...], ...]
    inverted: Annotated[bool, Field(strict=True)] = False


class BatchCompensation(Strict):
    """A spillover matrix per batch: ``{batch: {B1: b1.csv}}``."""

    batch: dict[str, Text]


def _compensation_kind(value: Any) -> str | None:
    if isinstance(value, str):
        return "<name>"
    return "<batch>" if isinstance(value, dict | BatchCompensation) else None


Compensation = Annotated[
    Annotated[Text, Tag("<name>")] | Annotated[BatchCompensation, Tag("<batch>")],
    Discriminator(
        _compensation_kind,
        custom_error_type="compensation",
        custom_error_message="expected fcs, none, a name of matrices, a CSV file, or {batch: {B1: b1.csv}}",
    ),
]


class StrategySpec(Strict):
    """A whole strategy file."""

    tregflow: Literal[1]
    name: Text
    panel: dict[str, MarkerSpec] = Field(default_factory=dict)
    compensation: Compensation
    gains: Literal["none", "fcs"] = "none"
    matrices: dict[str, MatrixSpec] = Field(default_factory=dict)
    dimensions: dict[str, DimensionSpec] = Field(default_factory=dict)
    scales: dict[str, Any] = Field(default_factory=dict)
    counts: Literal["exact", "flowjo"] = "exact"
    quadrants: dict[str, QuadrantsSpec] = Field(default_factory=dict)
    gates: dict[str, GateSpec]
    report: dict[str, Text] = Field(default_factory=dict)
    mfi: dict[str, tuple[Text, ...]] = Field(default_factory=dict)

    @field_validator("gates")
    @classmethod
    def _has_gates(cls, gates: dict[str, GateSpec]) -> dict[str, GateSpec]:
        if not gates:
            message = "holds no gate"
            raise ValueError(message)
        return gates
