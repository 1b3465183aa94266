import Foundation
import Glibc

/// What a new process does before its program starts: a session of its own, no signal blocked, its standard
/// descriptors.
struct SpawnPlan {
    private enum Step {
        case open(String, Int32, Int32)
        case duplicate(Int32, Int32)
        case close(Int32)
    }

    private var steps: [Step] = []

    /// The first terminal that is opened becomes the controlling one.
    mutating func open(_ path: String, _ flags: Int32, as number: Int32) { steps.append(.open(path, flags, number)) }
    mutating func duplicate(_ source: Int32, as number: Int32) { steps.append(.duplicate(source, number)) }
    mutating func close(_ number: Int32) { steps.append(.close(number)) }

    /// - Returns: the process id.
    func run(_ arguments: [String]) throws -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        for step in steps { unsafe Self.add(step, to: &actions) }
        unsafe Self.setSignals(of: &attributes)
        var copies = unsafe arguments.map { unsafe strdup($0) } + [nil]
        defer { unsafe copies.forEach { unsafe free($0) } }
        var identifier: pid_t = 0
        let result = unsafe posix_spawnp(&identifier, arguments[0], &actions, &attributes, &copies, environ)
        guard result == 0 else { throw POSIXError(POSIXErrorCode(rawValue: result) ?? .EINVAL) }
        return identifier
    }

    private static func add(_ step: Step, to actions: UnsafeMutablePointer<posix_spawn_file_actions_t>) {
        switch step {
        case .open(let path, let flags, let number):
            unsafe posix_spawn_file_actions_addopen(actions, number, path, flags, 0o644)
        case .duplicate(let source, let number): unsafe posix_spawn_file_actions_adddup2(actions, source, number)
        case .close(let number): unsafe posix_spawn_file_actions_addclose(actions, number)
        }
    }

    /// The threads that tests run on block nearly every signal, which a child would inherit.
    private static func setSignals(of attributes: UnsafeMutablePointer<posix_spawnattr_t>) {
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(attributes, &signals)
        unsafe sigaddset(&signals, SIGPIPE)
        unsafe posix_spawnattr_setsigdefault(attributes, &signals)
        // POSIX_SPAWN_SETSIGDEF, POSIX_SPAWN_SETSIGMASK, POSIX_SPAWN_SETSID (spawn.h)
        unsafe posix_spawnattr_setflags(attributes, 0x04 | 0x08 | 0x80)
    }
}
