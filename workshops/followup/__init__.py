"""What was promised after an event: notes and write-ups."""
