"""What members write: posts, their revisions, their files."""
