"""Run independent jobs of an experiment in processes: one JSON line per finished job, in time.

An experiment is a module with ``jobs()``, a list of dictionaries of plain options; ``work(**job)``,
which returns a dictionary of figures; ``warm()``, a short job, which compiles what the others then
read from the disk; ``kind(job)``, the word by which jobs last about equally long; and
``report(rows)``, which prints what was found. A row has ``job``, ``told`` and ``seconds``.

Jobs that are in the file already are not run again, so that a run that was cut short goes on. Each
process has one thread. A job is not started where the slowest of its kind would not end in time.
"""

import json
import os
import time
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

THREADS = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
Row = dict[str, Any]


class Means(NamedTuple):
    """How jobs are run: in so many processes, for so long, and where their lines go."""

    processes: int
    seconds: float
    out: Path | None


def add_options(parser: Any) -> None:
    """Add the options of a pool to those of an experiment."""
    parser.add_argument("--jobs", type=int, default=1, help="processes, one thread each")
    parser.add_argument("--seconds", type=float, default=1e9, help="start no job that ends later")
    parser.add_argument("--out", type=Path, help="a line per finished job; finished ones are kept")


def run(names: list[str], jobs: dict[str, list[Row]], asked: Any) -> None:
    """Run the jobs of experiments, the first ones first, and report them all."""
    means = Means(asked.jobs, asked.seconds, asked.out)
    rows = _rows([(name, job) for name in names for job in jobs[name]], means)
    for name in names:
        mine = [row for row in rows if row["experiment"] == name]
        print(f"\n{name}: {len(mine)} of {len(jobs[name])} jobs", flush=True)
        if mine:
            _module(name).report(mine)


def main(name: str, jobs: list[Row], asked: Any) -> None:
    """Run one experiment."""
    short = name.rpartition(".")[2]
    run([short], {short: jobs}, asked)


def _module(name: str) -> Any:
    return import_module(f"{__package__}.{name}")


def _rows(jobs: list[tuple[str, Row]], means: Means) -> list[Row]:
    started = time.monotonic()
    wanted = {_key(*each) for each in jobs}
    rows = [] if means.out is None else _read(means.out)
    rows = [row for row in rows if _key(row["experiment"], row["job"]) in wanted]
    done = {_key(row["experiment"], row["job"]) for row in rows}
    left = [each for each in jobs if _key(*each) not in done]
    if left:
        os.environ.update(dict.fromkeys(THREADS, "1"))
        for name in dict.fromkeys(name for name, _ in left):
            _module(name).work(**_module(name).warm())
        rows += _run(left, means, started)
    return rows


def _run(left: list[tuple[str, Row]], means: Means, started: float) -> list[Row]:
    slowest: dict[str, float] = {}
    waiting, running, rows = list(left), {}, []
    pool = ProcessPoolExecutor(means.processes, mp_context=get_context("spawn"))
    try:
        while waiting or running:
            passed = time.monotonic() - started
            while waiting and len(running) < means.processes:
                name, job = waiting.pop(0)
                if passed + slowest.get(_kind(name, job), 0.0) < means.seconds:
                    running[pool.submit(_timed, name, job)] = _kind(name, job)
            over = max(means.seconds - passed, 0.0)
            finished, _ = wait(running, timeout=over, return_when=FIRST_COMPLETED)
            if not finished:
                break
            for future in finished:
                row, kind = future.result(), running.pop(future)
                slowest[kind] = max(slowest.get(kind, 0.0), row["seconds"])
                if "failed" in row:
                    print(f"{row['experiment']} {row['job']} failed: {row['failed']}", flush=True)
                    continue
                _write(row, means.out)
                rows.append(row)
    finally:
        for process in list(pool._processes.values()):
            process.terminate()
        pool.shutdown(wait=False, cancel_futures=True)
    return rows


def _kind(name: str, job: Row) -> str:
    return f"{name} {_module(name).kind(job)}"


def _timed(name: str, job: Row) -> Row:
    started = time.perf_counter()
    try:
        answer = {"told": _module(name).work(**job)}
    except Exception as error:  # noqa: BLE001 - one job must not end the others
        answer = {"failed": f"{type(error).__name__}: {error}"}
    seconds = round(time.perf_counter() - started, 2)
    return {"experiment": name, "job": job, **answer, "seconds": seconds}


def _key(name: str, job: Row) -> str:
    return json.dumps([name, job], sort_keys=True)


def _read(path: Path) -> list[Row]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _write(row: Row, path: Path | None) -> None:
    line = json.dumps(row)
    if path is None:
        print(line, flush=True)
        return
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
