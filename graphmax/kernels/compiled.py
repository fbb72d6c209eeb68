"""`kernel` compiles a loop, and one scheduler runs all of them: chunks, lanes, threads, Ctrl-C.

`kernel` stands where ``numba.njit(cache=True, nogil=True)`` would, and differs in four things.

- The cache is keyed by the content of all kernel files. Numba looks at the file of a loop alone,
  and would keep the old code of a function that was inlined from another file.
- No fault of a disk is a fault of an answer. Where no folder can be written, or a file is damaged,
  the loop is compiled again, in memory.
- A parallel loop is compiled without threads too, when that is first needed: for small arrays, in a
  forked process, and for all but one Python thread where numba has no OpenMP.
- A compilation tells of itself as `COMPILING`.

Two traps. Inside ``for ... in prange`` numba drops what is written to an array that is a field of
a named tuple, as if nobody looked at it: such a loop calls a function that writes. And it takes no
named tuple that holds another.

A compiled loop does not look at signals. Every long one takes a piece of its work and comes back:
a range (`in_chunks`), or as much as a budget allows, its state kept in arrays (`Lanes`). Between
two pieces Python is in charge again, answers Ctrl-C and passes on how far the work is.

Two instructions that Python has no word for: `exchange` changes an entry only if it is still what
was read, for threads that write to one array. `prefetch` asks for memory before it is needed. A
loop over one short row after the other waits for memory once a row (the processor guesses wrong
where a row ends, and so does not look ahead). Asked for a dozen rows early, they arrive together:
seven times faster where the graph is larger than the cache.
"""

import hashlib
import os
import pickle
import stat
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache, update_wrapper
from pathlib import Path
from threading import Lock
from typing import Any, cast
from uuid import uuid4

import llvmlite.binding  # type: ignore[import-untyped]
import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.caching import CompileResultCacheImpl, NullCache
from numba.core.compiler import CompileResult
from numba.core.runtime.nrt import rtsys
from numba.core.serialize import dumps
from numba.extending import intrinsic
from numba.misc.appdirs import AppDirs
from numba.np.ufunc.parallel import threading_layer
from numpy.typing import NDArray

# --- The one scheduler: chunks, lanes, threads, Ctrl-C, and how far work is

# What a compilation says of itself: a stage of unknown length, told for each loop.
COMPILING = "compiling loops, once after an install (some seconds)"
# Array entries below which another thread is not woken. On two idle cores it saves a quarter of a
# millisecond there; where the cores are busy every loop waits for it 10 to 50 ms.
ENTRIES_WORTH_THREADS = 1 << 18

# Fields of the state of a lane, int64. Loops may add fields of their own from OWN on.
# NEXT: the item that is worked on, or comes next. LAST: where the items of the lane end. STEP: from
# one item to the next. ACTIVE: 1 while an item is left in the middle. SPENT: work so far.
NEXT, LAST, STEP, ACTIVE, SPENT, OWN = range(6)

Report = Callable[[str, int, int], None]

_report: ContextVar[Report | None] = ContextVar("graphmax_report", default=None)


@contextmanager
def reporting(report: Report) -> Iterator[None]:
    """Within the block, long loops call ``report(stage, done, total)``; total 0 is not known."""
    token = _report.set(report)
    try:
        yield
    finally:
        _report.reset(token)


def tell(stage: str, done: int, total: int) -> None:
    """Pass the progress of a stage to whoever asked for it."""
    report = _report.get()
    if report is not None:
        report(stage, done, total)


class _Process:
    """What this process may do with threads."""

    # OpenMP does not survive a fork: its threads stay behind, and a loop that waits for them hangs
    # or is killed. A process that was forked runs every loop serially; its siblings keep the other
    # cores busy.
    forked = False
    # Two Python threads inside numba's `workqueue` layer abort the process: there one at a time
    # may use it, and the others run serially meanwhile.
    turn = Lock()


def _after_fork() -> None:
    _Process.forked, _Process.turn = True, Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def threads() -> int:
    """Return how many threads a parallel loop may use."""
    return 1 if _Process.forked else int(numba.get_num_threads())


@cache
def _is_threadsafe() -> bool:
    numba.get_num_threads()  # launches the layer
    return threading_layer() in ("omp", "tbb")


@contextmanager
def parallel_turn() -> Iterator[bool]:
    """Say whether a parallel loop may use threads within the block."""
    if threads() == 1:
        yield False
    elif _is_threadsafe():
        yield True
    else:
        turn = _Process.turn
        mine = turn.acquire(blocking=False)
        try:
            yield mine
        finally:
            if mine:
                turn.release()


def in_chunks(stage: str, total: int, step: int, call: Callable[[int, int], Any]) -> None:
    """Call ``call(start, stop)`` over ``range(total)`` in pieces of at most `step`."""
    for start in range(0, total, step):
        stop = min(start + step, total)
        call(start, stop)
        tell(stage, stop, total)


class Lanes:
    """Items dealt to lanes, one per thread, each with a state that outlives the call of a loop.

    A lane takes items from NEXT on until its budget is spent, may leave one in the middle, and
    goes on in the next call. Lanes of consecutive items share what is left when one runs dry;
    `interleaved` ones (every so many items) advance side by side from the first item to the last.
    """

    def __init__(self, items: int, lanes: int, fields: int = OWN, interleaved: bool = False):
        self.items = items
        self.interleaved = interleaved
        self.states: NDArray[np.int64] = np.zeros((lanes, fields), np.int64)
        if interleaved:
            self.states[:, NEXT] = np.arange(lanes)
            self.states[:, LAST], self.states[:, STEP] = items, lanes
        else:
            bounds = np.linspace(0, items, lanes + 1).astype(np.int64)
            self.states[:, NEXT], self.states[:, LAST] = bounds[:-1], bounds[1:]
            self.states[:, STEP] = 1

    @staticmethod
    def affordable(items: int, lane_bytes: int = 0, most_bytes: int = 0) -> int:
        """Return as many lanes as threads, while their scratch stays below `most_bytes`."""
        afford = most_bytes // lane_bytes if lane_bytes else items
        return max(1, min(threads(), items, afford))

    def __len__(self) -> int:
        return len(self.states)

    @property
    def done(self) -> int:
        """Number of items that are finished; of interleaved ones, those before the first open."""
        if self.interleaved:
            return min(int(self.states[:, NEXT].min()), self.items)
        return self.items - int((self.states[:, LAST] - self.states[:, NEXT]).sum())

    @property
    def spent(self) -> int:
        """Work of all lanes so far."""
        return int(self.states[:, SPENT].sum())

    def rounds(self, stage: str) -> Iterator[NDArray[np.int64]]:
        """Yield the states, to be advanced by a loop, until every item is finished."""
        while self.done < self.items:
            tell(stage, self.done, self.items)
            yield self.states
            if not self.interleaved:
                self._share()
        tell(stage, self.items, self.items)

    def _share(self) -> None:
        """Hand half of the longest rest to each lane that has run dry."""
        states = self.states
        for lane in np.flatnonzero(states[:, NEXT] == states[:, LAST]):
            longest = int(np.argmax(states[:, LAST] - states[:, NEXT]))
            first = int(states[longest, NEXT]) + 1  # it may be left in the middle: it stays
            middle = (first + int(states[longest, LAST])) // 2
            if middle < states[longest, LAST]:
                states[lane, NEXT], states[lane, LAST] = middle, states[longest, LAST]
                states[longest, LAST] = middle


# --- `kernel`: compile a loop, keep it on disk, and give a parallel one a serial twin

config: Any = numba.config
_HOME = Path(__file__).resolve().parent
_NAME_LENGTH = 12
_PRIVATE = stat.S_IRWXG | stat.S_IRWXO


def _digest(*parts: bytes) -> bytes:
    seal = hashlib.blake2b(digest_size=32)
    for part in parts:
        seal.update(len(part).to_bytes(8, "little"))
        seal.update(part)
    return seal.digest()


def _stamp(home: Path) -> bytes:
    """Digest of everything that compiled code depends on, its signature and processor apart."""
    sources = [path.read_bytes() for path in sorted(home.glob("*.py*"))]
    versions = repr((sys.version, numba.__version__, llvmlite.__version__))
    switches = repr((config.BOUNDSCHECK, config.OPT, config.DEBUGINFO_DEFAULT))
    return _digest(versions.encode(), switches.encode(), *sources)


_STAMP = _stamp(_HOME).hex()[:_NAME_LENGTH]


def _folders(*, make: bool = False) -> Iterator[Path]:
    """Folders in which compiled loops are looked for; the first that takes them keeps them.

    The last one, among temporary files, is made only where the others take nothing.
    """
    own = f"{_HOME.name}_{_digest(str(_HOME).encode()).hex()[:_NAME_LENGTH]}"
    if config.CACHE_DIR:
        yield Path(config.CACHE_DIR) / own
        return
    yield _HOME / "__pycache__"
    with suppress(OSError, RuntimeError):
        yield Path(AppDirs(appname="graphmax", appauthor=False).user_cache_dir) / own
    temporary = _private_folder(make=make)
    if temporary is not None:
        yield temporary / own


def _private_folder(*, make: bool = False) -> Path | None:
    """Folder for temporary files that nobody else can write: code is loaded from it."""
    if not hasattr(os, "getuid"):
        return None
    folder = Path(tempfile.gettempdir()) / f"graphmax-{os.getuid()}"
    try:
        if make:
            folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    private = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    return folder if private and not found.st_mode & _PRIVATE else None


@cache
def _warn_of_folder(folder: Path | None) -> None:
    kept = "in memory only" if folder is None else f"in {folder}"
    warnings.warn(
        f"graphmax keeps its compiled loops {kept}: no folder for them can be written; "
        "set NUMBA_CACHE_DIR to one that can",
        UserWarning,
        stacklevel=2,
    )


class _Shelf(NullCache):
    """The compiled versions of one loop on disk: one file for each signature and processor."""

    def __init__(self, function: Callable[..., Any], variant: str):
        module = function.__module__.rpartition(".")[2]
        self._stem = f"{module}.{function.__qualname__}-{variant}"

    @property
    def cache_path(self) -> str:
        """Where numba says that its files are."""
        return str(next(_folders()))

    def _name(self, signature: Any, codegen: Any) -> str:
        key = repr((str(signature), codegen.magic_tuple())).encode()
        return f"{self._stem}-{_digest(key).hex()[:_NAME_LENGTH]}"

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """Return what was compiled before, or None and tell that it is compiled now."""
        name = self._name(signature, target_context.codegen())
        for folder in _folders():
            path = folder / f"{name}-{_STAMP}.nbc"
            # Whatever is wrong with a file, compiling again is right.
            with suppress(Exception):
                content = path.read_bytes()
                seal, payload = content[:32], content[32:]
                if seal == _digest(payload):
                    return _rebuilt(target_context, *pickle.loads(payload))  # noqa: S301
        tell(COMPILING, 0, 0)
        return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep what was compiled in the first folder that takes it."""
        if result.lifted or result.library.has_dynamic_globals:
            return
        parts = cast(Any, CompileResultCacheImpl).reduce(None, result)
        payload = dumps((_outside_names(result.library), parts))
        name = self._name(signature, result.codegen)
        for folder in _folders(make=True):
            if _write(folder, name, _digest(payload) + payload):
                if _private_folder() in folder.parents:
                    _warn_of_folder(folder)
                return
        _warn_of_folder(None)


def _outside_names(library: Any) -> list[str]:
    """Names of the functions and constants that compiled code takes from elsewhere."""
    module = library._final_module
    parts = (*module.functions, *module.global_variables)
    return [
        part.name for part in parts if part.is_declaration and not part.name.startswith("llvm.")
    ]


def _rebuilt(context: Any, names: list[str], parts: tuple[Any, ...]) -> Any:
    """Make a function of compiled code again.

    Numba would first learn how to compile all that it can, which takes a third of a second and
    imports SciPy. Code needs that only where it calls what is not in memory yet.
    """
    rtsys.initialize(context)
    *_, starts, _ = parts
    for start in starts:  # threads, of parallel loops
        start()
    if any(llvmlite.binding.address_of_symbol(name) is None for name in names):
        context.refresh()
    return CompileResult._rebuild(context, *parts)


def _write(folder: Path, name: str, content: bytes) -> bool:
    """Write a file whole or not at all, in place of those of older sources."""
    temporary = folder / f"{name}-{uuid4().hex}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stale = list(folder.glob(f"{name}-*.nbc"))
        temporary.write_bytes(content)
        temporary.replace(folder / f"{name}-{_STAMP}.nbc")
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        return False
    for path in stale:
        if not path.name.endswith(f"-{_STAMP}.nbc"):
            with suppress(OSError):
                path.unlink()
    return True


def _compiled(function: Callable[..., Any], variant: str, options: dict[str, Any]) -> Any:
    dispatcher = numba.njit(nogil=True, **options)(function)
    if dispatcher is not function:  # NUMBA_DISABLE_JIT leaves loops as they are
        dispatcher._cache = _Shelf(function, variant)
    return dispatcher


class ParallelKernel:
    """A loop over `prange` that runs on all threads where that is worth it and safe."""

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]):
        update_wrapper(self, function)
        self.parallel = _compiled(function, "parallel", {**options, "parallel": True})
        self.serial = _compiled(function, "serial", options)

    def __call__(self, *arguments: Any) -> Any:
        if max(map(_size, arguments)) < ENTRIES_WORTH_THREADS:
            return self.serial(*arguments)
        with parallel_turn() as threaded:
            return self.parallel(*arguments) if threaded else self.serial(*arguments)


def _size(argument: Any) -> int:
    """Entries of the largest array in an argument."""
    if isinstance(argument, tuple):
        return max(map(_size, argument), default=0)
    return int(getattr(argument, "size", 0))


def kernel(function: Any = None, /, *, parallel: bool = False, **options: Any) -> Any:
    """Compile a loop on first use, as ``@kernel``, ``@kernel(parallel=True)`` or with options."""
    if function is None:
        return lambda loop: kernel(loop, parallel=parallel, **options)
    if parallel:
        return ParallelKernel(function, options)
    return _compiled(function, "plain", options)


# --- Change an entry only if it is still what was read: threads that write to the same array


def _exchange(typingctx, array, index, known, made):
    """Store `made` at ``array[index]`` if `known` is there; return what was there, in one step."""
    del typingctx, index, known, made

    def codegen(context, builder, signature, arguments):
        kind = signature.args[0]
        struct = context.make_array(kind)(context, builder, arguments[0])
        item = cgutils.get_item_pointer(context, builder, kind, struct, [arguments[1]])
        address = builder.bitcast(item, ir.IntType(kind.dtype.bitwidth).as_pointer())
        pair = builder.cmpxchg(address, arguments[2], arguments[3], "monotonic", "monotonic")
        return builder.extract_value(pair, 0)

    return array.dtype(array, types.intp, array.dtype, array.dtype), codegen


def _one_thread(array, index, known, made):
    """Stand in for `exchange` where loops run as plain Python, on one thread."""
    found = array[index]
    if found == known:
        array[index] = made
    return found


exchange = _one_thread if getattr(numba.config, "DISABLE_JIT", 0) else intrinsic(_exchange)


# --- Ask for memory before it is needed: rows of scattered nodes are fetched side by side

ROWS_AHEAD = 12
_READ, _KEEP, _DATA = 0, 3, 1


def _prefetch(typingctx, array, index):
    """Fetch ``array[index]`` into the cache; nothing happens where the index is out of range."""
    del typingctx, index

    def codegen(context, builder, signature, arguments):
        kind = signature.args[0]
        struct = context.make_array(kind)(context, builder, arguments[0])
        item = cgutils.get_item_pointer(context, builder, kind, struct, [arguments[1]])
        address = builder.bitcast(item, ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        shape = ir.FunctionType(ir.VoidType(), [address.type, number, number, number])
        call = cgutils.get_or_insert_function(builder.module, shape, "llvm.prefetch.p0i8")
        builder.call(call, [address, number(_READ), number(_KEEP), number(_DATA)])
        return context.get_dummy_value()

    return types.void(array, types.intp), codegen


def _nothing(array, index):
    """Stand in for `prefetch` where loops run as plain Python."""


prefetch = _nothing if getattr(numba.config, "DISABLE_JIT", 0) else intrinsic(_prefetch)
