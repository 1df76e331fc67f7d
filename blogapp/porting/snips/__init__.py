"""Snips: read, said in our terms, and written again."""
