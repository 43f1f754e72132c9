"""How answers are made of sequences: what a request may ask for, and the form that its API gives the answer."""
