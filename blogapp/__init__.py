"""A team's weekly-notes blog with an e-mail digest."""

__version__ = "0.1.0"
