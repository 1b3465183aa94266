/// The pieces of a buffer, in order. Two of them, which is all that most requests have, need no memory of their own.
public struct DescriptorList: Hashable, Sendable, RandomAccessCollection {
    private var first: Descriptor?
    private var second: Descriptor?
    private var others: [Descriptor] = []
    public private(set) var count = 0

    public init() {}

    public var startIndex: Int { 0 }
    public var endIndex: Int { count }

    public subscript(position: Int) -> Descriptor {
        if position == 0, let first { return first }
        if position == 1, let second { return second }
        return others[position - 2]
    }

    public mutating func append(_ descriptor: Descriptor) {
        switch count {
        case 0: first = descriptor
        case 1: second = descriptor
        default: others.append(descriptor)
        }
        count += 1
    }
}
