import Host
import Options
import SystemPackage

// Two machines that write one file destroy it, each with its own idea of the file system in it. QEMU locks disk images
// but no memory backends; here, they are locked as well.

extension BackingFile {
    /// Takes the lock that the options ask for: exclusive where stores reach the file, shared otherwise.
    ///
    /// - Returns: whether the file is locked, and why not if it should be.
    func lock(for options: FileBackendOptions) throws(MemoryBackendError) -> (isLocked: Bool, MemoryBackendWarning?) {
        guard options.locking != .off, origin != .unnamed else { return (false, nil) }
        do throws(SystemCallError) {
            if try descriptor.lock(options.reachesFile ? .exclusive : .shared) { return (true, nil) }
        } catch {
            guard options.locking == .automatic else { throw .cannotLock(path: path, reason: error.errno) }
            return (false, .notLocked(path: path, reason: error.errno))
        }
        throw .inUse(path: path, holder: (try? descriptor.status())?.lockHolder())
    }
}
