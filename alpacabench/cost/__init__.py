"""What asking costs: prices, estimates before it, and usage after it."""
