"""Local maxima of an attribute on a graph, exactly and learned.

The question: is this node a local maximum of an attribute in its own neighborhood of the graph?

The names below are the library. Each is imported on first use, so that ``import graphmax`` is
cheap and the parts that need torch load it only when they are asked for.
"""

from typing import TYPE_CHECKING

from graphmax.lazy_imports import public_names

if TYPE_CHECKING:
    import graphmax.benchmark as benchmark
    import graphmax.datasets as datasets
    import graphmax.generators as generators
    import graphmax.images as images
    import graphmax.nn as nn
    import graphmax.plotting as plotting
    import graphmax.posterior as posterior
    import graphmax.symmetry as symmetry
    import graphmax.training as training
    from graphmax.checks import GraphmaxWarning
    from graphmax.convert import as_graph
    from graphmax.edges import edge_maxima
    from graphmax.extract import (
        NeighborhoodBatch,
        center_is_maximum,
        iter_neighborhoods,
        neighborhoods,
    )
    from graphmax.files import GraphFileError, read_graph, write_graph, write_table
    from graphmax.graph import Graph
    from graphmax.maxima import (
        Certificate,
        Isolation,
        explain,
        isolation,
        local_maxima,
        local_minima,
        margin,
        rivals,
    )
    from graphmax.nn.detector import PeakDetector
    from graphmax.page import report
    from graphmax.peaks import (
        MergeTree,
        Peaks,
        basins,
        edge_peaks,
        find_peaks,
        merge_tree,
        non_maximum_suppression,
    )
    from graphmax.posterior import PeakProbability, peak_probability
    from graphmax.rule import Rule
    from graphmax.significance import PeakSignificance, peak_significance
    from graphmax.spatial import delaunay_graph, grid_graph, knn_graph, radius_graph
    from graphmax.tables import local_maxima_tables
    from graphmax.training import Evaluation, FitResult, evaluate, fit

__version__ = "0.2.0"

_HOME = {
    "Certificate": "graphmax.maxima",
    "Evaluation": "graphmax.training",
    "FitResult": "graphmax.training",
    "Graph": "graphmax.graph",
    "GraphFileError": "graphmax.files",
    "GraphmaxWarning": "graphmax.checks",
    "Isolation": "graphmax.maxima",
    "MergeTree": "graphmax.peaks",
    "NeighborhoodBatch": "graphmax.extract",
    "PeakDetector": "graphmax.nn.detector",
    "PeakProbability": "graphmax.posterior",
    "PeakSignificance": "graphmax.significance",
    "Peaks": "graphmax.peaks",
    "Rule": "graphmax.rule",
    "as_graph": "graphmax.convert",
    "basins": "graphmax.peaks",
    "center_is_maximum": "graphmax.extract",
    "delaunay_graph": "graphmax.spatial",
    "edge_maxima": "graphmax.edges",
    "edge_peaks": "graphmax.peaks",
    "evaluate": "graphmax.training",
    "explain": "graphmax.maxima",
    "find_peaks": "graphmax.peaks",
    "fit": "graphmax.training",
    "grid_graph": "graphmax.spatial",
    "isolation": "graphmax.maxima",
    "iter_neighborhoods": "graphmax.extract",
    "knn_graph": "graphmax.spatial",
    "local_maxima": "graphmax.maxima",
    "local_maxima_tables": "graphmax.tables",
    "local_minima": "graphmax.maxima",
    "margin": "graphmax.maxima",
    "merge_tree": "graphmax.peaks",
    "neighborhoods": "graphmax.extract",
    "non_maximum_suppression": "graphmax.peaks",
    "radius_graph": "graphmax.spatial",
    "peak_probability": "graphmax.posterior",
    "peak_significance": "graphmax.significance",
    "read_graph": "graphmax.files",
    "report": "graphmax.page",
    "rivals": "graphmax.maxima",
    "write_graph": "graphmax.files",
    "write_table": "graphmax.files",
}
_MODULES: frozenset[str] = frozenset(
    {
        "benchmark",
        "datasets",
        "generators",
        "images",
        "nn",
        "plotting",
        "posterior",
        "symmetry",
        "tl",
        "training",
    }
)

__all__ = [
    "Certificate",
    "Evaluation",
    "FitResult",
    "Graph",
    "GraphFileError",
    "GraphmaxWarning",
    "Isolation",
    "MergeTree",
    "NeighborhoodBatch",
    "PeakDetector",
    "PeakProbability",
    "PeakSignificance",
    "Peaks",
    "Rule",
    "as_graph",
    "basins",
    "center_is_maximum",
    "delaunay_graph",
    "edge_maxima",
    "edge_peaks",
    "evaluate",
    "explain",
    "find_peaks",
    "fit",
    "grid_graph",
    "isolation",
    "iter_neighborhoods",
    "knn_graph",
    "local_maxima",
    "local_maxima_tables",
    "local_minima",
    "margin",
    "merge_tree",
    "neighborhoods",
    "non_maximum_suppression",
    "peak_probability",
    "peak_significance",
    "radius_graph",
    "read_graph",
    "report",
    "rivals",
    "write_graph",
    "write_table",
]

if TYPE_CHECKING:
    __all__ += [
        "benchmark",
        "datasets",
        "generators",
        "images",
        "nn",
        "plotting",
        "posterior",
        "symmetry",
        "training",
    ]
else:  # to a type checker a name that is not there stays an error
    __getattr__, __dir__ = public_names(__name__, _HOME, _MODULES)
