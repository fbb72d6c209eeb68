# Which ties of Les Miserables are stronger than every other tie among the friends of both?

# %% Characters who meet, and how often
import networkx as nx
import numpy as np

import graphmax as gm

novel = nx.les_miserables_graph()
graph = gm.as_graph(novel)
meetings = graph.edge_weights()
pairs = graph.label_of(graph.edges()).T

# %% The maximum of its own sub-adjacency matrix: no stronger tie between friends of either
for hops in (1, 2):
    strongest = np.flatnonzero(gm.edge_maxima(graph, hops=hops))
    print(f"{len(strongest)} of {graph.num_edges} ties are the strongest within {hops} hop(s):")
    for e in strongest[np.argsort(-meetings[strongest])]:
        print(f"{meetings[e]:>6.0f}  {pairs[e][0]} - {pairs[e][1]}")

# %% Equal ties: strict says nobody, weak lets all of them stand
weak = gm.edge_maxima(graph, ties="weak")
more = np.flatnonzero(weak & ~gm.edge_maxima(graph))
print(f"{len(more)} more that are equalled but not beaten:")
for e in more:
    print(f"{meetings[e]:>6.0f}  {pairs[e][0]} - {pairs[e][1]}")

# %% The literal check of the first one: its sub-adjacency matrix has its maximum there
first = int(np.flatnonzero(gm.edge_maxima(graph))[0])
u, v = pairs[first]
near = set(novel[u]) | set(novel[v]) | {u, v}
matrix = nx.to_numpy_array(novel, nodelist=sorted(near, key=lambda node: node not in (u, v)))
largest = np.sort(np.unique(matrix))[::-1]
print(f"{u} - {v}: entry {matrix[0, 1]:.0f} of a {len(matrix)} x {len(matrix)} matrix")
print(f"whose largest entries are {largest[0]:.0f} and {largest[1]:.0f}")
