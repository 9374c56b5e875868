"""Language models, on this machine or behind an endpoint: prompts in, prices or texts out."""
