"""What every front end of a debugger shares, without a protocol: conditions as data, and finding
the places where they hold."""
