"""Libraries that read vendors' formats, each in a process of its own: a file that ends it ends nothing else."""
