"""What a copy of a site must not do by itself: send what the original has sent since, or is still sending."""

# Understood by both databases; `:reason` is what a paused digest's page says.
HOLD = "UPDATE digests SET state = 'held' WHERE state = 'waiting'"
# Without a time to resume at it rests until a person says so.
PAUSE = (
    "UPDATE sendings SET state = 'paused', resume_at = NULL, paused_at = CURRENT_TIMESTAMP, pause_reason = :reason "
    "WHERE state <> 'sent'"
)
# The copy is a site of its own from now on (digest/instance.py): what is at rest above needs no further hold.
RENAME = "UPDATE site SET instance = :instance"
# A correction that was to leave at once is told in the next digest, unless somebody says so again.
HAS_CORRECTIONS = "SELECT 1 FROM pragma_table_info('corrections') WHERE name = 'told'"
HOLD_CORRECTIONS = "UPDATE corrections SET told = 'digest' WHERE told = 'mail' AND told_in IS NULL"
# For a copy that holds single mails; an archive leaves them out.
DROP_MAILS = (
    "UPDATE outbox SET state = 'failed', owner = NULL, lease_until = NULL, reply = 'restored from a backup' "
    "WHERE state IN ('waiting', 'claimed')"
)
# The same for what a hub is to be told of feeds.
HAS_PINGS = "SELECT 1 FROM sqlite_master WHERE name = 'hub_pings'"
FORGET_PINGS = "DELETE FROM hub_pings"
# What was to be published by itself: the original has done that, or is going to.
HAS_SCHEDULES = "SELECT 1 FROM sqlite_master WHERE name = 'schedules'"
STOP_SCHEDULES = "UPDATE schedules SET stopped_at = CURRENT_TIMESTAMP, why = :why WHERE stopped_at IS NULL"
WHY_STOPPED = "This site was made from a copy, where nothing is published by itself."
