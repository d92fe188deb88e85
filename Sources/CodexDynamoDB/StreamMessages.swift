internal import CodexCore

/// The errors of streams, in AWS's words; see ``Messages`` for the sources.
enum StreamMessages {
    // MARK: Streams of tables

    /// Source: ACK 382.
    static var createdWithoutView: ServiceError {
        TableMessages.invalid(
            "Table is being created with a stream enabled, UpdateViewType is required")
    }

    /// Source: ACK 382.
    static var createdWithView: ServiceError {
        TableMessages.invalid(
            "Table is being created with a stream disabled, UpdateViewType should not be specified")
    }

    /// Source: ACK 382.
    static var enabledWithoutView: ServiceError {
        TableMessages.invalid("If stream is being enabled then UpdateViewType is required")
    }

    /// Source: ACK 382.
    static var disabledWithView: ServiceError {
        TableMessages.invalid(
            "If stream is being disabled, then UpdateViewType must not be specified")
    }

    /// Source: alternator, test_streams.py, and ACK 382.
    static func isEnabled(_ table: String) -> ServiceError {
        .validation("Table already has an enabled stream: TableName: \(table)")
    }

    /// Source: alternator, test_streams.py, and ACK 382.
    static func isDisabled(_ table: String) -> ServiceError {
        .validation("Table has no stream to disable: TableName: \(table)")
    }

    // MARK: Reading

    /// Source: aws/aws-sdk-js, whose tests run against AWS.
    static var invalidARN: ServiceError { .validation("Invalid StreamArn") }

    /// Source: alternator, test_streams.py.
    static func notFound(_ arn: String) -> ServiceError {
        ServiceError(
            "ResourceNotFoundException",
            "Requested resource not found: Stream: \(arn.abbreviated()) not found")
    }

    /// Unverified.
    static func shardNotFound(_ shard: String, _ arn: String) -> ServiceError {
        ServiceError(
            "ResourceNotFoundException",
            "Requested resource not found: Shard: \(shard.abbreviated()) in Stream: "
                + "\(arn.abbreviated()) not found")
    }

    /// Unverified: "ShardFilter" in the API reference has one type.
    static var unknownFilter: ServiceError {
        .validation("Invalid ShardFilter: the type is CHILD_SHARDS")
    }

    /// Unverified: "ShardFilter" in the API reference requires the parent.
    static var filterWithoutShard: ServiceError {
        .validation("Invalid ShardFilter: CHILD_SHARDS requires a ShardId")
    }

    /// Unverified: "SequenceNumber" in the API reference of GetShardIterator is of two types.
    static func numberNotAllowed(_ type: String) -> ServiceError {
        .validation("SequenceNumber cannot be specified when ShardIteratorType is \(type)")
    }

    /// Unverified.
    static func numberRequired(_ type: String) -> ServiceError {
        .validation("SequenceNumber must be specified when ShardIteratorType is \(type)")
    }

    /// Unverified.
    static var invalidNumber: ServiceError { .validation("Invalid SequenceNumber") }

    /// Unverified.
    static var invalidIterator: ServiceError { .validation("Invalid ShardIterator") }

    /// Unverified.
    static var expiredIterator: ServiceError {
        ServiceError("ExpiredIteratorException", "Iterator expired.")
    }

    /// Unverified.
    static var trimmed: ServiceError {
        ServiceError(
            "TrimmedDataAccessException",
            "The requested sequence number is beyond the trim horizon of the stream.")
    }
}
