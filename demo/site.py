"""`blogapp serve` as the demo's child: it ends with the demo even if that is killed.

use: python -m demo.site PARENT-PID ARGUMENTS-OF-SERVE…
"""

import sys

from blogapp.cli import main
from blogapp.cli.lifeline import die_with

if __name__ == "__main__":
    die_with(int(sys.argv[1]))
    sys.argv = ["blogapp", "serve", *sys.argv[2:]]
    main()
