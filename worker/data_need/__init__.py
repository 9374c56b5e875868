"""How much data is needed: the verbs and steps that learn from parts and fit the curves."""
