"""A recording for agents: questions about it as tools of the Model Context Protocol."""
