// virtio-pmem: flush requests (virtio 1.3, 5.19.6).
#pragma once
#include "types.h"
#include "virtio.h"

#define pmem_untouched 0xfeedfaceu // what `ret` holds before the device writes it

struct pmem_outcome {
    uint32_t count;                                   // completed
    uint32_t identifiers[split_ring_largest];         // in the order of completion
    uint32_t lengths[split_ring_largest];             // bytes, as the used ring says
    uint32_t results[split_ring_largest];
    uint32_t interrupts;
    uint64_t cycles;                                  // from the first publication to the last completion
};

enum kick_mode {
    kick_once,  // one index update for all, then one doorbell
    kick_each,  // an index update and a doorbell for each
    kick_never,
};

// The device that commands act on; NULL with the reason in *reason if there is none or it was not started.
struct virtio_device *pmem_selected(bool started, const char **reason);
// Requests that can be outstanding at once.
uint32_t pmem_capacity(const struct virtio_device *device);
// Publishes count requests with this type; returns the number of doorbells rung. The caller has checked the capacity.
uint32_t pmem_submit(struct virtio_device *device, uint32_t count, uint32_t type, enum kick_mode kicks);
// Waits until the device has used something new; false on timeout.
bool pmem_wait(struct virtio_device *device);
// Takes count completions, or fewer on timeout.
void pmem_collect(struct virtio_device *device, uint32_t count, struct pmem_outcome *outcome);

// Writes the request's descriptors and buffers; returns the head.
uint16_t pmem_prepare(struct virtio_device *device, uint32_t slot, uint32_t type);
// What the device wrote as `ret` for the chain that starts at head; pmem_untouched if nothing.
uint32_t pmem_result(struct virtio_device *device, uint32_t head);
// `one`, `each`, `none`; NULL means `one`.
bool pmem_parse_kicks(const char *word, enum kick_mode *kicks);

extern struct pmem_outcome pmem_last;
