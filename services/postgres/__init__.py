"""PostgreSQL: how the local runtime starts one, and the databases, roles and rows that the services need."""
