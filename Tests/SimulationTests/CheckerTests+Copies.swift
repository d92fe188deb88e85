import Testing

@testable import Simulation

/// What copies have beside their items: the schema, the layouts, consumers, and their stream.
extension CheckerTests {
    @Test("A copy that lacks an added index or counter, or has a removed one, is found")
    func schemaOfCopies() {
        for isThere in [true, false] {
            var made = HandMadeHistory()
            made.history.copies[0].newestSteps = 70...80
            #expect(made.findings == [])
            let totals = made.history.scans[0].scan.totals
            made.history.copies[0].scan.byV =
                isThere ? Scan.Part([HandMadeHistory.added]) : nil
            made.history.copies[0].scan.addedTotals = isThere ? totals : nil
            made.history.schemaChanges = [
                Self.change(.index, isThere ? nil : "byV", 62, 64),
                Self.change(.counter, isThere ? nil : "addedPerG", 62, 64),
            ]
            made.history.scans[0].scan.byV = isThere ? nil : Scan.Part([HandMadeHistory.added])
            made.history.scans[0].scan.addedTotals = isThere ? nil : totals
            #expect(made.findings.map(\.rule) == [.copies, .copies])
            // Its state may be of any step.
            made.history.copies[0].newestSteps = nil
            #expect(made.findings == [])
        }
    }

    @Test("A copy whose index has an earlier layout, or none, is found")
    func earlierLayoutOfCopies() {
        var made = HandMadeHistory()
        made.history.schemaChanges = [Self.change(.layout("byG"), "references", 62, 64)]
        made.history.scans[0].scan.layouts?["byG"] = "references"
        #expect(made.findings == [])
        made.history.copies[0].newestSteps = 70...80
        #expect(made.rules == [.copies])
        made.history.copies[0].newestSteps = 50...60
        #expect(made.findings == [])
        made.history.copies[0].scan.layouts = nil
        #expect(made.findings.map(\.rule) == [.copies, .copies])
    }

    @Test("A consumer of a copy that is not where it counted to, or is gone, is found")
    func consumersOfCopies() {
        for place in ["1.1", "2.0", nil] {
            var made = HandMadeHistory()
            made.history.copies[0].scan.consumers =
                place.map { [ConsumerPlace(name: "sum", at: $0)] } ?? []
            #expect(made.rules == [.copies])
        }
    }

    @Test("A copy whose stream begins after its backup is found")
    func lateStreamOfCopies() {
        var made = HandMadeHistory()
        let commits = Array(made.history.stream[2...])
        made.history.copies[0].stream = History.CopiedStream(after: 2, commits: commits)
        made.history.copies[0].streamAfterMax = 2
        #expect(made.findings == [])
        made.history.copies[0].streamAfterMax = 1
        #expect(made.rules == [.copies])
    }
}
