"""Random programs for AArch64 and x86-64: instructions from templates, no assembler.

Registers by convention. x86: rbp data memory, r12 device, r13 loop counter, r15 the program, rsp
stack; AArch64: x20, x19, x21, x25, sp. The others have what the program puts there.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st

RAM, RAM_SIZE = 0x100000, 0x8000
DATA = RAM + 0x800
STACK = RAM + 0x4000
CODE = RAM + 0x5000
DEVICE = 0x40000000

X86 = [
    bytes.fromhex("4801c8"),  # add %rcx, %rax
    bytes.fromhex("4829d6"),  # sub %rdx, %rsi
    bytes.fromhex("11c7"),  # adc %eax, %edi
    bytes.fromhex("4d19c1"),  # sbb %r8, %r9
    bytes.fromhex("480fafd1"),  # imul %rcx, %rdx
    bytes.fromhex("48f7e1"),  # mul %rcx
    bytes.fromhex("31d283c90148f7f1"),  # xor %edx, %edx; or $1, %ecx; div %rcx
    bytes.fromhex("48c1e003"),  # shl $3, %rax
    bytes.fromhex("48d3c2"),  # rol %cl, %rdx
    bytes.fromhex("49d1d8"),  # rcr $1, %r8
    bytes.fromhex("480fa3c8"),  # bt %rcx, %rax
    bytes.fromhex("0fbaea030f90c1"),  # bts $3, %edx; seto %cl
    bytes.fromhex("440fba7570059c58"),  # btrl $5, 0x70(%rbp); pushfq; pop %rax
    bytes.fromhex("f00fba7d7009"),  # lock btcl $9, 0x70(%rbp)
    bytes.fromhex("480fbcc8"),  # bsf %rax, %rcx
    bytes.fromhex("f34c0fb8d2"),  # popcnt %rdx, %r10
    bytes.fromhex("4c8d5c8807"),  # lea 7(%rax,%rcx,4), %r11
    bytes.fromhex("4839c1480f4cf2400f9fc7"),  # cmp %rax, %rcx; cmovl %rdx, %rsi; setg %dil
    bytes.fromhex("480fc8"),  # bswap %rax
    bytes.fromhex("f6c240"),  # test $0x40, %dl
    bytes.fromhex("49ffc149ffca"),  # inc %r9; dec %r10
    bytes.fromhex("480fa4c207"),  # shld $7, %rax, %rdx
    bytes.fromhex("90660f1f0400"),  # nop; nopw 0(%rax,%rax,1)
    bytes.fromhex("488b4500"),  # mov (%rbp), %rax
    bytes.fromhex("8b4d03"),  # mov 3(%rbp), %ecx
    bytes.fromhex("0fb795ff070000"),  # movzwl 0x7ff(%rbp), %edx
    bytes.fromhex("480fbeb5ff0f0000"),  # movsbq 0xfff(%rbp), %rsi
    bytes.fromhex("48894508"),  # mov %rax, 8(%rbp)
    bytes.fromhex("898dfd0f0000"),  # mov %ecx, 0xffd(%rbp)
    bytes.fromhex("66895512"),  # mov %dx, 0x12(%rbp)
    bytes.fromhex("4088b500100000"),  # mov %sil, 0x1000(%rbp)
    bytes.fromhex("49b98877665544332211"),  # movabs $0x1122334455667788, %r9
    bytes.fromhex("48014520"),  # add %rax, 0x20(%rbp)
    bytes.fromhex("f0480fc14d28"),  # lock xadd %rcx, 0x28(%rbp)
    bytes.fromhex("f0480fb15530"),  # lock cmpxchg %rdx, 0x30(%rbp)
    bytes.fromhex("f0480fc74d40"),  # lock cmpxchg16b 0x40(%rbp)
    bytes.fromhex("864550"),  # xchg %al, 0x50(%rbp)
    bytes.fromhex("41890424"),  # mov %eax, (%r12)
    bytes.fromhex("418b442404"),  # mov 4(%r12), %eax
    bytes.fromhex("498b4c2408"),  # mov 8(%r12), %rcx
    bytes.fromhex("4989542410"),  # mov %rdx, 16(%r12)
    bytes.fromhex("4101442408"),  # add %eax, 8(%r12)
    bytes.fromhex("4188442403"),  # mov %al, 3(%r12)
    bytes.fromhex("450fb7442406"),  # movzwl 6(%r12), %r8d
    bytes.fromhex("5059"),  # push %rax; pop %rcx
    bytes.fromhex("526a0541584159"),  # push %rdx; push $5; pop %r8; pop %r9
    bytes.fromhex("e80000000058"),  # call 1f; 1: pop %rax
    bytes.fromhex("9c58"),  # pushfq; pop %rax
    bytes.fromhex("68d70e00009dfc"),  # push $0xed7; popfq; cld
    bytes.fromhex("488dbd00010000b905000000f3aa"),  # lea 0x100(%rbp), %rdi; mov $5, %ecx; rep stosb
    # lea 0xff8(%rbp), %rdi; mov $3, %ecx; rep stosq
    bytes.fromhex("488dbdf80f0000b903000000f348ab"),
    # lea 0x100(%rbp), %rsi; lea 0x201(%rbp), %rdi; mov $4, %ecx; rep movsl
    bytes.fromhex("488db500010000488dbd01020000b904000000f3a5"),
    # lea 0x110(%rbp), %rdi; lea 0x180(%rbp), %rsi; mov $6, %ecx; repe cmpsb
    bytes.fromhex("488dbd10010000488db580010000b906000000f3a6"),
    # lea 0x110(%rbp), %rdi; mov $9, %ecx; repne scasb
    bytes.fromhex("488dbd10010000b909000000f2ae"),
    bytes.fromhex("488dbd0001000031c9f3aa"),  # lea 0x100(%rbp), %rdi; xor %ecx, %ecx; rep stosb
    # std; lea 0x140(%rbp), %rdi; mov $3, %ecx; rep stosw; cld
    bytes.fromhex("fd488dbd40010000b90300000066f3abfc"),
    bytes.fromhex("4c89e7b903000000f3ab"),  # mov %r12, %rdi; mov $3, %ecx; rep stosl
    # mov %r12, %rsi; lea 0x120(%rbp), %rdi; mov $3, %ecx; rep movsl
    bytes.fromhex("4c89e6488dbd20010000b903000000f3a5"),
    bytes.fromhex("4c89e6ad"),  # mov %r12, %rsi; lodsl
    # lea 0x100(%rbp), %rsi; mov %r12, %rdi; mov $2, %ecx; rep movsq
    bytes.fromhex("488db5000100004c89e7b902000000f348a5"),
    bytes.fromhex("b9030000004883c001e2fa"),  # mov $3, %ecx; 1: add $1, %rax; loop 1b
    bytes.fromhex("66480f6ec066480f6ec9"),  # movq %rax, %xmm0; movq %rcx, %xmm1
    bytes.fromhex("0f105500"),  # movups (%rbp), %xmm2
    bytes.fromhex("0f1185f80f0000"),  # movups %xmm0, 0xff8(%rbp)
    bytes.fromhex("0f58d1"),  # addps %xmm1, %xmm2
    # movaps %xmm2, 0x50(%rbp); lea 0x60(%rbp), %rdi; mov %rdi, 0x48(%rbp); mov 0x48(%rbp), %rdi;
    # paddd (%rdi), %xmm2
    bytes.fromhex("0f295550488d7d6048897d48488b7d48660ffe17"),
    bytes.fromhex("f20f59c2"),  # mulsd %xmm2, %xmm0
    bytes.fromhex("660f5ed9"),  # divpd %xmm1, %xmm3
    bytes.fromhex("660ffec8"),  # paddd %xmm0, %xmm1
    bytes.fromhex("660f70d91b"),  # pshufd $0x1b, %xmm1, %xmm3
    bytes.fromhex("660f74d0660fd7c2"),  # pcmpeqb %xmm0, %xmm2; pmovmskb %xmm2, %eax
    bytes.fromhex("f20f38f0c8"),  # crc32b %al, %ecx
    bytes.fromhex("660f38dcc1"),  # aesenc %xmm1, %xmm0
    bytes.fromhex("66440f3800fa"),  # pshufb %xmm2, %xmm15
    # cvtsi2sd %rax, %xmm4; sqrtsd %xmm4, %xmm5; cvttsd2si %xmm5, %rdx
    bytes.fromhex("f2480f2ae0f20f51ecf2480f2cd5"),
    # movl $0x3f80, 0x60(%rbp); ldmxcsr 0x60(%rbp); divps %xmm1, %xmm0; stmxcsr 0x60(%rbp)
    bytes.fromhex("c74560803f00000fae55600f5ec10fae5d60"),
    # ucomisd %xmm1, %xmm0; pushfq; pop %rax; stmxcsr 0x60(%rbp)
    bytes.fromhex("660f2ec19c580fae5d60"),
    bytes.fromhex("c74560c09f00000fae5560"),  # movl $0x9fc0, 0x60(%rbp); ldmxcsr 0x60(%rbp)
    bytes.fromhex("0f595540660fc2c201"),  # mulps 0x40(%rbp), %xmm2; cmpltpd %xmm2, %xmm0
    bytes.fromhex("f20f519dfa070000"),  # sqrtsd 0x7fa(%rbp), %xmm3
    # mulss (%r12), %xmm0; addpd 16(%r12), %xmm1; cvtsi2sdl 4(%r12), %xmm3
    bytes.fromhex("f3410f59042466410f584c2410f2410f2a5c2404"),
    # cmpxchgl %ecx, 8(%r12); lock cmpxchgl %edx, 0x30(%rbp); cmpxchgl %edx, %esi
    bytes.fromhex("410fb14c2408f00fb155300fb1d6"),
    # testb $0x40, %dl; jz 1f; lock; 1: cmpxchgl %edx, 0x30(%rbp): two instructions that overlap
    bytes.fromhex("f6c2407401f00fb15530"),
    # pcmpistri $0x0c, %xmm1, %xmm0; pcmpestrm $0x4d, 0x43(%rbp), %xmm2
    bytes.fromhex("660f3a63c10c660f3a6055434d"),
    bytes.fromhex("0f2dd8"),  # cvtps2pi %xmm0, %mm3
    bytes.fromhex("d9e8d9ebdec1"),  # fld1; fldpi; faddp
    bytes.fromhex("d9fed9f3"),  # fsin; fpatan
    bytes.fromhex("d9ebd9f2ddd8d9f0"),  # fldpi; fptan; fstp %st(0); f2xm1
    bytes.fromhex("dd85fa070000d9fc"),  # fldl 0x7fa(%rbp); frndint
    bytes.fromhex("41d8442404dd5d20"),  # fadds 4(%r12); fstpl 0x20(%rbp)
    bytes.fromhex("41df3c2441db3c24"),  # fistpll (%r12); fstpt (%r12)
    # movl $0x340, 0x60(%rbp); fldcw 0x60(%rbp); fyl2x: #MF by what comes after
    bytes.fromhex("c7456040030000d96d60d9f1"),
    bytes.fromhex("d9e8"),  # fld1
    bytes.fromhex("d9e9d9fadb7d70"),  # fldl2t; fsqrt; fstpt 0x70(%rbp)
    bytes.fromhex("db4520dc4d28"),  # fildl 0x20(%rbp); fmull 0x28(%rbp)
    bytes.fromhex("db5d78"),  # fistpl 0x78(%rbp)
    bytes.fromhex("dbe3"),  # fninit
    bytes.fromhex("d9c9d9e0"),  # fxch; fchs
    bytes.fromhex("dbf1"),  # fcomi %st(1)
    # movl $0x27f, 0x60(%rbp); fldcw 0x60(%rbp); fnstsw %ax
    bytes.fromhex("c745607f020000d96d60dfe0"),
    bytes.fromhex("d9b500020000d9a500020000"),  # fnstenv 0x200(%rbp); fldenv 0x200(%rbp)
    bytes.fromhex("0fae8500040000"),  # fxsave 0x400(%rbp)
    # movw $0x37f, 0x400(%rbp); movl $0x1f80, 0x418(%rbp); fxrstor 0x400(%rbp)
    bytes.fromhex("66c785000400007f03c78518040000801f00000fae8d00040000"),
    # movq %rax, %mm1; paddw %mm1, %mm2; movq %mm2, 0x88(%rbp)
    bytes.fromhex("480f6ec80ffdd10f7f9588000000"),
    bytes.fromhex("0f77"),  # emms
    bytes.fromhex("0f31"),  # rdtsc
    # rdtsc; shl $32, %rdx; or %rdx, %rax; mov %rax, 0x90(%rbp)
    bytes.fromhex("0f3148c1e2204809d048898590000000"),
    bytes.fromhex("31c00fa24889eb"),  # xor %eax, %eax; cpuid; mov %rbp, %rbx
    # mov %cr0, %rax; xor $8, %al; mov %rax, %cr0; and $~8, %al; mov %rax, %cr0
    bytes.fromhex("0f20c034080f22c024f70f22c0"),
    bytes.fromhex("0f22d80f20d9"),  # mov %rax, %cr3; mov %cr3, %rcx
    bytes.fromhex("0f20e2"),  # mov %cr4, %rdx
    # mov $0xc0000100, %ecx; mov %ebp, %eax; xor %edx, %edx; wrmsr; mov %fs:8, %rax
    bytes.fromhex("b9000100c089e831d20f3064488b042508000000"),
    # mov $0xc0000101, %ecx; mov %ebp, %eax; xor %edx, %edx; wrmsr; swapgs; inc %ecx; rdmsr
    bytes.fromhex("b9010100c089e831d20f300f01f8ffc10f32"),
    bytes.fromhex("b9820000c00f300f32"),  # mov $0xc0000082, %ecx; wrmsr; rdmsr
    # lgdt 0x98(%rbp); sgdt 0xa8(%rbp); sidt 0xb8(%rbp)
    bytes.fromhex("0f0195980000000f0185a80000000f018db8000000"),
    bytes.fromhex("8cd88cc9"),  # mov %ds, %eax; mov %cs, %ecx
    bytes.fromhex("0f23c00f21f2"),  # mov %rax, %dr0; mov %dr6, %rdx
    bytes.fromhex("fafbf8f5"),  # cli; sti; clc; cmc
    bytes.fromhex("e460ee"),  # in $0x60, %al; out %al, %dx
    bytes.fromhex("9f9e"),  # lahf; sahf
    bytes.fromhex("f3900faef00faee8"),  # pause; mfence; lfence
    bytes.fromhex("f4"),  # hlt
    bytes.fromhex("0f05"),  # syscall
]
X86_FATAL = [
    bytes.fromhex("0f5c5541"),  # subps 0x41(%rbp), %xmm2: #GP
    bytes.fromhex("660fef9531000000"),  # pxor 0x31(%rbp), %xmm2: #GP
    # lea 8(%rbp), %rdi; mov %rdi, 0x48(%rbp); mov 0x48(%rbp), %rdi; movdqa (%rdi), %xmm3: #GP
    bytes.fromhex("488d7d0848897d48488b7d48660f6f1f"),
    # movl $0x1e80, 0x60(%rbp); ldmxcsr 0x60(%rbp); divsd %xmm1, %xmm1; addsd %xmm2, %xmm1: #XM
    bytes.fromhex("c74560001e00000fae5560f20f5ec9f20f58ca"),
    bytes.fromhex("0f0b"),  # ud2
    bytes.fromhex("488b8500000007"),  # mov 0x7000000(%rbp), %rax
    bytes.fromhex("48898500000007"),  # mov %rax, 0x7000000(%rbp)
    bytes.fromhex("31c9f7f1"),  # xor %ecx, %ecx; div %ecx
    bytes.fromhex("cd21"),  # int $0x21
    bytes.fromhex("6a006a1348cb"),  # push $0; push $0x13; lretq
]
A64 = [
    bytes.fromhex("2000028b"),  # add x0, x1, x2
    bytes.fromhex("0300016b"),  # subs w3, w0, w1
    bytes.fromhex("a40000ba"),  # adcs x4, x5, x0
    bytes.fromhex("627c019b"),  # mul x2, x3, x1
    bytes.fromhex("0508c39a"),  # udiv x5, x0, x3
    bytes.fromhex("4110039b"),  # madd x1, x2, x3, x4
    bytes.fromhex("061cc1ca"),  # eor x6, x0, x1, ror #7
    bytes.fromhex("c79c08f2"),  # ands x7, x6, #0xff00ff00ff00ff00
    bytes.fromhex("0220c19a"),  # lsl x2, x0, x1
    bytes.fromhex("0334c193"),  # extr x3, x0, x1, #13
    bytes.fromhex("0410c0da8500c0da"),  # clz x4, x0; rbit x5, x4
    bytes.fromhex("20b0829a"),  # csel x0, x1, x2, lt
    bytes.fromhex("041843fa"),  # ccmp x0, #3, #4, ne
    bytes.fromhex("414cc39a"),  # crc32x w1, w2, x3
    bytes.fromhex("8046c2d2e0ff9ff2"),  # movz x0, #0x1234, lsl #32; movk x0, #0xffff
    bytes.fromhex("01000010"),  # adr x1, .
    bytes.fromhex("627c4093"),  # sxtw x2, w3
    bytes.fromhex("a4207db3"),  # bfi x4, x5, #3, #9
    bytes.fromhex("800240f9"),  # ldr x0, [x20]
    bytes.fromhex("810640b9"),  # ldr w1, [x20, #4]
    bytes.fromhex("82fe4f79"),  # ldrh w2, [x20, #2046]
    bytes.fromhex("83febf39"),  # ldrsb x3, [x20, #4095]
    bytes.fromhex("845240f8"),  # ldur x4, [x20, #5]
    bytes.fromhex("800641a9"),  # ldp x0, x1, [x20, #16]
    bytes.fromhex("820600f9"),  # str x2, [x20, #8]
    bytes.fromhex("830e00b9"),  # str w3, [x20, #12]
    bytes.fromhex("84260079"),  # strh w4, [x20, #18]
    bytes.fromhex("85860039"),  # strb w5, [x20, #33]
    bytes.fromhex("800602a9"),  # stp x0, x1, [x20, #32]
    bytes.fromhex("88e63f91010100f9020140f9"),  # add x8, x20, #0xff9; str x1, [x8]; ldr x2, [x8]
    # add x8, x20, #64; str x1, [x8], #8; ldr x2, [x8, #-8]!
    bytes.fromhex("88020191018500f8028d5ff8"),
    bytes.fromhex("8006c1a8944200d1"),  # ldp x0, x1, [x20], #16; sub x20, x20, #16
    bytes.fromhex("600240b9"),  # ldr w0, [x19]
    bytes.fromhex("610640f9"),  # ldr x1, [x19, #8]
    bytes.fromhex("620600b9"),  # str w2, [x19, #4]
    bytes.fromhex("630a00f9"),  # str x3, [x19, #16]
    bytes.fromhex("64164129"),  # ldp w4, w5, [x19, #8]
    bytes.fromhex("600602a9"),  # stp x0, x1, [x19, #32]
    bytes.fromhex("660e4039"),  # ldrb w6, [x19, #3]
    bytes.fromhex("670e0079"),  # strh w7, [x19, #6]
    bytes.fromhex("e007bfa9e20fc1a8"),  # stp x0, x1, [sp, #-16]!; ldp x2, x3, [sp], #16
    bytes.fromhex("807e5fc8827e01c8"),  # ldxr x0, [x20]; stxr w1, x2, [x20]
    bytes.fromhex("80867fc8839222c8"),  # ldaxp x0, x1, [x20]; stlxp w2, x3, x4, [x20]
    bytes.fromhex("83fedf8884fe9f88"),  # ldar w3, [x20]; stlr w4, [x20]
    bytes.fromhex("bf3f03d5df3f03d5"),  # dmb sy; isb
    bytes.fromhex("800280f9"),  # prfm pldl1keep, [x20]
    bytes.fromhex("01000094e0031eaa"),  # bl 1f; 1: mov x0, x30
    bytes.fromhex("4800001000011fd61f2003d5"),  # adr x8, 1f; br x8; 1: nop
    # mov x8, #3; 1: add x0, x0, #1; subs x8, x8, #1; b.ne 1b
    bytes.fromhex("680080d200040091080500f1c1ffff54"),
    bytes.fromhex("40001836210400911f2003d5"),  # tbz x0, #3, 1f; add x1, x1, #1; 1: nop
    bytes.fromhex("420000b5e20302cb1f2003d5"),  # cbnz x2, 1f; neg x2, x2; 1: nop
    bytes.fromhex("0000679e2100679e"),  # fmov d0, x0; fmov d1, x1
    bytes.fromhex("0228611e"),  # fadd d2, d0, d1
    bytes.fromhex("43dc216e"),  # fmul v3.4s, v2.4s, v1.4s
    bytes.fromhex("4418631e8020621e"),  # fdiv d4, d2, d3; fcmp d4, d2
    bytes.fromhex("8000789e2500629e"),  # fcvtzs x0, d4; scvtf d5, x1
    bytes.fromhex("a6f8e16e"),  # fsqrt v6.2d, v5.2d
    bytes.fromhex("0784214e"),  # add v7.16b, v0.16b, v1.16b
    bytes.fromhex("0200014e"),  # tbl v2.16b, {v0.16b}, v1.16b
    bytes.fromhex("80aa404c"),  # ld1 {v0.4s, v1.4s}, [x20]
    bytes.fromhex("82ae004c"),  # st1 {v2.2d, v3.2d}, [x20]
    # ldr q31, [x20, #48]; add x8, x20, #0xff8; str q31, [x8]
    bytes.fromhex("9f0ec03d88e23f911f01803d"),
    bytes.fromhex("9002400c"),  # ld4 {v16.8b, v17.8b, v18.8b, v19.8b}, [x20]
    bytes.fromhex("2048284e0068284e"),  # aese v0.16b, v1.16b; aesmc v0.16b, v0.16b
    bytes.fromhex("03e0e10e"),  # pmull v3.1q, v0.1d, v1.1d
    # mov x8, #0x3000000; msr fpcr, x8; fdiv s2, s0, s1; mrs x0, fpsr
    bytes.fromhex("0860a0d208441bd50218211e20443bd5"),
    bytes.fromhex("1f441bd53f441bd5"),  # msr fpcr, xzr; msr fpsr, xzr
    # mrs x0, cntvct_el0; mrs x1, cntpct_el0; mrs x2, cntfrq_el0
    bytes.fromhex("40e03bd521e03bd502e03bd5"),
    bytes.fromhex("039d3bd5"),  # mrs x3, pmccntr_el0
    # mov x8, #1; msr cntv_ctl_el0, x8; mov x8, #50; msr cntv_tval_el0, x8;
    # mrs x0, cntv_ctl_el0; mrs x1, cntv_tval_el0
    bytes.fromhex("280080d228e31bd5480680d208e31bd520e33bd501e33bd5"),
    bytes.fromhex("42e33bd523e33bd5"),  # mrs x2, cntv_cval_el0; mrs x3, cntv_ctl_el0
    # mrs x0, cntp_tval_el0; msr cntp_cval_el0, x1; mrs x4, cntp_ctl_el0
    bytes.fromhex("00e23bd541e21bd524e23bd5"),
    bytes.fromhex("000038d5414238d5"),  # mrs x0, midr_el1; mrs x1, currentel
    bytes.fromhex("00c018d501c038d5"),  # msr vbar_el1, x0; mrs x1, vbar_el1
    bytes.fromhex("40d01bd581d018d5"),  # msr tpidr_el0, x0; msr tpidr_el1, x1
    bytes.fromhex("62d01bd543d03bd5"),  # msr tpidrro_el0, x2; mrs x3, tpidr_el0
    bytes.fromhex("204018d5015218d5026018d5"),  # msr elr_el1, x0; msr esr_el1, x1; msr far_el1, x2
    bytes.fromhex("002018d501a218d5"),  # msr ttbr0_el1, x0; msr mair_el1, x1
    bytes.fromhex("004118d5014138d5"),  # msr sp_el0, x0; mrs x1, sp_el0
    # msr spsel, #0; mov x0, sp; mov sp, x20; msr spsel, #1
    bytes.fromhex("bf4000d5e00300919f020091bf4100d5"),
    bytes.fromhex("bf4000d5"),  # msr spsel, #0
    bytes.fromhex("bf4100d5"),  # msr spsel, #1
    bytes.fromhex("ff4203d520423bd5df4f03d5"),  # msr daifclr, #2; mrs x0, daif; msr daifset, #15
    bytes.fromhex("00423bd501421bd5"),  # mrs x0, nzcv; msr nzcv, x1
    # mrs x0, sctlr_el1; orr x0, x0, #1; msr sctlr_el1, x0
    bytes.fromhex("001038d5000040b2001018d5"),
    # msr pmcr_el0, x0; msr pmselr_el0, x1; mrs x2, pmxevcntr_el0; mrs x3, pmovsclr_el0
    bytes.fromhex("009c1bd5a19c1bd5429d3bd5639c3bd5"),
    bytes.fromhex("280080d2480210d5"),  # mov x8, #1; msr mdscr_el1, x8
    # adr x8, 1f; msr elr_el1, x8; mov x8, #0x3c4; msr spsr_el1, x8;
    # mov x8, sp; msr sp_el0, x8; eret; 1: nop
    bytes.fromhex("e8000010284018d5887880d2084018d5e8030091084118d5e0039fd61f2003d5"),
    bytes.fromhex("34740bd5"),  # dc zva, x20
    bytes.fromhex("347b0bd534750bd5"),  # dc cvau, x20; ic ivau, x20
    bytes.fromhex("1f8708d51f7508d5"),  # tlbi vmalle1; ic iallu
    bytes.fromhex("3f2003d55f2003d59f2003d5"),  # yield; wfe; sev
    bytes.fromhex("7f2003d5"),  # wfi
    bytes.fromhex("610000d4"),  # svc #3
    bytes.fromhex("230000d4"),  # smc #1
]
A64_FATAL = [
    bytes.fromhex("00000000"),  # .word 0
    bytes.fromhex("0800aed2000140f9"),  # mov x8, #0x70000000; ldr x0, [x8]
    bytes.fromhex("0800aed2000500a9"),  # mov x8, #0x70000000; stp x0, x1, [x8]
    bytes.fromhex("200020d4"),  # brk #1
    bytes.fromhex("020000d4"),  # hvc #0
    # adr x8, 1f; msr elr_el1, x8; msr spsr_el1, xzr; eret; 1: mrs x0, tpidr_el0; mrs x1, vbar_el1
    bytes.fromhex("88000010284018d51f4018d5e0039fd640d03bd501c038d5"),
]


def _x86_branch(condition: int, distance: int) -> bytes:
    """jcc, over `distance` bytes."""
    return bytes((0x0F, 0x80 | condition)) + struct.pack("<i", distance)


def _x86_patch(offset: int, value: int) -> bytes:
    """movb $value, offset(%r15): into the instruction below."""
    return bytes.fromhex("41c687") + struct.pack("<iB", offset + 1, value)


def _a64_branch(condition: int, distance: int) -> bytes:
    """b.cond, over `distance` bytes."""
    return struct.pack("<I", 0x54000000 | (distance + 4) // 4 << 5 | condition)


def _a64_patch(offset: int, value: int) -> bytes:
    """mov w9, #...; movk w9, #0x5280, lsl #16; str w9, [x25, #offset]: the instruction below."""
    words = (0x52800009 | value << 10, 0x72A00009 | 0x5280 << 5, 0xB9000329 | offset // 4 << 10)
    return struct.pack("<3I", *words)


@dataclass(frozen=True)
class Dialect:
    """The instructions of a core. Register names are those of Unicorn."""

    model: str
    simple: list[bytes]
    fatal: list[bytes]
    """What ends in an exception."""
    branch: Callable[[int, int], bytes]
    patchable: bytes
    """Loads a constant that `patch` changes."""
    patch: Callable[[int, int], bytes]
    """What stores a number into the `patchable` instruction at an offset into the program."""
    loop: Callable[[int], bytes]
    """Counts down, goes back over so many bytes, and ends with a breakpoint."""
    fixed: dict[str, int]
    counter: str
    program: str
    free: tuple[str, ...]


def _x86_loop(size: int) -> bytes:
    """dec %r13; jnz; int3"""
    return bytes.fromhex("49ffcd0f85") + struct.pack("<i", -(size + 9)) + b"\xcc"


def _a64_loop(size: int) -> bytes:
    """subs x21, x21, #1; b.ne; brk #0"""
    back = -(size + 4) // 4 & 0x7FFFF
    return struct.pack("<3I", 0xF10006B5, 0x54000001 | back << 5, 0xD4200000)


X86_64 = Dialect(
    "x86-64",
    X86,
    X86_FATAL,
    _x86_branch,
    b"\xb0\x01",  # mov $1, %al
    _x86_patch,
    _x86_loop,
    {"RBP": DATA, "R12": DEVICE, "RSP": STACK},
    "R13",
    "R15",
    ("RAX", "RBX", "RCX", "RDX", "RSI", "RDI", "R8", "R9", "R10", "R11", "R14"),
)
AARCH64 = Dialect(
    "aarch64",
    A64,
    A64_FATAL,
    _a64_branch,
    struct.pack("<I", 0x52800020),  # mov w0, #1
    _a64_patch,
    _a64_loop,
    {"X20": DATA, "X19": DEVICE, "SP": STACK},
    "X21",
    "X25",
    tuple(f"X{n}" for n in range(9)),
)


@dataclass
class Program:
    """`regs`: what is in the free registers."""

    code: bytes
    start: int
    loops: int
    regs: list[int]


@st.composite
def programs(draw: st.DrawFn, dialect: Dialect) -> Program:
    """A loop over random items; some write to later or earlier instructions of the loop."""
    start = CODE + 4 * draw(st.integers(0, 1023))
    items: list[bytes | tuple[str, int, int]] = []
    patchable: list[int] = []
    for _ in range(draw(st.integers(3, 25))):
        kind = draw(st.integers(0, 11))
        if kind <= 8:
            items.append(draw(st.sampled_from(dialect.simple)))
        elif kind == 9:
            items.append(("branch", draw(st.integers(0, 13)), draw(st.integers(1, 3))))
        elif kind == 10:
            patchable.append(len(items))
            items.append(dialect.patchable)
        else:
            items.append(("patch", draw(st.integers(0, 20)), draw(st.integers(0, 5))))
    if draw(st.integers(0, 3)) == 0:
        items.append(draw(st.sampled_from(dialect.fatal)))
    branch_size, patch_size = len(dialect.branch(0, 0)), len(dialect.patch(0, 0))
    offsets, at = [], 0
    for item in items:
        offsets.append(at)
        if isinstance(item, bytes):
            at += len(item)
        else:
            at += branch_size if item[0] == "branch" else patch_size
    offsets.append(at)
    code = b""
    for index, item in enumerate(items):
        if isinstance(item, bytes):
            code += item
            continue
        name, a, b = item
        if name == "branch":
            target = offsets[min(len(items), index + b)]
            code += dialect.branch(a, target - len(code) - branch_size)
        else:
            # Without anything to patch: what is behind the loop, which never runs.
            where = offsets[patchable[b % len(patchable)]] if patchable else 0x800
            code += dialect.patch(where, a)
    code += dialect.loop(len(code))
    count = len(dialect.free)
    regs = draw(st.lists(st.integers(0, (1 << 64) - 1), min_size=count, max_size=count))
    return Program(code, start, draw(st.integers(1, 4)), regs)
