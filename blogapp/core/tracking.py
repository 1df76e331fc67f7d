"""What mails and networks add to an address to tell who clicked where: it never says what is read."""

import re

NAMES = re.compile(
    r"(?:utm|mtm|pk|hsa)_\w+|(?:fb|g|d|ms|y|tw|tt|epi)clid|gbraid|wbraid|gad_source|gad_campaignid|_gl|li_fat_id"
    r"|mc_[ce]id|mkt_tok|igsh|igshid|ref_src|_hs(?:enc|mi)|vero_id|oly_(?:anon|enc)_id"
)


def without_tracking(query: str) -> str:
    """A query as it was before it was shared."""
    return "&".join(part for part in query.split("&") if not NAMES.fullmatch(part.partition("=")[0]))
