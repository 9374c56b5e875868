"""Batches: files that a pricer priced, one by one or from a watched folder, and what came of their real prices."""
