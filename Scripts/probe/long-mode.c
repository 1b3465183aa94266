// Whether /dev/kvm can run a guest in 64-bit mode: makes a virtual machine with one processor that is in long mode, with
// paging, computes with 64-bit and SSE registers, reports through a port and halts. Status 0: it did. Anything else, a
// hang that a time limit ends included: Linux will not run in this KVM.
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

enum {
    memory_size = 0x10000,
    page_map_level_4 = 0x1000,
    page_directory_pointers = 0x2000,
    page_directory = 0x3000,
    code_address = 0x8000,
    report_port = 0x10,
    expected = 0x5e,
};

// Intel SDM volume 3, 2.5 (control registers), 4.5 (4-level paging), 3.4.5 (segment descriptors).
enum { cr0_pe = 1, cr0_mp = 2, cr0_et = 1 << 4, cr0_ne = 1 << 5, cr0_pg = 1u << 31 };
enum { cr4_pae = 1 << 5, cr4_osfxsr = 1 << 9, efer_lme = 1 << 8, efer_lma = 1 << 10 };
enum { page_present = 1, page_write = 2, page_large = 1 << 7 };

static const uint8_t code[] = {
    0x48, 0xb8, 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01,  // mov rax, 0x0123456789abcdef
    0x66, 0x48, 0x0f, 0x6e, 0xc0,                                // movq xmm0, rax
    0x66, 0x48, 0x0f, 0x7e, 0xc3,                                // movq rbx, xmm0
    0x49, 0x89, 0xd8,                                            // mov r8, rbx
    0x4c, 0x31, 0xc0,                                            // xor rax, r8
    0x48, 0x83, 0xc0, expected,                                  // add rax, expected
    0xe6, report_port,                                           // out report_port, al
    0xf4,                                                        // hlt
};

static int failed(const char *what) {
    perror(what);
    return 1;
}

static void write_memory(uint8_t *memory) {
    *(uint64_t *)(memory + page_map_level_4) = page_directory_pointers | page_present | page_write;
    *(uint64_t *)(memory + page_directory_pointers) = page_directory | page_present | page_write;
    *(uint64_t *)(memory + page_directory) = page_present | page_write | page_large;
    memcpy(memory + code_address, code, sizeof code);
}

static int enter_long_mode(int processor) {
    struct kvm_sregs special;
    if (ioctl(processor, KVM_GET_SREGS, &special) < 0) return -1;
    struct kvm_segment segment = {.limit = 0xffffffff, .present = 1, .s = 1, .g = 1, .selector = 8, .type = 11, .l = 1};
    special.cs = segment;
    segment.selector = 16, segment.type = 3, segment.l = 0, segment.db = 1;
    special.ds = special.es = special.fs = special.gs = special.ss = segment;
    special.cr0 = cr0_pe | cr0_mp | cr0_et | cr0_ne | cr0_pg;
    special.cr3 = page_map_level_4;
    special.cr4 = cr4_pae | cr4_osfxsr;
    special.efer = efer_lme | efer_lma;
    if (ioctl(processor, KVM_SET_SREGS, &special) < 0) return -1;
    struct kvm_regs registers = {.rip = code_address, .rsp = memory_size, .rflags = 2};
    return ioctl(processor, KVM_SET_REGS, &registers);
}

int main(void) {
    int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (kvm < 0) return failed("/dev/kvm");
    int machine = ioctl(kvm, KVM_CREATE_VM, 0);
    if (machine < 0) return failed("KVM_CREATE_VM");
    // Intel's processors may need room for a task state segment; elsewhere this does nothing.
    ioctl(machine, KVM_SET_TSS_ADDR, 0xfffbd000);

    uint8_t *memory = mmap(NULL, memory_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return failed("mmap");
    write_memory(memory);
    struct kvm_userspace_memory_region region = {.memory_size = memory_size, .userspace_addr = (uint64_t)memory};
    if (ioctl(machine, KVM_SET_USER_MEMORY_REGION, &region) < 0) return failed("KVM_SET_USER_MEMORY_REGION");

    int processor = ioctl(machine, KVM_CREATE_VCPU, 0);
    if (processor < 0) return failed("KVM_CREATE_VCPU");
    struct {
        uint32_t count, padding;
        struct kvm_cpuid_entry2 entries[256];
    } features = {.count = 256};
    if (ioctl(kvm, KVM_GET_SUPPORTED_CPUID, &features) < 0) return failed("KVM_GET_SUPPORTED_CPUID");
    if (ioctl(processor, KVM_SET_CPUID2, &features) < 0) return failed("KVM_SET_CPUID2");
    int run_size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    if (run_size < 0) return failed("KVM_GET_VCPU_MMAP_SIZE");
    struct kvm_run *run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, processor, 0);
    if (run == MAP_FAILED) return failed("mmap of the processor");
    if (enter_long_mode(processor) < 0) return failed("KVM_SET_SREGS");

    if (ioctl(processor, KVM_RUN, 0) < 0) return failed("KVM_RUN");
    if (run->exit_reason == KVM_EXIT_IO && run->io.port == report_port &&
        *((uint8_t *)run + run->io.data_offset) == expected)
        return 0;
    fprintf(stderr, "the guest ended with exit reason %u\n", run->exit_reason);
    return 1;
}
