"""A run against its base, decided for CI: `alpacabench gate RUN --base BASE`."""
