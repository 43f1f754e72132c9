"""The paths, one group a module; ``app.py`` mounts them.

A path that generates takes three steps: pick the backend, make the answer, let the backend respond.
"""
