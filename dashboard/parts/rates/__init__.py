"""The parts of the Rates page: what machines and tokens cost, and the reads behind both."""
