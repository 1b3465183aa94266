/// Why a text is no size.
enum SizeError: Error, Equatable {
    case malformed
    /// Not below 2^64.
    case outOfRange
}

/// A number of bytes as a person writes it: `4G`, `1.5G`, `0x400000`, `512`.
///
/// Suffixes B K M G T P E in either case, powers of 1024. A fraction needs a suffix greater than B. Hexadecimal takes
/// no fraction; in it B and E are digits.
struct Size: Equatable {
    let bytes: UInt64
    /// A hexadecimal number with a suffix: accepted, deprecated.
    let isSuffixedHexadecimal: Bool

    init(_ text: String) throws(SizeError) {
        var rest = Array(text.utf8)[...].drop { $0 == UInt8(ascii: " ") || (9...13).contains($0) }
        if rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        let isHexadecimal = rest.starts(with: "0x".utf8) || rest.starts(with: "0X".utf8)
        let whole: UInt64
        var fraction = 0.0
        if isHexadecimal {
            rest = rest.dropFirst(2)
            whole = try takeDigits(from: &rest, radix: 16)
        } else {
            whole = try takeDigits(from: &rest, radix: 10)
            fraction = takeFraction(from: &rest)
        }
        let shift = try takeSuffix(from: &rest)
        guard rest.isEmpty, fraction == 0 || (shift ?? 0) > 0 else { throw .malformed }
        bytes = try scaled(whole, fraction, shift: shift ?? 0)
        isSuffixedHexadecimal = isHexadecimal && shift != nil
    }
}

private func takeDigits(from rest: inout ArraySlice<UInt8>, radix: UInt64) throws(SizeError) -> UInt64 {
    var value: UInt64 = 0
    var hasDigits = false
    var overflowed = false
    while let byte = rest.first, let digit = hexadecimalDigit(byte), digit < radix {
        rest = rest.dropFirst()
        hasDigits = true
        let (product, productOverflow) = value.multipliedReportingOverflow(by: radix)
        let (sum, sumOverflow) = product.addingReportingOverflow(digit)
        overflowed = overflowed || productOverflow || sumOverflow
        value = sum
    }
    guard hasDigits else { throw .malformed }
    guard !overflowed else { throw .outOfRange }
    return value
}

/// `.5` and also a lone `.`, which counts as `.0`.
private func takeFraction(from rest: inout ArraySlice<UInt8>) -> Double {
    guard rest.first == UInt8(ascii: ".") else { return 0 }
    rest = rest.dropFirst()
    let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    rest = rest.dropFirst(digits.count)
    return Double("0." + String(decoding: digits, as: UTF8.self)) ?? 0
}

/// How far the suffix shifts; nil without one.
private func takeSuffix(from rest: inout ArraySlice<UInt8>) throws(SizeError) -> UInt64? {
    guard let byte = rest.first else { return nil }
    rest = rest.dropFirst()
    switch byte | 0x20 {
    case UInt8(ascii: "b"): return 0
    case UInt8(ascii: "k"): return 10
    case UInt8(ascii: "m"): return 20
    case UInt8(ascii: "g"): return 30
    case UInt8(ascii: "t"): return 40
    case UInt8(ascii: "p"): return 50
    case UInt8(ascii: "e"): return 60
    default: throw .malformed
    }
}

private func scaled(_ whole: UInt64, _ fraction: Double, shift: UInt64) throws(SizeError) -> UInt64 {
    let unit = UInt64(1) << shift
    let (product, productOverflow) = whole.multipliedReportingOverflow(by: unit)
    // A fraction of many nines rounds to 1.0, so this may reach `unit` itself; it never exceeds it.
    let (sum, sumOverflow) = product.addingReportingOverflow(UInt64(fraction * Double(unit)))
    guard !productOverflow, !sumOverflow else { throw .outOfRange }
    return sum
}
