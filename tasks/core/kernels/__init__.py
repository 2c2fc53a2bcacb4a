"""What the kernels of all stages are made of: how they are compiled, masks as bits, components, sorting."""
