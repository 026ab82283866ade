/* Each operation under test is a function of its own, with an entry in a table of
 * (name, function, kind). Entries that follow each other under one name share a line of output.
 * Operands and results are r1 to r4 and the flags; r0, r5 and r6 are free. */
#include "isa.h"

    .syntax unified
    .thumb
    .text


/* `body` is instructions, separated by semicolons; one that faults goes on after them. */
.macro op kind, name, body
    .pushsection .rodata.str, "aMS", %progbits, 1
name\@: .asciz "\name"
    .popsection
    .pushsection .ops, "a", %progbits
    .word name\@, op\@, \kind
    .popsection
    .balign 4
    .thumb_func
op\@:
    push {r4-r7, lr}
    mov r7, r0
    adr r5, body\@
    str r5, [r7, #BODY]
    ldr r5, at\@
    str r5, [r7, #RESUME]
    ldr r5, [r7, #APSR]
    msr apsr_nzcvq, r5
    ldr r1, [r7]
    ldr r2, [r7, #4]
    ldr r3, [r7, #8]
    ldr r4, [r7, #12]
    nop
    .balign 4
body\@:
    \body
after\@:
    str r1, [r7]
    str r2, [r7, #4]
    str r3, [r7, #8]
    str r4, [r7, #12]
    mrs r5, apsr
    str r5, [r7, #APSR]
    pop {r4-r7, pc}
    .balign 4
at\@: .word after\@
    .ltorg
.endm

/* ---- 16 bits: both cores ------------------------------------------------------------- */

    .irp i, lsls, lsrs, asrs
    .irp n, 1, 7, 31
    op RR, "\i #", "\i r4, r1, #\n"
    .endr
    .endr
    op RR, "lsls #", "lsls r4, r1, #0"
    .irp i, lsrs, asrs
    op RR, "\i #", "\i r4, r1, #32"
    .endr
    .irp i, adds, subs
    op RR, "\i", "\i r4, r1, r2"
    op RR, "\i", "\i r1, r1, r1"
    .irp n, 0, 1, 7
    op RR, "\i #", "\i r4, r1, #\n"
    .endr
    .irp n, 0, 8, 127, 255
    op RR, "\i #", "\i r1, #\n"
    .endr
    .endr
    .irp n, 0, 1, 127, 128, 255
    op RR, "cmp #", "cmp r1, #\n"
    op RR, "movs #", "movs r1, #\n"
    .endr
    .irp i, ands, eors, lsls, lsrs, asrs, adcs, sbcs, rors, orrs, muls, bics
    op RR, "\i narrow", "\i r1, r2"
    op RR, "\i narrow", "\i r2, r2"
    .endr
    .irp i, tst, cmp, cmn
    op RR, "\i narrow", "\i r1, r2"
    op RR, "\i narrow", "\i r1, r1"
    .endr
    op RR, "negs", "rsbs r4, r1, #0"
    op RR, "mvns narrow", "mvns r4, r1"
    op RR, "high registers", "mov r8, r1; mov r9, r2; add r8, r9; mov r4, r8"
    op RR, "high registers", "mov r8, r1; add r1, r8; add r8, r2; mov r4, r8"
    op RR, "high registers", "mov r8, r1; mov r9, r2; cmp r8, r9"
    op RR, "high registers", "mov r8, r1; cmp r8, r2"
    op RR, "high registers", "mov r8, r1; cmp r2, r8"
    .irp i, sxth, sxtb, uxth, uxtb, rev, rev16, revsh
    op RR, "\i", "\i r4, r1"
    op RR, "\i", "\i r1, r1"
    .endr
    op RR, "add sp", "add r4, sp, #1020; mov r5, sp; subs r4, r4, r5"
    op RR, "add sp", "mov r5, sp; sub sp, #508; mov r4, sp; add sp, #508; subs r4, r4, r5"
    op RR, "adr", "adr r4, 8f; mov r5, pc; 8: subs r4, r4, r5"
    .irp c, eq, ne, cs, cc, mi, pl, vs, vc, hi, ls, ge, lt, gt, le
    op FLAGS, "b\c", "b\c 8f; movs r4, #1; 8:"
    .endr
    op RR, "bl", "bl 8f; b 9f; 8: mov r5, lr; movs r4, #7; bx lr; 9: lsls r5, r5, #31"
    op RR, "blx", "ldr r5, =8f + 1; blx r5; b 9f; .balign 4; 8: movs r4, #7; bx lr; 9:"
    op RR, "bx", "ldr r5, =8f + 1; bx r5; movs r4, #1; .balign 4; 8: nop"
    op RR, "mov pc", "ldr r5, =8f; mov pc, r5; movs r4, #1; .balign 4; 8: nop"
    op RR, "add pc", "movs r5, #2; add pc, r5; movs r4, #1; movs r4, #2; movs r4, #3; movs r4, #4"
    op RR, "hints", "nop; sev; dmb; dsb; isb"
    op RR, "udf", "udf #0"
    op RR, "udf.w", ".short 0xf7f0, 0xa000"
    op RR, "undefined", ".short 0xb100 | 0xf00"
    op RR, "svc", "svc #3"
    op RR, "bkpt", "bkpt #1"
    op RR, "bx to ARM state", "movs r5, #0; bx r5"
    op RR, "coprocessor", ".short 0xee00, 0x0a10"
    op RR, "mrs apsr", "mrs r4, apsr; mrs r1, iapsr; mrs r2, eapsr; mrs r3, xpsr"
    op RR, "mrs ipsr", "mrs r4, ipsr; mrs r1, epsr; mrs r2, iepsr"
    op RR, "msr apsr", "msr apsr_nzcvq, r1"
    op RR, "msr apsr", "msr xpsr_nzcvq, r1; mrs r4, xpsr"
    op RR, "msr ipsr", "msr ipsr, r1; msr epsr, r1; msr iepsr, r1; mrs r4, xpsr"

    .irp n, 0, 4, 12
    .irp i, ldr, str
    op MEM, "\i", "\i r4, [r1, #\n]"
    .endr
    .endr
    .irp n, 0, 2, 10
    .irp i, ldrh, strh
    op MEM, "\i", "\i r4, [r1, #\n]"
    .endr
    .endr
    .irp n, 0, 1, 9
    .irp i, ldrb, strb
    op MEM, "\i", "\i r4, [r1, #\n]"
    .endr
    .endr
    .irp i, ldr, ldrh, ldrb, ldrsh, ldrsb, str, strh, strb
    op MEM, "\i [r1, r2]", "\i r4, [r1, r2]"
    op MEM, "\i [r1, r2]", "\i r1, [r1, r2]"
    .endr
    op MEM, "ldm", "ldm r1!, {r3, r4}"
    op MEM, "ldm", "ldm r1, {r1, r3, r4}"
    op MEM, "stm", "stm r1!, {r3, r4}"
    op MEM, "stm", "stm r1!, {r1, r3}"
    op MEM, "push", "mov r5, sp; mov sp, r1; push {r3, r4}; mov r4, sp; mov sp, r5"
    op MEM, "pop", "mov r5, sp; mov sp, r1; pop {r3, r4}; mov r1, sp; mov sp, r5"
    op MEM, "sp", "mov r5, sp; mov sp, r1; mov r4, sp; add sp, r2; mov r3, sp; mov sp, r5"
    op MEM, "sp", "mov r5, sp; mov sp, r1; ldr r4, [sp, #4]; str r3, [sp, #8]; mov sp, r5"
    op MEM, "msr psp", "mrs r5, psp; msr psp, r1; mrs r4, psp; msr psp, r5"
    op MEM, "msr msp", "mov r5, sp; msr msp, r1; mrs r4, msp; mov r3, sp; msr msp, r5"
    op RR, "ldr literal", "ldr r4, =0x12345678"

#if __ARM_ARCH >= 7
/* ---- 32 bits --------------------------------------------------------------------------- */

    .irp i, and, ands, orr, orrs, eor, eors, bic, bics, orn, orns, add, adds, adc, adcs, sub, subs, sbc, sbcs, rsb, rsbs
    op RR, "\i", "\i\().w r4, r1, r2"
    op RR, "\i", "\i\().w r1, r1, r1"
    .irp h, "lsl #1", "lsl #31", "lsr #1", "lsr #32", "asr #1", "asr #32", "ror #1", "ror #31", rrx
    op RR, "\i shifted", "\i r4, r1, r2, \h"
    .endr
    .irp n, 0, 1, 0xff, 0x00ff00ff, 0x80008000, 0x81818181, 0x80000000, 0xff0, 0x3fc00
    op RR, "\i #", "\i r4, r1, #\n"
    .endr
    .endr
    .irp i, tst, teq, cmp, cmn
    op RR, "\i", "\i\().w r1, r2"
    .irp h, "lsl #1", "lsr #32", "asr #32", "ror #31", rrx
    op RR, "\i shifted", "\i r1, r2, \h"
    .endr
    .irp n, 0, 1, 0xff, 0x00ff00ff, 0x80008000, 0x81818181, 0x80000000, 0x3fc00
    op RR, "\i #", "\i r1, #\n"
    .endr
    .endr
    .irp i, mov, movs, mvn, mvns
    op RR, "\i", "\i\().w r4, r1"
    .irp n, 0, 0xff, 0x00ff00ff, 0x80008000, 0x81818181, 0x80000000, 0x3fc00
    op RR, "\i #", "\i\().w r4, #\n"
    .endr
    .endr
    .irp i, lsl, lsls, lsr, lsrs, asr, asrs, ror, rors
    op RR, "\i wide", "\i\().w r4, r1, r2"
    .irp n, 1, 15, 31
    op RR, "\i wide", "\i\().w r4, r1, #\n"
    .endr
    .endr
    op RR, "rrx", "rrx r4, r1; rrxs r3, r1"
    op RR, "movw movt", "movw r4, #0xabcd; movt r3, #0x8765; movt r4, #0"
    op RR, "addw subw", "addw r4, r1, #0xfff; subw r3, r2, #0x801"
    op RR, "adr wide", "adr.w r4, 8f; mov r5, pc; 8: sub r4, r4, r5"
    .irp i, mul, sdiv, udiv
    op RR, "\i", "\i r4, r1, r2"
    op RR, "\i", "\i r1, r1, r1"
    .endr
    .irp i, mla, mls
    op R3, "\i", "\i r4, r1, r2, r3"
    op R3, "\i", "\i r1, r1, r2, r1"
    .endr
    .irp i, umull, smull, umlal, smlal
    op R3, "\i", "\i r3, r4, r1, r2"
    op R3, "\i", "\i r1, r2, r1, r2"
    .endr
    .irp i, clz, rbit, rev, rev16, revsh
    op RR, "\i wide", "\i\().w r4, r1"
    .endr
    .irp i, sxtb, sxth, uxtb, uxth
    .irp n, 0, 8, 16, 24
    op RR, "\i wide", "\i\().w r4, r1, ror #\n"
    .endr
    .endr
    .irp p, "#0, #1", "#0, #32", "#31, #1", "#7, #13", "#16, #16"
    op RR, "bfi", "bfi r1, r2, \p"
    op RR, "bfc", "bfc r1, \p"
    op RR, "sbfx", "sbfx r4, r1, \p"
    op RR, "ubfx", "ubfx r4, r1, \p"
    .endr
    .irp h, "", ", lsl #1", ", lsl #31", ", asr #1", ", asr #31"
    .irp n, 1, 8, 16, 32
    op RR, "ssat", "ssat r4, #\n, r1\h"
    .endr
    .irp n, 0, 1, 8, 16, 31
    op RR, "usat", "usat r4, #\n, r1\h"
    .endr
    .endr

    .irp c, eq, ne, cs, cc, mi, pl, vs, vc, hi, ls, ge, lt, gt, le
    op FLAGS, "it \c", "it \c; mov\c r4, #1"
    op FLAGS, "it \c", "itt \c; add\c r4, #1; add\c r3, #2"
    op FLAGS, "it \c", "itttt \c; cmp\c r1, r2; add\c r4, #1; add\c r3, #2; mvn\c r2, r1"
    op FLAGS, "b\c wide", "b\c\().w 8f; movs r4, #1; 8:"
    .endr
    op FLAGS, "ite", "ite eq; addeq r4, #1; addne r3, #1"
    op FLAGS, "ite", "itete cs; addcs r4, #1; addcc r3, #1; addcs r2, #1; addcc r1, #1"
    op FLAGS, "ite", "ittee lt; cmplt r1, r1; addlt r4, #1; addge r3, #1; addge r2, #2"
    op FLAGS, "ite", "itt ne; addne r4, #1; bne 8f; movs r3, #1; 8:"
    op FLAGS, "udf in it", "it eq; udfeq #0"
    op FLAGS, "svc in it", "itt ne; svcne #0; addne r4, #1"
    op RR, "cbz", "cbz r1, 8f; adds r4, #1; 8: cbnz r2, 9f; adds r4, #2; 9:"
    op RR, "tbb", "and r1, #1; tbb [pc, r1]; 8: .byte 1, 2; movs r4, #1; movs r3, #2"
    op RR, "tbh", "and r1, #1; tbh [pc, r1, lsl #1]; 8: .short 2, 3; movs r4, #1; movs r3, #2"
    op RR, "orr sp", "mov r5, sp; add.w sp, sp, #3; mov r4, sp; sub.w sp, sp, #1; mov r3, sp; mov sp, r5"

    .irp i, ldr, ldrh, ldrb, ldrsh, ldrsb, str, strh, strb
    .irp n, 0, 5, 4095
    op MEM, "\i wide", "sub r1, r1, #\n; \i\().w r4, [r1, #\n]"
    .endr
    .endr
    .irp i, ldr, ldrh, ldrb, ldrsh, ldrsb, str, strh, strb
    .irp n, 0, 1, 2
    op MEM, "\i wide [r1, r2]", "\i\().w r4, [r1, r2, lsl #\n]"
    .endr
    .irp n, -4, -3, -1, 1, 2, 4
    op MEM, "\i pre", "\i r4, [r1, #\n]!"
    op MEM, "\i post", "\i r4, [r1], #\n"
    op MEM, "\i negative", "\i r4, [r1, #\n - 5]"
    .endr
    op MEM, "\i\()t", "\i\()t r4, [r1, #4]"
    .endr
    .irp i, ldm, ldmdb, stm, stmdb
    op MEM, "\i wide", "\i\().w r1, {r2, r3, r4}"
    op MEM, "\i wide", "\i\().w r1!, {r2, r3, r4}"
    op MEM, "\i wide", "\i\().w r1, {r0, r2, r3, r4, r5, r6, r8}"
    op MEM, "\i wide", "cmp r1, r1; it eq; \i\()eq r1!, {r2, r4}"
    op MEM, "\i wide", "cmp r1, r1; it ne; \i\()ne r1!, {r2, r4}"
    op MEM, "\i wide", "str r1, [r7, #28]; ldr r5, [r7, #28]; \i\().w r5!, {r2, r4}; mov r1, r5"
    .endr
    .irp i, ldrd, strd
    op MEM, "\i", "\i r3, r4, [r1]"
    op MEM, "\i", "\i r3, r4, [r1, #8]"
    op MEM, "\i", "\i r3, r4, [r1, #-8]"
    op MEM, "\i", "\i r3, r4, [r1, #4]!"
    op MEM, "\i", "\i r3, r4, [r1, #-4]!"
    op MEM, "\i", "\i r3, r4, [r1], #4"
    op MEM, "\i", "\i r3, r4, [r1], #-4"
    op MEM, "\i", "cmp r1, r1; it eq; \i\()eq r3, r4, [r1]"
    op MEM, "\i", "cmp r1, r1; it ne; \i\()ne r3, r4, [r1]"
    op MEM, "\i", "cmp r1, r1; itt eq; moveq r5, r1; \i\()eq r3, r4, [r5, #4]"
    op MEM, "\i", "str r1, [r7, #28]; ldr r5, [r7, #28]; \i r3, r4, [r5]"
    .endr
    op MEM, "ldrd", "ldrd r1, r4, [r1]"
    op MEM, "ldrd", "ldrd r4, r1, [r1]"
    op MEM, "ldrex", "ldrex r3, [r1]; strex r4, r2, [r1]"
    op MEM, "ldrex", "ldrex r3, [r1, #4]; strex r4, r2, [r1, #4]"
    op MEM, "ldrexh", "ldrexh r3, [r1]; strexh r4, r2, [r1]"
    op MEM, "ldrexb", "ldrexb r3, [r1]; strexb r4, r2, [r1]"
    op MEM, "strex alone", "clrex; strex r4, r2, [r1]"
    op MEM, "strex alone", "clrex; strexh r4, r2, [r1]"
    op MEM, "strex alone", "clrex; strexb r4, r2, [r1]"
    op MEM, "clrex", "ldrexb r3, [r1]; clrex; strexb r4, r2, [r1]"
    op MEM, "strex twice", "ldrexb r3, [r1]; strexb r4, r2, [r1]; strexb r3, r2, [r1]"
    op MEM, "ldrex svc strex", "ldrexb r3, [r1]; svc #0; strexb r4, r2, [r1]"
    op MEM, "pld", "pld [r1]; pld [r1, #-8]; pld [r1, r2]"
    op MEM, "push wide", "mov r5, sp; mov sp, r1; push.w {r0, r3, r8}; mov r4, sp; mov sp, r5"
    op MEM, "pop wide", "mov r5, sp; mov sp, r1; pop.w {r2, r3, r8}; mov r4, sp; mov sp, r5"
    op MEM, "sp wide", "mov r5, sp; mov sp, r1; ldrb r2, [sp], #3; mov r4, sp; strb r2, [sp, #-1]!; mov r3, sp; mov sp, r5"
    op MEM, "ldr sp", "mov r5, sp; str r1, [r7, #28]; ldr sp, [r7, #28]; mov r4, sp; mov sp, r5"
    op RR, "ldr pc", "ldr pc, =8f + 1; movs r4, #1; .balign 4; 8: nop"
    op RR, "ldr literal wide", "ldr.w r4, 8f; ldrh.w r3, 8f + 2; ldrsb.w r2, 8f + 1; b 9f; .balign 4; 8: .word 0x89abcdef; 9:"
    op RR, "pop pc", "ldr r5, =8f + 1; push {r3, r5}; pop {r3, pc}; .balign 4; 8: nop"
    op RR, "ldm pc", "ldr r5, =8f + 1; push {r3, r5}; mov r6, sp; ldm.w r6, {r2, pc}; .balign 4; 8: add sp, #8"
#endif
