"""The parts of the Adapters page: what it shows, and the reads behind that."""
