// Guest-physical memory by 64-bit address. Below 4 GiB it is used directly. Above, PAE paging is turned on the first
// time it is needed: an identity map of the low 4 GiB in which a range of windows shows 2 MiB pages from anywhere.
#pragma once
#include "types.h"

// Where the guest keeps what it shares with devices, 2 MiB upward; the image lies below.
enum {
    arena_base = 0x200000,
    arena_per_device = 0x20000,
    arena_devices = 32,
};

// A pointer to address, good for 2 MiB at least and until the next call. Where paging would be needed and is refused,
// the command that asked ends with an error.
volatile void *memory_view(uint64_t address);
// A pointer that stays good, for 2 MiB at least; NULL when the windows are used up.
volatile void *memory_pin(uint64_t address);
// Turns paging on unless it is on already; false if the processor refuses.
bool memory_enable_paging(void);
bool memory_paging_enabled(void);

void memory_fill(volatile void *at, uint8_t byte, uint32_t length);
