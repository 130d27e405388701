"""Events that others propose or ask for: a form without an account, a queue with answers, a limited link."""
