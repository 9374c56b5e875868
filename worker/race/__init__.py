"""Races: techniques price the same rows in blocks, and those that can no longer win stop."""
