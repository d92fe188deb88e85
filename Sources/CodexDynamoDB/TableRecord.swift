internal import CodexCore
internal import CodexStore
internal import FoundationEssentials

/// The settings of a table that DynamoDB's clients give and the store's schema does not have.
///
/// It is an item in a table of the service.
struct TableRecord: Sendable {
    /// The table of these records; clients do not see it.
    static let tableName = "codex.dynamodb.tables"
    static let definition = TableDefinition(tableName, partitionKey: KeyAttribute("name"))

    let name: String
    var id: String
    /// The number of the table; `nil` in a record of an earlier release.
    ///
    /// A record whose number is another one is left from a former table of the name.
    var tableNumber: Int?
    /// The table's creation time, in milliseconds since 1970; 0 if the service did not create it.
    var createdAt = 0
    /// The names of the local indexes.
    var localIndexes: [String] = []
    /// Whether the table is billed for requests, and not for provisioned throughput.
    private(set) var isOnDemand = true
    /// The time since which it is on demand, or was for the last time.
    private(set) var onDemandSince: Int?
    var throughput = TableThroughput()
    /// The throughput of global indexes; one without has that of the table.
    private var indexThroughput: [String: TableThroughput] = [:]
    var isProtected = false
    /// The last stream of the table.
    var stream: TableStream?
    var tags = TableTags()
    var tableClass: TableClass?
    /// The time when the class changed.
    var classChangedAt: Int?
    /// The ARN of the key that encrypts the table at rest; `nil` is the service's own.
    var encryptionKey: String?
    var recovery: PointInTimeRecovery?

    /// Creates the record of a table that the service did not create.
    init(_ name: String) {
        self.name = name
        // The identifier is the same each time.
        id = String(SHA256.hexadecimal(name).prefix(32))
    }

    init(_ item: Item, _ name: String) {
        self.init(name)
        id = item["id"]?.string ?? id
        tableNumber = item["tableNumber"]?.number?.int64.flatMap { Int(exactly: $0) }
        createdAt = item["createdAt"]?.instant ?? 0
        localIndexes = (item["localIndexes"]?.list ?? []).compactMap(\.string)
        isOnDemand = item["billingMode"]?.string.map { $0 == Self.onDemandMode } ?? isOnDemand
        onDemandSince = item["onDemandSince"]?.instant
        throughput = Self.throughput(item, isOnDemand: isOnDemand)
        for index in item["indexThroughput"]?.map ?? AttributeMap() {
            indexThroughput[index.name] = index.value.map.map(TableThroughput.init)
        }
        isProtected = item["isProtected"] == .bool(true)
        stream = item["stream"]?.map.flatMap(TableStream.init)
        tags = TableTags(
            (item["tags"]?.list ?? []).compactMap { pair -> TableTags.Tag? in
                guard let key = pair.map?["key"]?.string, let value = pair.map?["value"]?.string
                else { return nil }
                return TableTags.Tag(key: key, value: value)
            })
        tableClass = item["tableClass"]?.string.flatMap(TableClass.init(rawValue:))
        classChangedAt = item["classChangedAt"]?.instant
        encryptionKey = item["encryptionKey"]?.string
        recovery = item["recovery"]?.map.flatMap(PointInTimeRecovery.init)
    }

    /// The stored throughput, also of a record that an earlier release wrote.
    private static func throughput(_ item: Item, isOnDemand: Bool) -> TableThroughput {
        if let map = item["throughput"]?.map { return TableThroughput(map) }
        guard !isOnDemand, let read = item["readUnits"]?.number?.int64,
            let write = item["writeUnits"]?.number?.int64
        else { return TableThroughput() }
        return TableThroughput(provisioned: CapacityUnits(read: Int(read), write: Int(write)))
    }

    private static let onDemandMode = "PAY_PER_REQUEST"

    var billingMode: String { isOnDemand ? Self.onDemandMode : "PROVISIONED" }

    var item: Item {
        var item: Item = [
            "name": .string(name), "id": .string(id), "createdAt": .number(Number(createdAt)),
            "localIndexes": .list(localIndexes.map { .string($0) }),
            "billingMode": .string(billingMode), "throughput": .map(throughput.map),
            "isProtected": .bool(isProtected),
            "tags": .list(
                tags.all.map { .map(["key": .string($0.key), "value": .string($0.value)]) }),
        ]
        var indexes = AttributeMap()
        for (name, throughput) in indexThroughput { indexes[name] = .map(throughput.map) }
        if !indexes.isEmpty { item["indexThroughput"] = .map(indexes) }
        item["tableNumber"] = tableNumber.map { .number(Number($0)) }
        item["onDemandSince"] = onDemandSince.map { .number(Number($0)) }
        item["stream"] = stream.map { .map($0.map) }
        item["tableClass"] = tableClass.map { .string($0.rawValue) }
        item["classChangedAt"] = classChangedAt.map { .number(Number($0)) }
        item["encryptionKey"] = encryptionKey.map { .string($0) }
        item["recovery"] = recovery.map { .map($0.map) }
        return item
    }

    /// Whether it is the record of the table with a number.
    func isOf(_ number: Int) -> Bool { tableNumber ?? number == number }

    // MARK: Throughput

    /// The provisioned units; `nil` on demand.
    var provisioned: CapacityUnits? { isOnDemand ? nil : throughput.provisioned }

    /// The throughput of a global index.
    subscript(index index: String) -> TableThroughput {
        get { indexThroughput[index] ?? TableThroughput(provisioned: provisioned) }
        set { indexThroughput[index] = newValue }
    }

    /// Forgets an index that was removed.
    mutating func forgetIndex(_ index: String) { indexThroughput[index] = nil }

    /// Sets the billing of a new table at a time.
    mutating func bill(_ throughput: TableThroughput, isOnDemand: Bool, at instant: Int) {
        (self.throughput, self.isOnDemand) = (throughput, isOnDemand)
        onDemandSince = isOnDemand ? instant : nil
    }

    /// Sets the billing for requests at a time, also of the indexes.
    mutating func becomeOnDemand(at instant: Int) {
        guard !isOnDemand else { return }
        isOnDemand = true
        onDemandSince = instant
        throughput.becomeOnDemand()
        for name in indexThroughput.keys { indexThroughput[name]?.becomeOnDemand() }
    }

    /// Provisions throughput for the table at a time.
    ///
    /// - Throws: `LimitExceededException` for a decrease too many.
    mutating func provision(_ units: CapacityUnits, at instant: Int) throws {
        try throughput.provision(units, wasOnDemand: isOnDemand, at: instant)
        onDemandSince = onDemandSince ?? (isOnDemand ? createdAt : nil)
        isOnDemand = false
    }
}

extension DynamoDBService {
    /// The record of a table; the defaults if clients gave no settings.
    func record(of table: String) throws -> TableRecord {
        try store.read { snapshot in
            guard let number = snapshot.tableNumber(table) else { return TableRecord(table) }
            return try TableRecord.of(table, number, in: snapshot)
        }
    }

    /// Changes the record of a table in one transaction.
    ///
    /// A stream that another one replaces is kept, to be described for a day.
    ///
    /// - Parameters:
    ///   - name: The table's name.
    ///   - number: The table's number when the request was checked first.
    ///   - missing: The error if the table was deleted since.
    ///   - body: Changes the record. It gets the table and the point of the transaction's commit.
    /// - Returns: The changed record.
    /// - Throws: `missing`, and the errors of `body` and of the store.
    @discardableResult
    func change(
        _ name: String, number: Int, orThrow missing: ServiceError,
        _ body: @escaping @Sendable (inout TableRecord, TableState, StreamPoint) throws -> Void
    ) async throws -> TableRecord {
        try await addIfMissing(TableRecord.definition)
        let instant = milliseconds
        return try await store.write { transaction in
            let table = try TableState.present(name, number, in: transaction, orThrow: missing)
            let old = try TableRecord.of(name, number, in: transaction)
            var record = old
            try body(&record, table, try StreamPoint(name, at: instant, in: transaction))
            try transaction.put(record.item, in: TableRecord.tableName)
            let keepsStreams = transaction.tableNumber(StreamRecord.tableName) != nil
            if keepsStreams, let stream = old.stream, !stream.isEnabled,
                stream.label != record.stream?.label
            {
                try transaction.put(
                    StreamRecord(table.definition, stream).item, in: StreamRecord.tableName)
            }
            return record
        }
    }

    /// Stores the record of a table that is about to be made, and the service's own tables.
    ///
    /// The record is written first, so that no table lacks one. It has the number that the next
    /// table gets. So a record without its table is that of no later table, unless this is the
    /// very next one. The next request overwrites it.
    ///
    /// - Parameter creation: The table.
    /// - Returns: The record.
    /// - Throws: `ResourceInUseException` if the table was made since the request was checked, and
    ///   the errors of the store.
    func storeRecord(of creation: TableCreation) async throws -> TableRecord {
        // The table can then be deleted also if the store has no room for more trees.
        if creation.hasStream { try await addIfMissing(StreamRecord.definition) }
        try await addIfMissing(TableRecord.definition)
        let name = creation.definition.name
        let (id, instant) = (UUID().uuidString.lowercased(), milliseconds)
        return try await store.write { transaction in
            guard transaction.tableNumber(name) == nil else { throw TableMessages.exists(name) }
            var record = creation.record(
                id: id, at: instant, try StreamPoint(name, at: instant, in: transaction))
            record.tableNumber = transaction.nextTableNumber
            try transaction.put(record.item, in: TableRecord.tableName)
            return record
        }
    }

    /// Removes a record of a table that was not made, unless another request has replaced it.
    func removeRecord(of name: String, id: String) async throws {
        try await store.write { transaction in
            guard try TableRecord.stored(name, in: transaction)?.id == id else { return }
            try transaction.delete(
                in: TableRecord.tableName, key: PrimaryKey(.string(name)))
        }
    }

    /// Adds a table of the service, unless it is there.
    func addIfMissing(_ table: TableDefinition) async throws {
        guard store.definition(of: table.name) == nil else { return }
        do {
            try await store.addTable(table)
        } catch let error as CodexError where error.code == .schemaMismatch {
            // Another request added the table first.
        }
    }

    /// Prepares for the removal of a table: its stream is kept, and its record gets its number.
    ///
    /// So the stream is described also if the process ends before ``forget(_:_:_:at:)``. It then
    /// ends with the commit that removes the table (``StreamRecord/tableNumber``). Until that
    /// commit, the table's own record counts. After it, the record is that of no table.
    ///
    /// - Parameters:
    ///   - name: The table's name.
    ///   - number: The table's number when the request was checked first.
    ///   - missing: The error if the table was deleted since.
    /// - Returns: The record of the table.
    /// - Throws: `missing`, and the errors of the store.
    func prepareRemoval(
        _ name: String, number: Int, orThrow missing: ServiceError
    ) async throws -> TableRecord {
        let instant = milliseconds
        return try await store.write { transaction in
            let table = try TableState.present(name, number, in: transaction, orThrow: missing)
            let record = try TableRecord.of(name, number, in: transaction)
            let stored = try TableRecord.stored(name, in: transaction)
            if let stored, stored.tableNumber == nil {
                try transaction.put(record.item, in: TableRecord.tableName)
            }
            guard var stream = record.stream else { return record }
            let ending = stream.isEnabled ? number : nil
            stream.close(after: try transaction.nextCommit, at: instant)
            let kept = StreamRecord(table.definition, stream, endingWith: ending)
            try transaction.put(kept.item, in: StreamRecord.tableName)
            return record
        }
    }

    /// Forgets a deleted table, but not a newer one with the same name; its stream is kept, to be
    /// described for a day.
    ///
    /// - Parameters:
    ///   - table: The table.
    ///   - number: Its number.
    ///   - record: Its record.
    ///   - commit: The commit that removed the table.
    /// - Throws: The errors of the store.
    func forget(
        _ table: TableDefinition, _ number: Int, _ record: TableRecord, at commit: UInt64
    ) async throws {
        guard store.definition(of: TableRecord.tableName) != nil else { return }
        var former = record.stream
        former?.close(after: commit, at: milliseconds)
        let kept = former.map { StreamRecord(table, $0).item }
        let (name, id) = (record.name, record.id)
        try await store.write { transaction in
            if let kept { try transaction.put(kept, in: StreamRecord.tableName) }
            // Records of tables that the service did not create have the same identifier.
            if let stored = try TableRecord.stored(name, in: transaction), stored.id == id,
                stored.isOf(number)
            {
                try transaction.delete(
                    in: TableRecord.tableName, key: PrimaryKey(.string(name)))
            }
        }
    }

    func arn(_ table: String) -> String { "arn:aws:dynamodb:\(region):\(account):table/\(table)" }

    func streamARN(_ table: String, _ stream: TableStream) -> String {
        "\(arn(table))/stream/\(stream.label)"
    }

    /// The present time in milliseconds since 1970, at least 0.
    var milliseconds: Int { Int(max(0, now().millisecondsSince1970)) }
}
