/* Each operation under test is a function of its own, with an entry in a table of
 * (name, function, kind). Entries that follow each other under one name share a line of output. */
#include "isa.h"

.macro entry kind, name
    .pushsection .rodata.str, "aMS", @progbits, 1
name\@: .asciz "\name"
    .popsection
    .pushsection .ops, "a"
    PTR name\@, op\@, \kind
    .popsection
    .balign 4
op\@:
.endm

/* `body` is instructions, separated by semicolons. */
.macro op kind, name, body
    entry \kind, "\name"
    \body
    ret
.endm

    .option norvc
    .text

/* ---- I, M -------------------------------------------------------------------------- */

    .irp i, add, sub, sll, slt, sltu, xor, srl, sra, or, and, mul, mulh, mulhsu, mulhu, div, \
        divu, rem, remu
    op RR, \i, "\i a0, a0, a1"
    op RR, \i, "\i a1, a1, a0; mv a0, a1"
    op R1, \i, "\i a0, a0, a0"
    op RR, \i, "\i zero, a0, a1; mv a0, zero"
    .endr
    .irp i, addi, slti, sltiu, xori, ori, andi
    .irp n, 0, 1, -1, 2, 5, 1365, 2047, -2048, -2047
    op R1, \i, "\i a0, a0, \n"
    .endr
    .endr
    .irp i, slli, srli, srai
    .irp n, 0, 1, 7, 16, 30, 31
    op R1, \i, "\i a0, a0, \n"
    .endr
    .endr
#if __riscv_xlen == 64
    .irp i, addw, subw, sllw, srlw, sraw, mulw, divw, divuw, remw, remuw
    op RR, \i, "\i a0, a0, a1"
    op R1, \i, "\i a0, a0, a0"
    .endr
    .irp n, 0, 1, -1, 5, 1365, 2047, -2048
    op R1, addiw, "addiw a0, a0, \n"
    .endr
    .irp i, slliw, srliw, sraiw
    .irp n, 0, 1, 7, 16, 30, 31
    op R1, \i, "\i a0, a0, \n"
    .endr
    .endr
    .irp i, slli, srli, srai
    .irp n, 32, 33, 62, 63
    op R1, "\i 32 and more", "\i a0, a0, \n"
    .endr
    .endr
#endif
    .irp n, 0, 1, 0x7ffff, 0x80000, 0xfffff, 0x12345
    op R1, lui, "lui a0, \n"
    .endr
    .irp n, 0, 1, 0x7ffff, 0x80000, 0xfffff
    op R1, auipc, "auipc a0, \n; auipc a1, 0; addi a1, a1, -4; sub a0, a0, a1"
    .endr
    .irp i, beq, bne, blt, bge, bltu, bgeu
    op RR, \i, "\i a0, a1, 1f; li a0, 2; ret; 1: li a0, 3"
    op RR, \i, "j 2f; 1: li a0, 5; ret; 2: \i a0, a1, 1b; li a0, 4"
    op R1, \i, "\i a0, a0, 1f; li a0, 2; ret; 1: li a0, 3"
    .endr
    op R1, jal, "mv t0, ra; jal 1f; 2: j 3f; 1: sub a0, ra, t0; la a1, 2b; sub a0, ra, a1; \
        addi a0, a0, 77; jr ra; 3: mv ra, t0"
    op R1, jalr, "mv t0, ra; la a1, 1f; jalr a1, 1(a1); 2: j 3f; 1: la a0, 2b; sub a0, ra, a0; \
        sub a0, a0, a1; add a0, a0, ra; la a1, 2b; sub a0, a0, a1; li a0, 9; jr ra; 3: mv ra, t0"
    op R1, jalr, "mv t0, ra; la ra, 1f + 2048; jalr ra, -2048(ra); 1: la a0, 1b; sub a0, ra, a0; \
        mv ra, t0"
    .irp i, lb, lbu, lh, lhu, lw
    op LOAD, \i, "\i a0, 0(a0)"
    op LOAD, \i, "addi a0, a0, 1365; \i a0, -1365(a0)"
    op LOAD, \i, "mv a1, a0; \i zero, 0(a1); mv a0, zero"
    .endr
    .irp i, sb, sh, sw
    op STORE, \i, "\i a1, 0(a0)"
    op STORE, \i, "addi a0, a0, -2047; \i a1, 2047(a0)"
    .endr
#if __riscv_xlen == 64
    .irp i, lwu, ld
    op LOAD, \i, "\i a0, 0(a0)"
    op LOAD, \i, "addi a0, a0, 1365; \i a0, -1365(a0)"
    .endr
    op STORE, sd, "sd a1, 0(a0)"
    op STORE, sd, "addi a0, a0, -2047; sd a1, 2047(a0)"
#endif
    op R1, fence, "fence; fence rw, w; fence.tso; fence i, o; addi a0, a0, 1"

/* ---- A ----------------------------------------------------------------------------- */

.macro atomic kind, i
    op \kind, \i, "\i a0, a1, (a0)"
    op \kind, \i, "\i\().aq a0, a1, (a0)"
    op \kind, \i, "\i\().rl a0, a1, (a0)"
    op \kind, \i, "\i\().aqrl a1, a1, (a0); mv a0, a1"
    op \kind, \i, "\i zero, a1, (a0); mv a0, zero"
.endm
.macro reserve kind, w, order
    op \kind, "lr.\w sc.\w", "lr.\w\order a2, (a0); add a1, a1, a2; sc.\w\order a3, a1, (a0); \
        slli a2, a2, 1; add a0, a2, a3"
.endm
.macro atomics kind, w
    atomic \kind, amoswap.\w
    atomic \kind, amoadd.\w
    atomic \kind, amoxor.\w
    atomic \kind, amoand.\w
    atomic \kind, amoor.\w
    atomic \kind, amomin.\w
    atomic \kind, amomax.\w
    atomic \kind, amominu.\w
    atomic \kind, amomaxu.\w
    reserve \kind, \w
    reserve \kind, \w, .aq
    reserve \kind, \w, .rl
    reserve \kind, \w, .aqrl
    op \kind, "sc.\w twice", "lr.\w a2, (a0); sc.\w a3, a1, (a0); sc.\w a2, a2, (a0); \
        snez a2, a2; snez a3, a3; slli a2, a2, 1; add a0, a2, a3"
    op \kind, "sc.\w elsewhere", "lr.\w a2, (a0); xori a2, a0, 64; sc.\w a3, a1, (a2); \
        snez a0, a3"
    op \kind, "sc.\w zero", "lr.\w zero, (a0); sc.\w a0, zero, (a0)"
.endm
    atomics AMO_W, w
#if __riscv_xlen == 64
    atomics AMO_D, d
#endif

/* ---- F, D -------------------------------------------------------------------------- */

/* Operands of this width in ft0 to ft2, the result of that width from ft3. */
.macro fp kind, name, in, out, body
    entry \kind, "\name"
    csrw fcsr, a1
    fl\in ft0, 0(a0)
    fl\in ft1, 8(a0)
    fl\in ft2, 16(a0)
    \body
    fs\out ft3, 24(a0)
    csrr a0, fflags
    ret
.endm
/* The result is an integer in a2. */
.macro fp_int kind, name, in, body
    entry \kind, "\name"
    csrw fcsr, a1
    fl\in ft0, 0(a0)
    fl\in ft1, 8(a0)
    \body
    SX a2, 24(a0)
    csrr a0, fflags
    ret
.endm
/* The operand is an integer in a2. */
.macro int_fp name, out, body
    entry FI, "\name"
    csrw fcsr, a1
    LX a2, 0(a0)
    \body
    fs\out ft3, 24(a0)
    csrr a0, fflags
    ret
.endm

.macro arithmetic kind, w, i
    fp \kind, \i, \w, \w, "\i ft3, ft0, ft1"
    .irp m, rne, rtz, rdn, rup, rmm
    fp \kind, "\i static", \w, \w, "\i ft3, ft0, ft1, \m"
    .endr
.endm
.macro binary kind, w, i
    fp \kind, \i, \w, \w, "\i ft3, ft0, ft1"
.endm
.macro compare kind, w, i
    fp_int \kind, \i, \w, "\i a2, ft0, ft1"
.endm
.macro fused kind, w, i
    fp \kind, \i, \w, \w, "\i ft3, ft0, ft1, ft2"
    fp \kind, "\i static", \w, \w, "\i ft3, ft0, ft1, ft2, rmm"
    fp \kind + FUSED_NAN, "\i infinity * 0 + NaN", \w, \w, "\i ft3, ft0, ft1, ft2"
.endm
.macro convert kind, w, f, i
    fp_int \kind, fcvt.\i\().\f, \w, "fcvt.\i\().\f a2, ft0"
    .irp m, rne, rtz, rdn, rup, rmm
    fp_int \kind, "fcvt.\i\().\f static", \w, "fcvt.\i\().\f a2, ft0, \m"
    .endr
    int_fp fcvt.\f\().\i, \w, "fcvt.\f\().\i ft3, a2"
.endm
.macro floats f, w, one, two, three
    arithmetic \two, \w, fadd.\f
    arithmetic \two, \w, fsub.\f
    arithmetic \two, \w, fmul.\f
    arithmetic \two, \w, fdiv.\f
    binary \two, \w, fmin.\f
    binary \two, \w, fmax.\f
    binary \two, \w, fsgnj.\f
    binary \two, \w, fsgnjn.\f
    binary \two, \w, fsgnjx.\f
    compare \two, \w, feq.\f
    compare \two, \w, flt.\f
    compare \two, \w, fle.\f
    fp \one, fsqrt.\f, \w, \w, "fsqrt.\f ft3, ft0"
    fused \three, \w, fmadd.\f
    fused \three, \w, fmsub.\f
    fused \three, \w, fnmadd.\f
    fused \three, \w, fnmsub.\f
    fp_int \one, fclass.\f, \w, "fclass.\f a2, ft0"
    convert \one, \w, \f, w
    convert \one, \w, \f, wu
#if __riscv_xlen == 64
    convert \one, \w, \f, l
    convert \one, \w, \f, lu
#endif
    op COPY, "fl\w fs\w", "fl\w ft0, 0(a0); fs\w ft0, 0(a1)"
    op COPY, "fl\w fs\w", "addi a0, a0, 1365; fl\w ft0, -1365(a0); addi a1, a1, -2047; \
        fs\w ft0, 2047(a1)"
.endm
    floats s, w, FS1, FS2, FS3
    floats d, d, FD1, FD2, FD3
    fp_int FS1, fmv.x.w, w, "fmv.x.w a2, ft0"
    int_fp fmv.w.x, w, "fmv.w.x ft3, a2"
    fp FD1, fcvt.s.d, d, w, "fcvt.s.d ft3, ft0"
    fp FS1, fcvt.d.s, w, d, "fcvt.d.s ft3, ft0"
#if __riscv_xlen == 64
    fp_int FD1, fmv.x.d, d, "fmv.x.d a2, ft0"
    int_fp fmv.d.x, d, "fmv.d.x ft3, a2"
#endif
    /* NaN boxing: of what is loaded and moved, of results, of operands. */
    fp FS1, "boxed by flw", w, d, "fmv.d ft3, ft0"
    int_fp "boxed by fmv.w.x", d, "fmv.w.x ft3, a2"
    .irp i, fadd.s, fmul.s, fdiv.s, fmin.s
    fp FS2, "boxed by \i", w, d, "\i ft3, ft0, ft1"
    .endr
    fp FS2, "boxed by fsgnj.s", w, d, "fsgnj.s ft3, ft0, ft1"
    fp FS1, "boxed by fsqrt.s", w, d, "fsqrt.s ft3, ft0"
    fp FS3, "boxed by fmadd.s", w, d, "fmadd.s ft3, ft0, ft1, ft2"
    fp FD1, "boxed by fcvt.s.d", d, d, "fcvt.s.d ft3, ft0"
    int_fp "boxed by fcvt.s.w", d, "fcvt.s.w ft3, a2"
    fp FBOX, "unboxed fadd.s", d, w, "fadd.s ft3, ft0, ft1"
    fp FBOX, "unboxed fmul.s", d, w, "fmul.s ft3, ft0, ft1"
    fp FBOX, "unboxed fsgnj.s", d, w, "fsgnj.s ft3, ft0, ft1"
    fp FBOX, "unboxed fmin.s", d, w, "fmin.s ft3, ft0, ft1"
    fp FBOX, "unboxed fmadd.s", d, w, "fmadd.s ft3, ft0, ft1, ft1"
    fp_int FBOX, "unboxed fle.s", d, "fle.s a2, ft0, ft1"
    fp_int FBOX, "unboxed fclass.s", d, "fclass.s a2, ft0"
    fp_int FBOX, "unboxed fcvt.w.s", d, "fcvt.w.s a2, ft0"
    fp FBOX, "unboxed fcvt.d.s", d, d, "fcvt.d.s ft3, ft0"
    fp_int FBOX, "unboxed fmv.x.w", d, "fmv.x.w a2, ft0"
    fp FBOX, "unboxed fsw", d, w, "fmv.d ft3, ft0"

/* ---- C ----------------------------------------------------------------------------- */

    .option rvc
    .irp i, c.mv, c.add, c.sub, c.xor, c.or, c.and
    op RR, \i, "\i a0, a1"
    .endr
    .irp i, c.addi, c.li, c.andi
    .irp n, 1, -1, 31, -32
    op R1, \i, "\i a0, \n"
    .endr
    .endr
    .irp n, 1, 31, 0xfffe0, 0xfffff
    op R1, c.lui, "c.lui a0, \n"
    .endr
    .irp n, 16, 496, -16, -512
    op R1, c.addi16sp, "mv t0, sp; mv sp, a0; c.addi16sp sp, \n; mv a0, sp; mv sp, t0"
    .endr
    .irp n, 4, 8, 512, 1020
    op R1, c.addi4spn, "mv t0, sp; mv sp, a0; c.addi4spn a0, sp, \n; mv sp, t0"
    .endr
    .irp i, c.slli, c.srli, c.srai
    .irp n, 1, 7, 31
    op R1, \i, "\i a0, \n"
    .endr
    .endr
    op R1, c.nop, "c.nop; c.addi a0, 1; c.nop"
    op R1, c.j, "c.j 2f; 1: c.li a0, 3; ret; 2: c.j 1b"
    op R1, c.jr, "la a1, 1f; c.jr a1; c.li a0, 2; 1: c.addi a0, 1"
    op R1, c.jalr, "mv t0, ra; la a1, 1f; c.jalr a1; 2: c.li a0, 2; 1: la a0, 2b; sub a0, ra, a0; \
        mv ra, t0"
    op R1, c.beqz, "c.beqz a0, 1f; c.li a0, 2; ret; 1: c.li a0, 3"
    op R1, c.beqz, "c.j 2f; 1: c.li a0, 3; ret; 2: c.beqz a0, 1b; c.li a0, 2"
    op R1, c.bnez, "c.bnez a0, 1f; c.li a0, 2; ret; 1: c.li a0, 3"
    op R1, c.bnez, "c.j 2f; 1: c.li a0, 3; ret; 2: c.bnez a0, 1b; c.li a0, 2"
    op LOAD, c.lw, "c.lw a0, 0(a0)"
    op LOAD, c.lw, "addi a0, a0, -124; c.lw a0, 124(a0)"
    op STORE, c.sw, "c.sw a1, 0(a0)"
    op STORE, c.sw, "addi a0, a0, -124; c.sw a1, 124(a0)"
    op LOAD, c.lwsp, "mv t0, sp; addi sp, a0, -252; c.lwsp a0, 252(sp); mv sp, t0"
    op STORE, c.swsp, "mv t0, sp; addi sp, a0, -252; c.swsp a1, 252(sp); mv sp, t0"
    op COPY, "c.fld c.fsd", "c.fld fa0, 0(a0); c.fsd fa0, 0(a1)"
    op COPY, "c.fld c.fsd", "addi a0, a0, -248; c.fld fa0, 248(a0); addi a1, a1, -248; \
        c.fsd fa0, 248(a1)"
    op COPY, "c.fldsp c.fsdsp", "mv t0, sp; addi sp, a0, -504; c.fldsp ft0, 504(sp); \
        addi sp, a1, -504; c.fsdsp ft0, 504(sp); mv sp, t0"
#if __riscv_xlen == 64
    op RR, c.addw, "c.addw a0, a1"
    op RR, c.subw, "c.subw a0, a1"
    .irp n, 0, 1, -1, 31, -32
    op R1, c.addiw, "c.addiw a0, \n"
    .endr
    .irp i, c.slli, c.srli, c.srai
    .irp n, 32, 63
    op R1, "\i 32 and more", "\i a0, \n"
    .endr
    .endr
    op LOAD, c.ld, "c.ld a0, 0(a0)"
    op LOAD, c.ld, "addi a0, a0, -248; c.ld a0, 248(a0)"
    op STORE, c.sd, "c.sd a1, 0(a0)"
    op STORE, c.sd, "addi a0, a0, -248; c.sd a1, 248(a0)"
    op LOAD, c.ldsp, "mv t0, sp; addi sp, a0, -504; c.ldsp a0, 504(sp); mv sp, t0"
    op STORE, c.sdsp, "mv t0, sp; addi sp, a0, -504; c.sdsp a1, 504(sp); mv sp, t0"
#else
    op R1, c.jal, "mv t0, ra; c.jal 1f; 2: c.li a0, 2; 1: la a0, 2b; sub a0, ra, a0; mv ra, t0"
    op COPY, "c.flw c.fsw", "c.flw fa0, 0(a0); c.fsw fa0, 0(a1)"
    op COPY, "c.flw c.fsw", "addi a0, a0, -124; c.flw fa0, 124(a0); addi a1, a1, -124; \
        c.fsw fa0, 124(a1)"
    op COPY, "c.flwsp c.fswsp", "mv t0, sp; addi sp, a0, -252; c.flwsp ft0, 252(sp); \
        addi sp, a1, -252; c.fswsp ft0, 252(sp); mv sp, t0"
#endif
    .option norvc

/* ---- Zicsr ------------------------------------------------------------------------- */

    .irp i, csrrw, csrrs, csrrc
    op RR, \i, "csrw mscratch, a0; \i a0, mscratch, a1; csrr a1, mscratch; slli a0, a0, 1; \
        add a0, a0, a1"
    op R1, \i, "csrw mscratch, a0; \i a0, mscratch, a0; csrr a1, mscratch; slli a0, a0, 1; \
        add a0, a0, a1"
    op R1, \i, "csrw mscratch, a0; \i zero, mscratch, zero; csrr a0, mscratch"
    .irp n, 0, 1, 21, 31
    op R1, \i\()i, "csrw mscratch, a0; \i\()i a0, mscratch, \n; csrr a1, mscratch; \
        slli a0, a0, 1; add a0, a0, a1"
    .endr
    .endr
    .irp c, mscratch, mtvec, mepc, mtval, mcounteren, stvec, sepc, stval, sscratch, scounteren, \
        fcsr, frm, fflags
    op R1, \c, "csrrw t0, \c, a0; csrrw a0, \c, t0"
    .endr
    .irp c, mcause, scause, satp, sie, misa
    op R1, \c, "csrrw t0, \c, a0; csrrw a0, \c, t0"
    .endr
    /* Of 56 bits of physical address the register has 54. */
    .irp c, pmpaddr1, pmpaddr15
#if __riscv_xlen == 64
    op R1, \c, "srli a0, a0, 10; csrrw t0, \c, a0; csrrw a0, \c, t0"
#else
    op R1, \c, "csrrw t0, \c, a0; csrrw a0, \c, t0"
#endif
    .endr
    op R1, "sie with mideleg", "li t1, 0x222; csrw mideleg, t1; csrw sie, a0; csrr a0, mie; \
        csrw mie, zero; csrw mideleg, zero"
    op R1, "sip with mideleg", "li t1, 0x222; csrw mideleg, t1; csrw sip, a0; csrr a0, mip; \
        csrr t1, sip; slli a0, a0, 1; add a0, a0, t1; li t1, 0x222; csrc mip, t1; \
        csrw mideleg, zero"
    op R1, "fcsr in parts", "csrw fcsr, a0; csrr a0, frm; csrr a1, fflags; slli a0, a0, 8; \
        add a0, a0, a1"
    op R1, "fcsr of parts", "csrw fcsr, zero; csrw frm, a0; csrw fflags, a0; csrr a0, fcsr"

.macro field name, mask, c=mstatus
    op R1, "\name", "li a1, \mask; csrr t0, \c; csrc \c, a1; and a0, a0, a1; csrs \c, a0; \
        csrr a0, \c; and a0, a0, a1; csrw \c, t0"
.endm
    field medeleg, 0xb3ff, medeleg
    field mideleg, 0x222, mideleg
    field mie, 0xaaa, mie
    field mip, 0x222, mip
    field "mstatus.SIE MIE", 0xa
    field "mstatus.SPIE MPIE", 0xa0
    field mstatus.SPP, 0x100
    field mstatus.MPP, 0x1800
    field mstatus.FS, 0x6000
    field mstatus.XS, 0x18000
    field mstatus.MPRV, 0x20000
    field "mstatus.SUM MXR", 0xc0000
    field mstatus.TVM, 0x100000
    field mstatus.TW, 0x200000
    field mstatus.TSR, 0x400000
    field mstatus.reserved, 0x1f800055
    field "sstatus.SIE SPIE SPP", 0x122, sstatus
    field "sstatus.FS SUM MXR", 0xc6000, sstatus
    field "sstatus not M", 0x21888, sstatus
    op R1, mstatus.SD, "li a1, 0x6000; csrr t0, mstatus; csrc mstatus, a1; and a0, a0, a1; \
        csrs mstatus, a0; csrr a0, mstatus; sltz a0, a0; csrw mstatus, t0"
#if __riscv_xlen == 64
    op R1, "mstatus.UXL SXL", "csrr a0, mstatus; srli a0, a0, 32; andi a0, a0, 15"
    op R1, sstatus.UXL, "csrr a0, sstatus; srli a0, a0, 32; andi a0, a0, 15"
#endif
    op R1, "FS dirty by fadd.s", "csrw fcsr, zero; li a1, 0x6000; csrc mstatus, a1; li a0, 0x2000; \
        csrs mstatus, a0; fadd.s ft0, ft0, ft0; csrr a0, mstatus; and a0, a0, a1"
    op LOAD, "FS dirty by flw", "li a1, 0x6000; csrc mstatus, a1; li a2, 0x2000; \
        csrs mstatus, a2; flw ft0, 0(a0); csrr a0, mstatus; and a0, a0, a1"
    op R1, "FS dirty by fcsr", "li a1, 0x6000; csrc mstatus, a1; li a0, 0x2000; csrs mstatus, a0; \
        csrw fcsr, zero; csrr a0, mstatus; and a0, a0, a1"
    op R1, "FS clean after reading", "li a1, 0x6000; csrc mstatus, a1; li a2, 0x4000; \
        csrs mstatus, a2; fmv.x.w a0, ft0; csrr a0, fcsr; csrr a0, mstatus; and a0, a0, a1"

/* ---- Zifencei ---------------------------------------------------------------------- */

    /* addi a0, zero, 0 becomes addi a0, zero, N; around, twice, by halves of it. */
    op R1, fence.i, "la a1, 1f; slli a0, a0, 20; li a2, 0x513; or a0, a0, a2; sw a0, 0(a1); \
        fence.i; 1: li a0, 0"
    op R1, fence.i, "la a1, 1f; mv t0, ra; jal 1f; mv t1, a0; li a0, 0x7ff; sh a0, 2(a1); \
        fence.i; jal 1f; add a0, a0, t1; li t1, 0x13; sh t1, 2(a1); fence.i; jr t0; 1: li a0, 1; \
        jr ra"

/* ---- traps and modes --------------------------------------------------------------- */

.macro trap name, body
    op TRAP, "M: \name", "\body"
    op TRAP_S, "S: \name", "\body"
    op TRAP_U, "U: \name", "\body"
.endm
    trap nothing, nop
    trap ecall, ecall
    trap ebreak, ebreak
    trap c.ebreak, "nop; .2byte 0x9002"
    trap zeros, ".2byte 0, 0"
    trap ones, ".4byte -1"
    trap "reserved compressed", ".2byte 0x8002"
    trap "reserved c.addi4spn", ".2byte 0x0004"
    trap "reserved c.lwsp", ".2byte 0x4002"
    trap "reserved c.lui", ".2byte 0x6501"
    trap "reserved opcode", ".4byte 0x0000007b"
    trap "reserved branch", ".4byte 0x00002063"
    trap "reserved load", ".4byte 0x00007003"
    trap "reserved store", ".4byte 0x00004023"
    trap "reserved jalr", ".4byte 0x00001067"
    trap "reserved op", ".4byte 0x04000033"
    trap "reserved shift", ".4byte 0x84051513"
    trap "reserved amo", ".4byte 0x0005552f"
    trap "reserved rounding", ".4byte 0x00055053"
    trap "fadd.s with frm 5", "csrwi frm, 5; fadd.s ft0, ft0, ft0"
    trap "fcvt.w.d with frm 7", "csrwi frm, 7; fcvt.w.d a0, ft0"
    trap "fsgnj.s with frm 6", "csrwi frm, 6; fsgnj.s ft0, ft0, ft0"
    trap mret, "la t0, leave; csrw mepc, t0; mret"
    trap sret, "la t0, leave; csrw sepc, t0; sret"
    trap sfence.vma, "sfence.vma; sfence.vma a0, a1"
    trap uret, ".4byte 0x00200073"
    .irp c, mscratch, sscratch, misa, mhartid, satp, fcsr, cycle, time, instret
    trap "read \c", "csrr a0, \c; li a0, 0"
    .endr
    .irp c, mscratch, sscratch, satp, fflags
    trap "clear \c", "csrci \c, 31"
    .endr
    .irp c, 0x5c0, 0x000, 0x7c0, 0x8ff, 0xbff, 0xcff, 0xfff, 0x105, 0x140, 0x306
    trap "CSR \c", "csrr a0, \c; li a0, 0"
    .endr
    op TRAP, "M: read mvendorid", "csrr a0, mvendorid"
    op TRAP, "M: read mhpmevent3", "csrr a0, mhpmevent3; li a0, 0"
    op TRAP, "M: read mcountinhibit", "csrr a0, mcountinhibit; li a0, 0"
    trap "write cycle", "csrw cycle, a0"
    trap "set no bit of cycle", "csrs cycle, zero; li a0, 0"
    trap "clear a bit of time", "csrci time, 1"
    op TRAP, "M: write mhartid", "csrw mhartid, zero"
    op TRAP, "M: set no bit of mhartid", "csrsi mhartid, 0"
    .irp i, lr.w, lw, lb
    trap "\i nowhere", "li a0, 0x18000008; \i a0, (a0)"
    .endr
    trap "sw nowhere", "li a0, 0x18000008; sw a0, (a0)"
    trap "sc.w nowhere", "li a0, 0x18000008; sc.w a0, a0, (a0)"
    trap "amoadd.w nowhere", "li a0, 0x18000008; amoadd.w a0, a0, (a0)"
    trap "jump nowhere", "li a0, 0x18000008; jr a0"
    trap "misaligned lr.w", "addi a0, a0, 1; lr.w a0, (a0)"
    trap "misaligned sc.w", "addi a0, a0, 2; sc.w a0, a0, (a0)"
    trap "misaligned amoadd.w", "addi a0, a0, 1; amoadd.w a0, a0, (a0)"
#if __riscv_xlen == 64
    trap "misaligned lr.d", "addi a0, a0, 4; lr.d a0, (a0)"
    trap "misaligned amoor.d", "addi a0, a0, 4; amoor.d a0, a0, (a0)"
    trap "ld nowhere", "li a0, 0x4000000000; ld a0, 8(a0)"
    trap "jump far away", "li a0, 0x4000000000; jr a0"
#else
    trap ld, ".4byte 0x00053503"
    trap addw, ".4byte 0x00b5053b"
    trap "shift by 32", ".4byte 0x02051513"
    trap "c.slli by 32", ".2byte 0x1502"
    trap amoadd.d, ".4byte 0x00b5352f"
    trap fcvt.l.s, ".4byte 0xc0257553"
    trap fmv.x.d, ".4byte 0xe2050553"
#endif
    trap "a jump to an odd address", "la a0, 1f; jr 1(a0); 1: ebreak"
    trap "a branch to half a word", ".option rvc; j 1f; c.nop; 1: ebreak; .option norvc"
    op TRAP, "M: wfi", "li t0, 2; csrw mie, t0; csrw mip, t0; wfi; csrw mip, zero; csrw mie, zero"

.macro without instruction
    op TRAP_NO_FS, "FS off: \instruction", "\instruction"
.endm
    without "fadd.s ft0, ft0, ft0"
    without "fmv.x.w a0, ft0"
    without "fmv.d ft0, ft0"
    without "flw ft0, 0(a0)"
    without "fsd ft0, 0(a0)"
    without "csrr a0, fcsr"
    without "csrw frm, zero"

    op TRAP_TVM, "S, TVM: read satp", "csrr a0, satp"
    op TRAP_TVM, "S, TVM: write satp", "csrw satp, zero"
    op TRAP_TVM, "S, TVM: sfence.vma", sfence.vma
    op TRAP_TW, "S, TW: wfi", wfi
    op TRAP_TSR, "S, TSR: sret", "la t0, leave; csrw sepc, t0; sret"
    .irp c, cycle, time, instret
    op TRAP_S_COUNT, "S, mcounteren 0: read \c", "csrr a0, \c; li a0, 0"
    op TRAP_U_COUNT, "U, mcounteren 0: read \c", "csrr a0, \c; li a0, 0"
    op TRAP_U_SCOUNT, "U, scounteren 0: read \c", "csrr a0, \c; li a0, 0"
    op TRAP_S_SCOUNT, "S, scounteren 0: read \c", "csrr a0, \c; li a0, 0"
    .endr

.macro delegated name, body
    op TRAP_M_DELEG, "M delegated: \name", "\body"
    op TRAP_S_DELEG, "S delegated: \name", "\body"
    op TRAP_U_DELEG, "U delegated: \name", "\body"
.endm
    delegated nothing, nop
    delegated ecall, "ecall; nop"
    delegated ebreak, "ebreak; nop"
    delegated illegal, ".4byte -1; nop"
    delegated "lw nowhere", "li a0, 0x18000008; lw a0, (a0)"
    delegated "sw nowhere", "li a0, 0x18000008; sw a0, (a0)"
    delegated "misaligned amoadd.w", "addi a0, a0, 1; amoadd.w a0, a0, (a0)"
    delegated two, ".4byte -1; csrr a0, mscratch; nop"

    /* Software interrupts: to M, directly and by its table, and to S and U. */
    op INTERRUPT_M, "M: interrupt", "csrsi mip, 2; csrsi mstatus, 8; nop; nop"
    op INTERRUPT_M_TABLE, "M: interrupt by table", "csrsi mip, 2; csrsi mstatus, 8; nop; nop"
    op INTERRUPT_M_TABLE, "M: exception with table", ebreak
    op INTERRUPT_S, "S: interrupt to S", "csrsi sip, 2; nop; csrsi sstatus, 2; nop; nop; \
        csrr a0, sip"
    op INTERRUPT_TO_M, "S: interrupt to M", "nop; nop; nop"
    op INTERRUPT_U, "U: interrupt to S", "nop; nop; nop"
