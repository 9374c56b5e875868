"""Verdicts that people saved to act on, and whether they still hold."""
