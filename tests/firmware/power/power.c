/*
 * Resets the machine by ttd's power register, suspends it, and shuts it down. What it has done
 * already is known from memory that a reset leaves alone and the start code does not clear.
 */
#include "board.h"

#define POWER REG(0x40111000)
enum { RESET = 1, SHUTDOWN = 2, SUSPEND = 3 };
#define STARTS REG(0x21000000)

int main(void)
{
    report("start", ++STARTS);
    if (STARTS < 3) {
        POWER = RESET;
        print("not reset\n");
    }
    POWER = 4; /* nothing */
    report("reads", POWER);
    print("suspending\n");
    POWER = SUSPEND;
    print("awake\n");
    POWER = SHUTDOWN;
    print("not off\n");
    return 0;
}
