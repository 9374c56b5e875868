"""How much data does it need? The verbs and steps that learn from parts and fit the curves."""
