"""What every slice stands on: the database, the clock, time zones, tokens and errors. Knows no slice."""
