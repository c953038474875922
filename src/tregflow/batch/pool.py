"""Run tasks one after the other, in threads, or in processes; what fails in one costs its own sample and no other.

Threads share what is loaded and read: reading, hashing and gating are done without Python's lock. Plots are drawn in
processes, since matplotlib is not made for threads.
"""

from __future__ import annotations

import sys
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from typing import TYPE_CHECKING, Any

from tregflow.batch.outcome import Outcome
from tregflow.batch.work import gate_file

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from concurrent.futures import ProcessPoolExecutor

    from tregflow.batch.work import Task

    Progress = Callable[[Outcome], None]


def run_tasks(tasks: Sequence[Task], *, jobs: int, progress: Progress) -> list[Outcome]:
    """Return the outcomes in the order of `tasks`, whatever the number of jobs.

    Parameters
    ----------
    tasks : sequence of Task
        One per file.
    jobs : int
        Files at a time: threads, or processes where plots are drawn; 1 works in the thread that calls.
    progress : callable
        Called with each outcome as it comes.
    """
    found: dict[str, Outcome] = {}
    with closing(_started(tasks, min(jobs, len(tasks)))) as outcomes:
        for outcome in outcomes:
            found[outcome.sample] = outcome
            progress(outcome)
    return [found[task.sample] for task in tasks]


def _started(tasks: Sequence[Task], jobs: int) -> Generator[Outcome]:
    if jobs <= 1:
        return (gate_file(task) for task in tasks)
    return _in_processes(tasks, jobs) if any(task.draw for task in tasks) else _in_threads(tasks, jobs)


def _in_threads(tasks: Sequence[Task], jobs: int) -> Generator[Outcome]:
    with ThreadPoolExecutor(jobs) as pool:
        yield from _completed({pool.submit(gate_file, task) for task in tasks})


def _in_processes(tasks: Sequence[Task], jobs: int) -> Generator[Outcome]:
    """Yield outcomes as they come; what a broken pool left undone goes on one task at a time, each in its own pool."""
    from concurrent.futures.process import BrokenProcessPool

    left = {task.sample: task for task in tasks}
    try:
        with _executor(jobs) as pool:
            for outcome in _completed(_submitted(pool, tasks)):
                del left[outcome.sample]
                yield outcome
    except BrokenProcessPool:
        for task in left.values():
            yield _alone(task)


def _completed(futures: set[Future[Outcome]]) -> Iterator[Outcome]:
    try:
        while futures:
            done, futures = wait(futures, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:  # an interrupted run stops now; what was finished is kept, and the next run goes on from there
        for future in futures:
            future.cancel()


def _alone(task: Task) -> Outcome:
    from concurrent.futures.process import BrokenProcessPool

    try:
        with _executor(1) as pool:
            [future] = _submitted(pool, [task])
            return future.result()
    except BrokenProcessPool:
        return Outcome.failure(
            sample=task.sample,
            code="E_WORKER_DIED",
            where=task.path.name,
            text="the process that read this file died (out of memory, or the file shrank while it was read); "
            "run again, and look at the file with: tregflow inspect",
        )


def _submitted(pool: ProcessPoolExecutor, tasks: Sequence[Task]) -> set[Future[Outcome]]:
    """Hand the tasks over, which starts the workers, without the caller's script in them.

    A new process would first run the script that calls us, up to its guard ``if __name__ == "__main__"``. Without the
    guard, which a short script of a lab seldom has, it would start a run of its own and die, and every sample with it.
    A worker needs nothing of the script: while it is started, the script has no name.
    """
    main: Any = sys.modules["__main__"]
    names = {name: vars(main)[name] for name in ("__file__", "__spec__") if name in vars(main)}
    vars(main).update(dict.fromkeys(names))
    try:
        return {pool.submit(gate_file, task) for task in tasks}
    finally:
        vars(main).update(names)


def _executor(workers: int) -> ProcessPoolExecutor:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # spawn: a forked child of a process with threads (numba, BLAS) can hang, and Windows and macOS have no other way
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
