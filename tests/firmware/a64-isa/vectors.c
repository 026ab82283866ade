/* Vectors, with FPSR (QC too). */
#include "isa.h"

static const u64 values[] = {
    0, 1, 0x7f80ff0102030405, 0x8000000000000001, 0x7fffffffffffffff, 0xffffffffffffffff,
    0x0123456789abcdef, 0xfedcba9876543210, 0x80007fff80007fff, 0x8000000080000000, 0x7fffffff7fffffff,
    0x8080808080808080, 0x0000000f0000001f, 0xff800001c0e03f10, 0x3f8000007f800000, 0x7fc00001ff8ab001,
    0x3ff8000000000000, 0x7ff0000000000001, 0x41dfffffffc00000,
};

#define VECTOR(name, insn) \
    for (int m = 0; m < 3; m++) \
        for (int i = 0; i < COUNT(values); i++) \
            for (int j = 0; j < COUNT(values); j++) { \
                vec a = { { values[i], values[(i * 5 + 3) % COUNT(values)] } }, r = { { 5, 6 } }; \
                vec b = { { values[j], values[(j * 7 + 1) % COUNT(values)] } }; \
                u64 s, mode = (u64)m << 24; \
                __asm__ volatile("msr fpcr, %4\n msr fpsr, xzr\n ldr q0, %1\n ldr q1, %2\n ldr q2, %3\n" insn \
                                 "\n mrs %0, fpsr\n str q0, %1\n msr fpcr, xzr" \
                                 : "=&r"(s), "+m"(r) : "m"(a), "m"(b), "r"(mode) : "v0", "v1", "v2"); \
                mix(r.q[0]), mix(r.q[1]), mix(s); \
            } \
    line(name);
#define OF(n, t) VECTOR(n " " t, n " v0." t ", v1." t ", v2." t)
#define ON(n, t) VECTOR(n " " t, n " v0." t ", v1." t)
#define SMALL(n) OF(n, "16b") OF(n, "8h") OF(n, "4s")
#define ALL(n) SMALL(n) OF(n, "2d") OF(n, "8b") OF(n, "4h") OF(n, "2s")
#define FLOAT(n) OF(n, "4s") OF(n, "2d") OF(n, "2s")
#define FLOAT_ONE(n) ON(n, "4s") ON(n, "2d") ON(n, "2s")
#define LONG(n) \
    VECTOR(n " 8h", n " v0.8h, v1.8b, v2.8b") VECTOR(n " 4s", n " v0.4s, v1.4h, v2.4h") \
    VECTOR(n " 2d", n " v0.2d, v1.2s, v2.2s") VECTOR(n "2 4s", n "2 v0.4s, v1.8h, v2.8h")
#define WIDE(n) VECTOR(n " 8h", n " v0.8h, v1.8h, v2.8b") VECTOR(n "2 2d", n "2 v0.2d, v1.2d, v2.4s")
#define HALF(n) VECTOR(n " 8b", n " v0.8b, v1.8h, v2.8h") VECTOR(n "2 4s", n "2 v0.4s, v1.2d, v2.2d")
#define NARROW(n) VECTOR(n " 8b", n " v0.8b, v1.8h") VECTOR(n "2 4s", n "2 v0.4s, v1.2d")
#define BY(n, k) VECTOR(n " 8h #" k, n " v0.8h, v1.8h, #" k) VECTOR(n " 2d #" k, n " v0.2d, v1.2d, #" k)

static void whole(void)
{
    ALL("add") ALL("sub") SMALL("mul") SMALL("mla") SMALL("mls") ALL("sqadd") ALL("uqadd") ALL("sqsub")
    ALL("uqsub") SMALL("shadd") SMALL("uhadd") SMALL("srhadd") SMALL("urhadd") SMALL("shsub")
    SMALL("uhsub") SMALL("smax") SMALL("umax") SMALL("smin") SMALL("umin") SMALL("sabd") SMALL("uabd")
    SMALL("saba") SMALL("uaba") ALL("cmeq") ALL("cmge") ALL("cmgt") ALL("cmhi") ALL("cmhs") ALL("cmtst")
    ALL("sshl") ALL("ushl") ALL("srshl") ALL("urshl") ALL("sqshl") ALL("uqshl") ALL("sqrshl") ALL("uqrshl")
    ALL("addp") SMALL("smaxp") SMALL("uminp") ALL("zip1") ALL("zip2") ALL("uzp1") ALL("trn2")
    OF("sqdmulh", "8h") OF("sqdmulh", "4s") OF("sqrdmulh", "8h") OF("sqrdmulh", "4s") OF("pmul", "16b")
    OF("and", "16b") OF("bic", "16b") OF("orr", "16b") OF("orn", "16b") OF("eor", "16b") OF("bsl", "16b")
    OF("bit", "16b") OF("bif", "16b") ON("abs", "16b") ON("abs", "2d") ON("neg", "8h") ON("sqabs", "4s")
    ON("sqneg", "2d") ON("suqadd", "8h") ON("usqadd", "4s") ON("not", "16b") ON("rbit", "16b")
    ON("cnt", "16b") ON("cls", "8h") ON("clz", "4s") ON("rev16", "16b") ON("rev32", "8h") ON("rev64", "4s")
    LONG("saddl") LONG("uaddl") LONG("ssubl") LONG("usubl") LONG("smull") LONG("umull") LONG("smlal")
    LONG("umlsl") LONG("sabdl") LONG("uabal") WIDE("saddw") WIDE("usubw") HALF("addhn") HALF("raddhn")
    HALF("subhn") HALF("rsubhn") NARROW("xtn") NARROW("sqxtn") NARROW("uqxtn") NARROW("sqxtun")
    VECTOR("sqdmull", "sqdmull v0.4s, v1.4h, v2.4h") VECTOR("sqdmlal2", "sqdmlal2 v0.2d, v1.4s, v2.4s")
    VECTOR("pmull", "pmull v0.8h, v1.8b, v2.8b") VECTOR("pmull 1q", "pmull v0.1q, v1.1d, v2.1d")
    BY("sshr", "3") BY("ushr", "16") BY("ssra", "1") BY("usra", "7") BY("srshr", "5") BY("urshr", "2")
    BY("shl", "9") BY("sli", "4") BY("sri", "6") BY("sqshl", "3") BY("uqshl", "2") BY("sqshlu", "1")
    VECTOR("sqshrn", "sqshrn v0.4h, v1.4s, #5") VECTOR("uqrshrn2", "uqrshrn2 v0.8h, v1.4s, #9")
    VECTOR("sqrshrun", "sqrshrun v0.8b, v1.8h, #3") VECTOR("sshll", "sshll v0.4s, v1.4h, #7")
    VECTOR("ushll2", "ushll2 v0.2d, v1.4s, #0") VECTOR("saddlp", "saddlp v0.4s, v1.8h")
    VECTOR("uadalp", "uadalp v0.2d, v1.4s") VECTOR("addv", "addv b0, v1.16b")
    VECTOR("saddlv", "saddlv d0, v1.4s") VECTOR("umaxv", "umaxv h0, v1.8h") VECTOR("sminv", "sminv s0, v1.4s")
    VECTOR("tbl", "tbl v0.16b, {v1.16b, v2.16b}, v2.16b") VECTOR("tbx", "tbx v0.16b, {v1.16b}, v2.16b")
    VECTOR("ext", "ext v0.16b, v1.16b, v2.16b, #5") VECTOR("dup", "dup v0.4s, v1.s[2]")
    VECTOR("ins", "ins v0.h[3], v1.h[6]") VECTOR("mla lane", "mla v0.8h, v1.8h, v2.h[5]")
    VECTOR("sqdmulh lane", "sqdmulh v0.4s, v1.4s, v2.s[1]") VECTOR("smull lane", "smull v0.2d, v1.2s, v2.s[3]")
    VECTOR("urecpe", "urecpe v0.4s, v1.4s") VECTOR("ursqrte", "ursqrte v0.4s, v1.4s")
    VECTOR("sqadd d", "sqadd d0, d1, d2") VECTOR("uqshl b", "uqshl b0, b1, b2")
    VECTOR("sqdmlsl", "sqdmlsl d0, s1, s2")
}

static void numbers(void)
{
    FLOAT("fadd") FLOAT("fsub") FLOAT("fmul") FLOAT("fdiv") FLOAT("fmla") FLOAT("fmls") FLOAT("fmax")
    FLOAT("fmin") FLOAT("fmaxnm") FLOAT("fminnm") FLOAT("fmulx") FLOAT("fabd") FLOAT("faddp")
    FLOAT("fmaxp") FLOAT("fminnmp") FLOAT("fcmeq") FLOAT("fcmge") FLOAT("fcmgt") FLOAT("facge")
    FLOAT("frecps") FLOAT("frsqrts") FLOAT_ONE("fsqrt") FLOAT_ONE("fabs") FLOAT_ONE("fneg")
    FLOAT_ONE("frinta") FLOAT_ONE("frintx") FLOAT_ONE("frintz") FLOAT_ONE("frecpe") FLOAT_ONE("frsqrte")
    FLOAT_ONE("fcvtzs") FLOAT_ONE("fcvtnu") FLOAT_ONE("fcvtas") FLOAT_ONE("scvtf") FLOAT_ONE("ucvtf")
    VECTOR("fcvtl", "fcvtl v0.2d, v1.2s") VECTOR("fcvtl h", "fcvtl2 v0.4s, v1.8h")
    VECTOR("fcvtn", "fcvtn v0.2s, v1.2d") VECTOR("fcvtn h", "fcvtn2 v0.8h, v1.4s")
    VECTOR("fcvtxn", "fcvtxn v0.2s, v1.2d") VECTOR("fmaxv", "fmaxv s0, v1.4s")
    VECTOR("fminnmv", "fminnmv s0, v1.4s") VECTOR("fmla lane", "fmla v0.4s, v1.4s, v2.s[2]")
    VECTOR("fmulx lane", "fmulx v0.2d, v1.2d, v2.d[1]") VECTOR("fcmlt", "fcmlt v0.4s, v1.4s, #0.0")
    VECTOR("fcvtzs #", "fcvtzs v0.4s, v1.4s, #9") VECTOR("scvtf #", "scvtf v0.2d, v1.2d, #33")
}

static void crypto(void)
{
    ON("aese", "16b") ON("aesd", "16b") ON("aesmc", "16b") ON("aesimc", "16b")
    VECTOR("sha1c", "sha1c q0, s1, v2.4s") VECTOR("sha1p", "sha1p q0, s1, v2.4s")
    VECTOR("sha1m", "sha1m q0, s1, v2.4s") VECTOR("sha1h", "sha1h s0, s1") OF("sha1su0", "4s")
    ON("sha1su1", "4s") VECTOR("sha256h", "sha256h q0, q1, v2.4s") VECTOR("sha256h2", "sha256h2 q0, q1, v2.4s")
    ON("sha256su0", "4s") OF("sha256su1", "4s")
}

void vectors(void)
{
    whole();
    numbers();
    crypto();
}
