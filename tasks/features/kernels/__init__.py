"""Compiled kernels: the numbers of the plain families, for a whole block of cells at once."""
