"""What is only found once somebody asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tregflow.gates import Mask


class Later(Mapping[str, "Mask"]):
    """Masks that are found when the first of them is looked at.

    Parameters
    ----------
    find : callable
        Finds them.
    """

    def __init__(self, find: Callable[[], Mapping[str, Mask]]) -> None:
        self._find = find

    @cached_property
    def _found(self) -> Mapping[str, Mask]:
        return self._find()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the masks, found by then."""
        return dict, (dict(self),)

    def __getitem__(self, population: str) -> Mask:
        """Return the mask of a population."""
        return self._found[population]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the populations."""
        return iter(self._found)

    def __len__(self) -> int:
        """Return the number of populations."""
        return len(self._found)
