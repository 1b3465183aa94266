// Random accesses of random width to every register window that the machine has, without end.
#include "hostile.h"
#include "processor.h"

struct window {
    uint32_t start, size;
};

// docs/design.md and Board/BoardLayout.swift say what lies there. The configuration space of the first eight slots, their first BARs, the
// end of the 32-bit window, the board's registers with what is behind them, device memory as the tests place it.
static const struct window windows[] = {
    {0xe0000000, 0x40000}, {0xe0000000, 0x100000}, {0xc0000000, 0x1000},  {0xc0000000, 0x20000},
    {0xdff00000, 0x100000}, {0xfeb00000, 0x20},    {0xfeb01000, 0x20},    {0xfeb00000, 0x10000},
    {0xfec00000, 0x40},     {0x40000000, 0x1000000},
};
static const struct window ports[] = {{0xcf8, 8}, {0xcf8, 8}, {0x3f8, 8}, {0, 0x10000}};
// These end or reset the machine, which is to live long enough for the others.
static const struct window ends[] = {{0x60, 8}, {0xcf9, 1}, {0x600, 16}};

enum {
    window_count = sizeof windows / sizeof windows[0],
    port_count = sizeof ports / sizeof ports[0],
    end_count = sizeof ends / sizeof ends[0],
    between_ends = 8192, // accesses to ports, a power of two
};

static uint32_t next(uint32_t *state) { // xorshift32
    uint32_t value = *state;
    value ^= value << 13;
    value ^= value >> 17;
    value ^= value << 5;
    return *state = value;
}

// What registers make something of: few bits, all bits, a page of RAM, an address of PCI's mechanism 1, anything.
static uint32_t value(uint32_t *state) {
    uint32_t random = next(state);
    switch (next(state) & 7) {
    case 0: return 0;
    case 1: return 0xffffffff;
    case 2: return 1u << (random & 31);
    case 3: return random & 0xf;
    case 4: return 0x200000 | (random & 0xff000);
    case 5: return 0x80000000 | (random & 0x3fffc);
    case 6: return 0xc0000000 | (random & 0x1fffff00);
    default: return random;
    }
}

static void touch_memory(uint32_t *state) {
    const struct window *window = &windows[next(state) % window_count];
    uint32_t offset = next(state) % window->size;
    // Most registers lie at the start of a page, and most are aligned.
    if (next(state) & 1) offset &= ~0xf00u;
    if (next(state) & 3) offset &= ~3u;
    volatile void *at = (void *)(window->start + offset);
    switch (next(state) & 7) {
    case 0: (void)load8(at); break;
    case 1: (void)load16(at); break;
    case 2: (void)load32(at); break;
    case 3: store8(at, value(state)); break;
    case 4: store16(at, value(state)); break;
    default: store32(at, value(state)); break;
    }
}

static void touch_port(uint32_t *state) {
    bool ends_machine = !(next(state) & (between_ends - 1));
    const struct window *window = ends_machine ? &ends[next(state) % end_count] : &ports[next(state) % port_count];
    uint32_t port = window->start + next(state) % window->size;
    if (!ends_machine && port <= 0xcff) port &= ~3u; // 0xcf9 is no part of PCI's address register for a byte
    switch (next(state) % 6) {
    case 0: (void)in8(port); break;
    case 1: (void)in16(port); break;
    case 2: (void)in32(port); break;
    case 3: out8(port, value(state)); break;
    case 4: out16(port, value(state)); break;
    default: out32(port, value(state)); break;
    }
}

void hostile_forever(uint32_t seed) {
    uint32_t state = seed ? seed : 1;
    for (;;) {
        if (next(&state) & 3) touch_memory(&state);
        else touch_port(&state);
    }
}
