"""Export: the published files, put together from what the stages left in work/."""
