"""Requests as bytes: listening, guarding, reading bodies, writing answers and streams."""
