internal import CodexCore

/// The errors in throughput and billing, in AWS's words; see ``Messages`` for the sources.
///
/// An index is named by its name, and a table by `nil`.
enum ThroughputMessages {
    // MARK: Limits

    /// Source: dynalite, createTable.js.
    static func outOfBounds(_ value: Int, _ unit: String, _ index: String?) -> ServiceError {
        let owner = index.map { " for index \($0)" } ?? ""
        return .validation("Given value \(value) for \(unit) is out of bounds\(owner)")
    }

    /// Source: ACK 157.
    static func tooMany(
        _ value: Int, _ unit: String, _ index: String?, region: String
    ) -> ServiceError {
        let owner = index.map { " for index \($0)" } ?? ""
        let kind = index == nil ? "table" : "index"
        return ServiceError(
            "LimitExceededException",
            "The requested \(unit)\(owner), \(value), is above the per \(kind) maximum for the "
                + "account in \(region). Per table maximum: \(CapacityUnits.perTableMax). "
                + limits)
    }

    /// The sentence that ends texts on limits of throughput.
    private static let limits =
        "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request "
        + "higher limits."

    // MARK: Creation

    /// Source: dynalite, createTable.js, and ACK 128.
    static var provisionedOnDemand: ServiceError { TableMessages.invalid(onDemandText) }

    /// Source: ACK 152, which has it without the usual beginning.
    static var changedOnDemand: ServiceError { .validation(onDemandText) }

    private static let onDemandText =
        "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
        + "PAY_PER_REQUEST"

    /// Source: dynalite, createTable.js, and ACK 128.
    static var notProvisioned: ServiceError {
        TableMessages.invalid(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is "
                + "PROVISIONED")
    }

    /// Source: ACK 128.
    static func indexProvisionedOnDemand(_ index: String) -> ServiceError {
        TableMessages.invalid(
            "ProvisionedThroughput should not be specified for index: \(index) when BillingMode is "
                + "PAY_PER_REQUEST")
    }

    /// Source: ACK 128.
    static func indexNotProvisioned(_ index: String) -> ServiceError {
        TableMessages.invalid("ProvisionedThroughput is not specified for index: \(index)")
    }

    /// Source: ACK 128.
    static func limitOfProvisioned(_ unit: String, _ index: String?) -> ServiceError {
        let owner = index.map { " for index: \($0)" } ?? ""
        return TableMessages.invalid(
            "\(unit) for OnDemandThroughput\(owner) cannot be specified when the table BillingMode "
                + "is PROVISIONED")
    }

    /// Source: ACK 128.
    static func limitOutOfRange(_ unit: String, _ index: String?) -> ServiceError {
        let owner = index.map { "index : \($0)" } ?? "table"
        return TableMessages.invalid(
            "Requested \(unit) for OnDemandThroughput for \(owner) is outside of valid range")
    }

    /// Source: ACK 128.
    static func warmBelowOnDemand(_ unit: String, _ index: String?) -> ServiceError {
        TableMessages.invalid(
            "Requested \(unit) for WarmThroughput for \(owner(index)) is lower than initial "
                + "throughput for OnDemand")
    }

    /// Source: ACK 128.
    static func warmBelowProvisioned(
        _ unit: String, _ provisioned: String, _ index: String?
    ) -> ServiceError {
        TableMessages.invalid(
            "Requested \(unit) for WarmThroughput for \(owner(index)) is lower than \(provisioned) "
                + "of ProvisionedThroughput")
    }

    private static func owner(_ index: String?) -> String {
        index.map { "index \($0)" } ?? "table"
    }

    // MARK: Changes

    /// Source: ACK 152.
    static var noUnits: ServiceError {
        TableMessages.invalid(
            "ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
    }

    /// Source: ACK 152.
    static func noUnits(of index: String) -> ServiceError {
        TableMessages.invalid("ProvisionedThroughput must be specified for index: \(index)")
    }

    /// Source: ACK 153.
    static var unitsBesideOnDemand: ServiceError {
        TableMessages.invalid(
            "ProvisionedThroughput cannot be specified when BillingMode is PAY_PER_REQUEST")
    }

    /// Source: ACK 152.
    static func indexUnitsOnDemand(_ index: String) -> ServiceError {
        TableMessages.invalid(
            "The only Updates for index: \(index) when TableThroughputMode is PAY_PER_REQUEST can "
                + "be to OnDemandThroughput, WarmThroughput")
    }

    /// Source: ACK 152.
    static func newIndexWithoutUnits(_ index: String) -> ServiceError {
        TableMessages.invalid(
            "Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: \(index)")
    }

    /// Source: ACK 133.
    static func newIndexOnDemand(_ index: String) -> ServiceError {
        TableMessages.invalid(
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: \(index) "
                + "when BillingMode is PAY_PER_REQUEST")
    }

    /// Source: dynalite, updateTable.js, and ACK 437.
    static func unchanged(_ units: CapacityUnits, _ index: String?) -> ServiceError {
        let (owner, place) = (
            index.map { "index \($0)" } ?? "table", index.map { "index \($0)" } ?? "the table"
        )
        func both(_ unit: String, _ value: Int) -> String {
            "Current \(unit) provisioned for \(place): \(value). Requested \(unit): \(value). "
        }
        return .validation(
            "The provisioned throughput for the \(owner) will not change. The requested value "
                + "equals the current value. " + both("ReadCapacityUnits", units.read)
                + both("WriteCapacityUnits", units.write) + limits)
    }

    /// Source: ACK 326.
    ///
    /// - Parameters:
    ///   - count: The decreases of the day.
    ///   - last: The time of the last one, in milliseconds since 1970.
    ///   - next: The time from which the next one is possible.
    /// - Returns: The error.
    static func tooManyDecreases(_ count: Int, last: Int, next: Int) -> ServiceError {
        ServiceError(
            "LimitExceededException",
            "Subscriber limit exceeded: Provisioned throughput decreases are limited within a "
                + "given UTC day. After the first 4 decreases, each subsequent decrease in the "
                + "same UTC day can be performed at most once every 3600 seconds. Number of "
                + "decreases today: \(count). Last decrease at \(text(last)). Next decrease can "
                + "be made at \(text(next))")
    }

    private static let weekdays = [
        "Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday",
    ]
    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ]

    /// A time in AWS's form: `Friday, October 9, 2026 at 1:21:34 AM Coordinated Universal Time`.
    private static func text(_ instant: Int) -> String {
        let seconds = instant / 1000
        let days = seconds / 86_400
        let day = CalendarDay(daysSince1970: days)
        func padded(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let hour = seconds / 3600 % 24
        // 1970 began on a Thursday.
        return "\(weekdays[days % 7]), \(months[day.month - 1]) \(day.day), \(day.year) at "
            + "\((hour + 11) % 12 + 1):\(padded(seconds / 60 % 60)):\(padded(seconds % 60)) "
            + "\(hour < 12 ? "AM" : "PM") Coordinated Universal Time"
    }

    /// Source: ACK 155.
    static func warmBelowCurrent(_ unit: String, _ index: String?) -> ServiceError {
        TableMessages.invalid(
            "Requested \(unit) for WarmThroughput for \(owner(index)) is lower than current "
                + "WarmThroughput, decreasing WarmThroughput is not supported")
    }

    /// Source: ACK 155.
    static func emptyWarm(_ index: String) -> ServiceError {
        TableMessages.invalid(
            "WarmThroughput must have at least one of ReadUnitsPerSecond or WriteUnitsPerSecond "
                + "specified for index: \(index)")
    }
}
