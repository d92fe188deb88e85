import CodexCore
import CodexStore
import Testing

@testable import codexflow

/// What operators are told of a store's events.
@Suite("codexflow, events")
struct StoreReportTests {
    private static let recovery: RecoveryReport = {
        var report = RecoveryReport()
        (report.commitCount, report.changeCount) = (3, 5)
        report.foundTornRecord = true
        return report
    }()

    /// Events with what their line has.
    private static let told: [(event: StoreEvent, parts: [String])] = [
        (.longReader(processID: 17, duration: .seconds(30)), ["process 17", "30.0 s", "grows"]),
        (.recovery(recovery), ["3 commits", "5 changes", "not whole"]),
        (
            .checkpointFailed(code: .inputOutput, message: "The disk failed."),
            ["checkpoint failed", "The disk failed.", "[inputOutput]"]
        ),
        (
            .logFlushFailed(code: .outcomeUnknown, message: "The disk failed."),
            ["could not be flushed", "The disk failed.", "[outcomeUnknown]"]
        ),
        (
            .buildFailed(
                table: "t", name: "i", code: .indexNotReady, message: "It failed.",
                retryDelay: .milliseconds(50)),
            ["building t.i failed", "It failed.", "[indexNotReady]", "again in 50.0 ms"]
        ),
        (
            .buildFailed(
                table: nil, name: nil, code: .inputOutput, message: "It failed.", retryDelay: nil),
            ["building failed", "not tried again"]
        ),
        (.valuesDamaged(table: "t", count: 2), ["table t has 2 damaged values", "verify"]),
        (.eventsDropped(count: 7), ["7 events"]),
        (.directoryMoved(path: "/a/b"), ["/a/b", "moved or removed"]),
        (.historyShed(through: 9, readers: ["archived", "c"]), ["commit 9", "archived, c"]),
        (.historyShed(through: 9, readers: []), ["commit 9"]),
        (.clockJumped(by: .seconds(3600)), ["forward by 3600.0 s", "correct it"]),
        (.clockJumped(by: .seconds(-60)), ["back by 60.0 s", "behind the log"]),
        (.entityUnchecked("note"), ["entity note", "declare its fields"]),
        (.schemaWarning("Entities a and b collide."), ["mistake", "Entities a and b collide."]),
    ]

    @Test("Each event that an operator must know has a line that names it")
    func lines() throws {
        for (event, parts) in Self.told {
            let line = try #require(event.report)
            #expect(parts.allSatisfy { line.contains($0) }, "\(line)")
            #expect(line.printable() == line)
        }
    }

    @Test("What is usual has none")
    func usual() {
        let usual: [StoreEvent] = [
            .slowCommit(duration: .seconds(1), changeCount: 1),
            .growth(byteCount: 1, fileByteCount: 2), .checkpoint(duration: .zero, sequence: 3),
        ]
        #expect(usual.allSatisfy { $0.report == nil })
    }

    @Test("Names and paths neither begin a line nor steer a terminal")
    func control() {
        let text = "a\nb\r\u{1B}[2Kc\u{85}d\u{2028}e\u{202E}f\u{0}"
        let mark = "\u{FFFD}"
        #expect(
            text.printable()
                == "a\(mark)b\(mark)\(mark)[2Kc\(mark)d\(mark)e\(mark)f\(mark)")
        #expect("µs, é and 日".printable() == "µs, é and 日")
    }
}
