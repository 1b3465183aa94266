// Further processors, which do one thing without end: the kind of guest that has nothing but vCPUs against its monitor.
#pragma once
#include "types.h"

// Two values that are stored in turn.
struct flood {
    bool is_port;
    uint32_t at, width; // an address below 4 GiB or a port; 1, 2 or 4 bytes
    uint32_t values[2];
    uint32_t seed; // if not 0, anything at random instead (hostile.h)
};

enum { processors_most = 32 };

// Starts one more processor with this work; false if it does not answer within a second.
bool processor_flood(const struct flood *flood);
// Does the work on this processor, without end.
__attribute__((noreturn)) void flood_forever(const struct flood *flood);
