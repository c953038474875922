"""Mutated FCS files through the reader: typed errors alone, quickly, in little memory, and no silent change of a value.

Each input is a real file (cut down) or a simulated one, damaged in one way or several, and read as users read it: the
header alone, all channels, its spillover matrix, the page of ``tregflow inspect``. Input i of a seed is always the
same: ``--seed S --input I`` runs it alone, in this process, with the whole traceback.

A change is silent where HEADER or TEXT was touched, DATA was not, the file is accepted, values (by position, linear),
number of events or channel names are others than before, and no finding says anything that was not said before. Where
an independent validator finds no fault that the file did not have before, and an independent decoder reads the same
values from it, out of the same bytes, the mutated file is valid in its own right, and the change is counted as valid.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import io
import multiprocessing
import os
import random
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from multiprocessing import connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import arguments, head, table, write

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from fcs_decoder import Decoded
    from fcs_files import Base
    from tregflow.fcs import Sample

SLOW = 2.0
KILLED = 15.0
"""Seconds after which an input is given up."""
SLACK = 64 << 20
HARD_LIMIT = 1 << 30
"""Bytes that a worker may claim, touched or not: beyond, allocation fails and the input counts as untyped."""
CHUNK = 50
N_EVENTS = 60
_OF_VALUES = ("bits-masked", "not-finite")
"""Findings that count values, and say nothing of HEADER and TEXT when the count differs."""


@dataclass
class Outcome:
    """What became of one input."""

    index: int
    base: str
    mutation: str
    kind: str
    """typed, accepted, unchanged, reported, valid, silent, untyped."""
    code: str = ""
    seconds: float = 0.0
    growth: int = 0
    size: int = 0
    detail: str = ""

    @property
    def limit(self) -> int:
        """Bytes of anonymous memory that reading may take."""
        return 4 * self.size + SLACK


@dataclass
class Corpus:
    """The files that are mutated, and what they hold unharmed."""

    bases: list[Base]
    read: dict[str, Sample | None] = field(default_factory=dict)


def main() -> None:
    """Run, print, write."""
    given = arguments((__doc__ or "").partition("\n")[0], _options)
    given.inputs = given.inputs or (12_000 if given.quick else 200_000)
    if given.input is not None:
        alone(given)
        return
    started = time.perf_counter()
    outcomes = run(given.data, given.seed, given.inputs, given.jobs)
    seconds = time.perf_counter() - started
    result = summary(outcomes, seconds, given.seed)
    report(outcomes, result)
    write({**head("robustness", ("numpy",)), **result}, given.json)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--inputs", type=int, help="number of inputs (default 200,000; 12,000 with --quick)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--input", type=int, help="run this input alone, and show what happens")
    parser.add_argument("--save", type=Path, help="with --input: write its bytes here")


def corpus(data: Path, seed: int) -> Corpus:
    """Build the files and read them unharmed."""
    from fcs_files import real_files, simulated_files
    from tregflow.errors import TregflowError
    from tregflow.fcs import read_fcs

    found = Corpus(real_files(data, N_EVENTS) + simulated_files(seed))
    for base in found.bases:
        try:
            found.read[base.name] = read_fcs(io.BytesIO(base.blob), dataset=base.dataset)
        except TregflowError:
            found.read[base.name] = None
    return found


def made(found: Corpus, seed: int, index: int) -> tuple[Base, str, bool, bytes]:
    """Return input `index`: its file, the class of its mutation, whether HEADER and TEXT alone were hit, its bytes."""
    from mutations import damaged

    rng = random.Random(f"{seed}:{index}")
    base, other = rng.choice(found.bases), rng.choice(found.bases)
    return base, *damaged(rng, base, other.blob)


# ------------------------------------------------------------------------------------------------------ one input


def attempt(found: Corpus, seed: int, index: int, path: Path) -> Outcome:
    """Write an input, read it, and say what became of it."""
    from tregflow.errors import TregflowError

    base, mutation, only_head, blob = made(found, seed, index)
    path.write_bytes(blob)
    outcome = Outcome(index, base.name, mutation, "accepted", size=len(blob))
    sample = None
    before = _begin_memory()
    started = time.perf_counter()
    try:
        sample = use(path, base.dataset)
    except TregflowError as error:
        outcome.kind, outcome.code = "typed", error.code
    except Exception as error:  # noqa: BLE001 - what this benchmark is for
        outcome.kind, outcome.code = "untyped", type(error).__name__
        outcome.detail = traceback.format_exc(limit=-4)
    outcome.seconds = time.perf_counter() - started
    outcome.growth = _peak_memory() - before
    reference = found.read[base.name]
    if sample is not None and only_head and reference is not None:
        outcome.kind, outcome.detail = verdict(sample, reference, blob, base)
    return outcome


def use(path: Path, dataset: int | None) -> Sample:
    """Read a file in the ways users do."""
    from tregflow.compensation import Spillover
    from tregflow.errors import TregflowError
    from tregflow.fcs import read_fcs
    from tregflow.inspection import describe, page

    describe(read_fcs(path, dataset=dataset, channels=()))
    sample = read_fcs(path, dataset=dataset)
    for name in sample.names:
        sample.values(name)
    with contextlib.suppress(TregflowError):  # the events can be read all the same
        Spillover.from_sample(sample)
    page(sample)
    return sample


def verdict(sample: Sample, reference: Sample, blob: bytes, base: Base) -> tuple[str, str]:
    """Say whether a sample is as before; and if not, whether anybody was told, or whether the file is valid."""
    changed = _difference(sample, reference)
    if not changed:
        return "unchanged", ""
    if _said(sample) - _said(reference):
        return "reported", changed
    problem = _invalid(sample, blob, base)
    return ("silent", f"{changed}; {problem}") if problem else ("valid", changed)


def _difference(sample: Sample, reference: Sample) -> str:
    import numpy as np

    if sample.n_events != reference.n_events:
        return f"{reference.n_events} events became {sample.n_events}"
    if sample.names != reference.names:
        return "other channel names"
    for name in sample.names:
        if not np.array_equal(sample.values(name), reference.values(name), equal_nan=True):
            return f"other values in {name!r}"
    return ""


def _said(sample: Sample) -> set[tuple[str, str, str]]:
    return {(each.code, each.where, "" if each.code in _OF_VALUES else each.text) for each in sample.findings}


def _invalid(sample: Sample, blob: bytes, base: Base) -> str:
    """Return what is wrong with a mutated file, empty if it is as valid as before and holds what was read."""
    from fcs_decoder import Unreadable, data_sets, decode, equal, faults

    try:
        before, after = (data_sets(each)[sample.dataset - 1] for each in (base.blob, blob))
        old, new = decode(before), decode(after)
    except (Unreadable, IndexError) as error:
        return f"no consistent layout explains it ({error})"
    if _bytes_of_data(old) != _bytes_of_data(new):
        return "other bytes are read as DATA"
    added = faults(new.file, new) - faults(old.file, old)
    if added:
        return f"the file is not valid: {', '.join(sorted(added))}"
    same = sample.n_events == new.n_events and len(sample.names) == len(new.columns)
    if not same or not all(equal(sample.values(n), there) for n, there in zip(sample.names, new.linear, strict=True)):
        return "the decoder reads other values"
    return ""


def _bytes_of_data(decoded: Decoded) -> bytes:
    begin, stop = decoded.data
    return decoded.file.blob[begin:stop]


# ---------------------------------------------------------------------------------------------------------- memory

_HEAP: dict[str, int] = {}


def _begin_memory() -> int:
    """Reset the peak, and return what is resident now; freed memory that the heap keeps is given back first."""
    resident = _status(b"VmRSS")
    if resident > _HEAP.setdefault("floor", resident) + (8 << 20):
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
        resident = _status(b"VmRSS")
        _HEAP["floor"] = resident
    Path("/proc/self/clear_refs").write_bytes(b"5")
    return resident


def _peak_memory() -> int:
    """Return the peak of resident memory; it counts mapped pages of the input as well, so that it errs upwards."""
    return _status(b"VmHWM")


def _status(key: bytes) -> int:
    with Path("/proc/self/status").open("rb") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key))


# --------------------------------------------------------------------------------------------------------- workers


def run(data: Path, seed: int, inputs: int, jobs: int) -> list[Outcome]:
    """Run all inputs in processes of their own; one that dies or hangs is replaced, and its input counted."""
    chunks = [list(range(start, min(start + CHUNK, inputs))) for start in range(0, inputs, CHUNK)][::-1]
    workers = [Worker(data, seed) for _ in range(jobs)]
    outcomes: list[Outcome] = []
    told = time.perf_counter()
    while chunks or any(worker.chunk for worker in workers):
        for worker in workers:
            if not worker.chunk and chunks:
                worker.give(chunks.pop())
        ready = connection.wait([worker.pipe for worker in workers if worker.chunk], timeout=0.5)
        for place, worker in enumerate(workers):
            if worker.pipe in ready and (results := worker.take()) is not None:
                outcomes += results
            elif worker.chunk and worker.is_lost():
                outcomes.append(worker.epitaph())
                chunks.append([index for index in worker.chunk if index != outcomes[-1].index])
                worker.end()
                workers[place] = Worker(data, seed)
        if time.perf_counter() - told > 20 and sys.stderr.isatty():
            told = time.perf_counter()
            print(f"{len(outcomes)} of {inputs}", file=sys.stderr)
    for worker in workers:
        worker.end()
    return sorted(outcomes, key=lambda each: each.index)


class Worker:
    """A process that runs chunks of inputs, and says which one it is at."""

    def __init__(self, data: Path, seed: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.current = context.Array("d", [-1.0, time.time()], lock=False)
        self.process = context.Process(target=work, args=(theirs, self.current, data, seed), daemon=True)
        self.process.start()
        theirs.close()
        self.chunk: list[int] = []

    def give(self, chunk: list[int]) -> None:
        """Hand over a chunk."""
        self.chunk = chunk
        self.current[1] = time.time() + 60  # a new process first builds its files
        self.pipe.send(chunk)

    def take(self) -> list[Outcome] | None:
        """Return the outcomes of the chunk, None if the process died instead."""
        try:
            results: list[Outcome] = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            return None
        self.chunk = []
        return results

    def is_lost(self) -> bool:
        """Tell whether the process died, or has been at one input for too long."""
        return not self.process.is_alive() or time.time() - self.current[1] > KILLED

    def epitaph(self) -> Outcome:
        """Return what is known of the input at which the process was lost."""
        index = int(self.current[0]) if self.current[0] in self.chunk else self.chunk[0]
        code = "killed: too slow" if self.process.is_alive() else f"died: exit code {self.process.exitcode}"
        return Outcome(index, "", "?", "untyped", code, time.time() - self.current[1])

    def end(self) -> None:
        """Stop the process."""
        self.process.kill()
        self.process.join()


def work(pipe: connection.Connection, current: Any, data: Path, seed: int) -> None:
    """Run chunks until the parent is gone."""
    found = corpus(data, seed)
    attempt_all(found, seed, range(-20, 0))  # imports and first calls are no input's fault
    claimed = _status(b"VmData")
    resource.setrlimit(resource.RLIMIT_DATA, (claimed + HARD_LIMIT, claimed + HARD_LIMIT))
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        while True:
            try:
                chunk = pipe.recv()
            except EOFError:
                return
            pipe.send(list(_outcomes(found, seed, chunk, Path(folder), current)))


def attempt_all(found: Corpus, seed: int, indices: range) -> None:
    """Run inputs whose outcomes nobody wants."""
    with tempfile.TemporaryDirectory() as folder:
        for index in indices:
            attempt(found, seed, index, Path(folder) / "a.fcs")


def _outcomes(found: Corpus, seed: int, chunk: list[int], folder: Path, current: Any) -> Iterator[Outcome]:
    for index in chunk:
        current[0], current[1] = index, time.time()
        yield attempt(found, seed, index, folder / "a.fcs")


def alone(given: argparse.Namespace) -> None:
    """Run one input and show it."""
    found = corpus(given.data, given.seed)
    base, mutation, only_head, blob = made(found, given.seed, given.input)
    if given.save:
        given.save.write_bytes(blob)
    attempt_all(found, given.seed, range(-20, 0))
    with tempfile.TemporaryDirectory() as folder:
        outcome = attempt(found, given.seed, given.input, Path(folder) / "a.fcs")
    print(f"{base.name}: {mutation}, {'HEADER and TEXT only' if only_head else 'any bytes'}, {len(blob)} bytes")
    print(f"{outcome.kind} {outcome.code} in {outcome.seconds:.3f} s, {outcome.growth / 2**20:.1f} MiB")
    print(outcome.detail)


# ---------------------------------------------------------------------------------------------------------- report


def summary(outcomes: list[Outcome], seconds: float, seed: int) -> dict[str, Any]:
    """Return the figures."""
    kinds = Counter(each.kind for each in outcomes)
    slow = [each for each in outcomes if each.seconds > SLOW]
    over = [each for each in outcomes if each.growth > each.limit]
    return {
        "inputs": len(outcomes),
        "typed_errors": kinds["typed"],
        "accepted": len(outcomes) - kinds["typed"] - kinds["untyped"],
        "untyped": [shown(each) for each in outcomes if each.kind == "untyped"],
        "slow": [shown(each) for each in slow],
        "over_memory": [shown(each) for each in over],
        "silent_changes": [shown(each) for each in outcomes if each.kind == "silent"],
        "seconds": round(seconds, 1),
        "seed": seed,
        "inputs_per_second": round(len(outcomes) / seconds, 1),
        "head_only": {kind: kinds[kind] for kind in ("unchanged", "reported", "valid", "silent")},
        "valid_changes": kinds["valid"],
        "worst_seconds": round(max(each.seconds for each in outcomes), 3),
        "worst_memory_mb": round(max(each.growth for each in outcomes) / 2**20, 1),
        "worst_memory_share": round(max(each.growth / each.limit for each in outcomes), 3),
        "codes": dict(Counter(each.code for each in outcomes if each.kind == "typed").most_common()),
        "mutations": {name: dict(Counter(e.kind for e in group)) for name, group in by_mutation(outcomes).items()},
    }


def shown(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome for the result file: `index` and the seed run it again."""
    return {
        "index": outcome.index,
        "base": outcome.base,
        "mutation": outcome.mutation,
        "code": outcome.code,
        "seconds": round(outcome.seconds, 3),
        "memory_mb": round(outcome.growth / 2**20, 1),
        "size": outcome.size,
        "detail": outcome.detail[-1_500:],
    }


def by_mutation(outcomes: list[Outcome]) -> dict[str, list[Outcome]]:
    """Group outcomes."""
    groups: dict[str, list[Outcome]] = defaultdict(list)
    for each in outcomes:
        groups[each.mutation].append(each)
    return dict(sorted(groups.items()))


def report(outcomes: list[Outcome], result: dict[str, Any]) -> None:
    """Print what happened by class of mutation, then what is wrong."""
    kinds = ("typed", "accepted", "unchanged", "reported", "valid", "silent", "untyped")
    rows = []
    for name, group in [*by_mutation(outcomes).items(), ("all", outcomes)]:
        count = Counter(each.kind for each in group)
        worst = max(each.seconds for each in group), max(each.growth for each in group) / 2**20
        rows.append((name, len(group), *(count[kind] for kind in kinds), f"{worst[0]:.3f}", f"{worst[1]:.1f}"))
    table(("mutation", "inputs", *kinds, "worst s", "worst MiB"), rows)
    print(
        "\naccepted: DATA was touched too, or the file unharmed is refused, so that there is nothing to compare with\n"
    )
    table(("error", "inputs"), list(result["codes"].items()))
    print()
    for key in ("untyped", "slow", "over_memory", "silent_changes"):
        print(f"{key}: {len(result[key])}")
        for each in result[key][:20]:
            last = each["detail"].strip().splitlines()[-1:] or [""]
            print(f"  --input {each['index']}  {each['mutation']}  {each['base']}  {each['code']}  {last[0]}")
    slowest = sorted(outcomes, key=lambda each: -each.seconds)[:5]
    largest = sorted(outcomes, key=lambda each: -each.growth / each.limit)[:5]
    print("\nslowest:", ", ".join(f"{e.seconds:.2f} s ({e.mutation}, {e.size:,} bytes, {e.index})" for e in slowest))
    print("largest:", ", ".join(f"{e.growth / 2**20:.0f} MiB ({e.mutation}, {e.size:,}, {e.index})" for e in largest))
    print(f"{result['inputs']} inputs in {result['seconds']} s, {result['inputs_per_second']} a second")


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    main()
