// The instructions that C has no words for.
#pragma once
#include "types.h"

static inline void out8(uint16_t port, uint8_t value) { __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
static inline void out16(uint16_t port, uint16_t value) { __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port)); }
static inline void out32(uint16_t port, uint32_t value) { __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port)); }

static inline uint8_t in8(uint16_t port) {
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
static inline uint16_t in16(uint16_t port) {
    uint16_t value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
static inline uint32_t in32(uint16_t port) {
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint64_t timestamp(void) {
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}
static inline uint64_t read_msr(uint32_t index) {
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index));
    return (uint64_t)high << 32 | low;
}
static inline void write_msr(uint32_t index, uint64_t value) {
    __asm__ volatile("wrmsr" : : "c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}
static inline void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t result[4]) {
    __asm__ volatile("cpuid" : "=a"(result[0]), "=b"(result[1]), "=c"(result[2]), "=d"(result[3])
                     : "a"(leaf), "c"(subleaf));
}

static inline void interrupts_enable(void) { __asm__ volatile("sti" : : : "memory"); }
static inline void interrupts_disable(void) { __asm__ volatile("cli" : : : "memory"); }
// STI holds interrupts back for one instruction: nothing can arrive between a check made with interrupts off and HLT.
static inline void interrupts_enable_and_halt(void) { __asm__ volatile("sti; hlt" : : : "memory"); }

static inline void compiler_barrier(void) { __asm__ volatile("" : : : "memory"); }
// Orders an earlier store before a later load. Not MFENCE: emulators of bare instructions do without the SSE group.
static inline void memory_barrier(void) { __asm__ volatile("lock; addl $0, (%%esp)" : : : "memory", "cc"); }

// Volatile access through an address that the caller has mapped.
static inline uint8_t load8(const volatile void *at) { return *(const volatile uint8_t *)at; }
static inline uint16_t load16(const volatile void *at) { return *(const volatile uint16_t *)at; }
static inline uint32_t load32(const volatile void *at) { return *(const volatile uint32_t *)at; }
static inline void store8(volatile void *at, uint8_t value) { *(volatile uint8_t *)at = value; }
static inline void store16(volatile void *at, uint16_t value) { *(volatile uint16_t *)at = value; }
static inline void store32(volatile void *at, uint32_t value) { *(volatile uint32_t *)at = value; }
