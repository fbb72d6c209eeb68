"""Mutation run: small faults are put into the Python half of the library, and tests must notice.

    python tests/mutation/run.py --count 300 --seed 0 [--jobs 2] [--only peaks] [--out told.json]

A mutant differs from the source in one place: a comparison, an operator, a constant, a condition.
It lives in memory only, put in the place of its module when that is imported, in a process of its
own that runs those tests of the module that reach the line, the quickest first, and stops at the
first failure. Which tests reach a line is seen once, without a mutant, under coverage. Heavy
libraries are imported once, before the fork. What survives is printed: either a test is missing, or
the mutant means the same. Kernels are left out: compiled anew each mutant would take a minute.
"""

import argparse
import ast
import copy
import hashlib
import importlib.abc
import importlib.util
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAXIMA = ["test_maxima.py", "test_maxima_refusals.py", "test_maxima_values.py"]
PEAKS = ["test_peaks_refusals.py", "test_peaks_filters.py", "test_peaks.py"]
# Which test files have to notice a fault in a module, the quickest first.
TESTS = {
    "graphmax/maxima/answers.py": [*MAXIMA, "test_maxima_laws.py"],
    "graphmax/maxima/engine.py": [
        *MAXIMA,
        "test_maxima_laws.py",
        "test_maxima_rounds.py",
        "test_maxima_runs.py",
        "test_door.py",
    ],
    "graphmax/maxima/certificate.py": ["test_certificates.py", "test_notebook.py"],
    "graphmax/peaks/assembly.py": PEAKS,
    "graphmax/peaks/table.py": [
        "test_peaks_record.py",
        "test_peaks.py",
        "test_peaks_filters.py",
        "test_peaks_edges.py",
    ],
    "graphmax/peaks/suppression.py": [
        *PEAKS,
        "test_peaks_suppression.py",
        "test_hard_subnormals.py",
    ],
    "graphmax/peaks/mergetree.py": [
        "test_peaks_watershed.py",
        "test_peaks_refusals.py",
        "test_peaks_laws.py",
        "test_peaks_merge_tree.py",
    ],
    "graphmax/peaks/finding.py": [*PEAKS, "test_peaks_edges.py"],
    "graphmax/values.py": [
        *MAXIMA,
        "test_peaks_filters.py",
        "test_door.py",
        "test_hard_subnormals.py",
        "test_hard_values.py",
    ],
    "graphmax/ties.py": [*MAXIMA, "test_maxima_rounds.py"],
    "graphmax/question.py": [*MAXIMA, "test_peaks_refusals.py", "test_peaks.py", "test_door.py"],
    "graphmax/calls.py": ["test_calls.py", *MAXIMA, "test_peaks_refusals.py", "test_peaks.py"],
    "graphmax/graph.py": [
        "test_graph.py",
        "test_convert_libraries.py",
        "test_maxima.py",
        "test_adjacency.py",
        "test_door.py",
        "test_peaks_filters.py",
    ],
}
HEAVY = ["numba", "scipy.sparse.csgraph", "networkx", "torch", "hypothesis.extra.numpy", "pandas"]
SWAPPED = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.Mod: ast.Add,
    ast.FloorDiv: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


def faults(node):
    """Yield functions that put a fault into a copy of a node."""
    if isinstance(node, ast.Compare):
        for at, operator in enumerate(node.ops):
            if type(operator) in SWAPPED:
                yield lambda n, at=at: n.ops.__setitem__(at, SWAPPED[type(n.ops[at])]())
    elif isinstance(node, ast.BinOp | ast.AugAssign | ast.BoolOp) and type(node.op) in SWAPPED:
        yield lambda n: setattr(n, "op", SWAPPED[type(n.op)]())
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield lambda n: setattr(n, "value", not n.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield lambda n: setattr(n, "value", n.value + 1)
    elif isinstance(node, ast.If | ast.IfExp | ast.While):
        yield lambda n: setattr(n, "test", ast.UnaryOp(ast.Not(), n.test))


def mutable(tree):
    """Yield the nodes that mean something at run time: no annotations, overloads, docstrings."""
    waiting = list(tree.body)
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            if any(getattr(d, "id", "") == "overload" for d in node.decorator_list):
                continue
            waiting += node.body
            if isinstance(node, ast.FunctionDef):
                waiting += [d for d in node.args.defaults + node.args.kw_defaults if d]
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        skipped = {"annotation", "returns"}
        for name, field in ast.iter_fields(node):
            if name not in skipped:
                children = field if isinstance(field, list) else [field]
                waiting += [child for child in children if isinstance(child, ast.AST)]


def all_mutants(only):
    """Return (file, number of the node, number of the fault) of everything that can be broken."""
    found = []
    for file in sorted(TESTS):
        if only in file:
            for at, node in enumerate(mutable(ast.parse((ROOT / file).read_text()))):
                found += [(file, at, which) for which, _ in enumerate(faults(node))]
    return found


def broken(file, at, which, told):
    """Return the mutated tree, the tests that may notice it, and the line before and after."""
    tree = ast.parse((ROOT / file).read_text())
    node = list(mutable(tree))[at]
    seconds = chosen(file, tree, node, told)
    before = ast.unparse(copy.deepcopy(node)).splitlines()[0]
    list(faults(node))[which](node)
    ast.fix_missing_locations(tree)
    return tree, seconds, f"{file}:{node.lineno}: {before}  ->  {ast.unparse(node).splitlines()[0]}"


class Replacement(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Put mutated code in the place of one module."""

    def __init__(self, file, tree):
        self.name, self.path = file.removesuffix(".py").replace("/", "."), str(ROOT / file)
        self.code = compile(tree, self.path, "exec")

    def find_spec(self, name, path, target=None):
        if name == self.name:
            return importlib.util.spec_from_file_location(name, self.path, loader=self)
        return None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        exec(self.code, module.__dict__)


class FewerExamples:
    """Stand in the place of `hypothesis.settings`: a fault that is there shows in a few examples."""

    most = 25

    def __init__(self, settings):
        self.settings = settings

    def __call__(self, *arguments, max_examples=100, **options):
        fewer = min(max_examples, self.most)
        return self.settings(*arguments, max_examples=fewer, **options)

    def __getattr__(self, name):
        return getattr(self.settings, name)


class Recorder:
    """See which tests reach which lines of the modules, and how long each test takes."""

    def __init__(self):
        import coverage

        modules = [str(ROOT / file) for file in TESTS]
        self.coverage = coverage.Coverage(data_file=None, include=modules, config_file=False)
        self.seconds = {}

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item):
        self.coverage.switch_context(item.nodeid)
        started = time.monotonic()
        yield
        self.seconds[item.nodeid] = time.monotonic() - started
        self.coverage.switch_context("")

    def reached(self):
        """Return for each module and line the tests that reach it."""
        data = self.coverage.get_data()
        return {
            file: {
                line: [name for name in tests if name]
                for line, tests in data.contexts_by_lineno(str(ROOT / file)).items()
            }
            for file in TESTS
        }


class Chosen:
    """Keep some of the tests, the quickest first."""

    def __init__(self, seconds):
        self.seconds = seconds

    def pytest_collection_modifyitems(self, items):
        kept = [item for item in items if item.nodeid in self.seconds]
        items[:] = sorted(kept, key=lambda item: self.seconds[item.nodeid])


def pytest_run(names, plugin, *options):
    """Run test files in this process with few examples each; return the exit code of pytest."""
    hypothesis = sys.modules["hypothesis"]
    hypothesis.settings = FewerExamples(hypothesis.settings)
    options = ["-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--tb=line", *options]
    options += ["--assert=plain"]  # quicker, and hypothesis is imported already
    return pytest.main([*options, *(str(ROOT / "tests" / name) for name in names)], [plugin])


def seen(out):
    """Return what the tests reach without a mutant, and how long they take: once, in a file."""
    names = sorted({name for names in TESTS.values() for name in names})
    used = [ROOT / "tests" / name for name in names] + [ROOT / file for file in TESTS]
    mark = hashlib.sha256(b"".join(path.read_bytes() for path in used)).hexdigest()
    kept = out.with_suffix(".reach.json") if out else None
    if kept and kept.exists():
        told = json.loads(kept.read_text())
        if told["mark"] == mark:
            return told
    reading, writing = os.pipe()
    if os.fork() == 0:
        code = 1
        os.setpgid(0, 0)
        try:
            recorder = Recorder()
            recorder.coverage.start()
            code = pytest_run(names, recorder)
            recorder.coverage.stop()
            told = {"mark": mark, "reached": recorder.reached(), "seconds": recorder.seconds}
            with os.fdopen(writing, "w") as pipe:
                json.dump(told, pipe)
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    if os.waitstatus_to_exitcode(os.wait()[1]):  # what fails without a fault would kill everything
        sys.exit("a test fails without a mutant")
    if kept:
        kept.write_text(text)
    return json.loads(text)


def chosen(file, tree, node, told):
    """Return the seconds of each test that may notice a fault in a node of a module.

    They are the tests of the module that reach the statement; all of them where it runs on import.
    """
    own = {test: s for test, s in told["seconds"].items() if _name(test) in TESTS[file]}
    functions = (each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef))
    inside = [f for f in functions if any(node in ast.walk(each) for each in f.body)]
    if not inside:
        return own
    statements = (each for each in ast.walk(inside[-1]) if isinstance(each, ast.stmt))
    holding = [each for each in statements if node in ast.walk(each)]
    last = max(holding, key=lambda each: (each.lineno, -each.end_lineno))
    lines = range(last.lineno, node.end_lineno + 1)
    reached = told["reached"][file]
    tests = {test for line in lines for test in reached.get(str(line), ())}
    return {test: s for test, s in own.items() if test in tests}


def _name(test):
    return Path(test.partition("::")[0]).name


def tested(file, tree, seconds):
    """Run chosen tests with a mutant in this process, which ends with it: 0 where none fails."""
    sys.meta_path.insert(0, Replacement(file, tree))
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    names = [name for name in TESTS[file] if any(_name(test) == name for test in seconds)]
    return int(bool(names) and pytest_run(names, Chosen(seconds), "-x") not in (0, 5))


def started(file, tree, seconds):
    """Fork a process that runs the chosen tests of a mutant; return its number."""
    child = os.fork()
    if child == 0:
        code = 1
        os.setpgid(0, 0)  # tests of Ctrl-C and of killed runs must not reach the parent
        try:
            code = tested(file, tree, seconds)
        finally:
            os._exit(code)
    return child


def verdicts(tasks, jobs, limit, end):
    """Yield (task, "killed", "survived" or "timeout") of tasks, several at a time.

    A task is (file, tree, tests, line).

    A mutant that takes longer than `limit` seconds is killed too. After `end` none is started.
    """
    waiting, running = list(tasks), {}
    while running or (waiting and time.monotonic() < end):
        while waiting and len(running) < jobs and time.monotonic() < end:
            task = waiting.pop(0)
            running[started(*task[:3])] = (task, time.monotonic() + limit)
        for child, (task, latest) in list(running.items()):
            done, status = os.waitpid(child, os.WNOHANG)
            if not done and time.monotonic() < latest:
                continue
            if not done:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                answer = "timeout"
            else:
                answer = "killed" if os.waitstatus_to_exitcode(status) else "survived"
            del running[child]
            yield task, answer
        time.sleep(0.02)


def main():
    """Break, test, tell."""
    options = argparse.ArgumentParser()
    options.add_argument("--count", type=int, default=300)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--part", default="0/1", help="i/n: every n-th mutant of the sample")
    options.add_argument("--only", default="", help="files whose path holds this")
    options.add_argument("--limit", type=float, default=300, help="seconds for one mutant")
    options.add_argument("--jobs", type=int, default=1, help="mutants at a time")
    options.add_argument("--seconds", type=float, default=1e9, help="start none after these")
    options.add_argument("--out", type=Path, help="a JSON file of verdicts, which is gone on with")
    asked = options.parse_args()
    os.chdir(ROOT)
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    for name in HEAVY:
        importlib.import_module(name)
    everything = all_mutants(asked.only)
    sample = random.Random(asked.seed).sample(everything, min(asked.count, len(everything)))
    part, parts = map(int, asked.part.split("/"))
    told = json.loads(asked.out.read_text()) if asked.out and asked.out.exists() else {}
    print(f"{len(everything)} mutants, {len(sample)} in the sample", flush=True)
    reach = seen(asked.out)
    mutants = [(mutant[0], *broken(*mutant, reach)) for mutant in sample[part::parts]]
    mutants = [mutant for mutant in mutants if mutant[-1] not in told]
    end = time.monotonic() + asked.seconds
    for (*_, line), answer in verdicts(mutants, asked.jobs, asked.limit, end):
        told[line] = answer
        print(f"{answer:<9}{line}", flush=True)
        if asked.out:
            asked.out.write_text(json.dumps(told, indent=1))
    survived = [line for line in told if told[line] == "survived"]
    print(f"\n{len(told) - len(survived)} of {len(told)} killed; survivors:", *survived, sep="\n")


if __name__ == "__main__":
    main()
