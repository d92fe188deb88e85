internal import CodexCore

/// The errors in times to live, tags and backups, in AWS's words; see ``Messages`` for the sources.
enum SettingMessages {
    // MARK: Time to live

    /// Source: dynalite, updateTimeToLive.js, and ACK 372.
    static var isEnabled: ServiceError { .validation("TimeToLive is already enabled") }

    /// Source: dynalite, updateTimeToLive.js, and ACK 372.
    static var isDisabled: ServiceError { .validation("TimeToLive is already disabled") }

    /// Source: ACK 372.
    static func isEnabled(for attribute: String) -> ServiceError {
        .validation(
            "TimeToLive is active on a different AttributeName: current AttributeName is "
                + attribute.abbreviated())
    }

    /// Unverified: the API reference has only that a second change within an hour is refused.
    static var changesTooOften: ServiceError {
        .validation("Time to live has been modified multiple times within a fixed interval")
    }

    // MARK: ARNs of tags

    /// Source: dynalite, listTagsOfResource.js.
    static var noARN: ServiceError { .validation("Invalid TableArn") }

    /// Source: dynalite, listTagsOfResource.js, and for another region ACK 442.
    static func invalidARN(_ arn: String) -> ServiceError {
        .validation(Messages.invalidARN(arn))
    }

    /// Source: alternator, test_tag.py, and ACK 447.
    static func noPrefix(_ arn: String) -> ServiceError {
        TableMessages.invalid("ARNs must start with 'arn:': \(arn.abbreviated())")
    }

    /// An ARN of another service or account.
    ///
    /// Source: ExtendDB/extenddb, pull request 227, ACK 71, and for DescribeTable ACK 11.
    static var denied: ServiceError {
        ServiceError("AccessDeniedException", "Access is denied")
    }

    /// Source: ACK 447.
    static func noResource(_ arn: String) -> ServiceError {
        TableMessages.invalid("Provided Arn is not a DynamoDB resource arn: \(arn.abbreviated())")
    }

    /// Source: alternator, test_tag.py, and ACK 447.
    static func noTable(_ arn: String) -> ServiceError {
        TableMessages.invalid(
            "Invalid resource arn provided, only table or stream is accepted. Provided resource "
                + "arn: \(arn.abbreviated())")
    }

    /// Source: ExtendDB/extenddb, pull request 227.
    static func unknownResource(_ arn: String) -> ServiceError {
        ServiceError(
            "ResourceNotFoundException",
            "Requested resource not found: ResourceArn: \(arn.abbreviated()) not found")
    }

    // MARK: Tags

    /// Source: ACK 442.
    static func invalidTagKey(_ key: String?) -> ServiceError {
        .validation("The Tag Key provided is invalid, Key: \(text(key))")
    }

    /// Source: ACK 442.
    static func invalidTagValue(_ value: String?) -> ServiceError {
        .validation("The Tag Value provided is invalid, Value: \(text(value))")
    }

    /// A missing text is the word `null`.
    private static func text(_ text: String?) -> String { text?.abbreviated() ?? "null" }

    /// Source: ACK 442.
    static func reservedTagKey(_ key: String) -> ServiceError {
        .validation("Tag Key cannot be prefixed with aws:, Key: \(key.abbreviated())")
    }

    /// Source: ACK 442.
    static func duplicateTag(_ key: String) -> ServiceError {
        .validation(
            "Duplicate Tag Keys provided as input: Duplicate Tag Key found \(key.abbreviated())")
    }

    /// Source: ACK 442.
    static var tooManyTags: ServiceError {
        .validation("Number of Tags exceed the current limit for the provided ResourceArn")
    }

    /// Source: dynalite, tagResource.js.
    static var noTag: ServiceError {
        .validation("Atleast one Tag needs to be provided as Input.")
    }

    /// Source: dynalite, untagResource.js.
    static var noTagKey: ServiceError {
        .validation("Atleast one Tag Key needs to be provided as Input.")
    }

    // MARK: Backups

    /// Source: alternator, test_backup.py.
    static func backupsNotFound(_ table: String) -> ServiceError {
        ServiceError("TableNotFoundException", "Table not found: \(table)")
    }

    /// Source: ACK 378.
    static var daysWithoutRecovery: ServiceError {
        .validation(
            "Invalid Request: Cannot specify RecoveryPeriodInDays when disabling point-in-time "
                + "recovery.")
    }
}
