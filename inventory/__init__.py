"""The catalogue, the stock ledger and the reservations made on it."""
