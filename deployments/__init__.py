"""How it is deployed: example configurations, and what schedules them."""
