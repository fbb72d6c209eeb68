"""Mutate valid graph files and read them: ``python tests/fuzz/fuzz_files.py --files 20000``.

Every format gets that many files, made of a valid one by flipping, cutting, repeating and
exchanging bytes, numbers and words. What may happen to a file: it is read, or it is refused by
`GraphFileError` (or FileNotFoundError). Anything else is counted and its file kept: another
exception, a call of more than five seconds, a process that dies. Reading happens in a process
of its own, so that a crash or a hang ends only that, and its memory is looked at after each file;
an archive is packed again around changed members, or its checksums would stop every mutation at
the door. A long run in pieces is one with ``--seed 0``, ``--seed 1``, ...
"""

import argparse
import gzip
import io
import json
import multiprocessing
import random
import re
import resource
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from pathlib import Path

CORPUS = Path(__file__).parents[1] / "corpus"
sys.path.insert(0, str(CORPUS))

SLOWEST = 5.0
# A file of a few hundred bytes may ask for room for four million nodes, and not for more.
MOST_MEMORY = 1024  # MiB above what the process holds before
PATIENCE = 30.0
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


def read_all(connection):
    """Read files on demand, in a process of its own, and answer what happened."""
    warnings.simplefilter("ignore")
    from graphmax import GraphFileError, read_graph

    connection.send("ready")
    while (asked := connection.recv()) is not None:
        path, options = asked
        started = time.perf_counter()
        try:
            read_graph(path, **options)
            found = "read"
        except (GraphFileError, FileNotFoundError):
            found = "refused"
        except BaseException as error:  # noqa: BLE001 - that is what is looked for
            found = f"{type(error).__name__}: {error}"[:200]
        used = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        peak = max(resource.getrusage(who).ru_maxrss for who in used) // 1024
        connection.send((found, time.perf_counter() - started, peak))


class Reader:
    """A process that reads; it is started again when it dies or hangs."""

    def __init__(self):
        self.context = multiprocessing.get_context("spawn")
        self.start()

    def start(self):
        """Start the process and wait until it can read."""
        self.connection, other = self.context.Pipe()
        self.process = self.context.Process(target=read_all, args=(other,), daemon=True)
        self.process.start()
        if not self.connection.poll(START_PATIENCE):
            raise TimeoutError("the reading process must start within 15 minutes, got no answer")
        self.connection.recv()

    def __call__(self, path, options, patience=PATIENCE):
        """Return what happened to a file, the seconds it took, and the most MiB held so far."""
        self.connection.send((str(path), options))
        if not self.connection.poll(patience):
            self.process.kill()
            self.start()
            return "hang", PATIENCE, 0
        try:
            return self.connection.recv()
        except (EOFError, ConnectionResetError):
            self.process.join()
            code = self.process.exitcode
            self.start()
            return f"crash with exit code {code}", 0.0, 0

    def stop(self):
        """End the process."""
        self.connection.send(None)
        self.process.join()


def judged(reader, path, options, held):
    """Read a file and count too many seconds or too much memory as an outcome."""
    found, seconds, peak = reader(path, options)
    if seconds > SLOWEST and found != "hang":
        found = f"{seconds:.0f} seconds"
    if peak - held > MOST_MEMORY:
        found = f"{peak - held} MiB"
        reader.stop()
        reader.start()
    return found, seconds, peak


def fuzz(ending, data, count, seed, keep):
    """Read `count` mutations of a valid file; return the outcomes, the slowest call, the memory."""
    from valid_files import BESIDE, OPTIONS

    rng, reader, outcomes = random.Random(f"{ending} {seed}"), Reader(), Counter()
    slowest, most = 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"graph.{ending}"
        path.write_bytes(data)
        opened, options = path, OPTIONS.get(ending, {})
        if ending in BESIDE:
            opened = Path(folder) / BESIDE[ending][0]
            opened.write_bytes(BESIDE[ending][1])
        # The first call imports what the format needs.
        found, _, held = reader(opened, options, START_PATIENCE)
        assert found == "read", f"the valid .{ending} file must be read, got {found}"
        for place in range(count):
            content = mutated_file(ending, data, rng)
            path.write_bytes(content)
            found, seconds, peak = judged(reader, opened, options, held)
            if found not in ("read", "refused"):  # again: a machine may have paused
                found, seconds, peak = judged(reader, opened, options, held)
            slowest, most = max(slowest, seconds), max(most, peak - held)
            outcomes[found] += 1
            if found not in ("read", "refused"):
                keep.mkdir(parents=True, exist_ok=True)
                (keep / f"{seed}-{place}.{ending}").write_bytes(content)
    reader.stop()
    return outcomes, slowest, most


def main():
    """Fuzz the formats asked for and print one line each; exit with 1 if anything went wrong."""
    from valid_files import fuzzed_files

    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=20_000, help="files a format")
    parser.add_argument("--formats", nargs="*", help="endings; all by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--keep", type=Path, default=Path("fuzz-failures"), help="folder of failures"
    )
    asked = parser.parse_args()
    valid = fuzzed_files()
    wrong = 0
    for ending in asked.formats or valid:
        started = time.perf_counter()
        outcomes, slowest, most = fuzz(ending, valid[ending], asked.files, asked.seed, asked.keep)
        others = {name: n for name, n in outcomes.items() if name not in ("read", "refused")}
        wrong += sum(others.values())
        summary = {
            "format": ending, "files": asked.files, "read": outcomes["read"],
            "refused": outcomes["refused"], "wrong": others, "slowest_s": round(slowest, 2),
            "memory_mib": most, "total_s": round(time.perf_counter() - started),
        }  # fmt: skip
        print(json.dumps(summary), flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
