/// A change of a global index in an UpdateTable.
struct IndexUpdate: Sendable {
    let name: String
    /// The index to add; `nil` for another change.
    let added: IndexRequest?
    /// Whether the index is added or removed, which AWS does for one index at a time.
    let isExclusive: Bool
    /// The units to provision.
    let units: CapacityUnits?
    private let onDemand: RequestedUnits?
    private let warm: RequestedUnits?

    private static let actions = ["Update", "Create", "Delete"]

    /// Reads the parameter `GlobalSecondaryIndexUpdates`.
    ///
    /// - Throws: `ValidationException` for elements without one action, and for two changes of an
    ///   index.
    static func all(_ nodes: [JSONValue], _ region: String) throws -> [IndexUpdate] {
        var known: Set<String> = []
        return try nodes.map { node in
            let update = try IndexUpdate(
                try RequestParameters(node, "GlobalSecondaryIndexUpdate"), region)
            guard known.insert(update.name).inserted else {
                throw KeyMessages.changedTwice(update.name)
            }
            return update
        }
    }

    private init(_ input: RequestParameters, _ region: String) throws {
        let given = Self.actions.filter(input.has)
        guard given.count <= 1 else { throw KeyMessages.severalActions }
        guard let action = given.first, let parameters = try input.object(action) else {
            throw KeyMessages.noAction
        }
        added = try action == "Create" ? IndexRequest(parameters) : nil
        name = try added?.name ?? parameters.requiredString("IndexName")
        isExclusive = action != "Update"
        guard action == "Update" else {
            (units, onDemand, warm) = (nil, nil, nil)
            return
        }
        units = try CapacityUnits(parameters)
        onDemand = try RequestedUnits.onDemand(parameters)
        warm = try RequestedUnits.warm(parameters)
        try units?.requireLimits(name, region: region)
        if let warm, warm.isEmpty { throw ThroughputMessages.emptyWarm(name) }
    }

    /// Changes the index in the record of its table.
    ///
    /// - Parameters:
    ///   - record: The record, with the table's billing after the request.
    ///   - wasOnDemand: Whether the table was on demand before it.
    ///   - moment: Where and when it happens.
    /// - Throws: `ValidationException`, `LimitExceededException`.
    func apply(
        to record: inout TableRecord, wasOnDemand: Bool, _ moment: TableUpdate.Moment
    ) throws {
        if let added {
            try added.requireAddedThroughput(
                isOnDemand: record.isOnDemand, region: moment.region)
            record[index: name] = added.tableThroughput
            return
        }
        guard !isExclusive else { return record.forgetIndex(name) }
        var throughput = record[index: name]
        if let units {
            guard !record.isOnDemand else { throw ThroughputMessages.indexUnitsOnDemand(name) }
            guard wasOnDemand || units != throughput.provisioned else {
                throw ThroughputMessages.unchanged(units, name)
            }
            try throughput.provision(units, wasOnDemand: wasOnDemand, at: moment.instant)
        }
        if let onDemand {
            try onDemand.requireOnDemand(name, isOnDemand: record.isOnDemand, isNew: false)
            if !onDemand.isEmpty { throughput.setOnDemand(onDemand) }
        }
        if let warm {
            try warm.requireWarmer(name, than: throughput.warm(isOnDemand: record.isOnDemand))
            throughput.setWarm(warm)
        }
        record[index: name] = throughput
    }
}
