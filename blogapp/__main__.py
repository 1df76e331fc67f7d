"""`python -m blogapp` is the `blogapp` command."""

from blogapp.cli import main

if __name__ == "__main__":
    main()
