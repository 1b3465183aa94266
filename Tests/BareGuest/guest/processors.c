#include "processors.h"
#include "hostile.h"
#include "interrupts.h"
#include "memory.h"
#include "processor.h"

enum {
    start_page = 0x9000, // processor_start.S
    apic_command = 0xfee00300,
    apic_command_target = 0xfee00310,
    command_initialise = 0x4500, // Intel SDM volume 3, 11.6.1
    command_start = 0x4600,
    stack_size = 4096,
};

extern char processor_start_code[], processor_start_code_end[];
// What the next processor to start takes.
void *processor_stack;
void processor_work(void);

static char stacks[processors_most][stack_size] __attribute__((aligned(16)));
static struct flood floods[processors_most];
static volatile uint32_t started;

void flood_forever(const struct flood *flood) {
    if (flood->seed) hostile_forever(flood->seed);
    struct flood work = *flood;
    for (uint32_t i = 0;; i ^= 1) {
        uint32_t value = work.values[i];
        if (work.is_port) {
            if (work.width == 1) out8(work.at, value);
            else if (work.width == 2) out16(work.at, value);
            else out32(work.at, value);
        } else {
            volatile void *at = (void *)work.at;
            if (work.width == 1) store8(at, value);
            else if (work.width == 2) store16(at, value);
            else store32(at, value);
        }
    }
}

void processor_work(void) {
    uint32_t index = started;
    started = index + 1;
    flood_forever(&floods[index]);
}

static void send(uint32_t target, uint32_t command) {
    store32((void *)apic_command_target, target << 24);
    store32((void *)apic_command, command);
}

bool processor_flood(const struct flood *flood) {
    uint32_t index = started;
    if (index == processors_most) return false;
    floods[index] = *flood;
    processor_stack = stacks[index] + stack_size;
    __builtin_memcpy((void *)start_page, processor_start_code, processor_start_code_end - processor_start_code);
    send(index + 1, command_initialise);
    send(index + 1, command_start | start_page >> 12);
    uint64_t begin = timestamp(), second = timer_timestamp_frequency();
    while (started == index) {
        if (timestamp() - begin > second) return false;
    }
    return true;
}
