"""What stands between us and the inbox, looked at one by one: `blogapp doctor`. Gives findings, prints nothing."""
