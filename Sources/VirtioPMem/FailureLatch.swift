public import Host
import Synchronization

/// The failed sync of a backend. After one the kernel forgets which pages it could not write, so a later success would
/// say nothing about them: the failure is kept through resets, reboots and unplugging, until a person clears it.
public final class FailureLatch: Sendable {
    private let state = Mutex<SystemCallError?>(nil)

    /// The failed sync that makes every flush fail; nil if there is none.
    public var failure: SystemCallError? { state.withLock { $0 } }

    func set(_ failure: SystemCallError) { state.withLock { $0 = failure } }

    /// Forgets a failed sync: what may have been lost has been dealt with, and the next flush may succeed.
    ///
    /// - Returns: what was forgotten; nil if there was nothing.
    @discardableResult
    public func clear() -> SystemCallError? {
        state.withLock { state in
            defer { state = nil }
            return state
        }
    }
}
