// IDT, local APIC, interrupt counters, and a timer to sleep by.
#pragma once
#include "types.h"

enum {
    vector_queue_base = 0x40,         // + device index
    vector_configuration_base = 0x60, // + device index
    vector_timer = 0x80,
    vector_spurious = 0x8f,
    message_address_base = 0xfee00000, // Intel SDM volume 3, 11.11.1
};

extern volatile uint32_t interrupt_counts[0x90];

void interrupts_initialise(void);
// The address to which a message-signalled interrupt for this processor is written.
uint32_t interrupts_message_address(void);
// Loads an IDT of length zero: the next exception is a triple fault.
void interrupts_forget_handlers(void);

// A periodic tick; stays off where there is no local APIC, and timer_sleep then only pauses.
void timer_start(uint32_t nanoseconds);
void timer_stop(void);
// Halts until any interrupt, at most a tick.
void timer_sleep(void);
// Timestamp counter frequency in hertz, measured once against the local APIC timer; 0 if there is none.
uint64_t timer_timestamp_frequency(void);
