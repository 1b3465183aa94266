// What the loader hands over: hvm_start_info, version 1 (Xen public/arch-x86/hvm/start_info.h).
#pragma once
#include "types.h"

struct start_information {
    uint32_t magic; // 0x336ec578
    uint32_t version, flags, module_count;
    uint64_t modules, command_line, acpi_root_pointer; // guest-physical
    uint64_t memory_map;
    uint32_t memory_map_count, reserved;
};

struct memory_map_entry {
    uint64_t address, size; // bytes
    uint32_t type, reserved;
};

extern const struct start_information *start_information;
