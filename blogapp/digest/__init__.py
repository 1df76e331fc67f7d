"""What a publication sends, to whom, and how far it is."""
