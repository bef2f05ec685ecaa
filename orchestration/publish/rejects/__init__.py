"""Rows that were set aside: listed, and reconciled with what arrived."""
