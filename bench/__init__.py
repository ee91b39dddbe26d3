"""The measurements behind the figures in the documentation. Ratios within one run, never times in a test."""
