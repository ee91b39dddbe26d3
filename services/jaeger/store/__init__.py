"""The spans in memory: bounded, searched, summed up."""
