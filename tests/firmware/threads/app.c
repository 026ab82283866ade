/* Five tasks, each of which waits in another way. */
#include "kernel.h"

enum { DEEP, SLEEPER, SULKY, BUSY, IDLE };
enum { ROUNDS = 12 };

static volatile uint32_t beats, woken, answers;

__attribute__((noinline)) static uint32_t third(uint32_t value)
{
    wait_for(0);
    return value + 1;
}

__attribute__((noinline)) static uint32_t second(uint32_t value)
{
    return third(value * 2) + 1;
}

__attribute__((noinline)) static uint32_t first(uint32_t value)
{
    return second(value + 3) + 1;
}

static void deep(void)
{
    for (uint32_t round = 0;; round++)
        answers += first(round);
}

static void sleeper(void)
{
    for (;;) {
        sleep(2);
        beats++;
    }
}

static void sulky(void)
{
    for (;;) {
        suspend();
        woken++;
    }
}

__attribute__((noinline)) static uint32_t work(uint32_t seed)
{
    for (uint32_t i = 0; i < 2000; i++)
        seed = (seed ^ seed >> 15) * 2246822519u + i;
    return seed;
}

static void busy(void)
{
    uint32_t sum = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        sum += work(round);
        tell(0);
        if (round % 4 == 3)
            resume(SULKY);
    }
    irq_off();
    report("sum", sum);
    report("answers", answers);
    report("woken", woken);
    report("slept", beats > 2);
    done();
}

static void idle(void)
{
    for (;;)
        request_switch();
}

#ifndef __riscv
void SysTick_Handler(void)
{
    tick();
    request_switch();
}
#endif

int main(void)
{
    print("threads\n");
    make("deep", 3, deep);
    make("sleeper", 2, sleeper);
    make("sulky", 2, sulky);
    make("busy", 1, busy);
    make("idle", 0, idle);
    start_ticks();
    start();
    return 0;
}
