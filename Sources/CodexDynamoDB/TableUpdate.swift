internal import CodexCore
internal import CodexStore

/// The changes that an UpdateTable asks for.
///
/// ``init(_:_:)`` checks the request by itself. ``require(_:_:_:)`` checks it against the table.
/// So do its parts, ``requireIndexes(_:_:)`` and ``apply(to:of:_:at:)``.
struct TableUpdate: Sendable {
    /// A kind of change; the name of a kind that must be alone in a request.
    enum Kind: String, Sendable {
        case encryption = "Server-Side Encryption"
        case tableClass = "TableClass"
        case protection = "DeletionProtection"
        case warmth = "WarmThroughput"
        case onDemand, units, billing, stream, indexes

        static let alone = [Kind.encryption, .tableClass, .protection, .warmth]
    }

    /// Where and when a change happens.
    struct Moment: Sendable {
        /// The time in milliseconds since 1970.
        let instant: Int
        let region: String
        let account: String
    }

    let stream: StreamRequest?
    let indexes: [IndexUpdate]
    private let types: AttributeTypes
    private let mode: String?
    private let units: CapacityUnits?
    private let onDemand: RequestedUnits?
    private let warm: RequestedUnits?
    private let isProtected: Bool?
    private let tableClass: TableClass?
    private let encryption: EncryptionRequest?
    private let kinds: Set<Kind>

    /// What the service does not do.
    private static let unsupported = [
        "ReplicaUpdates", "MultiRegionConsistency", "GlobalTableWitnessUpdates",
        "GlobalTableSettingsReplicationMode", "MultiAccountReplicaReady", "ReplicaTransitRoleArn",
    ]

    /// Reads a request, and checks what needs no table.
    init(_ input: RequestParameters, _ region: String) throws {
        mode = try input.string("BillingMode")
        units = try CapacityUnits(input)
        onDemand = try RequestedUnits.onDemand(input)
        warm = try RequestedUnits.warm(input)
        stream = try StreamRequest(input)
        isProtected = try input.bool("DeletionProtectionEnabled")
        tableClass = try TableClass(input)
        encryption = try EncryptionRequest(input)
        types = try AttributeTypes(input)
        let updates = try input.list("GlobalSecondaryIndexUpdates")
        var kinds: Set<Kind> = []
        if mode != nil { kinds.insert(.billing) }
        if units != nil { kinds.insert(.units) }
        if let onDemand, !onDemand.isEmpty { kinds.insert(.onDemand) }
        if let warm, !warm.isEmpty { kinds.insert(.warmth) }
        if stream != nil { kinds.insert(.stream) }
        if isProtected != nil { kinds.insert(.protection) }
        if tableClass != nil { kinds.insert(.tableClass) }
        if encryption != nil { kinds.insert(.encryption) }
        if let updates, !updates.isEmpty { kinds.insert(.indexes) }
        self.kinds = kinds
        let unsupported = Self.unsupported.first(where: input.has)
        guard !kinds.isEmpty || unsupported != nil else { throw TableMessages.noChange }
        if let unsupported { throw TableMessages.unsupported(unsupported) }
        try units?.requireLimits(nil, region: region)
        if let updates, updates.isEmpty {
            throw KeyMessages.emptyList("GlobalSecondaryIndexUpdates")
        }
        indexes = try IndexUpdate.all(updates ?? [], region)
        try requireTogether()
        if let stream {
            if stream.isEnabled, stream.view == nil { throw StreamMessages.enabledWithoutView }
            if !stream.isEnabled, stream.view != nil { throw StreamMessages.disabledWithView }
        }
    }

    /// Checks that the changes may be in one request.
    private func requireTogether() throws {
        let addsIndex = indexes.contains { $0.added != nil }
        let changesIndexes = indexes.contains(where: \.isExclusive)
        for kind in Kind.alone where kinds.contains(kind) && kinds.count > 1 {
            if kind == .warmth, addsIndex { throw TableMessages.indexBesideWarmThroughput }
            throw TableMessages.mustBeAlone(kind.rawValue)
        }
        if kinds.contains(.onDemand), !kinds.isSubset(of: [.onDemand, .billing]) {
            throw TableMessages.onDemandBesideOthers
        }
        if stream != nil, units != nil || mode == "PROVISIONED" {
            throw TableMessages.streamBesideThroughput
        }
        if changesIndexes, units != nil { throw TableMessages.indexBesideThroughput }
        if changesIndexes, stream != nil { throw TableMessages.indexBesideStream }
    }

    /// Checks the request against the table, and changes nothing.
    ///
    /// - Parameters:
    ///   - table: The table.
    ///   - record: Its record.
    ///   - moment: Where and when the change happens.
    /// - Throws: As ``requireIndexes(_:_:)`` and ``apply(to:of:_:at:)``.
    func require(_ table: TableState, _ record: TableRecord, _ moment: Moment) throws {
        try requireIndexes(table, record)
        var record = record
        // No check depends on the point of a stream.
        let point = StreamPoint(commit: 0, instant: moment.instant)
        try apply(to: &record, of: table.definition, moment, at: point)
    }

    // MARK: Indexes

    /// Checks the changes of indexes against the table.
    ///
    /// - Parameters:
    ///   - state: The table.
    ///   - record: Its record.
    /// - Throws: `LimitExceededException`, `ResourceNotFoundException`, `ValidationException`.
    func requireIndexes(_ state: TableState, _ record: TableRecord) throws {
        let table = state.definition
        let count = indexes.count(where: \.isExclusive)
        // The one index that is being built may be removed.
        let hasRoom = state.indexBuilds.allSatisfy {
            $0.name == removedIndex && $0.state == .building
        }
        guard count <= 1, count == 0 || hasRoom else { throw KeyMessages.oneAtATime }
        for index in indexes {
            let isKnown = table.indexes.contains { $0.name == index.name }
            if let added = index.added {
                guard !isKnown else { throw KeyMessages.indexExists }
                try require(added, in: table, record)
                continue
            }
            guard isKnown else { throw KeyMessages.indexNotFound(index.name, table.name) }
            guard !record.localIndexes.contains(index.name) else {
                throw KeyMessages.isLocal(index.name, index.isExclusive ? "delete" : "update")
            }
        }
    }

    private func require(
        _ index: IndexRequest, in table: TableDefinition, _ record: TableRecord
    ) throws {
        guard !types.isEmpty else { throw KeyMessages.noDefinitions(index.name) }
        try index.requireGlobal(types)
        let definition = try index.definition(types)
        for attribute in definition.keyAttributes {
            let all = table.keyAttributes + table.indexes.flatMap(\.keyAttributes)
            guard let known = all.first(where: { ByteOrder.equal($0.name, attribute.name) }),
                known.type != attribute.type
            else { continue }
            throw KeyMessages.redefined(
                attribute.name, isPartition: definition.partitionKey.contains(attribute),
                from: known.type.rawValue, to: attribute.type.rawValue)
        }
        guard table.indexes.count - record.localIndexes.count < TableCreation.globalIndexCountMax
        else { throw KeyMessages.tooManyAdded }
        let projected = table.indexes.reduce(index.projectedCount) { count, index in
            if case .include(let names) = index.projection { count + names.count } else { count }
        }
        guard projected <= TableCreation.projectionCountMax else {
            throw KeyMessages.tooManyProjections
        }
    }

    /// The index to add, if there is one.
    func addedIndex() throws -> IndexDefinition? {
        try indexes.first { $0.added != nil }?.added?.definition(types)
    }

    /// The name of the index to remove, if there is one.
    var removedIndex: String? { indexes.first { $0.isExclusive && $0.added == nil }?.name }

    /// Whether the request removes an index, and changes nothing else.
    var onlyRemovesIndex: Bool {
        removedIndex != nil && kinds == [.indexes] && indexes.count == 1
    }

    // MARK: Settings

    /// Changes the record of a table.
    ///
    /// - Parameters:
    ///   - record: The record; after an error it is not valid.
    ///   - table: The table before the change.
    ///   - moment: Where and when it happens.
    ///   - point: The point at which a stream begins or ends.
    /// - Throws: `ValidationException`, `LimitExceededException`.
    func apply(
        to record: inout TableRecord, of table: TableDefinition, _ moment: Moment,
        at point: StreamPoint
    ) throws {
        let wasOnDemand = record.isOnDemand
        try applyBilling(to: &record, table, moment)
        for index in indexes {
            try index.apply(to: &record, wasOnDemand: wasOnDemand, moment)
        }
        if let onDemand {
            try onDemand.requireOnDemand(nil, isOnDemand: record.isOnDemand, isNew: false)
            if !onDemand.isEmpty { record.throughput.setOnDemand(onDemand) }
        }
        if let warm {
            let present = record.throughput.warm(isOnDemand: record.isOnDemand)
            try warm.requireWarmer(nil, than: present)
            record.throughput.setWarm(warm)
        }
        record.isProtected = isProtected ?? record.isProtected
        if let tableClass, tableClass != record.tableClass ?? .standard {
            record.tableClass = tableClass
            record.classChangedAt = moment.instant
        }
        try applyEncryption(to: &record, moment)
        try applyStream(to: &record, moment, at: point)
    }

    private func applyBilling(
        to record: inout TableRecord, _ table: TableDefinition, _ moment: Moment
    ) throws {
        switch (mode, units) {
        case ("PAY_PER_REQUEST", nil): record.becomeOnDemand(at: moment.instant)
        case ("PAY_PER_REQUEST", _?): throw ThroughputMessages.unitsBesideOnDemand
        case (_?, nil): throw ThroughputMessages.noUnits
        case (nil, nil): break
        case (_, let units?):
            guard record.isOnDemand else {
                guard units != record.throughput.provisioned else {
                    throw ThroughputMessages.unchanged(units, nil)
                }
                return try record.provision(units, at: moment.instant)
            }
            guard mode != nil else { throw ThroughputMessages.changedOnDemand }
            for index in table.indexes where !record.localIndexes.contains(index.name) {
                let update = indexes.first { $0.name == index.name }
                guard update?.units != nil || update?.isExclusive == true else {
                    throw ThroughputMessages.noUnits(of: index.name)
                }
            }
            try record.provision(units, at: moment.instant)
        }
    }

    /// Changes the encryption.
    ///
    /// Source: ACK 82 and 141. The present key is refused by its ARN alone. With another name of
    /// it, or with none, AWS encrypts the table again.
    private func applyEncryption(to record: inout TableRecord, _ moment: Moment) throws {
        guard let encryption else { return }
        guard encryption.isEnabled else {
            guard record.encryptionKey != nil else { throw TableMessages.encryptedByDefault }
            record.encryptionKey = nil
            return
        }
        let key = encryption.keyARN(region: moment.region, account: moment.account)
        guard !encryption.hasARN || key != record.encryptionKey else {
            throw TableMessages.encryptedWithKey
        }
        record.encryptionKey = key
    }

    /// Begins or ends the stream with a commit.
    ///
    /// A stream that ends has all changes of that commit, and one that begins has the changes after
    /// it. So each change that was committed before is in the stream that ends. Of the changes in
    /// the commit itself, which no client knows of yet, each is in one of two streams at most.
    private func applyStream(
        to record: inout TableRecord, _ moment: Moment, at point: StreamPoint
    ) throws {
        guard let stream else { return }
        let isEnabled = record.stream?.isEnabled ?? false
        guard stream.isEnabled, let view = stream.view else {
            guard isEnabled else { throw StreamMessages.isDisabled(record.name) }
            record.stream?.close(after: point.commit, at: moment.instant)
            return
        }
        guard !isEnabled else { throw StreamMessages.isEnabled(record.name) }
        record.stream = TableStream(view: view, at: point)
    }

    // MARK: Response

    /// The status of the table in the response: AWS makes some changes in the background.
    var status: String {
        let slow: Set<Kind> = [.billing, .units, .stream, .tableClass]
        let isSlow = !kinds.isDisjoint(with: slow) || indexes.contains(where: \.isExclusive)
        return isSlow ? "UPDATING" : "ACTIVE"
    }

    /// The statuses of the changed indexes in the response.
    var indexStatuses: [String: String] {
        Dictionary(
            indexes.filter(\.isExclusive).map {
                ($0.name, $0.added == nil ? "DELETING" : "CREATING")
            }
        ) { $1 }
    }
}
