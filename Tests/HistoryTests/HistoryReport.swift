import Histories

/// What one or several runs did, and what was found.
struct HistoryReport: CustomStringConvertible {
    private(set) var runCount = 0
    private(set) var operationCount = 0
    /// How many operations have an outcome.
    private(set) var outcomes: [String: Int] = [:]
    /// How often something was done to the processes.
    private(set) var troubles: [String: Int] = [:]
    /// The time in which processes worked.
    private(set) var seconds = 0.0
    private(set) var findings: [Finding] = []
    /// What nothing explains, besides findings.
    private(set) var complaints: [String] = []

    init() {}

    init(
        _ history: History, troubles: [String: Int], findings: [Finding], complaints: [String]
    ) {
        runCount = 1
        operationCount = history.operations.count
        for operation in history.operations {
            outcomes[operation.outcome.rawValue, default: 0] += 1
            if let code = operation.code { outcomes[code, default: 0] += 1 }
        }
        (self.troubles, self.findings, self.complaints) = (troubles, findings, complaints)
        let first = history.operations.first?.invoked ?? 0
        let last = history.operations.compactMap(\.completed).max() ?? first
        seconds = Double(last - first) / 1e9
    }

    var isClean: Bool { findings.isEmpty && complaints.isEmpty }

    mutating func add(_ other: HistoryReport) {
        runCount += other.runCount
        operationCount += other.operationCount
        outcomes.merge(other.outcomes, uniquingKeysWith: +)
        troubles.merge(other.troubles, uniquingKeysWith: +)
        seconds += other.seconds
        findings += other.findings
        complaints += other.complaints
    }

    var description: String {
        let rate = seconds > 0 ? Int(Double(operationCount) / seconds) : 0
        return "\(runCount) runs, \(operationCount) operations, \(rate) a second; "
            + "\(list(outcomes)); \(list(troubles)); \(findings.count) findings, "
            + "\(complaints.count) complaints"
    }

    private func list(_ counts: [String: Int]) -> String {
        counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    }
}
