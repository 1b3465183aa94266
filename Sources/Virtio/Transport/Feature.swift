/// Feature bits that no device owns (virtio 1.3, section 6), as masks.
public enum Feature {
    /// VIRTIO_F_INDIRECT_DESC: a descriptor may refer to a table of descriptors.
    public static let indirectDescriptors: UInt64 = 1 << 28
    /// VIRTIO_F_EVENT_IDX: each side says at which index it wants the next notification.
    public static let eventIndex: UInt64 = 1 << 29
    /// VIRTIO_F_VERSION_1: the driver follows the specification from version 1.0 on.
    public static let version1: UInt64 = 1 << 32
    /// VIRTIO_F_RING_PACKED: packed virtqueues instead of split ones.
    public static let packedRing: UInt64 = 1 << 34

    /// What a transport offers for its queues unless told otherwise.
    public static let defaultRingFeatures = indirectDescriptors | eventIndex
}
