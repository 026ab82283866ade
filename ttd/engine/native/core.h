/* What a processor does beside running instructions, as an architecture's folder provides it:
 * exceptions, the timers of the core, waiting. The loop that calls these goes on without Python as long
 * as nothing else is due. */
#ifndef TTD_CORE_H
#define TTD_CORE_H

#include "native.h"

/* What is to become of a run that has ended for the core's sake. */
enum {
    CORE_ON,          /* go on; nothing consumed a step */
    CORE_RAISED,      /* the instruction at PC has not run: `pending` says what is entered, at once */
    CORE_ENTERED,     /* the instruction at PC has been done: one step */
    CORE_WAITS,       /* until `wake` */
    CORE_ASK          /* Python's to deal with; nothing has been changed */
};

typedef struct {
    /* The exception to be taken before the next instruction; -1: none. */
    int (*pending)(ttd_engine *e);
    /* No instruction has caused this exception. */
    bool (*asynchronous)(ttd_engine *e, int number);
    /* Take it: a step, which the caller counts. False, with nothing changed: Python is to do it. */
    bool (*enter)(ttd_engine *e, int number);
    /* Deal with what `ttd_run` has ended with; CORE_... */
    int (*stopped)(ttd_engine *e, const ttd_stop *stop);
    /* While it waits: does something end that? */
    bool (*wake)(ttd_engine *e);
    /* Virtual time (ns) at which one of the core's own timers wants `expire`; UINT64_MAX: never. */
    uint64_t (*deadline)(ttd_engine *e);
    void (*expire)(ttd_engine *e);
} core_ops;

/* `ops` say what the processor does, from now on; `core` is theirs. */
void use_core(ttd_engine *e, const core_ops *ops, void *core);

/* Virtual time (ns) at the step that the host sees: exact between runs and inside accesses of devices. */
uint64_t time_now(const ttd_engine *e);

/* A device that answers here. An access is done (true), or Python's after all (false, nothing done);
 * `device_fails` in it makes it a bus error. What was due before it has happened. */
typedef struct {
    bool (*read)(ttd_engine *e, void *device, uint32_t offset, int size, uint64_t *value);
    bool (*write)(ttd_engine *e, void *device, uint32_t offset, int size, uint64_t value);
} device_ops;

/* `ops` answer what the guest accesses in [base, base + size), a window of devices that the engine has.
 * They get `size` 1, 2 or 4, from privileged and unprivileged code alike (`privileged_access`), behind a
 * bit-band alias as anywhere, and once for an instruction that is started several times. What they do may
 * change no other device. False: there is no room for another. */
bool attach_device(ttd_engine *e, uint64_t base, uint64_t size, const device_ops *ops, void *device);
/* In an operation: the access is answered with a bus error. */
void device_fails(ttd_engine *e);
/* In an access, whoever makes it: behind the instruction the loop looks what is pending. (Python gets
 * control there only with `ttd_stop_after_access`.) */
void end_after_access(ttd_engine *e);

#endif
