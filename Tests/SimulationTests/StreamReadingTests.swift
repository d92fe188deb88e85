import Testing

@testable import Simulation

/// The reading of a change stream in parts.
@Suite("Reading of simulated streams")
struct StreamReadingTests {
    private typealias Place = StreamReading.Place

    private let commits = Array(HandMadeHistory().history.stream[..<2])

    /// The second commit, of which the first change was read alone.
    private func split() -> (first: LoggedCommit, rest: LoggedCommit) {
        var (first, rest) = (commits[1], commits[1])
        first.changes.removeLast()
        rest.changes.removeFirst()
        return (first, rest)
    }

    @Test("A commit that is read in two parts is one")
    func joined() {
        var reading = StreamReading()
        let (first, rest) = split()
        let inside = Place(commit: 2, ordinal: 0)
        let before = reading.add(after: Place(), to: inside, [commits[0], first])
        #expect(before.commits == [commits[0]])
        #expect(before.last == 1)
        #expect(reading.end == inside)
        // Two processes may read the same.
        for _ in 0..<2 {
            let after = reading.add(after: inside, to: Place(commit: 2), [rest])
            #expect(after.after == 1 && after.last == 2)
            #expect(after.commits == [commits[1]])
        }
        #expect(reading.end == Place(commit: 2))
    }

    @Test("A commit whose rest is missing stays in part, and is found")
    func lostRest() {
        var reading = StreamReading()
        let inside = Place(commit: 2, ordinal: 0)
        _ = reading.add(after: Place(), to: inside, [commits[0], split().first])
        var made = HandMadeHistory()
        made.history.parts = [reading.add(after: inside, to: Place(commit: 2), [])]
        #expect(made.rules == [.snapshot])
        made.history.parts = [reading.add(after: inside, to: Place(commit: 2), [split().rest])]
        #expect(made.findings == [])
    }

    @Test("A place within a commit comes before its end")
    func places() {
        let places = [
            Place(commit: 1), Place(commit: 2, ordinal: 0), Place(commit: 2, ordinal: 1),
            Place(commit: 2),
        ]
        #expect(Array(places.reversed()).sorted() == places)
        #expect(places.map(\.wholeCommit) == [1, 1, 1, 2])
    }
}
