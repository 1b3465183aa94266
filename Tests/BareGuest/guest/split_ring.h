// The driver's side of a split virtqueue (virtio 1.3, 2.7). In a header, so that a benchmark's loop is one loop.
#pragma once
#include "processor.h"
#include "types.h"

enum {
    descriptor_next = 1,
    descriptor_write = 2,
    descriptor_indirect = 4,
    available_no_interrupt = 1,
    used_no_notify = 1,
    split_ring_largest = 1024,
};

struct ring_descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};

struct split_ring_available {
    uint16_t flags, index, ring[];
};
struct split_ring_used_element {
    uint32_t identifier, length;
};
struct split_ring_used {
    uint16_t flags, index;
    struct split_ring_used_element ring[];
};

struct split_ring {
    uint16_t size;
    uint16_t offered;          // the available index with everything that was offered, published or not
    uint16_t published;        // the available index that the device sees
    uint16_t taken;            // used elements taken
    bool event_index;          // VIRTIO_F_EVENT_IDX negotiated
    bool suppress;             // no interrupts wanted
    uint64_t descriptors_address, available_address, used_address; // guest-physical
    volatile struct ring_descriptor *descriptors;
    volatile struct split_ring_available *available;
    volatile struct split_ring_used *used;
};

static inline void split_ring_describe(struct split_ring *ring, uint16_t i, struct ring_descriptor descriptor) {
    volatile struct ring_descriptor *to = &ring->descriptors[i];
    to->address = descriptor.address;
    to->length = descriptor.length;
    to->flags = descriptor.flags;
    to->next = descriptor.next;
}

// Ask for an interrupt when the used index passes `taken` + further, or for none.
static inline void split_ring_want_interrupt(struct split_ring *ring, uint16_t further) {
    volatile uint16_t *used_event = &ring->available->ring[ring->size];
    if (ring->event_index) *used_event = ring->taken + (ring->suppress ? 0x8000 : further);
    else ring->available->flags = ring->suppress ? available_no_interrupt : 0;
}

static inline void split_ring_offer(struct split_ring *ring, uint16_t head) {
    ring->available->ring[ring->offered % ring->size] = head;
    ring->offered++;
}

// Publishes everything offered; true if the device wants a doorbell for it (2.7.10, 2.7.13.4.1).
static inline bool split_ring_publish(struct split_ring *ring) {
    uint16_t before = ring->published;
    compiler_barrier(); // x86 keeps stores in order: entries and descriptors first, then the index
    ring->available->index = ring->published = ring->offered;
    memory_barrier();
    if (!ring->event_index) return !(ring->used->flags & used_no_notify);
    const volatile uint16_t *avail_event = (const volatile uint16_t *)&ring->used->ring[ring->size];
    return (uint16_t)(ring->published - *avail_event - 1) < (uint16_t)(ring->published - before);
}

static inline bool split_ring_has_used(const struct split_ring *ring) { return ring->used->index != ring->taken; }

static inline struct split_ring_used_element split_ring_take(struct split_ring *ring) {
    volatile struct split_ring_used_element *from = &ring->used->ring[ring->taken++ % ring->size];
    compiler_barrier();
    return (struct split_ring_used_element){from->identifier, from->length};
}
