"""The report: what a run looked at and what it made of it, on one page."""
