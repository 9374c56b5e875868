"""The parts of the Storage page: what takes space, and freeing it."""
