"""The parts of the test server that speaks the OpenAI protocol; `tests/endpoint.py` starts it."""
