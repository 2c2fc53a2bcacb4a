"""Where it runs: clusters, the local API server, and what they need of a machine."""
