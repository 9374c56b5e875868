"""Pricing jobs: planned, priced chunk by chunk, compared and exported."""
