"""The parts of the What if page: its form, its answer, and the reads behind that."""
