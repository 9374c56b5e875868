"""The parts of the Prompts page: the editor of prompt versions."""
