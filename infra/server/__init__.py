"""A shared Prefect server on a PostgreSQL of its own, without containers; compose.yaml is the same with them."""
