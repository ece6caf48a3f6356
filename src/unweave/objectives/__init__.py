"""Loss terms, their schedules and their weighted sum."""
