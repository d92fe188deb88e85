import Codex
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// Reads the members of a request's JSON, and collects the errors in them.
///
/// The service reads all members before it acts: ``finish()`` throws all errors together.
struct Payload {
    private let members: AttributeMap
    private let prefix: String
    private var known: Set<String> = []
    private(set) var fields: [Failure.Field] = []

    /// Reads the body of a request.
    static func read(
        _ request: Request, _ configuration: Configuration
    ) async throws -> Payload {
        let limit = configuration.bodyByteCountMax
        // A client that sends one byte now and then is not idle, but it would never finish.
        let body = try await within(configuration.bodyTimeout) {
            do {
                return try await request.body.collect(upTo: limit)
            } catch is NIOTooManyBytesError {
                throw Failure(
                    .contentTooLarge, "bodyTooLarge", "A body has \(limit) bytes at most.")
            }
        }
        return Payload(try DynamoDBJSON.item(parsingPlain: Array(body.readableBytesView)))
    }

    init(_ members: AttributeMap, prefix: String = "") {
        self.members = members
        self.prefix = prefix
    }

    /// Whether the request has the member, `null` or not.
    func has(_ name: String) -> Bool { members[name] != nil }

    private mutating func value(_ name: String) -> AttributeValue? {
        known.insert(name)
        let value = members[name]
        return value == .null ? nil : value
    }

    mutating func refuse(_ name: String, _ message: String) {
        fields.append(.init(path: prefix + name, message: message))
    }

    mutating func string(_ name: String) -> String? {
        guard let value = value(name) else { return nil }
        guard let text = value.string else {
            refuse(name, "It is text.")
            return nil
        }
        return text
    }

    mutating func required(_ name: String) -> String {
        if let text = string(name) { return text }
        if !fields.contains(where: { $0.path == prefix + name }) { refuse(name, "It is missing.") }
        return ""
    }

    mutating func identifier<Model>(
        _ name: String, of type: Model.Type = Model.self
    ) -> Identifier<Model>? {
        guard let text = string(name) else { return nil }
        if let id = try? Identifier<Model>(text) { return id }
        refuse(name, "It is an identifier: text without # and control characters.")
        return nil
    }

    mutating func integer(_ name: String) -> Int? {
        guard let value = value(name) else { return nil }
        if let number = value.number?.int64 { return Int(number) }
        refuse(name, "It is a whole number.")
        return nil
    }

    mutating func flag(_ name: String) -> Bool? {
        guard let value = value(name) else { return nil }
        if case .bool(let flag) = value { return flag }
        refuse(name, "It is true or false.")
        return nil
    }

    mutating func day(_ name: String) -> CalendarDay? {
        guard let text = string(name) else { return nil }
        if let day = CalendarDay(text) { return day }
        refuse(name, "It is a day, as 2026-11-25.")
        return nil
    }

    mutating func choice<Choice: StoredChoice>(
        _ name: String, of type: Choice.Type = Choice.self
    ) -> Choice? {
        guard let text = string(name) else { return nil }
        if let choice = Choice(rawValue: text) { return choice }
        let all = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        refuse(name, "It is one of: \(all).")
        return nil
    }

    mutating func strings(_ name: String) -> [String]? {
        guard let value = value(name) else { return nil }
        guard let list = value.list else {
            refuse(name, "It is a list of texts.")
            return nil
        }
        var texts: [String] = []
        for (place, element) in list.enumerated() {
            if let text = element.string {
                texts.append(text)
            } else {
                refuse("\(name)[\(place)]", "It is text.")
            }
        }
        return texts
    }

    /// The elements of a list of objects.
    mutating func objects<Element>(
        _ name: String, _ read: (inout Payload) -> Element
    ) -> [Element]? {
        guard let value = value(name) else { return nil }
        guard let list = value.list else {
            refuse(name, "It is a list of objects.")
            return nil
        }
        var elements: [Element] = []
        for (place, element) in list.enumerated() {
            guard let map = element.map else {
                refuse("\(name)[\(place)]", "It is an object.")
                continue
            }
            var payload = Payload(map, prefix: "\(prefix)\(name)[\(place)].")
            elements.append(read(&payload))
            payload.refuseUnknown()
            fields += payload.fields
        }
        return elements
    }

    private mutating func refuseUnknown() {
        for element in members where !known.contains(element.name) {
            refuse(element.name, "There is no such field.")
        }
    }

    /// Throws if any member is invalid or unknown.
    mutating func finish() throws {
        refuseUnknown()
        guard fields.isEmpty else {
            throw Failure.invalid(fields)
        }
    }
}

/// Runs an operation, and throws if it takes longer than a time limit.
func within<R: Sendable>(
    _ time: Duration, _ body: @escaping @Sendable () async throws -> R
) async throws -> R {
    try await withThrowingTaskGroup(of: R?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await _Concurrency.Task.sleep(for: time)
            return nil
        }
        defer { group.cancelAll() }
        guard let result = try await group.next() ?? nil else {
            throw Failure(
                .requestTimeout, "timeout", "The request took too long to arrive.")
        }
        return result
    }
}
