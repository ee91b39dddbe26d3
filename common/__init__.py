"""What the services share: settings, errors, HTTP client, database pool, logs. It imports none of them."""
