"""Where a trace's time went: self time, critical path, legs, percentiles."""
