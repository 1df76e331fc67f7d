"""Pages of `admin`: each module registers its own on the shared blueprint."""

from blogapp.admin import exporting as exporting
from blogapp.admin import importing as importing
from blogapp.admin import index as index
from blogapp.admin import jobs as jobs
from blogapp.admin import logo as logo
from blogapp.admin import mail as mail
from blogapp.admin import members as members
from blogapp.admin import site as site
from blogapp.admin import subscribers as subscribers
from blogapp.admin import suppressions as suppressions
from blogapp.admin.blueprint import bp as bp
