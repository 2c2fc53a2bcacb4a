"""What stands on the page, a file per section: from what is known of a run to the values that its template shows."""
