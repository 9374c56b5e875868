"""The parts of the test server that speaks the OpenAI protocol; `tests/fake_openai/server.py` starts it."""
