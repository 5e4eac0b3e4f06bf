"""Whether a changed prompt still asks for the same task: numbers, names, negations and demands kept."""
