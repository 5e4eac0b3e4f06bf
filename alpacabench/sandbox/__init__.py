"""Programs that a model wrote, run where they can do no harm: bubblewrap as another user, Docker, or not at all."""
