"""What every floor above stands on; knows no feature."""
