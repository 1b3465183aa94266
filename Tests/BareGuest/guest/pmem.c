#include "pmem.h"
#include "commands.h"
#include "interrupts.h"
#include "memory.h"

enum {
    requests_offset = 0x8000,   // in the device's arena: after the largest ring
    indirect_offset = 0x10000,
    interrupt_grace = 5000000,  // cycles that an interrupt may trail its used element
    tick_nanoseconds = 5000000,
};

struct request {
    uint32_t type, result;
};

struct pmem_outcome pmem_last;
static uint64_t published_at;
static uint32_t interrupts_at;

uint32_t pmem_capacity(const struct virtio_device *device) {
    return device->indirect ? device->ring.size : device->ring.size / 2;
}

static volatile struct request *request_at(struct virtio_device *device, uint32_t slot) {
    return (volatile struct request *)(virtio_arena(device) + requests_offset) + slot;
}

static void describe_pair(volatile struct ring_descriptor *pair, uint32_t address, uint16_t second) {
    pair[0].address = address;
    pair[0].length = 4;
    pair[0].flags = descriptor_next;
    pair[0].next = second;
    pair[1].address = address + 4;
    pair[1].length = 4;
    pair[1].flags = descriptor_write;
    pair[1].next = 0;
}

uint16_t pmem_prepare(struct virtio_device *device, uint32_t slot, uint32_t type) {
    volatile struct request *request = request_at(device, slot);
    request->type = type;
    request->result = pmem_untouched;
    if (!device->indirect) {
        describe_pair(&device->ring.descriptors[2 * slot], (uint32_t)request, 2 * slot + 1);
        return 2 * slot;
    }
    uint32_t table = virtio_arena(device) + indirect_offset + slot * 32;
    describe_pair((volatile struct ring_descriptor *)table, (uint32_t)request, 1);
    split_ring_describe(&device->ring, slot, (struct ring_descriptor){table, 32, descriptor_indirect, 0});
    return slot;
}

uint32_t pmem_submit(struct virtio_device *device, uint32_t count, uint32_t type, enum kick_mode kicks) {
    struct split_ring *ring = &device->ring;
    uint32_t rung = 0, capacity = pmem_capacity(device);
    if (device->outstanding == 0) device->next_slot = 0;
    split_ring_want_interrupt(ring, 0);
    uint16_t heads[split_ring_largest];
    for (uint32_t i = 0; i < count; i++) {
        heads[i] = pmem_prepare(device, device->next_slot, type);
        device->next_slot = device->next_slot + 1 < capacity ? device->next_slot + 1 : 0;
    }
    device->outstanding += count;
    interrupts_at = virtio_queue_interrupts(device);
    published_at = timestamp();
    for (uint32_t i = 0; i < count; i++) {
        split_ring_offer(ring, heads[i]);
        if (kicks == kick_once && i + 1 < count) continue;
        if (!split_ring_publish(ring) || kicks == kick_never) continue;
        virtio_ring_doorbell(device);
        rung++;
    }
    return rung;
}

static bool spin(struct virtio_device *device) {
    // Few looks at the clock: where instructions are emulated, each look delays the next look at the ring.
    uint64_t begin = timestamp();
    while (timestamp() - begin < virtio_timeout) {
        for (int look = 0; look < 64; look++) {
            if (split_ring_has_used(&device->ring)) return true;
        }
    }
    return false;
}

static bool wait_for_interrupt(struct virtio_device *device, uint32_t seen) {
    uint64_t begin = timestamp();
    bool arrived = false;
    if (device->wait == wait_halt) timer_start(tick_nanoseconds);
    while (timestamp() - begin < virtio_timeout) {
        interrupts_disable();
        arrived = virtio_queue_interrupts(device) != seen;
        if (arrived) break;
        if (device->wait == wait_halt) interrupts_enable_and_halt();
        else interrupts_enable();
    }
    interrupts_enable();
    if (device->wait == wait_halt) timer_stop();
    return arrived;
}

bool pmem_wait(struct virtio_device *device) {
    if (device->wait == wait_poll) return spin(device);
    while (true) {
        uint32_t seen = virtio_queue_interrupts(device);
        // Re-arm, then look again, or an element used in between raises no interrupt (2.7.7.1).
        split_ring_want_interrupt(&device->ring, 0);
        memory_barrier();
        if (split_ring_has_used(&device->ring)) return true;
        if (!wait_for_interrupt(device, seen)) return false;
    }
}

// An interrupt follows its used element by a moment; wait for the first one only, more may or may not come.
static void wait_for_trailing_interrupt(struct virtio_device *device) {
    if (!device->interrupts || device->ring.suppress) return;
    uint64_t begin = timestamp();
    while (virtio_queue_interrupts(device) == interrupts_at && timestamp() - begin < interrupt_grace) {}
}

uint32_t pmem_result(struct virtio_device *device, uint32_t head) {
    uint32_t slot = device->indirect ? head : head / 2;
    return slot < pmem_capacity(device) ? request_at(device, slot)->result : pmem_untouched;
}

void pmem_collect(struct virtio_device *device, uint32_t count, struct pmem_outcome *outcome) {
    outcome->count = 0;
    while (outcome->count < count && pmem_wait(device)) {
        while (outcome->count < count && split_ring_has_used(&device->ring)) {
            struct split_ring_used_element element = split_ring_take(&device->ring);
            outcome->identifiers[outcome->count] = element.identifier;
            outcome->lengths[outcome->count++] = element.length;
        }
    }
    outcome->cycles = timestamp() - published_at;
    device->outstanding -= outcome->count < device->outstanding ? outcome->count : device->outstanding;
    wait_for_trailing_interrupt(device);
    outcome->interrupts = virtio_queue_interrupts(device) - interrupts_at;
    for (uint32_t i = 0; i < outcome->count; i++) outcome->results[i] = pmem_result(device, outcome->identifiers[i]);
}

bool pmem_parse_kicks(const char *word, enum kick_mode *kicks) {
    if (!word || string_equal(word, "one")) *kicks = kick_once;
    else if (string_equal(word, "each")) *kicks = kick_each;
    else if (string_equal(word, "none")) *kicks = kick_never;
    else return false;
    return true;
}
