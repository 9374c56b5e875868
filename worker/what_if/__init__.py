"""What techniques would cost in a scenario, and the scenarios that people keep."""
