"""What is at which address, and when: the machine's address space and its time."""
