// Commands for virtio-pmem.
#include "commands.h"
#include "memory.h"
#include "pmem.h"
#include "reply.h"

static const char *configuration(struct command_line *line) {
    (void)line;
    const char *reason;
    struct virtio_device *device = pmem_selected(false, &reason);
    if (!device) return reason;
    if (!device->device.at) return "no-configuration";
    const volatile uint8_t *at = device->device.at;
    uint64_t start = load32(at) | (uint64_t)load32(at + 4) << 32;
    uint64_t size = load32(at + 8) | (uint64_t)load32(at + 12) << 32;
    reply_begin("ok", "config");
    reply_hexadecimal("start", start, 1);
    reply_hexadecimal("size", size, 1);
    reply_end();
    return NULL;
}

static bool all_equal(const uint32_t *values, uint32_t count) {
    for (uint32_t i = 1; i < count; i++) {
        if (values[i] != values[0]) return false;
    }
    return true;
}

static void reply_result(uint32_t value) {
    if (value == pmem_untouched) return reply_string("untouched");
    if (value >> 31) reply_byte('-');
    reply_number(value >> 31 ? -value : value);
}

static void reply_results(const struct pmem_outcome *outcome) {
    uint32_t shown = all_equal(outcome->results, outcome->count) && outcome->count ? 1 : outcome->count;
    reply_key("ret");
    for (uint32_t i = 0; i < shown; i++) {
        if (i) reply_byte(',');
        reply_result(outcome->results[i]);
    }
}

static bool in_order(const struct pmem_outcome *outcome) {
    for (uint32_t i = 1; i < outcome->count; i++) {
        if (outcome->identifiers[i] < outcome->identifiers[i - 1]) return false;
    }
    return true;
}

static void reply_outcome(const char *command, uint32_t asked, const struct pmem_outcome *outcome) {
    bool whole = outcome->count == asked;
    reply_begin(whole ? "ok" : "error", command);
    if (!whole) reply_string(" timeout");
    reply_decimal("done", outcome->count);
    reply_list("used", outcome->lengths, outcome->count, true);
    reply_results(outcome);
    reply_text("order", in_order(outcome) ? "kept" : "mixed");
    reply_list("ids", outcome->identifiers, outcome->count < 16 ? outcome->count : 16, false);
    reply_decimal("interrupts", outcome->interrupts);
    reply_decimal("cycles", outcome->cycles);
    reply_end();
}

// Publishes `count` requests as the line says; the reason if that is not possible.
static const char *publish(struct command_line *line, uint32_t *count, struct virtio_device **device, uint32_t *doorbells) {
    const char *reason;
    enum kick_mode kicks;
    if (!(*device = pmem_selected(true, &reason))) return reason;
    if (!pmem_parse_kicks(option_text(line, "kicks"), &kicks)) return "unknown-kicks";
    *count = argument(line, 1, 1);
    uint32_t type = option(line, "type", 0);
    if (line->bad) return "bad-number";
    if (*count == 0 || *count + (*device)->outstanding > pmem_capacity(*device)) return "does-not-fit";
    *doorbells = pmem_submit(*device, *count, type, kicks);
    return NULL;
}

static const char *flush(struct command_line *line) {
    uint32_t count, doorbells;
    struct virtio_device *device;
    const char *reason = publish(line, &count, &device, &doorbells);
    if (reason) return reason;
    pmem_collect(device, count, &pmem_last);
    reply_outcome("flush", count, &pmem_last);
    return NULL;
}

static const char *submit(struct command_line *line) {
    uint32_t count, doorbells;
    struct virtio_device *device;
    const char *reason = publish(line, &count, &device, &doorbells);
    if (reason) return reason;
    reply_begin("ok", "submit");
    reply_decimal("count", count);
    reply_decimal("doorbells", doorbells);
    reply_decimal("outstanding", device->outstanding);
    reply_end();
    return NULL;
}

static const char *collect(struct command_line *line) {
    const char *reason;
    struct virtio_device *device = pmem_selected(true, &reason);
    if (!device) return reason;
    uint32_t count = argument(line, 1, device->outstanding);
    if (line->bad) return "bad-number";
    if (count > split_ring_largest) return "too-many";
    pmem_collect(device, count, &pmem_last);
    reply_outcome("collect", count, &pmem_last);
    return NULL;
}

// count requests, one after the other.
static const char *flush_each(struct command_line *line) {
    const char *reason;
    struct virtio_device *device = pmem_selected(true, &reason);
    if (!device) return reason;
    uint32_t count = argument(line, 1, 1), done = 0, failed = 0, interrupts = 0;
    if (line->bad) return "bad-number";
    if (pmem_capacity(device) == 0) return "does-not-fit";
    for (; done < count; done++) {
        pmem_submit(device, 1, 0, kick_once);
        pmem_collect(device, 1, &pmem_last);
        if (pmem_last.count == 0) return "timeout";
        failed += pmem_last.results[0] != 0;
        interrupts += pmem_last.interrupts;
    }
    reply_begin("ok", "flush-each");
    reply_decimal("done", done);
    reply_decimal("failed", failed);
    reply_decimal("interrupts", interrupts);
    reply_end();
    return NULL;
}

const struct command pmem_commands[] = {
    {"config", configuration, 0, 0, NULL},
    {"flush", flush, 0, 1, "kicks type"},
    {"submit", submit, 0, 1, "kicks type"},
    {"collect", collect, 0, 1, NULL},
    {"flush-each", flush_each, 1, 1, NULL},
    {NULL, NULL, 0, 0, NULL},
};
