internal import CodexCore

/// Units of reading and of writing for a second.
struct CapacityUnits: Equatable, Sendable {
    var read = 0
    var write = 0

    /// AWS's limit for a table or an index, unless an account has another.
    static let perTableMax = 40_000
    /// The number from which AWS's interface takes no units at all.
    static let boundMax = 1_000_000_000_000
    /// What a table on demand serves from its beginning.
    static let onDemandWarm = CapacityUnits(read: 12_000, write: 4000)
    /// The names of units of provisioned throughput.
    static let names = (read: "ReadCapacityUnits", write: "WriteCapacityUnits")

    init(read: Int = 0, write: Int = 0) { (self.read, self.write) = (read, write) }

    /// Reads the parameter `ProvisionedThroughput`.
    init?(_ owner: RequestParameters) throws {
        guard let input = try owner.object("ProvisionedThroughput") else { return nil }
        guard let read = try input.integer(Self.names.read) else {
            throw RequestParameters.missing(Self.names.read)
        }
        guard let write = try input.integer(Self.names.write) else {
            throw RequestParameters.missing(Self.names.write)
        }
        self.init(read: read, write: write)
    }

    init?(_ map: AttributeMap?) {
        guard let read = map?["read"]?.number?.int64, let write = map?["write"]?.number?.int64
        else { return nil }
        self.init(read: Int(read), write: Int(write))
    }

    var map: AttributeMap { ["read": .number(Number(read)), "write": .number(Number(write))] }

    /// The higher of each.
    func max(_ other: CapacityUnits) -> CapacityUnits {
        CapacityUnits(read: Swift.max(read, other.read), write: Swift.max(write, other.write))
    }

    /// Checks provisioned units against AWS's limits.
    ///
    /// - Parameters:
    ///   - index: The index's name; `nil` for a table.
    ///   - region: The region that the error names.
    /// - Throws: `ValidationException`, `LimitExceededException`.
    func requireLimits(_ index: String?, region: String) throws {
        let values = [(Self.names.read, read), (Self.names.write, write)]
        for (name, value) in values where value > Self.boundMax {
            throw ThroughputMessages.outOfBounds(value, name, index)
        }
        for (name, value) in values where value > Self.perTableMax {
            throw ThroughputMessages.tooMany(value, name, index, region: region)
        }
    }
}

/// Units that a request gives, of which each may be missing.
struct RequestedUnits: Sendable {
    let read: Int?
    let write: Int?
    /// The names of the two members.
    let names: (read: String, write: String)

    /// The most request units on demand.
    static func onDemand(_ owner: RequestParameters) throws -> RequestedUnits? {
        try RequestedUnits(
            owner, "OnDemandThroughput",
            (read: "MaxReadRequestUnits", write: "MaxWriteRequestUnits"))
    }

    /// The units for which a table must be warm.
    static func warm(_ owner: RequestParameters) throws -> RequestedUnits? {
        try RequestedUnits(
            owner, "WarmThroughput", (read: "ReadUnitsPerSecond", write: "WriteUnitsPerSecond"))
    }

    private init?(
        _ owner: RequestParameters, _ name: String, _ names: (read: String, write: String)
    ) throws {
        guard let input = try owner.object(name) else { return nil }
        read = try input.integer(names.read)
        write = try input.integer(names.write)
        self.names = names
    }

    var isEmpty: Bool { read == nil && write == nil }

    /// The given values with their names.
    var values: [(name: String, value: Int)] {
        [(names.read, read), (names.write, write)].compactMap { name, value in
            value.map { (name: name, value: $0) }
        }
    }

    /// These units, with those of another pair in the place of missing ones.
    func or(_ other: CapacityUnits) -> CapacityUnits {
        CapacityUnits(read: read ?? other.read, write: write ?? other.write)
    }

    /// Checks limits on demand.
    ///
    /// - Parameters:
    ///   - index: The index's name; `nil` for a table.
    ///   - isOnDemand: Whether the table is on demand.
    ///   - isNew: Whether it is created: only an update may remove a limit, with -1.
    /// - Throws: `ValidationException`.
    func requireOnDemand(_ index: String?, isOnDemand: Bool, isNew: Bool) throws {
        for (name, value) in values {
            guard isOnDemand else { throw ThroughputMessages.limitOfProvisioned(name, index) }
            guard (1...CapacityUnits.boundMax).contains(value) || value == -1 && !isNew else {
                throw ThroughputMessages.limitOutOfRange(name, index)
            }
        }
    }

    /// Checks the warm throughput of something new.
    ///
    /// - Parameters:
    ///   - index: The index's name; `nil` for a table.
    ///   - provisioned: The provisioned units; `nil` on demand.
    /// - Throws: `ValidationException`.
    func requireWarm(_ index: String?, provisioned: CapacityUnits?) throws {
        let least = provisioned ?? .onDemandWarm
        for (isRead, name, value) in [(true, names.read, read), (false, names.write, write)] {
            guard let value else { continue }
            guard value <= CapacityUnits.boundMax else {
                throw ThroughputMessages.outOfBounds(value, name, index)
            }
            guard value < (isRead ? least.read : least.write) else { continue }
            guard provisioned != nil else {
                throw ThroughputMessages.warmBelowOnDemand(name, index)
            }
            let units = CapacityUnits.names
            throw ThroughputMessages.warmBelowProvisioned(
                name, isRead ? units.read : units.write, index)
        }
    }

    /// Checks the warm throughput that something has next.
    ///
    /// - Parameters:
    ///   - index: The index's name; `nil` for a table.
    ///   - present: The present one.
    /// - Throws: `ValidationException`.
    func requireWarmer(_ index: String?, than present: CapacityUnits) throws {
        for (isRead, name, value) in [(true, names.read, read), (false, names.write, write)] {
            guard let value else { continue }
            guard value <= CapacityUnits.boundMax else {
                throw ThroughputMessages.outOfBounds(value, name, index)
            }
            guard value >= (isRead ? present.read : present.write) else {
                throw ThroughputMessages.warmBelowCurrent(name, index)
            }
        }
    }
}

/// The most request units on demand, of which each may be missing.
///
/// Source: ACK 182. A limit that a request removes is -1 in its response, and then missing. The
/// stored form has -1 for a missing one.
struct OnDemandLimits: Equatable, Sendable {
    let read: Int?
    let write: Int?

    private static let removed = -1

    init(read: Int?, write: Int?) { (self.read, self.write) = (read, write) }

    /// Reads the stored form; `nil` if there is no limit.
    init?(_ map: AttributeMap?) {
        guard let units = CapacityUnits(map) else { return nil }
        read = units.read == Self.removed ? nil : units.read
        write = units.write == Self.removed ? nil : units.write
        if read == nil, write == nil { return nil }
    }

    var map: AttributeMap {
        CapacityUnits(read: read ?? Self.removed, write: write ?? Self.removed).map
    }
}

/// The throughput of a table or a global index, which is described and not enforced.
struct TableThroughput: Equatable, Sendable {
    /// The provisioned units; 0 on demand.
    private(set) var provisioned = CapacityUnits()
    /// The most units that it was warm for.
    private var warmest = CapacityUnits()
    /// The most request units on demand; `nil` if there is no limit.
    private(set) var onDemand: OnDemandLimits?
    /// The last times of an increase and of a decrease, in milliseconds since 1970.
    private(set) var increasedAt: Int?
    private(set) var decreasedAt: Int?
    /// The decreases on the day of the last one, in UTC.
    private var decreaseCount = 0

    /// The throughput of something new.
    init(
        provisioned: CapacityUnits? = nil, onDemand: RequestedUnits? = nil,
        warm: RequestedUnits? = nil
    ) {
        self.provisioned = provisioned ?? CapacityUnits()
        if let onDemand, !onDemand.isEmpty { setOnDemand(onDemand) }
        keepWarm(isOnDemand: provisioned == nil)
        if let warm { setWarm(warm) }
    }

    init(_ map: AttributeMap) {
        provisioned = CapacityUnits(map["provisioned"]?.map) ?? provisioned
        warmest = CapacityUnits(map["warm"]?.map) ?? warmest
        onDemand = OnDemandLimits(map["onDemand"]?.map)
        increasedAt = map["increasedAt"]?.instant
        decreasedAt = map["decreasedAt"]?.instant
        decreaseCount = map["decreaseCount"]?.number?.int64.map(Int.init) ?? 0
    }

    var map: AttributeMap {
        var map: AttributeMap = [
            "provisioned": .map(provisioned.map), "warm": .map(warmest.map),
            "decreaseCount": .number(Number(decreaseCount)),
        ]
        map["onDemand"] = onDemand.map { .map($0.map) }
        map["increasedAt"] = increasedAt.map { .number(Number($0)) }
        map["decreasedAt"] = decreasedAt.map { .number(Number($0)) }
        return map
    }

    /// What it is warm for now.
    func warm(isOnDemand: Bool) -> CapacityUnits {
        warmest.max(isOnDemand ? .onDemandWarm : provisioned)
    }

    /// Records what it is warm for, before the billing or the units change.
    private mutating func keepWarm(isOnDemand: Bool) { warmest = warm(isOnDemand: isOnDemand) }

    mutating func setWarm(_ units: RequestedUnits) { warmest = units.or(warmest) }

    mutating func setOnDemand(_ limits: RequestedUnits) {
        onDemand = OnDemandLimits(
            read: limits.read ?? onDemand?.read, write: limits.write ?? onDemand?.write)
    }

    /// Provisions units at a time, in milliseconds since 1970.
    ///
    /// - Throws: `LimitExceededException` for a decrease too many.
    mutating func provision(_ units: CapacityUnits, wasOnDemand: Bool, at instant: Int) throws {
        keepWarm(isOnDemand: wasOnDemand)
        onDemand = wasOnDemand ? nil : onDemand
        if !wasOnDemand {
            if units.read > provisioned.read || units.write > provisioned.write {
                increasedAt = instant
            }
            if units.read < provisioned.read || units.write < provisioned.write {
                try requireDecrease(at: instant)
                decreaseCount = decreases(at: instant) + 1
                decreasedAt = instant
            }
        }
        provisioned = units
        keepWarm(isOnDemand: false)
    }

    /// Ends the provisioning of units.
    mutating func becomeOnDemand() {
        keepWarm(isOnDemand: false)
        provisioned = CapacityUnits()
        onDemand = nil
        keepWarm(isOnDemand: true)
    }

    private static let hour = 3_600_000
    private static let day = 24 * hour
    /// The decreases of a day that need not be an hour apart.
    private static let decreaseCountMax = 4

    /// The decreases on the day of a time, in UTC.
    func decreases(at instant: Int) -> Int {
        guard let decreasedAt, decreasedAt / Self.day == instant / Self.day else { return 0 }
        return decreaseCount
    }

    /// Checks that the units may be decreased at a time.
    ///
    /// Source: ACK 184, 185 and 326. After four decreases on a day, the next one is possible an
    /// hour after the last one, or on the next day.
    ///
    /// - Throws: `LimitExceededException`.
    private func requireDecrease(at instant: Int) throws {
        let count = decreases(at: instant)
        guard count >= Self.decreaseCountMax, let decreasedAt else { return }
        let next = min(decreasedAt + Self.hour, (decreasedAt / Self.day + 1) * Self.day)
        guard instant < next else { return }
        throw ThroughputMessages.tooManyDecreases(count, last: decreasedAt, next: next)
    }
}

extension AttributeValue {
    /// A stored instant in milliseconds since 1970, within the years that a clock shows.
    var instant: Int? { number?.int64.map { Int(max(0, min(253_402_300_799_999, $0))) } }
}

extension JSONWriter {
    /// Writes provisioned units, as they are at a time.
    mutating func provisioned(_ throughput: TableThroughput, at instant: Int) {
        raw("{")
        if let instant = throughput.increasedAt {
            raw("\"LastIncreaseDateTime\":\(DynamoDBService.seconds(instant)),")
        }
        if let instant = throughput.decreasedAt {
            raw("\"LastDecreaseDateTime\":\(DynamoDBService.seconds(instant)),")
        }
        raw(
            "\"NumberOfDecreasesToday\":\(throughput.decreases(at: instant)),"
                + "\"ReadCapacityUnits\":\(throughput.provisioned.read),"
                + "\"WriteCapacityUnits\":\(throughput.provisioned.write)}")
    }

    /// Writes what something is warm for.
    mutating func warm(_ units: CapacityUnits) {
        raw(
            "{\"ReadUnitsPerSecond\":\(units.read),\"WriteUnitsPerSecond\":\(units.write),"
                + "\"Status\":\"ACTIVE\"}")
    }

    /// Writes the most request units on demand.
    mutating func onDemand(_ limits: OnDemandLimits) {
        let members = [
            limits.read.map { "\"MaxReadRequestUnits\":\($0)" },
            limits.write.map { "\"MaxWriteRequestUnits\":\($0)" },
        ]
        raw("{\(members.compactMap { $0 }.joined(separator: ","))}")
    }
}
