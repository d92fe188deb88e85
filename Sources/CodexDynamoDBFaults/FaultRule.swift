internal import CodexCore
internal import CodexDynamoDB

/// A fault, and the requests that it hits.
///
/// In JSON, a rule is one object. Its member `fault` has the name of the fault. The members
/// `exception`, `outcome`, `milliseconds`, `share` and `shards` are parameters of single faults.
/// The members `rate`, `every` and `first` are schedules.
public struct FaultRule: Codable, Sendable, Hashable {
    /// The choice among the requests that a rule matches.
    public enum Schedule: Sendable, Hashable {
        /// Each request.
        case always
        /// A share of the requests, above 0 and at most 1, by chance from the plan's seed.
        case rate(Double)
        /// Each request whose number is a multiple of this one.
        case every(Int)
        /// The first requests, and no others.
        case first(Int)
    }

    /// The fault.
    public var fault: Fault
    /// The operations, such as `PutItem`; `nil` is each operation to which the fault applies.
    public var operations: [String]?
    /// The tables by their names; `nil` is each table, and requests without a table.
    public var tables: [String]?
    /// The choice among the matching requests.
    public var schedule: Schedule

    /// Creates a rule.
    ///
    /// - Parameters:
    ///   - fault: The fault.
    ///   - operations: The operations; `nil` is each operation to which the fault applies.
    ///   - tables: The tables; `nil` is each table, and requests without a table.
    ///   - schedule: The choice among the matching requests.
    public init(
        _ fault: Fault, operations: [String]? = nil, tables: [String]? = nil,
        schedule: Schedule = .always
    ) {
        self.fault = fault
        self.operations = operations
        self.tables = tables
        self.schedule = schedule
    }
}

// MARK: Matching

extension FaultRule {
    /// Whether the rule is about an operation.
    func isAbout(_ operation: String) -> Bool {
        (operations?.contains(operation) ?? true)
            && (fault.operations?.contains(operation) ?? true)
    }
}

extension FaultRule.Schedule {
    /// Whether a request is chosen.
    ///
    /// - Parameters:
    ///   - number: The request's number among those that the rule matches, from 1.
    ///   - fraction: A random fraction.
    /// - Returns: Whether the fault hits it.
    func chooses(_ number: Int, _ fraction: Double) -> Bool {
        switch self {
        case .always: true
        case .rate(let rate): fraction < rate
        case .every(let interval): number % max(1, interval) == 0
        case .first(let count): number <= count
        }
    }
}

// MARK: Checks

extension FaultRule {
    /// The highest numbers of `every` and `first`.
    private static let countMax = 1_000_000_000

    /// Checks the rule.
    ///
    /// - Parameter path: The path of the rule in its plan.
    /// - Throws: ``CodexError/Code/invalidArgument``.
    func validate(_ path: String) throws(CodexError) {
        try validateSchedule(path)
        try validateFault(path)
        if operations?.isEmpty == true || tables?.isEmpty == true {
            throw .plan(path, "a list of operations or tables is empty, so the rule hits nothing")
        }
        for (index, name) in (tables ?? []).enumerated() {
            let path = "\(path).tables[\(index)]"
            guard !name.isEmpty else { throw .plan(path, "a table has a name") }
            guard !name.hasPrefix("arn:") else {
                throw .plan(
                    path, "expected a table's name, which also finds requests with its ARN")
            }
        }
        for (index, name) in (operations ?? []).enumerated() {
            let path = "\(path).operations[\(index)]"
            guard DynamoDBService.hasOperation(name) else {
                throw .plan(path, "\(name.abbreviated()) is no operation, as PutItem is one")
            }
            if let known = fault.operations, !known.contains(name) {
                throw .plan(
                    path,
                    "\(fault.name) applies to \(known.sorted().joined(separator: ", ")) alone")
            }
        }
    }

    private func validateSchedule(_ path: String) throws(CodexError) {
        switch schedule {
        case .always: break
        case .rate(let rate):
            guard rate > 0, rate <= 1 else {
                throw .plan("\(path).rate", "expected a number above 0 and at most 1")
            }
        case .every(let count), .first(let count):
            guard (1...Self.countMax).contains(count) else {
                let name = schedule == .first(count) ? "first" : "every"
                throw .plan(
                    "\(path).\(name)", "expected a whole number from 1 to \(Self.countMax)")
            }
        }
    }

    private func validateFault(_ path: String) throws(CodexError) {
        switch fault {
        case .latency(let range):
            guard range.lowerBound >= 0, range.upperBound <= Fault.latencyMax else {
                throw .plan("\(path).milliseconds", "expected 0 to \(Fault.latencyMax)")
            }
        case .staleIndex(let age):
            guard (1...Fault.ageMax).contains(age) else {
                throw .plan("\(path).milliseconds", "expected 1 to \(Fault.ageMax)")
            }
        case .unprocessed(let share):
            guard share > 0, share <= 1 else {
                throw .plan("\(path).share", "expected a number above 0 and at most 1")
            }
        case .splitStream(let count):
            guard (1...Fault.shardCountMax).contains(count) else {
                throw .plan("\(path).shards", "expected 1 to \(Fault.shardCountMax)")
            }
            // All operations on streams must agree on the shards, each time.
            guard schedule == .always, operations == nil else {
                throw .plan(
                    path, "a rule with splitStream has no operations, and hits each request")
            }
        case .throttle, .internalError, .transactionConflict, .duplicateRecords: break
        }
    }
}

// MARK: JSON

extension FaultRule {
    private enum Members: String, CodingKey {
        case fault, operations, tables, rate, every, first
        case exception, outcome, milliseconds, share, shards
    }

    private static let commonNames = ["fault", "operations", "tables", "rate", "every", "first"]

    /// Reads a rule.
    ///
    /// - Parameter decoder: The decoder.
    /// - Throws: ``CodexError/Code/invalidArgument`` with the path of a wrong value.
    public init(from decoder: any Decoder) throws {
        let members = try PlanMembers(decoder, "an object with a fault")
        let name = try members.value("fault", String.self, "the name of a fault")
        guard let name, let parameter = Fault.parameters[name] else {
            throw CodexError.plan(
                members.path("fault"),
                "expected one of \(Fault.names.joined(separator: ", "))")
        }
        try members.requireKnown(Self.commonNames + parameter)
        fault = try Fault(name, members)
        operations = try members.value("operations", [String].self, "a list of operations")
        tables = try members.value("tables", [String].self, "a list of tables' names")
        schedule = try Schedule(members)
    }

    /// Writes the rule.
    ///
    /// - Parameter encoder: The encoder.
    /// - Throws: The errors of the encoder.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Members.self)
        try container.encode(fault.name, forKey: .fault)
        try container.encodeIfPresent(operations, forKey: .operations)
        try container.encodeIfPresent(tables, forKey: .tables)
        switch schedule {
        case .always: break
        case .rate(let rate): try container.encode(rate, forKey: .rate)
        case .every(let interval): try container.encode(interval, forKey: .every)
        case .first(let count): try container.encode(count, forKey: .first)
        }
        switch fault {
        case .throttle(let exception):
            try container.encodeIfPresent(exception?.rawValue, forKey: .exception)
        case .internalError(let outcome): try container.encode(outcome.rawValue, forKey: .outcome)
        case .latency(let range):
            try container.encode(Milliseconds(range: range), forKey: .milliseconds)
        case .staleIndex(let age): try container.encode(age, forKey: .milliseconds)
        case .unprocessed(let share): try container.encode(share, forKey: .share)
        case .splitStream(let count): try container.encode(count, forKey: .shards)
        case .transactionConflict, .duplicateRecords: break
        }
    }
}

extension FaultRule.Schedule {
    fileprivate init(_ members: PlanMembers) throws {
        let rate = try members.value("rate", Double.self, "a number above 0 and at most 1")
        let every = try members.value("every", Int.self, "a whole number from 1")
        let first = try members.value("first", Int.self, "a whole number from 1")
        switch (rate, every, first) {
        case (nil, nil, nil): self = .always
        case (let rate?, nil, nil): self = .rate(rate)
        case (nil, let every?, nil): self = .every(every)
        case (nil, nil, let first?): self = .first(first)
        default:
            throw CodexError.plan(
                members.path(rate == nil ? "every" : "rate"),
                "rate, every and first exclude each other")
        }
    }
}

extension Fault {
    /// The names of each fault's parameters in JSON.
    fileprivate static let parameters: [String: [String]] = [
        "throttle": ["exception"], "internalError": ["outcome"], "transactionConflict": [],
        "latency": ["milliseconds"], "staleIndex": ["milliseconds"], "unprocessed": ["share"],
        "duplicateRecords": [], "splitStream": ["shards"],
    ]

    /// Reads the parameters of a fault.
    fileprivate init(_ name: String, _ members: PlanMembers) throws {
        switch name {
        case "throttle":
            self = .throttle(try Self.choice(of: Throttling.self, "exception", members))
        case "internalError":
            let outcome = try Self.choice(of: Outcome.self, "outcome", members)
            self = .internalError(outcome ?? .either)
        case "latency":
            let expected = "milliseconds, or an object with from and to"
            let latency = try members.value("milliseconds", Milliseconds.self, expected)
            guard let latency else {
                throw CodexError.plan(members.path("milliseconds"), "expected \(expected)")
            }
            self = .latency(milliseconds: latency.range)
        case "staleIndex":
            let expected = "a whole number of milliseconds"
            guard let age = try members.value("milliseconds", Int.self, expected) else {
                throw CodexError.plan(members.path("milliseconds"), "expected \(expected)")
            }
            self = .staleIndex(milliseconds: age)
        case "unprocessed":
            let share = try members.value("share", Double.self, "a number above 0 and at most 1")
            self = .unprocessed(share: share ?? Self.usualShare)
        case "duplicateRecords": self = .duplicateRecords
        case "splitStream":
            let expected = "a whole number of shards"
            guard let count = try members.value("shards", Int.self, expected) else {
                throw CodexError.plan(members.path("shards"), "expected \(expected)")
            }
            self = .splitStream(shardCount: count)
        default: self = .transactionConflict
        }
    }

    private static func choice<Choice: RawRepresentable<String> & CaseIterable>(
        of type: Choice.Type, _ name: String, _ members: PlanMembers
    ) throws -> Choice? {
        let names = type.allCases.map(\.rawValue).joined(separator: ", ")
        let text = try members.value(name, String.self, "one of \(names)")
        guard let text else { return nil }
        guard let choice = Choice(rawValue: text) else {
            throw CodexError.plan(members.path(name), "expected one of \(names)")
        }
        return choice
    }
}

/// A time, or a range of times, in JSON: a number, or an object with `from` and `to`.
private struct Milliseconds: Codable {
    let range: ClosedRange<Int>

    private enum Members: String, CodingKey { case from, to }

    init(range: ClosedRange<Int>) { self.range = range }

    init(from decoder: any Decoder) throws {
        if let number = try? decoder.singleValueContainer().decode(Int.self) {
            range = number...number
            return
        }
        let members = try PlanMembers(decoder, "milliseconds, or an object with from and to")
        try members.requireKnown(["from", "to"])
        let from = try members.value("from", Int.self, "a whole number of milliseconds")
        let to = try members.value("to", Int.self, "a whole number of milliseconds")
        guard let from, let to, from <= to else {
            throw CodexError.plan(
                members.path("from"), "expected from and to, and from is at most to")
        }
        range = from...to
    }

    func encode(to encoder: any Encoder) throws {
        guard range.lowerBound < range.upperBound else {
            var container = encoder.singleValueContainer()
            return try container.encode(range.lowerBound)
        }
        var container = encoder.container(keyedBy: Members.self)
        try container.encode(range.lowerBound, forKey: .from)
        try container.encode(range.upperBound, forKey: .to)
    }
}
