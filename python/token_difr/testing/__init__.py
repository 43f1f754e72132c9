"""Stand-ins that a user's own tests may use."""
