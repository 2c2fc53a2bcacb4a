"""Where tasks run: what a cluster file says, and what starts the workers of it."""
