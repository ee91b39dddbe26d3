"""What an attendee does in the shop: buy, hunt, explain, fix, break, and what was done when."""
