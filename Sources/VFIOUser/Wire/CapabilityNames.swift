/// Finds the names in the `capabilities` object of a VERSION message's JSON. Values do not matter here: each tells how
/// much the client takes, and this server never sends as much as the least that the specification allows.
///
/// No whole JSON reader: what is wrong inside a value may pass, but no text makes it trap, loop or recurse.
struct CapabilityNames {
    /// nil if the text is no JSON object.
    private(set) var names: Set<String>?

    /// More levels than any client has.
    private static let deepest = 16

    init(_ text: ArraySlice<UInt8>) {
        var scanner = Scanner(text)
        names = scanner.run() ? scanner.names : nil
    }

    private struct Scanner {
        private var rest: ArraySlice<UInt8>
        private(set) var names: Set<String> = []
        /// The brackets that are open.
        private var open: [UInt8] = []
        /// The name before the innermost value of the outermost object.
        private var outerName = ""

        init(_ text: ArraySlice<UInt8>) {
            rest = text
        }

        /// - Returns: whether the text is one object, its brackets and strings closed.
        mutating func run() -> Bool {
            guard rest.first(where: { !Self.isSpace($0) }) == UInt8(ascii: "{") else { return false }
            while let byte = rest.popFirst() {
                switch byte {
                case UInt8(ascii: "{"), UInt8(ascii: "["):
                    guard open.count < CapabilityNames.deepest else { return false }
                    open.append(byte)
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    guard open.popLast() == (byte == UInt8(ascii: "}") ? UInt8(ascii: "{") : UInt8(ascii: "[")) else {
                        return false
                    }
                    if open.isEmpty { return rest.allSatisfy(Self.isSpace) }
                case UInt8(ascii: "\""):
                    guard let string = takeString() else { return false }
                    note(string)
                default: break
                }
            }
            return false
        }

        private mutating func note(_ string: String) {
            guard rest.first(where: { !Self.isSpace($0) }) == UInt8(ascii: ":"), open.last == UInt8(ascii: "{") else {
                return
            }
            if open.count == 1 { outerName = string }
            if open.count == 2, outerName == "capabilities" { names.insert(string) }
        }

        /// What follows an opening quote, up to the closing one; escapes stay as they are.
        private mutating func takeString() -> String? {
            var bytes: [UInt8] = []
            while let byte = rest.popFirst() {
                if byte == UInt8(ascii: "\"") { return String(decoding: bytes, as: UTF8.self) }
                bytes.append(byte)
                if byte == UInt8(ascii: "\\") {
                    guard let next = rest.popFirst() else { return nil }
                    bytes.append(next)
                }
            }
            return nil
        }

        private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }
    }
}
