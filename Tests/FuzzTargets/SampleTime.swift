internal import FoundationEssentials

/// A time that samples have: 2023-11-14 22:13:20 UTC.
enum SampleTime {
    static let date = Date(timeIntervalSince1970: 1_700_000_000)
}
