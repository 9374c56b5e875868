"""Leaks from the test side: the verbs and the step that look for test rows whose answer could have been seen."""
