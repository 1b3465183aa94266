// A virtio device on PCI, modern interface (virtio 1.3, 4.1), with one queue in use.
#pragma once
#include "pci.h"
#include "split_ring.h"
#include "types.h"

enum {
    virtio_feature_indirect = 28,
    virtio_feature_event_index = 29,
    virtio_feature_version_1 = 32,
    virtio_status_acknowledge = 1,
    virtio_status_driver = 2,
    virtio_status_driver_ok = 4,
    virtio_status_features_ok = 8,
    virtio_status_needs_reset = 64,
    virtio_status_failed = 128,
    virtio_no_vector = 0xffff,
};

enum wait_mode {
    wait_poll,       // read the used index in a loop
    wait_interrupt,  // read it after an interrupt was counted; spins on the counter
    wait_halt,       // the same, asleep in HLT
};

struct virtio_region {
    volatile uint8_t *at;   // NULL: the device has no such capability
    uint8_t bar;
    uint32_t offset, length; // bytes
};

struct virtio_device {
    pci_function function;
    uint16_t identifier;     // virtio device ID
    uint32_t index;          // in the table of devices; chooses vectors and arena
    bool present, mapped;
    struct virtio_region common, notify, isr, device;
    uint32_t notify_multiplier;
    bool has_shared_memory;
    uint8_t shared_memory_bar, shared_memory_id;
    uint64_t shared_memory_offset, shared_memory_length;
    volatile uint32_t *msix_table, *msix_pending;
    uint32_t msix_capability, msix_size;
    uint64_t features;       // accepted by both
    bool ready, indirect, interrupts;
    enum wait_mode wait;
    volatile uint16_t *doorbell;
    uint16_t doorbell_value;
    struct split_ring ring;
    // Flush requests, see pmem.c.
    uint32_t outstanding, next_slot;
};

struct virtio_setup {
    uint64_t features;
    uint32_t queue, size;    // size 0: what the device offers
    bool interrupts, suppress;
    enum wait_mode wait;
    uint64_t descriptors, available, used; // guest-physical, 0: in the arena
};

// Looks for devices again; a device keeps its index, also when it has gone. Returns the number of indices in use.
uint32_t virtio_scan(void);
uint32_t virtio_count(void);
struct virtio_device *virtio_at(uint32_t index);
// Guest-physical address of the device's part of the arena.
uint32_t virtio_arena(const struct virtio_device *device);

// Finds and maps the device's registers, once; the reason if that fails.
const char *virtio_map(struct virtio_device *device);
uint64_t virtio_offered_features(struct virtio_device *device);
uint8_t virtio_status(struct virtio_device *device);
void virtio_set_status(struct virtio_device *device, uint8_t status);
// Writes 0 and waits until the device reads 0.
const char *virtio_reset(struct virtio_device *device);
// The whole sequence of 3.1.1, up to DRIVER_OK.
const char *virtio_start(struct virtio_device *device, const struct virtio_setup *setup);

static inline void virtio_ring_doorbell(struct virtio_device *device) { *device->doorbell = device->doorbell_value; }
uint32_t virtio_queue_interrupts(const struct virtio_device *device);

// Timeout of every wait for a device, in timestamp cycles.
extern uint64_t virtio_timeout;
