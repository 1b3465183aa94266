# The first guest instruction: PVH entry (Xen "x86/HVM direct boot ABI"): 32-bit protected mode, paging off,
# interrupts off, %ebx = guest-physical address of hvm_start_info.

        .section .note.Xen, "a", @note
        .align  4
        .long   4                       # size of the name
        .long   4                       # size of the value
        .long   18                      # XEN_ELFNOTE_PHYS32_ENTRY
        .asciz  "Xen"
        .long   entry

        .text
        .globl  entry
entry:
        movb    $0xbe, %al              # a benchmark's mark: the guest runs
        outb    %al, $0x80
        movl    $stack_top, %esp
        cld
        pushl   %ebx
        call    announce
        lgdt    gdt_pointer
        ljmp    $0x08, $1f
1:      movw    $0x10, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %fs
        movw    %ax, %gs
        movw    %ax, %ss
        popl    %ebx
        pushl   $0
        popfl
        pushl   %ebx
        call    start
0:      cli
        hlt
        jmp     0b

# void command_loop_restart(void): forgets the stack (an exception left it in an unknown state).
        .globl  command_loop_restart
command_loop_restart:
        movl    $stack_top, %esp
        sti
        call    command_loop
        jmp     0b

        .data
        .align  8
        .globl  gdt
gdt:    .quad   0
        .quad   0x00cf9b000000ffff      # 0x08 flat code, accessed
        .quad   0x00cf93000000ffff      # 0x10 flat data, accessed
gdt_pointer:
        .word   . - gdt - 1
        .long   gdt

        .bss
        .align  16
        .skip   16384
stack_top:

        .section .note.GNU-stack, "", @progbits
