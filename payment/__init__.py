"""Charges cards through the external payment provider. Owns no data."""
