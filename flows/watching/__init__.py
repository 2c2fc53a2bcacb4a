"""What Prefect shows of a run to those who watch it: names, tags, states, log, artifacts."""
