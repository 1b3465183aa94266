// The console: a 16550 at 0x3f8, polled in both directions.
#pragma once
#include "types.h"

void serial_write(const char *bytes, uint32_t count);
bool serial_has_input(void);
// Waits for a byte; sleeps between looks once the line has been silent for a while.
char serial_read(void);
