graph 7
