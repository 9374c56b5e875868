"""The parts of the Audit page: its filters, its table, and the reads behind both."""
