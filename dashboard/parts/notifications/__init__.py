"""The parts of the Notifications page: who is told, what was told, and a test."""
