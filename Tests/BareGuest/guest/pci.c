#include "pci.h"
#include "acpi.h"
#include "memory.h"
#include "processor.h"

enum {
    address_port = 0xcf8,
    data_port = 0xcfc,
    address_enable = 0x80000000,
    first_assigned_address = 0xd0000000,
};

static enum pci_mechanism mechanism = pci_by_port;
static uint64_t ecam_base;

uint64_t pci_ecam(void) {
    uint32_t last_bus;
    if (ecam_base == 0 && !acpi_ecam(&ecam_base, &last_bus)) ecam_base = 0;
    return ecam_base;
}

void pci_set_ecam(uint64_t base) { ecam_base = base; }

bool pci_select(enum pci_mechanism wanted) {
    if (wanted == pci_by_memory && pci_ecam() == 0) return false;
    mechanism = wanted;
    return true;
}

enum pci_mechanism pci_selected(void) { return mechanism; }

static uint16_t port_for(pci_function function, uint32_t offset) {
    out32(address_port, address_enable | (uint32_t)function << 8 | (offset & 0xfc));
    return data_port + (offset & 3);
}

static volatile void *ecam_for(pci_function function, uint32_t offset) {
    return memory_view(ecam_base + ((uint32_t)function << 12) + (offset & 0xfff));
}

uint32_t pci_read(pci_function function, uint32_t offset, uint32_t width) {
    if (mechanism == pci_by_memory) {
        volatile void *at = ecam_for(function, offset);
        return width == 1 ? load8(at) : width == 2 ? load16(at) : load32(at);
    }
    uint16_t port = port_for(function, offset);
    return width == 1 ? in8(port) : width == 2 ? in16(port) : in32(port);
}

void pci_write(pci_function function, uint32_t offset, uint32_t width, uint32_t value) {
    if (mechanism == pci_by_memory) {
        volatile void *at = ecam_for(function, offset);
        if (width == 1) store8(at, value);
        else if (width == 2) store16(at, value);
        else store32(at, value);
        return;
    }
    uint16_t port = port_for(function, offset);
    if (width == 1) out8(port, value);
    else if (width == 2) out16(port, value);
    else out32(port, value);
}

bool pci_exists(pci_function function) {
    uint32_t vendor = pci_read(function, pci_vendor, 2);
    return vendor != 0xffff && vendor != 0;
}

static uint32_t scan_bus(uint32_t bus, pci_function *functions, uint32_t capacity, uint32_t depth) {
    uint32_t count = 0;
    for (uint32_t slot = 0; slot < 32; slot++) {
        uint32_t last = 0;
        for (uint32_t number = 0; number <= last; number++) {
            pci_function function = bus << 8 | slot << 3 | number;
            if (!pci_exists(function)) continue;
            if (count < capacity) functions[count++] = function;
            uint32_t header = pci_read(function, pci_header_type, 1);
            if (number == 0 && header & 0x80) last = 7;
            uint32_t below = (header & 0x7f) == 1 ? pci_read(function, pci_secondary_bus, 1) : 0;
            if (below > bus && depth) count += scan_bus(below, functions + count, capacity - count, depth - 1);
        }
    }
    return count;
}

uint32_t pci_scan(pci_function *functions, uint32_t capacity) { return scan_bus(0, functions, capacity, 4); }

uint32_t pci_next_capability(pci_function function, uint8_t identifier, uint32_t after) {
    if (!(pci_read(function, pci_status, 2) & 0x10)) return 0;
    uint32_t at = pci_read(function, after ? after + 1 : pci_capabilities, 1) & 0xfc;
    for (int hops = 0; at && hops < 48; hops++) {
        if (pci_read(function, at, 1) == identifier) return at;
        at = pci_read(function, at + 1, 1) & 0xfc;
    }
    return 0;
}

// Writes all ones, reads back, restores: the lowest bit that sticks is the size (PCI 3.0, 6.2.5.1).
static uint32_t writable_bits(pci_function function, uint32_t offset) {
    uint32_t before = pci_read(function, offset, 4);
    pci_write(function, offset, 4, 0xffffffff);
    uint32_t after = pci_read(function, offset, 4);
    pci_write(function, offset, 4, before);
    return after;
}

void pci_bar_read(pci_function function, uint32_t index, struct pci_bar *bar) {
    uint32_t offset = pci_first_bar + index * 4;
    uint32_t decoding = pci_read(function, pci_command, 2);
    pci_write(function, pci_command, 2, decoding & ~(pci_command_io | pci_command_memory));
    uint32_t low = pci_read(function, offset, 4);
    bool memory = !(low & 1);
    uint32_t flags = memory ? 0xf : 0x3;
    uint64_t mask = writable_bits(function, offset) & ~flags;
    *bar = (struct pci_bar){.is_memory = memory, .is_64_bit = memory && (low & 6) == 4,
                            .prefetchable = memory && (low & 8), .address = low & ~flags};
    bar->present = mask != 0;
    if (bar->is_64_bit) {
        bar->address |= (uint64_t)pci_read(function, offset + 4, 4) << 32;
        mask |= (uint64_t)writable_bits(function, offset + 4) << 32;
        bar->present = mask != 0;
    } else {
        mask |= 0xffffffff00000000;
        if (!memory) mask |= 0xffff0000;
    }
    bar->size = bar->present ? mask & -mask : 0;
    pci_write(function, pci_command, 2, decoding);
}

void pci_bar_write(pci_function function, uint32_t index, uint64_t address) {
    uint32_t offset = pci_first_bar + index * 4;
    uint32_t low = pci_read(function, offset, 4);
    pci_write(function, offset, 4, address);
    if (!(low & 1) && (low & 6) == 4) pci_write(function, offset + 4, 4, address >> 32);
}

bool pci_bar_ensure(pci_function function, uint32_t index, struct pci_bar *bar) {
    static uint32_t next = first_assigned_address;
    pci_bar_read(function, index, bar);
    if (!bar->present || !bar->is_memory) return false;
    if (bar->address == 0) {
        uint32_t mask = bar->size - 1;
        next = (next + mask) & ~mask;
        bar->address = next;
        pci_bar_write(function, index, next);
        next += bar->size;
    }
    return true;
}
