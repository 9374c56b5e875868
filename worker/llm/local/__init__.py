"""The engine for models on this machine: prompts in, distributions over prices out."""
