"""`./run demo`: a small team's blog to play with, its worker, and a mail catcher with an inbox in the browser."""
