"""What the images say of the program in them: its types, variables, functions, lines and frames.

It is read from the debug information (DWARF, versions 2 to 5) when it is asked for, unit by unit.
Nothing here knows a timeline: what is asked of a moment, a `location.Moment` answers.
"""
