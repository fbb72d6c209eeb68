"""`non_maximum_suppression`: the best node strikes out its ball, then the best that is left."""

from typing import Any

from graphmax.kernels.ascent import in_order
from graphmax.kernels.suppress import suppress
from graphmax.peaks.filters import reaching
from graphmax.peaks.request import one_column, undirected
from graphmax.question import ask


def non_maximum_suppression(
    graph: Any,
    scores: Any,
    hops: int = 1,
    *,
    threshold: Any = None,
    where: Any = None,
    **fields: Any,
) -> Any:
    """Keep the best nodes, none of them within `hops` of a better one that was kept.

    Greedy: the node of the highest score is kept and every other node of its ball is suppressed;
    then the highest of those that are left, and so on. Of equal scores the lower index goes
    first.

    Parameters
    ----------
    graph : Graph or graph of another library
        As for `local_maxima`.
    scores : str, mapping or array (num_nodes,)
        The score of every node, in any unit.
    hops : int, default 1
        Radius of the ball that a kept node suppresses.
    threshold : number, optional
        Nodes of a lower score are not kept and suppress nobody; in the unit of the scores.
    where : bool (num_nodes,), optional
        Nodes outside are not kept and suppress nobody; paths run through them.
    **fields
        Of the fields of `Rule` only `direction`: a directed graph needs ``direction="both"``.

    Returns
    -------
    int64 (kept,)
        The nodes kept, best first; an array or tensor like `scores`.

    Raises
    ------
    TypeError
        If the graph or the dtype is of no known kind, or a field is not taken.
    ValueError
        If the scores do not fit the graph or hold NaN, a directed graph lacks
        ``direction="both"``, or `threshold` is NaN.

    Notes
    -----
    Not the same as ``local_maxima(graph, scores, hops)``: a local maximum beats its whole ball, a
    kept node only what no better kept node has suppressed. Every local maximum (``ties="index"``)
    is kept. On the path 0 9 0 8 0 7 0 with two hops greedy keeps nodes 1 and 5, because 3, which
    beats 5, was itself suppressed by 1; the window rule keeps 1 only. O(hops * m) after sorting.

    References
    ----------
    A. Neubeck and L. Van Gool, Efficient non-maximum suppression, ICPR 2006.

    Examples
    --------
    >>> import networkx as nx
    >>> import numpy as np
    >>> import graphmax as gm
    >>> path, scores = nx.path_graph(7), [0, 9, 0, 8, 0, 7, 0]
    >>> gm.non_maximum_suppression(path, scores, hops=2).tolist()
    [1, 5]
    >>> np.flatnonzero(gm.local_maxima(path, scores, hops=2)).tolist()
    [1]
    """
    question = ask(
        "non_maximum_suppression", graph, scores, hops, where=where, name="scores", **fields
    )
    one_column(question, "scores", "be suppressed")
    undirected(question, "non_maximum_suppression")
    order, _ = in_order(question.keys[0], question.absent(0))
    if threshold is not None:
        order = order[reaching(question.attribute.array[order], threshold, "threshold")]
    rows = question.rows
    kept = suppress(rows.indptr, rows.indices, order, question.rule.reach or 1)
    return question.attribute.restore(kept)
