/*
 * Who may do what where: regions, subregions, overlap, privilege, and the default map behind them.
 * Each probe is one access; the MemManage and BusFault handlers skip it and say so.
 */
#include "board.h"

enum { RO_BOTH = 6, RW_PRIV = 1, RW_BOTH = 3, RW_PRIV_RO_USER = 2, RO_PRIV = 5, NONE = 0 };
#define RASR(ap, log2size, srd, xn)                                                                \
    ((uint32_t)(xn) << 28 | (uint32_t)(ap) << 24 | (uint32_t)(srd) << 8 | ((log2size)-1) << 1 | 1)

static volatile uint32_t faulted, fault_status, fault_address;

__attribute__((used)) void skip(uint32_t *frame)
{
    uint32_t cfsr = SCB_CFSR;
    faulted++;
    fault_status = cfsr;
    fault_address = cfsr & 0x80 ? SCB_MMFAR : cfsr & 0x8000 ? SCB_BFAR : 0;
    SCB_CFSR = cfsr;
    if (cfsr & 1) /* execution: back to the caller */
        frame[6] = frame[5] & ~1u;
    else
        frame[6] += *(uint16_t *)frame[6] >> 11 >= 0x1d ? 4 : 2;
}

__attribute__((naked)) void MemManage_Handler(void)
{
    __asm__ volatile("mrs r0, msp\n b skip");
}

__attribute__((naked)) void BusFault_Handler(void)
{
    __asm__ volatile("mrs r0, msp\n b skip");
}

/* SVC: back to privileged. The way down is an MSR. */
__attribute__((naked)) void SVC_Handler(void)
{
    __asm__ volatile("mov r0, #0\n msr control, r0\n isb\n bx lr");
}

static void user(void)
{
    __asm__ volatile("mov r0, #1\n msr control, r0\n isb" ::: "r0", "memory");
}

static void privileged(void)
{
    __asm__ volatile("svc #0" ::: "r0", "memory");
}

__attribute__((noinline)) static void try_read(uint32_t address)
{
    __asm__ volatile("ldr r1, [%0]" ::"r"(address) : "r1", "memory");
}

__attribute__((noinline)) static void try_write(uint32_t address)
{
    __asm__ volatile("ldrt r1, [%0]\n str r1, [%0]" ::"r"(address) : "r1", "memory");
}

__attribute__((noinline)) static void try_write_only(uint32_t address)
{
    __asm__ volatile("str %0, [%0]" ::"r"(address) : "memory");
}

__attribute__((noinline)) static void try_as_user(uint32_t address)
{
    __asm__ volatile("ldrt r1, [%0]\n strt %0, [%0]" ::"r"(address) : "r1", "memory");
}

__attribute__((noinline)) static void try_execute(uint32_t address)
{
    ((void (*)(void))(address | 1))();
}

static void set_region(uint32_t number, uint32_t base, uint32_t rasr)
{
    MPU_RNR = number;
    MPU_RBAR = base;
    MPU_RASR = rasr;
}

/* Letters for an access that worked, a dot for one that did not: as privileged, as user. */
static void probe(const char *name, uint32_t address, bool executable)
{
    static void (*const tries[])(uint32_t) = {try_read, try_write_only, try_execute, try_as_user,
                                              try_write};
    char result[12];
    uint32_t at = 0, sum = 0;
    /* What execution finds there: BX LR. Written while nothing is protected. */
    MPU_CTRL = 0;
    barrier();
    for (uint32_t i = 0; executable && i < 4; i += 2)
        *(volatile uint16_t *)(address + i) = 0x4770;
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 5; i++) {
            uint32_t before = faulted;
            if (i == 2 && !executable)
                continue;
            MPU_CTRL = 0;
            barrier();
            if (executable)
                *(volatile uint32_t *)address = 0x47704770;
            MPU_CTRL = 5;
            barrier();
            if (round)
                user();
            tries[i](address);
            privileged();
            bool failed = faulted != before;
            result[at++] = failed ? '.' : "rwxtT"[i];
            if (failed)
                sum = sum * 31 + (fault_status ^ (fault_address - address));
        }
        result[at++] = round ? 0 : ' ';
    }
    MPU_CTRL = 0;
    barrier();
    print(name);
    print(": ");
    print(result);
    print("\n");
    for (char *c = result; *c; c++)
        mix(*c);
    mix(sum);
}

int main(void)
{
    print("mpu: read write execute as-user(LDRT, STRT) LDRT-STR; privileged, then user\n");
    report("MPU_TYPE", MPU_TYPE);
    SCB_SHCSR = 3 << 16;

    set_region(0, 0x00000000, RASR(RO_BOTH, 22, 0, 0));
    set_region(1, 0x20000000, RASR(RW_BOTH, 22, 0, 0));
    set_region(2, 0x20200000, RASR(RW_PRIV, 13, 0xaa, 0)); /* every other KiB falls to region 1 */
    set_region(3, 0x20210000, RASR(RW_PRIV_RO_USER, 5, 0, 0));
    set_region(4, 0x20210020, RASR(RO_BOTH, 5, 0, 1));
    set_region(5, 0x20210000, RASR(NONE, 8, 0x7f, 0)); /* 0x202100e0 only */
    set_region(6, 0x20210040, RASR(RO_PRIV, 5, 0, 0));
    /* The registers of a region through the alias, and RBAR with VALID choosing the region. */
    REG(0xE000EDA4) = 0x20220000 | 1 << 4 | 7;
    REG(0xE000EDA8) = RASR(RW_BOTH, 10, 0, 1);
    report("RNR", MPU_RNR);
    report("RBAR", MPU_RBAR);
    report("RASR", MPU_RASR);

    probe("RAM", 0x20100000, true);
    probe("subregion on", 0x20200000, true);
    probe("subregion off", 0x20200400, true);
    probe("last subregion on", 0x20201800, true);
    probe("privileged RW, user RO", 0x20210000, true);
    probe("read-only, XN", 0x20210020, true);
    probe("privileged RO", 0x20210040, true);
    probe("nothing special", 0x20210060, true);
    probe("no access", 0x202100e0, true);
    probe("XN", 0x20220000, true);
    probe("background, RAM", 0x21000000, true);
    probe("background, LEDs", 0x40028000, false);
    probe("NVIC", 0xE000E100, false);
    probe("MPU", 0xE000ED94 + 4, false);

    /* Without the background region only regions count. */
    set_region(2, 0x40000000, RASR(RW_BOTH, 20, 0, 1));
    MPU_CTRL = 1;
    barrier();
    uint32_t before = faulted;
    try_read(0x20100000);
    try_read(0x40028000);
    report("regions only", faulted - before);
    try_read(0x21000000);
    report("no background", faulted - before);
    try_read(0xE000ED90);
    report("system registers", faulted - before);
    MPU_CTRL = 0;
    barrier();
    report("faults", faulted);
    done();
}
