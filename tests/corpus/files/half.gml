graph
[
  directed 0
  node [ id 1 label "Ann" height 3 ]
  node [ id 2 label "Bob" height 5.5 ]
  nod