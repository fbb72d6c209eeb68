"""The card of a task: what is shown, what is hidden, how much there is, what limits an answer."""

from collections.abc import Iterator
from typing import NamedTuple

from graphmax.benchmark.bench_task import BenchmarkTask, loaded
from graphmax.benchmark.task_list import VERSION, Part


class About(NamedTuple):
    """What is shown and hidden in a kind of task, and what fails there."""

    shown: str
    hidden: str
    fails: str


ABOUT = {
    "rule": About(
        "the attribute, one column of `x`",
        "nothing: the rule could be written down",
        "Networks on raw values when all values are shifted: what they learned to compare is not "
        "there. On ranks they survive, but a rank changes with every other graph beside it. At two "
        "hops a network that cannot leave a node out of its own maximum.",
    ),
    "hidden": About(
        "eight independent features of each node",
        "the attribute, one function of the features for all graphs of the task",
        "Whoever has no graph: the highest values of all are known, not who stands beside them. At "
        "degree 30 small errors of the function decide among 30 rivals.",
    ),
    "noisy": About(
        "a Gaussian field plus noise, whose sizes are not told; training shows noise 1 and one hop",
        "the field itself",
        "The rule on what is shown: noise makes maxima. Detectors that learned one size of noise, "
        "at noise .3 and 2; all that compare with neighbors alone, at two hops.",
    ),
    "unknown": About(
        "the attribute, which nodes have a label, and the label: three columns of `x`",
        "the hops, 1 to 4, one number for each graph, and which labels are wrong",
        "Networks that cannot find out from the labels of a graph how far that graph looks.",
    ),
    "edges": About(
        "the weight of each edge (`edge_label_attr`, in the order of `edge_label_index`)",
        "nothing: the rule could be written down",
        "Networks on the line graph: the rule also looks at edges between the neighbors of both "
        "ends. Raw values that are shifted.",
    ),
    "windows": About(
        "a graph of pixels, or a ball around a node, its rows in random order; the attribute",
        "where the center is",
        "Networks that answer with the highest value, wherever it is: the center can be told from "
        "the adjacency alone, as the node that is nearest to all others.",
    ),
    "real": About(
        "features and structure of one real graph, and 30 % of the labels",
        "the attribute that the labels were made of",
        "Nearly everybody where the features say little of the attribute: one graph, few maxima "
        "among its labels. A test of what is learned from little, with wide intervals.",
    ),
}


def card_of(task: str | BenchmarkTask) -> str:
    """Write the card of a task.

    Parameters
    ----------
    task : str or BenchmarkTask
        The task, or its name. Test sets that are not optional are made.

    Returns
    -------
    str
        Markdown.

    Examples
    --------
    >>> from graphmax import benchmark
    >>> print(benchmark.card_of("real/countries").splitlines()[0])
    # real/countries
    """
    made = loaded(task)
    about = ABOUT[made.spec.attribute]
    return "\n".join([
        f"# {made.name}",
        "",
        made.spec.about,
        "",
        f"- Shown: {about.shown}.",
        f"- Hidden: {about.hidden}.",
        f"- Asked: a score for each {made.unit} that is judged. Metric: {made.metric}.",
        f"- Ceiling: {made.ceiling[next(iter(made.spec.test))].source}.",
        f"- Fails: {about.fails}",
        f"- Version {VERSION}: the names of the task and of its test sets are frozen.",
        "",
        f"| part | graphs | nodes | judged {made.unit}s | maxima among them | ceiling |",
        "|---|---|---|---|---|---|",
        *_lines(made),
        "",
    ])  # fmt: skip


def _lines(task: BenchmarkTask) -> Iterator[str]:
    shown = {"train": task.spec.train, "val": task.spec.val, **task.spec.test}
    for name, part in shown.items():
        yield _optional_line(name, part) if part.optional else _line(task, name)


def _line(task: BenchmarkTask, name: str) -> str:
    graphs, judged = task.parts[name], task.judged(name)
    nodes = sum(each.graph.num_nodes for each in graphs)
    counts = f"{len(graphs)} | {nodes:,} | {judged.sum():,} | {task.labels(name)[judged].sum():,}"
    if name not in task.spec.test:
        return f"| {name} | {counts} | |"
    ceiling = task.ceiling[name]
    error = f" ± {ceiling.error:.4f}" if ceiling.error else ""
    return f"| {name} | {counts} | {ceiling.value:.4f}{error} |"


def _optional_line(name: str, part: Part) -> str:
    return f"| {name} (made on demand) | {part.graphs} | {part.graphs * part.num_nodes:,} | | | |"
