"""Mail as a transactional outbox: a message is a row in the same transaction as what it tells.

Knows no event and no registration: other slices hand it words, an address and, if needed, a calendar part.
"""
