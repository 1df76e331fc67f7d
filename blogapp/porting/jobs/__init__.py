"""Long work in the background: what an admin began in the browser, and the worker does one after the other."""
