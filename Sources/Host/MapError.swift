/// Turns the errors of one room into those of another, which say more: a system call's into a machine's, say.
///
///     let event = try mapError(EventFD(), to: MachineError.host)
///
/// - Parameters:
///   - body: one expression that throws.
///   - map: makes the error that is thrown in place of the expression's own.
@inlinable
public func mapError<Value: ~Copyable, Thrown: Error, Mapped: Error>(
    _ body: @autoclosure () throws(Thrown) -> Value, to map: (Thrown) -> Mapped
) throws(Mapped) -> Value {
    do throws(Thrown) { return try body() } catch { throw map(error) }
}
