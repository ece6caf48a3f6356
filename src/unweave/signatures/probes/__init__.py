"""Probes: linear readings of one factor from frozen codes, with honest scores."""
