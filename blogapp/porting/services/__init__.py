"""Other services and programs: their exports read into items."""
