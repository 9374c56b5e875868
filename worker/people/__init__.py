"""People: who somebody is, what she is called by, and with whom she shares what."""
