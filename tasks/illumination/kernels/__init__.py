"""Compiled loops of the illumination correction."""
