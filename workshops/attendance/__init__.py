"""What was seen on the day."""
