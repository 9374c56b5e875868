"""Postgres and Valkey without Docker or root: started, stopped, and closed to other users of the machine."""
