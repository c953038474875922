"""What gating one file gave: plain data that crosses processes, and is kept so that an interrupted run resumes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from tregflow._files import sha256_bytes, write_whole
from tregflow._yaml import dump
from tregflow.findings import Finding
from tregflow.populations import Frequency, Mfi, Population

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tregflow.populations import Gated

FAILED, REVIEW, OK = "failed", "review", "ok"


def one_line(text: str) -> str:
    """Return the parts of an error's message in one line, as a cell of a table holds them."""
    return "; ".join(" ".join(line.split()) for line in text.splitlines())


@lru_cache(maxsize=16)
def _yaml(data: str) -> str:
    """Return the YAML of a strategy's data, given as JSON: most samples of a study have the same."""
    return dump(json.loads(data))


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one sample.

    Attributes
    ----------
    sample : str
        Id in the sample sheet.
    key : str
        Hash of everything that the result depends on: an outcome with the same key need not be computed again.
    sha256 : str
        Of the FCS file; empty where it could not be read.
    populations, frequencies, mfi : tuple
        Rows of the tables; empty where the sample failed.
    findings : tuple of Finding
        What was noticed; of severity ``error`` where the sample failed.
    channels : mapping of str to str
        Marker -> ``$PnN`` of the channel that was used.
    gates : str
        The strategy as applied, YAML; empty where the sample failed.
    """

    sample: str
    key: str
    sha256: str = ""
    populations: tuple[Population, ...] = ()
    frequencies: tuple[Frequency, ...] = ()
    mfi: tuple[Mfi, ...] = ()
    findings: tuple[Finding, ...] = ()
    channels: Mapping[str, str] = field(default_factory=dict)
    gates: str = ""

    @property
    def status(self) -> str:
        """``failed``, ``review`` or ``ok``: the gravest of the findings."""
        grades = {finding.severity for finding in self.findings}
        return FAILED if "error" in grades else REVIEW if "review" in grades else OK

    @classmethod
    def of(cls, gated: Gated, *, sample: str, key: str, extra: tuple[Finding, ...] = ()) -> Outcome:
        """Return the outcome of a sample that was gated."""
        return cls(
            sample=sample,
            key=key,
            sha256=gated.sample.sha256 or "",
            populations=gated.populations,
            frequencies=gated.ratios,
            mfi=gated.medians,
            findings=(*gated.findings, *gated.few_event_findings(), *extra),
            channels={axis: source.label for axis, source in gated.sources.items()},
            gates=_yaml(json.dumps(dict(gated.strategy.data))),
        )

    @classmethod
    def failure(cls, *, sample: str, code: str, where: str, text: str, sha256: str = "") -> Outcome:
        """Return the outcome of a sample that could not be gated: no population of it gets a number."""
        return cls(sample=sample, key="", sha256=sha256, findings=(Finding(code, "error", where, one_line(text)),))

    def save(self, path: Path) -> None:
        """Keep the outcome as JSON behind the hash of it, whole or not at all."""
        content = json.dumps(asdict(self)).encode()
        write_whole(path, sha256_bytes(content).encode() + b"\n" + content)

    @classmethod
    def load(cls, path: Path) -> Outcome | None:
        """Return a kept outcome; None where there is none, or it was damaged or edited: then it is computed again."""
        try:
            sha256, _, content = path.read_bytes().partition(b"\n")
            if sha256_bytes(content).encode() != sha256:
                return None
            data = json.loads(content)
            return cls(
                sample=data["sample"],
                key=data["key"],
                sha256=data["sha256"],
                channels=data["channels"],
                gates=data["gates"],
                populations=tuple(Population(**row) for row in data["populations"]),
                frequencies=tuple(Frequency(**{**row, "flags": tuple(row["flags"])}) for row in data["frequencies"]),
                mfi=tuple(Mfi(**row) for row in data["mfi"]),
                findings=tuple(Finding(**row) for row in data["findings"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None
