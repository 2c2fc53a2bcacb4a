"""Quality filter: metrics of every cell, one decision over the whole data set."""
