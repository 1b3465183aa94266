import Glibc

extension Refusal {
    /// A length, an index, a flag or a count that the command does not allow.
    public static let invalid = Refusal(EINVAL)
    /// A command, or a part of one, that this server does not have.
    public static let unsupported = Refusal(ENOTSUP)
    /// A memory map over one that is there ("VFIO_USER_DMA_MAP").
    public static let exists = Refusal(EEXIST)
    /// No memory map of exactly this address and size.
    public static let notFound = Refusal(ENOENT)
    /// More memory maps than the server keeps.
    public static let tooMany = Refusal(ENOSPC)
    /// A descriptor that is no memory file (memfd, tmpfs, hugetlbfs), or no eventfd.
    public static let wrongDescriptor = Refusal(EBADF)
    /// The page behind this access is missing: the device's file was truncated.
    public static let fault = Refusal(EFAULT)
}
