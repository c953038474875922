"""What the parameters of a scale must be, and how a person would write them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, TypeGuard

import numpy as np

from tregflow.errors import ScaleError

if TYPE_CHECKING:
    from tregflow.transforms.base import Scale

MOST_DECADES = 100.0  # beyond any instrument, and 10**m and its square stay within float64


def parameters(scale: Scale) -> tuple[str, ...]:
    """Return the names of the parameters of `scale`."""
    return tuple(field.name for field in fields(scale))  # type: ignore[arg-type]


def check_numbers(scale: Scale) -> None:
    """Refuse what is no finite number, and store the rest as float: 5 and 5.0 make equal scales of equal hash."""
    for name in parameters(scale):
        value = getattr(scale, name)
        if not is_finite_number(value):
            raise out_of_range(scale, name, "a finite number")
        object.__setattr__(scale, name, float(value))


def is_finite_number(value: object) -> TypeGuard[float]:
    """Tell whether `value` is a real number that fits into a float: no truth value, no text, no NaN or infinity."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a YAML file can hold an integer that no float holds
        return False


def check_top(scale: Scale, name: str) -> None:
    """Refuse a positive intensity so small or large that its products leave float64."""
    check_range(scale, name, (1e-100, ""), (1e100, ""))


def check_decades(scale: Scale, name: str) -> None:
    """Refuse a number of decades that makes no axis."""
    if not 0 < getattr(scale, name) <= MOST_DECADES:
        raise out_of_range(scale, name, f"0 < {name} <= {exact(MOST_DECADES)}")


def check_range(scale: Scale, name: str, low: tuple[float, str], high: tuple[float, str]) -> None:
    """Refuse a value outside its bounds; each bound is a number and, where it depends on others, its formula."""
    if not low[0] <= getattr(scale, name) <= high[0]:
        first, last = (f"{formula} = {exact(bound)}" if formula else exact(bound) for bound, formula in (low, high))
        raise out_of_range(scale, name, f"{name} from {first} to {last}")


def out_of_range(scale: Scale, name: str, expected: str) -> ScaleError:
    """Return the error that names a parameter and its value."""
    return ScaleError(f"{scale.kind}: {name} is {shown(getattr(scale, name))}", code="E_SCALE", expected=expected)


def shown(value: object) -> str:
    """Return how a person would write `value` in a strategy."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {shown(item)}" for key, item in value.items()) + "}"
    if isinstance(value, float):
        return exact(value)
    return repr(value) if isinstance(value, str) else str(value)


def exact(value: float) -> str:
    """Return every digit that matters: rounded, a value just out of range would look as if it were in."""
    return repr(float(value)).removesuffix(".0")
