"""The event manager of Scotland's co-production teams. See docs/conventions.md for the house."""
