internal import CodexCore

/// The members of a JSON object in a plan of faults.
///
/// Its errors name the path of the wrong value.
struct PlanMembers {
    /// The name of a member.
    struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(_ name: String) { stringValue = name }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { return nil }
    }

    private let container: KeyedDecodingContainer<Name>

    /// Reads an object.
    ///
    /// - Parameters:
    ///   - decoder: The decoder.
    ///   - expected: A description of the object, for an error.
    /// - Throws: ``CodexError/Code/invalidArgument``.
    init(_ decoder: any Decoder, _ expected: String) throws {
        do {
            container = try decoder.container(keyedBy: Name.self)
        } catch is DecodingError {
            throw CodexError.plan(Self.path(decoder.codingPath), "expected \(expected)")
        }
    }

    /// Refuses members with other names.
    ///
    /// - Throws: ``CodexError/Code/invalidArgument``.
    func requireKnown(_ names: [String]) throws {
        let others = container.allKeys.map(\.stringValue).filter { !names.contains($0) }
        guard let other = others.min() else { return }
        throw CodexError.plan(
            path(other.abbreviated()),
            "the member is not known here; known are \(names.joined(separator: ", "))")
    }

    /// The value of a member; `nil` if it is missing.
    ///
    /// - Parameters:
    ///   - name: The member's name.
    ///   - type: The type of the value.
    ///   - expected: A description of the value, for an error.
    /// - Returns: The value.
    /// - Throws: ``CodexError/Code/invalidArgument``.
    func value<Value: Decodable>(
        _ name: String, _ type: Value.Type, _ expected: String
    ) throws -> Value? {
        do {
            return try container.decodeIfPresent(type, forKey: Name(name))
        } catch let error as CodexError {
            throw error
        } catch {
            // Foundation throws private errors for numbers out of range.
            throw CodexError.plan(path(name), "expected \(expected)")
        }
    }

    /// The path of a member.
    func path(_ name: String) -> String { Self.path(container.codingPath + [Name(name)]) }

    /// A path such as `rules[2].rate`.
    static func path(_ keys: [any CodingKey]) -> String {
        keys.reduce("") { path, key in
            if let index = key.intValue { return "\(path)[\(index)]" }
            return path.isEmpty ? key.stringValue : "\(path).\(key.stringValue)"
        }
    }
}

extension CodexError {
    /// The error of a plan of faults with a wrong value.
    ///
    /// - Parameters:
    ///   - path: The path of the value; empty for the whole plan.
    ///   - problem: The problem.
    /// - Returns: The error.
    static func plan(_ path: String, _ problem: String) -> CodexError {
        CodexError(
            .invalidArgument,
            "The plan of faults is wrong\(path.isEmpty ? "" : " at \(path)"): \(problem).")
    }
}
