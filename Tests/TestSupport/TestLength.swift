internal import Foundation

/// How long the tests of random histories are.
///
/// `make test` runs a short form of them, and `make test-long` the long form.
public enum TestLength {
    /// Whether tests run in their long form: `CODEX_LONG=1`.
    public static let isLong = ProcessInfo.processInfo.environment["CODEX_LONG"] == "1"

    /// A number of cases, steps or items.
    ///
    /// - Parameters:
    ///   - short: The number in the short form.
    ///   - long: The number in the long form.
    /// - Returns: The number in this process.
    public static func count(_ short: Int, long: Int) -> Int { isLong ? long : short }
}
