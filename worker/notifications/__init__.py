"""Telling people what happened while they were away: by webhook and by mail."""
