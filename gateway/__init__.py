"""The public API and the shop page. Owns no data."""
