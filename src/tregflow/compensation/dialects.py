"""``$SPILLOVER`` and ``SPILL`` as they are written: names or numbers of channels, points or commas in the numbers.

A repair is made where one reading is left, and is a finding; where there are two, or none, the matrix is refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from tregflow.compensation.refusals import number, refuse, unknown_channel
from tregflow.fcs.names import shown
from tregflow.fcs.numbers import whole
from tregflow.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tregflow.fcs import Sample

Matrix = tuple[tuple[str, ...], "NDArray[np.float64]", tuple[Finding, ...]]
"""Detectors, (n, n) matrix, findings."""

_WHOLE_PART = re.compile(r"[+-]?\d+")
_FRACTION = re.compile(r"\d+(?:[eE][+-]?\d+)?")
_MOST_COMMAS = 64
"""Commas in the names of a matrix that are searched for; real files have one or two, and the search stays short."""


def parse_spillover(text: str, sample: Sample, source: str) -> Matrix | Finding:
    """Read ``n, n names, n * n numbers`` (FCS 3.1, section 3.2, ``$SPILLOVER``).

    Returns
    -------
    tuple or Finding
        Detectors, matrix and findings; or the finding that there are names but no numbers.

    Raises
    ------
    CompensationError
        ``E_SPILL``.
    """
    first, *rest = (token.strip() for token in text.split(","))
    n = whole(first)
    if n is None or n < 1:
        expected = "n, n names, n * n numbers"
        refuse("the matrix does not begin with the number of its detectors", source, expected, shown(text))
    if len(rest) == n:
        said = "the keyword names channels and holds no numbers: there is no matrix"
        return Finding("spillover-names-only", "info", source, said)
    if len(rest) == n + n * n:
        detectors, findings = _detectors(rest[:n], sample, source)
        return detectors, _square(rest[n:], n, source), findings
    names = _commas_in_names(rest, n, sample)
    numbers = _decimal_commas(rest, n)
    if (names is None) == (numbers is None):
        _refuse_count(n, rest, source)
    if names is not None:
        return _with_names(names, rest[-n * n :], sample, source)
    return _with_numbers(rest[:n], numbers or [], sample, source)


def written_names(sample: Sample) -> list[str]:
    """Return ``$PnN`` as the file has them: two channels may share one, which `Channel.pnn` has told apart."""
    return [sample.keywords.get(f"$P{channel.number}N", channel.pnn).strip() for channel in sample.channels]


def _square(tokens: Sequence[str], n: int, source: str) -> NDArray[np.float64]:
    return np.array([number(token, source) for token in tokens], dtype=np.float64).reshape(n, n)


def _detectors(names: Sequence[str], sample: Sample, source: str) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """Return the ``$PnN`` that a matrix means by its names, or by the numbers of channels in their place."""
    written = written_names(sample)
    numbers = [whole(name) or 0 for name in names]
    by_number = all(0 < each <= len(written) for each in numbers) and not set(names).intersection(written)
    if by_number:
        found = tuple(sample.channels[each - 1].pnn for each in numbers)
        pairs = ", ".join(f"{each} {name}" for each, name in zip(numbers, found, strict=True))
        said = f"the matrix names channels by their number: {pairs}"
        return found, (Finding("spillover-by-number", "info", source, said),)
    return tuple(_by_name(name, written, sample, source) for name in names), ()


def _by_name(name: str, written: Sequence[str], sample: Sample, source: str) -> str:
    if written.count(name) > 1:
        refuse(f"two channels are called {name}, and the matrix does not say which it means", source, "different $PnN")
    if name not in written:
        raise unknown_channel(name, sample, source)
    return sample.channels[written.index(name)].pnn


def _decimal_commas(rest: Sequence[str], n: int) -> list[str] | None:
    """Return the numbers of a writer with decimal commas, two tokens each; None if they cannot be that."""
    wholes, fractions = rest[n::2], rest[n + 1 :: 2]
    if len(rest) != n + 2 * n * n:
        return None
    if not (all(map(_WHOLE_PART.fullmatch, wholes)) and all(map(_FRACTION.fullmatch, fractions))):
        return None
    return [f"{before}.{behind}" for before, behind in zip(wholes, fractions, strict=True)]


def _with_numbers(names: Sequence[str], numbers: Sequence[str], sample: Sample, source: str) -> Matrix:
    detectors, findings = _detectors(names, sample, source)
    said = "the numbers are written with decimal commas: each was put together from two"
    finding = Finding("spillover-decimal-commas", "warning", source, said)
    return detectors, _square(numbers, len(names), source), (*findings, finding)


def _commas_in_names(rest: Sequence[str], n: int, sample: Sample) -> tuple[str, ...] | None:
    """Return the names of a matrix that hold commas themselves; None unless the file's channels allow one reading."""
    tokens = rest[: -n * n]
    if not n < len(tokens) <= n + _MOST_COMMAS:
        return None
    readings = _readings(tokens, n, [name for name in dict.fromkeys(written_names(sample)) if name])
    return readings[0] if len(readings) == 1 else None


def _with_names(names: Sequence[str], numbers: Sequence[str], sample: Sample, source: str) -> Matrix:
    written = written_names(sample)
    detectors = tuple(_by_name(name, written, sample, source) for name in names)
    with_commas = ", ".join(shown(name) for name in names if "," in name)
    said = f"names in the matrix hold commas; one reading fits the channels of the file: {with_commas}"
    finding = Finding("spillover-commas-in-names", "warning", source, said)
    return detectors, _square(numbers, len(names), source), (finding,)


def _readings(tokens: Sequence[str], n: int, names: Sequence[str]) -> list[tuple[str, ...]]:
    """Return up to two ways to read `tokens` as n of `names`, whose parts commas part."""
    spelled = {name: tuple(part.strip() for part in name.split(",")) for name in names}
    # By tokens read and names found; never more than two ways are kept, so that the search cannot explode.
    ways: list[dict[int, list[tuple[str, ...]]]] = [{} for _ in range(len(tokens) + 1)]
    ways[0][0] = [()]
    for start in range(len(tokens)):
        for name, parts in spelled.items():
            stop = start + len(parts)
            if tuple(tokens[start:stop]) == parts:
                for count, before in ways[start].items():
                    longer = [*ways[stop].get(count + 1, []), *((*way, name) for way in before)]
                    ways[stop][count + 1] = longer[:2]
    return ways[-1].get(n, [])


def _refuse_count(n: int, rest: Sequence[str], source: str) -> NoReturn:
    found = len(rest)
    problem = "the matrix is too short" if found < n + n * n else "the matrix has surplus numbers"
    numbers = max(found - n, 0)
    refuse(problem, source, f"{n} names and {n * n} numbers", f"{min(found, n)} names and {numbers} numbers")
