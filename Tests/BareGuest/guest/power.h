// Ways to end the guest.
#pragma once
#include "types.h"

// Each returns the reason if it did not work.
const char *power_off(void);
const char *power_reset(void);
void power_triple_fault(bool breakpoint);
