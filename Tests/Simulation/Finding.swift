/// A fault that a history showed.
package struct Finding: Error, Hashable, Sendable, CustomStringConvertible {
    /// The rule that does not hold.
    package enum Rule: String, Sendable, CaseIterable {
        /// Acknowledged writes are in the stream once, refused ones never, unknown ones at most
        /// once.
        case presence
        /// A write that completed before another began comes before it.
        case order
        /// The stream's images are those of the actions, one commit after the other.
        case replay
        /// A write was refused without a reason.
        case refusal
        /// A read shows a state that it cannot have seen.
        case snapshot
        /// The last state, its indexes, totals or numbers are wrong.
        case finalState
        /// A follower, a restored store or a consumer differs.
        case copies
        /// A process came to no end.
        case hang
        /// A process ended by itself.
        case crash
        /// An error that nothing explains.
        case code
    }

    /// The rule.
    package let rule: Rule
    /// What was found, without numbers that change when a program is shrunk.
    package let kind: String
    /// What was found, with all numbers.
    package let detail: String

    /// Creates a finding.
    package init(_ rule: Rule, _ kind: String, _ detail: String = "") {
        (self.rule, self.kind, self.detail) = (rule, kind, detail)
    }

    /// All of it.
    package var description: String { "\(rule): \(kind)\(detail.isEmpty ? "" : ": \(detail)")" }

    /// Whether another finding is of the same fault, as far as can be told.
    package func isLike(_ other: Finding) -> Bool { rule == other.rule && kind == other.kind }
}
