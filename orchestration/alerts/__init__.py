"""Alerts: what is wrong now becomes incidents, an outbox keeps what is to be told, Apprise tells it."""
