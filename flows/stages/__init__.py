"""The stages of the pipeline, a file each: its tasks, what it needs and publishes, its row of the plan."""
