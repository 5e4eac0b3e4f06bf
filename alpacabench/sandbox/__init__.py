"""Programs that a model wrote, run where they can do no harm: bubblewrap as another user, Docker, or not at all."""

from alpacabench.sandbox.program import Limits, Ran, Sandbox, open_sandbox, sandbox_problem

__all__ = ["Limits", "Ran", "Sandbox", "open_sandbox", "sandbox_problem"]
