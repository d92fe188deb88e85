import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

@testable import CodexDynamoDB

/// A service over a temporary store, and what the tests of statements ask it.
struct PartiQLClient {
    /// The answer to a request.
    struct Answer {
        let object: [String: Any]

        /// The error's type without its namespace; `nil` without an error.
        var error: String? {
            (object["__type"] as? String)?.split(separator: "#").last.map(String.init)
        }

        /// The error's message.
        var message: String { (object["message"] ?? object["Message"]) as? String ?? "" }

        var token: String? { object["NextToken"] as? String }

        /// The items of a list in the answer.
        func items(_ name: String = "Items") throws -> [Item] {
            try (object[name] as? [[String: Any]] ?? []).map(PartiQLClient.item)
        }

        /// The item of a member; `nil` if there is none.
        func item(_ name: String) throws -> Item? {
            try (object[name] as? [String: Any]).map(PartiQLClient.item)
        }

        var responses: [[String: Any]] { object["Responses"] as? [[String: Any]] ?? [] }

        /// The codes of the responses' errors, or of a cancelled transaction; `nil` is no error.
        var codes: [String?] {
            if let reasons = object["CancellationReasons"] as? [[String: Any]] {
                return reasons.map { $0["Code"] as? String }
            }
            return responses.map { ($0["Error"] as? [String: Any])?["Code"] as? String }
        }

        /// The messages of the responses' errors, or of a cancelled transaction.
        var messages: [String?] {
            if let reasons = object["CancellationReasons"] as? [[String: Any]] {
                return reasons.map { $0["Message"] as? String }
            }
            return responses.map { ($0["Error"] as? [String: Any])?["Message"] as? String }
        }

        /// The units of all tables and indexes together.
        var units: Double? { units("CapacityUnits", of: object["ConsumedCapacity"]) }

        private func units(_ name: String, of node: Any?) -> Double? {
            if let list = node as? [[String: Any]] {
                return list.compactMap { $0[name] as? Double }.reduce(0, +)
            }
            return (node as? [String: Any])?[name] as? Double
        }
    }

    let temporary: TemporaryStore
    let service: DynamoDBService

    init(_ schema: Schema, now: @escaping @Sendable () -> Date = { Date() }) throws {
        temporary = try TemporaryStore(schema: schema)
        service = DynamoDBService(temporary.store, now: now)
    }

    var store: Store { temporary.store }

    /// An item in DynamoDB's typed JSON.
    private static func item(_ object: [String: Any]) throws -> Item {
        try DynamoDBJSON.item(
            parsing: Array(try JSONSerialization.data(withJSONObject: ["Item": object])))
    }

    func ask(
        _ operation: String, _ body: String, _ budget: RequestBudget = RequestBudget()
    ) async throws -> Answer {
        let answer = await service.response(
            target: "DynamoDB_20120810." + operation, body: Array(body.utf8), budget: budget)
        let object = try JSONSerialization.jsonObject(with: Data(answer.body))
        return Answer(object: try #require(object as? [String: Any]))
    }

    /// A statement as the JSON of a request has it; `more` is further members.
    static func json(
        _ text: String, _ parameters: [AttributeValue] = [], _ more: String = ""
    ) -> String {
        var writer = JSONWriter()
        writer.raw("{\"Statement\":")
        writer.string(text)
        if !parameters.isEmpty {
            writer.raw(",\"Parameters\":[")
            for (place, parameter) in parameters.enumerated() {
                if place > 0 { writer.raw(",") }
                writer.typed(parameter)
            }
            writer.raw("]")
        }
        writer.raw(more.isEmpty ? "}" : "," + more + "}")
        return writer.text
    }

    func execute(
        _ text: String, _ parameters: [AttributeValue] = [], _ more: String = ""
    ) async throws -> Answer {
        try await ask("ExecuteStatement", Self.json(text, parameters, more))
    }

    /// A list of statements, each as JSON.
    func list(
        _ operation: String, _ statements: [String], _ more: String = ""
    ) async throws -> Answer {
        let name = operation == "ExecuteTransaction" ? "TransactStatements" : "Statements"
        let list = statements.joined(separator: ",")
        return try await ask(
            operation, "{\"\(name)\":[\(list)]" + (more.isEmpty ? "}" : "," + more + "}"))
    }

    func batch(_ statements: [String], _ more: String = "") async throws -> Answer {
        try await list("BatchExecuteStatement", statements.map { Self.json($0) }, more)
    }

    func transaction(_ statements: [String], _ more: String = "") async throws -> Answer {
        try await list("ExecuteTransaction", statements.map { Self.json($0) }, more)
    }

    /// All items of a SELECT, page by page.
    ///
    /// - Parameters:
    ///   - text: The statement.
    ///   - parameters: Its parameters.
    ///   - limit: The limit of each page, if any.
    ///   - first: The first page, if it was read already.
    /// - Returns: The items in their order.
    /// - Throws: An error for a page that is one.
    func all(
        _ text: String, _ parameters: [AttributeValue] = [], limit: Int? = nil,
        from first: Answer? = nil
    ) async throws -> [Item] {
        func page(_ token: String?) async throws -> Answer {
            var more = limit.map { ["\"Limit\":\($0)"] } ?? []
            if let token { more.append("\"NextToken\":\"\(token)\"") }
            return try await execute(text, parameters, more.joined(separator: ","))
        }
        var items: [Item] = []
        var next = first
        if next == nil { next = try await page(nil) }
        while let answer = next {
            try #require(answer.error == nil, "\(text): \(answer.message)")
            items += try answer.items()
            next = nil
            if let token = answer.token { next = try await page(token) }
        }
        return items
    }

    func put(_ items: [Item], in table: String = "ttt") async throws {
        try await store.write { transaction in
            for item in items { try transaction.put(item, in: table) }
        }
    }

    /// All items of a table, by their text.
    func stored(_ table: String = "ttt") async throws -> [String] {
        let answer = try await ask("Scan", #"{"TableName":"\#(table)"}"#)
        return try answer.items().map(DynamoDBJSON.text).sorted()
    }
}
