internal import CodexCore

/// The errors of operations on tables, in AWS's words.
///
/// Each text names its source; see ``Messages``.
enum TableMessages {
    /// An error of the form that most errors in parameters have.
    ///
    /// Source: dynalite.
    static func invalid(_ text: String) -> ServiceError {
        .validation("One or more parameter values were invalid: \(text)")
    }

    /// Names in brackets; no list is much longer than a message may be.
    static func list(_ names: some Sequence<String>) -> String {
        let text = names.prefix(128).map { $0.abbreviated() }.joined(separator: ", ")
        return "[\(text.abbreviated(byteCount: 4096))]"
    }

    // MARK: Tables

    /// Source: dynalite, describeTable.js.
    static func notFound(_ table: String) -> ServiceError {
        ServiceError(
            "ResourceNotFoundException", "Requested resource not found: Table: \(table) not found")
    }

    /// Source: dynalite, createTable.js.
    static func exists(_ table: String) -> ServiceError {
        ServiceError("ResourceInUseException", "Table already exists: \(table)")
    }

    /// Source of the form: hashicorp/terraform-provider-aws, pull request 2274.
    static func tooManyTables(_ countMax: Int) -> ServiceError {
        ServiceError(
            "LimitExceededException",
            "Subscriber limit exceeded: There is a limit of \(countMax) tables per subscriber")
    }

    /// Unverified: AWS has no such limit.
    static var tooManyTrees: ServiceError {
        ServiceError(
            "LimitExceededException",
            "Subscriber limit exceeded: There is a limit of \(StoreLimits.treeCountMax) tables, "
                + "indexes and times to live together. Deleted ones count until they are empty")
    }

    /// Source: ACK 107.
    static var isProtected: ServiceError {
        .validation(
            "Resource cannot be deleted as it is currently protected against deletion. Disable "
                + "deletion protection first.")
    }

    /// Source: alternator, test_gsi_updatetable.py.
    static var indexesChange: ServiceError {
        ServiceError(
            "ResourceInUseException",
            "Attempt to change a resource which is still in use: Cannot delete table while indexes "
                + "are being created, updated, or deleted.")
    }

    /// The table is being updated.
    ///
    /// Source of the form: alternator, test_gsi_updatetable.py. The end is unverified.
    static func isUpdated(_ table: String) -> ServiceError {
        ServiceError(
            "ResourceInUseException",
            "Attempt to change a resource which is still in use: Table is being updated: "
                + "\(table)")
    }

    /// Unverified: AWS has what the parameter asks for.
    static func unsupported(_ parameter: String) -> ServiceError {
        .validation("\(parameter) is not supported")
    }

    /// Unverified: the table's items or a program's types do not allow a definition.
    static func unfit(_ error: CodexError) -> ServiceError {
        // The reason comes after the engine's own name of the problem.
        let reason = error.message.split(separator: ": ", maxSplits: 1).last ?? ""
        return invalid("The definition does not fit the table: \(reason)")
    }

    // MARK: UpdateTable

    /// Source: ACK 15.
    static var noChange: ServiceError {
        .validation(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
                + "GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, "
                + "MultiAccountReplicaReady, ReplicaTransitRoleArn, MultiRegionConsistency, "
                + "DeletionProtectionEnabled, OnDemandThroughput, WarmThroughput or TableClass is "
                + "required")
    }

    /// Source: ACK 174.
    static func mustBeAlone(_ change: String) -> ServiceError {
        invalid("\(change) modification must be the only operation in the request")
    }

    /// Source: ACK 174.
    static var indexBesideWarmThroughput: ServiceError {
        invalid("Create global secondary index cannot be specified when updating WarmThroughput")
    }

    /// Source: ACK 155.
    static var onDemandBesideOthers: ServiceError {
        invalid(
            "OnDemandThroughput can only be combined with BillingMode in an UpdateTable request")
    }

    /// Source: ACK 382.
    static var streamBesideThroughput: ServiceError {
        invalid("You cannot modify stream status while updating table IOPS")
    }

    /// Source: ACK 174.
    static var indexBesideThroughput: ServiceError {
        invalid("You cannot create or delete index while updating table IOPS")
    }

    /// Source: ACK 174.
    static var indexBesideStream: ServiceError {
        invalid("You cannot create or delete index while changing stream status")
    }

    // MARK: Class and encryption

    /// Source: alternator, test_tableclass.py.
    static var unknownClass: ServiceError {
        .validation(
            "Invalid table-class parameter provided. Please try again with a valid table-class "
                + "value: [STANDARD, STANDARD_INFREQUENT_ACCESS].")
    }

    /// Source: ACK 433.
    static func encryptionDisabled(with parameter: String) -> ServiceError {
        invalid("\(parameter) can not be specified if Enabled is false")
    }

    /// Source: ACK 433.
    static var encryptionAES: ServiceError { invalid("SSEType AES256 is not supported") }

    /// Source: ACK 433.
    static var encryptionWithoutType: ServiceError {
        invalid("SSEType KMS is required if KMSMasterKeyId is specified")
    }

    /// Source: ACK 433.
    static var encryptedByDefault: ServiceError { invalid("Table is already encrypted by default") }

    /// Source: ACK 82.
    static var encryptedWithKey: ServiceError {
        invalid(
            "Table is already encrypted with given KMSMasterKeyId. Use KMSMasterKeyId parameter if "
                + "you want to change Master Key")
    }

    /// Unverified: AWS asks its key service, which says what is wrong with the key.
    static var invalidKey: ServiceError { invalid("KMSMasterKeyId is not a valid key") }
}
