/* Armv7-M: privilege and the memory protection unit (DDI0403E B3.5). */
#include "thumb.h"

bool unprivileged_thread(ttd_engine *e, uint32_t *xpsr)
{
    *xpsr = reg32(e, UC_ARM_REG_XPSR);
    return !(*xpsr & 0x1ff) && (reg32(e, UC_ARM_REG_CONTROL) & 1);
}

bool privileged_now(ttd_engine *e)
{
    uint32_t xpsr;
    return !unprivileged_thread(e, &xpsr);
}

/* LDRT, STRT and their kin access as unprivileged code does (DDI0403E A7.7.71 and others). */
bool thumb_privileged(ttd_engine *e)
{
    uint8_t *code = host_pointer(e, read_pc(e));
    if (code && code[1] >> 1 == 0xf8 >> 1 && !(code[0] & 0x80)
        && (code[0] & 15) != 15 && (code[3] & 15) == 0xe)
        return false;
    return privileged_now(e);
}

bool mpu_active(ttd_engine *e)
{
    if (!thumb_of(e)->mpu_on)
        return false;
    if (!thumb_of(e)->mpu_hfnmi) {
        uint32_t ipsr = reg32(e, UC_ARM_REG_XPSR) & 0x1ff;
        if (ipsr == 2 || ipsr == 3 || (reg32(e, UC_ARM_REG_FAULTMASK) & 1))
            return false;
    }
    return true;
}

static bool ap_allows(uint8_t ap, bool write, bool privileged)
{
    switch (ap) {                        /* DDI0403E B3.5.9, MPU_RASR.AP */
    case 1: return privileged;
    case 2: return privileged || !write;
    case 3: return true;
    case 5: return privileged && !write;
    case 6: case 7: return !write;
    default: return false;
    }
}

static bool default_map_xn(uint64_t a)
{
    return (a >= 0x40000000 && a < 0x60000000) || a >= 0xa0000000;
}

/* The last region that covers `a`, or -1; `end` is lowered to where the answer may change. */
static int mpu_find(ttd_engine *e, uint64_t a, uint64_t *end)
{
    int i, found = -1;
    for (i = 0; i < thumb_of(e)->nmpu; i++) {
        const armv7m_region *m = &thumb_of(e)->mpu[i];
        uint64_t step = m->size >= 256 ? m->size / 8 : m->size, lo = m->base, hi;
        if (a < lo) {
            if (lo < *end)
                *end = lo;
            continue;
        }
        if (a >= lo + m->size)
            continue;
        hi = a - (a - lo) % step + step;
        if (hi < *end)
            *end = hi;
        if (m->size < 256 || !(m->srd >> ((a - lo) / step) & 1))
            found = i;
    }
    return found;
}

/* May [address, address + size) be accessed? 1 yes, 0 no, -1 it differs within the range. */
int mpu_allows(ttd_engine *e, uint64_t address, uint64_t size, int kind, bool privileged,
                      bool active)
{
    uint64_t at = address, stop_at = address + size;
    int verdict = -2;
    if (!active || (address >= 0xe0000000 && address < 0xe0100000))
        return !(kind == ACC_FETCH && default_map_xn(address));
    while (at < stop_at) {
        uint64_t end = stop_at;
        int i = mpu_find(e, at, &end), ok;
        if (i < 0)
            ok = thumb_of(e)->mpu_background && privileged && !(kind == ACC_FETCH && default_map_xn(at));
        else
            ok = ap_allows(thumb_of(e)->mpu[i].ap, kind == ACC_WRITE, privileged)
                && !(kind == ACC_FETCH && (thumb_of(e)->mpu[i].xn || at >= 0xe0000000));
        if (verdict == -2)
            verdict = ok;
        else if (verdict != ok)
            return -1;
        at = end;
    }
    return verdict;
}

/* As `mpu_allows`, of an access or a fetch that the instruction at PC makes (`under_way`), or others of the
 * mode do. */
int thumb_allows(ttd_engine *e, uint64_t vaddr, uint64_t paddr, uint64_t size, int kind, bool under_way)
{
    bool privileged;
    (void)paddr;
    if (e->quiet || (!thumb_of(e)->mpu_on && kind != ACC_FETCH))
        return 1;
    privileged = under_way && kind != ACC_FETCH ? thumb_privileged(e) : privileged_now(e);
    return mpu_allows(e, vaddr, size, kind, privileged, mpu_active(e));
}

void mpu_follow(ttd_engine *e)
{
    thumb_state *t = thumb_of(e);
    bool active = t->mpu_on && mpu_active(e);
    if (active != t->mpu_was_active)
        flush_tlb(e);
    t->mpu_was_active = active;
}

/* A block begins that may change what the MPU applies to, or the one before was such. */
bool thumb_expect_modes(ttd_engine *e, const block_info *b)
{
    if (e->masks_next)
        mpu_follow(e);
    return (b->ways & WAY_MODES) && thumb_of(e)->mpu_on;
}

/* ---- from outside ------------------------------------------------------------------------ */

/* What is enforced, if anything is. */
static bool same(const thumb_state *t, bool enabled, bool privdefena, bool hfnmiena, int count,
                 const armv7m_region *regions)
{
    int i;
    if (!enabled || !t->mpu_on)
        return enabled == t->mpu_on;
    if (privdefena != t->mpu_background || hfnmiena != t->mpu_hfnmi || count != t->nmpu)
        return false;
    for (i = 0; i < count; i++) {
        const armv7m_region *a = &regions[i], *b = &t->mpu[i];
        if (a->base != b->base || a->size != b->size || a->srd != b->srd || a->ap != b->ap || a->xn != b->xn)
            return false;
    }
    return true;
}

void armv7m_set_mpu(ttd_engine *e, bool enabled, bool privdefena, bool hfnmiena, int count,
                    const armv7m_region *regions)
{
    thumb_state *t = thumb_of(e);
    bool stays = same(t, enabled, privdefena, hfnmiena, count, regions), turns = enabled != t->mpu_on;
    t->mpu_on = enabled;
    t->mpu_background = privdefena;
    t->mpu_hfnmi = hfnmiena;
    t->nmpu = count;
    memcpy(t->mpu, regions, (size_t)count * sizeof *regions);
    if (stays)
        return;
    t->mpu_was_active = mpu_active(e);
    if (turns)                            /* else it is soon as it was, when tasks are switched */
        forget_splits(e);
    if (e->running)
        e->flush_due = true;              /* after the instruction that is storing */
    else
        flush_tlb(e);
}

bool armv7m_denies(ttd_engine *e, uint64_t address, int kind, int privileged)
{
    bool priv = privileged >= 0 ? privileged != 0
        : kind == ACC_FETCH ? privileged_now(e) : thumb_privileged(e);
    return mpu_allows(e, address, 1, kind, priv, mpu_active(e)) != 1;
}
