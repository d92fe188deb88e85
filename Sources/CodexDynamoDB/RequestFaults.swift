package import CodexCore
package import CodexStore

/// Deviations from the usual answer, which a service with faults asks for in one request.
package struct RequestFaults: Sendable {
    /// The past state in which queries and scans see global indexes; `nil` is the present one.
    package var indexState: HeldSnapshot?
    /// Chooses the elements of a batch that stay unprocessed, by their places among so many.
    package var unprocessed: (@Sendable (_ count: Int) -> Set<Int>)?
    /// How streams differ from those of DynamoDB; `nil` if they do not.
    package var streams: StreamVariation?

    package init() {}

    /// Divides streams into so many shards, also those of a model of another service.
    package mutating func splitStreams(into shardCount: Int) {
        streams = StreamVariation(
            shardCount: shardCount, delay: streams?.delay ?? .zero, source: streams?.source)
    }
}

extension RequestFaults {
    /// The errors for a table or an index that is newer than the past state.
    private static let newer: [CodexError.Code] = [.unknownTable, .unknownIndex, .indexNotReady]

    /// Reads a store; a global index is read in the past state, if there is one.
    ///
    /// - Parameters:
    ///   - store: The store.
    ///   - isGlobalIndex: Whether `body` reads a global index.
    ///   - body: Gets the snapshot, and gets the present one if the past state lacks the index.
    /// - Returns: The value that `body` returns.
    /// - Throws: As ``Store/read(_:)``.
    func read<Value>(
        _ store: Store, isGlobalIndex: Bool, _ body: (borrowing Snapshot) throws -> Value
    ) throws -> Value {
        guard isGlobalIndex, let indexState else { return try store.read(body) }
        do {
            if let value = try indexState.read(body) { return value }
        } catch let error as CodexError where Self.newer.contains(error.code) {
            // The index is newer than the state, so nothing was read.
        }
        return try store.read(body)
    }

    /// The elements of a batch that stay unprocessed, by their places among `count`.
    func unprocessedPlaces(of count: Int) -> Set<Int> { unprocessed?(count) ?? [] }
}

extension ResponseWriter {
    /// Writes the elements of a BatchWriteItem that stay unprocessed, as the request had them.
    ///
    /// - Parameters:
    ///   - elements: The elements with their tables, which the request names one after the other.
    ///   - budget: The request's budget.
    /// - Throws: As ``reserve(_:)``.
    mutating func unprocessedItems(
        _ elements: [(table: String, source: JSONValue)], _ budget: RequestBudget
    ) throws {
        member("UnprocessedItems") { $0.raw("{") }
        var table: String?
        for element in elements {
            more { writer in
                if element.table == table { return writer.raw(",") }
                if table != nil { writer.raw("],") }
                writer.string(element.table)
                writer.raw(":[")
            }
            table = element.table
            try json(element.source.source, budget)
        }
        more { $0.raw(table == nil ? "}" : "]}") }
    }
}

extension DynamoDBService {
    /// Holds the present state of the store, for ``RequestFaults/indexState``.
    ///
    /// - Returns: The state.
    /// - Throws: As ``Store/holdSnapshot()``.
    package func holdState() throws(CodexError) -> HeldSnapshot { try store.holdSnapshot() }

    /// Whether a table is paid by request, and not by provisioned throughput.
    ///
    /// - Parameter table: The table's name.
    /// - Returns: `true` also for a table without settings, and for one that does not exist.
    package func isOnDemand(_ table: String) -> Bool {
        (try? record(of: table))?.billingMode != "PROVISIONED"
    }

    /// The name of the operation that a target names; `nil` if it names none.
    package static func operationName(ofTarget target: String?) -> String? {
        target.flatMap(Operation.named)?.rawValue
    }

    /// Whether DynamoDB's API has an operation of this name here.
    package static func hasOperation(_ name: String) -> Bool { Operation(rawValue: name) != nil }
}

extension DynamoDBResponse {
    /// Creates the error of a cancelled transaction.
    ///
    /// - Parameter reasons: The code and the message of each action; the code `None` has no
    ///   message.
    /// - Returns: The response.
    package static func cancellation(
        _ reasons: [(code: String, message: String?)]
    ) -> DynamoDBResponse {
        let failure = ServiceError(
            cancelledFor: reasons.map { ServiceError.Reason(code: $0.code, message: $0.message) })
        var response = ResponseWriter(errorType: failure.type, failure.message)
        response.objects("CancellationReasons", reasons) { entry, reason in
            entry.string("Code", reason.code)
            if let message = reason.message { entry.string("Message", message) }
        }
        return DynamoDBResponse(status: failure.status, parts: response.close())
    }

    /// The response of a GetRecords in which some records come a second time.
    ///
    /// - Parameters:
    ///   - budget: The request's budget.
    ///   - choose: Gets the number of records, which is above zero. It returns the places of the
    ///     records that come again, right after the last of them.
    /// - Returns: The changed response; the same response if it has no records.
    /// - Throws: As ``ResponseWriter/reserve(_:)``.
    package func repeatingRecords(
        _ budget: RequestBudget, _ choose: (_ count: Int) -> Range<Int>
    ) throws -> DynamoDBResponse {
        let members = try JSONValue(checking: body, budget).members() ?? []
        guard let records = try members.first(where: { $0.name == "Records" })?.value.elements(),
            !records.isEmpty
        else { return self }
        let again = choose(records.count).clamped(to: 0..<records.count)
        let rest = again.upperBound..<records.count
        let order = Array(0..<again.upperBound) + Array(again) + Array(rest)
        var response = ResponseWriter()
        for member in members where member.name != "Records" {
            response.name(member.name)
            try response.json(member.value.source, budget)
        }
        response.member("Records") { $0.raw("[") }
        for (place, record) in order.enumerated() {
            if place > 0 { response.more { $0.raw(",") } }
            try response.json(records[record].source, budget)
        }
        response.more { $0.raw("]") }
        try response.reserve(budget)
        return DynamoDBResponse(status: status, parts: response.close())
    }
}
