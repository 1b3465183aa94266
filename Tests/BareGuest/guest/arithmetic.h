// 64-bit division without a run-time library.
#pragma once
#include "types.h"

// value / divisor; divisor is not 0.
static inline uint64_t divide(uint64_t value, uint32_t divisor, uint32_t *remainder) {
    uint32_t high = value >> 32, low = value, quotient_high = 0, quotient_low, rest;
    if (high) {
        quotient_high = high / divisor;
        high %= divisor;
    }
    __asm__("divl %4" : "=a"(quotient_low), "=d"(rest) : "0"(low), "1"(high), "rm"(divisor) : "cc");
    if (remainder) *remainder = rest;
    return (uint64_t)quotient_high << 32 | quotient_low;
}
