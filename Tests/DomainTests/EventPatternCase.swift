import CodexCore
import CodexWorkspace
import Foundation
import Testing

/// A pattern, an event, and what Event Ruler does with them.
struct EventPatternCase: Sendable, Hashable {
    /// What a pattern does.
    enum Outcome: String, Sendable {
        case matches = "yes"
        case differs = "no"
        case refused
    }

    let pattern: String
    let event: String
    let outcome: Outcome

    /// What this pattern does with the event here.
    func found() throws -> Outcome {
        let pattern: CodexFlow.EventPattern
        do {
            pattern = try CodexFlow.EventPattern(self.pattern)
        } catch {
            guard error.code == .invalidPattern || error.code == .invalidJSON else { throw error }
            return .refused
        }
        let envelope = try DynamoDBJSON.item(parsingPlain: Array(event.utf8))
        return pattern.matches(envelope: envelope) ? .matches : .differs
    }
}

/// Cases of one rule, with the source of the rule.
struct EventPatternGroup: Sendable, CustomTestStringConvertible {
    let title: String
    let cases: [EventPatternCase]

    var testDescription: String { title }

    private init(_ title: String, _ text: String, _ make: ([String]) -> EventPatternCase?) {
        self.title = title
        cases = text.split(separator: "\n").compactMap { line in
            let parts = line.components(separatedBy: " ~ ").map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            let found = make(parts)
            if found == nil { Issue.record("\(title): \(line)") }
            return found
        }
    }

    /// Cases of the field `v`: a list of permitted values without its brackets, a value or `-` for
    /// none, and `yes` or `no`.
    static func values(_ title: String, _ text: String) -> Self {
        Self(title, text) { parts in
            guard parts.count == 3, let outcome = EventPatternCase.Outcome(rawValue: parts[2])
            else { return nil }
            return EventPatternCase(
                pattern: #"{"v":[\#(parts[0])]}"#,
                event: parts[1] == "-" ? "{}" : #"{"v":\#(parts[1])}"#, outcome: outcome)
        }
    }

    /// Cases of whole patterns: a pattern, an event, and `yes` or `no`.
    static func patterns(_ title: String, _ text: String) -> Self {
        Self(title, text) { parts in
            guard parts.count == 3, let outcome = EventPatternCase.Outcome(rawValue: parts[2])
            else { return nil }
            return EventPatternCase(pattern: parts[0], event: parts[1], outcome: outcome)
        }
    }

    /// Cases of the field `v` that are refused: a list of permitted values without its brackets.
    static func refusedValues(_ title: String, _ text: String) -> Self {
        Self(title, text) { parts in
            EventPatternCase(
                pattern: #"{"v":[\#(parts[0])]}"#, event: "{}", outcome: .refused)
        }
    }

    /// Whole patterns that are refused.
    static func refusedPatterns(_ title: String, _ text: String) -> Self {
        Self(title, text) { parts in
            EventPatternCase(pattern: parts[0], event: "{}", outcome: .refused)
        }
    }
}
