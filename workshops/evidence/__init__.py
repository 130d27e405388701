"""Figures, exports and health: reads everything, writes nothing."""
