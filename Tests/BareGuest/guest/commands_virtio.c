// Commands for any virtio device: which, its features, status, configuration, queue, and descriptors laid by hand.
#include "commands.h"
#include "interrupts.h"
#include "memory.h"
#include "pmem.h"
#include "reply.h"

static uint32_t selected;

struct virtio_device *pmem_selected(bool started, const char **reason) {
    if (virtio_count() == 0) virtio_scan();
    struct virtio_device *device = virtio_at(selected);
    *reason = device ? virtio_map(device) : "no-device";
    if (!*reason && started && !device->ready) *reason = "not-started";
    return *reason ? NULL : device;
}

static const char *scan(struct command_line *line) {
    (void)line;
    uint32_t count = virtio_scan();
    for (uint32_t i = 0; i < count; i++) {
        reply_begin("item", "scan");
        reply_decimal("index", i);
        reply_function(virtio_at(i)->function);
        reply_decimal("device", virtio_at(i)->identifier);
        reply_decimal("present", virtio_at(i)->present);
        reply_end();
    }
    reply_begin("ok", "scan");
    reply_decimal("count", count);
    reply_end();
    return NULL;
}

static const char *use(struct command_line *line) {
    uint32_t wanted = argument(line, 1, 0);
    if (line->bad) return "bad-number";
    if (!virtio_at(wanted)) virtio_scan();
    if (!virtio_at(wanted)) return "no-device";
    selected = wanted;
    reply_begin("ok", "use");
    reply_decimal("index", wanted);
    reply_end();
    return NULL;
}

static const char *features(struct command_line *line) {
    (void)line;
    const char *reason;
    struct virtio_device *device = pmem_selected(false, &reason);
    if (!device) return reason;
    reply_begin("ok", "features");
    reply_hexadecimal("offered", virtio_offered_features(device), 16);
    reply_hexadecimal("accepted", device->features, 16);
    reply_end();
    return NULL;
}

static const char *status(struct command_line *line) {
    const char *reason;
    struct virtio_device *device = pmem_selected(false, &reason);
    if (!device) return reason;
    if (line->word_count > 1) {
        uint8_t wanted = argument(line, 1, 0);
        if (line->bad) return "bad-number";
        virtio_set_status(device, wanted);
    }
    uint8_t now = virtio_status(device);
    reply_begin("ok", "status");
    reply_hexadecimal("value", now, 2);
    reply_text("needs-reset", now & virtio_status_needs_reset ? "yes" : "no");
    reply_end();
    return NULL;
}

static const char *reset(struct command_line *line) {
    (void)line;
    const char *reason;
    struct virtio_device *device = pmem_selected(false, &reason);
    if (device) reason = virtio_reset(device);
    if (reason) return reason;
    reply_begin("ok", "reset");
    reply_end();
    return NULL;
}

static const char *parse_wait(struct command_line *line, enum wait_mode *mode) {
    const char *word = option_text(line, "wait");
    if (!word) return NULL;
    if (string_equal(word, "poll")) *mode = wait_poll;
    else if (string_equal(word, "interrupt")) *mode = wait_interrupt;
    else if (string_equal(word, "halt")) *mode = wait_halt;
    else return "unknown-wait";
    return NULL;
}

static void read_setup(struct command_line *line, const struct virtio_device *device, struct virtio_setup *setup) {
    uint64_t plain = 1ull << virtio_feature_version_1 | option(line, "indirect", 0) << virtio_feature_indirect |
                     option(line, "event", 0) << virtio_feature_event_index;
    *setup = (struct virtio_setup){
        .features = option(line, "features", plain),
        .queue = option(line, "queue", 0),
        .size = option(line, "size", 0),
        .interrupts = option(line, "msix", device->msix_size != 0),
        .suppress = option(line, "suppress", 0),
        .descriptors = option(line, "desc", 0),
        .available = option(line, "avail", 0),
        .used = option(line, "used", 0),
    };
}

static const char *init(struct command_line *line) {
    const char *reason;
    struct virtio_setup setup;
    struct virtio_device *device = pmem_selected(false, &reason);
    if (!device) return reason;
    read_setup(line, device, &setup);
    if (line->bad) return "bad-number";
    if ((reason = parse_wait(line, &setup.wait))) return reason;
    if (setup.wait != wait_poll && (!setup.interrupts || setup.suppress)) return "wait-needs-interrupts";
    uint64_t offered = virtio_offered_features(device);
    if ((reason = virtio_start(device, &setup))) return reason;
    reply_begin("ok", "init");
    reply_decimal("device", device->identifier);
    reply_hexadecimal("offered", offered, 16);
    reply_hexadecimal("features", device->features, 16);
    reply_decimal("size", device->ring.size);
    reply_decimal("msix", device->interrupts);
    reply_hexadecimal("status", virtio_status(device), 2);
    reply_end();
    return NULL;
}

static const char *layout(struct command_line *line) {
    (void)line;
    const char *reason;
    struct virtio_device *device = pmem_selected(true, &reason);
    if (!device) return reason;
    reply_begin("ok", "layout");
    reply_hexadecimal("desc", device->ring.descriptors_address, 1);
    reply_hexadecimal("avail", device->ring.available_address, 1);
    reply_hexadecimal("used", device->ring.used_address, 1);
    reply_hexadecimal("scratch", virtio_arena(device) + 0x18000, 1);
    reply_end();
    return NULL;
}

static const char *registers(struct command_line *line) {
    (void)line;
    const char *reason;
    struct virtio_device *device = pmem_selected(false, &reason);
    if (!device) return reason;
    static const char *const names[] = {"common", "notify", "isr", "device"};
    const struct virtio_region *regions[] = {&device->common, &device->notify, &device->isr, &device->device};
    reply_begin("ok", "regions");
    for (uint32_t i = 0; i < COUNT_OF(names); i++) {
        reply_key(names[i]);
        if (!regions[i]->at) {
            reply_string("none");
            continue;
        }
        reply_number(regions[i]->bar);
        reply_string(":0x");
        reply_digits(regions[i]->offset, 1);
        reply_string(":0x");
        reply_digits(regions[i]->length, 1);
    }
    reply_decimal("multiplier", device->notify_multiplier);
    reply_decimal("msix", device->msix_size);
    if (device->has_shared_memory) {
        reply_decimal("shared-id", device->shared_memory_id);
        reply_decimal("shared-bar", device->shared_memory_bar);
        reply_hexadecimal("shared-offset", device->shared_memory_offset, 1);
        reply_hexadecimal("shared-length", device->shared_memory_length, 1);
    }
    reply_end();
    return NULL;
}

static volatile uint8_t *register_at(struct virtio_device *device, const char *region, uint32_t offset) {
    const struct virtio_region *from = string_equal(region, "common")   ? &device->common
                                       : string_equal(region, "notify") ? &device->notify
                                       : string_equal(region, "isr")    ? &device->isr
                                       : string_equal(region, "device") ? &device->device
                                                                        : NULL;
    return from && from->at ? from->at + offset : NULL;
}

static const char *register_read(struct command_line *line) {
    const char *reason;
    struct virtio_device *device = pmem_selected(false, &reason);
    if (!device) return reason;
    uint32_t width = argument(line, 3, 4);
    volatile uint8_t *at = register_at(device, line->words[1], argument(line, 2, 0));
    if (line->bad) return "bad-number";
    if (!at) return "no-region";
    if (width != 1 && width != 2 && width != 4) return "bad-width";
    uint32_t value = width == 1 ? load8(at) : width == 2 ? load16(at) : load32(at);
    reply_begin("ok", "register");
    reply_hexadecimal("value", value, width * 2);
    reply_end();
    return NULL;
}

static const char *register_write(struct command_line *line) {
    const char *reason;
    struct virtio_device *device = pmem_selected(false, &reason);
    if (!device) return reason;
    uint32_t width = argument(line, 3, 4), value = argument(line, 4, 0);
    volatile uint8_t *at = register_at(device, line->words[1], argument(line, 2, 0));
    if (line->bad) return "bad-number";
    if (!at) return "no-region";
    if (width == 1) store8(at, value);
    else if (width == 2) store16(at, value);
    else if (width == 4) store32(at, value);
    else return "bad-width";
    reply_begin("ok", "register-write");
    reply_end();
    return NULL;
}

static const char *describe(struct command_line *line) {
    const char *reason;
    struct virtio_device *device = pmem_selected(true, &reason);
    if (!device) return reason;
    struct ring_descriptor descriptor = {argument(line, 2, 0), argument(line, 3, 0), argument(line, 4, 0),
                                         argument(line, 5, 0)};
    uint32_t index = argument(line, 1, 0);
    uint64_t table = option(line, "table", device->ring.descriptors_address);
    if (line->bad) return "bad-number";
    volatile struct ring_descriptor *to = (volatile struct ring_descriptor *)memory_view(table + index * 16ull);
    to->address = descriptor.address;
    to->length = descriptor.length;
    to->flags = descriptor.flags;
    to->next = descriptor.next;
    reply_begin("ok", "desc");
    reply_end();
    return NULL;
}

static const char *offer(struct command_line *line) {
    const char *reason;
    struct virtio_device *device = pmem_selected(true, &reason);
    if (!device) return reason;
    for (uint32_t i = 1; i < line->word_count; i++) argument(line, i, 0);
    if (line->bad) return "bad-number";
    for (uint32_t i = 1; i < line->word_count; i++) split_ring_offer(&device->ring, argument(line, i, 0));
    reply_begin("ok", "avail");
    reply_decimal("index", device->ring.offered);
    reply_end();
    return NULL;
}

static const char *publish(struct command_line *line) {
    const char *reason;
    struct virtio_device *device = pmem_selected(true, &reason);
    if (!device) return reason;
    device->ring.offered = argument(line, 1, device->ring.offered);
    if (line->bad) return "bad-number";
    bool wanted = split_ring_publish(&device->ring);
    reply_begin("ok", "publish");
    reply_decimal("index", device->ring.published);
    reply_text("doorbell", wanted ? "wanted" : "suppressed");
    reply_end();
    return NULL;
}

static const char *kick(struct command_line *line) {
    const char *reason;
    struct virtio_device *device = pmem_selected(true, &reason);
    if (!device) return reason;
    uint16_t value = argument(line, 1, device->doorbell_value);
    if (line->bad) return "bad-number";
    split_ring_publish(&device->ring);
    *device->doorbell = value;
    reply_begin("ok", "kick");
    reply_decimal("index", device->ring.published);
    reply_end();
    return NULL;
}

static const char *used(struct command_line *line) {
    const char *reason;
    struct virtio_device *device = pmem_selected(true, &reason);
    if (!device) return reason;
    uint32_t wanted = argument(line, 1, 0), count = 0;
    if (line->bad) return "bad-number";
    while (count < wanted || split_ring_has_used(&device->ring)) {
        if (!split_ring_has_used(&device->ring) && !pmem_wait(device)) break;
        struct split_ring_used_element element = split_ring_take(&device->ring);
        reply_begin("item", "used");
        reply_decimal("id", element.identifier);
        reply_decimal("length", element.length);
        reply_end();
        count++;
        if (device->outstanding) device->outstanding--;
    }
    reply_begin("ok", "used");
    reply_decimal("count", count);
    reply_decimal("index", device->ring.taken);
    reply_end();
    return NULL;
}

static const char *msix(struct command_line *line) {
    (void)line;
    const char *reason;
    struct virtio_device *device = pmem_selected(false, &reason);
    if (!device) return reason;
    if (!device->msix_table) return "no-msix";
    for (uint32_t i = 0; i < device->msix_size; i++) {
        volatile uint32_t *entry = device->msix_table + i * 4;
        reply_begin("item", "msix");
        reply_decimal("entry", i);
        reply_hexadecimal("address", entry[0] | (uint64_t)entry[1] << 32, 8);
        reply_hexadecimal("data", entry[2], 8);
        reply_decimal("masked", entry[3] & 1);
        reply_decimal("pending", device->msix_pending ? device->msix_pending[i / 32] >> (i % 32) & 1 : 0);
        reply_end();
    }
    uint32_t control = pci_read(device->function, device->msix_capability + 2, 2);
    reply_begin("ok", "msix");
    reply_decimal("size", device->msix_size);
    reply_decimal("enabled", control >> 15 & 1);
    reply_decimal("function-masked", control >> 14 & 1);
    reply_end();
    return NULL;
}

static const char *mask(struct command_line *line) {
    const char *reason;
    struct virtio_device *device = pmem_selected(false, &reason);
    if (!device) return reason;
    if (!device->msix_table) return "no-msix";
    uint32_t masked = argument(line, 2, 0) & 1;
    if (string_equal(line->words[1], "all")) {
        uint32_t at = device->msix_capability + 2, control = pci_read(device->function, at, 2);
        pci_write(device->function, at, 2, (control & ~0x4000u) | masked << 14);
    } else {
        uint32_t entry = argument(line, 1, 0);
        if (line->bad) return "bad-number";
        if (entry >= device->msix_size) return "no-entry";
        device->msix_table[entry * 4 + 3] = masked;
    }
    reply_begin("ok", "msix-mask");
    reply_end();
    return NULL;
}

static const char *timeout(struct command_line *line) {
    uint64_t milliseconds = argument(line, 1, 0), hertz = timer_timestamp_frequency();
    if (line->bad) return "bad-number";
    if (!hertz) return "no-local-apic";
    virtio_timeout = (hertz >> 10) * milliseconds;
    reply_begin("ok", "timeout");
    reply_decimal("cycles", virtio_timeout);
    reply_end();
    return NULL;
}

const struct command virtio_commands[] = {
    {"scan", scan, 0, 0, NULL},
    {"use", use, 1, 1, NULL},
    {"features", features, 0, 0, NULL},
    {"status", status, 0, 1, NULL},
    {"reset", reset, 0, 0, NULL},
    {"init", init, 0, 0, "features queue size msix suppress indirect event desc avail used wait"},
    {"layout", layout, 0, 0, NULL},
    {"regions", registers, 0, 0, NULL},
    {"register", register_read, 2, 3, NULL},
    {"register-write", register_write, 4, 4, NULL},
    {"desc", describe, 5, 5, "table"},
    {"avail", offer, 1, 30, NULL},
    {"publish", publish, 0, 1, NULL},
    {"kick", kick, 0, 1, NULL},
    {"used", used, 0, 1, NULL},
    {"msix", msix, 0, 0, NULL},
    {"msix-mask", mask, 2, 2, NULL},
    {"timeout", timeout, 1, 1, NULL},
    {NULL, NULL, 0, 0, NULL},
};
