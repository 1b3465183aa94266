/// The shape that several KVM calls share: a 32-bit count, 32 bits of flags or padding, then the elements
/// (`kvm_cpuid2`, `kvm_msrs`, `kvm_irq_routing`). The elements are C structures, which are copied as bytes.
enum CountedList {
    private static let headerByteCount = 8

    static func bytes<Element>(of elements: [Element]) -> [UInt8] {
        let stride = MemoryLayout<Element>.stride
        var bytes = [UInt8](repeating: 0, count: headerByteCount + elements.count * stride)
        unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe buffer.storeBytes(of: UInt32(elements.count), as: UInt32.self)
            for (index, element) in elements.enumerated() {
                unsafe withUnsafeBytes(of: element) {
                    unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[(headerByteCount + index * stride)...])
                        .copyMemory(from: $0)
                }
            }
        }
        return bytes
    }

    static func elements<Element: BitwiseCopyable>(in bytes: [UInt8]) -> [Element] {
        let stride = MemoryLayout<Element>.stride
        return unsafe bytes.withUnsafeBytes { buffer in
            let capacity = (buffer.count - headerByteCount) / stride
            let count = unsafe min(Int(buffer.load(as: UInt32.self)), capacity)
            return (0..<count).map { index in
                unsafe buffer.loadUnaligned(fromByteOffset: headerByteCount + index * stride, as: Element.self)
            }
        }
    }
}
