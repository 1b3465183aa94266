public import Host

/// Why a pid file cannot be written.
public enum PIDFileError: Error, Equatable, Sendable, CustomStringConvertible {
    case host(SystemCallError)
    /// A symbolic link, a device, a FIFO: nothing that is written and removed without asking.
    case notRegularFile
    /// Another process holds the lock; with its id where the kernel tells it.
    case inUse(holder: CInt?)
    /// The file has content that no pid file has.
    case otherContent

    public var description: String {
        switch self {
        case .host(let error): "\(error.errno)"
        case .notRegularFile: "it is no regular file; give the path of a file that may be replaced"
        case .inUse(let holder):
            (holder.map { "process \($0) uses it" } ?? "another process uses it")
                + "; end that process, or give another path"
        case .otherContent: "it holds something other than a process id; remove it, or give another path"
        }
    }
}

/// `-pidfile`: a file with the process's id, locked as long as the process runs and removed at its end.
///
/// The lock is the one that QEMU takes as well (`fcntl`, exclusive, on the whole file). Before it is held, nothing of
/// the file changes; and what is removed at the end is the file that was locked, or nothing.
public struct PIDFile: ~Copyable {
    private let path: String
    private let file: OwnedDescriptor

    public init(path: String) throws(PIDFileError) {
        let claim = try Self.claim(path)
        do throws(SystemCallError) {
            try claim.file.resize(to: 0)
            try claim.file.writeAll(Array("\(Process.identifier)\n".utf8), at: 0)
        } catch {
            if claim.isNew { claim.file.removeName(path) }
            throw .host(error)
        }
        // The last step: `deinit` must not run for a file that is not ours.
        self.path = path
        file = claim.release()
        if let status = try? file.status() { OwnNames.add(path, of: status) }
    }

    deinit {
        OwnNames.forget(path)
        file.removeName(path)
    }
}

// MARK: - Claiming

extension PIDFile {
    /// A file that is open and locked.
    private struct Claim: ~Copyable {
        let file: OwnedDescriptor
        /// Whether this process has made it.
        let isNew: Bool

        consuming func release() -> OwnedDescriptor { file }
    }

    private static func claim(_ path: String) throws(PIDFileError) -> Claim {
        // The process before may remove its file between two steps; a few rounds settle that.
        for _ in 0..<8 {
            let claim: Claim
            do throws(SystemCallError) { claim = try open(path) } catch { throw reason(error, path) }
            try check(claim.file)
            if claim.file.hasName(path) { return claim }
        }
        throw .inUse(holder: nil)
    }

    private static func open(_ path: String) throws(SystemCallError) -> Claim {
        do throws(SystemCallError) {
            return Claim(file: try OwnedDescriptor(opening: path, access: .createNew, mode: 0o644), isNew: true)
        } catch { guard error.errno == .fileExists else { throw error } }
        // Before the open, since opening some devices has effects.
        guard try FileStatus(path: path, followsLinks: false).kind == .regular else {
            throw SystemCallError(call: "open", subject: path, errno: .tooManySymbolicLinkLevels)
        }
        return Claim(file: try OwnedDescriptor(opening: path, access: .readWriteNoLink), isNew: false)
    }

    private static func check(_ file: borrowing OwnedDescriptor) throws(PIDFileError) {
        let (status, isLocked): (FileStatus, Bool)
        do throws(SystemCallError) {
            status = try file.status()
            isLocked = status.kind == .regular ? try file.lock(.exclusive) : false
        } catch { throw .host(error) }
        guard status.kind == .regular else { throw .notRegularFile }
        guard isLocked else { throw .inUse(holder: status.lockHolder()) }
        guard case .success(let bytes) = file.bytes(at: 0, count: 32), isProcessIdentifier(bytes) else {
            throw .otherContent
        }
    }

    /// Empty, or a number on a line.
    private static func isProcessIdentifier(_ bytes: [UInt8]) -> Bool {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        return bytes.count < 32 && bytes.allSatisfy { digits.contains($0) || [9, 10, 13, 32].contains($0) }
    }

    private static func reason(_ error: SystemCallError, _ path: String) -> PIDFileError {
        error.errno == .tooManySymbolicLinkLevels ? .notRegularFile : .host(error)
    }
}
