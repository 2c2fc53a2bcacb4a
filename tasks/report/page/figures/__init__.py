"""What is drawn: a file per kind of figure, each a function from small tables to a chart of altair."""
