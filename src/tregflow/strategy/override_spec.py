"""The overrides file, version 1: which keys it may hold and of which type (pydantic models)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from tregflow.strategy.spec import Number, Strict, Text


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
    quadrant: Text | None = None
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
