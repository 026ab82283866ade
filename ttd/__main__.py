"""`python -m ttd`"""

from ttd.cli import main

main()
