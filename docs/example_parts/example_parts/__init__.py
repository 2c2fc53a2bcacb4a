"""Parts for scip-flows, one per module; docs/extending.md goes through them."""
