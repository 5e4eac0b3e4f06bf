"""API access: one client for judges and models, over every wire format."""
