/*
 * Every kind of fault, one after the other: what the fault status registers say, where the stacked
 * PC points to, and that the program goes on. Thread mode is on PSP, so that a broken thread stack
 * leaves the handlers a good one.
 *
 * With -DLOCKUP the program ends in a fault inside the HardFault handler: lockup.
 */
#include "board.h"

extern uint32_t _estack;
static uint32_t handler_stack[256] __attribute__((aligned(8)));

/* How to go on after a fault in thread mode: filled in by `attempt`. */
__attribute__((used)) uint32_t resume_sp, resume_pc;
static volatile uint32_t count, last_exception, last_pc, last_bfar, last_mmfar, last_xpsr;
static volatile uint32_t last_cfsr, last_hfsr;
extern char nested[]; /* the SVC in the SVC handler */

/* Call `provoke`; a fault in it comes back here. Everything the ABI wants kept is kept. */
__attribute__((naked, noinline)) void attempt(void (*provoke)(void))
{
    (void)provoke;
    __asm__ volatile("push {r4-r11, lr}\n"
                     "ldr r1, =resume_sp\n"
                     "mov r2, sp\n"
                     "str r2, [r1]\n"
                     "ldr r1, =resume_pc\n"
                     "adr r2, 1f\n"
                     "str r2, [r1]\n"
                     "blx r0\n"
                     ".balign 4\n"
                     "1: pop {r4-r11, pc}\n");
}

enum { FAULT_INVPC = 1u << 18, FAULT_STKERR = 1u << 12 | 1u << 4, XPSR_SHOWN = 0x0700fdff };

/*
 * The address of an SVC that became a HardFault: DDI0403E's ReturnAddress() says the SVC itself,
 * implementations have been seen to stack the next instruction. Both are shown as the SVC.
 */
static uint32_t at_svc(uint32_t pc)
{
    return last_hfsr == 1u << 30 && !last_cfsr && (*(uint16_t *)(pc - 2) & 0xff00) == 0xdf00
               ? pc - 2
               : pc;
}

/* Returns the PSP to leave with; from a fault in a handler, 0: leave as it came. */
__attribute__((used)) uint32_t *fault(uint32_t *msp, uint32_t *psp, uint32_t exc_return)
{
    uint32_t cfsr = SCB_CFSR;
    bool first = !last_exception;
    count++;
    last_exception = last_exception << 4 | (SCB_ICSR & 0xf);
    last_cfsr |= cfsr;
    last_hfsr |= SCB_HFSR;
    if (cfsr & 0x80)
        last_mmfar = SCB_MMFAR;
    if (cfsr & 0x8000)
        last_bfar = SCB_BFAR;
    SCB_CFSR = cfsr; /* write 1 to clear */
    SCB_HFSR = last_hfsr;
    MPU_CTRL = 0;
    SCB_CCR &= ~0x18u;
    barrier();

    if (!(cfsr & FAULT_INVPC) && exc_return == 0xFFFFFFF1) {
        last_pc = at_svc(msp[6]) - (uint32_t)nested;
        last_xpsr = msp[7] & XPSR_SHOWN;
        msp[6] = at_svc(msp[6]) + 2;
        return 0;
    }
    /* Where the stack was broken, nothing was stacked. */
    if (first && !(cfsr & FAULT_STKERR)) {
        last_pc = at_svc(psp[6]);
        last_xpsr = psp[7] & XPSR_SHOWN;
    }

    uint32_t *frame = (uint32_t *)(resume_sp & ~7u) - 8;
    frame[6] = resume_pc;
    frame[7] = 0x01000000 | (resume_sp & 4) << 7; /* bit 9: SP was realigned */
    return frame;
}

#define HANDLER                                                                                    \
    "mrs r0, msp\n mrs r1, psp\n mov r2, lr\n"                                                     \
    "push {r2, r3}\n bl fault\n pop {r2, r3}\n"                                                    \
    "cbnz r0, 1f\n bx r2\n"                                                                        \
    "1: msr psp, r0\n ldr r2, =0xFFFFFFFD\n bx r2\n"

__attribute__((naked)) void MemManage_Handler(void) { __asm__ volatile(HANDLER); }
__attribute__((naked)) void BusFault_Handler(void) { __asm__ volatile(HANDLER); }
__attribute__((naked)) void UsageFault_Handler(void) { __asm__ volatile(HANDLER); }
#ifdef LOCKUP
__attribute__((naked)) void HardFault_Handler(void) { __asm__ volatile("udf #1\n b ."); }
#else
__attribute__((naked)) void HardFault_Handler(void) { __asm__ volatile(HANDLER); }
#endif

/* SVC 10 returns with a broken EXC_RETURN, SVC 11 makes a nested SVC, others return. */
__attribute__((naked)) void SVC_Handler(void)
{
    __asm__ volatile("mrs r0, psp\n"
                     "ldr r0, [r0, #24]\n"
                     "ldrb r0, [r0, #-2]\n"
                     "cmp r0, #10\n"
                     "beq 1f\n"
                     "cmp r0, #11\n"
                     "it ne\n bxne lr\n"
                     "nested: svc #2\n"
                     "bx lr\n"
                     "1: ldr r0, =0xFFFFFFF5\n"
                     "bx r0\n");
}

/* Print one line of the table; the PC as an offset into `provoke`, if it is in there. */
static void table(const char *name, void (*provoke)(void))
{
    uint32_t before = count;
    last_exception = last_cfsr = last_hfsr = last_mmfar = last_bfar = last_pc = last_xpsr = 0;
    attempt(provoke);
    uint32_t start = (uint32_t)provoke & ~1u;
    uint32_t pc = last_pc - start < 64 ? last_pc - start : last_pc;
    const uint32_t row[] = {count - before, last_exception, last_cfsr, last_hfsr,
                            last_mmfar,     last_bfar,      pc,        last_xpsr};
    print(name);
    for (uint32_t i = 0; i < sizeof row / sizeof *row; i++) {
        print(i ? " " : ": ");
        mix(row[i]);
        print_hex(row[i]);
    }
    print("\n");
}

#define PROVOKE(name, code)                                                                        \
    __attribute__((naked, noinline)) static void name(void)                                        \
    {                                                                                              \
        __asm__ volatile(code "\n bx lr");                                                         \
    }

PROVOKE(undefined, "nop\n udf #3")
PROVOKE(undefined_wide, "nop\n udf.w #3")
PROVOKE(undefined_in_it, "movs r0, #0\n cmp r0, #0\n ite eq\n udfeq #3\n addne r0, #1")
PROVOKE(unaligned_ldm, "ldr r0, =0x20200001\n ldm r0, {r1, r2}")
PROVOKE(unaligned_ldrd, "ldr r0, =0x20200002\n ldrd r1, r2, [r0]")
PROVOKE(unaligned_ldrex, "ldr r0, =0x20200001\n ldrex r1, [r0]")
PROVOKE(unaligned_trap,
        "ldr r0, =0xE000ED14\n ldr r1, [r0]\n orr r1, #8\n str r1, [r0]\n dsb\n isb\n"
        "ldr r0, =0x20200001\n ldr r1, [r0]")
PROVOKE(unaligned_half_trap,
        "ldr r0, =0xE000ED14\n ldr r1, [r0]\n orr r1, #8\n str r1, [r0]\n dsb\n isb\n"
        "ldr r0, =0x20200001\n strh r1, [r0]")
PROVOKE(unaligned_fine, "ldr r0, =0x20200001\n ldr r1, [r0]\n strh r1, [r0]")
PROVOKE(divide_trap,
        "ldr r0, =0xE000ED14\n ldr r1, [r0]\n orr r1, #16\n str r1, [r0]\n dsb\n isb\n"
        "mov r0, #0\n udiv r1, r1, r0")
PROVOKE(divide_fine, "mov r0, #0\n udiv r1, r1, r0")
PROVOKE(read_unmapped, "mov r0, #0x60000000\n nop\n ldr r1, [r0, #12]")
PROVOKE(write_unmapped, "mov r0, #0x60000000\n nop\n strb r1, [r0, #5]")
PROVOKE(ldm_into_unmapped, "ldr r0, =0x23fffff8\n ldmia r0!, {r1-r4}")
PROVOKE(read_in_it, "mov r0, #0x60000000\n cmp r0, r0\n itt eq\n moveq r2, #1\n ldreq r1, [r0]")
PROVOKE(no_device, "mov r0, #0x50000000\n ldr r1, [r0]")
PROVOKE(jump_unmapped, "ldr r0, =0x60000001\n bx r0")
PROVOKE(jump_never, "ldr r0, =0x40010001\n bx r0")
PROVOKE(arm_state, "ldr r0, =undefined\n bic r0, #1\n bx r0")
PROVOKE(no_coprocessor, "nop\n mrc p1, 0, r0, c0, c0, 0")
PROVOKE(no_fpu, "nop\n .inst.w 0xee300a00") /* vadd.f32 s0, s0, s0 */
PROVOKE(broken_exc_return, "svc #10\n nop")
PROVOKE(nested_svc, "svc #11")
PROVOKE(plain_svc, "svc #3")
PROVOKE(overflow, "mov r0, #0x60000000\n add r0, #8\n mov sp, r0\n push {r4-r7, lr}")
PROVOKE(overflow_at_entry, "mov r0, #0x60000000\n add r0, #8\n mov sp, r0\n svc #3")
PROVOKE(overflow_fault, "mov r0, #0x60000000\n add r0, #8\n mov sp, r0\n udf #1")
PROVOKE(hard_breakpoint, "nop\n bkpt #1")
PROVOKE(primask_svc, "cpsid i\n svc #3")
PROVOKE(primask_udf, "cpsid i\n udf #3")

static void region(uint32_t number, uint32_t base, uint32_t rasr)
{
    MPU_RNR = number;
    MPU_RBAR = base;
    MPU_RASR = rasr;
}

/* 1 KiB at 0x20280000 without access, 1 KiB after it read-only, 1 KiB after that never executed. */
static void protect(void)
{
    region(0, 0x20280000, 9 << 1 | 1);
    region(1, 0x20280400, 6u << 24 | 9 << 1 | 1);
    region(2, 0x20280800, 1u << 28 | 3u << 24 | 9 << 1 | 1);
    MPU_CTRL = 5;
    barrier();
}

PROVOKE(mpu_read, "ldr r0, =0x20280010\n nop\n ldr r1, [r0]")
PROVOKE(mpu_write, "ldr r0, =0x20280402\n nop\n strh r1, [r0]")
PROVOKE(mpu_read_only, "ldr r0, =0x20280402\n nop\n ldrh r1, [r0]")
PROVOKE(mpu_jump, "ldr r0, =0x20280801\n bx r0")
PROVOKE(mpu_across, "ldr r0, =0x202803fe\n ldr r1, [r0]")
PROVOKE(mpu_stack, "ldr r0, =0x20280010\n mov sp, r0\n svc #3")

static void all(const char *title)
{
    print(title);
    print("\nname: times exception CFSR HFSR MMFAR BFAR PC xPSR\n");
    table("undefined", undefined);
    table("undefined, wide", undefined_wide);
    table("undefined in IT", undefined_in_it);
    table("unaligned LDM", unaligned_ldm);
    table("unaligned LDRD", unaligned_ldrd);
    table("unaligned LDREX", unaligned_ldrex);
    table("UNALIGN_TRP, word", unaligned_trap);
    table("UNALIGN_TRP, half", unaligned_half_trap);
    table("division", divide_trap);
    table("read unmapped", read_unmapped);
    table("write unmapped", write_unmapped);
    table("LDM into unmapped", ldm_into_unmapped);
    table("read in IT", read_in_it);
    table("no device", no_device);
    table("jump to unmapped", jump_unmapped);
    table("jump to never", jump_never);
    table("ARM state", arm_state);
    table("no coprocessor", no_coprocessor);
    table("no FPU", no_fpu);
    table("broken EXC_RETURN", broken_exc_return);
    table("overflow in PUSH", overflow);
    table("overflow at SVC", overflow_at_entry);
    protect();
    table("MPU read", mpu_read);
    protect();
    table("MPU write", mpu_write);
    protect();
    table("MPU jump", mpu_jump);
    protect();
    table("MPU across", mpu_across);
    protect();
    table("MPU stacking", mpu_stack);
}

int main(void)
{
    __asm__ volatile("msr psp, %0\n mov r0, #2\n msr control, r0\n isb\n msr msp, %1\n" ::"r"(
                         &_estack),
                     "r"(handler_stack + 256)
                     : "r0", "memory");
    /* main does not return: what the startup code left on the other stack is not needed. */
    SCB_PRIO(11) = 0x40;
#ifdef LOCKUP
    print("lockup\n");
    undefined();
    print("still alive\n");
    quit(1);
#else
    SCB_SHCSR = 0;
    all("faults disabled: all are HardFaults");
    SCB_SHCSR = 7 << 16;
    all("faults enabled");
    /* The derived bus fault is the more urgent one, the usage fault comes after it. */
    SCB_PRIO(6) = 0x20;
    table("overflow at fault", overflow_fault);
    SCB_PRIO(6) = 0;
    table("nested SVC", nested_svc);
    table("BKPT", hard_breakpoint);
    table("SVC under PRIMASK", primask_svc);
    irq_on();
    table("undefined under PRIMASK", primask_udf);
    irq_on();
    print("no faults:\n");
    uint32_t before = count;
    attempt(unaligned_fine);
    attempt(divide_fine);
    attempt(plain_svc);
    protect();
    attempt(mpu_read_only);
    MPU_CTRL = 0;
    report("faults", count - before);
    report("handled", count);
    done();
#endif
}
