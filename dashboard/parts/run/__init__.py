"""The parts of the Run page: what it shows, and the reads behind that."""
