/// What the bare guest answered, line by line.
struct Transcript: CustomStringConvertible {
    /// `ok flush done=1 ret=0`, taken apart.
    struct Reply {
        enum Kind: String {
            case ok, error, item
        }

        let kind: Kind
        let command: String
        let words: [String]

        init?(_ line: Substring) {
            let words = line.split(separator: " ").map(String.init)
            guard words.count >= 2, let kind = Kind(rawValue: words[0]) else { return nil }
            self.kind = kind
            command = words[1]
            self.words = Array(words.dropFirst(2))
        }

        /// The value behind a key; nil without it.
        subscript(key: String) -> String? {
            words.first { $0.hasPrefix("\(key)=") }.map { String($0.dropFirst(key.count + 1)) }
        }
    }

    let text: String
    let errors: String
    let end: ProcessEnd
    let replies: [Reply]

    init(_ text: String, errors: String = "", end: ProcessEnd = .exited(0)) {
        self.text = text
        self.errors = errors
        self.end = end
        replies = text.split(whereSeparator: \.isNewline).compactMap { Reply($0) }
    }

    /// The final replies, without the items of lists, to a command.
    func replies(to command: String) -> [Reply] { replies.filter { $0.command == command && $0.kind != .item } }

    func items(of command: String) -> [Reply] { replies.filter { $0.command == command && $0.kind == .item } }

    /// Whether every command ended well.
    var isGood: Bool { end == .exited(0) && !replies.contains { $0.kind == .error } && !replies.isEmpty }

    var description: String { "\(end)\n\(text)\n\(errors)" }
}
