"""Starts wa-mock, the bridge and independent clients, and waits for their output.

Only the standard library. Nothing here sleeps: every wait is for an event with a deadline, and a
missed deadline says what was awaited and what came instead.
"""
