"""The parts of the Guess page: a game that goes on, what came of it, and the reads behind both."""
