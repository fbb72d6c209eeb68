graph
[
  directed 0
  node [ id 1 label "Ann" 7 3 ]
  node [ id 2 label "Bob" height 5.5 ]
  node [ id 3 label "Cy" ]
  edge [ source 1 target 2 weight 0.5 ]
  edge [ source 2 target 3 weight 2 ]
]
