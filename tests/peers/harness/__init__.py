"""Starts wa-mock, the bridge and independent clients, and waits for what they say.

Only the standard library. Nothing here sleeps: every wait is for an event with a deadline, and
a missed deadline says what was waited for and what came instead.
"""
