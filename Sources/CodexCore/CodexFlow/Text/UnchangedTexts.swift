extension CodexFlow {
    /// The texts of a model that have not changed since the model was read.
    ///
    /// Earlier versions had weaker rules of text. What they stored stays valid until it changes, so
    /// that its item can be moved, completed or archived. This is no part of a model's value:
    /// models that differ in it alone are equal.
    struct UnchangedTexts: Sendable, Hashable, CustomStringConvertible {
        /// The texts of a model that was just read.
        static let all = UnchangedTexts(
            line: true, labels: true, criteria: true, content: true)

        /// Whether the title or name is unchanged.
        var line = false
        /// Whether the labels are unchanged.
        var labels = false
        /// Whether the identifiers and texts of the criteria are unchanged.
        var criteria = false
        /// Whether the content of a PRD's version and its hash are unchanged.
        var content = false

        /// Nothing, so that equal models have equal descriptions.
        var description: String { "" }

        static func == (_: Self, _: Self) -> Bool { true }

        func hash(into _: inout Hasher) {}

        /// Notes that a title or name was set.
        mutating func setLine(_ new: String, over old: String) {
            if line, !ByteOrder.equal(new, old) { line = false }
        }

        /// Notes that labels were set.
        mutating func setLabels(_ new: [String], over old: [String]) {
            if labels, !Self.areEqual(new, old) { labels = false }
        }

        /// Notes that criteria were set.
        ///
        /// A criterion that is met, or not any more, has the same text.
        mutating func setCriteria(_ new: [Task.Criterion], over old: [Task.Criterion]) {
            guard criteria else { return }
            criteria =
                Self.areEqual(new.map(\.id), old.map(\.id))
                && Self.areEqual(new.map(\.text), old.map(\.text))
        }

        /// Compares bytes, since Swift's equality of texts takes canonical equivalents for one.
        private static func areEqual(_ new: [String], _ old: [String]) -> Bool {
            new.count == old.count && zip(new, old).allSatisfy { ByteOrder.equal($0, $1) }
        }
    }
}
