import Foundation
import TestSupport

/// What workers were told is committed, by store and writer.
struct TortureLedger {
    private(set) var groups: [String: [Int: Int64]] = [:]
    private(set) var count = 0
    /// How often something failed that a trouble explains, by its code.
    var compactionCount = 0
    private(set) var failures: [String: Int] = [:]

    mutating func note(_ store: String, _ writer: Int, _ group: Int64) {
        groups[store, default: [:]][writer] = group
        count += 1
    }

    mutating func noteFailure(_ code: String) { failures[code, default: 0] += 1 }

    /// Forgets a store that is gone.
    mutating func forget(_ store: String) { groups[store] = nil }
}

/// A worker of the torture test, a process of its own: see `Tests/TestAgent/TortureWorker.swift`.
final class TortureAgent: SteeredAgent {
    let writer: Int
    private let lines: LinePipe
    /// Whether it said that it has closed its store.
    private(set) var isDone = false
    /// What it died of, if nothing explains it.
    private(set) var complaint: String?

    init(_ store: String, directory: String, writer: Int, seed: UInt64) throws {
        self.writer = writer
        let output = Pipe()
        lines = LinePipe(output)
        try super.init(["torture", store, directory, "\(writer)", "\(seed)"], output: output)
    }

    /// Takes what it has printed until now.
    func drain(_ ledger: inout TortureLedger) {
        for line in lines.available() {
            let words = line.split(separator: " ").map(String.init)
            switch words.first {
            case "ack" where words.count == 4:
                if let writer = Int(words[2]), let group = Int64(words[3]) {
                    ledger.note(words[1], writer, group)
                }
            case "compacted": ledger.compactionCount += 1
            case "failed": ledger.noteFailure(words.last ?? "")
            case "done": isDone = true
            default: complaint = line
            }
        }
    }
}
