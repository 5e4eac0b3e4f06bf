"""Kills at random moments, storms, a full disk and wrong clocks: `make chaos`."""
