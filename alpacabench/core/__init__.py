"""The ground floor: records, errors, components, progress. Imports nothing but pydantic and rich."""
