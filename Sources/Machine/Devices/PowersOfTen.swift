extension UInt64 {
    /// 1, 10, 100 and so on: how often something is worth a line that may come without end.
    var isPowerOfTen: Bool {
        var rest = self
        while rest > 0, rest % 10 == 0 { rest /= 10 }
        return rest == 1
    }
}
