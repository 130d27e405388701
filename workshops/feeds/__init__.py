"""Calendars people subscribe to, and the Atom feed of write-ups."""
