"""Where runs are logged: MLflow, or nowhere. Imports MLflow only when a run starts."""
