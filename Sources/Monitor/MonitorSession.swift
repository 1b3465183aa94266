/// A client's conversation with a monitor, whatever carries the bytes. Calls come one at a time.
protocol MonitorSession: AnyObject, Sendable {
    /// A client is there.
    func open()
    /// The client sent bytes.
    func receive(_ bytes: [UInt8])
    /// The client is gone.
    func close()
}
