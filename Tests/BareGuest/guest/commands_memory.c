// Commands that load from and store to guest-physical memory.
#include "commands.h"
#include "memory.h"
#include "processor.h"
#include "reply.h"

enum { view_size = 0x200000, longest_dump = 64 };

static const char *peek(struct command_line *line) {
    uint64_t address = argument(line, 1, 0), width = argument(line, 2, 4);
    if (line->bad) return "bad-number";
    volatile uint8_t *at = memory_view(address);
    uint64_t value;
    if (width == 1) value = load8(at);
    else if (width == 2) value = load16(at);
    else if (width == 4) value = load32(at);
    else if (width == 8) value = load32(at) | (uint64_t)load32(at + 4) << 32;
    else return "bad-width";
    reply_begin("ok", "peek");
    reply_hexadecimal("value", value, width * 2);
    reply_end();
    return NULL;
}

static const char *poke(struct command_line *line) {
    uint64_t address = argument(line, 1, 0), width = argument(line, 2, 0), value = argument(line, 3, 0);
    if (line->bad) return "bad-number";
    volatile uint8_t *at = memory_view(address);
    if (width == 1) store8(at, value);
    else if (width == 2) store16(at, value);
    else if (width == 4) store32(at, value);
    else if (width == 8) store32(at, value), store32(at + 4, value >> 32);
    else return "bad-width";
    reply_begin("ok", "poke");
    reply_end();
    return NULL;
}

static const char *fill(struct command_line *line) {
    uint64_t address = argument(line, 1, 0), length = argument(line, 2, 0), rest = length;
    uint8_t byte = argument(line, 3, 0);
    if (line->bad) return "bad-number";
    while (rest) {
        uint32_t part = rest < view_size ? rest : view_size;
        memory_fill(memory_view(address), byte, part);
        address += part;
        rest -= part;
    }
    reply_begin("ok", "fill");
    reply_decimal("length", length);
    reply_end();
    return NULL;
}

// The sum of the bytes, modulo 2^32.
static const char *sum(struct command_line *line) {
    uint64_t address = argument(line, 1, 0), length = argument(line, 2, 0), rest = length;
    if (line->bad) return "bad-number";
    uint32_t total = 0;
    while (rest) {
        uint32_t part = rest < view_size ? rest : view_size;
        const volatile uint8_t *at = memory_view(address);
        for (uint32_t i = 0; i < part; i++) total += at[i];
        address += part;
        rest -= part;
    }
    reply_begin("ok", "sum");
    reply_decimal("value", total);
    reply_end();
    return NULL;
}

static const char *write_text(struct command_line *line) {
    uint64_t address = argument(line, 1, 0);
    if (line->bad) return "bad-number";
    volatile char *at = memory_view(address);
    uint32_t count = 0;
    for (uint32_t i = 2; i < line->word_count; i++) {
        if (i > 2) at[count++] = ' ';
        for (const char *word = line->words[i]; *word; word++) at[count++] = *word;
    }
    reply_begin("ok", "write");
    reply_decimal("length", count);
    reply_end();
    return NULL;
}

static const char *dump(struct command_line *line) {
    uint64_t address = argument(line, 1, 0), length = argument(line, 2, 16);
    if (line->bad) return "bad-number";
    if (length > longest_dump) return "too-long";
    const volatile uint8_t *at = memory_view(address);
    reply_begin("ok", "dump");
    reply_key("bytes");
    for (uint32_t i = 0; i < length; i++) reply_digits(at[i], 2);
    reply_end();
    return NULL;
}

// Stores one byte every `step` bytes: touches pages without the cost of filling them.
static const char *touch(struct command_line *line) {
    uint64_t address = argument(line, 1, 0), length = argument(line, 2, 0), step = argument(line, 3, 4096);
    if (line->bad) return "bad-number";
    if (step == 0) return "bad-step";
    uint32_t count = 0;
    uint64_t begin = timestamp();
    for (uint64_t at = 0; at < length; at += step, count++) store8(memory_view(address + at), 1);
    reply_begin("ok", "touch");
    reply_decimal("count", count);
    reply_decimal("cycles", timestamp() - begin);
    reply_end();
    return NULL;
}

// Loads one byte every `step` bytes: the pages are there afterwards, and unchanged.
static const char *look(struct command_line *line) {
    uint64_t address = argument(line, 1, 0), length = argument(line, 2, 0), step = argument(line, 3, 4096);
    if (line->bad) return "bad-number";
    if (step == 0) return "bad-step";
    uint32_t total = 0;
    for (uint64_t at = 0; at < length; at += step) total += load8(memory_view(address + at));
    reply_begin("ok", "look");
    reply_decimal("value", total);
    reply_end();
    return NULL;
}

// Stores a vector register: 16 bytes with `sse`, 32 with `avx`, after turning on what the processor needs for it.
static const char *vector_store(struct command_line *line) {
    uint64_t address = argument(line, 1, 0);
    if (line->bad) return "bad-number";
    bool wide = line->word_count > 2 && string_equal(line->words[2], "avx");
    if (line->word_count > 2 && !wide && !string_equal(line->words[2], "sse")) return "unknown-word";
    static const uint8_t pattern[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    volatile uint8_t *at = memory_view(address);
    // CR4: OSFXSR and OSXMMEXCPT, and for AVX OSXSAVE (Intel SDM volume 3, 2.5).
    uint32_t control;
    __asm__ volatile("mov %%cr4, %0" : "=r"(control));
    __asm__ volatile("mov %0, %%cr4" : : "r"(control | 0x600 | (wide ? 0x40000 : 0)));
    if (wide) {
        __asm__ volatile("xsetbv" : : "c"(0), "a"(7), "d"(0));
        __asm__ volatile("vmovups %%ymm0, (%0)" : : "r"(at) : "memory");
    } else {
        __asm__ volatile("movups (%1), %%xmm0; movups %%xmm0, (%0)" : : "r"(at), "r"(pattern) : "memory");
    }
    reply_begin("ok", "vector-store");
    reply_end();
    return NULL;
}

static const char *paging(struct command_line *line) {
    if (line->word_count > 1 && !string_equal(line->words[1], "on")) return "unknown-word";
    if (line->word_count > 1 && !memory_enable_paging()) return "refused";
    reply_begin("ok", "paging");
    reply_text("state", memory_paging_enabled() ? "on" : "off");
    reply_end();
    return NULL;
}

const struct command memory_commands[] = {
    {"peek", peek, 1, 2, NULL},
    {"poke", poke, 3, 3, NULL},
    {"fill", fill, 3, 3, NULL},
    {"sum", sum, 2, 2, NULL},
    {"write", write_text, 2, 30, NULL},
    {"dump", dump, 1, 2, NULL},
    {"touch", touch, 2, 3, NULL},
    {"look", look, 2, 3, NULL},
    {"vector-store", vector_store, 1, 2, NULL},
    {"paging", paging, 0, 1, NULL},
    {NULL, NULL, 0, 0, NULL},
};
