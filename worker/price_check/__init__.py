"""The check of known prices: the verbs and the step that look for wrong ones, what a person decides about them, and the
new version of the dataset that follows."""
