"""Small lists of subscribers as other services write them, for the tests of the import."""

GHOST = """\
id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,deleted_at,labels,tiers
65a1,ann@example.org,Ann Lee,"bakes,
and reads",true,false,,2019-03-04T10:11:12.000Z,,,
65a2,bea@example.org,,,false,false,,2019-03-04T10:11:12.000Z,,,
"""

MAILCHIMP = """\
"Email Address","First Name","Last Name",MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,GMTOFF,\
LAST_CHANGED,LEID,EUID,NOTES,TAGS
ann@example.org,Ann,Lee,2,"2019-03-04 10:00:00",192.0.2.1,"2019-03-04 10:11:12",192.0.2.7,0,"2020-01-01 00:00:00",1,a,,
old@example.org,,,2,,,"2019-03-04 10:11:12",,0,"2020-01-01 00:00:00",2,b,,
"""

MAILCHIMP_UNSUBSCRIBED = """\
"Email Address","First Name",MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,UNSUB_TIME,UNSUB_REASON,LEID,EUID
bea@example.org,Bea,2,"2019-03-04 10:00:00","2019-03-04 10:11:12","2020-05-06 07:08:09",NORMAL,3,c
dan@example.org,Dan,2,"2019-03-04 10:00:00","2019-03-04 10:11:12","2020-05-06 07:08:09","abuse complaint",4,d
"""

MAILCHIMP_CLEANED = """\
"Email Address","First Name",MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,LEID,EUID
eve@example.org,Eve,2,"2019-03-04 10:00:00","2019-03-04 10:11:12","2020-05-06 07:08:09",May,5,e
"""

BUTTONDOWN = """\
email_address,notes,metadata,tags,type,creation_date,unsubscription_date,undeliverability_date,source,ip_address
ann@example.org,,{},,regular,2019-03-04T10:11:12Z,,,organic,192.0.2.7
bea@example.org,,{},,unsubscribed,2019-03-04T10:11:12Z,2020-05-06T07:08:09Z,,organic,
eve@example.org,,{},,undeliverable,2019-03-04T10:11:12Z,,2020-05-06T07:08:09Z,import,
fay@example.org,,{},,unactivated,2019-03-04T10:11:12Z,,,organic,
gil@example.org,,{},,churned,2019-03-04T10:11:12Z,,,organic,
"""

SUBSTACK = """\
email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at
ann@example.org,false,,other,false,2019-03-04T10:11:12.000Z,
bea@example.org,true,2027-01-01,yearly,true,2019-03-04T10:11:12.000Z,2020-01-01T00:00:00.000Z
"""

LISTMONK = """\
uuid,email,name,attributes,status,created_at,updated_at
7f1e,ann@example.org,Ann Lee,"{""city"": ""Leeds""}",enabled,2019-03-04 10:11:12.123456 +0000 UTC,\
2020-01-01 00:00:00 +0000 UTC
7f1f,bea@example.org,,{},disabled,2019-03-04 10:11:12.123456 +0000 +0000,2020-01-01 00:00:00 +0000 UTC
7f20,eve@example.org,,{},blocklisted,2019-03-04 10:11:12.123456 +0000 UTC,2020-01-01 00:00:00 +0000 UTC
"""
