"""The gate tree: read from YAML, departed from by overrides, applied to samples."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tregflow._files import sha256_bytes, sha256_file, write_whole
from tregflow._yaml import Document, dump, parse, plain, read_text, suggest
from tregflow.errors import StrategyError
from tregflow.few_events import FewEvents
from tregflow.populations import ROOT
from tregflow.strategy import overrides as _overrides
from tregflow.strategy.build import build_gate
from tregflow.strategy.check import checked_spec
from tregflow.strategy.engines import Way
from tregflow.strategy.fmo import Control, FmoPlace, FmoThreshold, fmo_places, fmo_threshold, gate_with
from tregflow.strategy.matrix import CompensationSetting, Known, find_matrix, matrix_files, read_matrices
from tregflow.strategy.overrides import OVERRIDES_FILE, Override, checked_overrides, load_overrides, overrides_text
from tregflow.strategy.tree import evaluation_order, holders, needs, part_of, split_ratio

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence
    from os import PathLike

    from tregflow.compensation import Spillover
    from tregflow.errors import TregflowError
    from tregflow.fcs import Sample
    from tregflow.findings import Finding
    from tregflow.gates import Gate
    from tregflow.populations import Gated
    from tregflow.strategy.engines import Engine
    from tregflow.strategy.matrix import Matrix
    from tregflow.strategy.spec import StrategySpec

__all__ = ["Control", "FmoPlace", "FmoThreshold", "Override", "Strategy", "fmo_places", "fmo_threshold", "shipped"]


_OF_OTHERS = (".wsp", ".xml", ".gatingml")
_REMEMBERED = 16
"""Combinations of overrides of which the strategy that they make is kept."""


@dataclass(frozen=True, slots=True)
class Applied:
    """A strategy for one sample: overrides in; gates that cannot be evaluated, with the reason; what to record."""

    strategy: Strategy
    missing: dict[str, str]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, eq=False)
class Strategy:
    """A strategy file, version 1, checked; with the overrides that may apply to its samples.

    Attributes
    ----------
    spec : StrategySpec
        The checked content.
    data : mapping
        The same as plain data, as written.
    source : str
        File name, or ``treg (shipped)``.
    sha256 : str
        Of the file that it was read from; of the text where there is none.
    folder : Path or None
        Where relative paths of matrices start.
    overrides : tuple of Override
        Departures by batch and sample.
    matrices : mapping of str to Spillover
        CSV matrices that were read beforehand, by the name that `compensation` gives them (see `with_matrices`).
    singles : mapping of str to (Spillover or TregflowError)
        For ``compensation: singles``: batch -> the matrix of its single-stained controls, or why there is none.

    Examples
    --------
    >>> Strategy.load("treg").ratios["Treg_of_CD4"]
    ('Treg', 'CD4+')
    """

    spec: StrategySpec
    data: Mapping[str, Any]
    source: str
    sha256: str
    folder: Path | None = None
    overrides: tuple[Override, ...] = ()
    matrices: Mapping[str, Spillover] = field(default_factory=dict)
    singles: Mapping[str, Spillover | TregflowError] = field(default_factory=dict)

    @classmethod
    def load(cls, source: str | PathLike[str], *, overrides: str | PathLike[str] | None = None) -> Strategy:
        """Read a strategy: a file, or the name of a shipped template (``treg``, ``treg-surface``, ``treg-no127``).

        Parameters
        ----------
        source : str or path
            The file, or the shipped name.
        overrides : path, optional
            The overrides file. None: the template alone, whatever lies beside it; a study takes its overrides.yaml.

        Raises
        ------
        StrategyError
            No such file or template (``E_STRATEGY_FILE``), or faults in it, listed with their lines (``E_STRATEGY``).
        """
        path = Path(source)
        if isinstance(source, str) and path.suffix == "" and not path.is_file():
            strategy = cls._shipped(source)
        else:
            strategy = cls._read(path)
        if overrides is None:
            return strategy
        return replace(strategy, overrides=load_overrides(Path(overrides), strategy.spec))

    @classmethod
    def _read(cls, path: Path) -> Strategy:
        if path.suffix.casefold() in _OF_OTHERS:
            raise StrategyError(
                "a file of another program",
                code="E_STRATEGY_FILE",
                file=path.name,
                expected="a strategy in YAML",
                remedy=f"tregflow convert {path} strategy.yaml",
            )
        remedy = f"a path of a YAML file, or a shipped name: {', '.join(shipped())}"
        text = read_text(path, StrategyError, "E_STRATEGY_FILE", remedy)
        # The hash is that of the bytes, as other programs see them: line ends and marks of order included.
        return replace(cls.loads(text, name=path.name), sha256=sha256_file(path), folder=path.resolve().parent)

    @classmethod
    def _shipped(cls, name: str) -> Strategy:
        if name not in shipped():
            raise StrategyError(
                f"no file and no shipped strategy is called '{name}'{suggest(name, shipped())}",
                code="E_STRATEGY_FILE",
                available=shipped(),
            )
        return cls.loads(shipped_text(name), name=f"{name} (shipped)")

    @classmethod
    def loads(cls, text: str, *, name: str = "strategy") -> Strategy:
        """Read a strategy from YAML text; `name` stands in messages."""
        document = parse(text, name, StrategyError, "E_STRATEGY")
        return cls(checked_spec(document), document.data, name, sha256_bytes(text.encode()))

    @classmethod
    def from_data(cls, data: dict[str, Any], *, name: str, overrides: Sequence[dict[str, Any]] = ()) -> Strategy:
        """Return a strategy from plain data, as other programs' files become one.

        Parameters
        ----------
        data : dict
            What a strategy file holds.
        name : str
            What messages call it.
        overrides : sequence of dict
            What an overrides file holds under ``overrides``.

        Raises
        ------
        StrategyError
            The data have faults (``E_STRATEGY``), or the overrides (``E_OVERRIDES``).
        """
        own = plain(data)
        strategy = cls(checked_spec(Document(name, "", own, None)), own, name, sha256_bytes(dump(own).encode()))
        rules = Document(f"{name}: overrides", "", plain({"tregflow": 1, "overrides": list(overrides)}), None)
        return replace(strategy, overrides=checked_overrides(rules, strategy.spec))

    @classmethod
    def from_gatingml(cls, path: str | PathLike[str], *, partial: bool = False) -> Strategy:
        """Return the strategy of a Gating-ML 2.0 file; see `tregflow.interop.gatingml.read_gatingml`.

        Raises
        ------
        InteropError
            The file is broken, or, unless `partial`, something in it cannot be taken over (``E_LEFT_OUT``).
        """
        from tregflow.interop.gatingml import read_gatingml

        return read_gatingml(path, partial=partial).strategy

    @classmethod
    def from_wsp(cls, path: str | PathLike[str], *, sample: str | None = None, partial: bool = False) -> Strategy:
        """Return the strategy of a FlowJo workspace, with the departures of its samples as overrides.

        Parameters
        ----------
        path : path
            A ``.wsp`` file of FlowJo 10.
        sample : str, optional
            The sample whose gates are wanted; default: all of them.
        partial : bool
            Whether to go on without what cannot be taken over. `tregflow.interop.flowjo.import_workspace` lists it.

        Raises
        ------
        InteropError
            The file is broken, or, unless `partial`, something in it cannot be taken over (``E_LEFT_OUT``).
        """
        from tregflow.interop.flowjo import import_workspace

        return import_workspace(path, samples=None if sample is None else [sample], partial=partial).strategy

    def __repr__(self) -> str:
        """Return name, source and size in one line; `to_yaml` shows the whole."""
        return f"<Strategy {self.spec.name}: {len(self.spec.gates)} gates, from {self.source}>"

    def to_yaml(self) -> str:
        """Return the strategy as YAML text; comments of a file it was read from are not kept."""
        return dump(dict(self.data))

    def overrides_yaml(self) -> str:
        """Return the overrides as the text of an overrides file, a rule below the other."""
        return overrides_text(self.overrides)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the strategy as a YAML file, whole or not at all; its overrides, where it has some, as overrides.yaml.

        They go beside it, where a study looks for them; `load` takes them by name alone, since they are a study's.

        Raises
        ------
        StrategyError
            ``E_EXISTS``: the strategy has overrides, and others lie there already. Nothing is written.
        """
        beside = Path(path).parent / OVERRIDES_FILE
        if self.overrides and beside.exists():
            self._refuse_others(beside)
        elif self.overrides:
            write_whole(beside, self.overrides_yaml().encode())
        write_whole(Path(path), self.to_yaml().encode())

    def _refuse_others(self, beside: Path) -> None:
        try:
            same = load_overrides(beside, self.spec) == self.overrides
        except StrategyError:
            same = False
        if not same:
            raise StrategyError(
                "is there already, and holds other overrides than the strategy's",
                code="E_EXISTS",
                file=str(beside),
                remedy="save the strategy into a folder of its own",
            )

    @cached_property
    def order(self) -> tuple[str, ...]:
        """Ids of the gates, each after its parent and operands."""
        return evaluation_order(self.spec)

    @cached_property
    def ratios(self) -> dict[str, tuple[str, str]]:
        """Name of each reported frequency -> (numerator, denominator)."""
        known = {ROOT, *self.spec.gates}
        pairs = {name: split_ratio(text, known) for name, text in self.spec.report.items()}
        return {name: pair for name, pair in pairs.items() if pair is not None}

    @cached_property
    def axes(self) -> tuple[str, ...]:
        """Every marker or channel that a gate or an MFI looks at, in order of the file."""
        gated = [axis for gate in self.spec.gates.values() for axis in gate.axes]
        return tuple(dict.fromkeys([*gated, *(axis for axes in self.spec.mfi.values() for axis in axes)]))

    def parent(self, population: str) -> str:
        """Return the parent of a population; `root` for a gate that names none."""
        return self.spec.gates[population].parent or ROOT

    def ancestors(self, population: str) -> tuple[str, ...]:
        """Return parent, grandparent and so on, up to and with `root`."""
        found = []
        while population != ROOT:
            population = self.parent(population)
            found.append(population)
        return tuple(found)

    def needs(self, population: str) -> tuple[str, ...]:
        """Return the populations that must be known before this one: its parent and its operands."""
        return needs(self.spec.gates[population])

    def nested(self, inner: str, outer: str) -> bool:
        """Tell whether every event of `inner` is in `outer` by construction, whatever the data."""
        return outer in self._holders[inner]

    @cached_property
    def _holders(self) -> dict[str, frozenset[str]]:
        """Population -> the populations that hold every event of it by construction, itself among them."""
        return holders(self.spec)

    def build(self, gate_id: str) -> Gate:
        """Return a gate ready to be evaluated; its thresholds must be numbers (see `gate`)."""
        if gate_id not in self._built:
            self._built[gate_id] = build_gate(self.spec, gate_id)
        return self._built[gate_id]

    @cached_property
    def _built(self) -> dict[str, Gate]:
        """Gates that were built already: they follow from the content, which does not change."""
        return {}

    def only(self, population: str, *axes: str) -> Strategy:
        """Return the part of the strategy that a population needs, without report and overrides; `axes` resolvable."""
        spec = part_of(self.spec, population, axes)
        kept = {"gates": _among(self.data["gates"], spec.gates), "scales": spec.scales}
        kept["quadrants"] = _among(self.data.get("quadrants", {}), spec.quadrants)
        data = {**self.data, **kept, "report": {}, "mfi": {ROOT: list(axes)}}
        return replace(self, spec=spec, data=data, overrides=())

    def applied(self, *, id: str | None = None, batch: str | None = None) -> Applied:  # noqa: A002
        """Return the strategy for one sample: batch and sample overrides in, in that order.

        Raises
        ------
        StrategyError
            An override needs a batch or an id that was not given (``E_CONTEXT``), or its outcome is no right strategy.
        """
        rules = _overrides.choose(self.overrides, sample=id, batch=batch, file=self.source)
        if not rules:
            return Applied(self._bare, {}, ())
        listed = tuple(rule.id for rule in rules)
        known = self._applied.get(listed)
        if known is None:
            data, absent = _overrides.apply(self.data, rules)
            changed = self.revised(data, name=f"{self.source} with overrides {', '.join(listed)}")
            missing = dict.fromkeys(absent, "declared absent by an override")
            known = Applied(changed, missing, tuple(rule.finding() for rule in rules))
            if len(self._applied) >= _REMEMBERED:
                self._applied.clear()
            self._applied[listed] = known
        return known

    @cached_property
    def _bare(self) -> Strategy:
        return replace(self, overrides=()) if self.overrides else self

    @cached_property
    def _applied(self) -> dict[tuple[str, ...], Applied]:
        """What overrides made of the strategy: those of a batch are asked for again and again."""
        return {}

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs: what was derived here is derived there if it is wanted."""
        return {entry.name: getattr(self, entry.name) for entry in fields(self)}

    def revised(self, data: dict[str, Any], *, name: str) -> Strategy:
        """Return the strategy with other content and no overrides; `name` stands in messages.

        Raises
        ------
        StrategyError
            The content has faults (``E_STRATEGY``).
        """
        spec = checked_spec(Document(name, "", data, None))
        return replace(self, spec=spec, data=data, source=name, overrides=())

    def with_compensation(self, setting: CompensationSetting) -> Strategy:
        """Return the strategy with another source of the matrix: a study's own setting wins over the template's."""
        written = setting if isinstance(setting, str) else setting.model_dump()
        spec = self.spec.model_copy(update={"compensation": setting})
        return replace(self, spec=spec, data={**self.data, "compensation": written}, matrices={})

    def with_counts(self, counts: Literal["exact", "flowjo"]) -> Strategy:
        """Return the strategy with events counted exactly, or on FlowJo's grid to reproduce FlowJo's own counts."""
        spec = self.spec.model_copy(update={"counts": counts})
        return replace(self, spec=spec, data={**self.data, "counts": counts})

    def with_matrices(self) -> Strategy:
        """Return the strategy with every CSV matrix that it names read: a file that changes later changes nothing."""
        return replace(self, matrices=read_matrices(self.matrix_files, self.known))

    @property
    def matrix_files(self) -> tuple[str, ...]:
        """The CSV files that `compensation` names, here and in the overrides."""
        settings = [self.spec.compensation, *_overrides.settings(self.overrides)]
        return tuple(dict.fromkeys(name for each in settings for name in matrix_files(each, self.spec.matrices)))

    @property
    def known(self) -> Known:
        """What a `compensation` can name."""
        return Known(self.source, self.spec.matrices, self.matrices, self.folder, self.singles)

    def spillover(self, sample: Sample, *, batch: str | None = None) -> Matrix | None:
        """Return the matrix that the strategy's `compensation` names for a sample; None for ``none``."""
        return find_matrix(self.spec.compensation, sample, batch=batch, known=self.known)

    def gate(  # noqa: PLR0913 - all by name
        self,
        sample: Sample,
        *,
        id: str | None = None,  # noqa: A002 - the word of the sample sheet
        batch: str | None = None,
        controls: Mapping[str, Sample | Control] | None = None,
        thresholds: Mapping[FmoPlace, FmoThreshold] | None = None,
        spillover: Matrix | None = None,
        few_events: FewEvents | None = None,
        engine: Engine = "fused",
        threads: int = 1,
        masks: bool = True,
    ) -> Gated:
        """Gate a sample.

        Parameters
        ----------
        sample : Sample
            Read with the channels that the strategy needs, or whole.
        id, batch : str, optional
            Sample id and batch, by which overrides are chosen; needed where the overrides ask for them.
        controls : mapping of str to Sample, optional
            FMO controls of the batch by marker: ``{"FoxP3": read_fcs("fmo.fcs")}``.
        thresholds : mapping of FmoPlace to FmoThreshold, optional
            Thresholds computed beforehand by `fmo_threshold`; places that it lacks are computed from `controls`.
        spillover : Spillover or Unmixing, optional
            A matrix instead of the one that the strategy's `compensation` names, for sample and controls.
        few_events : FewEvents, optional
            Limits for few events; defaults as in the documentation.
        engine : {"fused", "reference"}
            fused: one pass over the events. reference: whole columns in float64, gate by gate. Both come to the same.
        threads : int
            Threads of the fused engine, each for a range of the events.
        masks : bool
            Whether the fused engine keeps who is in which population. Without, a second pass finds it when asked for.

        Raises
        ------
        PanelError
            A marker has no channel or two.
        CompensationError
            The matrix is missing, broken, or would be applied twice.
        StrategyError
            An override needs an id or batch that was not given; ``E_ENGINE``: no such engine.
        FcsError
            The sample, or a control, was read in lenient mode (``E_LENIENT``).
        """
        way = Way(engine, threads, masks)
        applied = self.applied(id=id, batch=batch)
        named = _named(controls or {})
        for each in (sample, *(control.sample for control in named.values())):
            each.refuse_lenient()
        found = {
            place: (thresholds or {}).get(place) or fmo_threshold(self, place, named, batch=batch, spillover=spillover)
            for place in fmo_places(applied.strategy, applied.missing)
        }
        limits = few_events or FewEvents()
        return gate_with(applied, found, sample, spillover=spillover, id=id, batch=batch, few_events=limits, way=way)

    def regated(self, gated: Gated, gate: str, keys: Mapping[str, Any], *, threads: int) -> Gated:
        """Return a sample that was gated by this strategy, gated again with other keys for one gate.

        See `Gated.update`.
        """
        from tregflow.strategy.update import changed, updated

        after = changed(self, gate, keys, gated.missing)
        return updated(gated, Applied(after, dict(gated.missing), ()), gate, threads=Way(threads=threads).threads)


def _among(entries: Mapping[str, Any], names: Container[str]) -> dict[str, Any]:
    return {name: entry for name, entry in entries.items() if name in names}


def _named(controls: Mapping[str, Sample | Control]) -> dict[str, Control]:
    """Give controls that come without an id the name of their file as id."""
    return {
        name: entry if isinstance(entry, Control) else Control(entry.file, entry) for name, entry in controls.items()
    }


def shipped() -> tuple[str, ...]:
    """Return the names of the templates that come with tregflow."""
    files = (resources.files("tregflow") / "strategies").iterdir()
    return tuple(sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml")))


def shipped_text(name: str) -> str:
    """Return the YAML text of a template."""
    return (resources.files("tregflow") / "strategies" / f"{name}.yaml").read_text(encoding="utf-8")
