"""The strategy file, version 1: which keys it may hold and of which type (pydantic models).

What the keys mean together (a parent that exists, a polygon with three points) is in `check`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator

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
    """One gate: its parent and exactly one rule (polygon, rectangle, above/below, not, all, any)."""

    parent: Text | None = Field(default=None, alias="in")
    name: Text | None = None
    optional: bool = False
    polygon: tuple[Text, Text] | None = None
    points: tuple[tuple[Number, Number], ...] | None = None
    open: dict[str, Literal["high", "low"]] = Field(default_factory=dict)
    rectangle: dict[str, tuple[Number | None, Number | None]] | None = None
    above: dict[str, Threshold] | None = None
    below: dict[str, Threshold] | None = None
    complement: Text | None = Field(default=None, alias="not")
    all: tuple[Operand, ...] | None = None
    any: tuple[Operand, ...] | None = None
    auto: Any = None
    on: Any = None
    adapt: Any = None

    @property
    def axes(self) -> tuple[str, ...]:
        """Markers or channels that the gate itself looks at, each once."""
        named = [*(self.polygon or ()), *(self.rectangle or ()), *(self.above or ()), *(self.below or ())]
        return tuple(dict.fromkeys(named))

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
            "rectangle": self.rectangle,
            "above/below": threshold,
            "not": self.complement,
            "all": self.all,
            "any": self.any,
            "auto": self.auto,
        }
        return tuple(name for name, value in stated.items() if value is not None)


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
        custom_error_message="expected fcs, none, the name of a CSV file, or {batch: {B1: b1.csv}}",
    ),
]


class StrategySpec(Strict):
    """A whole strategy file."""

    tregflow: Literal[1]
    name: Text
    panel: dict[str, MarkerSpec] = Field(default_factory=dict)
    compensation: Compensation
    scales: dict[str, Any] = Field(default_factory=dict)
    counts: Literal["exact", "flowjo"] = "exact"
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


class WhenSpec(Strict):
    """Where an override applies: one batch or one sample."""

    batch: Text | None = None
    sample: Text | None = None


class MoveSpec(Strict):
    """A shift of a gate along one axis: v -> gain * v + offset, in data units."""

    gain: Annotated[float, Field(strict=True, gt=0.0, allow_inf_nan=False)] = 1.0
    offset: Number = 0.0


class OverrideSpec(Strict):
    """One change to the template for one batch or sample, with who, when and why."""

    id: Text
    when: WhenSpec
    gate: Text | None = None
    set: dict[str, Any] | None = None
    move: dict[str, MoveSpec] | None = None
    absent: Literal[True] | None = None
    by: Text
    at: Text
    why: Text


class OverridesSpec(Strict):
    """A whole overrides file."""

    tregflow: Literal[1]
    overrides: tuple[OverrideSpec, ...]
