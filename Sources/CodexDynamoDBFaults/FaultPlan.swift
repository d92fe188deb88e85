public import CodexCore
internal import FoundationEssentials

/// The faults that a service shows, by rules, from a seed.
///
/// The same seed hits the same requests, if they come in the same order. Each rule has its own
/// count and its own generator. So a rule does not change what other rules hit.
///
/// ```json
/// {
///   "seed": 7,
///   "rules": [
///     {"fault": "throttle", "operations": ["PutItem"], "tables": ["orders"], "rate": 0.1},
///     {"fault": "staleIndex", "milliseconds": 500}
///   ]
/// }
/// ```
public struct FaultPlan: Codable, Sendable, Hashable {
    /// The seed of all choices.
    public var seed: UInt64
    /// The rules, of which several may hit one request.
    ///
    /// All latencies add up. Of several refusals, the first one counts.
    public var rules: [FaultRule]

    /// Creates a plan; the service that gets it checks it.
    ///
    /// - Parameters:
    ///   - seed: The seed of all choices.
    ///   - rules: The rules, 100 at most, of which 8 may have ``Fault/staleIndex(milliseconds:)``.
    public init(seed: UInt64 = 0, rules: [FaultRule]) {
        self.seed = seed
        self.rules = rules
    }

    /// Reads a plan from JSON, and checks it.
    ///
    /// - Parameter json: The JSON, in UTF-8.
    /// - Throws: ``CodexError/Code/invalidArgument`` with the path of a wrong value, such as
    ///   `rules[2].rate`. A member that is not known is wrong, too.
    public init(json: [UInt8]) throws(CodexError) {
        do {
            self = try JSONDecoder().decode(FaultPlan.self, from: Data(json))
        } catch let error as CodexError {
            throw error
        } catch {
            throw CodexError(
                .invalidArgument, "The plan of faults is not JSON.", cause: error)
        }
        try validate()
    }

    /// Reads a plan.
    ///
    /// - Parameter decoder: The decoder.
    /// - Throws: ``CodexError/Code/invalidArgument`` with the path of a wrong value.
    public init(from decoder: any Decoder) throws {
        let members = try PlanMembers(decoder, "an object with rules")
        try members.requireKnown(["seed", "rules"])
        seed = try members.value("seed", UInt64.self, "a whole number from 0") ?? 0
        guard let rules = try members.value("rules", [FaultRule].self, "a list of rules") else {
            throw CodexError.plan(members.path("rules"), "expected a list of rules")
        }
        self.rules = rules
    }
}

extension FaultPlan {
    /// The most rules: each request is compared with all of them.
    static let ruleCountMax = 100
    /// The most rules with past states of indexes, each of which holds up to eight snapshots.
    static let pastStateRuleCountMax = 8

    /// Checks the plan.
    ///
    /// - Throws: ``CodexError/Code/invalidArgument`` with the path of a wrong value.
    func validate() throws(CodexError) {
        guard rules.count <= Self.ruleCountMax else {
            throw .plan("rules", "a plan has at most \(Self.ruleCountMax) rules")
        }
        for (index, rule) in rules.enumerated() { try rule.validate("rules[\(index)]") }
        let pastStates = rules.filter { rule in
            if case .staleIndex = rule.fault { true } else { false }
        }
        guard pastStates.count <= Self.pastStateRuleCountMax else {
            throw .plan(
                "rules", "a plan has at most \(Self.pastStateRuleCountMax) rules with staleIndex")
        }
    }
}
