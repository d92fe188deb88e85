/// What a soak did, and what it found.
struct SoakReport: CustomStringConvertible {
    /// How often something was done, or done to the processes.
    private(set) var counts: [String: Int] = [:]
    /// The last group of each writer that is acknowledged.
    var groups: [Int: Int64] = [:]
    var samples = SoakSamples()
    /// What nothing explains.
    private(set) var findings: [String] = []

    mutating func note(_ what: String, _ count: Int = 1) { counts[what, default: 0] += count }

    mutating func find(_ finding: String) { findings.append(finding) }

    func count(_ what: String) -> Int { counts[what] ?? 0 }

    /// Adds the figures that grow to the findings.
    mutating func judgeSamples() { findings += samples.findings }

    var description: String {
        let list = counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        return list.joined(separator: ", ") + "; \(samples.description); \(findings.count) findings"
    }
}
