"""Compiled kernels: the numbers of the plain families, for a whole stack of cells at once."""
