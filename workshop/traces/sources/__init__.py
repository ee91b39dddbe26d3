"""Where traces come from: a Jaeger's query API, files, ids as people paste them, plans from a database."""
