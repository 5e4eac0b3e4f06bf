"""How far a judge is to be trusted: its biases, its agreement with people, and what its errors do to a win rate."""
