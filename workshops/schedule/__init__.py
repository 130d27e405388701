"""Events, programmes, series, venues, hosts and topics: what is planned, and what the public may find."""
