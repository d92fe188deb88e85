import ArgumentParser
import Foundation

/// How the durable writes, and what goes with them, are measured.
struct Settings: ParsableArguments, Sendable {
    /// What can be measured alone.
    enum Part: String, CaseIterable, ExpressibleByArgument {
        case writes, reads, streams, tail, recovery
    }

    @OptionGroup var scratch: Scratch
    @Option(help: "How many tasks there are, seven digits at most.")
    var count = 1_000_000
    @Option(help: "How often all sides take their turn.")
    var rounds = 5
    @Option(help: "How long a side writes or reads in a round; several checkpoints fall into it.")
    var seconds = 4.0
    @Option(help: "How long 64 writers write in one go, to see what that does to the size.")
    var minutes = 0.0
    @Option(help: "How often the recovery is measured.")
    var killCount = 3
    @Option(help: "Measure this alone.")
    var only: Part?
    @Option(help: "Let this side alone write, for a profile.")
    var side: Side?
    @Option(
        help: "Bytes after which the data file is written out, beside the default and 0 (never).")
    var writeback: [Int] = []
    @Flag(help: "Small and short, to see whether it works.")
    var quick = false
    @Flag(help: "List the pages that a commit writes, by cause, and measure nothing else.")
    var pages = false
    @Option(help: .hidden) var childStore: String?

    mutating func validate() throws {
        if quick { (count, rounds, seconds, killCount) = (50_000, 3, 0.5, 1) }
        if side != nil { only = .writes }
        guard (1...9_999_999).contains(count), rounds > 0, seconds > 0, killCount > 0 else {
            throw ValidationError("Numbers must be above zero, and tasks have seven digits.")
        }
    }

    func includes(_ part: Part) -> Bool { only.map { $0 == part } ?? true }
}
