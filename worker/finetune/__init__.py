"""Fine-tunes: planned, started, trained on this machine or behind an endpoint."""
