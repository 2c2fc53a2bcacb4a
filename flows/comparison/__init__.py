"""What differs between two runs: their records, and their tables."""
