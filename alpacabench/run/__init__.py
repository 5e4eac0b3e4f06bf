"""One run: its experiment built from the configuration, its pipeline, its plan, and the job around them."""
