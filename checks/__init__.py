"""What every commit has to pass: `./run check`."""
