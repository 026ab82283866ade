# Commands of the demos: `say` explains, `do COMMAND` shows a command and runs it.
# Demos are started from the top of the repository.
set pagination off
set confirm off
set print frame-info source-and-location

python
import textwrap

class Say(gdb.Command):
    """Explain: print a paragraph."""
    def __init__(self):
        super().__init__("say", gdb.COMMAND_USER)
    def invoke(self, text, from_tty):
        print()
        print(textwrap.fill(text, 88, initial_indent="# ", subsequent_indent="# "))

class Do(gdb.Command):
    """Show a command as if it had been typed, and run it."""
    def __init__(self):
        super().__init__("do", gdb.COMMAND_USER)
    def invoke(self, command, from_tty):
        print(f"\n(gdb) {command}", flush=True)
        gdb.execute(command, from_tty=False)

Say()
Do()
end
