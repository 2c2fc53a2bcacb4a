"""Kernels for CUDA, as text, and what launches them; imports numpy and cupy only."""
