"""Lists of subscribers: other services' CSV in, our own out."""
