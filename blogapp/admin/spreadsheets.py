"""What has to be minded in files that are opened with a spreadsheet."""


def harmless(cell: str) -> str:
    """A text may begin with `=`, as an address can; a spreadsheet would run that as a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
