graph
[