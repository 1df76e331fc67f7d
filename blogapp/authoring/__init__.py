"""Members at work: writing, publishing, watching a digest leave."""
