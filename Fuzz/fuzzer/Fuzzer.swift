import FuzzSupport
import Glibc

/// What is attacked: Scripts/fuzz names it.
private let target = getenv("NEEDLETAIL_FUZZ").flatMap { unsafe FuzzTarget(rawValue: String(cString: $0)) } ?? .vfioUser

/// One input (libFuzzer's interface).
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let problem: String?
    do {
        problem = try target.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
    } catch { problem = "\(error)" }
    if let problem { fatalError(problem) }
    return 0
}

@_silgen_name("LLVMFuzzerRunDriver")
func runFuzzer(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// The name that the package manager's linker options expect for an executable's main function.
@_cdecl("needletail_fuzz_main")
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt {
    var (count, arguments) = (count, arguments)
    return runFuzzer(&count, &arguments) { testOneInput($0, $1) }
}
