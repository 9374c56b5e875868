"""The parts of the Fine-tune page: what it shows, and the reads behind that."""
