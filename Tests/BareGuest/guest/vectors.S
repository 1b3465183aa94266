# Interrupt and exception entry points, 16 bytes apart; interrupts.c builds the IDT from the first address of each kind.
#
# The in-kernel instruction emulator that some /dev/kvm use for guests outside long mode has no protected-mode IRET, so
# a handler returns by hand: EFLAGS with POPF, then a near return that also drops the code segment and the flags.

        .text
        .align  16
        .globl  exception_vectors
exception_vectors:                      # vectors 0x00 to 0x1f
        .set    number, 0
        .rept   32
        .align  16
        pushl   $number
        jmp     exception_entry
        .set    number, number + 1
        .endr

        .align  16
        .globl  interrupt_vectors
interrupt_vectors:                      # vectors 0x40 to 0x8f
        .set    number, 0x40
        .rept   0x50
        .align  16
        pushl   $number
        jmp     interrupt_entry
        .set    number, number + 1
        .endr

# Stack: vector, EIP, CS, EFLAGS. Counts, acknowledges, returns.
        .align  16
interrupt_entry:
        pushl   %eax
        movl    4(%esp), %eax
        incl    interrupt_counts(, %eax, 4)
        movl    $0, 0xfee000b0          # end of interrupt, Intel SDM volume 3, 11.8.5
        popl    %eax
        addl    $4, %esp
        pushl   8(%esp)
        popfl
        ret     $8

# Stack: vector, then an error code for some vectors, then EIP, CS, EFLAGS. Does not come back.
        .align  16
exception_entry:
        movl    exception_resume, %ecx
        testl   %ecx, %ecx
        jz      1f
        movl    $0, exception_resume    # expected: go on where the code that may fail says
        movl    exception_resume_stack, %esp
        sti
        jmp     *%ecx
1:      movl    %esp, %eax
        pushl   %eax
        call    exception_report

        .bss
        .align  4
        .globl  exception_resume, exception_resume_stack
exception_resume:                       # 0, or where the next exception continues
        .skip   4
exception_resume_stack:
        .skip   4

        .section .note.GNU-stack, "", @progbits
