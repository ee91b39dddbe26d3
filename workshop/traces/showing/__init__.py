"""Traces, diagnoses and comparisons as a terminal shows them. Fetches nothing."""
