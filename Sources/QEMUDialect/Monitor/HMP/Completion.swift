/// The names on a machine that completion offers.
public struct CompletionNames: Equatable, Sendable {
    public var objects: [String]
    public var devices: [String]

    public init(objects: [String] = [], devices: [String] = []) {
        self.objects = objects
        self.devices = devices
    }
}

/// What a line may go on with when Tab is pressed.
public struct Completion: Equatable, Sendable {
    /// What was typed of the last word.
    public var typed: String
    /// Whole words that begin with it, sorted.
    public var candidates: [String]

    /// What all candidates have in common beyond `typed`; with a space behind it when there is but one.
    public var insertion: String {
        guard let first = candidates.first else { return "" }
        var common = Array(first.utf8)[...]
        for candidate in candidates.dropFirst() {
            let shared = zip(common, candidate.utf8).prefix { $0 == $1 }.count
            common = common.prefix(shared)
        }
        let rest = String(decoding: common.dropFirst(typed.utf8.count), as: UTF8.self)
        return candidates.count == 1 ? rest + " " : rest
    }
}

/// Completes the last word of a line.
public func completeHMP(_ line: String, names: CompletionNames) -> Completion {
    var words = line.split(separator: " ", omittingEmptySubsequences: true).map { String($0) }
    let typed = line.isEmpty || line.utf8.last == UInt8(ascii: " ") ? "" : words.popLast() ?? ""
    let possible: [String]
    if let name = words.first {
        let verb = hmpVerbs.first { $0.names.contains(name) }
        possible = verb?.candidates(Array(words.dropFirst()), names) ?? []
    } else {
        possible = commandNames()
    }
    let candidates = possible.filter { $0.utf8.starts(with: typed.utf8) }
    return Completion(typed: typed, candidates: candidates.sorted())
}

func commandNames() -> [String] { hmpVerbs.flatMap(\.names) }
