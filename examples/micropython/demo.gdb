# Back through a session at MicroPython's prompt: without symbols, as it comes from Debian. Started
# from the top of the repository by scripts/demo_micropython.py, after `target remote`.
source scripts/demo-commands.gdb
set print frame-info short-location

say The machine stands at its first instruction. The end of the session is a jump away; these are the lights there:
do monitor goto end
do stepi
do monitor leds
say Each key that was typed is an event of the recording. The first four were `1+1` and Enter; go to the fifth, when the answer was there already:
do monitor back-to event char_read 5
do stepi
say Where does this firmware print? Nobody has its source at hand, but characters leave through the register TXD of the UART, at 0x4000251c. A watchpoint on it, and run backwards, to the last character of the prompt:
do awatch *(unsigned *)0x4000251c
do reverse-continue
do x/2i $pc
say The character is in r1. Delete the watchpoint; a breakpoint at this instruction, for the answer only:
do delete
python gdb.execute("set $store = $pc")
do break *$store if $r1 == '2'
do reverse-continue
do monitor when
do print/c $r1
say That is the step at which the answer of 1+1 was printed. The caller keeps on the stack where the text is that it prints:
do print/x *(unsigned *)$sp
do x/s *(char **)$sp
say Who wrote this digit? A watchpoint on it, and backwards again:
do delete
python gdb.execute("set $text = *(unsigned *)$sp")
do watch *(char *)$text
do reverse-continue
do monitor when
do x/3i $pc
do print/c *(char *)$text
say The instruction that is about to run makes the digit of a number: `2` is not there yet. One step forward it is:
do stepi
do print/c *(char *)$text
