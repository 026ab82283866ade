/* AArch64: what is to be done about an instruction when a block with it is decoded. */
#include "isa.h"

static uint32_t a64_decode(ttd_engine *e, decoding *d)
{
    return flat_is_ours(e, d->at, d->code) ? WAY_CALL : 0;
}

TTD_INSTRUCTION_SET(aarch64) = {
    .name = "aarch64", .isa = ISA_A64,
    .decode = a64_decode, .turn = flat_turn,
};
