internal import CodexCore

/// The errors in key schemas and indexes, in AWS's words; see ``Messages`` for the sources.
enum KeyMessages {
    // MARK: Attributes

    /// Source: ACK 127.
    static func duplicateDefinition(_ name: String) -> ServiceError {
        .validation("Attribute Name is duplicated: \(name.abbreviated())")
    }

    /// Source: dynalite, createTable.js.
    static var noDefinition: ServiceError {
        .validation("Invalid KeySchema: Some index key attribute have no definition")
    }

    /// Source: dynalite, createTable.js, and ACK 127.
    static func undefined(_ keys: [String], _ definitions: [String]) -> ServiceError {
        TableMessages.invalid(
            "Some index key attributes are not defined in AttributeDefinitions. Keys: "
                + TableMessages.list(keys) + ", AttributeDefinitions: "
                + TableMessages.list(definitions))
    }

    /// Source: dynalite, createTable.js, and ACK 127.
    static var otherCount: ServiceError {
        TableMessages.invalid(
            "Number of attributes in KeySchema does not exactly match number of attributes defined "
                + "in AttributeDefinitions")
    }

    /// Source: dynalite, createTable.js, and ACK 127.
    static func unused(_ definitions: [String], _ keys: [String]) -> ServiceError {
        TableMessages.invalid(
            "Some AttributeDefinitions are not used. AttributeDefinitions: "
                + TableMessages.list(definitions) + ", keys used: " + TableMessages.list(keys))
    }

    /// Source: ACK 127 and 162.
    static func noDefinitions(_ index: String) -> ServiceError {
        TableMessages.invalid("AttributeDefinitions is not specified for index: \(index)")
    }

    /// Source of the form: alternator, test_gsi_updatetable.py.
    static func redefined(
        _ name: String, isPartition: Bool, from old: String, to new: String
    ) -> ServiceError {
        func schema(_ type: String) -> String {
            let kind = isPartition ? "HASH" : "RANGE"
            return "Schema:[SchemaElement: key{\(name.abbreviated()):\(type):\(kind)}]"
        }
        return TableMessages.invalid(
            "Attributes cannot be redefined. Please check that your attribute has the same type as "
                + "previously defined. Existing schema: \(schema(old)) New schema: \(schema(new))")
    }

    // MARK: Key schemas

    /// Source: dynalite, createTable.js.
    static var equalKeys: ServiceError {
        .validation(
            "Both the Hash Key and the Range Key element in the KeySchema have the same name")
    }

    /// Source: ACK 123.
    static var repeatedKeys: ServiceError {
        .validation("The KeySchema contains multiple key attributes with the same name")
    }

    /// Source: dynalite, createTable.js, and ACK 124.
    static var firstIsNotHash: ServiceError {
        .validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    }

    /// Source: dynalite, createTable.js, and ACK 124.
    static var secondIsNotRange: ServiceError {
        .validation("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
    }

    /// Source: ACK 123.
    static var hashAfterRange: ServiceError {
        TableMessages.invalid(
            "All HASH key attributes must precede RANGE key attributes in the KeySchema")
    }

    /// Source: ACK 123.
    static func tooManyKeys(isPartition: Bool) -> ServiceError {
        TableMessages.invalid(
            "The KeySchema exceeds the maximum allowed number of "
                + "\(isPartition ? "HASH" : "RANGE") key attributes")
    }

    // MARK: Indexes

    /// Source: dynalite, createTable.js, and ACK 43 and 160.
    static func emptyList(_ parameter: String) -> ServiceError {
        TableMessages.invalid("List of \(parameter) is empty")
    }

    /// Source: dynalite, createTable.js, and ACK 129.
    static var localWithoutSortKey: ServiceError {
        TableMessages.invalid(
            "Table KeySchema does not have a range key, which is required when specifying a "
                + "LocalSecondaryIndex")
    }

    /// Source: dynalite, createTable.js, and ACK 129.
    static func noSortKey(_ index: String) -> ServiceError {
        TableMessages.invalid("Index KeySchema does not have a range key for index: \(index)")
    }

    /// Source: dynalite, createTable.js, and ACK 129.
    static func otherPartitionKey(
        _ index: String, _ key: String, _ tableKey: String
    ) -> ServiceError {
        TableMessages.invalid(
            "Index KeySchema does not have the same leading hash key as table KeySchema for index: "
                + "\(index). index hash key: \(key.abbreviated()), table hash key: "
                + tableKey.abbreviated())
    }

    /// Source: dynalite, createTable.js, and ACK 126.
    static var noProjectionType: ServiceError {
        TableMessages.invalid("Unknown ProjectionType: null")
    }

    /// Source: dynalite, createTable.js, and ACK 126.
    static func projectedNames(_ type: String, areGiven: Bool) -> ServiceError {
        TableMessages.invalid(
            "ProjectionType is \(type), but NonKeyAttributes is \(areGiven ? "" : "not ")specified")
    }

    /// Source: ACK 126.
    static func repeatedProjection(_ name: String) -> ServiceError {
        TableMessages.invalid("Duplicate element in NonKeyAttributes: \(name.abbreviated())")
    }

    /// Unverified; the limit is "Projected secondary index attributes per table" among AWS's
    /// quotas.
    static var tooManyProjections: ServiceError {
        TableMessages.invalid(
            "Number of NonKeyAttributes over all indexes exceeds per-table limit of "
                + "\(TableCreation.projectionCountMax)")
    }

    /// Source: dynalite, createTable.js, and ACK 129.
    static func duplicateIndex(_ name: String) -> ServiceError {
        TableMessages.invalid("Duplicate index name: \(name)")
    }

    /// Source: dynalite, createTable.js, and ACK 129.
    static var tooManyLocal: ServiceError {
        TableMessages.invalid(
            "Number of LocalSecondaryIndexes exceeds per-table limit of "
                + "\(TableCreation.localIndexCountMax)")
    }

    /// Source: dynalite, createTable.js, and ACK 129.
    static var tooManyGlobal: ServiceError {
        TableMessages.invalid(
            "GlobalSecondaryIndex count exceeds the per-table limit of "
                + "\(TableCreation.globalIndexCountMax)")
    }

    // MARK: Changes of indexes

    /// Source: ACK 169.
    static var tooManyAdded: ServiceError {
        ServiceError(
            "LimitExceededException",
            "Subscriber limit exceeded: Number of global secondary indexes exceeds per-table limit "
                + "of \(TableCreation.globalIndexCountMax)")
    }

    /// Source: dynalite, updateTable.js, and ACK 159.
    static var oneAtATime: ServiceError {
        ServiceError(
            "LimitExceededException",
            "Subscriber limit exceeded: Only 1 online index can be created or deleted "
                + "simultaneously per table")
    }

    /// Source: alternator, test_gsi_updatetable.py.
    static var indexExists: ServiceError {
        .validation("Attempting to create an index which already exists")
    }

    /// Source: ACK 170.
    static func indexNotFound(_ index: String, _ table: String) -> ServiceError {
        ServiceError(
            "ResourceNotFoundException",
            "Requested resource not found: Index \(index.abbreviated()) for table \(table)")
    }

    /// Source: ACK 170.
    static func isLocal(_ index: String, _ change: String) -> ServiceError {
        .validation("Cannot \(change) an index that is not a GlobalSecondaryIndex: \(index)")
    }

    /// Source: ACK 160.
    static var noAction: ServiceError {
        TableMessages.invalid(
            "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
                + "GlobalSecondaryIndexUpdate.Delete must not be null")
    }

    /// Source: ACK 160.
    static var severalActions: ServiceError {
        TableMessages.invalid(
            "Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate "
                + "object")
    }

    /// Source: ACK 160.
    static func changedTwice(_ index: String) -> ServiceError {
        TableMessages.invalid(
            "Only one global secondary index update per index is allowed simultaneously. Index: "
                + index.abbreviated())
    }
}
