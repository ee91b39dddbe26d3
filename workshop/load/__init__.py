"""Many customers at once, with Locust."""
