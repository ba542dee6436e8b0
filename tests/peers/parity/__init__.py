"""Stanza parity: what the bridge sends, compared with what whatsmeow sends in the same scenario.

How it works: docs/protocol/parity.md.
"""
