// PCI configuration space, by both mechanisms; functions, capabilities and base address registers.
#pragma once
#include "types.h"

// bus << 8 | device << 3 | function
typedef uint16_t pci_function;

enum pci_mechanism { pci_by_port, pci_by_memory };

enum { // offsets, PCI 3.0, 6.1
    pci_vendor = 0x00,
    pci_command = 0x04,
    pci_status = 0x06,
    pci_class_revision = 0x08,
    pci_header_type = 0x0e,
    pci_first_bar = 0x10,
    pci_secondary_bus = 0x19,
    pci_capabilities = 0x34,
    pci_command_io = 1,
    pci_command_memory = 2,
    pci_command_master = 4,
};

struct pci_bar {
    bool present, is_memory, is_64_bit, prefetchable;
    uint64_t address, size; // bytes
};

// Chooses the mechanism for what follows; false: no ECAM window is known.
bool pci_select(enum pci_mechanism mechanism);
enum pci_mechanism pci_selected(void);
// The ECAM window that ACPI or pci_set_ecam told of, guest-physical; 0: none.
uint64_t pci_ecam(void);
void pci_set_ecam(uint64_t base);
bool pci_exists(pci_function function);
uint32_t pci_read(pci_function function, uint32_t offset, uint32_t width);
void pci_write(pci_function function, uint32_t offset, uint32_t width, uint32_t value);

// All functions in order, through bridges; returns how many were stored.
uint32_t pci_scan(pci_function *functions, uint32_t capacity);
// Offset of the next capability after `after` (0: from the start) with this identifier; 0: none.
uint32_t pci_next_capability(pci_function function, uint8_t identifier, uint32_t after);
// Switches decoding off while it sizes. A 64-bit register uses index and index + 1.
void pci_bar_read(pci_function function, uint32_t index, struct pci_bar *bar);
void pci_bar_write(pci_function function, uint32_t index, uint64_t address);
// Gives a memory BAR that reads 0 an address from the range that starts at 0xd0000000; false if there is no BAR.
bool pci_bar_ensure(pci_function function, uint32_t index, struct pci_bar *bar);
// ` function=00:02.0`, for reply lines.
void reply_function(pci_function function);
