"""The parts of the Batches page."""
