"""iCalendar as plain values and bytes: RFC 5545, RFC 7986 and RFC 5546, with no I/O and no clock.

This package must not know Flask, SQLAlchemy, settings or any slice. Callers hand in a
`CalendarEntry` and every instant; the same input gives the same bytes on every host.
"""
