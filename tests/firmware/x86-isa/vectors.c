/* Integers and moves in XMM and MMX. */
#include "isa.h"

static const u64 values[] = {
    0, 1, 0x7f80ff0102030405, 0x8000000000000001, 0x7fffffffffffffff, 0xffffffffffffffff,
    0x0123456789abcdef, 0xfedcba9876543210, 0x80007fff80007fff, 0x8000000080000000,
    0x7fffffff7fffffff, 0x00ff00ff00ff00ff, 0x8080808080808080, 0x0000000f0000001f, 64, 16, 8,
};

static vec vector(int i) { return (vec){ { values[i], values[(i * 5 + 3) % COUNT(values)] } }; }

/* With a register, and with memory. */
#define VECTOR(name, insn) \
    for (int i = 0; i < COUNT(values); i++) \
        for (int j = 0; j < COUNT(values); j++) { \
            vec a = vector(i), b = vector(j), r; \
            __asm__ volatile("movdqa %1, %%xmm0\n movdqa %2, %%xmm1\n" insn "%%xmm1, %%xmm0\n" \
                             "movdqa %%xmm0, %0" : "=m"(r) : "m"(a), "m"(b) : "xmm0", "xmm1"); \
            mix(r.q[0]), mix(r.q[1]); \
            __asm__ volatile("movdqa %1, %%xmm9\n" insn "%2, %%xmm9\n movdqa %%xmm9, %0" \
                             : "=m"(r) : "m"(a), "m"(b) : "xmm9"); \
            mix(r.q[0]), mix(r.q[1]); \
        } \
    line(name);
#define V(name) VECTOR(#name, #name " ")
#define VI(name, n) VECTOR(#name " " #n, #name " $" #n ", ")
#define MMX(name) \
    for (int i = 0; i < COUNT(values); i++) \
        for (int j = 0; j < COUNT(values); j++) { \
            u64 r; \
            __asm__ volatile("movq %1, %%mm0\n" #name " %2, %%mm0\n movq %%mm0, %0\n emms" \
                             : "=m"(r) : "m"(values[i]), "m"(values[j]) : "st"); \
            mix(r); \
        } \
    line("mmx " #name);
/* Of a register and itself. */
#define ITSELF(name) \
    for (int i = 0; i < COUNT(values); i++) { \
        vec a = vector(i), r; \
        __asm__ volatile("movdqa %1, %%xmm9\n" #name " %%xmm9, %%xmm9\n movdqa %%xmm9, %0" \
                         : "=m"(r) : "m"(a) : "xmm9"); \
        mix(r.q[0]), mix(r.q[1]); \
    } \
    line(#name " of itself");
#define MMX_ITSELF(name) \
    for (int i = 0; i < COUNT(values); i++) { \
        u64 r; \
        __asm__ volatile("movq %1, %%mm3\n" #name " %%mm3, %%mm3\n movq %%mm3, %0\n emms" \
                         : "=m"(r) : "m"(values[i]) : "st"); \
        mix(r); \
    } \
    line("mmx " #name " of itself");
#define SHIFT(name, n) \
    for (int i = 0; i < COUNT(values); i++) { \
        vec a = vector(i), r; \
        __asm__ volatile("movdqa %1, %%xmm0\n" #name " $" #n ", %%xmm0\n movdqa %%xmm0, %0" \
                         : "=m"(r) : "m"(a) : "xmm0"); \
        mix(r.q[0]), mix(r.q[1]); \
    }
#define SHIFTS(name) \
    SHIFT(name, 0) SHIFT(name, 1) SHIFT(name, 7) SHIFT(name, 15) SHIFT(name, 16) SHIFT(name, 31) \
    SHIFT(name, 33) SHIFT(name, 63) SHIFT(name, 64) SHIFT(name, 255) line(#name " $");
/* From XMM into a register. */
#define TAKE(name, insn) \
    for (int i = 0; i < COUNT(values); i++) { \
        vec a = vector(i); \
        u64 r = ~0ull; \
        __asm__ volatile("movdqa %1, %%xmm0\n" insn : "+a"(r) : "m"(a) : "xmm0"); \
        mix(r); \
    } \
    line(name);
/* From a register or memory into XMM. */
#define GIVE(name, insn) \
    for (int i = 0; i < COUNT(values); i++) \
        for (int j = 0; j < COUNT(values); j++) { \
            vec a = vector(i), r; \
            __asm__ volatile("movdqa %1, %%xmm0\n" insn "\n movdqa %%xmm0, %0" \
                             : "=m"(r) : "m"(a), "a"(values[j]), "m"(values[j]) : "xmm0"); \
            mix(r.q[0]), mix(r.q[1]); \
        } \
    line(name);

static void sse2(void)
{
    V(paddb) V(paddw) V(paddd) V(paddq) V(paddsb) V(paddsw) V(paddusb) V(paddusw)
    V(psubb) V(psubw) V(psubd) V(psubq) V(psubsb) V(psubsw) V(psubusb) V(psubusw)
    V(pmullw) V(pmulhw) V(pmulhuw) V(pmuludq) V(pmaddwd) V(psadbw) V(pavgb) V(pavgw)
    V(pminub) V(pminsw) V(pmaxub) V(pmaxsw) V(pcmpeqb) V(pcmpeqw) V(pcmpeqd)
    V(pcmpgtb) V(pcmpgtw) V(pcmpgtd) V(pand) V(pandn) V(por) V(pxor)
    V(psllw) V(pslld) V(psllq) V(psrlw) V(psrld) V(psrlq) V(psraw) V(psrad)
    V(punpcklbw) V(punpcklwd) V(punpckldq) V(punpcklqdq)
    V(punpckhbw) V(punpckhwd) V(punpckhdq) V(punpckhqdq) V(packsswb) V(packssdw) V(packuswb)
    V(andps) V(andnps) V(orps) V(xorps) V(andpd) V(andnpd) V(orpd) V(xorpd)
    V(unpcklps) V(unpckhps) V(unpcklpd) V(unpckhpd)
    VI(pshufd, 0x1b) VI(pshufd, 0xe4) VI(pshufhw, 0x93) VI(pshuflw, 0x39)
    VI(shufps, 0x4e) VI(shufps, 0xb1) VI(shufpd, 1) VI(shufpd, 2)
    SHIFTS(psllw) SHIFTS(pslld) SHIFTS(psllq) SHIFTS(psrlw) SHIFTS(psrld) SHIFTS(psrlq)
    SHIFTS(psraw) SHIFTS(psrad) SHIFTS(pslldq) SHIFTS(psrldq)
    TAKE("pmovmskb", "pmovmskb %%xmm0, %%eax") TAKE("movmskps", "movmskps %%xmm0, %%eax")
    TAKE("movmskpd", "movmskpd %%xmm0, %%eax") TAKE("movd", "movd %%xmm0, %%eax")
    TAKE("movq", "movq %%xmm0, %%rax") TAKE("pextrw", "pextrw $5, %%xmm0, %%eax")
    GIVE("to movd", "movd %%eax, %%xmm0") GIVE("to movq", "movq %%rax, %%xmm0")
    GIVE("movss", "movss %3, %%xmm0") GIVE("movsd", "movsd %3, %%xmm0")
    GIVE("movlps", "movlps %3, %%xmm0") GIVE("movhps", "movhps %3, %%xmm0")
    GIVE("pinsrw", "pinsrw $3, %%eax, %%xmm0")
}

static void sse3_and_4(void)
{
    V(movddup) V(movshdup) V(movsldup)
    V(pabsb) V(pabsw) V(pabsd) V(phaddw) V(phaddd) V(phaddsw) V(phsubw) V(phsubd) V(phsubsw)
    V(pmaddubsw) V(pmulhrsw) V(pshufb) V(psignb) V(psignw) V(psignd)
    VI(palignr, 3) VI(palignr, 17) VI(palignr, 32)
    V(pblendvb) V(blendvps) V(blendvpd) VI(pblendw, 0xa5) VI(blendps, 6) VI(blendpd, 2)
    V(pcmpeqq) V(pcmpgtq) V(packusdw) V(pmuldq) V(pmulld) V(phminposuw)
    V(pminsb) V(pminuw) V(pminsd) V(pminud) V(pmaxsb) V(pmaxuw) V(pmaxsd) V(pmaxud)
    V(pmovsxbw) V(pmovsxbd) V(pmovsxbq) V(pmovsxwd) V(pmovsxwq) V(pmovsxdq)
    V(pmovzxbw) V(pmovzxbd) V(pmovzxbq) V(pmovzxwd) V(pmovzxwq) V(pmovzxdq)
    VI(mpsadbw, 0) VI(mpsadbw, 5) VI(mpsadbw, 7) VI(insertps, 0x1d)
    TAKE("pextrb", "pextrb $9, %%xmm0, %%eax") TAKE("pextrd", "pextrd $2, %%xmm0, %%eax")
    TAKE("pextrq", "pextrq $1, %%xmm0, %%rax") TAKE("extractps", "extractps $3, %%xmm0, %%eax")
    GIVE("pinsrb", "pinsrb $11, %%eax, %%xmm0") GIVE("pinsrd", "pinsrd $1, %%eax, %%xmm0")
    GIVE("pinsrq", "pinsrq $1, %%rax, %%xmm0")
    for (int i = 0; i < COUNT(values); i++)
        for (int j = 0; j < COUNT(values); j++) {
            vec a = vector(i), b = vector(j);
            u64 f;
            __asm__ volatile("movdqa %1, %%xmm0\n ptest %2, %%xmm0\n pushfq\n pop %0"
                             : "=r"(f) : "m"(a), "m"(b) : "cc", "xmm0");
            mix(f & 0x8d5);
        }
    line("ptest");
}

static void crypto(void)
{
    V(aesenc) V(aesenclast) V(aesdec) V(aesdeclast) V(aesimc)
    VI(aeskeygenassist, 0x1b) VI(pclmulqdq, 0) VI(pclmulqdq, 1) VI(pclmulqdq, 16) VI(pclmulqdq, 17)
}

static void mmx(void)
{
    MMX(paddb) MMX(paddw) MMX(paddd) MMX(paddq) MMX(paddsb) MMX(paddusw) MMX(psubb) MMX(psubsw)
    MMX(pmullw) MMX(pmulhw) MMX(pmulhuw) MMX(pmuludq) MMX(pmaddwd) MMX(psadbw) MMX(pavgb)
    MMX(pcmpeqb) MMX(pcmpgtd) MMX(pand) MMX(pandn) MMX(psllw) MMX(psrld) MMX(psraw) MMX(psllq)
    MMX(punpcklbw) MMX(punpckhwd) MMX(packsswb) MMX(packssdw) MMX(packuswb) MMX(pminub)
    MMX(pabsb) MMX(phaddw) MMX(phsubsw) MMX(pmaddubsw) MMX(pmulhrsw) MMX(pshufb) MMX(psignd)
}

/* What reads more of its operands after it has begun to write. */
static void of_themselves(void)
{
    ITSELF(phaddw) ITSELF(phaddd) ITSELF(phaddsw) ITSELF(phsubw) ITSELF(phsubd) ITSELF(phsubsw)
    ITSELF(pmaddwd) ITSELF(pmaddubsw) ITSELF(pmuludq) ITSELF(pmuldq) ITSELF(psadbw) ITSELF(pshufb)
    ITSELF(packsswb) ITSELF(packssdw) ITSELF(packuswb) ITSELF(packusdw) ITSELF(phminposuw)
    ITSELF(punpcklbw) ITSELF(punpckhwd) ITSELF(punpckldq) ITSELF(punpckhqdq) ITSELF(unpckhps)
    ITSELF(pmovsxbw) ITSELF(pmovsxbq) ITSELF(pmovzxwd) ITSELF(movddup) ITSELF(movshdup) ITSELF(psllw)
    ITSELF(psrad) ITSELF(psrlq) ITSELF(aesenc) ITSELF(aesdec) ITSELF(aesenclast) ITSELF(aesimc)
    MMX_ITSELF(phaddw) MMX_ITSELF(phaddd) MMX_ITSELF(phaddsw) MMX_ITSELF(phsubw) MMX_ITSELF(phsubd)
    MMX_ITSELF(phsubsw) MMX_ITSELF(packsswb) MMX_ITSELF(packuswb) MMX_ITSELF(punpckhbw)
    MMX_ITSELF(punpckldq) MMX_ITSELF(pmaddwd) MMX_ITSELF(psadbw) MMX_ITSELF(pshufb) MMX_ITSELF(psraw)
}

void vectors(void)
{
    sse2();
    sse3_and_4();
    crypto();
    mmx();
    of_themselves();
}
