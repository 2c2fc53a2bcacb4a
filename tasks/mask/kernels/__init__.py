"""Compiled code of the mask stage; each result equals that of the plain code beside it, bit for bit."""
