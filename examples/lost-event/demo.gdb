# The demo as GDB plays it. Started from the top of the repository by scripts/demo.py, after
# `target remote`.
source scripts/demo-commands.gdb

say The recording is loaded; nothing has to be reproduced. Go to its end, to the crash:
do continue
do backtrace
say The sensor interrupt found the queue full and gave up. Is it really full?
do print queue.head - queue.tail
say It is: 2048 events, and nobody takes them out. Where does the main loop stand?
do frame function main
say It sleeps. It does so when there is nothing to do, and it believes that there is nothing:
do print todo
say So the bit EVENTS is lost. The interrupt sets it for the first event in an empty queue only, so that it never comes back. Who was the last one to write `todo`? Ask the past: a watchpoint, and run backwards.
do watch todo
do reverse-continue
say We are now at that write, 2048 events before the crash; it has not run yet. (Backwards, the "old value" is the later one.) It is the main loop clearing TICK. In C it is one line. The CPU loads `todo`, calls a function, and stores what that returns:
do x/4i $pc - 8
do print/x $r0
do print todo
say The register that is about to be stored holds 0, but in memory `todo` has the bit EVENTS now: what was loaded a moment ago is stale. What ran between load and store? Go back again, to the write before:
do reverse-continue
do backtrace
say That is the culprit. The sensor interrupt is about to set EVENTS (the watch shows the bit come and go), and it interrupted the main loop here:
do frame function main
do x/i $pc
say Between the load and the store of `todo = without(todo, TICK)`. The interrupt sets its bit, returns, and the main loop stores its old copy over it. When did that happen?
do monitor when
say The bug: `todo = without(todo, TICK)` is not atomic, and interrupts write the same word. The line above it, with EVENTS, has the same gap, but is saved by the fact that the queue is emptied after it: that is why it took so long. The fix: clear bits with interrupts off (or through the bit-band alias, one store).
delete
