"""Statistics of the whole data set that are exact, mergeable in any order, and bounded in memory.

A statistic is found by asking *questions* of all values, one after the other: the answer of a part of the data is
small, two answers merge into one, and the merged answer does not depend on how the data were divided or on the order of
merging. `tasks.core.exact.statistics` holds statistics as programs that ask such questions; whether one process answers
them or a tree of tasks makes no difference to the result.
"""
