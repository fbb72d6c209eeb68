"""Mutate valid graph files and read them: ``python tests/fuzz/fuzz_files.py --files 20000``.

Every format gets that many files, made of a valid one by flipping, cutting, repeating and
exchanging bytes, numbers and words. What may happen to a file: it is read, or it is refused by
`GraphFileError` (or FileNotFoundError). Anything else is counted and its file kept: another
exception, a call of more than five seconds of processor time, a process that dies, a call of more
than a minute by the clock, room that the bytes do not account for. Files are read in batches, each
in a process of its own, so that a crash or a hang ends only that; an archive is packed again around
changed members, or its checksums would stop every mutation at the door. With ``--record`` a run
that was stopped goes on where it was; a file follows from its format, the seed and its number.
"""

import argparse
import contextlib
import gzip
import io
import json
import math
import multiprocessing
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import SimpleNamespace

CORPUS = Path(__file__).parents[1] / "corpus"
sys.path.insert(0, str(CORPUS))

SLOWEST = 5.0
MANY = 100
# A file of a few hundred bytes may ask for room for four million nodes, and not for more.
MOST_MEMORY = 1024  # MiB above what the process holds before
PATIENCE = 60.0
START_PATIENCE = 900.0
WORDS = [
    b"1e400", b"nan", b"-inf", b"-1", b"0", b"1000000000000", b"18446744073709551616", b"1.0", b"true", b"",
    b"\0", b"\xff\xfe", b"[" * 50, b"]", b"{", b"\"", b"'", b"<", b"&lt;", b"<!DOCTYPE x>", b"\r\n", b"\t", b" ", b"#", b"%",
    b"*Edges\n", b"node [", b"null", b"\xc3\xa9", b"9" * 30, b"-0", b"0x1", b"1_0", b"/", b"1/2", b"$(id)", b"..",
]  # fmt: skip


def mutated(data, rng):
    """Return the bytes after one to four random changes."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        rng.choice(CHANGES)(data, rng)
    return bytes(data)


def flip(data, rng):
    """Flip one bit."""
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def put(data, rng):
    """Put a random byte somewhere."""
    if data:
        data[rng.randrange(len(data))] = rng.randrange(256)


def cut(data, rng):
    """Leave out a piece."""
    start = rng.randrange(len(data) + 1)
    del data[start : start + rng.choice([1, 2, 10, len(data)])]


def repeat(data, rng):
    """Repeat a piece."""
    start = rng.randrange(len(data) + 1)
    piece = data[start : start + rng.choice([1, 5, 40, 200])]
    data[start:start] = piece * rng.choice([1, 1, 2, 30])


def word(data, rng):
    """Insert a nasty word."""
    start = rng.randrange(len(data) + 1)
    data[start:start] = rng.choice(WORDS)


def number(data, rng):
    """Exchange a number for a nasty word."""
    found = list(re.finditer(rb"-?\d+(\.\d+)?", bytes(data)))
    if found:
        match = rng.choice(found)
        data[match.start() : match.end()] = rng.choice(WORDS)


def swap(data, rng):
    """Exchange two pieces."""
    if len(data) > 4:
        a, b = sorted(rng.randrange(len(data)) for _ in range(2))
        size = rng.choice([1, 4, 16])
        data[a : a + size], data[b : b + size] = data[b : b + size], data[a : a + size]


def line(data, rng):
    """Leave out, double or move a line."""
    lines = bytes(data).split(b"\n")
    place = rng.randrange(len(lines))
    picked = lines.pop(place)
    for _ in range(rng.choice([0, 1, 2])):
        lines.insert(rng.randrange(len(lines) + 1), picked)
    data[:] = b"\n".join(lines)


CHANGES = [flip, flip, put, cut, repeat, word, word, number, number, number, swap, line]


def mutated_file(ending, data, rng):
    """Mutate a file, or the members of an archive, or the inside of a .gz."""
    if ending.endswith(("npz", "pt")) and rng.random() < 0.8:
        return _repacked(data, rng)
    if ending.endswith((".gz", "graphmlz")) and rng.random() < 0.7:
        return gzip.compress(mutated(gzip.decompress(data), rng))
    return mutated(data, rng)


def _repacked(data, rng):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice(list(members))
    members[name] = mutated(members[name], rng)
    if rng.random() < 0.1:
        del members[rng.choice(list(members))]
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return stream.getvalue()


class Forks:
    """Runs the scripts by which `graphmax.files` reads through other libraries, quickly.

    A process that has imported those libraries forks for each file; the scripts, their arguments
    and what their exit codes mean are the ones of the package, and so is the process of its own.
    """

    def __init__(self, ending):
        self.seconds = 0.0
        if ending not in ("mat", "h5ad"):
            return
        self.connection, other = multiprocessing.get_context("fork").Pipe()
        if os.fork() == 0:
            self.connection.close()
            with contextlib.suppress(EOFError, OSError):
                serve_forks(other)
            os._exit(0)
        other.close()

    def run(self, words, *, capture_output, timeout, check):
        """Stand in for `subprocess.run` where its words are ``python -I -c script ...``."""
        del capture_output, check
        self.connection.send(words[3:])
        if timeout is not None and not self.connection.poll(timeout):
            raise subprocess.TimeoutExpired(words, timeout)
        code, said, seconds = self.connection.recv()
        self.seconds += seconds
        return subprocess.CompletedProcess(words, code, b"", said)


def serve_forks(connection):
    """Run scripts, each in a fork, and answer with exit code, standard error and CPU seconds."""
    import anndata  # noqa: F401
    import h5py  # noqa: F401
    import scipy.io  # noqa: F401

    import graphmax.convert
    import graphmax.files.array_files  # noqa: F401

    while True:
        script, *arguments = connection.recv()
        with tempfile.TemporaryFile() as said:
            child = os.fork()
            if child == 0:
                run_script(script, arguments, said.fileno())
            _, status, used = os.wait4(child, 0)
            said.seek(0)
            seconds = used.ru_utime + used.ru_stime
            connection.send((os.waitstatus_to_exitcode(status), said.read(), seconds))


def run_script(script, arguments, said):
    """Do what ``python -I -c script arguments`` would do, and end."""
    os.dup2(said, 2)
    sys.argv, code = ["-c", *map(str, arguments)], 0
    try:
        exec(script, {"__name__": "__main__"})
    except SystemExit as ending:
        code = ending.code or 0
        if not isinstance(code, int):
            os.write(2, f"{code}\n".encode())
            code = 1
    except BaseException:  # noqa: BLE001 - as the interpreter does
        os.write(2, traceback.format_exc().encode())
        code = 1
    os._exit(code)


@dataclass
class Batch:
    """What happened to the files of a format from `first` on, as one line of the record."""

    format: str
    seed: int
    first: int
    files: int = 0
    read: int = 0
    refused: int = 0
    wrong: dict[str, int] = field(default_factory=dict)
    slowest_s: float = 0.0
    memory_mib: int = 0

    def take(self, found, seconds, memory):
        """Count one file."""
        self.files += 1
        self.slowest_s = max(self.slowest_s, round(seconds, 3))
        self.memory_mib = max(self.memory_mib, memory)
        if found in ("read", "refused"):
            setattr(self, found, getattr(self, found) + 1)
        else:
            self.wrong[found] = self.wrong.get(found, 0) + 1

    def add(self, other):
        """Count the files of another batch."""
        self.files += other.files
        self.read += other.read
        self.refused += other.refused
        self.slowest_s = max(self.slowest_s, other.slowest_s)
        self.memory_mib = max(self.memory_mib, other.memory_mib)
        for found, count in other.wrong.items():
            self.wrong[found] = self.wrong.get(found, 0) + count


def content_of(ending, data, seed, place):
    """Return the mutation of that number; each can be made again without those before it."""
    return mutated_file(ending, data, random.Random(f"{ending} {seed} {place}"))


def used_seconds(forks):
    """Return the CPU seconds of this process, its threads and what it started."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime + forks.seconds


def peak_mebibytes():
    """Return the most memory that was held so far."""
    used = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(who).ru_maxrss for who in used) // 1024


def read_batch(connection, clock, named, seed, places, size):
    """Mutate and read files in a process of its own; send what happened, `size` at a time."""
    ending, data = named
    forks = Forks(ending)
    import duckdb
    from valid_files import BESIDE, OPTIONS

    from graphmax import GraphFileError, read_graph
    from graphmax.files import scientific_files

    warnings.simplefilter("ignore")
    scientific_files.subprocess = SimpleNamespace(
        run=forks.run, TimeoutExpired=subprocess.TimeoutExpired
    )
    # A new database costs more time than all queries of a small file.
    shared = duckdb.connect(config={"autoload_known_extensions": "false"})
    duckdb.connect = lambda config: shared.cursor()
    options = OPTIONS.get(ending, {})
    with tempfile.TemporaryDirectory() as folder:
        path = opened = Path(folder) / f"graph.{ending}"
        if ending in BESIDE:
            opened = Path(folder) / BESIDE[ending][0]
            opened.write_bytes(BESIDE[ending][1])
        path.write_bytes(data)
        read_graph(opened, **options)  # imports what the format needs; a valid file must be read
        held = peak_mebibytes()
        connection.send("ready")
        some = []
        for place in places:
            path.write_bytes(content_of(ending, data, seed, place))
            started, before = time.monotonic(), used_seconds(forks)
            clock[0], clock[1] = started, time.process_time()
            try:
                read_graph(opened, **options)
                found = "read"
            except (GraphFileError, FileNotFoundError):
                found = "refused"
            except BaseException as error:  # noqa: BLE001 - that is what is looked for
                found = f"{type(error).__name__}: {error}"[:200]
            seconds, peak = used_seconds(forks) - before, peak_mebibytes()
            if seconds > SLOWEST:  # once more: the first large grid compiles a loop
                before = used_seconds(forks)
                with contextlib.suppress(Exception):
                    read_graph(opened, **options)
                seconds = used_seconds(forks) - before
            if seconds > SLOWEST:
                found = f"{seconds:.0f} seconds"
            if peak - held > MOST_MEMORY:
                found = f"{peak - held} MiB"
            some.append((found, seconds, peak - held))
            held = max(held, peak - MOST_MEMORY)  # count each file of too much memory once
            if len(some) == size or place == places[-1]:
                connection.send(some)
                some = []
    connection.poll(START_PATIENCE)


def cpu_seconds(pid):
    """Return the CPU seconds of a running process and its threads."""
    with contextlib.suppress(OSError, IndexError):
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def fuzz(named, seed, first, count, keep):
    """Read mutations `first` to `first + count`; a hang or a crash ends only the process.

    Results come many at a time; behind a hang or a crash one at a time, so that it is known whose.
    """
    ending, data = named
    batch, size = Batch(ending, seed, first), MANY
    while batch.files < count:
        places = range(first + batch.files, first + count)
        for found in results(named, seed, places, size):
            if found is None:
                size = 1
                break
            batch.take(*found)
            if found[0] not in ("read", "refused"):
                place = first + batch.files - 1
                keep.mkdir(parents=True, exist_ok=True)
                (keep / f"{seed}-{place}.{ending}").write_bytes(
                    content_of(ending, data, seed, place)
                )
        else:
            size = MANY
    return batch


def results(named, seed, places, size):
    """Yield what happened to files, from a process of their own; None if it is not known whose."""
    context = multiprocessing.get_context("spawn")
    connection, other = context.Pipe()
    clock = context.Array("d", 2, lock=False)
    process = context.Process(target=read_batch, args=(other, clock, named, seed, places, size))
    process.start()
    other.close()
    try:
        if not connection.poll(START_PATIENCE):
            raise TimeoutError("the reading process must start within 15 minutes, got no answer")
        if connection.recv() != "ready":
            raise RuntimeError(f"the valid .{named[0]} file must be read")
        left = len(places)
        while left > 0:
            found = answer(connection, process, clock)
            if isinstance(found, tuple):
                yield found if size == 1 else None
                return
            yield from found
            left -= len(found)
    finally:
        process.kill()
        process.join()


def answer(connection, process, clock):
    """Return the results of some files, or the outcome of one that ended the process."""
    while True:
        try:
            if connection.poll(1.0):
                return connection.recv()
        except (EOFError, ConnectionResetError):
            process.join()
            return f"crash with exit code {process.exitcode}", 0.0, 0
        waited, used = time.monotonic() - clock[0], cpu_seconds(process.pid) - clock[1]
        if used > 4 * SLOWEST or waited > PATIENCE:
            return "hang", used, 0


def recorded(record, seed):
    """Return what a record holds, added up for each format."""
    totals = {}
    for line in record.read_text().splitlines() if record and record.exists() else []:
        batch = Batch(**json.loads(line))
        if batch.seed == seed:
            total = totals.setdefault(batch.format, Batch(batch.format, seed, 0))
            total.add(batch)
    return totals


def main():
    """Fuzz the formats asked for and print one line each; exit with 1 if anything went wrong."""
    from valid_files import fuzzed_files

    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=20_000, help="files a format")
    parser.add_argument("--formats", nargs="*", help="endings; all by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", type=int, default=2_000, help="files a process and format")
    parser.add_argument("--record", type=Path, help="JSON lines: go on behind what they hold")
    parser.add_argument("--seconds", type=float, default=math.inf, help="start no batch later")
    parser.add_argument(
        "--keep", type=Path, default=Path("fuzz-failures"), help="folder of failures"
    )
    asked = parser.parse_args()
    totals, until = recorded(asked.record, asked.seed), time.monotonic() + asked.seconds
    valid = fuzzed_files()
    endings = asked.formats or list(valid)
    for ending in endings:
        totals.setdefault(ending, Batch(ending, asked.seed, 0))
    while time.monotonic() < until:
        left = [ending for ending in endings if totals[ending].files < asked.files]
        if not left:
            break
        ending = min(left, key=lambda ending: totals[ending].files)
        first = totals[ending].files
        count = min(asked.batch, asked.files - first)
        batch = fuzz((ending, valid[ending]), asked.seed, first, count, asked.keep)
        if asked.record:
            with asked.record.open("a", encoding="utf-8") as record:
                record.write(json.dumps(asdict(batch)) + "\n")
        totals[ending].add(batch)
        if totals[ending].files >= asked.files:
            print(json.dumps(asdict(totals[ending])), flush=True)
    return int(any(totals[ending].wrong for ending in endings))


if __name__ == "__main__":
    sys.exit(main())
