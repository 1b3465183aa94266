#include "memory.h"
#include "commands.h"
#include "processor.h"

enum {
    page_shift = 21, // 2 MiB
    page_size = 1 << page_shift,
    window_first = 0x80000000u >> page_shift, // in pages; the windows hide this range of the identity map
    window_pages = 64,
    page_present_writable_accessed_dirty_large = 0xe3,
    directory_present = 1,
};

// pages.S
extern uint64_t page_directories[2048]; // identity, 4 times 512 entries
bool paging_try(const uint64_t *pointers);

static uint64_t directory_pointers[4] __attribute__((aligned(32)));
static uint32_t pinned_windows; // pairs of pages after the first pair, which is for views
static bool paging;

static void load_directories(void) {
    __asm__ volatile("movl %0, %%cr3" : : "r"(directory_pointers) : "memory");
}

bool memory_paging_enabled(void) { return paging; }

bool memory_enable_paging(void) {
    for (int i = 0; i < 4; i++) directory_pointers[i] = (uint32_t)&page_directories[i * 512] | directory_present;
    if (!paging) paging = paging_try(directory_pointers);
    return paging;
}

static bool is_direct(uint64_t address) {
    if (address >> 32) return false;
    uint32_t page = (uint32_t)address >> page_shift;
    return !paging || page < window_first || page >= window_first + window_pages;
}

// Shows two 2 MiB pages from address on in the windows first and first + 1.
static volatile void *show(uint32_t window, uint64_t address) {
    if (!memory_enable_paging()) command_abandon("address-needs-paging");
    uint64_t page = address & ~(uint64_t)(page_size - 1);
    uint64_t *entry = &page_directories[window_first + window];
    if ((entry[0] ^ page) >> page_shift) {
        entry[0] = page | page_present_writable_accessed_dirty_large;
        entry[1] = (page + page_size) | page_present_writable_accessed_dirty_large;
        load_directories();
    }
    uint32_t linear = (window_first + window) << page_shift;
    return (volatile void *)(linear | ((uint32_t)address & (page_size - 1)));
}

volatile void *memory_view(uint64_t address) {
    if (is_direct(address)) return (volatile void *)(uint32_t)address;
    return show(0, address);
}

volatile void *memory_pin(uint64_t address) {
    if (is_direct(address)) return (volatile void *)(uint32_t)address;
    for (uint32_t i = 0; i < pinned_windows; i++) {
        uint64_t entry = page_directories[window_first + 2 + 2 * i];
        if (!((entry ^ address) >> page_shift)) return show(2 + 2 * i, address);
    }
    if (2 + 2 * pinned_windows + 2 > window_pages) return NULL;
    return show(2 + 2 * pinned_windows++, address);
}

void memory_fill(volatile void *at, uint8_t byte, uint32_t length) {
    uint32_t word = byte * 0x01010101u, words = length / 4, rest = length % 4;
    void *to = (void *)at;
    __asm__ volatile("rep stosl" : "+D"(to), "+c"(words) : "a"(word) : "memory");
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(rest) : "a"(word) : "memory");
}

// The compiler calls these by name.
void *memset(void *to, int byte, size_t length) {
    memory_fill(to, byte, length);
    return to;
}
void *memcpy(void *to, const void *from, size_t length) {
    void *at = to;
    __asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(length) : : "memory");
    return to;
}
