"""Datasets: uploaded, looked at, loaded and deleted."""
