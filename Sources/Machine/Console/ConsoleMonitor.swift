/// A human monitor on the line of the guest's console. Ctrl-A c says whose keys they are; what both have to show
/// appears as it comes. Called by the control plane, one call after the other; none but `finish` waits.
public protocol ConsoleMonitor: AnyObject, Sendable {
    /// The keys are the monitor's from now on.
    func gainFocus()
    /// They are the guest's again.
    func loseFocus()
    /// Keys for the monitor.
    func receive(_ bytes: [UInt8])
    /// The machine has ended. Afterwards nothing is shown any more.
    func finish()
}

/// Makes a ``ConsoleMonitor`` when it is first needed. Its text goes to `output`, which may block.
public typealias ConsoleMonitorMaker =
    @Sendable (_ output: @escaping @Sendable ([UInt8]) -> Void) -> (any ConsoleMonitor)?
