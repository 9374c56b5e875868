"""Checks of verdicts: how often a comparison would name a false loser, and what it would find."""
