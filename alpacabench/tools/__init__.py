"""What a model may call, and what comes back: tools, their seeded failures, and the conversation that they make."""
