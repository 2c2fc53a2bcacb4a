"""What a person at a terminal meets: command line, plan, preview, summary."""
