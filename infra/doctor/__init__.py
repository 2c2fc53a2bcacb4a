"""Looks at what a run needs before there is one, and says what to do about what is wrong."""
