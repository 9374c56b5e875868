"""The cases of the corpus, by kind of oddity; collected in corpus.py."""
