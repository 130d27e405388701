"""Registrations: places, the waiting list, offers, and "My place"."""
