import CLinux

/// The memory that only the start of this process needed.
public enum StartUpMemory {
    /// Gives back the pages of code and constants that were touched so far, and what the heap has free. The files'
    /// pages stay in the kernel's page cache, and come back without I/O when they are needed again; most are not,
    /// since what parses options and makes devices runs once, and the kernel maps sixteen pages for each that is
    /// touched.
    public static func release() {
        _ = unsafe dl_iterate_phdr(
            { object, _, _ in
                guard let object = unsafe object?.pointee else { return 0 }
                for index in 0..<Int(unsafe object.dlpi_phnum) {
                    unsafe StartUpMemory.release(object.dlpi_phdr[index], base: object.dlpi_addr)
                }
                return 0
            }, nil)
        malloc_trim(0)
    }

    /// Releases only segments that are never writable: their pages come back from the file.
    private static func release(_ segment: Elf64_Phdr, base: Elf64_Addr) {
        guard segment.p_type == PT_LOAD, segment.p_flags & UInt32(PF_W) == 0 else { return }
        let page: UInt64 = 4096
        let start = (base &+ segment.p_vaddr) & ~(page - 1)
        let end = (base &+ segment.p_vaddr &+ segment.p_memsz &+ page - 1) & ~(page - 1)
        // A hint: where the kernel does not take it, the pages stay.
        unsafe madvise(UnsafeMutableRawPointer(bitPattern: UInt(start)), Int(end &- start), MADV_DONTNEED)
    }
}
