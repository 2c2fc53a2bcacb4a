"""What the stages share: types, column dictionary, registry, errors, digests and atomic storage."""
