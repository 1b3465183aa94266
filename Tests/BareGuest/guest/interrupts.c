#include "interrupts.h"
#include "arithmetic.h"
#include "commands.h"
#include "processor.h"
#include "reply.h"

enum {
    apic_base = 0xfee00000,
    apic_id = 0x020,
    apic_version = 0x030,
    apic_task_priority = 0x080,
    apic_spurious = 0x0f0,
    apic_timer = 0x320,
    apic_timer_initial = 0x380,
    apic_timer_current = 0x390,
    apic_timer_divide = 0x3e0,
    apic_software_enable = 0x100,
    apic_timer_periodic = 0x20000,
    apic_masked = 0x10000,
    apic_divide_by_1 = 0x0b,
    gate_interrupt = 0x8e00,
    code_selector = 0x08,
    vector_distance = 16,
    calibration_ticks = 2000000,
};

struct gate {
    uint16_t offset_low, selector, type, offset_high;
};
struct __attribute__((packed)) table_register {
    uint16_t limit;
    uint32_t base;
};

extern char exception_vectors[], interrupt_vectors[];
volatile uint32_t interrupt_counts[0x90];
static struct gate gates[0x90];
static bool apic_present;

static uint32_t apic_read(uint32_t offset) { return load32((void *)(apic_base + offset)); }
static void apic_write(uint32_t offset, uint32_t value) { store32((void *)(apic_base + offset), value); }

static void gate_set(uint32_t vector, const char *handler) {
    uint32_t address = (uint32_t)handler;
    gates[vector] = (struct gate){address, code_selector, gate_interrupt, address >> 16};
}

static void load_gates(uint16_t limit) {
    struct table_register idt = {limit, (uint32_t)gates};
    __asm__ volatile("lidt %0" : : "m"(idt));
}

void interrupts_initialise(void) {
    for (uint32_t i = 0; i < 0x20; i++) gate_set(i, exception_vectors + i * vector_distance);
    for (uint32_t i = 0; i < 0x50; i++) gate_set(0x40 + i, interrupt_vectors + i * vector_distance);
    load_gates(sizeof gates - 1);
    // Firmware may have left the interval timer's line open, at a vector that is an exception here.
    out8(0x21, 0xff);
    out8(0xa1, 0xff);
    apic_present = apic_read(apic_version) != 0xffffffff && apic_read(apic_version) != 0;
    if (!apic_present) return;
    apic_write(apic_timer, apic_masked);
    apic_write(apic_task_priority, 0);
    apic_write(apic_spurious, apic_software_enable | vector_spurious);
    interrupts_enable();
}

uint32_t interrupts_message_address(void) { return message_address_base | (apic_read(apic_id) >> 24) << 12; }

void interrupts_forget_handlers(void) { load_gates(0); }

void timer_start(uint32_t nanoseconds) {
    if (!apic_present) return;
    apic_write(apic_timer_divide, apic_divide_by_1);
    apic_write(apic_timer, apic_timer_periodic | vector_timer);
    // KVM and QEMU run the APIC timer at 1 GHz.
    apic_write(apic_timer_initial, nanoseconds);
}

void timer_stop(void) {
    if (!apic_present) return;
    apic_write(apic_timer, apic_masked);
    apic_write(apic_timer_initial, 0);
}

void timer_sleep(void) {
    if (!apic_present) return;
    interrupts_enable_and_halt();
}

uint64_t timer_timestamp_frequency(void) {
    static uint64_t frequency;
    if (frequency || !apic_present) return frequency;
    apic_write(apic_timer_divide, apic_divide_by_1);
    apic_write(apic_timer, apic_masked);
    apic_write(apic_timer_initial, 0xffffffff);
    uint32_t first = apic_read(apic_timer_current), last;
    uint64_t begin = timestamp(), end;
    do {
        last = apic_read(apic_timer_current);
        end = timestamp();
    } while (first - last < calibration_ticks);
    timer_stop();
    // Cycles per tick of 1 ns, with 20 bits of fraction.
    uint64_t scaled = divide((end - begin) << 20, first - last, NULL);
    frequency = scaled * 1000000000 >> 20;
    return frequency;
}

static bool has_error_code(uint32_t vector) {
    return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;
}

void exception_report(const uint32_t *frame) {
    uint32_t vector = frame[0];
    bool coded = has_error_code(vector);
    command_error("exception", NULL);
    reply_decimal("vector", vector);
    if (coded) reply_hexadecimal("code", frame[1], 1);
    reply_hexadecimal("at", frame[coded ? 2 : 1], 8);
    if (vector == 14) {
        uint32_t address;
        __asm__ volatile("movl %%cr2, %0" : "=r"(address));
        reply_hexadecimal("address", address, 8);
    }
    reply_end();
    command_loop_restart();
}
