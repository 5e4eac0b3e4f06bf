"""The jobs of a sweep against each other: differences to the base, effects of the axes, variance."""
