// A processor of a guest that wants to break its monitor.
#pragma once
#include "types.h"

// Touches registers at random, without end. The same seed does the same.
__attribute__((noreturn)) void hostile_forever(uint32_t seed);
