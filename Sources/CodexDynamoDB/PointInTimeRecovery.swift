internal import CodexCore

/// A table's recovery to a point in time, which is remembered and described.
///
/// The store has its own backups; see `Docs/Backups.md`.
struct PointInTimeRecovery: Sendable {
    /// The time when it was enabled, in milliseconds since 1970.
    let enabledAt: Int
    let days: Int

    private static let dayCountMax = 35
    private static let dayMilliseconds = 86_400_000
    /// The age of the latest point, as in the API reference.
    private static let lagMilliseconds = 300_000

    init(enabledAt: Int, days: Int?) {
        self.enabledAt = enabledAt
        self.days = days ?? Self.dayCountMax
    }

    init?(_ map: AttributeMap) {
        guard let enabledAt = map["enabledAt"]?.instant, let days = map["days"]?.number?.int64,
            (1...Int64(Self.dayCountMax)).contains(days)
        else { return nil }
        self.init(enabledAt: enabledAt, days: Int(days))
    }

    var map: AttributeMap {
        ["enabledAt": .number(Number(enabledAt)), "days": .number(Number(days))]
    }

    /// The earliest and the latest point at a time, in milliseconds since 1970.
    func points(at instant: Int) -> (earliest: Int, latest: Int) {
        (
            max(enabledAt, instant - days * Self.dayMilliseconds),
            max(enabledAt, instant - Self.lagMilliseconds)
        )
    }

    /// What a request asks.
    struct Request: Sendable {
        let isEnabled: Bool
        let days: Int?

        /// Reads the parameter `PointInTimeRecoverySpecification`.
        init(_ input: RequestParameters) throws {
            let name = "PointInTimeRecoverySpecification"
            guard let parameters = try input.object(name) else {
                throw RequestParameters.missing(name)
            }
            guard let isEnabled = try parameters.bool("PointInTimeRecoveryEnabled") else {
                throw RequestParameters.missing("\(name).pointInTimeRecoveryEnabled")
            }
            self.isEnabled = isEnabled
            days = try parameters.integer("RecoveryPeriodInDays")
            guard isEnabled || days == nil else { throw SettingMessages.daysWithoutRecovery }
        }
    }
}
