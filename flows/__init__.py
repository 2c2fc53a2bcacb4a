"""What happens, in order: Prefect flows, their configuration and their command line."""
