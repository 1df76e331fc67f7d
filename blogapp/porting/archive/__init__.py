"""The whole site in one file: archives for either database, and backups."""
