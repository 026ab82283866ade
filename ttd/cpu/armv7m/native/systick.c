/* SysTick, the core's timer (B3.3), computed from the time instead of counted: n, n-1, ..., 1, 0, RVR,
 * RVR-1, ...
 *
 * Tick k of the selected clock begins at k / hz seconds of virtual time. The counter reaches zero at ticks
 * z, z + (RVR+1), z + 2(RVR+1), ...; each time sets COUNTFLAG and, with TICKINT, pends the exception. Only
 * registers written move the anchor, so it does not matter who looks when. */
#include "armv7m.h"

enum { ENABLE = 1, TICKINT = 2, CLKSOURCE = 4 };
#define COUNTFLAG (1u << 16)
#define NOREF (1u << 31)
#define SKEW (1u << 30)
#define RELOAD_MASK 0xffffffu
#define NANOSECONDS 1000000000u

/* B3.3.3: disabled; RVR and CVR are UNKNOWN, here zero. Without a reference clock CLKSOURCE reads as 1. */
void armv7m_reset_systick(armv7m_core *c)
{
    c->systick = (armv7m_systick){ .control = c->reference_hz ? 0 : CLKSOURCE };
}

static uint64_t rate(const armv7m_core *c)
{
    return c->systick.control & CLKSOURCE || !c->reference_hz ? c->hz : c->reference_hz;
}

static uint64_t tick(const armv7m_core *c)
{
    return (uint64_t)((unsigned __int128)time_now(c->engine) * rate(c) / NANOSECONDS);
}

/* Ticks from the anchor to the first time the counter reaches zero; 0 for never. */
static uint64_t first_zero(const armv7m_systick *s)
{
    return s->value ? s->value : s->reload ? (uint64_t)s->reload + 1 : 0;
}

/* How often the counter has reached zero since the anchor. */
static uint64_t crossings(const armv7m_core *c)
{
    const armv7m_systick *s = &c->systick;
    uint64_t first = first_zero(s), elapsed;
    if (!(s->control & ENABLE) || !first)
        return 0;
    elapsed = tick(c) - s->anchor;
    if (elapsed < first)
        return 0;
    return s->reload ? 1 + (elapsed - first) / ((uint64_t)s->reload + 1) : 1;
}

static uint32_t current(const armv7m_core *c)
{
    const armv7m_systick *s = &c->systick;
    uint64_t elapsed, past;
    if (!(s->control & ENABLE))
        return s->value;
    elapsed = tick(c) - s->anchor;
    if (elapsed <= s->value)
        return s->value - (uint32_t)elapsed;
    if (!s->reload)
        return 0;
    past = (elapsed - s->value) % ((uint64_t)s->reload + 1);
    return past ? (uint32_t)(s->reload + 1 - past) : 0;
}

static void set_anchor(armv7m_core *c, uint32_t value)
{
    c->systick.value = value;
    c->systick.anchor = tick(c);
    c->systick.seen = 0;
}

/* True if the exception is to be made pending. */
bool systick_catch_up(armv7m_core *c)
{
    armv7m_systick *s = &c->systick;
    uint64_t now = crossings(c);
    bool new = now > s->seen;
    s->seen = now;
    s->countflag |= new;
    return new && (s->control & TICKINT);
}

void armv7m_catch_up(armv7m_core *c)
{
    if ((c->systick.control & ENABLE) && systick_catch_up(c))
        armv7m_pend(c, SYSTICK);
}

static bool counts_alike(const armv7m_systick *a, const armv7m_systick *b)
{
    return a->seen == b->seen && a->anchor == b->anchor && a->value == b->value && a->reload == b->reload;
}

/* When the exception becomes pending next, in virtual ns; NEVER with TICKINT off. It is asked for far more often
 * than it changes. */
uint64_t armv7m_deadline(armv7m_core *c)
{
    const armv7m_systick *s = &c->systick;
    uint64_t first = first_zero(s), hz = rate(c);
    unsigned __int128 zero;
    if ((s->control & (ENABLE | TICKINT)) != (ENABLE | TICKINT) || !first || (s->seen && !s->reload))
        return NEVER;
    if (hz == c->next_rate && counts_alike(s, &c->next_of))
        return c->next_ns;
    zero = s->anchor + first + (unsigned __int128)s->seen * (s->reload + 1u);
    zero = (zero * NANOSECONDS + hz - 1) / hz;
    c->next_of = *s;
    c->next_rate = hz;
    c->next_ns = zero < NEVER ? (uint64_t)zero : NEVER;
    return c->next_ns;
}

/* B3.3.6: the reload value for 10 ms of the reference clock, if there is one. */
static uint32_t calibration(const armv7m_core *c)
{
    uint64_t ticks = c->reference_hz / 100;
    if (!c->reference_hz)
        return NOREF;
    return (c->reference_hz % 100 ? SKEW : 0) | (ticks ? (uint32_t)(ticks - 1) & RELOAD_MASK : 0);
}

uint32_t systick_read(armv7m_core *c, uint32_t offset)
{
    armv7m_systick *s = &c->systick;
    uint32_t value;
    switch (offset) {
    case SCS_SYST_CSR:                    /* B3.3.3: the read clears COUNTFLAG */
        value = s->control | (s->countflag ? COUNTFLAG : 0);
        s->countflag = false;
        return value;
    case SCS_SYST_RVR: return s->reload;
    case SCS_SYST_CVR: return current(c);
    default: return calibration(c);
    }
}

void systick_write(armv7m_core *c, uint32_t offset, uint32_t value)
{
    armv7m_systick *s = &c->systick;
    uint32_t now = current(c);
    switch (offset) {
    case SCS_SYST_CSR:
        s->control = (value & (ENABLE | TICKINT | CLKSOURCE)) | (c->reference_hz ? 0 : CLKSOURCE);
        break;
    case SCS_SYST_RVR:                    /* B3.3.4: taken when the counter next reloads */
        s->reload = value & RELOAD_MASK;
        break;
    case SCS_SYST_CVR:                    /* B3.3.5: clears the counter and COUNTFLAG, pends nothing */
        s->countflag = false;
        now = 0;
        break;
    default:
        return;
    }
    set_anchor(c, now);
}
