"""The workshop's web page: traces from any Jaeger, read through its query API by `workshop.traces`."""
