public import CodexCore

extension CodexFlow {
    /// The events that a subscription selects: EventBridge's event patterns.
    ///
    /// ```json
    /// {"source": ["codexflow.tasks"], "detail": {"status": [{"anything-but": "backlog"}],
    ///  "number": [{"numeric": [">", 10]}], "assignee": [{"exists": true}]}}
    /// ```
    ///
    /// Each field of a pattern has a list of permitted values, or a nested pattern. All fields must
    /// match. A value is text, a number, `true`, `false`, `null`, or one of the tests `prefix`,
    /// `suffix`, `equals-ignore-case`, `wildcard`, `anything-but`, `numeric`, `exists`. `$or` has
    /// patterns of which one must match. See EventBridge's user guide, "Creating Amazon EventBridge
    /// event patterns".
    ///
    /// A pattern has at most ``CodexFlow/Limits/eventPatternCharacterCountMax`` characters.
    /// Matching an event compares each value of the event with each test of the pattern at most
    /// once. Each comparison is linear in both.
    public struct EventPattern: Sendable, Hashable {
        private let root: Node

        fileprivate indirect enum Node: Sendable, Hashable {
            case all([Member])
            case values(Tests)
        }

        fileprivate enum Member: Sendable, Hashable {
            case field(String, Node)
            case anyOf([Node])
        }

        /// The permitted values of a field; constant time finds one among any number of them.
        fileprivate struct Tests: Sendable, Hashable {
            var values: Set<AttributeValue> = []
            var others: [Test] = []
        }

        fileprivate indirect enum Test: Sendable, Hashable {
            case prefix(String, ignoresCase: Bool)
            case suffix(String, ignoresCase: Bool)
            case equalsIgnoringCase(String)
            case wildcard(Wildcard)
            case anythingBut(Tests)
            case numeric([Bound])
            case exists(Bool)
        }

        fileprivate struct Bound: Sendable, Hashable {
            let comparison: String
            let number: Number
        }

        /// Parses a pattern.
        ///
        /// - Throws: ``CodexError/Code/invalidPattern`` with the error and its place, or for a
        ///   pattern that is too long; ``CodexError/Code/invalidJSON``.
        public init(_ json: String) throws(CodexError) {
            let countMax = CodexFlow.Limits.eventPatternCharacterCountMax
            // A character has at most four bytes.
            guard json.utf8.count <= 4 * countMax, json.unicodeScalars.count <= countMax else {
                throw CodexError(
                    .invalidPattern, "An event pattern has more than \(countMax) characters.")
            }
            root = try Self.pattern(try JSONNode.parse(Array(json.utf8)), "the pattern")
        }

        private init(_ root: Node) { self.root = root }

        /// Creates a pattern that selects all events of the given kinds.
        public static func kinds(_ kinds: CodexFlow.Event.Kind...) -> EventPattern {
            let tests = Tests(values: Set(kinds.map { AttributeValue.string($0.rawValue) }))
            return EventPattern(.all([.field("detail-type", .values(tests))]))
        }

        /// The pattern that selects all events.
        public static let all = EventPattern(.all([]))

        /// Whether the pattern selects an event.
        public func matches(_ event: Event) -> Bool {
            Self.matches(root, .map(event.envelope))
        }

        /// Whether the pattern selects an event in its envelope.
        public func matches(envelope: AttributeMap) -> Bool {
            Self.matches(root, .map(envelope))
        }
    }
}

// MARK: Parsing

extension CodexFlow.EventPattern {
    private static func invalid(_ place: String, _ problem: String) -> CodexError {
        CodexError(.invalidPattern, "Malformed event pattern at \(place): \(problem).")
    }

    private static func pattern(_ node: JSONNode, _ place: String) throws(CodexError) -> Node {
        guard case .object(let members) = node else {
            throw invalid(place, "an object of fields is expected")
        }
        guard !members.isEmpty else { throw invalid(place, "an empty object matches nothing") }
        var parsed: [Member] = []
        for (name, value) in members {
            let path = place == "the pattern" ? name : "\(place).\(name)"
            if name == "$or" {
                parsed.append(.anyOf(try alternatives(value, path)))
                continue
            }
            switch value {
            case .object: parsed.append(.field(name, try pattern(value, path)))
            case .array(let values):
                guard !values.isEmpty else { throw invalid(path, "a list of values is empty") }
                var tests = Tests()
                for node in values {
                    if let value = try scalar(node) {
                        tests.values.insert(value)
                    } else {
                        tests.others.append(try test(node, path))
                    }
                }
                parsed.append(.field(name, .values(tests)))
            default: throw invalid(path, "values stand in a list")
            }
        }
        return .all(parsed)
    }

    private static func alternatives(
        _ node: JSONNode, _ place: String
    ) throws(CodexError) -> [Node] {
        guard case .array(let nodes) = node, nodes.count >= 2 else {
            throw invalid(place, "two patterns or more are expected")
        }
        var parsed: [Node] = []
        for node in nodes { parsed.append(try pattern(node, place)) }
        return parsed
    }

    private static func scalar(_ node: JSONNode) throws(CodexError) -> AttributeValue? {
        switch node {
        case .null: .null
        case .bool(let flag): .bool(flag)
        case .number(let text): .number(try Number(parsing: text))
        case .string(let text): .string(text)
        case .array, .object: nil
        }
    }

    private static func test(_ node: JSONNode, _ place: String) throws(CodexError) -> Test {
        guard case .object(let members) = node, members.count == 1, let member = members.first
        else {
            throw invalid(place, "a value, or an object with one operator, is expected")
        }
        switch (member.name, member.value) {
        case ("prefix", let value): return try affix(value, place) { .prefix($0, ignoresCase: $1) }
        case ("suffix", let value): return try affix(value, place) { .suffix($0, ignoresCase: $1) }
        case ("equals-ignore-case", .string(let text)):
            return .equalsIgnoringCase(text.lowercased())
        case ("wildcard", .string(let text)): return .wildcard(try wildcard(text, place))
        case ("exists", .bool(let flag)): return .exists(flag)
        case ("numeric", .array(let parts)): return .numeric(try bounds(parts, place))
        case ("anything-but", let value): return .anythingBut(try excluded(value, place))
        default:
            throw invalid(place, "the operator is not known, or its operand is of a wrong type")
        }
    }

    private static func affix(
        _ node: JSONNode, _ place: String, _ make: (String, Bool) -> Test
    ) throws(CodexError) -> Test {
        switch node {
        case .string(let text) where !text.isEmpty: return make(text, false)
        case .object(let members):
            guard members.count == 1, let member = members.first,
                member.name == "equals-ignore-case", case .string(let text) = member.value,
                !text.isEmpty
            else { break }
            return make(text.lowercased(), true)
        default: break
        }
        throw invalid(place, "text is expected")
    }

    /// Parses a wildcard; a backslash escapes a star or a backslash.
    private static func wildcard(_ text: String, _ place: String) throws(CodexError) -> Wildcard {
        var pieces: [[UInt8]] = []
        var piece: [UInt8] = []
        var isEscaped = false
        for byte in text.utf8 {
            if isEscaped {
                guard byte == UInt8(ascii: "*") || byte == UInt8(ascii: "\\") else {
                    throw invalid(place, "a backslash stands before a star or another one")
                }
                piece.append(byte)
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "*") {
                guard pieces.isEmpty || !piece.isEmpty else {
                    throw invalid(place, "two stars in a row")
                }
                pieces.append(piece)
                piece = []
            } else {
                piece.append(byte)
            }
        }
        guard !isEscaped else { throw invalid(place, "a backslash stands at the end") }
        return Wildcard(pieces + [piece])
    }

    private static func bounds(
        _ parts: [JSONNode], _ place: String
    ) throws(CodexError) -> [Bound] {
        guard parts.count == 2 || parts.count == 4 else {
            throw invalid(place, "numeric has one comparison or two")
        }
        var bounds: [Bound] = []
        for start in stride(from: 0, to: parts.count, by: 2) {
            guard case .string(let comparison) = parts[start],
                ["=", "<", "<=", ">", ">="].contains(comparison),
                case .number(let text) = parts[start + 1]
            else { throw invalid(place, "numeric has comparisons, each with a number") }
            bounds.append(Bound(comparison: comparison, number: try Number(parsing: text)))
        }
        if bounds.count == 2 {
            guard bounds[0].comparison.hasPrefix(">"), bounds[1].comparison.hasPrefix("<"),
                bounds[0].number < bounds[1].number
            else {
                throw invalid(place, "a numeric range has a lower bound, and then an upper one")
            }
        }
        return bounds
    }

    private static func excluded(_ node: JSONNode, _ place: String) throws(CodexError) -> Tests {
        if let value = try scalar(node) { return Tests(values: [value]) }
        guard case .array(let nodes) = node else {
            let inner = try test(node, place)
            switch inner {
            case .prefix, .suffix, .equalsIgnoringCase, .wildcard: return Tests(others: [inner])
            default: throw invalid(place, "anything-but has values, prefix, suffix or wildcard")
            }
        }
        var tests = Tests()
        for node in nodes {
            guard let value = try scalar(node) else {
                throw invalid(place, "a list of anything-but has values only")
            }
            tests.values.insert(value)
        }
        guard !tests.values.isEmpty else { throw invalid(place, "a list of values is empty") }
        return tests
    }
}

// MARK: Matching

extension CodexFlow.EventPattern {
    private static func matches(_ node: Node, _ value: AttributeValue?) -> Bool {
        switch node {
        case .all(let members):
            // A pattern matches a list if it matches one of the list's objects.
            if case .list(let values)? = value {
                return values.contains { matches(node, $0) }
            }
            return members.allSatisfy { member in
                switch member {
                case .field(let name, let inner): matches(inner, value?.map?[name])
                case .anyOf(let nodes): nodes.contains { matches($0, value) }
                }
            }
        case .values(let tests):
            return passesOne(tests, value)
        }
    }

    /// Whether a value, or one element of a list, passes one of the tests.
    private static func passesOne(_ tests: Tests, _ value: AttributeValue?) -> Bool {
        if let value, isOne(value, of: tests.values) { return true }
        return tests.others.contains { passes($0, value) }
    }

    private static func isOne(_ value: AttributeValue, of values: Set<AttributeValue>) -> Bool {
        guard !values.isEmpty else { return false }
        return switch value {
        case .list(let elements): elements.contains { isOne($0, of: values) }
        case .string, .number, .bool, .null: values.contains(value)
        default: false
        }
    }

    private static func passes(_ test: Test, _ value: AttributeValue?) -> Bool {
        if case .exists(let wanted) = test { return (value != nil) == wanted }
        guard let value else { return false }
        if case .anythingBut(let tests) = test {
            // No element of a list may be among the excluded values.
            let values = value.list ?? [value]
            return values.allSatisfy { !passesOne(tests, $0) }
        }
        if let elements = value.list { return elements.contains { passes(test, $0) } }
        switch test {
        case .prefix(let text, let ignoresCase):
            guard let found = value.string else { return false }
            return ignoresCase
                ? lowercased(found).starts(with: text.utf8)
                : found.utf8.starts(with: text.utf8)
        case .suffix(let text, let ignoresCase):
            guard let found = value.string else { return false }
            return ignoresCase
                ? reversedLowercased(found).starts(with: text.utf8.reversed())
                : found.utf8.reversed().starts(with: text.utf8.reversed())
        case .equalsIgnoringCase(let text):
            return value.string.map { lowercased($0).elementsEqual(text.utf8) } ?? false
        case .wildcard(let pattern):
            var steps = 0
            return value.string.map { pattern.matches(Array($0.utf8), steps: &steps) } ?? false
        case .numeric(let bounds):
            guard let number = value.number else { return false }
            return bounds.allSatisfy { bound in
                switch bound.comparison {
                case "<": number < bound.number
                case "<=": number <= bound.number
                case ">": number > bound.number
                case ">=": number >= bound.number
                default: number == bound.number
                }
            }
        case .anythingBut, .exists: return false
        }
    }

    /// The bytes of the text in lower case, computed only as far as they are compared.
    private static func lowercased(_ text: String) -> some Sequence<UInt8> {
        text.unicodeScalars.lazy.flatMap { $0.properties.lowercaseMapping.utf8 }
    }

    /// The same bytes in reverse order.
    private static func reversedLowercased(_ text: String) -> some Sequence<UInt8> {
        text.unicodeScalars.reversed().lazy
            .flatMap { $0.properties.lowercaseMapping.utf8.reversed() }
    }
}
