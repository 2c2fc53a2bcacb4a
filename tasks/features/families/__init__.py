"""The feature families, a module each."""
