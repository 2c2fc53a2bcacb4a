"""Starts a flow run for each acquisition of a folder once it is complete: ``python -m infra.watch_folder``."""
