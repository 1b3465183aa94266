#include "CLinux.h"
#include <stddef.h>
#include <ucontext.h>

#if !defined(__x86_64__)
#error "the guarded accesses are written for x86-64"
#endif

// An access that may meet a page which is not there (SIGBUS). Each is one instruction of its width; the handler below goes on
// behind it with -1 instead of 0. An ordinary load is an acquire and an ordinary store a release on x86 (Intel SDM, volume 3,
// section "Memory Ordering").
__asm__(".pushsection .text.nt_guarded, \"ax\", @progbits\n"
        ".globl nt_guarded_load_16\n"
        "nt_guarded_load_16:\n"
        "nt_guarded_load_instruction:\n"
        "    movzwl (%rdi), %ecx\n"
        "    movw %cx, (%rsi)\n"
        "    xorl %eax, %eax\n"
        "    ret\n"
        ".globl nt_guarded_store_16\n"
        "nt_guarded_store_16:\n"
        "nt_guarded_store_instruction:\n"
        "    movw %si, (%rdi)\n"
        "    xorl %eax, %eax\n"
        "    ret\n"
        "nt_guarded_failure:\n"
        "    movl $-1, %eax\n"
        "    ret\n"
        ".popsection\n");

extern const char nt_guarded_load_instruction[], nt_guarded_store_instruction[], nt_guarded_failure[];

static struct sigaction previous;

static void recover(int number, siginfo_t *information, void *context) {
    (void)information;
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    if (registers[REG_RIP] == (greg_t)nt_guarded_load_instruction ||
        registers[REG_RIP] == (greg_t)nt_guarded_store_instruction) {
        registers[REG_RIP] = (greg_t)nt_guarded_failure;
        return;
    }
    // Any other instruction runs again, and meets the handler that was there before.
    sigaction(number, &previous, NULL);
}

void nt_guard_accesses(void) {
    struct sigaction current;
    if (sigaction(SIGBUS, NULL, &current) != 0) return;
    if ((current.sa_flags & SA_SIGINFO) && current.sa_sigaction == recover) return;
    previous = current;
    struct sigaction action = {.sa_sigaction = recover, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, NULL);
}
