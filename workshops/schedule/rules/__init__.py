"""What holds for events, whoever asks: pure functions and frozen values, no clock, no database."""
