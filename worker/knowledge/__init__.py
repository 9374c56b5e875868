"""Knowledge bases: their verbs, their steps, and the index that techniques search."""
