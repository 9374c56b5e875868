"""Knowledge bases: what each holds, how it changes, and how it is searched."""
