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
    /// match. A value is text, a number, `true`, `false` or `null`. A test is one of the operators
    /// `prefix`, `suffix`, `equals-ignore-case`, `wildcard`, `anything-but`, `numeric`, `cidr`,
    /// `exists` and `exactly`. `$or` has patterns of which one must match.
    ///
    /// Patterns mean what they mean to AWS's Event Ruler, the library that EventBridge uses:
    ///
    /// - Lists and tests are about values, not about objects. A list in an event matches if one of
    ///   its elements does. So `anything-but` matches a list that has another element too.
    /// - Fields that a nested pattern tests in a list of objects must be of one object.
    /// - Numbers are compared by value, as far as they have at most 6 decimals and a magnitude of
    ///   at most 5e11. Other numbers are refused in `numeric` and `anything-but`.
    /// - `$or` is the name of a field if no list of two or more patterns follows it.
    ///
    /// See the README of aws/event-ruler, and EventBridge's user guide, "Creating Amazon
    /// EventBridge event patterns". Unlike Event Ruler, a point in a name does not stand for a
    /// nested field. All numbers in a list of values are compared by value. Objects with two equal
    /// names are refused, and so are empty lists in `anything-but`.
    ///
    /// A pattern has at most ``CodexFlow/Limits/eventPatternCharacterCountMax`` characters, and its
    /// `$or` at most ``CodexFlow/Limits/eventPatternCombinationCountMax`` combinations. Matching an
    /// event compares each value of the event with each test of the pattern at most once. Each
    /// comparison is linear in both. An object of the event that has none of the pattern's fields
    /// costs a look at its names; another one also costs a step for each field of the pattern and
    /// each 64 combinations.
    public struct EventPattern: Sendable, Hashable {
        private let fields: EventFields

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
            let node = try JSONNode.parse(Array(json.utf8))
            self.init(try EventPatternParser.parse(node))
        }

        private init(_ branches: EventBranches) { fields = EventFields(branches) }

        /// Creates a pattern that selects all events of the given kinds.
        public static func kinds(_ kinds: CodexFlow.Event.Kind...) -> EventPattern {
            let names = kinds.map { AttributeValue.string($0.rawValue) }
            var branches = EventBranches()
            branches.add(
                PermittedValues(values: Set(names)), at: EventPath(names: ["detail-type"]))
            return EventPattern(branches)
        }

        /// The pattern that selects all events.
        public static let all = EventPattern(EventBranches())

        /// Whether the pattern selects an event.
        public func matches(_ event: Event) -> Bool { matches(envelope: event.envelope) }

        /// Whether the pattern selects an event in its envelope.
        ///
        /// Sets count as lists, and binary values as their base64 text, as in the event's JSON.
        public func matches(envelope: AttributeMap) -> Bool {
            var steps = 0
            return matches(envelope: envelope, steps: &steps)
        }

        /// The same, with the work that it takes.
        func matches(envelope: AttributeMap, steps: inout Int) -> Bool {
            fields.match(envelope, steps: &steps)
        }
    }
}
