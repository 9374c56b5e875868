"""The parts of the Advisor page: the next steps, the table of ways, and the read behind both."""
