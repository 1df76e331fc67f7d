"""Members, subscribers and settings, for admins."""
