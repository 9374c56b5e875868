"""Pricers: a chosen technique with its source and its promise, under a name, used on new files."""
