"""What runs stages: what is checked before a run, keys, submission, progress, the record, the lock."""
