"""The endpoints, one group a module."""
