"""What a request may ask for: its fields, their ranges and their meaning for a sequence."""
