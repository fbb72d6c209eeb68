# Which nodes of my graph are local maxima? Asked of a networkx graph and of a PyG graph.

# %% networkx: who has more friends than every friend?
import networkx as nx
from torch_geometric.utils import degree, from_networkx

import graphmax as gm

club = nx.karate_club_graph()
mask = gm.local_maxima(club, dict(club.degree))
print("members with more friends than every friend:", [v for v in club if mask[v]])

# %% PyTorch Geometric: the same question of a Data object, answered with a tensor
data = from_networkx(nx.karate_club_graph())
data.friends = degree(data.edge_index[0], data.num_nodes)
print("the same, as a tensor:", gm.local_maxima(data, "friends").nonzero().flatten())

# %% How far is the nearest member with as many friends or more? Infinitely far: there is none.
distance, witness = gm.isolation(club, dict(club.degree))
print(f"{'member':>6} {'friends':>7} {'isolation':>9} {'nearest':>7}")
for v in sorted(club, key=club.degree, reverse=True)[:5]:
    print(f"{v:>6} {club.degree[v]:>7} {distance[v]:>9.0f} {witness[v]:>7}")
